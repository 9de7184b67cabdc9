"""What a page says where a choice needs cells that are not here."""

import streamlit as st
from streamlit.runtime.scriptrunner import StopException

from gvci.app import prediction
from gvci.app.text import literal


def ask_for_cells(run, usual):
    """Say how to get the cells, offer the way back to what is here, and end the page.

    Args:
        run: whose cells are not here.
        usual: widget key → the choice that needs none.
    """
    st.info(literal(prediction.needs_cells(run), 1000), icon=":material/grid_off:")
    back = st.session_state.update
    st.button("Back to what is here", icon=":material/undo:", on_click=back, args=(usual,))
    raise StopException  # after st.stop() the frame could not write the link any more
