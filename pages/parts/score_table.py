"""Table 1, the same scores drawn, and the files."""

import streamlit as st

from gvci.app import compare_chart, compare_files, compare_view, session
from gvci.app.text import literal
from pages.parts.exhibits import chart, export

DRAWN = (
    ":orange[○] trained model, :gray[■] simple baseline, :blue[┃] noise ceiling; line or "
    "band: 95 % bootstrap interval over pairs; ticks: single pairs where there are few. "
    f"The first {compare_chart.MOST_FACETS} scores."
)


def table_and_figure(frame, board, score, run):
    """A board ranked by a score; `run` is None where it is of a benchmark."""
    labels, scores = compare_view.order(board, score), _scores(board, score)
    shown = compare_view.rows(board, labels, scores)
    right = {
        compare_view.title(one): st.column_config.TextColumn(alignment="right") for one in scores
    }
    st.dataframe(
        compare_view.styled(board, shown, session.colours()), hide_index=True, key="table1",
        height="content", column_config=right,
        alt=f"Models and scores, best first on {compare_view.title(score)}.",
    )  # fmt: skip
    st.caption(literal(compare_view.caption(board, scores), 800))
    for note in board.notes:
        notice(note)
    if scores:
        st.subheader("Same scores, drawn", anchor=False)
        st.caption(DRAWN)
        chart(
            compare_chart.figure(board, labels, scores, session.colours()), "facets",
            compare_chart.alt(board, labels, scores),
        )  # fmt: skip
    made = compare_view.command(board)
    if made is not None:
        st.caption(made[0])
        st.code(made[1], language=None)
    export(frame, compare_files.downloads(run, board, labels, scores, score))


def notice(words):
    """What else is to be known of a table."""
    st.caption(f":material/info: {literal(words.replace('`', ''), 900)}")


def _scores(board, score):
    """The columns: of the link, else the usual ones."""
    known, default = compare_view.known(board), compare_view.shown_first(board, score)
    link = session.link
    for query in link.linked_list("scores", default, lambda q: q if q in known else None):
        st.warning(f"The score '{literal(query, 60)}' of the link is not in this table.")
    link.follow("scores", default)
    link.keep_known("scores", known, default)
    scores = st.multiselect(
        "Scores", known, key="scores", format_func=compare_view.title,
        max_selections=compare_view.MOST_SCORES, placeholder="Choose scores",
        label_visibility="collapsed",
    )  # fmt: skip
    link.publish("scores", scores, default)
    return scores
