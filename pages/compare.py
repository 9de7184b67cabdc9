"""Compare: models beside simple baselines and the noise ceiling, the verdict in words."""

import hashlib

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import (  # noqa: E402
    boards,
    compare_chart,
    compare_files,
    compare_view,
    curves_view,
    their_file,
)
from gvci.app.text import literal  # noqa: E402

VIEWS = ("Scores", "Training curves")
STILL = {"displayModeBar": False}


def given_file(run):
    """The file that was given and its name in the table; None without one."""
    with st.popover("Score a predicted h5ad", icon=":material/upload_file:", type="tertiary"):
        st.caption(literal(their_file.needs(run), 800))
        file = st.file_uploader("Predicted cells", their_file.TYPES, key="predicted_cells")
        if file is None:
            return None
        # A key of its own for every file: another file does not inherit the name.
        name = st.text_input(
            "Its name in the table", their_file.default_name(file.name), max_chars=40,
            key=f"their_name_{file.file_id}",
        )  # fmt: skip
        return file, name


def scored_file(run, split, file, name):
    """Its scores beside ours; they live in this session only. None where it is refused."""
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()

    def score():
        with st.status("Scoring your file beside ours and the baselines …") as status:
            answer = their_file.score(run, file.name, content, name, split, status.write)
            status.update(label="Your file is scored", state="complete")
        return answer

    with session.faults(stop=False):
        key = f"{digest}{file.name}{name}{split}{run.fingerprint}"
        answer = session.kept("their_file", key, score)
        with st.expander("How your file was matched", icon=":material/rule:", expanded=True):
            for line in their_file.report(answer):
                st.caption(literal(line, 600))
            st.caption("These rows are not kept and not in the link.")
        return answer
    return None


def of_run(frame, split, line):
    """The board of the open run, with an uploaded file in it; None where nothing is scored."""
    run = frame.run
    with frame.actions:
        given = given_file(run)
    answer = scored_file(run, split, *given) if given is not None else None
    if answer is not None:
        return boards.of_answer(run, answer, given[1])
    missing = boards.lacking(run, split) if split in boards.scored_splits(run) else []
    fresh = bool(missing) and line.toggle(
        "Score again, with every score", key="fresh", bind="query-params",
        help="An older version wrote these scores, without " + ", ".join(missing) + ".",
    )  # fmt: skip
    if split in boards.scored_splits(run) and not fresh:
        return boards.of_answer(run, run.scores[split])
    with st.spinner(f"Scoring {boards.SPLITS[split].lower()} …"):
        again = session.shared("scores", run, split, lambda: boards.score_or_refuse(run, split))
    if isinstance(again, str):
        st.info(f"**Nothing to compare here.** {literal(again, 800)}", icon=":material/block:")
        return None
    return boards.of_answer(run, again)


def table_and_figure(frame, board, score, run):
    """Table 1, the same scores drawn, and the files."""
    colours, known = session.colours(), compare_view.known(board)
    default = [one for one in dict.fromkeys([score, *compare_view.DEFAULT]) if one in known]
    for query in session.link.linked_list("scores", default, lambda q: q if q in known else None):
        st.warning(f"The score '{literal(query, 60)}' of the link is not in this table.")
    session.link.follow("scores", default)
    session.link.keep_known("scores", known, default)
    labels = compare_view.order(board, score)
    scores = st.multiselect(
        "Scores", known, key="scores", format_func=compare_view.title,
        max_selections=compare_view.MOST_SCORES, placeholder="Choose scores",
        label_visibility="collapsed",
    )  # fmt: skip
    session.link.publish("scores", scores, default)
    shown = compare_view.rows(board, labels, scores)
    right = {
        compare_view.title(one): st.column_config.TextColumn(alignment="right") for one in scores
    }
    st.dataframe(
        compare_view.styled(board, shown, colours), hide_index=True, key="table1",
        height=35 * (len(shown) + 1) + 3, column_config=right,
        alt=f"Models and scores, best first on {compare_view.title(score)}.",
    )  # fmt: skip
    st.caption(literal(compare_view.caption(board, scores), 800))
    for note in board.notes:
        st.caption(f":material/info: {literal(note.replace('`', ''), 900)}")
    if scores:
        st.subheader("Same scores, drawn", anchor=False)
        st.caption(
            ":orange[○] trained model, :gray[■] simple baseline, :blue[┃] noise ceiling; line or "
            "band: 95 % bootstrap interval over pairs; ticks: single pairs where there are few. "
            f"The first {compare_chart.MOST_FACETS} scores."
        )
        st.plotly_chart(
            compare_chart.figure(board, labels, scores, colours), theme=None, config=STILL,
            key="facets", alt=compare_chart.alt(board, labels, scores),
        )  # fmt: skip
    if board.about.get("command"):
        st.caption("Made by")
        st.code(board.about["command"], language=None)
    elif run is not None:
        st.caption("The same on the command line")
        st.code(f"python -m gvci evaluate RUN --split {board.about['split']}", language=None)
    export(frame, compare_files.downloads(run, board, labels, scores, score))


