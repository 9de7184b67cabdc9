"""An uploaded .h5ad on the Data page: read, mapped, checked, and the commands that follow."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import pandas as pd
import scipy.sparse as sp
from pandas.api.types import is_numeric_dtype

from gvci.app.text import plain
from gvci.config import PrepareSettings
from gvci.data.catalogue import load_dataset
from gvci.data.columns import find_columns
from gvci.data.findings import Finding, check
from gvci.data.roles import Columns, without_value
from gvci.data.split import hold_out
from gvci.errors import DataError, FileError

INSIDE = "upload.h5ad"
MOST_LABELS = 5000
MOST_SHOWN = 12
AUTOMATIC = "by the paper's rule"
NOTHING = "nothing"


@dataclass(frozen=True)
class Guess:
    """What the columns probably mean; None where it is not plain, and then why."""

    perturbation: str | None
    control: str | None
    covariates: tuple[str, ...]
    sentence: str


def read_upload(name: str, content: bytes) -> ad.AnnData:
    """The cells of an upload. The file's name is a label and never a path.

    Raises:
        FileError: not an .h5ad file, damaged, or without a matrix.
    """
    if not name.lower().endswith(".h5ad"):
        message = f"{plain(name)} is not an .h5ad file. Save the cells as AnnData .h5ad."
        raise FileError(message)
    with tempfile.TemporaryDirectory(prefix="gvci-") as folder:
        path = Path(folder) / INSIDE
        path.write_bytes(content)
        try:
            return load_dataset(path)[0]
        except FileError as error:
            message = str(error).replace(str(path), plain(name)).replace(INSIDE, plain(name))
            raise FileError(message) from None


def guess(obs: pd.DataFrame) -> Guess:
    """The columns and the control label, as far as they are plain."""
    try:
        columns, said = find_columns(obs, PrepareSettings.checked({}))
    except DataError as error:
        return Guess(None, None, (), str(error))
    return Guess(columns.perturbation, columns.control, columns.covariates, " ".join(said))


def guess_control(obs: pd.DataFrame, perturbation: str) -> tuple[str | None, str]:
    """The control label in a column, or why it is not plain."""
    settings = PrepareSettings.checked({"perturbation": perturbation, "covariates": ()})
    try:
        columns, _ = find_columns(obs, settings)
    except DataError as error:
        return None, str(error)
    return columns.control, ""


def labels(obs: pd.DataFrame, column: str) -> list[str]:
    """The labels of a column, most frequent first."""
    counts = obs[column].dropna().astype(str).value_counts()
    return [str(label) for label in counts.index[:MOST_LABELS]]


def covariate_choices(obs: pd.DataFrame, perturbation: str | None) -> list[str]:
    """All columns but the perturbation's."""
    return [str(name) for name in obs.columns if str(name) != perturbation]


def real_choices(obs: pd.DataFrame, taken: Sequence[str]) -> list[str]:
    """Columns of numbers that serve no other purpose."""
    names = [str(name) for name in obs.columns if is_numeric_dtype(obs[name].dtype)]
    return [name for name in names if name not in taken]


def findings(adata: ad.AnnData, columns: Columns) -> list[Finding]:
    """Everything that `check` has to say."""
    return check(adata, columns)


def preview(obs: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Numbers of cells: perturbations (the most frequent first) by covariate group."""
    labelled = ~without_value(obs, columns).any(axis=1)
    used = obs.loc[labelled, list(columns.used)].astype(str)
    if columns.covariates:
        groups = used[list(columns.covariates)].agg(" · ".join, axis=1)
    else:
        groups = pd.Series("all cells", index=used.index)
    many = groups.value_counts().index[:MOST_SHOWN]
    table = pd.crosstab(used[columns.perturbation].to_numpy(), groups.to_numpy())[list(many)]
    order = table.sum(axis=1).sort_values(ascending=False, kind="stable").index
    table = table.loc[order]
    table.insert(0, "Perturbation", table.index)
    return table.reset_index(drop=True)


def holdout_choices(obs: pd.DataFrame, columns: Columns) -> list[str]:
    """What can be held out: by the rule, a level of a covariate, or nothing."""
    words = []
    for name in columns.covariates:
        values = obs[name].dropna().astype(str)
        words += [f"{name}={level}" for level in sorted(values.unique())[:60]]
    return [AUTOMATIC, *words, NOTHING]


def held_out(adata: ad.AnnData, columns: Columns, choice: str) -> str:
    """What the split would hold out, in words.

    Raises:
        SettingsError: nothing can be held out like that.
    """
    labelled = ~without_value(adata.obs, columns).any(axis=1).to_numpy()
    settings = _settings(columns, choice)
    matrix = sp.csr_matrix(adata.X)[labelled]
    result = hold_out(adata.obs[labelled], columns, matrix, settings)
    return f"{result.sentence} {int(result.mask.sum()):,} of {int(labelled.sum()):,} cells."


def _settings(columns: Columns, choice: str) -> PrepareSettings:
    base: dict[str, object] = {
        "perturbation": columns.perturbation,
        "control": columns.control,
        "covariates": columns.covariates,
        "real_covariates": columns.real_covariates,
    }
    if choice == NOTHING:
        return PrepareSettings.checked({**base, "ood": "none"})
    if choice == AUTOMATIC:
        return PrepareSettings.checked(base)
    return PrepareSettings.checked({**base, "holdout": (choice,)})


def commands(name: str, columns: Columns, choice: str) -> str:
    """prepare, refine and train for this file, to copy into a shell."""
    stem = plain(Path(name.replace("\\", "/")).name, 60).removesuffix(".h5ad") or "data"
    words = [
        _quoted(["python", "-m", "gvci", "prepare", plain(name)]),
        _quoted(["--perturbation", columns.perturbation, "--control", columns.control]),
    ]
    if columns.covariates:
        words.append(_quoted(["--covariates", *columns.covariates]))
    if columns.real_covariates:
        words.append(_quoted(["--real-covariates", *columns.real_covariates]))
    if choice == NOTHING:
        words.append("--ood none")
    elif choice != AUTOMATIC:
        words.append(_quoted(["--holdout", choice]))
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-") or "data"
    words.append(f"--out {safe}-prepared.h5ad")
    return "\n".join(
        [
            " \\\n    ".join(words),
            f"python -m gvci refine {safe}-prepared.h5ad --prior dorothea --out {safe}-grn",
            f"python -m gvci train {safe}-prepared.h5ad --grn {safe}-grn --out {safe}-run",
        ]
    )


def _quoted(words: Sequence[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)
