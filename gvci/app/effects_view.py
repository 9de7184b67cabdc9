"""How the Effects page words an estimate: badge, claim, explanation, card and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvci.app import genes
from gvci.app.badge import Badge
from gvci.app.edges import from_refined
from gvci.app.estimates import Asked, Estimate
from gvci.app.exhibit import Column
from gvci.app.row_picture import RowPicture
from gvci.app.scenario import in_link
from gvci.app.text import UNDEFINED, count, delta, interval, number
from gvci.app.theme import Palette
from gvci.run import Run

LISTED = 200
FEW = 20
NOT_HERE = "not identifiable: no treated cells here, plug-in only"
NO_CONTROL = "not identifiable: no control cells here, plug-in only"
HOW = (
    "**Robust effect.** What all cells of the group would express under the perturbation, less "
    "what they would express as controls. The model's mean over all cells of the group is put "
    "right by what it missed in the cells that were really treated (eq. 14), so a biased model "
    "does not bias it. The same words mean the same number on every page.",
    "**Plain difference.** Mean of the treated cells less mean of the control cells, without a "
    "model. **Plug-in.** The model's mean of all cells of the group, less the mean of the control "
    "cells: nothing puts it right.",
    "**Intervals** are 95 % and come from the influence function (eq. 23); of few treated cells "
    "they hold less often (of 5 cells 88 %, of 10 92 %, of 20 93.5 %). *All at once* widens "
    "them so that they hold for all genes of the group and perturbation together (multiplier "
    "bootstrap). Adjusted p: Benjamini–Hochberg over the genes of this group and perturbation.",
    "**What the model may see of a cell.** *Before the treatment* (default): real-valued "
    "covariates that were there before it; the intervals then hold. *Whole cell*: the model's own "
    "latent state, eq. 14 as printed. That state has seen the outcome, and the intervals are too "
    "narrow: in our simulation 95 % intervals covered 62 %.",
    "**Not identifiable.** Without treated cells in a group nothing can put the model right: only "
    "the plug-in exists, without interval and without p.",
)
SEES = {"pretreatment": "Before the treatment", "cell": "Whole cell"}
WIDTHS = {False: "Each gene", True: "All at once"}
MARKS = ":orange[○] robust effect, 95 % interval; :blue[●] plain difference; "
PLUG_IN = ":orange[◇] plug-in: the model alone."
GROUP_COLUMNS = {
    "Group": Column(122),
    "Robust": Column(78),
    "95 % interval": Column(88),
    "Plain": Column(52),
    "Plug-in": Column(54),
    "Adj. p": Column(74),
    "Treated, control": Column(76, "", "Numbers of cells"),
}


def why_not(n_treated: int, n_control: int) -> str:
    """Why there is the plug-in only."""
    if not n_treated:
        return NOT_HERE
    if not n_control:
        return NO_CONTROL
    single = "treated" if n_treated == 1 else "control"
    return f"not identifiable: one {single} cell here, plug-in only"


def badge(found: Estimate) -> Badge:
    """Whether there is an estimate, and an interval."""
    if not found.identifiable:
        words = why_not(found.n_treated, found.n_control)
        return Badge(words[0].upper() + words[1:], ":material/block:", "orange")
    if found.n_treated < FEW:
        return Badge("Estimated from few cells", ":material/warning:", "orange")
    return Badge("Estimated", ":material/check_circle:", "green")


def significant(found: Estimate, fdr: float) -> np.ndarray:
    """(genes,) bool in the order of the table: adjusted p at most `fdr`."""
    return np.asarray(found.table["p_adjusted"].to_numpy(dtype=np.float64) <= fdr)


def claim(found: Estimate, fdr: float) -> str:
    """The verdict in one sentence, plain text."""
    asked = found.asked
    if not found.identifiable:
        return f"The effect of {asked.perturbation} in {asked.group} cannot be estimated."
    passed = found.table[significant(found, fdr)]
    n = count(len(found.table), "gene")
    if passed.empty:
        known = int(found.table["p"].notna().sum())
        none = "No gene" if known else "No gene has a p, so none"
        return f"{none} of {n} passes a false discovery rate of {percent(fdr)}."
    up = int((passed["effect"] > 0).sum())
    sizes = f"{up:,} up, {len(passed) - up:,} down"
    verb = "passes" if len(passed) == 1 else "pass"
    return f"{len(passed):,} of {n} {verb} a false discovery rate of {percent(fdr)}: {sizes}."


def cells(found: Estimate) -> str:
    """How many cells are behind every number of the page."""
    return (
        f"{count(found.n_treated, 'treated cell')}, {count(found.n_control, 'control cell')}, "
        f"{found.n_group:,} in all for the model's mean (held-out ones left out)."
    )


def notes(found: Estimate) -> list[str]:
    """What else is to be known, plain text."""
    said: list[str] = []
    if found.stored:
        said.append("Read from summaries; what the whole cell tells needs the cells themselves.")
    if not found.identifiable:
        return said
    if found.asked.latent == "cell":
        said.append(
            "The model sees the whole cell: these intervals are too narrow and these p too small "
            "(in our simulation 95 % intervals covered 62 %)."
        )
    elif found.before:
        said.append(f"Adjusted for what was there before the treatment: {', '.join(found.before)}.")
    else:
        said.append(
            "No real-valued covariate from before the treatment: so the robust effect is the plain "
            "difference."
        )
    if 2 <= found.n_treated < FEW:
        said.append(
            f"With {found.n_treated} treated cells a 95 % interval holds less often than it says."
        )
    return said


def percent(share: float) -> str:
    """5 %, 0.5 %."""
    return f"{100 * share:.3g} %"


def p_words(p: float) -> str:
    """A p as people write it: 0.012, 3.1 × 10⁻⁵."""
    if not math.isfinite(p):
        return UNDEFINED
    if p >= 0.001:
        return f"{p:.3f}"
    if p < 1e-300:
        return "< 10⁻³⁰⁰"
    digits, power = f"{p:.1e}".split("e")
    raised = str(abs(int(power))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10⁻{raised}"


def ends(found: pd.DataFrame, bands: bool) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of every robust effect: of each gene, or of all at once."""
    name = "effect_band" if bands else "effect"
    low, high = (found[f"{name}_{end}"].to_numpy(dtype=np.float64) for end in ("lower", "upper"))
    return low, high


