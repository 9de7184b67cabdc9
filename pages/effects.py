"""Effects: the robust effect of a perturbation in a group, beside the plain means."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import effects_chart, effects_files, effects_view, estimates  # noqa: E402
from gvci.app.text import italic, literal  # noqa: E402

STILL = {"displayModeBar": False}
SEES, WIDTHS = effects_view.SEES, effects_view.WIDTHS


def controls(run):
    """The control card; returns what is asked and the false discovery rate."""
    data = run.data
    group, perturbation = estimates.default_pair(run)
    labels, covariates = estimates.perturbations(run), data.columns.covariates
    preset = group.split(" · ") if covariates else []
    levels = []
    widths = [1.15, *[1.15] * len(covariates), 0.75, 1.35, 1.6]
    with st.container(border=True):
        places = iter(st.columns(widths, vertical_alignment="top"))
        session.unknown_in_url("of", labels, "The perturbation")
        chosen = next(places).selectbox(
            "Perturbation", labels, labels.index(perturbation), key="of", bind="query-params"
        )
        for name, value in zip(covariates, preset, strict=True):
            options = list(data.covariate_code.levels[name])
            session.unknown_in_url(f"c_{name}", options, name)
            levels.append(
                next(places).selectbox(
                    literal(name.replace("_", " ").capitalize()), options, options.index(value),
                    key=f"c_{name}", bind="query-params",
                )
            )  # fmt: skip
        fdr = next(places).number_input(
            "FDR", 0.001, 0.5, 0.05, 0.01, format="%.3g", key="fdr", bind="query-params",
            help="False discovery rate: among the genes that pass, the share that is expected to "
            "be wrong.",
        )  # fmt: skip
        width = next(places).segmented_control(
            "Interval holds for", list(WIDTHS.values()), default=WIDTHS[False], required=True,
            key="interval", bind="query-params",
        )  # fmt: skip
        sees = next(places).segmented_control(
            "The model sees", list(SEES.values()), default=SEES["pretreatment"], required=True,
            key="sees", bind="query-params", help="What the model may see of a cell.",
        )  # fmt: skip
    latent = next(name for name, words in SEES.items() if words == sees)
    group = " · ".join(levels) if covariates else "all cells"
    if latent == "cell" and not run.cells_here:
        session.ask_for_cells(run, {"sees": SEES["pretreatment"]})
    return estimates.Asked(chosen, group, latent, width == WIDTHS[True]), fdr


def long(run, asked, group, name):
    """Ask before more than ten seconds of work; whether to go on."""
    per_cell = session.shared("seconds per cell", run, "", lambda: estimates.seconds_per_cell(run))
    seconds = estimates.expected_seconds(run, group, per_cell)
    wanted = f"_asked_{name}_{run.fingerprint}_{asked}"
    if seconds <= estimates.LONG_SECONDS or st.session_state.get(wanted):
        return True
    st.info(f"**About {seconds:,.0f} s of work.** It is done once and kept. On the command line:")
    st.code(estimates.command(run, asked, everywhere=group is None), language=None)
    return st.button("Do it here", key=f"do_{name}", on_click=st.session_state.update,
                     args=({wanted: True},))  # fmt: skip


def mark(genes):
    """Mark a gene; a chart under a new key forgets what was clicked in it."""
    if genes:
        drawn = st.session_state.get("_effects_drawn", 0) + 1
        st.session_state.update(marked=genes[:1], _effects_drawn=drawn, find="")


def typed(found):
    """A gene was typed."""
    gene = effects_view.find(st.session_state["find"], found)
    mark([gene] if gene else [])


def picked(key, genes):
    """A point was clicked or a row was ticked."""
    selected = st.session_state[key]["selection"]
    at = selected["rows"] if "rows" in selected else selected.get("point_indices", [])
    mark([genes[i] for i in at if i < len(genes)])


def card(frame, found, gene, fdr):
    """All about the marked gene."""
    asked, run = found.asked, frame.run
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(italic(gene), anchor=False, width="content")
            links = {"run": frame.entry.id}
            levels = dict(zip(run.data.columns.covariates, asked.group.split(" · "), strict=False))
            query = {**links, "perturbation": asked.perturbation, "genes": gene}
            st.page_link(
                session.to("counterfactual"), label="Counterfactual", icon=":material/experiment:",
                query_params=query | {f"c_{name}": level for name, level in levels.items()},
            )  # fmt: skip
            if run.grn is not None:
                own = {"tfs": gene} if effects_view.regulates(run, gene) else {"gene": gene}
                st.page_link(
                    session.to("network"), label="Network", icon=":material/hub:",
                    query_params=links | own,
                )  # fmt: skip
        numbers = effects_view.card(found, gene)
        for place, (label, value) in zip(st.columns(3), numbers, strict=True):
            place.metric(label, value)
        st.caption(" ".join(map(literal, effects_view.card_lines(found, gene, fdr))))


def ranked(found, gene):
    """The table in step with the volcano."""
    rows = effects_view.listed(found, gene)
    genes = rows["gene"].tolist()
    shown = effects_view.shown(found, rows, session.colours())
    st.caption(effects_view.caption(found))
    session.tick("effects_table", [genes.index(gene)])
    config = {"Gene": st.column_config.TextColumn(width=68)}
    if found.identifiable:
        config[shown.columns[1]] = st.column_config.ImageColumn(shown.columns[1], width=92)
    st.dataframe(
        shown, hide_index=True, height=290, key="effects_table", selection_mode="single-row",
        on_select=lambda: picked("effects_table", genes), column_config=config,
        alt="Genes with robust effect, interval, plain difference and adjusted p.",
    )  # fmt: skip


def plot(found, gene, fdr):
    """The volcano; without any p the forest stands in its place."""
    with_p = found.table.loc[found.table["p"].notna(), "gene"].tolist()
    if not with_p:
        st.caption("Without an interval there is no p, and so no volcano.")
        first_genes(found, gene)
        return
    key = f"volcano_{st.session_state.get('_effects_drawn', 0)}"
    st.plotly_chart(
        effects_chart.volcano(found, fdr, gene, session.colours()), theme=None, config=STILL,
        key=key, on_select=lambda: picked(key, with_p), selection_mode="points",
        alt=effects_chart.volcano_alt(found, fdr),
    )  # fmt: skip


def first_genes(found, gene):
    """The forest of genes."""
    marks = ":orange[○] robust effect, 95 % interval; :blue[●] plain difference; "
    st.caption((marks if found.identifiable else "") + ":orange[◇] plug-in: the model alone.")
    rows = effects_chart.of_genes(found, gene)
    st.plotly_chart(
        effects_chart.forest(rows, found.unit, session.colours()), theme=None, config=STILL,
        key="forest_chart", alt=effects_chart.forest_alt(rows, "genes in the table's order"),
    )  # fmt: skip


def everywhere(run, found, gene):
    """The marked gene in every group; returns the table and the rows that are drawn."""
    asked = found.asked
    if not long(run, asked, None, "groups"):
        return None, None
    words = (asked.perturbation, asked.latent, asked.bands)
    with st.spinner("Estimating in every group …"):
        table = session.shared(
            "effects in groups", run, words, lambda: estimates.in_groups(run, asked)
        )
    rows = effects_chart.of_groups(table, gene, asked.bands, asked.group)
    st.plotly_chart(
        effects_chart.forest(rows, found.unit, session.colours()), theme=None, config=STILL,
        key="groups_chart", alt=effects_chart.forest_alt(rows, f"{gene} in every group"),
    )  # fmt: skip
    st.dataframe(
        effects_view.group_rows(table, gene, asked.bands), hide_index=True,
        column_config={
            "Group": st.column_config.TextColumn(width=148),
            "Robust": st.column_config.TextColumn(width=76),
            "Plain": st.column_config.TextColumn(width=60),
            "Plug-in": st.column_config.TextColumn(width=48),
            "Adj. p": st.column_config.TextColumn(width=74),
            "Treated, control": st.column_config.TextColumn(width=64, help="Numbers of cells"),
        },
        alt=f"{gene} in every group: robust effect, interval, plain difference and cells.",
    )  # fmt: skip
    return table, rows


with session.page("Effects", needs_model=True) as frame:
    run = frame.run
    asked, fdr = controls(run)
    if long(run, asked, asked.group, "pair"):
        with st.spinner("Estimating …"):
            found = session.shared("effects", run, asked, lambda: estimates.estimate(run, asked))
        default = found.table["gene"].head(1).tolist()
        for query in session.linked_list("marked", default, lambda q: effects_view.find(q, found)):
            st.warning(literal(effects_view.not_found(query, found)))
        session.follow("marked", default)
        gene = (st.session_state["marked"] or default)[0]
        session.publish("marked", [gene], default)

        badge = effects_view.badge(found)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(badge.words, icon=badge.icon, color=badge.colour)
            claim = literal(effects_view.claim(found, fdr))
            st.markdown(f"**{claim}**", width="content")
            with st.popover("What is a robust effect?", type="tertiary", width="content"):
                st.markdown("\n\n".join(effects_view.HOW))
        st.caption(" ".join(map(literal, [effects_view.cells(found), *effects_view.notes(found)])))
        if not found.identifiable:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption("Can be estimated:", width="content")
                for group, label in estimates.alternatives(run, asked):
                    levels = zip(run.data.columns.covariates, group.split(" · "), strict=False)
                    st.button(
                        literal(f"{label} in {group}"), key=f"instead_{group}_{label}",
                        on_click=st.session_state.update,
                        args=({"of": label} | {f"c_{n}": level for n, level in levels},),
                    )  # fmt: skip
        left, right = st.columns([1.2, 1], gap="medium")
        with left:
            head, box = st.columns([1.5, 1], vertical_alignment="center")
            head.subheader(literal(f"{asked.perturbation} in {asked.group}"), anchor=False)
            box.text_input(
                "Find a gene", key="find", on_change=typed, args=(found,), max_chars=60,
                placeholder="Find a gene: symbol, alias", label_visibility="collapsed",
            )  # fmt: skip
            if st.session_state.get("find"):
                st.caption(literal(effects_view.not_found(st.session_state["find"], found)))
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
            st.subheader(f"{italic(gene)} in every group", anchor=False)
            st.caption("The same perturbation; :orange[◇] plug-in: the model alone.")
            table, places = everywhere(run, found, gene)
        with frame.actions.popover("Export", icon=":material/download:"):
            for file in effects_files.downloads(run, found, fdr, gene, table, places):
                st.download_button(
                    file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
                )
