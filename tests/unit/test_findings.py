"""check(): every code, and the sentences users read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci.data.dataset import PerturbationData
from gvci.data.findings import Finding, check
from gvci.data.roles import Columns, joined
from gvci.errors import FindingsError

COLUMNS = Columns("perturbation", "control", ("cell_type",))


def clean(n: int = 160) -> ad.AnnData:
    """Two types × control and STAT1, 40 cells each; nothing to find."""
    obs = pd.DataFrame(
        {
            "perturbation": np.where(np.arange(n) % 2, "STAT1", "control"),
            "cell_type": np.where(np.arange(n) < n // 2, "T", "M"),
            "dose": 1.0,
        },
        index=[f"c{i}" for i in range(n)],
    )
    var = pd.DataFrame(index=["STAT1", "IRF1", "GBP1"])
    return ad.AnnData(sp.csr_matrix(np.ones((n, 3), dtype=np.float32)), obs=obs, var=var)


def relabel(column: str, value: object) -> Callable[[ad.AnnData], ad.AnnData]:
    def change(cells: ad.AnnData) -> ad.AnnData:
        cells.obs[column] = value
        return cells

    return change


def with_values(row: int, column: int, value: float) -> Callable[[ad.AnnData], ad.AnnData]:
    def change(cells: ad.AnnData) -> ad.AnnData:
        matrix = cells.X.toarray()
        matrix[row, column] = value
        cells.X = sp.csr_matrix(matrix)
        return cells

    return change


def named(genes: list[str]) -> Callable[[ad.AnnData], ad.AnnData]:
    def change(cells: ad.AnnData) -> ad.AnnData:
        cells.var_names = genes
        return cells

    return change


def treated_alone(cells: ad.AnnData) -> ad.AnnData:
    first = (cells.obs["cell_type"] == "M") & (cells.obs["perturbation"] == "control")
    return cells[~first.to_numpy()].copy()


def unlabelled(cells: ad.AnnData) -> ad.AnnData:
    cells.obs.loc["c3", "perturbation"] = np.nan
    return cells


def identical_names(cells: ad.AnnData) -> ad.AnnData:
    cells.obs_names = ["c0", "c0", *(f"c{i}" for i in range(2, cells.n_obs))]
    return cells


def rare(cells: ad.AnnData) -> ad.AnnData:
    cells.obs.iloc[[1, 3], 0] = "IRF1"
    return cells


def unmeasured(cells: ad.AnnData) -> ad.AnnData:
    cells.obs["perturbation"] = np.array(["control", "STAT1", "XYZ", "STAT1+XYZ"])[
        np.arange(cells.n_obs) % 4
    ]
    return cells


SIZE = "Check that the file is the one you meant and that filters left something."
CASES = [
    ("error", "too_few_cells", lambda c: c[:5].copy(), f"5 cells; at least 10 are needed. {SIZE}"),
    ("error", "too_few_genes", lambda c: c[:, :1].copy(),
     f"1 genes; at least 2 are needed. {SIZE}"),
    ("error", "duplicate_genes", named(["A", "A", "B"]),
     "1 gene names occur more than once: A. "
     "Sum them (setting duplicate_genes=sum) or rename them."),
    ("error", "empty_gene_names", named(["A", " ", "B"]),
     "1 genes have no name. Name or remove them."),
    ("error", "not_finite", with_values(2, 1, np.nan),
     "1 values are NaN or infinite; the first: gene IRF1 in cell c2. "
     "Replace them by counts or leave those cells out."),
    ("error", "negative_values", with_values(4, 2, -1),
     "1 values are negative; the first: gene GBP1 in cell c4. The data look scaled. "
     "Give raw counts, or log-normalised values before scaling."),
    ("error", "missing_column", lambda c: relabel("x", 0)(c)[:, :].copy(), None),
    ("error", "no_control_cells", relabel("perturbation", "Control "),
     "No cells are labelled 'control' in obs['perturbation']. Labels found: Control . "
     "Name the control label. Did you mean Control ?"),
    ("error", "one_level", relabel("perturbation", "control"),
     "All 160 cells are 'control'. "
     "There is nothing to learn: at least one perturbation is needed."),
    ("error", "identifier", lambda c: relabel("cell_type", [f"t{i}" for i in range(c.n_obs)])(c),
     "The covariate 'cell_type' is different in every cell: it is an identifier. Leave it out."),
    ("error", "confounded", lambda c: relabel("cell_type", c.obs["perturbation"].to_numpy())(c),
     "Every level of 'cell_type' has a single perturbation, so the two cannot be told apart. "
     "Leave the covariate out, or add cells of both kinds."),
    ("warning", "unlabelled_cells", unlabelled,
     "1 cells have no value in perturbation. They are left out."),
    ("warning", "duplicate_cells", identical_names,
     "1 cell names occur more than once: c0. Nothing is lost: cells are told apart by position."),
    ("warning", "no_controls_in_group", treated_alone,
     "1 groups have treated but no control cells: M. Effects there are not estimable."),
    ("note", "single_level_covariate", relabel("cell_type", "T"),
     "The covariate 'cell_type' has one level, 'T'."),
    ("note", "small_perturbation", rare,
     "1 perturbations have fewer than 30 cells: IRF1. They take part in training and are not "
     "scored."),
    ("note", "gene_not_measured", unmeasured,
     "1 perturbed genes are not measured: XYZ. Their cells can be used; their own expression "
     "cannot be shown."),
]  # fmt: skip


def find(findings: list[Finding], code: str) -> Finding:
    return next(finding for finding in findings if finding.code == code)


def test_clean_data_has_nothing_to_find() -> None:
    assert check(clean(), COLUMNS) == []


@pytest.mark.parametrize(("level", "code", "change", "sentence"), CASES, ids=[c[1] for c in CASES])
@pytest.mark.filterwarnings("ignore:Observation names are not unique:UserWarning")
def test_every_code_and_its_sentence(
    level: str, code: str, change: Callable[[ad.AnnData], ad.AnnData], sentence: str | None
) -> None:
    cells = change(clean())
    columns = Columns("treatment", "control") if code == "missing_column" else COLUMNS
    finding = find(check(cells, columns), code)
    assert finding.level == level
    assert sentence is None or finding.sentence == sentence
    if level == "error":
        with pytest.raises(FindingsError) as caught:
            PerturbationData(cells, columns)
        assert finding.sentence in str(caught.value)
    else:
        PerturbationData(cells, columns)


def test_missing_column_lists_the_columns_and_a_near_one() -> None:
    finding = find(check(clean(), Columns("perturbatio", "control")), "missing_column")
    assert finding.sentence == (
        "obs has no column 'perturbatio'; its columns: perturbation, cell_type, dose. "
        "Name the column that you mean. Did you mean perturbation?"
    )


def test_doses_that_are_no_numbers() -> None:
    cells = relabel("dose", "high")(clean())
    finding = find(check(cells, Columns("perturbation", "control", (), "dose")), "dose_not_numeric")
    assert finding.count == 80
    assert finding.sentence == (
        "80 doses in obs['dose'] are not numbers: high. Give numbers, or leave the dose column out."
    )


DOSED = Columns("perturbation", "control", ("cell_type",), "dose")
TREATED, CONTROL = "c3", "c2"


@pytest.mark.parametrize(
    ("dose", "code", "sentence"),
    [
        (np.inf, "dose_not_numeric", "1 doses in obs['dose'] are not numbers: inf."),
        (-2.0, "negative_dose", "1 doses in obs['dose'] are negative. Give amounts, 0 or more,"),
        (np.nan, "unlabelled_cells", "1 cells have no value in dose. They are left out."),
    ],
)
def test_doses_of_treated_cells(dose: float, code: str, sentence: str) -> None:
    cells = clean()
    cells.obs.loc[TREATED, "dose"] = dose
    found = check(cells, DOSED)
    assert [finding.code for finding in found] == [code]
    assert found[0].sentence.startswith(sentence)
    cells = clean()
    cells.obs.loc[CONTROL, "dose"] = dose
    assert check(cells, DOSED) == []


def test_doses_of_controls_may_be_words() -> None:
    cells = clean()
    control = cells.obs["perturbation"] == "control"
    cells.obs["dose"] = pd.Categorical(np.where(control, "vehicle", "0.5"))
    data = PerturbationData(cells, DOSED)
    assert data.findings == []
    np.testing.assert_array_equal(data.dose, np.where(control, 0, np.float32(0.5)))


AGED = Columns("perturbation", "control", ("cell_type",), None, ("age",))
AGES = np.random.default_rng(0).uniform(20, 80, 160)


def aged(*changes: tuple[int, Any]) -> ad.AnnData:
    """Clean cells whose ages differ, with some of them changed."""
    ages = pd.Series(AGES, dtype=object)
    for position, value in changes:
        ages[position] = value
    return relabel("age", ages.to_numpy())(clean())


REALS = [
    (aged((3, "old"), (5, "?"), (6, "?")), "error", "covariate_not_numeric", 3,
     "3 values of the real-valued covariate 'age' are not numbers: old, ?. "
     "Give numbers, make them missing (NaN), or name it with --covariates."),
    (aged((3, np.inf), (5, "-inf"), (6, 1e300)), "error", "covariate_not_finite", 3,
     "3 cells have an infinite or too large value of the real-valued covariate 'age'; the first: "
     "c3. Give finite numbers, or make them missing (NaN): those cells are then left out."),
    (aged((3, np.nan), (5, None)), "warning", "unlabelled_cells", 2,
     "2 cells have no value in age. They are left out."),
    (aged(*((i, 31.5) for i in range(160))), "warning", "constant_covariate", 1,
     "The real-valued covariate 'age' is 31.5 in every cell. It carries nothing and can be left "
     "out."),
    (clean(), "error", "missing_column", 1, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "level", "code", "count", "sentence"), REALS, ids=[row[2] for row in REALS]
)
def test_faults_of_real_covariates(
    cells: ad.AnnData, level: str, code: str, count: int, sentence: str | None
) -> None:
    found = check(cells, AGED)
    assert [(f.level, f.code, f.count) for f in found] == [(level, code, count)]
    assert sentence is None or found[0].sentence == sentence


def test_a_sound_real_covariate_has_nothing_to_find() -> None:
    assert check(aged(), AGED) == []


def test_one_column_for_two_purposes() -> None:
    columns = Columns("perturbation", "control", ("cell_type",), "age", ("age",))
    finding = find(check(aged(), columns), "column_named_twice")
    assert finding.level == "error"
    assert finding.sentence == (
        "1 obs columns are named for two purposes: age. "
        "Name each once: as perturbation, dose, covariate or real-valued covariate."
    )


HINT = "If it is a measurement, name it with --real-covariates."


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (np.repeat(AGES[:40], 4), ["numeric_covariate"]),
        (np.repeat(AGES[:40], 4).astype(str), ["numeric_covariate"]),
        (AGES, ["identifier", "numeric_covariate"]),
        (np.tile(AGES[:80], 2), ["confounded", "numeric_covariate"]),
        (np.repeat(AGES[:20], 8), []),  # few enough to be kinds
        (np.repeat(np.arange(40.0), 4), []),  # whole numbers may be donors
        (np.repeat(np.r_[np.arange(20.0), AGES[:20]], 4), []),  # half of them
        (np.repeat(np.r_[np.arange(19.0), AGES[:21]], 4), ["numeric_covariate"]),
    ],
)
def test_a_measurement_named_as_a_kind(values: np.ndarray, codes: list[str]) -> None:
    cells = relabel("cell_type", values)(clean())
    found = [f for f in check(cells, COLUMNS) if f.code != "no_controls_in_group"]
    assert [finding.code for finding in found] == codes
    if codes:
        assert all(finding.sentence.endswith(HINT) for finding in found)
        assert found[-1].level == "warning"
        assert found[-1].message == (
            f"The covariate 'cell_type' has {len(set(values)):,} different values, most of them "
            "not whole numbers, and each is taken as a kind of its own."
        )


def test_an_over_expression_label_perturbs_a_measured_gene() -> None:
    cells = clean()
    cells.obs["perturbation"] = np.array(["control", "STAT1 OE", "IRF1"])[np.arange(160) % 3]
    assert check(cells, COLUMNS) == []


def test_all_findings_come_in_one_pass_errors_first() -> None:
    cells = with_values(0, 0, -1)(with_values(1, 1, np.inf)(clean()))
    cells.var_names = ["A", "A", "B"]
    cells = rare(cells)
    findings = check(cells, COLUMNS)
    assert {"negative_values", "not_finite", "duplicate_genes", "small_perturbation"} <= {
        finding.code for finding in findings
    }
    levels = [finding.level for finding in findings]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)


def test_dense_and_sparse_give_the_same_findings() -> None:
    sparse = with_values(4, 2, -1)(clean())
    dense = sparse.copy()
    dense.X = sparse.X.toarray()
    assert check(sparse, COLUMNS) == check(dense, COLUMNS)


def test_covariates_are_joined_in_order() -> None:
    obs = pd.DataFrame({"a": ["x", "y"], "b": pd.Categorical([1, 2])})
    assert list(joined(obs, ("a", "b"))) == ["x · 1", "y · 2"]
    assert list(joined(obs, ())) == ["all cells", "all cells"]


def test_a_control_label_of_another_name_is_offered() -> None:
    cells = clean()
    labels = cells.obs["perturbation"].astype(str).replace("control", "non-targeting")
    cells.obs["perturbation"] = labels.to_numpy()
    said = find(check(cells, COLUMNS), "no_control_cells").sentence
    assert said.endswith("Name the control label. Did you mean non-targeting?")


def test_a_label_that_joins_two_is_offered_with_a_plus() -> None:
    cells = clean()
    names = np.array(["control", "STAT1", "IRF1", "STAT1_IRF1"])
    cells.obs["perturbation"] = names[np.arange(cells.n_obs) % 4]
    said = find(check(cells, COLUMNS), "gene_not_measured").sentence
    assert said.endswith(" If STAT1_IRF1 is two perturbations at once, name it STAT1+IRF1.")
    cells.obs["perturbation"] = np.array(["control", "STAT1", "IRF1", "A_B"])[
        np.arange(cells.n_obs) % 4
    ]
    assert "at once" not in find(check(cells, COLUMNS), "gene_not_measured").sentence
