"""What a benchmark's TOML may say, and what it is refused for; and which parts come of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gvci.benchmark import parts as grid
from gvci.benchmark.parts import Part, parts
from gvci.benchmark.problems import Problem
from gvci.benchmark.sources import ROOT, code_hash, needed
from gvci.benchmark.spec import Dataset, Model, Spec
from gvci.config import PrepareSettings, SimulateSettings
from gvci.data.catalogue import find
from gvci.data.dataset import PerturbationData
from gvci.errors import CatalogueError, SettingsError

SPECS = sorted((ROOT.parent / "benchmarks/specs").glob("*.toml"))
GOOD = """
kind = "table1"
seeds = [3, 4]
[[datasets]]
data = "sim"
holdouts = ["auto", "cell_type=B cells"]
simulate = {preset = "hard", n_genes = 60}
prepare = {n_genes = 50}
[[models]]
name = "ours"
predict = ["residual", "ungated"]
max_steps = 7
[[models]]
name = "AE"
model = "ae"
"""


def read(folder: Path, text: str) -> Spec:
    (folder / "x.toml").write_text(text)
    return Spec.read(folder / "x.toml")


def test_a_spec_is_read_with_presets_under_its_changes(tmp_path: Path) -> None:
    spec = read(tmp_path, GOOD)
    ours, ae = spec.models
    assert (ours.preset_name, ours.settings.max_steps, ours.settings.heads) == (
        "standard", 7, "additive",
    )  # fmt: skip
    assert (ae.preset_name, ae.settings.model, ae.settings.samples) == ("paper", "ae", 3)
    assert spec.own == "ours"
    (data,) = spec.datasets
    assert data.simulate is not None
    assert (data.simulate.n_genes, data.simulate.synergy) == (
        60, SimulateSettings.preset("hard").synergy,
    )  # fmt: skip
    assert data.prepare.n_genes == 50


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "ours"', 'name = "ours"\nmax_step = 7',
         r"x.toml, models 1 \(ours\): There is no setting 'max_step'. Did you mean max_steps"),
        ('model = "ae"', 'model = "cevea"',
         r"models 2 \(AE\): There is no model 'cevea'. Did you mean cevae\?.*baselines are always"),
        ('model = "ae"', 'model = "ae"\nheads = "additive"', r"models 2 \(AE\): .*has no heads"),
        ('name = "AE"', 'name = "ours"', "has two models of the name 'ours'"),
        ('name = "AE"', 'name = "ridge"', "'ridge' is what the tables call a baseline"),
        ('data = "sim"', 'data = "kang2018-ifn"', "datasets 1 .*Did you mean kang2018-ifnb"),
        ('data = "sim"', 'data = "demo"', "simulate belongs to data = 'sim' only"),
        ("n_genes = 60}", "n_genes = 60, seed = 1}", "seed of a simulation is that of the bench"),
        ("n_genes = 60}", "genes = 60}", "There is no setting 'genes'"),
        ("{n_genes = 50}", '{holdout = "cell_type=B cells"}', "say what to hold out by holdouts"),
        ("max_steps = 7", "seed = 7", "seeds are those of the benchmark"),
        ("seeds = [3, 4]", "seeds = [3, 3]", "seeds are whole numbers from 0, each once"),
        ("seeds = [3, 4]", "sedes = [3, 4]", "There is no setting 'sedes'. Did you mean seeds"),
        ("seeds = [3, 4]", 'own = "our"', "own = 'our' is not among the models. Did you mean ours"),
        ('kind = "table1"', 'kind = "table3"', "Setting 'kind' = 'table3' is not usable"),
        ('kind = "table1"', 'kind = "table2"', "table2 needs epochs"),
        ('kind = "table1"', 'kind = "table2"\nepochs = [2]',
         "table2 is of the models graphvci, vci: leave AE out"),
        ('["residual", "ungated"]', '["residul"]', "not usable"),
        ('model = "ae"', 'predictions = "a.h5ad"\nwidth = 3', "have a name only, not width"),
        ('model = "ae"', 'predictions = "{sed}.h5ad"', "may have {dataset}, {holdout} and {seed}"),
        ("[[models]]", "[[model]]", r"no \[\[models\]\]"),
        ('kind = "table1"', 'kind = table1', "cannot be read as TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, GOOD.replace(old, new))


def test_a_graph_needs_a_network(tmp_path: Path) -> None:
    text = GOOD.replace('data = "sim"', 'data = "mine.h5ad"').replace("simulate =", "# ")
    with pytest.raises(SettingsError, match=r"ours needs a network.*dataset mine a prior"):
        read(tmp_path, text)


def test_a_file_is_found_beside_the_spec(tmp_path: Path) -> None:
    (tmp_path / "mine.h5ad").touch()
    text = GOOD.replace('data = "sim"', 'data = "mine.h5ad"\nprior = "dorothea"')
    spec = read(tmp_path, text.replace("simulate =", "# "))
    assert spec.datasets[0].data == str(tmp_path / "mine.h5ad")
    assert spec.datasets[0].name == "mine"


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_every_spec_of_the_repository_can_be_read(file: Path) -> None:
    spec = Spec.read(file)
    assert spec.kind == file.stem.split("-")[0]
    assert len(spec.seeds) == (3 if file.stem == "fig6a-demo" else 5)
    assert spec.title
    assert tomllib.loads(file.read_text())["seeds"] == list(spec.seeds)


# --- the grid ------------------------------------------------------------------------


def test_a_simulation_has_problems_per_seed_and_its_baselines_are_scored_once(
    tmp_path: Path,
) -> None:
    asked, missing = parts(read(tmp_path, GOOD))
    assert not missing
    assert len(asked) == 2 * 2 * 3  # seeds × holdouts × (two models and the baselines)
    assert [part.name for part in asked[:3]] == [
        "sim, auto, seed 3, baselines", "sim, auto, seed 3, ours", "sim, auto, seed 3, AE",
    ]  # fmt: skip
    assert {p.model.settings.seed for p in asked if p.model is not None} == {3, 4}
    assert len({part.stem for part in asked}) == len(asked)


def test_cells_of_a_file_are_shared_by_the_seeds(tmp_path: Path) -> None:
    text = GOOD.replace('data = "sim"', 'data = "demo"').replace("simulate =", "# ")
    asked, _ = parts(read(tmp_path, text))
    assert len({part.problem for part in asked}) == 2
    assert sum(part.model is None for part in asked) == 2
    assert [part.seed for part in asked] == [None, None, *[3] * 4, *[4] * 4]


def test_what_is_missing_is_said_and_the_rest_is_asked(tmp_path: Path) -> None:
    more = '[[datasets]]\ndata = "no/mine.h5ad"\nprior = "demo"\n[[models]]'
    asked, missing = parts(read(tmp_path, GOOD.replace("[[models]]", more, 1)))
    assert len(asked) == 12
    assert "There is no file no/mine.h5ad" in missing["mine"]


def test_data_that_must_be_fetched_is_said_with_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GVCI_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path))
    text = GOOD.replace('data = "sim"', 'data = "sciplex3"\nprior = "demo"')
    asked, missing = parts(read(tmp_path, text.replace("simulate =", "# ")))
    assert not asked
    assert "Fetch https://zenodo.org" in missing["sciplex3"]
    assert "set GVCI_DATA_DIR" in missing["sciplex3"]


def test_the_papers_table_takes_what_is_there_and_names_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the authors' files have their labels, in small."""
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(
        [
            {"target": t, "stim_celltype": s, "donor": f"Donor{1 + i % 2}"}
            for t in ("NTC", "VAV1", "IL2", "CD28")
            for s in ("resting_cd4", "restimulated_cd8")
            for i in range(80)
        ]
    )
    obs.index = obs.index.map("cell{}".format)
    genes = pd.DataFrame(index=[f"G{i}" for i in range(30)])
    cells = rng.poisson(2, (len(obs), 30)).astype(np.float32)
    cells[obs["target"] == "VAV1", 0] += 40
    ad.AnnData(np.log1p(cells), obs=obs, var=genes).write_h5ad(tmp_path / "marson_prepped.h5ad")
    table = pd.DataFrame({"peak_id": ["a"], "gene_short_name": ["G1"], "G2": [1]})
    table.to_parquet(tmp_path / find("celloracle-promoter", "prior").file)
    monkeypatch.setenv("GVCI_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path / "cache"))
    (file,) = (file for file in SPECS if file.stem == "table1-paper")
    asked, missing = parts(Spec.read(file))
    assert {part.problem.dataset.name for part in asked} == {"Marson"}
    assert len(asked) == 1 + 5 * 7
    assert set(missing) == {"Sciplex", "L008"}
    assert "put it as sciplex_prepped.h5ad into a folder" in missing["Sciplex"]
    data = PerturbationData.read(asked[0].problem.cells(tmp_path / "cells"))
    held_out = data.split == "ood"
    assert set(data.perturbation[held_out]) == {"VAV1"}
    assert set(data.adata.obs["stim_celltype"][held_out]) == {"restimulated_cd8"}


def test_an_unknown_name_is_refused_by_the_catalogue() -> None:
    with pytest.raises(CatalogueError, match="Did you mean kang2018-ifnb"):
        Dataset.read({"data": "kang2018-ifb"}, Path())


# --- what a result depends on ----------------------------------------------------------


def part(**changes: object) -> Part:
    data = Dataset.read({"data": "sim", "simulate": {"n_genes": 60}}, Path())
    model = Model.read({"name": "ours", "max_steps": 5})
    usual = {"kind": "table1", "problem": Problem(data, "auto", 1, ()), "seed": 1, "model": model}
    return Part(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("change", ["seed", "holdout", "settings", "predict", "data", "file"])
def test_another_question_is_another_part(change: str) -> None:
    one = part()
    data, model = one.problem.dataset, one.model
    assert model is not None
    other = {
        "seed": lambda: part(seed=2),
        "holdout": lambda: part(problem=Problem(data, "none", 1, ())),
        "settings": lambda: part(model=Model.read({"name": "ours", "max_steps": 6})),
        "predict": lambda: part(model=model.model_copy(update={"predict": ("mean",)})),
        "data": lambda: part(
            problem=Problem(
                data.model_copy(update={"prepare": PrepareSettings.checked({"n_genes": 9})}),
                "auto",
                1,
                (),
            )
        ),
        "file": lambda: part(problem=Problem(data, "auto", 1, ("abc",))),
    }[change]()
    assert other.stem != one.stem


def test_a_result_is_taken_up_only_whole_and_only_by_its_own_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = part()
    one.finish(tmp_path, one.result(rows=[{"r2_all": 0.5}]))
    found = one.finished(tmp_path)
    assert found is not None
    assert found["rows"] == [{"r2_all": 0.5}]
    (file,) = (tmp_path / grid.PARTS).glob("*.json")
    file.write_text(file.read_text()[:50])
    assert one.finished(tmp_path) is None
    one.finish(tmp_path, one.result())
    monkeypatch.setattr(grid, "code_hash", lambda *_, **__: "other code")
    assert one.finished(tmp_path) is None


def test_code_is_hashed_where_a_result_depends_on_it(tmp_path: Path) -> None:
    table_1 = needed("gvci.benchmark.heldout", besides=("gvci.refiner",))
    assert table_1 >= {
        "gvci.training.task", "gvci.metrics.means", "gvci.training.network_task",
        "gvci.benchmark.heldout",
    }  # fmt: skip
    assert not table_1 & {
        "gvci.verdict", "gvci.cli", "gvci.benchmark.report", "gvci.benchmark.parts",
        "gvci.refiner.paper", "gvci.edges.recovery",
    }  # fmt: skip
    assert "gvci.refiner.paper" in needed("gvci.benchmark.curves")
    assert code_hash("gvci.training.task") != code_hash("gvci.training.loop")


def test_a_comment_costs_no_rerun_and_a_number_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gvci.benchmark import sources

    def forget() -> None:
        for function in (sources._tree, sources._imported, sources._syntax, code_hash):
            function.cache_clear()

    def hashed(text: str) -> str:
        forget()
        (tmp_path / "one.py").write_text(text)
        return code_hash("gvci.one")

    monkeypatch.setattr(sources, "ROOT", tmp_path)
    plain = hashed('"""One."""\n\n\ndef f():\n    """Two."""\n    return 1\n')
    assert hashed('"""Other."""\n# why\ndef f():\n    """3."""\n    return 1\n') == plain
    assert hashed('"""One."""\n\n\ndef f():\n    """Two."""\n    return 2\n') != plain
    (tmp_path / "two.py").write_text("a = 1\n")
    imported = hashed("from gvci.two import a\n")
    (tmp_path / "two.py").write_text("a = 2\n")
    assert hashed("from gvci.two import a\n") != imported
    forget()
