"""Tables whose ticked rows follow a choice, and make it."""

import streamlit as st


def tick(key, rows):
    """Before a selectable table: these rows are the ticked ones."""
    now = st.session_state.get(key)
    if now is None or list(now["selection"]["rows"]) != list(rows):
        st.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
