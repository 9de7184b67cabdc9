"""Tables from csv, tsv and parquet: looked through, then read whole."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from gvci.grn.edges import ends, require_few
from gvci.grn.text import MOST_BYTES, scan

SEPARATORS = "\t,;|"


def read_text_table(path: Path, title: str) -> pd.DataFrame:
    """A table whose first line names its columns; the first line also tells the separator.

    Leading lines that begin with "#" are skipped, as exports of gvci have them.

    Raises:
        GRNError: an edge list with more edges than are taken.
        OSError, ValueError, EOFError, zlib.error: unreadable; says why.
    """
    text = scan(path)
    with text.open() as lines:
        skipped, header = 0, lines.readline()
        while header.startswith("#"):
            skipped, header = skipped + 1, lines.readline()
    separator = max(SEPARATORS, key=header.count)
    if separator not in header:
        separator = r"\s+" if len(header.split()) > 1 else ","
    words = [word.strip().strip('"') for word in header.rstrip("\n").split(separator)]
    names = ends(words if separator in SEPARATORS else header.split())
    if names is not None:
        require_few(text.lines - skipped - 1, title)
    with text.open() as lines:
        table = pd.read_csv(
            lines,
            sep=separator,
            skiprows=skipped,
            # A TF called "NA" or a target called "NAN" is a name, not a missing value.
            keep_default_na=False,
            low_memory=False,
            # Names repeat: kept once each, ten million edges fit where their text would not.
            dtype=dict.fromkeys(names, "category") if names is not None else None,
        )
    # One column more than the header is R's row names; pandas would take any number for names.
    if table.index.nlevels > 1:
        message = f"its rows have {table.index.nlevels} columns more than its header"
        raise ValueError(message)
    return table


def read_parquet_table(path: Path, title: str) -> pd.DataFrame:
    """A table from a parquet file, whose sizes are read first.

    Raises:
        GRNError: an edge list with more edges than are taken.
        OSError, ValueError: unreadable, or too large unpacked.
    """
    about = pq.read_metadata(path)
    if ends(about.schema.names) is not None:
        require_few(about.num_rows, title)
    unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    if unpacked > MOST_BYTES:
        message = f"it holds {unpacked:,} bytes unpacked; at most {MOST_BYTES:,} are read"
        raise ValueError(message)
    return pd.read_parquet(path)
