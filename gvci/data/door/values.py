"""What comes out of a foreign file: numbers, text and sparse matrices that are sound."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from gvci.errors import FileError, listed

# Columns of var that are kept, in any case: other names of the genes.
GENE_COLUMNS = frozenset(
    {"gene_id", "gene_ids", "ensembl", "ensembl_id", "ensembl_ids", "feature_id", "feature_ids",
     "gene_symbol", "gene_symbols", "symbol", "gene_name", "gene_names", "gene_short_name",
     "feature_name", "original_gene_symbols", "other_name"}
)  # fmt: skip
EXPRESSION = "Gene Expression"
LARGEST_WHOLE = 2**53  # the last whole number before float64 skips some


@dataclass(frozen=True)
class Categories:
    """A column of labels.

    Attributes:
        codes: (n,) position in `levels`, −1 where missing.
        levels: the labels, text or numbers.
    """

    codes: np.ndarray
    levels: np.ndarray | list[str]
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Masked:
    """A column of whole numbers or truth values, True in `mask` where missing."""

    values: np.ndarray
    mask: np.ndarray

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Laid:
    """A CSR matrix that one of our files holds plain, to be mapped there.

    Attributes:
        parts: type, length and place in the file, in bytes, of data, indices and indptr.
    """

    shape: tuple[int, int]
    parts: tuple[tuple[str, int, int], ...]


# Text is a list: None where missing.
Column = np.ndarray | list[str] | list[str | None] | Categories | Masked


@dataclass
class Cells:
    """What a reader gives: names, matrices (cells, genes), columns, and what it did, in words."""

    cells: list[str]
    genes: list[str]
    matrices: dict[str, np.ndarray | sp.csr_matrix | Laid]
    obs: dict[str, Column] = field(default_factory=dict)
    var: dict[str, Column] = field(default_factory=dict)
    uns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def numbers(values: np.ndarray, where: str) -> np.ndarray:
    """The same values in a type that everything behind the door computes with.

    float16 becomes float32, truth values uint8, foreign byte order ours; nothing is rounded.

    Args:
        where: "X of cells.h5ad", for messages.

    Raises:
        FileError: text, complex or other values; whole numbers beyond 2⁵³; longer floats.
    """
    kind = values.dtype
    if kind.kind not in "fiub" or kind.itemsize > 8:
        message = f"{where} holds {kind}, not numbers. Give counts as float32 or integers."
        raise FileError(message)
    if kind.kind == "b":
        return values.astype(np.uint8)
    if kind.kind in "iu" and kind.itemsize == 8 and values.size:
        beyond = int(((values > LARGEST_WHOLE) | (values < -LARGEST_WHOLE)).sum())
        if beyond:
            message = f"{beyond:,} values in {where} are beyond 2^53 and would be rounded."
            raise FileError(message)
    return native(values)


def native(values: np.ndarray) -> np.ndarray:
    """In our byte order; float16, which pandas and scipy do not know well, as float32."""
    kind = np.dtype(np.float32) if values.dtype == np.float16 else values.dtype.newbyteorder("=")
    return np.asarray(values.astype(kind, copy=False))


def sparse(
    data: np.ndarray,
    indices: np.ndarray,
    indptr: np.ndarray,
    shape: tuple[int, int],
    where: str,
    by_column: bool = False,
) -> sp.csr_matrix:
    """A CSR matrix (rows, columns), indices sorted, duplicates summed, from CSR or CSC parts.

    Raises:
        FileError: parts of unequal lengths, or indices that lie outside the matrix.
    """
    data = numbers(data, where)
    if indices.dtype.kind not in "iu" or indptr.dtype.kind not in "iu":
        _damaged(where, f"its indices are {indices.dtype} and {indptr.dtype}")
    kind = sp.csc_matrix if by_column else sp.csr_matrix
    try:
        _require_inside(indices, indptr, shape[0] if by_column else shape[1])
        matrix = kind((data, indices, indptr), shape=shape)
        matrix.check_format(full_check=True)
    except (ValueError, OverflowError) as error:
        _damaged(where, str(error))
    if matrix.nnz != len(data):
        _damaged(where, f"{len(data):,} values where {matrix.nnz:,} are pointed to")
    rows = matrix.tocsr()
    rows.sum_duplicates()
    return rows


def _require_inside(indices: np.ndarray, indptr: np.ndarray, width: int) -> None:
    """On the numbers as they are stored: scipy may make them narrower before it looks."""
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= width):
        message = f"indices must be >= 0 and < {width}"
        raise ValueError(message)
    if indptr.size and (int(indptr.min()) < 0 or int(indptr.max()) > len(indices)):
        message = f"index pointers must be >= 0 and <= {len(indices)}"
        raise ValueError(message)


def _damaged(where: str, why: str) -> None:
    message = f"The sparse matrix {where} is damaged ({why}). Save the cells again where made."
    raise FileError(message)


def genes_only(cells: Cells, kinds: list[str]) -> Cells:
    """Without features of other kinds (antibodies, guides), where some are genes; that is noted."""
    kept = np.array([kind == EXPRESSION for kind in kinds], dtype=bool)
    if kept.all() or not kept.any():
        return cells
    others = sorted(set(kinds) - {EXPRESSION})
    sentence = f"{int((~kept).sum()):,} features are no genes and left out: {listed(others)}."
    var = {
        name: [word for word, keep in zip(column, kept, strict=True) if keep]
        for name, column in cells.var.items()
        if isinstance(column, list)
    }
    return Cells(
        cells.cells,
        [gene for gene, keep in zip(cells.genes, kept, strict=True) if keep],
        {name: m[:, kept] for name, m in cells.matrices.items() if not isinstance(m, Laid)},
        cells.obs,
        dict(var),
        cells.uns,
        [*cells.notes, sentence],
    )
