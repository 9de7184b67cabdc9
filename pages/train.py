"""Train: choose cells, a network and settings; see what it will take; start a job."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import forms  # noqa: E402
from gvci.app import train_view as view  # noqa: E402
from gvci.app.text import literal  # noqa: E402
from pages.parts.links import start  # noqa: E402
from pages.parts.own_network import bring_network  # noqa: E402


def pick(place, label, options, name):
    """One of some things; its id, not its label, is in the URL."""
    by_id = {option.id: option for option in options}
    session.link.unknown_in_url(name, list(by_id), label)
    key, asked = f"{name}_box", st.query_params.get(name)
    if asked in by_id and asked != st.session_state.get(f"_url_{name}"):
        st.session_state[key] = asked
    if st.session_state.get(key) not in by_id:
        st.session_state[key] = next(iter(by_id), None)
    chosen = place.selectbox(
        label, list(by_id), format_func=lambda i: by_id[i].label if i in by_id else str(i), key=key
    )
    st.session_state[f"_url_{name}"] = chosen
    session.link.put(name, None if chosen == next(iter(by_id), None) else chosen)
    return by_id.get(chosen)


def widget(place, field, key):
    """The widget of one setting; its value."""
    more = {"key": key, "bind": "query-params", "help": literal(field.help, 800) or None}
    if field.kind == "choice":
        at = field.options.index(field.value)
        return place.selectbox(field.label, field.options, at, **more)
    if field.kind == "switch":
        return place.toggle(field.label, field.value, **more)
    numeric = int if field.kind == "whole" else float
    low, high = (None if bound is None else numeric(bound) for bound in (field.low, field.high))
    value = None if field.value is None else numeric(field.value)
    if field.kind == "whole":
        more |= {"step": 1}
    else:
        more |= {"step": max(abs(value or 0.1) / 10, 1e-9), "format": "%g"}
    return place.number_input(
        field.label, low, high, value, placeholder="chosen from the data", **more
    )


def settings(verb, preset):
    """All settings; those that differ from the preset's."""
    chosen = {}
    with st.expander("All settings"):
        for at, field in enumerate(forms.fields(verb, preset)):
            if at % 4 == 0:
                places = st.columns(4, vertical_alignment="bottom")
            chosen[field.name] = widget(places[at % 4], field, f"{verb}_{preset}_{field.name}")
    return forms.changes(verb, preset, chosen)


with session.page("Train", needs_run=False) as frame:
    space = session.visitor.workspace()
    session.link.unknown_in_url("what", list(view.VERBS.values()), "The choice of what to do")
    verb = st.segmented_control(
        "What", list(view.VERBS), default="refine", format_func=view.VERBS.get, required=True,
        key="what", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    first, second = st.columns(2)
    cells = pick(first, "Cells", view.datasets(space), "cells")
    if cells is None:
        st.markdown("There are no cells to train on: prepare a dataset on the Data page.")
        st.stop()
    frame.strip.caption(view.strip(cells))
    if cells.path is None:
        with session.faults():
            asked = view.preparation(cells, space)
            st.markdown(
                f"{literal(cells.title)} has to be prepared first: quality control, "
                "normalisation, choice of genes, split."
            )
            st.caption(view.needs(asked))
            start(asked, "Prepare these cells", "start", type="primary")
        st.stop()
    model, name = "graphvci", "prior" if verb == "refine" else "network"
    if verb == "train":
        model = second.selectbox(
            "Model", list(view.MODELS), format_func=view.MODELS.get, key="model",
            bind="query-params",
        )  # fmt: skip
    place = (second if verb == "refine" else st).container()
    if model == "graphvci":
        bring_network(second if verb == "refine" else st, name)
        space = session.visitor.workspace()
        shown = (view.priors if verb == "refine" else view.networks)(cells, space)
    else:
        shown = [view.WITHOUT]
    network = pick(place, "Prior network" if verb == "refine" else "Network", shown, name)
    frame.strip.caption(view.strip(cells, network))
    left, middle, right = st.columns([2, 1, 2], vertical_alignment="bottom")
    names = view.presets(verb, model)
    preset = left.segmented_control(
        "Preset", names, default=names[min(1, len(names) - 1)], required=True,
        key=f"{verb}_preset" if len(names) > 1 else None,
        bind="query-params" if len(names) > 1 else None,
    )  # fmt: skip
    seed = middle.number_input("Seed", 0, None, 0, step=1, key="seed", bind="query-params")
    title = right.text_input(
        "Label", key="title", max_chars=120, bind="query-params",
        placeholder="for the list of jobs",
    )  # fmt: skip
    st.caption(view.PRESETS[verb][preset])
    changed = settings(verb, preset)
    with session.faults():
        asked = view.request(
            verb, cells, network, preset, {**view.fixed(verb, model, seed), **changed}, title, space
        )
        st.markdown(view.needs(asked))
        start(asked, "Start", "start", type="primary")
