"""What stands on many pages: a figure, the looks of a table's columns, the Export button."""

import streamlit as st

from gvci.app.exhibit import FRAME

STILL = {"displayModeBar": False}


def chart(figure, key, alt, **more):
    """A Plotly figure in its own colours, without tools."""
    st.plotly_chart(figure, theme=None, config=STILL, key=key, alt=alt, **more)


def columns(looks):
    """The looks of a table's columns as Streamlit takes them."""
    config = st.column_config
    return {
        name: config.NumberColumn(format=look.format, width=look.width, help=look.help or None)
        if look.format
        else config.TextColumn(width=look.width, help=look.help or None)
        for name, look in looks.items()
    }


def export(frame, files):
    """The button with the downloads, each made when it is asked for."""
    with frame.actions.popover("Export", icon=":material/download:"):
        for file in files:
            st.download_button(
                file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
            )


def present(frame, shown):
    """Claim, figure beside table, words, downloads."""
    st.markdown(shown.claim)
    left, right = st.columns([1.15, 1])
    with left.container(border=True):
        if isinstance(shown.figure, str):
            st.iframe(shown.figure, height=FRAME, alt=shown.alt)
        else:
            chart(shown.figure, "figure", shown.alt)
    with right:
        st.dataframe(
            shown.table, hide_index=True, height=shown.table_height, alt=shown.table_alt,
            column_config=columns(shown.columns),
        )  # fmt: skip
        st.caption(shown.said)
    export(frame, shown.files)
