"""The view of training curves, figure 6a."""

import streamlit as st

from gvci.app import boards, curves_view, session
from gvci.app.text import literal
from pages.parts.choices import choose
from pages.parts.exhibits import chart, export
from pages.parts.score_table import notice

WHEN = (
    "Over the last quarter of the epochs. Held-out pairs are looked at after every epoch and "
    "choose nothing; all networks train equally long."
)


def curves(frame, words, choices):
    """Networks against each other by epoch, of a benchmark that is chosen."""
    known = boards.titles("fig6a")
    if not known:
        st.info(curves_view.NO_CURVES, icon=":material/show_chart:")
        st.code(curves_view.COMMAND, language=None)
        return
    chosen = choose(choices, "Benchmark", "curves", list(known))
    name = choose(choices, "Judged on", "curve", list(curves_view.SCORES))
    table, score = boards.read(chosen), curves_view.SCORES[name]
    with words:
        st.caption(literal(known[chosen]))
        first, *rest = curves_view.sentences(table, score)
        st.markdown(curves_view.heading(table, first))
        st.markdown(literal(" ".join(rest)))
        st.caption(WHEN)
    figure = curves_view.figure(table, score, session.colours())
    chart(figure, "curves_chart", curves_view.alt(table, score))
    st.caption("Line: mean over pairs and seeds; band: sd over seeds.")
    st.dataframe(
        curves_view.rows(table), hide_index=True, alt="R² of each network after some epochs."
    )
    if table.attrs.get("about"):
        notice(table.attrs["about"])
    st.code(table.attrs.get("command", ""), language=None)
    export(frame, curves_view.downloads(table, score))
