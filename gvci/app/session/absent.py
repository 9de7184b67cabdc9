"""What a page says where a choice needs cells that are not here."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import StopException

from gvci.app.text import literal
from gvci.run import Run
from gvci.summarised import needs_cells


def ask_for_cells(run: Run, usual: Mapping[str, object]) -> None:
    """Say how to get the cells, offer the way back to what is here, and end the page.

    Args:
        run: whose cells are not here.
        usual: widget key → the choice that needs none.
    """
    st.info(literal(needs_cells(run), 1000), icon=":material/grid_off:")
    back = st.session_state.update
    st.button("Back to what is here", icon=":material/undo:", on_click=back, args=(usual,))
    raise StopException  # after st.stop() the frame could not write the link any more
