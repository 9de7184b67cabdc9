"""Co-expression as a prior: against the literal form, and from what it may see only."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from gvci.coexpression import coexpression
from gvci.data.dataset import PerturbationData
from gvci.errors import GRNError
from gvci.grn.families import factors
from gvci.priors import find_prior


def test_it_is_the_strongest_correlations_within_groups(small_data: PerturbationData) -> None:
    grn = coexpression(small_data, per_gene=3)
    rows = np.flatnonzero(np.isin(small_data.split, ("train", "validation")))
    values, groups = small_data.dense(rows).astype(float), small_data.groups[rows]
    for group in set(groups):
        values[groups == group] -= values[groups == group].mean(axis=0)
    with np.errstate(invalid="ignore"):
        literal = np.nan_to_num(np.abs(np.corrcoef(values.T)))
    genes = list(small_data.genes)
    sources = [g for g in genes if g in {*factors(genes), *small_data.perturbation}]
    for target in genes[::7]:
        rivals = {s: literal[genes.index(s), genes.index(target)] for s in sources if s != target}
        strongest = sorted(rivals, key=lambda s: -rivals[s])[:3]
        edges = grn.edges[grn.edges["target"] == target].set_index("source")["weight"]
        assert set(edges.index) == {s for s in strongest if rivals[s] > 0}
        for source, weight in edges.items():
            assert weight == pytest.approx(rivals[source], abs=1e-6)
    assert "STAT1" in grn.sources


def test_held_out_cells_are_not_looked_at(small_data: PerturbationData) -> None:
    hidden = np.isin(small_data.split, ("test", "ood"))
    assert hidden.sum() > 30
    values = small_data.adata.X.toarray()
    values[hidden] = np.random.default_rng(0).exponential(3.0, values[hidden].shape)
    adata = small_data.adata.copy()
    adata.X = sp.csr_matrix(values.astype(np.float32))
    other = PerturbationData(adata, small_data.columns, small_data.meta)
    assert coexpression(other).fingerprint() == coexpression(small_data).fingerprint()


def test_it_says_in_words_that_it_is_no_independent_evidence(small_data: PerturbationData) -> None:
    grn = find_prior("coexpression", small_data)
    said = " ".join(grn.notes)
    assert "co-expression of the same cells" in said
    assert "not independent evidence" in said
    assert grn.name == "co-expression of small"
    # Refinement keeps the notes of its prior.
    assert set(grn.notes) <= set(grn.restricted(small_data.genes).notes)


def test_without_known_regulators_every_gene_may_be_one(toy) -> None:
    from gvci.config import PrepareSettings
    from gvci.data.prepare import prepare

    settings = PrepareSettings(perturbation="condition", control="ctrl", covariates=("cell_type",))
    data = prepare(toy(), settings)
    grn = coexpression(data)
    assert len(grn.sources) > 5
    assert "every gene, for fewer than five regulators are known" in grn.notes[0]


def test_constant_cells_have_no_coexpression(toy) -> None:
    from gvci.config import PrepareSettings
    from gvci.data.prepare import prepare

    adata = toy()
    adata.X = sp.csr_matrix(np.ones(adata.shape, dtype=np.float32))
    settings = PrepareSettings(perturbation="condition", control="ctrl", covariates=("cell_type",))
    with pytest.raises(GRNError, match="no co-expression"):
        coexpression(prepare(adata, settings))
