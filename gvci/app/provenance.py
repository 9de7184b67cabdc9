"""What a figure, a table or a page was made from, in one line or as key and value."""

from __future__ import annotations

from gvci.app.text import count, day, literal
from gvci.model_card import grn_name
from gvci.run import Run


def facts(run: Run, **more: object) -> dict[str, object]:
    """For the head of an exported file."""
    data = run.data
    about: dict[str, object] = {
        "made by": "gvci",
        "dataset": _titled(run),
        "cells": data.n_cells,
        "numbers": numbers(run),
        "genes": len(data.genes),
        "model": run.name,
        "fingerprint": run.fingerprint,
        "created": created(run),
        "seed": _seed(run),
    }
    about["GRN"] = grn_name(run)
    if run.grn is not None:
        about |= {
            "alpha": run.grn.alpha,
            "background": run.grn.background,
        }
    return about | more


def strip(run: Run) -> str:
    """Dataset · model · network · date · hash, as Markdown on one line."""
    parts = [
        f":material/database: {literal(_titled(run), 48)}, {_cells(run)}",
        f":material/neurology: {literal(run.name, 30)}",
    ]
    if run.kind == "run":
        parts.append(f":material/hub: GRN: {literal(grn_name(run), 48)}")
    if created(run):
        parts.append(f":material/calendar_today: {day(created(run))}")
    return " · ".join([*parts, f"`{run.fingerprint}`"])


def numbers(run: Run) -> str:
    """Whether what is shown is of cells or of their summaries, and of which."""
    return f"{_kind(run)}s" if run.cells_here else f"summaries of {_kind(run)}s"


def created(run: Run) -> str:
    """When the model was trained, else when the network was refined; ISO, or empty."""
    network = run.grn.meta.get("created") if run.grn is not None else ""
    return str(run.card.get("created") or network or "")


def _kind(run: Run) -> str:
    return "simulated cell" if run.data.simulated else "measured cell"


def _cells(run: Run) -> str:
    """How many cells, and whether they are here."""
    n = count(run.data.n_cells, _kind(run))
    return n if run.cells_here else f"**summaries of {n}**"


def _titled(run: Run) -> str:
    """The dataset's title; that it is simulated is always part of it."""
    title = run.data.title
    simulated = run.data.simulated and "simulated" not in title.lower()
    return f"{title} (simulated)" if simulated else title


def _seed(run: Run) -> object:
    settings = run.card.get("settings")
    return settings.get("seed", "") if isinstance(settings, dict) else run.card.get("seed", "")
