"""A prior where one has none: the strongest co-expression of the same cells, and nothing else.

It is not independent evidence. What is refined from it has seen these cells twice, so no
agreement between the two is a confirmation; the notes say so wherever the network goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gvci.edges.rivals import pearson_within
from gvci.errors import GRNError
from gvci.grn import GRN, from_edges
from gvci.grn.families import factors

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData

NAME = "coexpression"
FEWEST_FACTORS = 5
PER_GENE = 10


def coexpression(data: PerturbationData, per_gene: int = PER_GENE) -> GRN:
    """For each gene the regulators that vary with it most inside covariate groups.

    |Pearson| of deviations from the group's mean, over the cells that learning may see. The
    regulators are the genes named like transcription factors and the perturbed genes; where
    fewer than five are known, every gene may be one.

    Args:
        per_gene: regulators kept per target, the strongest.

    Returns:
        A GRN whose weights are |Pearson|, with notes on what it is.

    Raises:
        GRNError: no gene varies with another.
    """
    genes = [str(gene) for gene in data.genes]
    perturbed = {word for label in set(data.perturbation) for word in label.split()}
    known = [*factors(genes), *(gene for gene in genes if gene in perturbed)]
    sources = list(dict.fromkeys(known)) if len(set(known)) >= FEWEST_FACTORS else genes
    strength = pearson_within(data, sources, genes).to_numpy()
    at = {gene: position for position, gene in enumerate(genes)}
    strength[np.arange(len(sources)), [at[source] for source in sources]] = 0.0
    kept = min(per_gene, len(sources))
    # Ties go to the source that comes first.
    order = np.argsort(-strength, axis=0, kind="stable")[:kept]
    columns = np.broadcast_to(np.arange(len(genes)), order.shape)
    values = strength[order, columns]
    there = values > 0
    if not there.any():
        message = f"No gene of {data.name} varies with another inside a group: no co-expression."
        raise GRNError(message)
    edges = pd.DataFrame(
        {
            "source": np.asarray(sources, dtype=object)[order[there]],
            "target": np.asarray(genes, dtype=object)[columns[there]],
            "weight": values[there],
        }
    )
    who = (
        f"{len(sources):,} genes perturbed or named like transcription factors"
        if sources is not genes
        else "every gene, for fewer than five regulators are known"
    )
    made = from_edges(edges, f"co-expression of {data.name}", genes)
    notes = (
        f"This prior is the co-expression of the same cells (|Pearson| inside covariate groups, "
        f"the {kept} strongest per gene among {who}).",
        "It is not independent evidence: a refined edge that it holds is not thereby confirmed, "
        "and its direction is a guess.",
    )
    return GRN(made.genes, made.edges, made.name, (*notes, *made.notes))
