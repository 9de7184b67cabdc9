"""What belongs to one visitor: the workspace, its uploads, and the job of the link."""

from __future__ import annotations

from gvci.app.link import Link
from gvci.app.text import literal
from gvci.errors import FileError, JobError
from gvci.jobs.folder import is_id, new_id
from gvci.jobs.state import Job, read_job
from gvci.workspaces import Upload, upload

WORKSPACE = "_workspace"


class Visitor:
    """Whoever is at the other end of a link; never holds anything of another."""

    def __init__(self, link: Link) -> None:
        """Whose link it is."""
        self.link = link

    def job_in_url(self) -> Job | None:
        """The job of `?job=`; a link to none leaves a note."""
        asked, wrong = self.link.get("job"), None
        if asked is not None:
            try:
                return read_job(asked)
            except JobError as error:
                wrong = f"{literal(str(error))} Showing all jobs."
                self.link.put("job", None)
        self.link.warn_lately("job", wrong)
        return None

    def workspace(self) -> str | None:
        """The key of what this visitor brought, from `?workspace=` or from earlier in the visit.

        Only pages that show a workspace call this: the key is in their links, and in no others.
        """
        asked, wrong = self.link.get("workspace"), None
        if asked is not None and not is_id(asked):
            wrong = (
                "The key of a workspace in this link is not whole, so nothing of it is shown. Open "
                "the link as it was sent."
            )
            self.link.put("workspace", None)
        self.link.warn_lately("workspace", wrong)
        key: str | None = asked if is_id(asked) else self.link.visit.get(WORKSPACE)
        return None if key is None else self.own_workspace(key)

    def own_workspace(self, key: str | None = None) -> str:
        """The visitor's workspace, a new one where there is none, from now on in the link."""
        key = key or self.link.visit.get(WORKSPACE) or new_id()
        self.link.visit[WORKSPACE] = key
        self.link.put("workspace", key)
        return key

    def upload_in_url(self, kind: str) -> Upload | None:
        """What `?upload=` shows, if it is of this kind and still kept.

        Raises:
            FileError: it is not kept any more, or the key is another's.
        """
        asked = self.link.get("upload")
        if asked is None:
            return None
        try:
            found = upload(str(self.workspace()), asked)
        except FileError:
            self.link.put("upload", None)
            raise
        return found if found.kind == kind else None

    def show_upload(self, found: Upload | None) -> None:
        """Put an upload into the page's link, or take it out."""
        self.link.put("upload", None if found is None else found.id)

    def visit(self) -> str:
        """A key of this visit that nobody else knows."""
        key: str = self.link.visit.setdefault("_visit", new_id())
        return key
