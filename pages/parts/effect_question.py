"""The control card of the Effects page: whose effect, how it is estimated, and what it takes."""

import streamlit as st

from gvci.app import estimates, session
from gvci.app.effects_view import SEES, WIDTHS
from gvci.app.scenario import group_of, in_link
from gvci.app.text import literal
from pages.parts.absent import ask_for_cells
from pages.parts.choices import choose, group


def controls(run):
    """The card; returns what is asked and the false discovery rate."""
    data = run.data
    preset, perturbation = estimates.default_pair(run)
    labels = estimates.perturbations(run)
    widths = [1.15, *[1.15] * len(data.columns.covariates), 0.75, 1.35, 1.6]
    with st.container(border=True):
        places = iter(st.columns(widths, vertical_alignment="top"))
        chosen = choose(
            next(places), "Perturbation", "of", labels, labels.index(perturbation),
            said="The perturbation",
        )  # fmt: skip
        of_group = group_of(data, group(places, data, preset))
        fdr = next(places).number_input(
            "FDR", 0.001, 0.5, 0.05, 0.01, format="%.3g", key="fdr", bind="query-params",
            help="False discovery rate: among the genes that pass, the share that is expected to "
            "be wrong.",
        )  # fmt: skip
        bands = next(places).segmented_control(
            "Interval holds for", list(WIDTHS), default=False, format_func=WIDTHS.get,
            required=True, key="interval", bind="query-params",
        )  # fmt: skip
        sees = next(places).segmented_control(
            "The model sees", list(SEES), default="pretreatment", format_func=SEES.get,
            required=True, key="sees", bind="query-params",
            help="What the model may see of a cell.",
        )  # fmt: skip
    if sees == "cell" and not run.cells_here:
        ask_for_cells(run, {"sees": "pretreatment"})
    return estimates.Asked(chosen, of_group, sees, bands), fdr


def go_on(run, asked, what):
    """Ask before more than ten seconds of work on a "pair" or on all "groups"; whether to go on."""
    per_cell = session.shared("seconds per cell", run, "", lambda: estimates.seconds_per_cell(run))
    everywhere = what == "groups"
    seconds = estimates.expected_seconds(run, None if everywhere else asked.group, per_cell)
    wanted = f"_asked_{what}_{run.fingerprint}_{asked}"
    if seconds <= estimates.LONG_SECONDS or st.session_state.get(wanted):
        return True
    st.info(f"**About {seconds:,.0f} s of work.** It is done once and kept. On the command line:")
    st.code(estimates.command(run, asked, everywhere), language=None)
    return st.button("Do it here", key=f"do_{what}", on_click=st.session_state.update,
                     args=({wanted: True},))  # fmt: skip


def can_be_estimated(run, asked):
    """Buttons of pairs that have both kinds of cells."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Can be estimated:", width="content")
        for name, label in estimates.alternatives(run, asked):
            st.button(
                literal(f"{label} in {name}"), key=f"instead_{name}_{label}",
                on_click=st.session_state.update, args=({"of": label} | in_link(run.data, name),),
            )  # fmt: skip
