"""Where the nodes of the network go: a fan per regulator, or free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST_HUBS = 4
ON_ONE_ARC = 26
SPACING = 17.0
ARC_STEP = 84.0
WIDTH = 720.0
LOWEST = 545.0
ACROSS = 480.0


@dataclass(frozen=True)
class Layout:
    """Positions in pixels of a plot that is `width` by `height`, and where each label goes."""

    positions: Mapping[str, tuple[float, float]]
    sides: Mapping[str, str]
    width: float
    height: float

    @property
    def shown_height(self) -> int:
        """Height in pixels of a chart in which the nodes get 480 pixels of width."""
        places = np.array(list(self.positions.values()))
        wide, tall = np.ptp(places, axis=0)
        return int(np.clip(tall * min(1.0, ACROSS / max(float(wide), 1.0)) + 60, 420, 1600))


def lay_out(edges: pd.DataFrame, regulators: Sequence[str]) -> Layout:
    """A fan for up to four regulators, a force layout for more."""
    hubs = [name for name in regulators if name in set(edges["source"])]
    return fan(edges, hubs) if len(hubs) <= MOST_HUBS else free(edges)


def fan(edges: pd.DataFrame, hubs: Sequence[str]) -> Layout:
    """Hubs in the middle, their own targets on outward arcs, shared targets between the hubs.

    Targets stand at equal heights along an arc, so that labels never touch; beyond 26 a side
    there are several arcs, one label width apart.
    """
    owners = edges.groupby("target", sort=False)["source"].agg(lambda s: list(dict.fromkeys(s)))
    targets = {str(t): owner for t, owner in owners.items() if t not in hubs}
    shared = [name for name, owner in targets.items() if len(owner) > 1]
    sides: list[tuple[str, int, list[str]]] = []
    for at, hub in enumerate(hubs):
        own = [name for name, owner in targets.items() if owner == [hub]]
        if len(hubs) == 1:
            sides += [(hub, -1, own[::2]), (hub, 1, own[1::2])]
        else:
            sides.append((hub, -1 if at % 2 == 0 else 1, own))
    rows = 1 if len(hubs) <= 2 else 2
    arcs = max((-(-len(own) // ON_ONE_ARC) for _, _, own in sides), default=1) or 1
    per_arc = max((-(-len(own) // arcs) for _, _, own in sides), default=1)
    columns = -(-len(shared) // 24) if shared else 0
    row_height = max(LOWEST if rows == 1 else 300.0, per_arc * SPACING + 40)
    middle = max(150.0, 110.0 * columns + 60) if len(hubs) > 1 else 0.0
    width = max(WIDTH, 2 * (150 + ARC_STEP * arcs) + middle)
    height = max(rows * row_height, min(len(shared), 24) * 20.0 + 40)
    positions: dict[str, tuple[float, float]] = {}
    label: dict[str, str] = {}
    for at, (hub, side, own) in enumerate(sides):
        row = 0 if len(hubs) <= 2 else at // 2
        centre = height * (row + 0.5) / rows
        hub_x = width / 2 + side * middle / 2 if len(hubs) > 1 else width / 2
        positions[hub] = (hub_x, centre)
        label[hub] = "bottom"
        chunks = [own[i::arcs] for i in range(arcs)]
        for arc, names in enumerate(chunks):
            reach = row_height / 2 - 14
            # Neighbouring arcs are shifted by half a step, so that edges pass between labels.
            shift = 0.5 * arc / arcs
            span = np.linspace(-1, 1, len(names)) if len(names) > 1 else np.zeros(1)
            if len(names) > 1:
                span = np.clip(span + 2 * shift / len(names), -1, 1)
            for name, v in zip(names, span, strict=False):
                bow = 70 + 100 * np.sqrt(max(1 - 0.8 * v * v, 0))
                positions[name] = (
                    float(hub_x + side * (bow + ARC_STEP * arc)),
                    float(centre + v * reach),
                )
                label[name] = "left" if side < 0 else "right"
    for at, name in enumerate(shared):
        column, row = at % columns, at // columns
        in_column = -(-len(shared) // columns)
        x = width / 2 + (column - (columns - 1) / 2) * 110
        y = height / 2 + (row - (in_column - 1) / 2) * min(34.0, (height - 40) / in_column)
        positions[name] = (x, y)
        label[name] = "top" if columns == 1 and in_column < 14 else "right"
    return Layout(positions, label, width, height)


def free(edges: pd.DataFrame) -> Layout:
    """Kamada–Kawai from a fixed start, for more than four regulators."""
    import igraph

    names = [str(n) for n in pd.unique(pd.concat([edges["source"], edges["target"]]))]
    at = {name: i for i, name in enumerate(names)}
    pairs = [
        (at[str(s)], at[str(t)]) for s, t in zip(edges["source"], edges["target"], strict=True)
    ]
    graph = igraph.Graph(n=len(names), edges=pairs)
    angle = np.linspace(0, 2 * np.pi, len(names), endpoint=False)
    start = np.column_stack([np.cos(angle), np.sin(angle)]) * len(names) ** 0.5
    found = np.asarray(graph.layout_kamada_kawai(seed=start.tolist()).coords)
    low, high = found.min(axis=0), found.max(axis=0)
    height = float(np.clip(LOWEST + 1.5 * len(names), LOWEST, 820))
    scaled = (found - low) / np.where(high > low, high - low, 1) * [WIDTH - 60, height - 40] + [
        30,
        20,
    ]
    sources = set(edges["source"])
    return Layout(
        {name: (float(x), float(y)) for name, (x, y) in zip(names, scaled, strict=True)},
        {name: "bottom" if name in sources else "right" for name in names},
        WIDTH,
        height,
    )
