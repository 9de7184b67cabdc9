"""PerturbationData: the contract between files and the method.

It exists only if check() found no error, so no code behind it checks again. It is also what
`prepare` writes and every other command reads: one .h5ad whose X is log1p CP10k, whose
layer `counts` keeps the raw counts, whose obs has `split`, and whose uns["gvci"] is JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.atomic import replacing
from gvci.data.encoding import CovariateCode, TreatmentCode
from gvci.data.findings import Columns, Finding, check, joined
from gvci.data.h5ad import read_h5ad
from gvci.errors import DataError, FindingsError, PredictionError, listed

SPLITS = ("train", "validation", "test", "ood")
SPLIT = "split"


class PerturbationData:
    """Cells with their perturbation, covariates and split.

    Attributes:
        adata: the cells; treat it as read-only.
        columns: which obs columns mean what.
        meta: name, title, simulated or not, settings of `prepare`, its report.
        findings: the warnings and notes of check().
    """

    def __init__(self, adata: ad.AnnData, columns: Columns, meta: Mapping[str, Any] | None = None):
        """Check and hold.

        Raises:
            FindingsError: check() found an error; the exception carries all findings.
        """
        self.findings: list[Finding] = check(adata, columns)
        if any(finding.level == "error" for finding in self.findings):
            raise FindingsError(self.findings)
        labelled = adata.obs[list(columns.used)].notna().all(axis=1).to_numpy()
        self.adata = adata if labelled.all() else adata[labelled].copy()
        self.columns = columns
        self.meta: dict[str, Any] = dict(meta or {})

    # --- cells -----------------------------------------------------------------------

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.adata.n_obs)

    @cached_property
    def genes(self) -> pd.Index:
        """Gene names in the order of every matrix."""
        names: pd.Index = self.adata.var_names.astype(str)
        return names

    @cached_property
    def expression(self) -> sp.csr_matrix:
        """Y: (cells, genes), log1p CP10k, CSR float32."""
        return sp.csr_matrix(self.adata.X, dtype=np.float32)

    @cached_property
    def expression_by_gene(self) -> sp.csc_matrix:
        """Y by column, for looking genes up."""
        return self.expression.tocsc()

    @cached_property
    def perturbation(self) -> np.ndarray:
        """Label of each cell's perturbation."""
        return np.asarray(self.adata.obs[self.columns.perturbation].astype(str), dtype=object)

    @cached_property
    def dose(self) -> np.ndarray:
        """Dose of each cell, 1 where there is no dose column."""
        if self.columns.dose is None:
            return np.ones(self.n_cells, dtype=np.float32)
        return np.asarray(pd.to_numeric(self.adata.obs[self.columns.dose]), dtype=np.float32)

    @cached_property
    def is_control(self) -> np.ndarray:
        """True for control cells."""
        return np.asarray(self.perturbation == self.columns.control)

    @cached_property
    def split(self) -> np.ndarray:
        """train, validation, test or ood for each cell; all train where nothing was split."""
        if SPLIT not in self.adata.obs:
            return np.full(self.n_cells, "train", dtype=object)
        return np.asarray(self.adata.obs[SPLIT].astype(str), dtype=object)

    @cached_property
    def groups(self) -> np.ndarray:
        """Covariate group of each cell: its levels joined by " · "; "all cells" without any."""
        return joined(self.adata.obs, self.columns.covariates)

    @cached_property
    def perturbations(self) -> list[str]:
        """All labels but the control, sorted."""
        return sorted(set(self.perturbation) - {self.columns.control})

    def rows(self, split: str | Sequence[str]) -> np.ndarray:
        """Positions of the cells of a split, or of several."""
        wanted = [split] if isinstance(split, str) else list(split)
        return np.flatnonzero(np.isin(self.split, wanted))

    def where(self, conditions: Mapping[str, str]) -> np.ndarray:
        """Boolean mask of the cells that meet every `column = value`.

        Raises:
            PredictionError: unknown column, or no cell has the value.
        """
        mask = np.ones(self.n_cells, dtype=bool)
        for name, value in conditions.items():
            if name not in self.adata.obs:
                message = (
                    f"The cells have no column '{name}'. "
                    f"Columns: {listed(self.adata.obs.columns, 12)}."
                )
                raise PredictionError(message)
            values = self.adata.obs[name].astype(str).to_numpy()
            if value not in values:
                message = (
                    f"No cell has {name} = '{value}'. "
                    f"Values found: {listed(sorted(set(values)), 12)}."
                )
                raise PredictionError(message)
            mask &= values == value
        return mask

    # --- numbers ---------------------------------------------------------------------

    @cached_property
    def treatment_code(self) -> TreatmentCode:
        """How perturbations become T, from the cells that training may see."""
        seen = self.perturbation[self.split != "ood"]
        return TreatmentCode.of(list(seen), self.columns.control)

    @cached_property
    def covariate_code(self) -> CovariateCode:
        """How covariates become X; one constant column where there are none."""
        if not self.columns.covariates:
            return CovariateCode({"all": ("all cells",)})
        return CovariateCode(
            {c: tuple(sorted(set(self.adata.obs[c].astype(str)))) for c in self.columns.covariates}
        )

    @cached_property
    def covariates(self) -> np.ndarray:
        """X: (cells, m), one-hot, float32."""
        if not self.columns.covariates:
            return np.ones((self.n_cells, 1), dtype=np.float32)
        obs = self.adata.obs
        return self.covariate_code.encode(
            {c: obs[c].astype(str).tolist() for c in self.columns.covariates}
        )

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Y of some cells, (rows, genes) float32."""
        return np.asarray(self.expression[rows].toarray(), dtype=np.float32)

    def mean(self, rows: np.ndarray) -> np.ndarray:
        """Mean expression of some cells, (genes,) float64; rows may be a mask."""
        return np.asarray(self.expression[rows].mean(axis=0), dtype=np.float64).ravel()

    # --- identity --------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Short name, for provenance."""
        return str(self.meta.get("name", "dataset"))

    @property
    def title(self) -> str:
        """Name for people."""
        return str(self.meta.get("title", self.name))

    @property
    def simulated(self) -> bool:
        """True where the cells come from a simulator; pages must say so."""
        return bool(self.meta.get("simulated", False))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over expression, genes, labels and split."""
        digest = hashlib.sha256()
        matrix = self.expression.sorted_indices()
        for array in (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64)):
            digest.update(np.ascontiguousarray(array).tobytes())
        for labels in (self.genes, self.perturbation, self.groups, self.split):
            digest.update("\n".join(map(str, labels)).encode())
        return digest.hexdigest()

    # --- files -----------------------------------------------------------------------

    def write(self, path: Path) -> None:
        """Write to a temporary file beside `path`, then rename: never a half-written dataset.

        Raises:
            DataError: the disk refuses (full, read-only).
        """
        adata = self.adata.copy()
        adata.X = self.expression
        adata.uns = {"gvci": json.dumps({"format": 1, "columns": vars(self.columns), **self.meta})}
        with replacing(path, DataError) as part:
            adata.write_h5ad(part, compression="gzip", compression_opts=6)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            FileError: not an .h5ad file, or damaged.
            DataError: an .h5ad file that `prepare` did not make.
        """
        adata = read_h5ad(path)
        try:
            meta = json.loads(str(adata.uns["gvci"]))
            columns = Columns(**{**meta.pop("columns")})
        except (AttributeError, KeyError, ValueError, TypeError):
            message = (
                f"{path.name} is not a prepared dataset. "
                f"Make one first: python -m gvci prepare {path.name} --out DATA."
            )
            raise DataError(message) from None
        meta.pop("format", None)
        columns = Columns(
            columns.perturbation, columns.control, tuple(columns.covariates), columns.dose
        )
        return cls(adata, columns, meta)
