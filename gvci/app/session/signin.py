"""Sign-in, where whoever runs the server asks for it: an [auth] section in secrets.toml (OIDC)."""

from __future__ import annotations

import streamlit as st

from gvci.app.text import literal


def asked_for() -> bool:
    """Whether this server lets in only people who are signed in."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def admitted() -> bool:
    """True for whoever may see the pages; everybody else sees one button and nothing more."""
    if not asked_for():
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
