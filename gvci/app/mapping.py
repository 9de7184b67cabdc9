"""How uploaded cells are read: what the columns mean, what is wrong, what is held out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import pandas as pd
import scipy.sparse as sp
from pandas.api.types import is_numeric_dtype

from gvci.app.badge import Badge
from gvci.app.text import plain
from gvci.app.uploads import label
from gvci.config import PrepareSettings
from gvci.data.columns import find_columns
from gvci.data.door.kinds import ENDINGS
from gvci.data.door.sources import role_of
from gvci.data.findings import Finding, check
from gvci.data.naming import KEEP, SYMBOLS, symbol_column, with_gene_names
from gvci.data.roles import Columns, without_value
from gvci.data.split import hold_out
from gvci.errors import DataError
from gvci.grn.kinds import kind_of
from gvci.jobs.request import Request
from gvci.workspaces import Upload

TRIPLE_FOLDER = "10x"
MOST_LABELS = 5000
MOST_SHOWN = 12
AUTOMATIC = "by the paper's rule"
NOTHING = "nothing"
BADGES = {  # of a finding
    "error": Badge("Error", ":material/error:", "red"),
    "warning": Badge("Warning", ":material/warning:", "orange"),
    "note": Badge("Note", ":material/info:", "blue"),
}
REPEATED = "duplicate_genes"
USUAL_GENES = int(PrepareSettings.model_fields["n_genes"].default)


@dataclass(frozen=True)
class Guess:
    """What the columns probably mean; None where it is not plain, and then why."""

    perturbation: str | None
    control: str | None
    covariates: tuple[str, ...]
    sentence: str


def name_choices(adata: ad.AnnData) -> list[str]:
    """What the genes can be named by: the file's names, a column of var, or GENCODE's symbols."""
    ids = kind_of(adata.var_names) == "Ensembl ids"
    columns = [str(name) for name in adata.var.columns]
    return [KEEP, *columns, *([SYMBOLS] if ids and symbol_column(adata) is None else [])]


def name_words(choice: str) -> str:
    """What a choice of gene names is called on the page."""
    usual = {KEEP: "As in the file", SYMBOLS: "Symbols of these Ensembl ids (GENCODE)"}
    return usual.get(choice, f"Column {choice}")


def renamed(adata: ad.AnnData, choice: str) -> tuple[ad.AnnData, list[str]]:
    """The cells with their genes named so, and what that did in sentences.

    Raises:
        SettingsError: no symbol is known for any of them.
    """
    report: list[str] = []
    return with_gene_names(adata, choice, report), report


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


def findings(adata: ad.AnnData, columns: Columns, sum_genes: bool = False) -> list[Finding]:
    """Everything that `check` has to say; repeated genes are no fault where they are summed."""
    found = check(adata, columns)
    return [one for one in found if not (sum_genes and one.code == REPEATED)]


def has_repeated_genes(adata: ad.AnnData) -> bool:
    """True where gene names occur more than once."""
    return bool(adata.var_names.has_duplicates)


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
    settings = PrepareSettings.checked(_settings(columns, choice))
    matrix = sp.csr_matrix(adata.X)[labelled]
    result = hold_out(adata.obs[labelled], columns, matrix, settings)
    return f"{result.sentence} {int(result.mask.sum()):,} of {int(labelled.sum()):,} cells."


def _settings(columns: Columns, choice: str) -> dict[str, object]:
    """What `prepare` is told of the columns and of what to hold out."""
    base: dict[str, object] = {
        "perturbation": columns.perturbation,
        "control": columns.control,
        "covariates": columns.covariates,
        "real_covariates": columns.real_covariates,
    }
    if choice == NOTHING:
        return {**base, "ood": "none"}
    return base if choice == AUTOMATIC else {**base, "holdout": (choice,)}


def preparation(
    upload: Upload,
    columns: Columns,
    choice: str,
    gene_names: str,
    sum_genes: bool,
    n_genes: int,
    name: str,
    workspace: str,
) -> Request:
    """The job that prepares an upload as it was mapped on the page."""
    settings = _settings(columns, choice)
    if gene_names != KEEP:
        settings["gene_names"] = gene_names
    if sum_genes:
        settings["duplicate_genes"] = "sum"
    if n_genes != USUAL_GENES:
        settings["n_genes"] = n_genes
    called = plain(name.strip() or label(upload.labels))
    return Request(
        verb="prepare",
        data=str(upload.path.resolve()),
        name=called,
        settings=settings,
        title=f"Prepare {called}",
        workspace=workspace,
    )


def commands(
    names: Sequence[str],
    columns: Columns,
    choice: str,
    gene_names: str,
    sum_genes: bool,
    n_genes: int,
) -> str:
    """prepare, refine and train for these files, to copy into a shell."""
    labels = [name for name in names[1:] if role_of(name) == "labels"]
    several = len(names) - len(labels) > 1
    one = TRIPLE_FOLDER if several else plain(names[0])
    words = [
        _quoted(["python", "-m", "gvci", "prepare", one]),
        *([] if several or not labels else [_quoted(["--labels", plain(labels[0])])]),
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
    if gene_names != KEEP:
        words.append(_quoted(["--gene-names", gene_names]))
    if n_genes != USUAL_GENES:
        words.append(f"--genes {n_genes}")
    if sum_genes:
        words.append("--set duplicate_genes=sum")
    safe = _stem(one)
    words.append(f"--out {safe}-prepared.h5ad")
    lines = [
        " \\\n    ".join(words),
        f"python -m gvci refine {safe}-prepared.h5ad --prior dorothea --out {safe}-grn",
        f"python -m gvci train {safe}-prepared.h5ad --grn {safe}-grn --out {safe}-run",
    ]
    if several:
        lines.insert(0, f"# {TRIPLE_FOLDER}: the folder with these {len(names)} files")
    return "\n".join(lines)


def _stem(name: str) -> str:
    """A file's name without folders, ending and signs, for the names of what is made from it."""
    stem = plain(Path(name.replace("\\", "/")).name, 60)
    for ending in (".gz", *ENDINGS):
        stem = stem.removesuffix(ending)
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-") or "data"


def _quoted(words: Sequence[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)
