"""What the Jobs page says of a job: its state in words, how far it is, its curves, its result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gvci.app.badge import Badge
from gvci.app.charts import base_layout
from gvci.app.provenance import of_cells, of_day, of_model, of_network
from gvci.app.text import count, day, literal, number, tagged
from gvci.app.theme import Palette
from gvci.app.train_view import MODELS, VERBS
from gvci.data.size import data_size
from gvci.errors import GvciError
from gvci.jobs import control, queue
from gvci.jobs.ending import spell
from gvci.jobs.estimate import cells_of
from gvci.jobs.limits import gigabytes
from gvci.jobs.progress import log_tail, read_metrics
from gvci.jobs.request import PREDICTED, Request
from gvci.jobs.state import OPEN, Job, jobs, jobs_of_all, read_job
from gvci.registry import Entry, entries_of
from gvci.run import DATA

HEIGHT = 240
SHOWN = {  # the first three that a training writes
    "validation_r2": "R² of means, validation cells",
    "cell_correlation": "correlation per cell",
    "validation_reconstruction": "reconstruction, validation cells",
    "score": "score",
}
MOST_PANELS = 3


BADGES = {
    "queued": Badge("Queued", ":material/hourglass_empty:", "gray"),
    "running": Badge("Running", ":material/play_arrow:", "blue"),
    "done": Badge("Done", ":material/check:", "green"),
    "stopped": Badge("Stopped", ":material/stop:", "gray"),
    "lost": Badge("Lost", ":material/link_off:", "orange"),
    "fault": Badge("Stopped by a fault", ":material/error:", "red"),
}

again = read_job
stop, resume, delete = control.stop, control.resume, control.delete


def shown(workspace: str | None) -> list[Job]:
    """The jobs that this visitor may see; the newest first."""
    return jobs(workspace)


def unreadable_words(count: int) -> str:
    """That some directories are no longer of use."""
    holds = "directory holds a job" if count == 1 else "directories hold jobs"
    return (
        f"{count:,} {holds} that cannot be read (damaged, or of another version). "
        "python -m gvci jobs list names them."
    )


def unreadable() -> int:
    """How many directories say nothing about themselves."""
    return sum(job.request is None for job in jobs_of_all())


def works(job: Job) -> bool:
    """Whether it is queued or running, so that what is shown changes by itself."""
    return job.state in OPEN


def can_resume(job: Job) -> bool:
    """Whether resume is offered."""
    return job.state in ("stopped", "lost") and job.request is not None


def badge(job: Job) -> Badge:
    """Of its state."""
    return BADGES["fault" if job.fault else job.state]


def about(job: Job) -> str:
    """Verb, preset, date: one line."""
    if job.request is None:
        return ""
    preset = f", preset {job.request.preset}" if job.request.verb in VERBS else ""
    return f"{job.request.verb}{preset}, {day(job.created)} {job.created[11:16]} UTC"


def sentence(job: Job) -> str:
    """What it does or how it ended."""
    if job.state == "queued":
        before = sum(other.order < job.order for other in queue.waiting())
        running = sum(other.state == "running" for other in jobs_of_all())
        ahead = before + running
        return (
            f"It waits: {ahead} {'job is' if ahead == 1 else 'jobs are'} before it. It starts by "
            "itself, also when this page is closed."
        )
    if job.state == "running":
        does = "It works" if job.progress is not None else "It reads its input"
        return f"{does}, also when this page is closed."
    return job.sentence


def bar(job: Job) -> tuple[float, str] | None:
    """Share done and words for a progress bar; None where there is nothing to show."""
    at = job.progress
    if at is None or job.state == "done" or at.steps <= 0:
        return None
    words = f"Step {at.step:,} of {at.steps:,}"
    if at.words:
        words += f" ({at.words})"
    if job.state == "running" and at.left is not None:
        words += f", about {spell(at.left)} left"
    return at.share, words


def log(job: Job) -> str:
    """The last lines that its process said; where its folder lies is nobody's business."""
    return "\n".join(log_tail(job.folder)).replace(f"{job.folder}", "…")


def result(job: Job) -> Entry | None:
    """The run or network that it made."""
    return next(iter(entries_of([job.folder.resolve()])), None) if job.state == "done" else None


def file(job: Job) -> tuple[Path, str] | None:
    """The predicted cells that it wrote, and a label for their download."""
    path = job.folder / PREDICTED
    if job.state != "done" or not path.is_file():
        return None
    return path, f"Download the predicted cells (.h5ad, {gigabytes(path.stat().st_size)})"


def settings(job: Job) -> pd.DataFrame:
    """What was asked for, as a table."""
    asked = job.request
    if asked is None:
        return pd.DataFrame({"Setting": [], "Value": []})
    rows = {"cells": _cells(asked)}
    if asked.verb in VERBS:
        rows |= {"network": _network(asked), "preset": asked.preset}
    shown = {f"which {name}" if name in rows else name: v for name, v in asked.settings.items()}
    rows |= {n: ", ".join(v) if isinstance(v, list) else str(v) for n, v in shown.items()}
    rows["seed"] = str(asked.settings.get("seed", 0))
    return pd.DataFrame({"Setting": list(rows), "Value": list(rows.values())})


