"""A network of the visitor's own, uploaded into the workspace."""

import streamlit as st

from gvci.app import network_files, session
from gvci.app.text import literal


def upload_network():
    """The choice of a file; the upload that came of it just now, else None."""
    ways = network_files.ORIENTATIONS
    way = st.selectbox("The file is", list(ways), key="edge_list_way")
    file = st.file_uploader("Edge list", key="edge_list", max_upload_size=100)
    if file is None or st.session_state.get("_edge_list") == (file.file_id, way):
        return None
    space = session.visitor.own_workspace()
    found = network_files.keep(space, file.name, file.getvalue(), ways[way])
    st.session_state["_edge_list"] = (file.file_id, way)
    return found


def bring_network(place, name):
    """Offer to upload one, which the choice `name` then stands on; call before that choice."""
    with place.popover("Bring a network", icon=":material/upload:", type="tertiary"):
        st.caption(f"{network_files.KINDS} Its names are matched with those of the cells.")
        with session.faults(stop=False):
            found = upload_network()
            if found is not None:
                st.session_state[f"{name}_box"] = found.id
                st.success(literal(f"{found.labels[0]}: {found.words}. It is chosen."))
