"""How cells are simulated and prepared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from gvci.config.base import Settings


class SimulateSettings(Settings):
    """Cells from a known GRN (three cell types × two donors); see gvci/data/simulate.py."""

    n_genes: int = Field(300, ge=40, le=20_000, description="genes simulated, regulators included")
    n_perturbations: int = Field(14, ge=1, le=14, description="12 knock-outs, 2 over-expressions")
    cells_per_group: int = Field(42, ge=1, description="per cell type, donor and perturbation")
    controls_per_group: int = Field(150, ge=1, description="per cell type and donor")
    depth: float = Field(2000.0, gt=0, description="median counts per cell")
    depth_spread: float = Field(0.35, ge=0, description="sd of log depth")
    dispersion: float = Field(0.15, gt=0, description="of the gamma-Poisson counts")
    mrna_heterogeneity: float = Field(0.6, ge=0, description="sd of a regulator's own log mRNA")
    activity_heterogeneity: float = Field(
        0.35, ge=0, description="sd of a regulator's log activity beyond its mRNA"
    )
    prior_error: float = Field(
        0.3, ge=0, lt=1, description="share of true edges dropped from the prior, and of false ones"
    )
    closed_edges: float = Field(
        0.0, ge=0, lt=1, description="share of a type's edges to targets that are closed in it"
    )
    synergy: float = Field(
        0.0, ge=0, description="strength of the product of two regulators on a common target"
    )
    seed: int = Field(
        0, ge=0, description="of every random choice; the same seed gives the same result"
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "demo": {"n_genes": 300, "cells_per_group": 42, "controls_per_group": 150, "seed": 0},
        "hard": {"closed_edges": 0.3, "synergy": 2.0},
    }


class PrepareSettings(Settings):
    """How raw cells become a dataset (docs/method.md §5)."""

    perturbation: str | None = Field(None, description="obs column with the perturbation labels")
    control: str | None = Field(None, description="label of the control cells")
    covariates: tuple[str, ...] | None = Field(None, description="obs columns: cell type, donor …")
    real_covariates: tuple[str, ...] = Field((), description="obs columns of numbers: age, score …")
    dose: str | None = Field(None, description="obs column with doses; missing means 1")
    n_genes: int = Field(2000, ge=2, description="highly variable genes, chosen on training cells")
    keep_genes: tuple[str, ...] = Field((), description="genes kept whatever their variance")
    duplicate_genes: Literal["refuse", "sum"] = Field(
        "refuse", description="gene names that occur twice: refuse, or sum their counts"
    )
    gene_names: str = Field(
        "keep", description="'symbols' for Ensembl ids, a column of var, or a csv of id and symbol"
    )
    qc: Literal["default", "paper"] = Field(
        "default", description="'paper': > 500 counts, > 750 genes, mitochondrial share < 0.2"
    )
    holdout: tuple[str, ...] = Field(
        (), description="treated cells held out, e.g. 'cell_type=B cells'"
    )
    ood: Literal["auto", "none"] | None = Field(
        None, description="'auto': hold out by the paper's rule (appendix C.2)"
    )
    ood_level: str | None = Field(None, description="the level 'auto' holds out in, 'column=level'")
    ood_perturbations: int = Field(20, ge=1, description="at most so many are held out by 'auto'")
    validation: float = Field(0.1, ge=0.01, lt=0.5, description="share of the other cells")
    test: float = Field(0.1, ge=0.0, lt=0.5, description="share of the other cells")
    target_sum: float = Field(1e4, gt=0, description="counts per cell after normalisation")
    n_de: int = Field(50, ge=1, description="differentially expressed genes per group")
    seed: int = Field(
        0, ge=0, lt=2**63, description="of every random choice; the same seed gives the same result"
    )
