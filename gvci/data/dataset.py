"""PerturbationData: the contract between files and the method.

It exists only if check() found no error, so no code behind it checks again. It is also what
`prepare` writes and every other command reads: one .h5ad whose X is log1p CP10k (or of another
`unit`), whose layer `counts` keeps the raw counts, whose obs has `split` and `gvci_depth`, and
whose uns["gvci"] is JSON.
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
from gvci.data.door.read import read_cells
from gvci.data.encoding import CovariateCode, TreatmentCode
from gvci.data.findings import Finding, check
from gvci.data.laid import large, lay
from gvci.data.portions import mean, portions
from gvci.data.reals import binned, mean_and_sd, numbers, quantile_edges
from gvci.data.roles import Columns, doses, joined, without_value
from gvci.errors import DataError, FindingsError, PredictionError, listed

SPLIT = "split"
COUNTS = "counts"
# Nobody else's name: public files have total_counts and n_counts of other gene lists.
DEPTH = "gvci_depth"
CP10K = 1e4


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
        labelled = ~without_value(adata.obs, columns).any(axis=1).to_numpy()
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
    def perturbation(self) -> np.ndarray:
        """Label of each cell's perturbation."""
        return np.asarray(self.adata.obs[self.columns.perturbation].astype(str), dtype=object)

    @cached_property
    def dose(self) -> np.ndarray:
        """Dose of each cell, 1 where there is no dose column; 0 for a control without one."""
        return doses(self.adata.obs, self.columns).astype(np.float32)

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
    def strata(self) -> np.ndarray:
        """What `match` draws within: the group and the quantile bin of each real covariate.

        The bins are cut on the training cells, none of which is empty of them; without
        real-valued covariates these are the groups.
        """
        strata = self.groups
        for name, values in self.real_covariates.items():
            edges = quantile_edges(values[self.split == "train"])
            bins = (binned(values, edges) + 1).astype(str).astype(object)
            strata = strata + f" · {name} bin " + bins
        return strata

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
        columns, seen = self.columns, self.split != "ood"
        if not columns.covariates and not columns.real_covariates:
            return CovariateCode({"all": ("all cells",)})
        return CovariateCode(
            {c: tuple(sorted(set(self.adata.obs[c].astype(str)))) for c in columns.covariates},
            {name: mean_and_sd(values[seen]) for name, values in self.real_covariates.items()},
        )

    @cached_property
    def real_covariates(self) -> dict[str, np.ndarray]:
        """Real-valued covariate → its value in each cell, (cells,) float64, as in the file."""
        return {name: numbers(self.adata.obs[name]) for name in self.columns.real_covariates}

    @cached_property
    def covariates(self) -> np.ndarray:
        """X: (cells, m), one-hot and standardised, float32."""
        code = self.covariate_code
        if not self.columns.covariates and not self.columns.real_covariates:
            return np.ones((self.n_cells, code.width), dtype=np.float32)
        labels = {c: self.adata.obs[c].astype(str).tolist() for c in self.columns.covariates}
        return code.encode({**labels, **self.real_covariates})

    @cached_property
    def counts(self) -> sp.csr_matrix:
        """Raw counts: (cells, genes), CSR float32, the genes in the same order as in Y.

        Raises:
            DataError: the cells were prepared from values that are not counts.
        """
        if COUNTS not in self.adata.layers:
            message = (
                f"{self.title} has no raw counts (no layer '{COUNTS}'), which this needs. "
                "Prepare it again from a file of counts."
            )
            raise DataError(message)
        return sp.csr_matrix(self.adata.layers[COUNTS], dtype=np.float32)

    @cached_property
    def depth(self) -> np.ndarray:
        """Counts per cell over all genes, also those not kept, (cells,) float32.

        So that expm1(Y) · depth / target_sum are the counts; files that did not keep it are
        solved for it (over the kept genes together, and at least 1).

        Raises:
            DataError: there are no counts.
        """
        if DEPTH in self.adata.obs:
            return np.asarray(self.adata.obs[DEPTH], dtype=np.float32)
        kept = np.asarray(self.counts.sum(axis=1), dtype=np.float64).ravel()
        parts = (part.astype(np.float64).expm1() for _, part in portions(self.expression))
        scaled = np.concatenate([np.asarray(part.sum(axis=1)).ravel() for part in parts])
        total = np.divide(kept * self.target_sum, scaled, out=np.ones_like(kept), where=scaled > 0)
        return np.asarray(np.maximum(total, 1), dtype=np.float32)

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Y of some cells, (rows, genes) float32."""
        return np.asarray(self.expression[rows].toarray(), dtype=np.float32)

    def mean(self, rows: np.ndarray) -> np.ndarray:
        """Mean expression of some cells, (genes,) float64; rows may be a mask."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return mean(self.expression, rows)

    def on_genes(self, genes: np.ndarray) -> Self:
        """The same cells with some of their genes, by position."""
        return type(self)(self.adata[:, genes].copy(), self.columns, self.meta)

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
    def target_sum(self) -> float:
        """Counts per cell that Y was scaled to before the logarithm."""
        return float(self.meta.get("settings", {}).get("target_sum", CP10K))

    @property
    def unit(self) -> str:
        """The unit of Y in words, e.g. "log1p CP10k"."""
        if self.target_sum == CP10K:
            return "log1p CP10k"
        return f"log1p counts per {self.target_sum:,.15g}"

    @property
    def simulated(self) -> bool:
        """True where the cells come from a simulator; pages must say so."""
        return bool(self.meta.get("simulated", False))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that training may read: values, labels, numbers per cell, split.

        A depth that was solved for is left out: its last digit may differ between machines.
        """
        digest = hashlib.sha256()
        matrices = [self.expression, *([self.counts] if COUNTS in self.adata.layers else [])]
        for matrix in matrices:
            for _, part in portions(matrix):
                digest.update(part.sorted_indices().data.tobytes())
            for _, part in portions(matrix):
                digest.update(part.sorted_indices().indices.astype(np.int32).tobytes())
            digest.update(matrix.indptr.astype(np.int64).tobytes())
        numbers_of_cells = {"dose": self.dose, **self.real_covariates}
        if DEPTH in self.adata.obs:
            numbers_of_cells[DEPTH] = self.depth
        for name, values in numbers_of_cells.items():
            digest.update(f"\0{name}\0".encode() + values.astype(np.float64).tobytes())
        control = [self.columns.control]
        for labels in (self.genes, self.perturbation, control, self.groups, self.split):
            digest.update(b"\0" + "\n".join(map(str, labels)).encode())
        return digest.hexdigest()

    # --- files -----------------------------------------------------------------------

    def write(self, path: Path | str) -> None:
        """Write to a temporary file beside `path`, then rename: never a half-written dataset.

        Raises:
            DataError: the disk refuses (full, read-only).
        """
        notes = {"gvci": json.dumps({"format": 1, "columns": vars(self.columns), **self.meta})}
        matrices = {"X": self.expression}
        matrices |= {f"layers/{key}": layer for key, layer in self.adata.layers.items()}
        plain = {place: m for place, m in matrices.items() if sp.issparse(m) and large(m)}
        expression = None if "X" in plain else self.expression
        layers = {k: v for k, v in self.adata.layers.items() if f"layers/{k}" not in plain}
        if COUNTS in layers:
            layers[COUNTS] = _whole_numbers(self.counts)
        obs, var = self.adata.obs, self.adata.var
        adata = ad.AnnData(expression, obs=obs, var=var, layers=layers, uns=notes)
        with replacing(Path(path), DataError) as part:
            adata.write_h5ad(part, compression="gzip", compression_opts=9)
            if plain:
                lay(part, plain)

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read what `write` wrote; large matrices stay in the file, which is mapped.

        Raises:
            FileError: the door refuses it: not an .h5ad file, damaged or hostile.
            DataError: an .h5ad file that `prepare` did not make.
        """
        path = Path(path)
        adata = read_cells(path)
        try:
            meta = json.loads(str(adata.uns["gvci"]))
            columns = Columns.from_json(meta.pop("columns"))
        except (AttributeError, KeyError, ValueError, TypeError):
            message = (
                f"{path.name} is not a prepared dataset. "
                f"Make one first: python -m gvci prepare {path.name} --out DATA."
            )
            raise DataError(message) from None
        meta.pop("format", None)
        return cls(adata, columns, meta)


def _whole_numbers(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Counts in the smallest type of whole numbers that holds them; others as they are."""
    if not counts.nnz or (counts.data != np.rint(counts.data)).any() or counts.data.min() < 0:
        return counts
    return counts.astype(np.min_scalar_type(int(counts.data.max())))
