"""The control card of the Counterfactual page: which cells, under what; what cannot be asked."""

import streamlit as st

from gvci.app import prediction, scenario, session
from gvci.app.text import literal
from pages.parts.absent import ask_for_cells
from pages.parts.choices import choose, group


def controls(run):
    """The card; returns the scenario, every choice of which is in the link."""
    data, code = run.data, run.model.treatment_code
    preset, perturbation = scenario.default_pair(run)
    default = list(code.parts(perturbation))
    wrong = session.link.linked_list(
        "perturbation", default, lambda name: name if name in code.levels else None
    )
    _refused("link", [scenario.refusal(run, [query], preset) for query in wrong])
    session.link.keep_known("perturbation", code.levels, default)
    doses = scenario.all_doses(data)
    several = len(doses) > 1
    widths = [1.6, *[1.2] * len(data.columns.covariates), 1.1, *([0.8] if several else []), 1.6]
    with st.container(border=True):
        places = iter(st.columns(widths, vertical_alignment="top"))
        chosen = next(places).multiselect(
            "Perturbation", code.levels, key="perturbation", max_selections=2,
            help="Choose two for the combination of both.",
        )  # fmt: skip
        session.link.publish("perturbation", chosen, default)
        of_group = scenario.group_of(data, group(places, data, preset))
        which = choose(next(places), "Cells", "cells", scenario.WHICH, said="The choice of cells")
        dose = doses[-1]
        if several:
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
        cell, no = None, scenario.refusal(run, chosen, of_group)
        if which == "one cell" and no is None and run.cells_here:
            names = scenario.control_cells(data, of_group)
            cell = st.selectbox("Cell", names, key="cell", bind="query-params")
    if no is not None:
        _refused("choice", [no])
        st.stop()
    label = scenario.label_of(run, chosen)
    asked = scenario.Scenario(label, of_group, which, cell, mode or "residual", float(dose))
    if not run.cells_here:
        st.caption(prediction.limits(run))
    if not prediction.can_answer(run, asked):
        ask_for_cells(run, prediction.nearest(run, asked))
    return asked


def _refused(where, noes):
    """Why there is no answer, and buttons of what has one."""
    for no in noes:
        st.error(literal(no.why, 600), icon=":material/block:")
    if not noes:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("This would work:")
        for name in scenario.offers(noes):
            st.button(literal(name, 60), key=f"try {where} {name}", on_click=_instead, args=(name,))
        for name, choices in noes[0].groups.items():
            st.button(
                literal(name, 60), key=f"in {name}", on_click=st.session_state.update,
                args=(choices,),
            )  # fmt: skip


def _instead(perturbation):
    """Another perturbation was taken."""
    st.session_state["perturbation"] = [perturbation]
    session.link.forget_note("perturbation")
