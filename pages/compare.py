"""Compare: models, baselines and the noise ceiling."""

import streamlit as st

from gvci.app import session

session.guard()

with session.page("Compare", needs_model=True) as frame:
    st.info("…")