# --- the ranked table -----------------------------------------------------------------------


def listed(found: Estimate, marked: str) -> pd.DataFrame:
    """The rows of the table: the first in rank, and the marked gene."""
    table = found.table
    return table[(table.index < LISTED) | (table["gene"] == marked)].reset_index(drop=True)


def shown(found: Estimate, rows: pd.DataFrame, colours: Palette) -> pd.DataFrame:
    """The ranked table as it is shown, as text, with a picture of each row."""
    if not found.identifiable:
        return pd.DataFrame(
            {
                "Gene": rows["gene"].astype(str),
                "Plug-in Δ": [delta(v) for v in rows["plug_in_difference"]],
                "Plug-in mean": [number(v) for v in rows["plug_in"]],
                "Control mean": [number(v) for v in rows["control_mean"]],
                "Robust": ["not identifiable"] * len(rows),
            }
        )
    low, high = ends(rows, found.asked.bands)
    marks = np.column_stack([rows["effect"], low, high, rows["plain_difference"]])
    finite = marks[np.isfinite(marks)]
    edges = (min(float(finite.min()), 0.0), max(float(finite.max()), 0.1))
    return pd.DataFrame(
        {
            "Gene": rows["gene"].astype(str),
            f"{number(edges[0], 1)} → {number(edges[1], 1)}": [
                _picture(row, *edges, colours) for row in marks
            ],
            "Robust": [delta(v) for v in rows["effect"]],
            "95 % interval": [interval(a, b) for a, b in zip(low, high, strict=True)],
            "Plain": [delta(v) for v in rows["plain_difference"]],
            "Adj. p": [p_words(v) for v in rows["p_adjusted"]],
        }
    )


def caption(found: Estimate) -> str:
    """What the columns are, Markdown."""
    if not found.identifiable:
        return (
            f"Change of mean {found.unit}; the model's word only, largest first. A plug-in has no "
            "interval and no p."
        )
    which = " of all genes at once" if found.asked.bands else ""
    return (
        f"Change of mean {found.unit}. :orange[○] robust effect, 95 % interval{which}; "
        ":blue[●] plain difference."
    )


