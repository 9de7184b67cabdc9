"""What `python -m gvci evaluate` does: a run, another program's cells, or the baselines alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gvci.config import PredictMode
from gvci.data.dataset import PerturbationData
from gvci.errors import SettingsError
from gvci.evaluation.evaluate import evaluate, evaluate_baselines
from gvci.evaluation.foreign import evaluate_predictions
from gvci.evaluation.score_table import score_lines
from gvci.gate.words import gate_sentence
from gvci.run import Run
from gvci.verdict import TITLES


def judge(
    path: Path,
    split: str,
    mode: PredictMode,
    predictions: Path | None = None,
    name: str | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Scores and verdict, and what to say of a run's gate.

    Args:
        path: a run's directory, or a prepared dataset.
        split, mode: as for `evaluate`.
        predictions: .h5ad of another program. name: what that is called.

    Raises:
        GvciError: a file cannot be used, or no pair can be scored.
    """
    if predictions is None and name is not None:
        message = "--name is the name of --predictions, which are not given."
        raise SettingsError(message)
    run = None if path.is_file() else Run.open(path)
    data = PerturbationData.read(path) if run is None else run.data
    if predictions is not None:
        words: dict[str, Any] = (
            {} if run is None else {"beside": run, "beside_name": run.model.name}
        )
        answer = evaluate_predictions(predictions, data, split, name=name, mode=mode, **words)
    elif run is None:
        answer = evaluate_baselines(data, split)
    else:
        answer = evaluate(run, data, split, name=run.model.name, mode=mode)
    mixed = run is not None and answer["gate"] is not None and answer["gate"]["lambda"] < 1
    return answer, [gate_sentence(run.model.gate)] if run is not None and mixed else []


def report(answer: dict[str, Any], said: Sequence[str] = ()) -> Iterator[str]:
    """The verdict, whom to trust, how a file was read, notes, and the table."""
    yield answer["verdict"]
    yield f"By leaving levels out, the baseline to trust is {TITLES[answer['chosen']['name']]}."
    yield from said
    yield from answer.get("predictions", {}).get("notes", [])
    yield from answer["notes"]
    yield from score_lines({**answer["models"], "ceiling": answer["ceiling"]})
