"""Tables as small parquet files: the same table gives the same bytes."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pandas as pd


def compact(table: pd.DataFrame) -> bytes:
    """The table as parquet, strongly compressed."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    made = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    numbers = [name for name in table if table[name].dtype.kind == "f"]
    buffer = io.BytesIO()
    pq.write_table(
        made, buffer, compression="zstd", compression_level=19, use_byte_stream_split=numbers,
        use_dictionary=[name for name in table if name not in numbers],
    )  # fmt: skip
    return buffer.getvalue()


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """To so many binary digits, which then take less room: 12 keep 1 part in 4,096."""
    fraction, power = np.frexp(values)
    found: np.ndarray = np.ldexp(np.round(np.ldexp(fraction, bits)), power - bits)
    return found


def parquet(content: bytes, checksum: str) -> pd.DataFrame:
    """The table of these bytes.

    Raises:
        ValueError: not the bytes that the SHA-256 is of, or no table.
    """
    if hashlib.sha256(content).hexdigest() != checksum:
        message = "the checksum differs"
        raise ValueError(message)
    return pd.read_parquet(io.BytesIO(content))
