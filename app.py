"""The dashboard's door: page settings and navigation. Run it with `streamlit run app.py`."""

from gvci.app import session

session.navigate()
