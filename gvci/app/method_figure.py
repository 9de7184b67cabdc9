"""The method as one drawing: boxes and arrows in the colours of the charts, as SVG."""

from __future__ import annotations

from gvci.app.theme import Palette

WIDTH, HEIGHT = 1080, 300
ALT = (
    "A cell's expression Y, its covariates X and its perturbation T enter an encoder, which gives "
    "the latent state Z. A prior network is refined on the same cells. A decoder takes Z, the "
    "refined network and another perturbation T prime, and gives the counterfactual expression Y "
    "prime, beside cells that were measured under T prime and simple baselines."
)
SIZES = {"title": 17, "note": 13}


def figure(colours: Palette) -> str:
    """The drawing in a theme's colours; the texts are real text."""
    boxes = [
        _box(20, 40, 180, 84, ("A measured cell", "expression Y · type, donor X", "treatment T"),
             colours.control, colours, filled=True),
        _box(20, 186, 180, 84, ("Prior network", "motifs, databases", "or correlation"),
             colours.control, colours),
        _box(290, 40, 150, 84, ("Encoder", "q(Z | Y, X, T)", ""), colours.ink, colours),
        _box(290, 186, 150, 84, ("Refiner", "asks the cells", "edge by edge"),
             colours.ink, colours),
        _box(500, 40, 90, 84, ("Z", "what stays", "the cell's own"), colours.ink, colours),
        _box(500, 186, 150, 84, ("Refined GRN", "weights, stability", "kept · added · removed"),
             colours.ink, colours),
        _box(700, 100, 140, 100, ("Decoder", "p(Y′ | Z, GRN, T′)", "mean and spread"),
             colours.ink, colours),
        _box(900, 40, 165, 84, ("Predicted Y′", "what this cell would", "have expressed"),
             colours.predicted, colours, hatched=True),
        _box(900, 186, 165, 84, ("Measured at T′", "of the same kind,", "and simple rivals"),
             colours.measured, colours, filled=True),
    ]  # fmt: skip
    arrows = [
        _arrow(200, 82, 290, 82, colours), _arrow(440, 82, 500, 82, colours),
        _arrow(200, 228, 290, 228, colours), _arrow(440, 228, 500, 228, colours),
        _arrow(110, 124, 330, 186, colours), _arrow(590, 82, 700, 132, colours),
        _arrow(650, 228, 700, 172, colours), _arrow(840, 136, 900, 96, colours),
        _arrow(982, 124, 982, 186, colours, both=True),
        _arrow(770, 46, 770, 100, colours),
    ]  # fmt: skip
    asked = _text(770, 36, "What if: T′", "title", colours.predicted_text, bold=True)
    beside = _text(972, 160, "beside each other", "note", colours.muted, anchor="end")
    style = "font-family:'Source Sans','Source Sans Pro',sans-serif"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" style="{style}"><title>{ALT}</title>'
        f"{_marks(colours)}{''.join(arrows)}{''.join(boxes)}{asked}{beside}</svg>"
    )


def _marks(colours: Palette) -> str:
    head = f'<path d="M0 0 8 4 0 8z" fill="{colours.muted}"/>'
    lines = f'<path d="M-2 8 8 -2M0 14 14 0" stroke="{colours.predicted}" stroke-opacity=".45"/>'
    return (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        f'markerHeight="8" orient="auto-start-reverse">{head}</marker>'
        f'<pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse">{lines}</pattern>'
        "</defs>"
    )


def _box(
    x: int, y: int, width: int, height: int, lines: tuple[str, str, str], colour: str,
    colours: Palette, *, filled: bool = False, hatched: bool = False,
) -> str:  # fmt: skip
    """Three lines in a rounded frame; measured things filled, predicted ones hatched."""
    frame = f'x="{x}" y="{y}" width="{width}" height="{height}" rx="8"'
    drawn = f'<rect {frame} fill="{colours.background}"/>'
    if filled or hatched:
        fill = "url(#hatch)" if hatched else colour
        opacity = 1 if hatched else 0.16
        drawn += f'<rect {frame} fill="{fill}" fill-opacity="{opacity}"/>'
    drawn += f'<rect {frame} fill="none" stroke="{colour}" stroke-width="1.6"/>'
    middle, title = x + width // 2, y + (34 if lines[2] else 40)
    drawn += _text(middle, title, lines[0], "title", colours.ink, bold=True)
    for i, line in enumerate(lines[1:], 1):
        drawn += _text(middle, title + 2 + 18 * i, line, "note", colours.muted)
    return drawn


def _text(
    x: int,
    y: int,
    words: str,
    size: str,
    colour: str,
    *,
    bold: bool = False,
    anchor: str = "middle",
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{SIZES[size]}" '
        f'fill="{colour}"{weight}>{words}</text>'
    )


def _arrow(x1: int, y1: int, x2: int, y2: int, colours: Palette, *, both: bool = False) -> str:
    start = ' marker-start="url(#head)"' if both else ""
    return (
        f'<path d="M{x1} {y1} {x2} {y2}" stroke="{colours.muted}" stroke-width="1.6" fill="none" '
        f'marker-end="url(#head)"{start}/>'
    )
