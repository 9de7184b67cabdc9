"""Compare: models beside simple baselines and the noise ceiling, the verdict in words."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import boards, compare_view  # noqa: E402
from gvci.app.text import literal  # noqa: E402
from pages.parts import choices  # noqa: E402
from pages.parts.choices import choose  # noqa: E402
from pages.parts.score_table import table_and_figure  # noqa: E402
from pages.parts.scored_file import given_file, scored_file  # noqa: E402
from pages.parts.training_curves import curves  # noqa: E402

VIEWS = ("Scores", "Training curves")


def of_run(frame, split, line):
    """The board of the open run, with an uploaded file in it; None where nothing is scored."""
    run = frame.run
    with frame.actions:
        given = given_file(run)
    answer = scored_file(run, split, *given) if given is not None else None
    if answer is not None:
        return boards.of_answer(run, answer, given[1])
    scored = split in boards.scored_splits(run)
    missing = boards.lacking(run, split) if scored else []
    fresh = bool(missing) and line.toggle(
        "Score again, with every score", key="fresh", bind="query-params",
        help="An older version wrote these scores, without " + ", ".join(missing) + ".",
    )  # fmt: skip
    if scored and not fresh:
        return boards.of_answer(run, run.scores[split])
    with st.spinner(f"Scoring {boards.SPLITS[split].lower()} …"):
        again = session.shared("scores", run, split, lambda: boards.score_or_refuse(run, split))
    if isinstance(again, str):
        st.info(f"**Nothing to compare here.** {literal(again, 800)}", icon=":material/block:")
        return None
    return boards.of_answer(run, again)


def of_benchmark(source, place):
    """The board of a finished table, and the score that decides."""
    table = boards.read(source)
    problem = choose(place, "Held out", "problem", boards.problems(table))
    score = judged_by(place, boards.known_scores(table))
    ways = place.toggle(
        "Every readout", key="ways", bind="query-params",
        help="How cells are predicted. Else our model's own way, and of each rival the better "
        "one on the score that decides.",
    )  # fmt: skip
    return boards.of_benchmark(table, problem, score, ways), score


def judged_by(place, known):
    """The score that decides."""
    titles = [compare_view.title(score) for score in known]
    first = known.index("r2_de") if "r2_de" in known else 0
    return compare_view.score_of(choose(place, "Judged on", "score", titles, first))


def scores(frame, source, line, words, place):
    """The view of scores."""
    run = None
    if source == boards.THIS_RUN:
        run = frame.run
        split = choose(place, "Split", "split", list(boards.SPLITS.values()))
        board = of_run(frame, boards.split_of(split), line)
        if board is None:
            return
        score = judged_by(place, compare_view.known(board))
    else:
        board, score = of_benchmark(source, place)
    with words:
        other = "A benchmark, not of the open run: "
        st.caption(literal(f"{board.title}: {run.name}" if run else other + board.title))
        st.markdown(compare_view.heading(board, score))
        st.markdown(literal(" ".join(compare_view.sentences(board, score)), 1500))
    table_and_figure(frame, board, score, run)


with session.page("Compare", needs_model=True) as frame:
    line = st.container(horizontal=True, vertical_alignment="center")
    view = choices.view(line, "View", "show", VIEWS, "The view")
    if view == VIEWS[0]:
        known = [boards.THIS_RUN, *boards.titles("table1")]
        source = choose(
            line, "Table of scores", "table", known, label_visibility="collapsed", width=300
        )
    card = st.container(border=True)
    words, place = card.columns([2.6, 1], gap="large", vertical_alignment="center")
    if view == VIEWS[0]:
        scores(frame, source, line, words, place)
    else:
        curves(frame, words, place)
