"""How the Compare page words a table of scores: claim, sentences, rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvci.app.boards import CEILING, KINDS, NAMES, Board
from gvci.app.text import SIMULATED, UNDEFINED, count, literal, number
from gvci.app.theme import Palette
from gvci.benchmark.compare import LOWER, PAIR, SAME, Gain, mean_interval
from gvci.benchmark.words import SCORES
from gvci.errors import listed
from gvci.verdict import TIE

DEFAULT = ("r2_de", "r2_all", "pearson_delta", "e_distance", "cell_correlation")
MOST_SCORES = 6
NEAR_ONE = {"spread_ratio", "coverage"}  # neither more nor less is better
RULE = (
    "A difference counts where its 95 % bootstrap interval over pairs leaves 0 out and it is more "
    "than the seeds' spread; R² that differ by 0.005 or less are a tie too. A single pair has no "
    "interval, so its number decides."
)
EASY = 0.8


@dataclass(frozen=True)
class Standing:
    """One row under one score.

    Attributes:
        mean, sd: over seeds, or over pairs where the table has one seed; the sd is missing for a
            row that no seed changes.
        low, high: 95 % bootstrap interval of the mean over pairs.
        points: each pair's own score, seeds averaged.
    """

    mean: float
    sd: float
    low: float
    high: float
    points: np.ndarray


def title(score: str) -> str:
    """A score's name; an arrow says that less is better, or what is best."""
    return SCORES[score].replace("R² DE", "R², top 50").replace("R² all", "R², all genes")


def score_of(words: str) -> str:
    """The score of a title."""
    return next(score for score in SCORES if title(score) == words)


def known(board: Board) -> list[str]:
    """The scores that some row has."""
    return [score for score in SCORES if score in board.table.scores]


def shown_first(board: Board, score: str) -> list[str]:
    """The scores that the table begins with: the one that decides, then the usual ones."""
    mine = known(board)
    return [one for one in dict.fromkeys([score, *DEFAULT]) if one in mine]


def command(board: Board) -> tuple[str, str] | None:
    """What made a table, or makes the same one, on the command line: words, command."""
    if board.about.get("command"):
        return "Made by", str(board.about["command"])
    if "split" in board.about:
        words = "The same on the command line"
        return words, f"python -m gvci evaluate RUN --split {board.about['split']}"
    return None


def standing(board: Board, label: str, score: str) -> Standing | None:
    """None where the score is undefined for the row."""
    rows = board.table.of(label, score)
    if rows.empty:
        return None
    pairs = rows.groupby(PAIR)[score].mean().to_numpy(dtype=np.float64)
    seeds = board.table.by_seed(label, score)
    values = np.array(seeds) if seeded(board) else pairs
    sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    low, high = mean_interval(pairs)
    if low is None:
        low = high = float("nan")
    return Standing(float(np.mean(seeds)), sd, low, high, pairs)


def seeded(board: Board) -> bool:
    """Whether there are several seeds, so that a spread is theirs."""
    return bool(board.table.frame["seed"].nunique() > 1)


def side(gain: Gain, score: str) -> str:
    """ahead, behind or tied: the rule that the page states."""
    if score.startswith("r2") and abs(gain.difference) <= TIE:
        return "tied"
    if gain.low is not None or abs(gain.difference) < SAME:
        return gain.side
    return "ahead" if (gain.difference > 0) != gain.lower else "behind"


def order(board: Board, score: str) -> list[str]:
    """Rows from the best to the worst; what has no score after them, the ceiling last."""
    labels = [label for label in board.table.labels if label != CEILING]
    if score in NEAR_ONE:
        means = {label: board.table.mean(label, score) for label in labels}
        goal = 1.0 if score == "spread_ratio" else 0.95
        ranked = sorted(
            (label for label in labels if means[label] is not None),
            key=lambda label: abs((means[label] or 0.0) - goal),
        )
    else:
        ranked = board.table.ranked(score, labels)
    rest = [label for label in labels if label not in ranked]
    return [*ranked, *rest, *([CEILING] if CEILING in board.roles else [])]


# --- in words -------------------------------------------------------------------------------


def heading(board: Board, score: str) -> str:
    """The claim, with a badge where the cells are simulated; Markdown."""
    return f"**{literal(claim(board, score))}**{SIMULATED if board.simulated else ''}"


