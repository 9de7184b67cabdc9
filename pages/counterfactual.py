"""Counterfactual: choose cells and a perturbation; predicted beside control and measured."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import (  # noqa: E402
    answer_files,
    answer_view,
    charts,
    gene_rows,
    model_view,
    scatter,
    scenario,
)
from gvci.app.text import literal  # noqa: E402

STILL = {"displayModeBar": False}


def controls(run):
    """The control card; returns the scenario, every choice of which is in the URL."""
    data, code = run.data, run.model.treatment_code
    group, perturbation = scenario.default_pair(run)
    default = [part for part in code.parts(perturbation)]
    for query in session.linked_list(
        "perturbation", default, lambda name: name if name in code.levels else None
    ):
        with session.faults(stop=False):
            code.parts(query)
    session.keep_known("perturbation", code.levels, default)
    covariates = data.columns.covariates
    doses = sorted(set(data.dose[~data.is_control]))
    widths = [1.6, *[1.2] * len(covariates), 1.1, *([0.8] if len(doses) > 1 else []), 1.6]
    with st.container(border=True):
        places = iter(st.columns(widths, vertical_alignment="top"))
        chosen = next(places).multiselect(
            "Perturbation", code.levels, key="perturbation", max_selections=2,
            help="Choose two for the combination of both.",
        )  # fmt: skip
        session.publish("perturbation", chosen, default)
        levels = []
        for name, preset in zip(covariates, group.split(" · "), strict=False):
            options = list(data.covariate_code.levels[name])
            session.unknown_in_url(f"c_{name}", options, name)
            first = options.index(preset) if preset in options else 0
            levels.append(
                next(places).selectbox(
                    literal(name.replace("_", " ").capitalize()),
                    options,
                    first,
                    key=f"c_{name}",
                    bind="query-params",
                )
            )
        session.unknown_in_url("cells", scenario.WHICH, "The choice of cells")
        which = next(places).selectbox("Cells", scenario.WHICH, key="cells", bind="query-params")
        dose = 1.0
        if len(doses) > 1:
            dose = next(places).number_input(
                "Dose", value=float(doses[-1]), key="dose", bind="query-params"
            )
        mode = next(places).segmented_control(
            "Readout", scenario.MODES, default="residual", required=True, key="mode",
            bind="query-params",
            help="residual: the cell plus the model's change, which keeps the cell's own "
            "deviation. mean: the decoder's mean. sample: a draw from the model.",
        )  # fmt: skip
        group, cell = scenario.group_of(data, levels), None
        if which == "one cell":
            names = scenario.control_cells(data, group)
            cell = st.selectbox("Cell", names, key="cell", bind="query-params")
    label = scenario.label_of(run, chosen)
    return scenario.Scenario(label, group, which, cell, mode or "residual", float(dose))


def ticked(rows):
    """Genes were ticked in the table."""
    at = st.session_state["genes_table"]["selection"]["rows"]
    genes = [str(rows["gene"].iloc[i]) for i in at if i < len(rows)]
    kept = [gene for gene in st.session_state["genes"] if gene in genes]
    new = [gene for gene in genes if gene not in kept]
    st.session_state["genes"] = [*kept, *new][-answer_view.MOST :]


def added(answer):
    """A gene was typed: put it first."""
    found = answer_view.find_gene(st.session_state["add"], answer)
    if found is not None:
        others = [gene for gene in st.session_state["genes"] if gene != found]
        st.session_state["genes"] = [found, *others][: answer_view.MOST]
        st.session_state["add"] = ""


def gene_table(run, answer, colours):
    """Genes by predicted change; returns the ticked ones."""
    default = answer_view.first_genes(answer)
    for query in session.linked_list("genes", default, lambda q: answer_view.find_gene(q, answer)):
        st.warning(f"The gene '{literal(query, 60)}' of the link is not in this dataset.")
    session.follow("genes", default)
    head, box = st.columns([1.3, 1], vertical_alignment="center")
    head.subheader("Genes by predicted change", anchor=False)
    box.text_input(
        "Add a gene", key="add", on_change=added, args=(answer,), max_chars=60,
        placeholder="Add a gene: symbol, alias", label_visibility="collapsed",
    )  # fmt: skip
    if st.session_state.get("add"):
        st.caption(literal(answer_view.not_found(st.session_state["add"], answer)))
    genes = st.session_state["genes"]
    rows = gene_rows.listed(answer, genes)
    measured = answer.measured is not None
    st.caption(answer_view.table_caption(answer))
    shown = session.shared(
        "gene rows", run, (answer.scenario, list(rows["gene"]), colours.name),
        lambda: gene_rows.shown(rows, colours, measured),
    )  # fmt: skip
    session.tick("genes_table", [int(i) for i in rows.index[rows["gene"].isin(genes)]])
    picture = shown.columns[1]
    st.dataframe(
        shown, hide_index=True, height=452, key="genes_table", on_select=lambda: ticked(rows),
        selection_mode="multi-row", alt="Genes with predicted, measured and baseline change.",
        column_config={picture: st.column_config.ImageColumn(picture, width=112)},
    )  # fmt: skip
    session.publish("genes", genes, default)
    return genes


with session.page("Counterfactual", needs_model=True) as frame:
    run, colours = frame.run, session.colours()
    asked = controls(run)
    with st.spinner("Predicting …"):
        answer = session.shared("answer", run, asked, lambda: scenario.answer(run, asked))
    badge = answer_view.badge(answer)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(badge.words, icon=badge.icon, color=badge.colour)
        st.markdown(f"**{literal(answer_view.claim(answer))}**", width="content")
    line, how = st.columns([9, 1], vertical_alignment="center")
    line.markdown(f":material/balance: {literal(answer.mean_words, 600)}")
    with how.popover("How λ works", type="tertiary", width="content"):
        st.markdown(model_view.HOW_THE_MEAN_IS_MADE)
    for note in answer_view.notes(answer):
        st.caption(literal(note))
    for warning in model_view.warnings(run):
        st.warning(warning, icon=":material/warning:")
    if answer.support == "outside":
        st.warning(literal(answer_view.outside(run, answer)), icon=":material/warning:")

    left, right = st.columns([1, 1.22], gap="medium")
    with left:
        genes = gene_table(run, answer, colours)
    with right:
        head, toggle = st.columns([2, 1], vertical_alignment="center")
        title = "Control, predicted and measured cells" if answer.measured is not None else (
            "Control and predicted cells"
        )  # fmt: skip
        head.subheader(title, anchor=False)
        with toggle.container(horizontal=True, horizontal_alignment="right"):
            style = st.segmented_control(
                "Chart", ["violin", "ecdf"], default="violin", required=True, key="chart",
                bind="query-params", label_visibility="collapsed",
            )  # fmt: skip
        st.caption(answer_view.key_line(answer, style))
        panels = answer_view.panels(answer, genes)
        if panels:
            draw = charts.violins if style == "violin" else charts.ecdfs
            alt = answer_view.alt_text(panels, style)
            figure = session.shared(
                style, run, (asked, genes, colours.name), lambda: draw(panels, colours)
            )
            st.plotly_chart(figure, theme=None, config=STILL, key="cells_chart", alt=alt)
        else:
            st.info("Tick genes in the table to draw them.")

    places = st.columns([1, 1, 0.85], gap="medium")
    for place, picture in zip(places, answer_view.mean_pairs(answer), strict=False):
        with place:
            st.subheader(picture.title, anchor=False)
            figure = session.shared(
                picture.title, run, (asked, colours.name),
                lambda p=picture: scatter.mean_scatter(
                    p.x, p.y, answer.genes, colours, x_title=p.x_title, y_title=p.y_title,
                    unit=answer.unit, baseline=p.baseline, top=p.top,
                ),
            )  # fmt: skip
            st.plotly_chart(figure, theme=None, config=STILL, key=picture.title, alt=picture.alt)
    with places[2]:
        if answer.scores:
            st.subheader("Scores", anchor=False)
            table = answer_view.score_rows(answer, run.name)
            st.dataframe(table, hide_index=True, alt="Scores of model, baselines and ceiling.")
            st.caption(answer_view.score_caption(answer))
    with frame.actions.popover("Model card", icon=":material/neurology:", type="tertiary"):
        st.markdown(model_view.facts(run))
    with frame.actions.popover("Export", icon=":material/download:"):
        for file in answer_files.downloads(run, answer, genes, style):
            st.download_button(
                file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
            )
