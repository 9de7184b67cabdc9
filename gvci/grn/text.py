"""Text files that we did not write: looked through before a parser sees them (FAULTS F25).

One pass in blocks decodes, counts lines and stops at a limit, so that a file that is hostile,
or no text at all, costs neither memory nor minutes.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

MOST_BYTES = 1 << 30
LONGEST_LINE = 10_000_000
BLOCK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "",
    codecs.BOM_UTF32_BE: "",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}  # UTF-32 first among those that begin alike
UNREADABLE = (OSError, ValueError, EOFError, zlib.error)


@dataclass(frozen=True)
class Text:
    """A text file that was looked through.

    Attributes:
        encoding: by its byte-order mark, else UTF-8.
        lines: how many there are.
    """

    path: Path
    encoding: str
    lines: int

    def open(self) -> IO[str]:
        """Unpacked and decoded, any line ends read as newlines."""
        return TextIOWrapper(_unpacked(self.path), encoding=self.encoding)


def scan(path: Path) -> Text:
    """Look through a file, packed with gzip or not.

    Raises:
        OSError, EOFError, zlib.error: it cannot be read, or its packing is damaged.
        ValueError: no text, another encoding than UTF-8 or UTF-16, or over a limit; says which.
    """
    encoding = _encoding(path)
    lines, current, size = 0, 0, 0
    for block in _blocks(path, encoding):
        size += len(block)
        if "\0" in block:
            message = "it holds zero bytes, so it is no text"
            raise ValueError(message)
        # Windows ends lines with both, old Macs with a carriage return alone.
        lines += block.count("\n") or block.count("\r")
        end = max(block.rfind("\n"), block.rfind("\r"))
        current = len(block) - end - 1 + (current if end < 0 else 0)
        if current > LONGEST_LINE:
            message = f"line {lines + 1:,} is longer than {LONGEST_LINE:,} characters"
            raise ValueError(message)
        if size > MOST_BYTES:
            message = f"it is longer than {MOST_BYTES:,} characters unpacked"
            raise ValueError(message)
    return Text(path, encoding, lines + (current > 0))


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    if not packed and path.suffix.lower() == ".gz":
        message = "it is not packed with gzip, although its name says so"
        raise ValueError(message)
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _encoding(path: Path) -> str:
    with _unpacked(path) as file:
        start = file.read(4)
    for mark in sorted(MARKS, key=len, reverse=True):
        if start.startswith(mark):
            if MARKS[mark]:
                return MARKS[mark]
            message = "it is UTF-32 text; save it as UTF-8"
            raise ValueError(message)
    return "utf-8"


def _blocks(path: Path, encoding: str) -> Iterator[str]:
    """The text in blocks of about a megabyte."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with _unpacked(path) as file:
            while block := file.read(BLOCK):
                yield decoder.decode(block)
            yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        message = f"it is not {encoding.removesuffix('-sig').upper()} text; save it as UTF-8"
        raise ValueError(message) from error