def strip(job: Job) -> str:
    """What a job is about, as a page's provenance, Markdown."""
    asked = job.request
    if asked is None:
        return ""
    try:
        size = data_size(job.folder / DATA if asked.verb == "prepare" else cells_of(asked))
        parts = [of_cells(size.title, size.simulated, count(size.cells, "cell"))]
    except GvciError:
        parts = [f":material/database: {literal(_cells(asked), 48)}"]
    entry = result(job)
    parts += [of_network(_network(asked))] if asked.verb in VERBS else []
    parts += [of_model(entry.title)] if entry is not None else []
    return " · ".join([*parts, of_day(job.created)])


def _cells(asked: Request) -> str:
    """The dataset by its title; where it lies is nobody's business."""
    if asked.verb == "prepare":
        return asked.name or Path(asked.data).name
    try:
        return data_size(cells_of(asked)).title
    except GvciError:
        return "no longer there"


def _network(asked: Request) -> str:
    if not Path(asked.network).is_absolute():
        return asked.network
    entry = next(iter(entries_of([Path(asked.network)])), None)
    return entry.title if entry is not None else Path(asked.network).name


def _key(job: Job) -> dict[str, str]:
    """The key of its workspace, without which Train does not know what it made."""
    key = job.request.workspace if job.request is not None else None
    return {"workspace": key} if key else {}


def next_steps(job: Job) -> list[tuple[str, dict[str, str]]]:
    """Label and URL of the Train page for what comes after this job."""
    asked = job.request
    if asked is None or job.state in OPEN:
        return []
    if asked.verb == "prepare":
        if job.state != "done":
            return []
        query = {"what": VERBS["refine"], "cells": job.id, **_key(job)}
        return [("Train on these cells", query)]
    if asked.verb == "predict":
        return []
    steps = [("Again with other settings", {**_same_choices(asked), **_key(job)})]
    entry = result(job)
    if entry is not None and entry.kind == "grn":
        query = {"what": VERBS["train"], "network": entry.id, **_key(job)}
        steps.insert(0, ("Train a model on it", query))
    return steps


def _same_choices(asked: Request) -> dict[str, str]:
    """The Train page with the choices of a request: those of the form, and preset and seed."""
    query = {"what": VERBS[asked.verb], f"{asked.verb}_preset": asked.preset, "title": asked.title}
    for name, value in asked.settings.items():
        key = name if name in ("model", "seed") else f"{asked.verb}_{asked.preset}_{name}"
        query[key] = str(value).lower() if isinstance(value, bool) else str(value)
    if "model" in query:
        query["model"] = MODELS[query["model"]]
    return query


# --- curves ----------------------------------------------------------------------------


def metrics(job: Job) -> pd.DataFrame:
    """One row per validation; empty where the verb writes none."""
    return pd.DataFrame(read_metrics(job.folder))


def curves(rows: pd.DataFrame, colours: Palette) -> go.Figure | None:
    """Validation by step, a line per part of the training: members loud, inner members grey."""
    names = _drawn(rows)
    if not names:
        return None
    titles = [tagged(SHOWN[name]) for name in names]
    figure = make_subplots(1, len(names), subplot_titles=titles, horizontal_spacing=0.07)
    figure.update_layout(
        **base_layout(colours, HEIGHT, margin={"l": 40, "r": 12, "t": 28, "b": 36})
    )
    figure.update_annotations(font={"size": 12, "color": colours.ink})
    stages = list(dict.fromkeys(rows["stage"])) if "stage" in rows else [""]
    for column, name in enumerate(names, 1):
        for stage in stages:
            part = rows[rows["stage"] == stage] if stage else rows
            figure.add_trace(_line(part, name, stage, colours), row=1, col=column)
        figure.update_xaxes(title_text="step", title_standoff=2, row=1, col=column)
    figure.update_xaxes(showgrid=False, zeroline=False, linecolor=colours.line, fixedrange=True)
    figure.update_yaxes(gridcolor=colours.line, zeroline=False, fixedrange=True, nticks=5)
    return figure


def _line(part: pd.DataFrame, name: str, stage: str, colours: Palette) -> go.Scatter:
    inner = stage.startswith("inner")
    colour = colours.control if inner else colours.predicted
    return go.Scatter(
        x=part["step"],
        y=part[name],
        mode="lines+markers",
        line={"color": colour, "width": 1.4 if inner else 2.4},
        marker={"size": 4 if inner else 7, "symbol": "circle" if inner else "circle-open"},
        name=tagged(stage or "training"),
    )


def curves_caption(rows: pd.DataFrame) -> str:
    """What the lines are."""
    inner = "stage" in rows and rows["stage"].str.startswith("inner").any()
    return (
        "Vermillion rings: the members of the model. Grey: inner members, which choose the steps."
        if inner
        else "One point per validation."
    )


def alt(rows: pd.DataFrame) -> str:
    """The figure in words: the last values."""
    last = rows.iloc[-1]
    values = [f"{SHOWN[name]} {number(float(last[name]), 3)}" for name in _drawn(rows)]
    return f"Validation by step. At step {int(last['step']):,}: {', '.join(values)}."


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """The same numbers as the figure's."""
    first = [name for name in ("stage", "step", "epoch", "seconds") if name in rows]
    return rows[[*first, *_drawn(rows)]].round(4)


def _drawn(rows: pd.DataFrame) -> Sequence[str]:
    return [name for name in SHOWN if name in rows and rows[name].notna().any()][:MOST_PANELS]
