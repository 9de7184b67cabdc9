"""Any cells that can be written come back through the door as they are; any name has one answer."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gvci.data.door.kinds import kind_of
from gvci.data.door.read import read_cells
from gvci.errors import FileError

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
counts = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int32, np.uint8]),
    st.tuples(st.integers(0, 6), st.integers(0, 5)),
    elements=st.integers(0, 100),
)


@given(counts, st.sampled_from(["dense", "csr", "csc"]), st.data())
@settings(max_examples=15)
def test_cells_come_back_as_they_are(values: np.ndarray, form: str, data: st.DataObject) -> None:
    n, genes = values.shape
    names = data.draw(st.lists(texts, min_size=n + genes, max_size=n + genes))
    labels = data.draw(st.lists(st.one_of(st.none(), texts), min_size=n, max_size=n))
    numbers = data.draw(st.lists(st.floats(width=32), min_size=n, max_size=n))
    obs = pd.DataFrame({"label": pd.Categorical(labels), "number": np.array(numbers)})
    obs.index = pd.Index(names[:n], dtype=object)
    var = pd.DataFrame(index=pd.Index(names[n:], dtype=object))
    matrix = {"dense": np.asarray, "csr": sp.csr_matrix, "csc": sp.csc_matrix}[form](values)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # anndata's own words on names
        path = Path(folder) / "cells.h5ad"
        ad.AnnData(matrix, obs, var).write_h5ad(path)
        cells, theirs = read_cells(path), ad.read_h5ad(path)
    dense = cells.X if form == "dense" else cells.X.toarray()
    assert dense.dtype == values.dtype
    np.testing.assert_array_equal(dense, values)
    assert list(cells.obs_names) == names[:n]
    assert list(cells.var_names) == names[n:]
    pd.testing.assert_frame_equal(cells.obs, theirs.obs, check_index_type=False)


@given(st.text(max_size=40), st.binary(max_size=300))
def test_a_kind_is_told_or_refused_in_a_sentence(name: str, head: bytes) -> None:
    try:
        kind = kind_of(name, head)
    except FileError as error:
        kind = str(error).removeprefix(name).split()[0]
    assert kind in ("hdf5", "table", "mtx", "is")
