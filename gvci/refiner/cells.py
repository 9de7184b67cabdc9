"""What the calibrated refiner learns from: standardised residuals, candidates, perturbed cells.

Only genes that can regulate are sources: those with an outgoing prior edge, and the perturbed
genes. So there are n × s candidate pairs with s far below n, and no n × n matrix anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvci.data.dataset import PerturbationData
from gvci.grn import GRN
from gvci.pseudobulk import LEARNING_SPLITS
from gvci.refiner.residuals import Residuals


@dataclass(frozen=True)
class Cells:
    """Standardised residuals and the candidate pairs among their genes.

    Attributes:
        values: Z, (N, n), a block of cells at a time; the mean of the covariate group is
            subtracted, not that of the perturbation (its contrast is evidence), and each gene
            divided by its deviation. A gene without variation is 0 everywhere.
        sources: (s,) positions of the regulators among the genes, ascending.
        prior: (n, s) bool, `[target, source]`.
        perturbed: (column among the sources, rows of the cells in which it was perturbed).
    """

    values: Residuals
    sources: np.ndarray
    prior: np.ndarray
    perturbed: tuple[tuple[int, np.ndarray], ...]

    @classmethod
    def of(cls, data: PerturbationData, prior: GRN) -> Cells:
        """The training and validation cells of a dataset.

        Raises:
            GRNError: the prior shares fewer than two genes, or no edge, with the data.
        """
        inside = prior.restricted(data.genes, data.name)
        # Nothing here stops early, so validation cells need not be kept apart.
        rows = data.rows(LEARNING_SPLITS)
        labels = data.perturbation[rows]
        targeted = {label: perturbed_genes(label, data) for label in pd.unique(labels)}
        names = set(inside.sources).union(*targeted.values())
        sources = np.flatnonzero(data.genes.isin(names))
        edges = np.zeros((len(data.genes), len(sources)), dtype=bool)
        targets, regulators = inside.indices()
        edges[targets, np.searchsorted(sources, regulators)] = True
        edges[sources, np.arange(len(sources))] = False
        perturbed = []
        for column, gene in enumerate(data.genes[sources]):
            hit = [label for label, genes in targeted.items() if gene in genes]
            if hit:
                perturbed.append((column, np.flatnonzero(np.isin(labels, hit))))
        values = Residuals.of(data.expression, rows, data.groups[rows])
        return cls(values, sources, edges, tuple(perturbed))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of cells N, genes n and sources s."""
        return (*self.values.shape, len(self.sources))  # type: ignore[return-value]

    @property
    def candidate(self) -> np.ndarray:
        """(n, s) bool: every pair but a gene with itself."""
        pairs = np.ones(self.prior.shape, dtype=bool)
        pairs[self.sources, np.arange(len(self.sources))] = False
        return pairs

    @property
    def targets(self) -> np.ndarray:
        """Positions of the genes that are no source."""
        return np.setdiff1d(np.arange(self.values.shape[1]), self.sources)

    def subset(self, rows: np.ndarray) -> Cells:
        """The same with some of the cells, standardised anew; `rows` are sorted positions, of
        which some may come more than once."""
        perturbed = [
            (column, np.flatnonzero(np.isin(rows, mine))) for column, mine in self.perturbed
        ]
        some = tuple((column, mine) for column, mine in perturbed if len(mine))
        return Cells(self.values.subset(rows), self.sources, self.prior, some)


def perturbed_genes(label: str, data: PerturbationData) -> set[str]:
    """The measured genes that a label names: "STAT1", "IRF7 OE" and "STAT1+IRF1" name theirs."""
    parts = data.treatment_code.parts(label)
    words = {word for part in parts for word in (part, part.split(" ")[0])}
    return words & set(data.genes)