def claim(board: Board, score: str) -> str:
    """Who wins, plain text: a baseline's or an uploaded file's win is said as plainly as ours."""
    found = [_against_us(board, label, score) for label in board.labels("theirs")]
    return " ".join([*filter(None, found), _claim(board, score)])


def _against_us(board: Board, theirs: str, score: str) -> str:
    """Where an uploaded file stands."""
    gain = None if board.own is None else board.table.gain(board.own, theirs, score)
    if gain is None or score in NEAR_ONE:
        return ""
    verb = {"ahead": "is behind", "behind": "is ahead of", "tied": "ties with"}[side(gain, score)]
    return f"Your file {theirs} {verb} {board.own}."


def _claim(board: Board, score: str) -> str:
    what = title(score).replace(" ↓", "").replace(" → 1", "").replace(" → 0.95", "")
    best = best_baseline(board, score)
    if board.own is None:
        return f"The strongest simple baseline on {what} is {best}." if best else "Nothing to rank."
    if score in NEAR_ONE:
        return f"{what.capitalize()} is no contest: it is best near {title(score).split()[-1]}."
    if board.table.mean(board.own, score) is None:
        return f"{what} is undefined for {board.own}."
    if best is None:
        return f"No simple baseline has {what}: {board.own} stands alone."
    gain = board.table.gain(board.own, best, score)
    place = side(gain, score) if gain is not None else "tied"
    if place == "behind":
        return f"A simple baseline wins: {best} is ahead of {board.own} on {what}."
    if place == "tied":
        return f"{board.own} and the simple baseline {best} tie on {what}."
    sides = _sides(board, board.labels("baseline"), score)
    if sides["behind"] or sides["tied"]:
        return f"{board.own} is ahead of {best}, the best simple baseline by its mean, on {what}."
    return f"{board.own} is ahead of every simple baseline on {what}."


def best_baseline(board: Board, score: str) -> str | None:
    """The simple baseline with the best mean; of equal ones, not the one that was chosen."""
    names = sorted(board.labels("baseline"), key=lambda label: label == NAMES["auto"])
    ranked = board.table.ranked(score, names)
    return ranked[0] if ranked else None


def sentences(board: Board, score: str) -> list[str]:
    """The numbers behind the claim, plain text."""
    said, best = [], best_baseline(board, score)
    digits = decimals(board, score)
    ceiling = board.table.mean(CEILING, score) if CEILING in board.roles else None
    if board.own is not None and best is not None:
        mine = board.table.mean(board.own, score)
        gain = board.table.gain(board.own, best, score)
        if mine is not None and gain is not None:
            theirs = board.table.mean(best, score)
            words = f"{number(mine, digits)} against {number(theirs, digits)}"
            if ceiling is not None:
                words += f"; two halves of the measured cells reach {number(ceiling, digits)}"
            said.append(f"{words}. {_paired(board, best, score, gain)}")
            said += _counts(board, score)
    no_change = NAMES["no_change"]
    easy = board.table.mean(no_change, "r2_all") if no_change in board.roles else None
    if easy is not None and easy >= EASY:
        said.append(
            f"On R² of all genes no change already reaches {number(easy)}: do not judge by that "
            "column."
        )
    return said


def _paired(board: Board, other: str, score: str, gain: Gain) -> str:
    assert board.own is not None
    found = board.table.differences(board.own, other, score)
    by_pair = found.groupby(PAIR)["difference"].mean()
    better = int(((by_pair < 0) if score in LOWER else (by_pair > 0)).sum())
    words = f"Paired difference {number(gain.difference, 3, signed=True)}"
    if gain.low is None:
        return f"{words}, of one pair only, so it may be luck."
    words += f" ({number(gain.low, 3, True)} to {number(gain.high, 3, True)})"
    return f"{words}, better in {better} of {count(gain.pairs, 'pair')}."


def _sides(board: Board, rivals: list[str], score: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"ahead": [], "behind": [], "tied": []}
    for rival in rivals:
        gain = board.table.gain(board.own or "", rival, score)
        if gain is not None:
            found[side(gain, score)].append(rival)
    return found


