"""The colours of data, light and dark: grey is control, vermillion a claim, blue a measurement."""

from __future__ import annotations

from dataclasses import dataclass

FONT = "Source Sans, Source Sans Pro, sans-serif"


@dataclass(frozen=True)
class Palette:
    """One theme's colours. `*_text` are the darker (lighter) twins with contrast ≥ 4.5:1."""

    name: str
    ink: str
    muted: str
    line: str
    background: str
    control: str
    control_fill: str
    predicted: str
    predicted_text: str
    measured: str
    measured_text: str
    selected: str


LIGHT = Palette(
    name="light",
    ink="#0B141C",
    muted="#55616E",
    line="#DFE4EA",
    background="#FFFFFF",
    control="#8B96A3",
    control_fill="rgba(139,150,163,0.55)",
    predicted="#D55E00",
    predicted_text="#A34700",
    measured="#0072B2",
    measured_text="#005F94",
    selected="#1F3347",
)
DARK = Palette(
    name="dark",
    ink="#E7ECF1",
    muted="#A9B4BF",
    line="#2B3540",
    background="#10151B",
    control="#8B96A3",
    control_fill="rgba(139,150,163,0.55)",
    predicted="#F2833A",
    predicted_text="#F7A46E",
    measured="#56B4E9",
    measured_text="#8CCBF0",
    selected="#E7ECF1",
)


def faint(colour: str, opacity: float) -> str:
    """A colour "#RRGGBB" that what lies behind shines through, as plotly wants it; 0 to 1."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def palette(kind: str | None) -> Palette:
    """The palette of a theme type, "light" or "dark"; unknown means light."""
    return DARK if kind == "dark" else LIGHT