def export(frame, files):
    """The download buttons."""
    with frame.actions.popover("Export", icon=":material/download:"):
        for file in files:
            st.download_button(
                file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
            )


def choose(place, label, name, options, first=0, **more):
    """A choice that is in the URL as it stands on the page."""
    session.link.unknown_in_url(name, options, label)
    return place.selectbox(label, options, first, key=name, bind="query-params", **more)


def judged_by(place, known):
    """The score that decides."""
    titles = [compare_view.title(score) for score in known]
    first = known.index("r2_de") if "r2_de" in known else 0
    return compare_view.score_of(choose(place, "Judged on", "score", titles, first))


def scores(frame, source, places):
    """The view of scores."""
    words, choices, _ = places
    if source == boards.THIS_RUN:
        split = choose(choices, "Split", "split", list(boards.SPLITS.values()))
        board, run = of_run(frame, boards.split_of(split), places[2]), frame.run
        if board is None:
            return
        score = judged_by(choices, compare_view.known(board))
    else:
        table, run = boards.read(source), None
        problem = choose(choices, "Held out", "problem", boards.problems(table))
        score = judged_by(choices, boards.known_scores(table))
        ways = choices.toggle(
            "Every readout", key="ways", bind="query-params",
            help="How cells are predicted. Else our model's own way, and of each rival the better "
            "one on the score that decides.",
        )  # fmt: skip
        board = boards.of_benchmark(table, problem, score, ways)
    with words:
        other = "A benchmark, not of the open run: "
        st.caption(literal(f"{board.title}: {run.name}" if run else other + board.title))
        badge = " :orange-badge[Simulated]" if board.simulated else ""
        st.markdown(f"**{literal(compare_view.claim(board, score))}**{badge}")
        st.markdown(literal(" ".join(compare_view.sentences(board, score)), 1500))
    table_and_figure(frame, board, score, run)


def curves(frame, places):
    """The view of training curves, figure 6a."""
    known = boards.titles("fig6a")
    if not known:
        st.info(curves_view.NO_CURVES, icon=":material/show_chart:")
        st.code(curves_view.COMMAND, language=None)
        return
    words, choices, _ = places
    chosen = choose(choices, "Benchmark", "curves", list(known))
    name = choose(choices, "Judged on", "curve", list(curves_view.SCORES))
    table, score = boards.read(chosen), curves_view.SCORES[name]
    with words:
        st.caption(literal(known[chosen]))
        first, *rest = curves_view.sentences(table, score)
        badge = " :orange-badge[Simulated]" if table.attrs.get("simulated") else ""
        st.markdown(f"**{literal(first)}**{badge}")
        st.markdown(literal(" ".join(rest)))
        st.caption("Over the last quarter of the epochs. Held-out pairs are looked at after every "
                   "epoch and choose nothing; all networks train equally long.")  # fmt: skip
    st.plotly_chart(
        curves_view.figure(table, score, session.colours()), theme=None, config=STILL,
        key="curves_chart", alt=curves_view.alt(table, score),
    )  # fmt: skip
    st.caption("Line: mean over pairs and seeds; band: sd over seeds.")
    st.dataframe(
        curves_view.rows(table), hide_index=True, alt="R² of each network after some epochs."
    )
    if table.attrs.get("about"):
        st.caption(f":material/info: {literal(table.attrs['about'].replace('`', ''), 900)}")
    st.code(table.attrs.get("command", ""), language=None)
    export(frame, curves_view.downloads(table, score))


with session.page("Compare", needs_model=True) as frame:
    line = st.container(horizontal=True, vertical_alignment="center")
    session.link.unknown_in_url("view", VIEWS, "The view")
    view = line.segmented_control(
        "View", VIEWS, default=VIEWS[0], required=True, key="view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    source = boards.THIS_RUN
    if view == VIEWS[0]:
        known = [boards.THIS_RUN, *boards.titles("table1")]
        source = choose(
            line, "Table of scores", "table", known, label_visibility="collapsed", width=300
        )
    card = st.container(border=True)
    places = (*card.columns([2.6, 1], gap="large", vertical_alignment="center"), line)
    if view == VIEWS[0]:
        scores(frame, source, places)
    else:
        curves(frame, places)
