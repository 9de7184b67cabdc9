"""Counterfactual: choose cells and a perturbation; predicted beside control and measured."""

from dataclasses import replace

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import (  # noqa: E402
    all_cells,
    answer_files,
    answer_view,
    charts,
    comparison,
    comparison_chart,
    comparison_files,
    gene_rows,
    model_view,
    one_cell,
    one_cell_chart,
    one_cell_files,
    prediction,
    scatter,
    scenario,
    train_view,
)
from gvci.app.session import comparing, gene_choice  # noqa: E402
from gvci.app.text import literal  # noqa: E402

STILL = {"displayModeBar": False}


def controls(run):
    """The control card; returns the scenario, every choice of which is in the URL."""
    data, code = run.data, run.model.treatment_code
    group, perturbation = scenario.default_pair(run)
    default = [part for part in code.parts(perturbation)]
    wrong = session.linked_list(
        "perturbation", default, lambda name: name if name in code.levels else None
    )
    refused("link", [scenario.refusal(run, [query], group) for query in wrong])
    session.keep_known("perturbation", code.levels, default)
    covariates = data.columns.covariates
    doses = scenario.all_doses(data)
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
        dose = doses[-1]
        if len(doses) > 1:
            dose = next(places).number_input(
                "Dose", 0.0, value=dose, key="dose", bind="query-params",
                help=f"Measured: {', '.join(f'{known:g}' for known in doses)}. 0 is the control.",
            )  # fmt: skip
        mode = next(places).segmented_control(
            "Readout", scenario.MODES, default="residual", required=True, key="mode",
            bind="query-params",
            help="residual: the cell plus the model's change, which keeps the cell's own "
            "deviation. mean: the decoder's mean. sample: a draw from the model.",
        )  # fmt: skip
        group, cell = scenario.group_of(data, levels), None
        no = scenario.refusal(run, chosen, group)
        if which == "one cell" and no is None and run.cells_here:
            names = scenario.control_cells(data, group)
            cell = st.selectbox("Cell", names, key="cell", bind="query-params")
    if no is not None:
        refused("choice", [no])
        st.stop()
    label = scenario.label_of(run, chosen)
    asked = scenario.Scenario(label, group, which, cell, mode or "residual", float(dose))
    if not run.cells_here:
        st.caption(prediction.limits(run))
    if not prediction.can_answer(run, asked):
        session.ask_for_cells(run, prediction.nearest(run, asked))
    return asked


def refused(where, noes):
    """Why there is no answer, and buttons of what has one."""
    for no in noes:
        st.error(literal(no.why, 600), icon=":material/block:")
    if not noes:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("This would work:")
        for name in scenario.offers(noes):
            st.button(literal(name, 60), key=f"try {where} {name}", on_click=instead, args=(name,))
        for name in noes[0].groups:
            st.button(literal(name, 60), key=f"in {name}", on_click=elsewhere, args=(noes[0], name))


def instead(perturbation):
    """Another perturbation was taken."""
    st.session_state["perturbation"] = [perturbation]
    session.forget_note("perturbation")


def elsewhere(no, group):
    """Another group was taken."""
    for name, level in zip(no.covariates, group.split(" · "), strict=False):
        st.session_state[f"c_{name}"] = level


def gene_table(run, answer, colours):
    """Genes by predicted change; returns the ticked ones."""
    default = answer_view.first_genes(answer)
    gene_choice.linked_genes(answer, default)
    head, box = st.columns([1.3, 1], vertical_alignment="center")
    head.subheader("Genes by predicted change", anchor=False)
    gene_choice.add_a_gene(run, answer, box)
    genes = st.session_state["genes"]
    rows = gene_rows.listed(answer, genes)
    measured = answer.measured is not None
    st.caption(answer_view.table_caption(answer))
    names = [str(gene) for gene in rows["gene"]]
    shown = session.shared(
        "gene rows", run, (answer.scenario, names, colours.name),
        lambda: gene_rows.shown(rows, colours, measured),
    )  # fmt: skip
    picture = shown.columns[1]
    alt = "Genes with predicted, measured and baseline change."
    columns = {picture: st.column_config.ImageColumn(picture, width=112)}
    gene_choice.tickable("genes_table", shown, names, 452, alt, **columns)
    session.publish("genes", genes, default)
    return genes


def distributions(run, answer, genes, colours):
    """Violins or distribution functions of the ticked genes; returns which."""
    head, toggle = st.columns([2, 1], vertical_alignment="center")
    measured = answer.measured is not None
    head.subheader(
        "Control, predicted and measured cells" if measured else "Control and predicted cells",
        anchor=False,
    )
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
            style, run, (answer.scenario, genes, colours.name), lambda: draw(panels, colours)
        )
        st.plotly_chart(figure, theme=None, config=STILL, key="cells_chart", alt=alt)
    else:
        st.info("Tick genes in the table to draw them.")
    return style


