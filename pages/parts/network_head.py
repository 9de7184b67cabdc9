"""Which network it is: an uploaded one, how its weights came about, and a gene to look for."""

import streamlit as st

from gvci.app import network_files, regulators, session, support
from gvci.app.text import literal
from pages.parts.own_network import upload_network


def open_a_network(run):
    """The edge list that was uploaded now, else the one of the link, if any."""
    visitor = session.visitor
    with st.popover("Open a network", icon=":material/folder_open:", type="tertiary"):
        st.caption(network_files.HOW_TO_OPEN)
        with session.faults(stop=False):
            brought = upload_network()
            if brought is not None:
                visitor.show_upload(brought)
            kept = visitor.upload_in_url("network")
            if kept is None:
                return None
            grn, words = network_files.matched(session.kept("network", kept.id, kept.network), run)
            st.success(literal(f"{kept.labels[0]}: {words}"))
            st.button("Close it", on_click=visitor.show_upload, args=(None,))
            return grn
    return None


def chosen_regulators(network, place):
    """The regulators of the link or the box; what was not found is returned too."""
    known, default = network.regulators, network.default_regulators()
    missing = session.link.linked_list("tfs", default, lambda q: regulators.symbol(q, known))
    session.link.keep_known("tfs", known, default)
    chosen = place.multiselect("Regulators", known, key="tfs", placeholder="Choose regulators")
    session.link.publish("tfs", chosen, default)
    return chosen, missing


def find_a_gene(run, network, chosen, not_found):
    """Explain the gene that was typed, and offer to show it."""
    asked = st.session_state.get("gene", "").strip()
    for query in [*not_found, *([asked] if asked else [])]:
        found = regulators.look_up(query, network, run)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":material/search: {literal(found.message)}", width="content")
            for label, names in found.offers:
                st.button(
                    literal(label), key=f"{query}{label}", on_click=show, args=(names, chosen)
                )


def show(names, others=()):
    """Put regulators on the page, first."""
    tfs = [*names, *(name for name in others if name not in names)]
    st.session_state.update(tfs=tfs, gene="")
    session.link.publish("tfs", tfs, ())


def tell(network, place):
    """Support, level and floors, and behind a button how the weights came about."""
    said = support.statement(network)
    if said is not None:
        with place:
            if said.badge is not None:
                st.badge(said.badge.words, icon=said.badge.icon, color=said.badge.colour)
            with st.popover("How these weights came about", type="tertiary", width="content"):
                st.markdown("\n\n".join(said.details))
    lines = [said.line] if said is not None else []
    notes = said.remarks if said is not None else map(literal, network.notes)
    lines += [f":material/info: {note}" for note in notes]
    if lines:
        st.caption("  \n".join(lines))  # one paragraph: the network should be seen at once