def _counts(board: Board, score: str) -> list[str]:
    said = []
    others = [label for label in board.labels("model") if label != board.own]
    for rivals, kind in (
        (board.labels("baseline"), "simple baselines"),
        (others, "rows of other trained models"),
    ):
        sides = _sides(board, rivals, score)
        n = sum(map(len, sides.values()))
        if not n:
            continue
        words = f"Ahead of {len(sides['ahead'])} of {n} {kind}"
        words += f"; behind {listed(sides['behind'], 9)}" if sides["behind"] else ""
        words += f"; a tie with {listed(sides['tied'], 9)}" if sides["tied"] else ""
        said.append(f"{words}.")
    return said


# --- the table --------------------------------------------------------------------------------


def decimals(board: Board, score: str) -> int:
    """Two, three where means crowd, four where they are small."""
    means = [board.table.mean(label, score) for label in board.table.labels]
    found = [mean for mean in means if mean is not None]
    top = sorted(found, reverse=score not in LOWER)[:5]
    if not top:
        return 2
    return 2 + (max(top) - min(top) < 0.1) + (max(map(abs, found)) < 0.02)


def rows(board: Board, labels: list[str], scores: list[str]) -> pd.DataFrame:
    """Models × scores as they are shown: mean ± sd."""
    columns: dict[str, list[str]] = {"Model": labels, "Kind": [kind(board, one) for one in labels]}
    for score in scores:
        digits = decimals(board, score)
        columns[title(score)] = [_cell(standing(board, one, score), digits) for one in labels]
    return pd.DataFrame(columns)


def kind(board: Board, label: str) -> str:
    """What a row is, in words."""
    role = board.roles[label]
    if role == "ceiling":
        return "split half of measured cells"
    way = board.ways.get(label, "")
    return f"{KINDS[role]}, {way}" if role == "model" and way else KINDS[role]


def _cell(found: Standing | None, digits: int) -> str:
    if found is None:
        return UNDEFINED
    spread = f" ± {number(found.sd, digits)}" if np.isfinite(found.sd) else ""
    return number(found.mean, digits) + spread


def styled(board: Board, table: pd.DataFrame, colours: Palette) -> object:
    """Our row and an uploaded file's in the colour of claims, the ceiling in that of measures."""

    def paint(row: pd.Series[str]) -> list[str]:
        label = row["Model"]
        strong = f"color: {colours.predicted_text}; font-weight: 600"
        if board.roles[label] == "ceiling":
            return [f"color: {colours.measured_text}"] * len(row)
        if board.roles[label] == "theirs":
            return [strong, *[""] * (len(row) - 1)]
        bold = ["font-weight: 600"] * (len(row) - 1)
        return [strong, *bold] if label == board.own else [""] * len(row)

    return table.style.apply(paint, axis=1)


def caption(board: Board, scores: Sequence[str]) -> str:
    """What the numbers are, plain text."""
    over = "seeds; a row without ± does not depend on the seed" if seeded(board) else "pairs"
    cells = {"cell_correlation", "spread_ratio"} & set(scores)
    zero = " A simple baseline has no cells of its own: 0 under " if cells else ""
    zero += " and ".join(title(score) for score in SCORES if score in cells)
    zero = zero.rstrip(".") + "." * bool(cells)
    return f"Mean ± sd over {over}. {board.over[0].upper()}{board.over[1:]}. {RULE}{zero}"


def long_table(board: Board, scores: list[str]) -> pd.DataFrame:
    """One row per model and score, with its paired difference to our model."""
    found = []
    for score in scores:
        for label in order(board, score):
            own = standing(board, label, score)
            gain = None
            if board.own is not None and label not in (board.own, CEILING):
                gain = board.table.gain(board.own, label, score)
            found.append(
                {
                    "score": title(score),
                    "model": label,
                    "kind": kind(board, label),
                    "mean": own.mean if own else None,
                    "sd": own.sd if own else None,
                    "low": own.low if own else None,
                    "high": own.high if own else None,
                    "pairs": len(own.points) if own else 0,
                    "ours_minus_it": gain.difference if gain else None,
                    "difference_low": gain.low if gain else None,
                    "difference_high": gain.high if gain else None,
                    "ours_is": side(gain, score) if gain else "",
                }
            )
    return pd.DataFrame(found)