def means(run, answer, colours):
    """Mean against mean, of the model and of the best simple baseline, and the scores."""
    places = st.columns([1, 1, 0.85], gap="medium")
    for place, picture in zip(places, answer_view.mean_pairs(answer), strict=False):
        with place:
            st.subheader(picture.title, anchor=False)
            figure = session.shared(
                picture.title, run, (answer.scenario, colours.name),
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


def too_many(run, entry, answer):
    """More cells than a page transports: which are shown, and a job for all of them."""
    words = answer_view.drawn_words(answer)
    if not words:
        return
    st.warning(literal(words, 400), icon=":material/filter_list:")
    with session.faults(stop=False):
        space = None if entry.listed else session.own_workspace()
        job = all_cells.request(run, answer.scenario, space)
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Predict all as a job", icon=":material/play_arrow:", key="all"):
                started = train_view.start(job, session.visit())
                st.switch_page(session.to("jobs"), query_params=train_view.link(started))
            st.caption(literal(train_view.needs(job)), width="stretch")


def one_scenario(run, answer, colours):
    """The group of cells; returns the files."""
    left, right = st.columns([1, 1.22], gap="medium")
    with left:
        genes = gene_table(run, answer, colours)
    with right:
        style = distributions(run, answer, genes, colours)
    means(run, answer, colours)
    return answer_files.downloads(run, answer, genes, style)


def story_of_a_cell(run, asked, answer, colours):
    """One cell: measured now, predicted then; returns the files."""
    group = predicted(run, replace(asked, cells="control cells", cell=None))
    told = session.shared("story", run, asked, lambda: one_cell.story(run, answer, group))
    gene_choice.linked_genes(answer, [])
    st.info(literal(one_cell.honest(told), 800), icon=":material/info:")
    left, right = st.columns([1, 1.22], gap="medium")
    with left:
        head, box = st.columns([1.3, 1], vertical_alignment="center")
        head.subheader("Genes that change most", anchor=False)
        gene_choice.add_a_gene(run, answer, box)
        labels = " · ".join(f"{name} **{literal(word)}**" for name, word in one_cell.labels(told))
        st.markdown(f"Cell `{told.cell}` · {labels}")
        st.caption(literal(one_cell.typical(told), 600))
        part = one_cell.rows(told, st.session_state["genes"])
        st.dataframe(
            one_cell.shown(part), hide_index=True, height=38 + 35 * len(part),
            alt="The genes that change most in this cell, as drawn.",
        )  # fmt: skip
    with right:
        st.subheader("Measured now, predicted then", anchor=False)
        st.caption(one_cell.key_line(part))
        figure = one_cell_chart.dumbbells(told, part, colours)
        alt = one_cell.alt_text(told, part)
        st.plotly_chart(figure, theme=None, config=STILL, key="cell_chart", alt=alt)
    session.publish("genes", st.session_state["genes"], [])
    return one_cell_files.downloads(run, answer, told, part)


def side_by_side(run, colours):
    """The kept scenarios beside each other; returns the files."""
    words = st.session_state["vs"]
    found = comparison.sides([predicted(run, comparison.scenario_of(run, word)) for word in words])
    comparing.kept_card(found, words)
    default = comparison.first_genes(found, answer_view.FIRST)
    gene_choice.linked_genes(found[0].answer, default)
    genes = st.session_state["genes"]
    head, box = st.columns([3, 1], vertical_alignment="center")
    head.subheader("Control, predicted and measured cells by scenario", anchor=False)
    gene_choice.add_a_gene(run, found[0].answer, box)
    st.caption(comparison.KEY_LINE)
    if genes:
        figure = session.shared(
            "side by side", run, (words, genes, colours.name),
            lambda: comparison_chart.side_by_side(found, genes, colours),
        )  # fmt: skip
        alt = comparison.alt_text(found, genes)
        st.plotly_chart(figure, theme=None, config=STILL, key="compared", alt=alt)
    else:
        st.info("Tick genes in the table to draw them.")
    st.subheader("Genes by scenario", anchor=False)
    st.caption(literal(comparison.table_caption(found), 1500))
    listed = comparison.listed(found, genes)
    alt = "Predicted change with its interval, and measured change, of each gene and scenario."
    gene_choice.tickable("compared_table", comparison.shown(found, listed), listed, 420, alt)
    session.publish("genes", genes, default)
    return comparison_files.downloads(run, found, genes)


def predicted(run, asked):
    """The answer, made once for all viewers."""
    return session.shared("answer", run, asked, lambda: prediction.answer(run, asked))


def said(run, answer):
    """Badge, verdict, where the mean comes from, notes and warnings."""
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


with session.page("Counterfactual", needs_model=True) as frame:
    run, colours = frame.run, session.colours()
    asked = controls(run)
    if comparing.compare_bar(run, asked, frame.actions):
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
    with frame.actions.popover("Export", icon=":material/download:"):
        for file in files:
            st.download_button(
                file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
            )
