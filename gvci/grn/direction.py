"""Edges that look reversed: written from the target to its regulator (FAULTS F23)."""

from __future__ import annotations

from dataclasses import replace

from gvci.grn.families import factors
from gvci.grn.network import GRN

FEWEST = 5
TIMES = 3.0


def reversal(grn: GRN) -> str:
    """A warning where the targets look like the regulators; empty where nothing does.

    Genes named like transcription factors are counted among the sources and among the targets.
    Where names tell nothing, so is how many there are: few genes regulate many.
    """
    sources, targets = set(grn.edges["source"]), set(grn.edges["target"])
    of_sources, of_targets = len(factors(sources)), len(factors(targets))
    share, other = of_sources / len(sources), of_targets / len(targets)
    if max(of_sources, of_targets) >= FEWEST:
        if other < TIMES * share:
            return ""
        why = (
            f"{other:.0%} of the {len(targets):,} targets are named like transcription factors, "
            f"and {share:.0%} of the {len(sources):,} sources"
        )
    elif len(targets) >= FEWEST and len(sources) >= TIMES * len(targets):
        why = f"{len(sources):,} sources regulate only {len(targets):,} targets"
    else:
        return ""
    return f"The edges look reversed: {why}. Check that regulators are in the column 'source'."


def with_warning(grn: GRN) -> GRN:
    """The network, with a note first where its edges look reversed."""
    warning = reversal(grn)
    return replace(grn, notes=(warning, *grn.notes)) if warning else grn
