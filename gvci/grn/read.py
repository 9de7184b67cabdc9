"""A network from a file of any kind that networks come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from gvci.errors import GRNError
from gvci.grn.direction import with_warning
from gvci.grn.edges import ends, from_edges
from gvci.grn.gmt import read_gmt, reason
from gvci.grn.graphml import read_graphml
from gvci.grn.matrix import Orientation, from_matrix, looks_wide
from gvci.grn.network import GRN
from gvci.grn.regulons import looks_like_regulons, read_regulons
from gvci.grn.tables import read_parquet_table, read_text_table
from gvci.grn.text import UNREADABLE

# What pyarrow raises beside ValueError and OSError on damaged files.
BROKEN = (*UNREADABLE, pa.ArrowException, NotImplementedError, KeyError, TypeError)


def read_grn(
    path: Path | str, name: str | None = None, orientation: Orientation | None = None
) -> GRN:
    """A network from csv, tsv, txt, parquet, graphml or gmt; gz is unpacked.

    A table is a list of edges with the columns `source` (or `tf`) and `target`, a matrix with
    names on both axes, or pySCENIC's reg.csv. In a gmt a set's name up to its first "_" is the
    source ("STAT1_20625510_…"), its members are the targets. A note says when edges look
    reversed.

    Args:
        name: for messages and provenance; else the file's.
        orientation: of a matrix whose header does not tell it; other kinds need none.

    Raises:
        GRNError: unreadable, of another type, over a limit, or without usable edges.
    """
    path = Path(path)
    title = name or path.name
    kind = path.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
    readers: dict[str, Callable[[Path, str], pd.DataFrame]] = {
        "csv": _read_table, "tsv": _read_table, "txt": _read_table,
        "parquet": read_parquet_table, "graphml": read_graphml, "gmt": read_gmt,
    }  # fmt: skip
    if kind not in readers:
        message = (
            f"{title} is not a csv, tsv, parquet, graphml or gmt file, the kinds a network is "
            "read from."
        )
        raise GRNError(message)
    try:
        table = readers[kind](path, title)
    except FileNotFoundError:
        message = f"There is no file {path}. Give the path of a network file or a catalogue name."
        raise GRNError(message) from None
    except BROKEN as error:
        message = f"{title} cannot be read as {kind}: {reason(error)}"
        raise GRNError(message) from None
    if ends(table.columns) is None and (orientation is not None or looks_wide(table)):
        table = from_matrix(table, orientation, title)
    return with_warning(from_edges(table, title))


def _read_table(path: Path, title: str) -> pd.DataFrame:
    return read_regulons(path, title) if looks_like_regulons(path) else read_text_table(path, title)
