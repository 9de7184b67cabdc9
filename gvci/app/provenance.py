"""What a figure, a table or a page was made from, in one line or as key and value."""

from __future__ import annotations

from gvci.app.text import count, day, literal
from gvci.run import Run


def facts(run: Run, **more: object) -> dict[str, object]:
    """For the head of an exported file."""
    data = run.data
    about: dict[str, object] = {
        "made by": "gvci",
        "dataset": f"{data.title}{' (simulated)' if data.simulated else ''}",
        "cells": data.n_cells,
        "genes": len(data.genes),
        "model": run.name,
        "fingerprint": run.fingerprint,
        "created": run.card.get("created", ""),
        "seed": _seed(run),
    }
    if run.grn is not None:
        about |= {
            "network": grn_name(run),
            "alpha": run.grn.alpha,
            "background": run.grn.background,
        }
    return about | more


def strip(run: Run) -> str:
    """Dataset · model · network · date · hash, as Markdown on one line."""
    data = run.data
    kind = "simulated, " if data.simulated else ""
    parts = [
        f":material/database: {literal(data.title, 48)} ({kind}{count(data.n_cells, 'cell')})",
        f":material/neurology: {literal(run.name, 30)}",
    ]
    if run.kind == "run":
        parts.append(f":material/hub: {literal(grn_name(run), 40)}")
    if run.card.get("created"):
        parts.append(f":material/calendar_today: {day(str(run.card['created']))}")
    return " · ".join([*parts, f"`{run.fingerprint}`"])


def grn_name(run: Run) -> str:
    """The network's name; "no network" for a model without one."""
    if run.grn is None:
        return str(run.card.get("grn") or "no network")
    return str(run.grn.meta.get("name") or run.grn.meta.get("prior") or "refined network")


def _seed(run: Run) -> object:
    settings = run.card.get("settings")
    return settings.get("seed", "") if isinstance(settings, dict) else run.card.get("seed", "")
