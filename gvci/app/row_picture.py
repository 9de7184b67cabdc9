"""A small picture in a table's row: a change on the axis that all rows share, as an SVG address."""

from __future__ import annotations

import math
from urllib.parse import quote

from gvci.app.theme import Palette

EDGE = 6


class RowPicture:
    """Marks between `low` and `high`, drawn in the order they are asked for; NaN draws none.

    `y` is in pixels of the 28 that a row is high.
    """

    def __init__(self, low: float, high: float, width: int, colours: Palette) -> None:
        """An axis of this many pixels with a line at 0."""
        self._low, self._high, self._width, self._colours = low, high, width, colours
        x = self._x(0)
        self._parts = [f'<line x1="{x}" x2="{x}" y1="2" y2="26" stroke="{colours.control}"/>']

    def interval(self, start: float, end: float, y: int) -> None:
        """A bar, where both ends are known."""
        if math.isfinite(start) and math.isfinite(end):
            self._parts.append(
                f'<line x1="{self._x(start)}" x2="{self._x(end)}" y1="{y}" y2="{y}" '
                f'stroke="{self._colours.predicted}" stroke-width="2.4" stroke-opacity=".65"/>'
            )

    def predicted(self, value: float, y: int) -> None:
        """A ring."""
        if math.isfinite(value):
            self._parts.append(
                f'<circle cx="{self._x(value)}" cy="{y}" r="3.8" '
                f'fill="{self._colours.background}" stroke="{self._colours.predicted}" '
                'stroke-width="2.2"/>'
            )

    def measured(self, value: float, y: int, radius: int) -> None:
        """A disc."""
        if math.isfinite(value):
            self._parts.append(
                f'<circle cx="{self._x(value)}" cy="{y}" r="{radius}" '
                f'fill="{self._colours.measured}"/>'
            )

    def baseline(self, value: float, y: int) -> None:
        """A square."""
        if math.isfinite(value):
            self._parts.append(
                f'<rect x="{self._x(value, -3)}" y="{y - 3}" width="6" height="6" '
                f'fill="{self._colours.control}"/>'
            )

    @property
    def address(self) -> str:
        """The picture, for an image column."""
        size = f'width="{self._width}" height="28" viewBox="0 0 {self._width} 28"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
        return "data:image/svg+xml;utf8," + quote(f"{head}{''.join(self._parts)}</svg>")

    def _x(self, value: float, shift: float = 0.0) -> str:
        part = (value - self._low) / (self._high - self._low)
        return f"{EDGE + (self._width - 2 * EDGE) * part + shift:.1f}"
