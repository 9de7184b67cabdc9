"""What pages share and what needs Streamlit; nothing else below gvci/ imports it."""

from gvci.app.session.absent import ask_for_cells
from gvci.app.session.caches import kept, open_run, shared
from gvci.app.session.exhibits import columns, export, present
from gvci.app.session.frame import (
    Frame,
    address,
    colours,
    faults,
    guard,
    navigate,
    page,
    start_tour,
    to,
)
from gvci.app.session.url import (
    follow,
    forget_note,
    keep_known,
    linked_list,
    publish,
    tick,
    unknown_in_url,
)
from gvci.app.session.visitor import (
    job_in_url,
    own_workspace,
    show_upload,
    upload_in_url,
    visit,
    workspace,
)

__all__ = [
    "Frame", "address", "ask_for_cells", "colours", "columns", "export", "faults", "follow",
    "forget_note", "guard", "job_in_url", "keep_known", "kept", "linked_list", "navigate",
    "open_run", "own_workspace", "page", "present", "publish", "shared", "show_upload",
    "start_tour", "tick", "to", "unknown_in_url", "upload_in_url", "visit", "workspace",
]  # fmt: skip
