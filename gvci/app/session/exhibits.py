"""Draw what a view is, as data: figure beside table, looks of columns, the Export button."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from gvci.app.exhibit import FRAME, Column, Exhibit
from gvci.app.network_files import Download
from gvci.app.session.frame import Frame

STILL = {"displayModeBar": False}


def columns(looks: Mapping[str, Column]) -> dict[str, Any]:
    """The looks of a table's columns as Streamlit takes them."""
    config = st.column_config
    return {
        name: config.NumberColumn(format=look.format, width=look.width, help=look.help or None)
        if look.format
        else config.TextColumn(width=look.width, help=look.help or None)
        for name, look in looks.items()
    }


def export(frame: Frame, files: Iterable[Download]) -> None:
    """The button with the downloads, each made when it is asked for."""
    with frame.actions.popover("Export", icon=":material/download:"):
        for file in files:
            st.download_button(
                file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
            )


def present(frame: Frame, shown: Exhibit) -> None:
    """Claim, figure beside table, words, downloads."""
    st.markdown(shown.claim)
    left, right = st.columns([1.15, 1])
    with left.container(border=True):
        if isinstance(shown.figure, str):
            st.iframe(shown.figure, height=FRAME, alt=shown.alt)
        else:
            st.plotly_chart(shown.figure, theme=None, config=STILL, key="figure", alt=shown.alt)
    with right:
        st.dataframe(
            shown.table,
            hide_index=True,
            height=shown.table_height,
            alt=shown.table_alt,
            column_config=columns(shown.columns),
        )
        st.caption(shown.said)
    export(frame, shown.files)
