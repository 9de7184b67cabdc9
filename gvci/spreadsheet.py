"""Tables as CSV that no spreadsheet runs (OWASP ASVS 1.2.10): the one way to write CSV here."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pandas as pd

TRIGGERS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_SIGNS = re.escape("".join(TRIGGERS))
# Where a spreadsheet of another country splits at ";", what follows begins a cell as well.
_CELL = re.compile(rf"(^|;)([\s\ufeff\x00-\x1f\x7f]*)(?=[{_SIGNS}])")
_WORDS = re.compile(rf"([,;]\s*)(?=[{_SIGNS}])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def safe_cell(value: object) -> object:
    """Text that a spreadsheet would run gets an apostrophe before it; numbers are untouched.

    So does text that begins with a tab or a line end. Control characters become spaces.
    """
    if not isinstance(value, str):
        return value
    text = _CELL.sub(r"\1'\2", value)
    if value[:1] in ("\t", "\r", "\n") and not text.startswith("'"):
        text = "'" + text
    return _CONTROL.sub(" ", text)


def comment(name: object, value: object) -> str:
    """ "# name: value" as a line before a table, none of whose parts begins a formula."""
    words = " ".join(f"# {name}: {value}".split())
    return _WORDS.sub(r"\1'", _CONTROL.sub(" ", words)) + "\n"


def csv_text(table: pd.DataFrame, digits: int | None = None) -> str:
    """A table as CSV with all text in quotes, so that a "#" in a name is no comment.

    Args:
        table: any columns, also several of the same name; its index is left out.
        digits: significant ones of numbers with a fraction; None for all.
    """
    columns = [_column(table.iloc[:, at], digits) for at in range(table.shape[1])]
    names = [safe_cell(name) for name in table.columns]
    safe = pd.concat(columns, axis=1) if columns else table
    safe.columns = pd.Index(names, dtype=object)
    text = io.StringIO()
    safe.to_csv(text, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    return text.getvalue()


def _column(values: pd.Series, digits: int | None) -> pd.Series:
    if pd.api.types.is_float_dtype(values) and digits is not None:
        short = np.char.mod(f"%.{digits}g", values.to_numpy(dtype=np.float64))
        return pd.Series(short.astype(np.float64), index=values.index)
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values
    return values.astype(object).map(safe_cell)
