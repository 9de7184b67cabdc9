"""What runs for every viewer: page settings, sign-in, navigation. Served by app.py."""

from pathlib import Path

import streamlit as st

from gvci.app import libraries, session
from gvci.app.text import literal

ROOT = Path(__file__).parent
PAGES = {
    "home": "Home",
    "network": "Network",
    "counterfactual": "Counterfactual",
    "effects": "Effects",
    "compare": "Compare",
    "data": "Data",
    "train": "Train",
    "jobs": "Jobs",
    "about": "About",
}


def navigate(first="home"):
    """Page settings, logo and navigation, then the page itself; `first` is the one at "/"."""
    session.guard()
    session.tidy()
    libraries.freeze()
    icon = str(ROOT / "assets" / "icon.svg")
    st.set_page_config("graphVCI", icon, layout="wide", initial_sidebar_state="collapsed")
    st.html(ROOT / "assets" / "contrast.css")
    logo = "logo-dark.svg" if session.colours().name == "dark" else "logo.svg"
    st.logo((ROOT / "assets" / logo).read_text(encoding="utf-8"), size="large")
    pages = {
        name: st.Page(
            ROOT / "pages" / f"{name}.py",
            title=title,
            default=name == first,
            url_path="" if name == first else name,
        )
        for name, title in PAGES.items()
    }
    session.know(pages)
    welcome = admitted()
    here = st.navigation(list(pages.values()), position="top" if welcome else "hidden")
    if welcome:
        here.run()


def admitted():
    """True for whoever may see the pages; everybody else sees one button and nothing more.

    Whoever runs the server asks for it by an [auth] section in secrets.toml (OIDC).
    """
    if not (st.secrets.load_if_toml_exists() and "auth" in st.secrets):
        return True
    if st.user.is_logged_in:
        with st.sidebar:
            st.caption(f"Signed in as {literal(st.user.get('email') or st.user.get('name'), 80)}")
            st.button("Sign out", icon=":material/logout:", on_click=st.logout)
        return True
    st.title("graphVCI", anchor=False)
    st.markdown("This server is for people who are signed in.")
    st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
    return False


# Tests import it, and say which page stands at "/".
if __name__ == "__main__":
    navigate()
