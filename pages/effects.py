"""Effects: the robust effect of a perturbation in a group, beside the plain means."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import effects_chart, effects_files, effects_view, estimates  # noqa: E402
from gvci.app.text import italic, literal  # noqa: E402
from pages.parts.effect_question import can_be_estimated, controls, go_on  # noqa: E402
from pages.parts.exhibits import chart, columns, export  # noqa: E402
from pages.parts.marked_gene import card, find_box, marked, picked, ranked  # noqa: E402


def plot(found, gene, fdr):
    """The volcano; without any p the forest stands in its place."""
    with_p = found.table.loc[found.table["p"].notna(), "gene"].tolist()
    if not with_p:
        st.caption("Without an interval there is no p, and so no volcano.")
        first_genes(found, gene)
        return
    key = f"volcano_{st.session_state.get('_effects_drawn', 0)}"
    chart(
        effects_chart.volcano(found, fdr, gene, session.colours()), key,
        effects_chart.volcano_alt(found, fdr), on_select=lambda: picked(key, with_p),
        selection_mode="points",
    )  # fmt: skip


def forest(rows, found, key, what):
    """A line per gene or group."""
    figure = effects_chart.forest(rows, found.unit, session.colours())
    chart(figure, key, effects_chart.forest_alt(rows, what))


def first_genes(found, gene):
    """The forest of genes."""
    marks = effects_view.MARKS if found.identifiable else ""
    st.caption(marks + effects_view.PLUG_IN)
    rows = effects_chart.of_genes(found, gene)
    forest(rows, found, "forest_chart", "genes in the table's order")


def everywhere(run, found, gene):
    """The marked gene in every group; returns the table and the rows that are drawn."""
    asked = found.asked
    st.subheader(f"{italic(gene)} in every group", anchor=False)
    st.caption(f"The same perturbation; {effects_view.PLUG_IN}")
    if not go_on(run, asked, "groups"):
        return None, None
    words = (asked.perturbation, asked.latent, asked.bands)
    with st.spinner("Estimating in every group …"):
        table = session.shared(
            "effects in groups", run, words, lambda: estimates.in_groups(run, asked)
        )
    rows = effects_chart.of_groups(table, gene, asked.bands, asked.group)
    forest(rows, found, "groups_chart", f"{gene} in every group")
    st.dataframe(
        effects_view.group_rows(table, gene, asked.bands), hide_index=True,
        column_config=columns(effects_view.GROUP_COLUMNS),
        alt=f"{gene} in every group: robust effect, interval, plain difference and cells.",
    )  # fmt: skip
    return table, rows


def said(run, found, fdr):
    """Badge, claim, numbers of cells, and what could be asked instead."""
    badge = effects_view.badge(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(badge.words, icon=badge.icon, color=badge.colour)
        st.markdown(f"**{literal(effects_view.claim(found, fdr))}**", width="content")
        with st.popover("What is a robust effect?", type="tertiary", width="content"):
            st.markdown("\n\n".join(effects_view.HOW))
    st.caption(" ".join(map(literal, [effects_view.cells(found), *effects_view.notes(found)])))
    if not found.identifiable:
        can_be_estimated(run, found.asked)


def show(frame, asked, fdr):
    """The estimate: volcano, card and table; below it the first genes and every group."""
    run = frame.run
    with st.spinner("Estimating …"):
        found = session.shared("effects", run, asked, lambda: estimates.estimate(run, asked))
    gene = marked(found)
    said(run, found, fdr)
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        head, box = st.columns([1.5, 1], vertical_alignment="center")
        head.subheader(literal(f"{asked.perturbation} in {asked.group}"), anchor=False)
        find_box(found, box)
        plot(found, gene, fdr)
    with right:
        card(frame, found, gene, fdr)
        ranked(found, gene)
    below = st.container()
    if found.table["p"].notna().any():
        left, below = st.columns(2, gap="medium")
        with left:
            st.subheader("The first genes", anchor=False)
            first_genes(found, gene)
    with below:
        table, rows = everywhere(run, found, gene)
    export(frame, effects_files.downloads(run, found, fdr, gene, table, rows))


with session.page("Effects", needs_model=True) as frame:
    asked, fdr = controls(frame.run)
    if go_on(frame.run, asked, "pair"):
        show(frame, asked, fdr)
