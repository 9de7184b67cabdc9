"""One cell's story: what it expressed, what it would have expressed, and how typical it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvci.app.text import count, delta, interval, number
from gvci.counterfactual.answer import Answer
from gvci.model_card import facts
from gvci.run import Run

SHOWN = 12
ENDS = (5, 95)


@dataclass(frozen=True)
class Story:
    """One cell beside the control cells of its group, all under the same perturbation.

    Attributes:
        cell: its name.
        labels: column → label of the cell.
        table: per gene, largest change of this cell first: `gene, now, then, change`; `group_now`
            and `group_then` (means); `low, high` (5th and 95th percentile of the group's predicted
            cells); `measured` (mean of the group's treated cells, NaN without any).
        unit: of the expression, in words.
        distance: root mean square over genes from the mean of its group's control cells.
        further: share of these cells that lie nearer to that mean.
        others: how many they are.
        hardly: how well single cells are predicted, in words.
    """

    cell: str
    labels: dict[str, str]
    table: pd.DataFrame
    unit: str
    distance: float
    further: float
    others: int
    hardly: str


def story(run: Run, answer: Answer, group: Answer) -> Story:
    """The story of the cell of `answer`.

    Args:
        group: the answer for the control cells of the same group under the same perturbation.
    """
    now = answer.control.values[0].astype(np.float64)
    then = answer.predicted.values[0].astype(np.float64)
    centre = group.control.mean
    distances = np.sqrt(((group.control.values - centre) ** 2).mean(axis=1, dtype=np.float64))
    own = float(np.sqrt(((now - centre) ** 2).mean()))
    low, high = np.percentile(group.predicted.values, ENDS, axis=0)
    measured = np.full(len(now), np.nan)
    if group.measured is not None:
        measured = group.measured.mean
    table = pd.DataFrame(
        {
            "gene": answer.genes, "now": now, "then": then, "change": then - now,
            "group_now": centre, "group_then": group.predicted.mean,
            "low": low, "high": high, "measured": measured,
        }
    )  # fmt: skip
    order = table["change"].abs().sort_values(ascending=False, kind="stable").index
    return Story(
        answer.source_names[0],
        _labels(run, answer.source_names[0]),
        table.loc[order].reset_index(drop=True),
        answer.unit,
        own,
        float((distances < own).mean()),
        len(distances),
        dict(facts(run)).get("Single cells", ""),
    )


def _labels(run: Run, cell: str) -> dict[str, str]:
    """Perturbation, covariates and split of a cell."""
    columns = run.data.columns
    row = run.data.adata.obs.loc[cell]
    names = (columns.perturbation, *columns.covariates, "split")
    return {str(name): str(row[name]) for name in names if name in row}


# --- in words --------------------------------------------------------------------------


def labels(told: Story) -> list[tuple[str, str]]:
    """Name and level of each of its labels, plain text."""
    return [(name.replace("_", " "), level) for name, level in told.labels.items()]


def key_line(part: pd.DataFrame) -> str:
    """What each mark is, as Markdown."""
    marks = (
        ":gray[●] this cell, measured now · :orange[○] this cell, predicted then · "
        ":orange[▬] middle 90 % of its group's predicted cells"
    )
    beside = " · :blue[●] mean of the group's measured cells under it"
    return marks + (beside if part["measured"].notna().any() else "")


def typical(told: Story) -> str:
    """How far the cell lies from the mean of its group, plain text."""
    return (
        f"It lies {number(told.distance)} {told.unit} from the mean of its group's "
        f"{count(told.others, 'control cell')} (root mean square over "
        f"{count(len(told.table), 'gene')}), further out than {100 * told.further:.0f} % of them."
    )


def honest(told: Story) -> str:
    """That a single cell's response is hardly predicted, with the model card's number."""
    known = "How well this model keeps cells apart was not measured."
    if told.hardly:
        known = f"In reconstructing measured cells this model {told.hardly}; that is no score of "
        known += "responses."
    return (
        "A single cell is measured once, so its own counterfactual is never seen, and single "
        f"responses are hardly predicted. {known} Trust the group more than the cell."
    )


def rows(told: Story, chosen: Sequence[str] = ()) -> pd.DataFrame:
    """The genes of the chart: those that change most in this cell, then the chosen ones."""
    table = told.table
    return table[(table.index < SHOWN) | table["gene"].isin(chosen)].reset_index(drop=True)


def shown(part: pd.DataFrame) -> pd.DataFrame:
    """The same rows as text."""
    table = pd.DataFrame({"Gene": part["gene"].astype(str)})
    table["Measured now"] = [number(value) for value in part["now"]]
    table["Predicted then"] = [number(value) for value in part["then"]]
    table["Δ"] = [delta(value) for value in part["change"]]
    table["Group's 90 %"] = [interval(a, b) for a, b in zip(part["low"], part["high"], strict=True)]
    if part["measured"].notna().any():
        table["Group meas."] = [number(value) for value in part["measured"]]
    return table


def alt_text(told: Story, part: pd.DataFrame) -> str:
    """The dumbbells in words."""
    each = zip(part["gene"], part["now"], part["then"], strict=True)
    words = "; ".join(f"{gene} {number(a)} to {number(b)}" for gene, a, b in each)
    return f"Expression of cell {told.cell}, measured now and predicted then: {words}."
