"""What a view of the Network page shows, as data: claim, figure, table, words, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from gvci.app.network_files import Download

# Height of an HTML figure, pixels.
FRAME = 560


class Column(NamedTuple):
    """How a column of a table looks: width in pixels, a printf format for numbers, its help."""

    width: int
    format: str = ""
    help: str = ""


@dataclass(frozen=True)
class Exhibit:
    """A figure and the table with the same rows.

    Attributes:
        claim: the first line, Markdown.
        figure: a Plotly figure, or a page of HTML for a frame of its own.
        alt: the figure in words.
        table: what the figure draws; table_alt: what it is, in words.
        columns: looks of the table's columns.
        said: what has to be known to read both, Markdown.
        files: the downloads.
    """

    claim: str
    figure: go.Figure | str
    alt: str
    table: pd.DataFrame
    table_alt: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    said: str = ""
    files: Sequence[Download] = ()

    @property
    def table_height(self) -> int:
        """All rows where they fit beside the figure, in pixels."""
        beside = FRAME if isinstance(self.figure, str) else int(self.figure.layout.height) - 40
        return min(36 * (len(self.table) + 1) + 3, max(beside, 320))