def group_rows(table: pd.DataFrame, gene: str, bands: bool) -> pd.DataFrame:
    """One gene in every group, as it is shown."""
    own = table[table["gene"] == gene]
    low, high = ends(own, bands)
    known = (own["status"] == "estimated").tolist()
    said = own["plug_in_difference"].notna()
    without = ["plug-in only" if one else "undefined" for one in said]
    robust = [
        delta(v) if ok else word for v, ok, word in zip(own["effect"], known, without, strict=True)
    ]
    return pd.DataFrame(
        {
            "Group": own["group"].astype(str),
            "Robust": robust,
            "95 % interval": [
                interval(a, b) if ok else "" for a, b, ok in zip(low, high, known, strict=True)
            ],
            "Plain": ["" if np.isnan(v) else delta(v) for v in own["plain_difference"]],
            "Plug-in": ["" if np.isnan(v) else delta(v) for v in own["plug_in_difference"]],
            "Adj. p": [
                p_words(v) if ok else "" for v, ok in zip(own["p_adjusted"], known, strict=True)
            ],
            "Treated, control": [
                f"{a:,}, {b:,}" for a, b in zip(own["n_treated"], own["n_control"], strict=True)
            ],
        }
    )


# --- one gene -------------------------------------------------------------------------------


def card(found: Estimate, gene: str) -> list[tuple[str, str]]:
    """Three metrics of a gene: label, value."""
    row = found.row(gene)
    if not found.identifiable:
        return [
            ("Plug-in Δ", delta(row["plug_in_difference"])),
            ("Plug-in mean", number(row["plug_in"])),
            ("Control mean", number(row["control_mean"])),
        ]
    return [
        ("Robust effect", delta(row["effect"])),
        ("Plain difference", delta(row["plain_difference"])),
        ("Adjusted p", p_words(row["p_adjusted"])),
    ]


def card_lines(found: Estimate, gene: str, fdr: float) -> list[str]:
    """The rest of the card, plain text."""
    row = found.row(gene)
    if not found.identifiable:
        return [f"{why_not(found.n_treated, found.n_control).capitalize()}."]
    low, high = ends(row.to_frame().T, found.asked.bands)
    which = " of all genes at once" if found.asked.bands else ""
    passed = row["p_adjusted"] <= fdr
    means = [("treated", row["treated_mean"]), ("control", row["control_mean"])]
    return [
        f"95 % interval{which} {interval(low[0], high[0])}; plug-in "
        f"{delta(row['plug_in_difference'])}. "
        f"{'Passes' if passed else 'Does not pass'} at {percent(fdr)}.",
        f"{count(found.n_treated, 'treated cell')}, {count(found.n_control, 'control')}; means "
        + ", ".join(f"{name} {number(value)}" for name, value in means)
        + f" {found.unit}.",
    ]


def ways(run: Run, asked: Asked, gene: str) -> dict[str, dict[str, str]]:
    """The pages that tell more of a gene, each with its choices."""
    whole = {"perturbation": asked.perturbation, "genes": gene, **in_link(run.data, asked.group)}
    if run.grn is None:
        return {"counterfactual": whole}
    regulates = gene in from_refined(run.grn).regulators
    return {"counterfactual": whole, "network": {"tfs" if regulates else "gene": gene}}


def find(query: str, found: Estimate) -> str | None:
    """The gene that a word means."""
    return genes.look_up(query, found.table["gene"]).symbol


def not_found(query: str, found: Estimate) -> str:
    """Why a gene is not here, and which are near."""
    return genes.explain(genes.look_up(query, found.table["gene"]))


def _picture(row: Sequence[float], low: float, high: float, colours: Palette) -> str:
    """A row: disc = plain, bar = interval, ring = robust."""
    effect, start, end, plain = row
    picture = RowPicture(low, high, 110, colours)
    picture.measured(plain, 20, 3)
    picture.interval(start, end, 11)
    picture.predicted(effect, 11)
    return picture.address
