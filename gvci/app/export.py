"""Tables as CSV, safe to open in a spreadsheet; networks as GraphML; provenance in each head."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from gvci.counterfactual.sample import SHARES, Sample
from gvci.spreadsheet import comment, csv_text


def csv(table: pd.DataFrame, provenance: Mapping[str, object]) -> str:
    """A CSV with provenance as comment lines ("# model: …") before the header.

    Read it with `pandas.read_csv(path, comment="#")`.
    """
    head = "".join(comment(name, value) for name, value in provenance.items())
    return head + csv_text(table, digits=6)


def graphml(edges: pd.DataFrame, provenance: Mapping[str, object]) -> bytes:
    """A directed graph for Cytoscape or Gephi, every edge column as an attribute."""
    import networkx as nx

    graph = nx.DiGraph(**{_word(k): _xml(str(v)) for k, v in provenance.items()})
    regulators = set(edges["source"].astype(str))
    for name in pd.unique(pd.concat([edges["source"], edges["target"]]).astype(str)):
        graph.add_node(_xml(name), regulator=name in regulators)
    for row in edges.to_dict("records"):
        source, target = _xml(str(row.pop("source"))), _xml(str(row.pop("target")))
        known = {str(k): v for k, v in row.items() if not pd.isna(v)}
        graph.add_edge(source, target, **{_word(k): _attribute(v) for k, v in known.items()})
    buffer = io.BytesIO()
    nx.write_graphml(graph, buffer)
    return buffer.getvalue()


def cells_table(
    values: np.ndarray, genes: pd.Index, cell_names: list[str], kinds: list[str]
) -> pd.DataFrame:
    """One row a cell: its name, its kind (control, predicted, measured) and its expression."""
    table = pd.DataFrame(values, columns=genes)
    table.insert(0, "kind", kinds, allow_duplicates=True)
    table.insert(0, "cell", cell_names, allow_duplicates=True)
    return table


def quantiles_table(kinds: Mapping[str, Sample], genes: pd.Index) -> pd.DataFrame:
    """One row a kind and gene: number of cells, mean, variance, share above 0, quantiles."""
    parts = []
    for kind, sample in kinds.items():
        named = zip(SHARES, sample.values, strict=True)
        quantiles = {f"{100 * share:g} %": values for share, values in named}
        moments = {"mean": sample.mean, "variance": sample.variance, "above 0": sample.detected}
        head = {"kind": kind, "gene": genes, "cells": sample.n}
        parts.append(pd.DataFrame(head | moments | quantiles))
    return pd.concat(parts, ignore_index=True)


def file_name(*parts: object, kind: str) -> str:
    """A file name from labels: letters, digits, "-" and "_" only."""
    words = [re.sub(r"[^A-Za-z0-9_-]+", "-", str(part)).strip("-") for part in parts]
    return "_".join(word for word in words if word)[:100] + "." + kind


def _attribute(value: object) -> str | float | int | bool:
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (bool, int, float)) else _xml(str(value))


def _word(text: str) -> str:
    return re.sub(r"\W", "_", text)


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
