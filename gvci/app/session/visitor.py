"""What belongs to one visitor: the workspace, its uploads, and the job of the link."""

from __future__ import annotations

import streamlit as st

from gvci.app.session.url import lately
from gvci.app.text import literal
from gvci.errors import FileError, JobError
from gvci.jobs.folder import is_id, new_id
from gvci.jobs.state import Job, read_job
from gvci.workspaces import Upload, upload


def job_in_url() -> Job | None:
    """The job of `?job=`; a link to none leaves a note."""
    asked, wrong = st.query_params.get("job"), None
    if asked is not None:
        try:
            return read_job(asked)
        except JobError as error:
            wrong = str(error)
            del st.query_params["job"]
    wrong = lately("job", wrong)
    if wrong:
        st.warning(f"{literal(wrong)} Showing all jobs.")
    return None


def workspace() -> str | None:
    """The key of what this visitor brought, from `?workspace=` or from earlier in the visit.

    Only pages that show a workspace call this: the key is in their links, and in no others.
    """
    asked = st.query_params.get("workspace")
    wrong = None if asked is None or is_id(asked) else "The key of a workspace in this link"
    if wrong:
        del st.query_params["workspace"]
    wrong = lately("workspace", wrong)
    if wrong:
        st.warning(
            f"{wrong} is not whole, so nothing of it is shown. Open the link as it was sent."
        )
    key: str | None = asked if is_id(asked) else st.session_state.get("_workspace")
    if key is not None:
        own_workspace(key)
    return key


def own_workspace(key: str | None = None) -> str:
    """The visitor's workspace, a new one where there is none, from now on in this page's link."""
    key = key or st.session_state.get("_workspace") or new_id()
    st.session_state["_workspace"] = key
    if st.query_params.get("workspace") != key:
        st.query_params["workspace"] = key
    return key


def upload_in_url(kind: str) -> Upload | None:
    """What `?upload=` shows, if it is of this kind and still kept.

    Raises:
        FileError: it is not kept any more, or the key is another's.
    """
    asked = st.query_params.get("upload")
    if asked is None:
        return None
    try:
        found = upload(str(workspace()), asked)
    except FileError:
        del st.query_params["upload"]
        raise
    return found if found.kind == kind else None


def show_upload(found: Upload | None) -> None:
    """Put an upload into the page's link, or take it out."""
    if found is not None:
        st.query_params["upload"] = found.id
    elif "upload" in st.query_params:
        del st.query_params["upload"]


def visit() -> str:
    """A key of this visit that nobody else knows."""
    key: str = st.session_state.setdefault("_visit", new_id())
    return key
