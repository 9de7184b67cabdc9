"""The prior that a refinement starts from: by name, from a file, or from the cells themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gvci.coexpression import NAME, coexpression
from gvci.data.catalogue import load_network
from gvci.grn import GRN, Orientation
from gvci.grn.names import STEPS, in_names_of, known_ids

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData


def find_prior(word: str, data: PerturbationData, orientation: Orientation | None = None) -> GRN:
    """A network in the names of the data; how names were matched is in its notes.

    Args:
        word: a catalogue name, a file, or "coexpression" for the cells' own.
        orientation: of a matrix whose header does not tell it.

    Raises:
        CatalogueError: unknown name, or the file cannot be had.
        GRNError: the file is damaged or has no usable edge.
    """
    if word.strip().lower() == NAME:
        return coexpression(data)
    given = load_network(word, orientation).adopted()
    prior, match = in_names_of(given, data.genes, known_ids(data.adata.var))
    if set(match.how.values()) <= {STEPS[0]} and not match.notes:
        return prior
    return replace(prior, notes=(*prior.notes, *match.sentences()))
