"""The dashboard's door: `streamlit run app.py` loads the libraries, then serves dashboard.py."""

import streamlit as st

from gvci.app import libraries

libraries.load("gvci.app", "pages.parts")
app = st.App("dashboard.py")
