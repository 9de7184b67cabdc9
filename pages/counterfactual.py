"""Counterfactual: choose cells and a perturbation; predicted beside control and measured."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import answer_files, answer_view, gene_rows, model_view  # noqa: E402
from pages.parts.answers import distributions, means, predicted, said, too_many  # noqa: E402
from pages.parts.cell_story import story_of_a_cell  # noqa: E402
from pages.parts.comparing import compare_bar, side_by_side  # noqa: E402
from pages.parts.exhibits import export  # noqa: E402
from pages.parts.gene_choice import head_with_box, linked_genes, tickable  # noqa: E402
from pages.parts.scenario_card import controls  # noqa: E402


def gene_table(run, answer, colours):
    """Genes by predicted change; returns the ticked ones."""
    default = answer_view.first_genes(answer)
    linked_genes(answer, default)
    head_with_box("Genes by predicted change", run, answer, [1.3, 1])
    genes = st.session_state["genes"]
    rows = gene_rows.listed(answer, genes)
    st.caption(answer_view.table_caption(answer))
    names = [str(gene) for gene in rows["gene"]]
    shown = session.shared(
        "gene rows", run, (answer.scenario, names, colours.name),
        lambda: gene_rows.shown(rows, colours, answer.measured is not None),
    )  # fmt: skip
    picture = shown.columns[1]
    alt = "Genes with predicted, measured and baseline change."
    columns = {picture: st.column_config.ImageColumn(picture, width=112)}
    tickable("genes_table", shown, names, 452, alt, **columns)
    session.link.publish("genes", genes, default)
    return genes


def one_scenario(run, answer, colours):
    """The group of cells; returns the files."""
    left, right = st.columns([1, 1.22], gap="medium")
    with left:
        genes = gene_table(run, answer, colours)
    with right:
        style = distributions(run, answer, genes, colours)
    means(run, answer, colours)
    return answer_files.downloads(run, answer, genes, style)


with session.page("Counterfactual", needs_model=True) as frame:
    run, colours = frame.run, session.colours()
    asked = controls(run)
    if compare_bar(run, asked, frame.actions):
        with st.spinner("Predicting …"):
            files = side_by_side(run, colours)
    else:
        with st.spinner("Predicting …"):
            answer = predicted(run, asked)
        said(run, answer)
        too_many(run, frame.entry, answer)
        if asked.cells == "one cell":
            files = story_of_a_cell(run, asked, answer, colours)
        else:
            files = one_scenario(run, answer, colours)
    with frame.actions.popover("Model card", icon=":material/neurology:", type="tertiary"):
        st.markdown(model_view.facts(run))
    export(frame, files)
