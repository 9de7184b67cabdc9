"""The predicted h5ad of any other program, scored beside ours; it lives in this visit only."""

import hashlib

import streamlit as st

from gvci.app import session, their_file
from gvci.app.text import literal


def given_file(run):
    """The file that was given and its name in the table; None without one."""
    with st.popover("Score a predicted h5ad", icon=":material/upload_file:", type="tertiary"):
        st.caption(literal(their_file.needs(run), 800))
        file = st.file_uploader("Predicted cells", their_file.TYPES, key="predicted_cells")
        if file is None:
            return None
        # A key of its own for every file: another file does not inherit the name.
        name = st.text_input(
            "Its name in the table", their_file.default_name(file.name), max_chars=40,
            key=f"their_name_{file.file_id}",
        )  # fmt: skip
        return file, name


def scored_file(run, split, file, name):
    """Its scores beside ours, and how it was matched; None where it is refused."""
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()

    def score():
        with st.status("Scoring your file beside ours and the baselines …") as status:
            answer = their_file.score(run, file.name, content, name, split, status.write)
            status.update(label="Your file is scored", state="complete")
        return answer

    with session.faults(stop=False):
        key = f"{digest}{file.name}{name}{split}{run.fingerprint}"
        answer = session.kept("their_file", key, score)
        with st.expander("How your file was matched", icon=":material/rule:", expanded=True):
            for line in their_file.report(answer):
                st.caption(literal(line, 600))
            st.caption("These rows are not kept and not in the link.")
        return answer
    return None
