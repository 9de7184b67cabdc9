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
        "dataset": _titled(data.title, data.simulated),
        "cells": data.n_cells,
        "numbers": numbers(run),
        "genes": len(data.genes),
        "model": run.name,
        "fingerprint": run.fingerprint,
        "seed": _seed(run),
    }
    if created(run):
        about["created"] = created(run)
    about["GRN"] = grn_name(run)
    if run.grn is not None:
        about |= {
            "alpha": run.grn.alpha,
            "background": run.grn.background,
        }
    return about | more


def strip(run: Run) -> str:
    """Dataset · model · network · date · hash, as Markdown on one line."""
    data = run.data
    parts = [of_cells(data.title, data.simulated, _cells(run)), of_model(run.name)]
    if run.kind == "run":
        parts.append(of_network(grn_name(run)))
    if created(run):
        parts.append(of_day(created(run)))
    return " · ".join([*parts, f"`{run.fingerprint}`"])


def numbers(run: Run) -> str:
    """Whether what is shown is of cells or of their summaries, and of which."""
    return f"{_kind(run)}s" if run.cells_here else f"summaries of {_kind(run)}s"


def of_cells(title: str, simulated: bool, cells: str) -> str:
    """The part of a strip that names the dataset, and how many cells it has, in words."""
    return f":material/database: {literal(_titled(title, simulated), 48)}, {cells}"


def of_model(name: str) -> str:
    """The part that names the model, or what a job makes."""
    return f":material/neurology: {literal(name, 30)}"


def of_network(name: str) -> str:
    """The part that names the network."""
    return f":material/hub: GRN: {literal(name, 48)}"


def of_day(iso: str) -> str:
    """The part that says when."""
    return f":material/calendar_today: {literal(day(iso))}"


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


def _titled(title: str, simulated: bool) -> str:
    """The dataset's title; that it is simulated is always part of it."""
    return f"{title} (simulated)" if simulated and "simulated" not in title.lower() else title


def _seed(run: Run) -> object:
    settings = run.card.get("settings")
    return settings.get("seed", "") if isinstance(settings, dict) else run.card.get("seed", "")
