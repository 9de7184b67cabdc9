"""Text files, unpacked while they are read, and never further than the limit."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from gvci.data.door.limits import Limits
from gvci.errors import FileError

LONGEST_LINE = 2**24
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Bounded(io.RawIOBase):
    """Bytes of a file, unpacked, until there are more than the limit."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._file, self._name, self._limits, self._read = file, name, limits, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer.

        Raises:
            FileError: more bytes came than the limit allows.
        """
        got = self._file.read(len(buffer))
        buffer[: len(got)] = got
        self._read += len(got)
        if self._read > self._limits.unpacked:
            message = (
                f"{self._name} is more than {self._limits.size} unpacked. {self._limits.above}"
            )
            raise FileError(message)
        return len(got)


class TextFile:
    """A text file that is open already; can be gone through more than once."""

    def __init__(self, file: BinaryIO, gzipped: bool, name: str, limits: Limits) -> None:
        self.name, self.limits = name, limits
        self._file, self._gzipped = file, gzipped

    def bytes(self) -> io.BufferedReader:
        """From the beginning, unpacked."""
        self._file.seek(0)
        file: BinaryIO = self._file
        if self._gzipped:
            file = gzip.GzipFile(fileobj=self._file)  # type: ignore[assignment]
        return io.BufferedReader(Bounded(file, self.name, self.limits), 2**20)

    def text(self) -> TextIO:
        """From the beginning, decoded: UTF-8, or UTF-16 that says so; any line ends."""
        stream = self.bytes()
        head = stream.peek(4)
        encoding = next((name for bom, name in BOMS if head.startswith(bom)), "utf-8")
        return io.TextIOWrapper(stream, encoding)

    def lines(self, stream: TextIO | None = None) -> Iterator[str]:
        """Lines without their ends, from the beginning or from where a stream is.

        Raises:
            FileError: not text, or a line without end.
        """
        stream = stream or self.text()
        number = 0
        while True:
            number += 1
            try:
                line = stream.readline(LONGEST_LINE + 1)
            except UnicodeError:
                message = f"{self.name} is not UTF-8 text. Save it as CSV UTF-8."
                raise FileError(message) from None
            if not line:
                return
            if len(line) > LONGEST_LINE:
                message = (
                    f"Line {number:,} of {self.name} is longer than {LONGEST_LINE:,} characters. "
                    "One line per row is needed."
                )
                raise FileError(message)
            if "\0" in line:
                message = f"Line {number:,} of {self.name} is not text. Save it as CSV UTF-8."
                raise FileError(message)
            yield line.rstrip("\n")
