"""Counterfactual: choose cells and a perturbation; predicted beside control and measured."""

from dataclasses import replace

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import (  # noqa: E402
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
)
from gvci.app.text import literal  # noqa: E402

STILL = {"displayModeBar": False}
VIEWS = ("one scenario", "side by side")


def controls(run):
    """The control card; returns the scenario, every choice of which is in the URL."""
    data, code = run.data, run.model.treatment_code
    group, perturbation = scenario.default_pair(run)
    default = [part for part in code.parts(perturbation)]
    for query in session.linked_list(
        "perturbation", default, lambda name: name if name in code.levels else None
    ):
        refused(scenario.refusal(run, [query], group))
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
        if which == "one cell" and no is None:
            names = scenario.control_cells(data, group)
            cell = st.selectbox("Cell", names, key="cell", bind="query-params")
    if no is not None:
        refused(no)
        st.stop()
    label = scenario.label_of(run, chosen)
    return scenario.Scenario(label, group, which, cell, mode or "residual", float(dose))


def refused(no):
    """Why there is no answer, and buttons of what has one."""
    st.error(literal(no.why, 600), icon=":material/block:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("This would work:")
        for name in no.perturbations:
            st.button(literal(name, 60), key=f"try {name}", on_click=instead, args=(name,))
        for name in no.groups:
            st.button(literal(name, 60), key=f"in {name}", on_click=elsewhere, args=(no, name))


def instead(perturbation):
    """Another perturbation was taken."""
    st.session_state["perturbation"] = [perturbation]
    session.forget_note("perturbation")


def elsewhere(no, group):
    """Another group was taken."""
    for name, level in zip(no.covariates, group.split(" · "), strict=False):
        st.session_state[f"c_{name}"] = level


def ticked(key, genes):
    """Genes were ticked in a table."""
    at = st.session_state[key]["selection"]["rows"]
    genes = [genes[i] for i in at if i < len(genes)]
    kept = [gene for gene in st.session_state["genes"] if gene in genes]
    new = [gene for gene in genes if gene not in kept]
    st.session_state["genes"] = [*kept, *new][-answer_view.MOST :]


def added(answer, gene=None):
    """A gene was typed, or taken from those that are near: put it first."""
    found = answer_view.find_gene(gene or st.session_state["add"], answer)
    if found is not None:
        others = [gene for gene in st.session_state["genes"] if gene != found]
        st.session_state["genes"] = [found, *others][: answer_view.MOST]
        st.session_state["add"] = ""


def add_a_gene(run, answer, place):
    """A box for symbols, aliases and Ensembl ids; near ones as buttons."""
    place.text_input(
        "Add a gene", key="add", on_change=added, args=(answer,), max_chars=60,
        placeholder="Add a gene: symbol, alias", label_visibility="collapsed",
    )  # fmt: skip
    if st.session_state.get("add"):
        why, near = answer_view.not_found(st.session_state["add"], run, answer)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(literal(why), width="content")
            for gene in near:
                st.button(
                    literal(gene), key=f"near {gene}", on_click=added, args=(answer, gene),
                    type="tertiary",
                )  # fmt: skip


def linked_genes(answer, default):
    """Genes of the link, else the default, which follows the scenario."""
    for query in session.linked_list("genes", default, lambda q: answer_view.find_gene(q, answer)):
        st.warning(f"The gene '{literal(query, 60)}' of the link is not in this dataset.")
    session.follow("genes", default)


def tickable(key, table, genes, height, alt, **columns):
    """A table whose ticked rows are the chosen genes."""
    chosen = st.session_state["genes"]
    session.tick(key, [at for at, gene in enumerate(genes) if gene in chosen])
    st.dataframe(
        table, hide_index=True, height=height, key=key, on_select=lambda: ticked(key, genes),
        selection_mode="multi-row", alt=alt, column_config=columns,
    )  # fmt: skip


def gene_table(run, answer, colours):
    """Genes by predicted change; returns the ticked ones."""
    default = answer_view.first_genes(answer)
    linked_genes(answer, default)
    head, box = st.columns([1.3, 1], vertical_alignment="center")
    head.subheader("Genes by predicted change", anchor=False)
    add_a_gene(run, answer, box)
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
    tickable("genes_table", shown, names, 452, alt, **columns)
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
    linked_genes(answer, [])
    st.info(literal(one_cell.honest(told), 800), icon=":material/info:")
    left, right = st.columns([1, 1.22], gap="medium")
    with left:
        head, box = st.columns([1.3, 1], vertical_alignment="center")
        head.subheader("Genes that change most", anchor=False)
        add_a_gene(run, answer, box)
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


def keep(scene):
    """The scenario was added to the comparison."""
    st.session_state["vs"] = [*st.session_state["vs"], comparison.word(scene)]


def drop(word):
    """A scenario was taken out of the comparison."""
    st.session_state["vs"] = [kept for kept in st.session_state["vs"] if kept != word]


def kept_scenarios(run):
    """What is kept for the comparison, from the link or from earlier."""
    for query in session.linked_list("vs", [], lambda text: comparison.canonical(run, text)):
        st.warning(f"The scenario '{literal(query, 80)}' of the link has no answer in this run.")
    st.session_state["vs"] = st.session_state["vs"][: comparison.MOST_KEPT]
    return st.session_state["vs"]


def compare_bar(run, asked):
    """What is kept, a button that keeps the present one, and the switch between the two views."""
    kept = kept_scenarios(run)
    why = comparison.cannot_keep(asked, kept)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        if kept:
            view = st.segmented_control(
                "View", VIEWS, default=VIEWS[0], required=True, key="view", bind="query-params",
                label_visibility="collapsed",
            )  # fmt: skip
            st.caption(comparison.kept_words(len(kept)), width="stretch")
        st.button(
            "Add to comparison", icon=":material/add:", key="keep", on_click=keep, args=(asked,),
            disabled=bool(why), help=why or "Keeps this scenario, in the link too.",
        )  # fmt: skip
    session.publish("vs", st.session_state["vs"], [])
    return bool(kept) and view == VIEWS[1]


def side_by_side(run, colours):
    """The kept scenarios beside each other; returns the files."""
    words = st.session_state["vs"]
    found = comparison.sides([predicted(run, comparison.scenario_of(run, word)) for word in words])
    for side, word in zip(found, words, strict=True):
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f"**{literal(side.title)}**", width="content")
            st.badge(side.badge.words, icon=side.badge.icon, color=side.badge.colour)
            st.caption(literal(comparison.caption(side), 400), width="stretch")
            st.button(
                "Remove", icon=":material/close:", key=f"drop {side.letter}", type="tertiary",
                on_click=drop, args=(word,), help=f"Takes scenario {side.letter} out.",
            )  # fmt: skip
    default = comparison.first_genes(found, answer_view.FIRST)
    linked_genes(found[0].answer, default)
    genes = st.session_state["genes"]
    head, box = st.columns([3, 1], vertical_alignment="center")
    head.subheader("Control, predicted and measured cells by scenario", anchor=False)
    add_a_gene(run, found[0].answer, box)
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
    tickable("compared_table", comparison.shown(found, listed), listed, 420, alt)
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
    if compare_bar(run, asked):
        with st.spinner("Predicting …"):
            files = side_by_side(run, colours)
    else:
        with st.spinner("Predicting …"):
            answer = predicted(run, asked)
        said(run, answer)
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
