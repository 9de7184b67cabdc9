"""Compare in its states: runs old and new, benchmarks, ties and losses, an uploaded file."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gvci import scoreboards
from gvci.app import boards, compare_chart, compare_files, compare_view, curves_view, their_file
from gvci.app.boards import CEILING, Board
from gvci.app.theme import LIGHT
from gvci.benchmark.tidy import write_table
from gvci.errors import FileError, SettingsError
from gvci.registry import register
from gvci.run import Run
from tests.app.conftest import DEMO, OpenPage, sound


@pytest.fixture(scope="module")
def run() -> Run:
    return Run.open(DEMO)


@pytest.fixture(scope="module")
def board(run: Run) -> Board:
    return boards.of_answer(run, run.scores["ood"])


@pytest.fixture(scope="module")
def predicted(run: Run) -> bytes:
    """Cells that another program might have predicted: the true ones of every held-out pair."""
    held_out = (run.data.split == "ood") & ~run.data.is_control
    cells = run.data.adata[held_out].copy()
    made = ad.AnnData(run.data.dense(np.flatnonzero(held_out)), obs=cells.obs, var=cells.var)
    made.obs_names = [f"made {i}" for i in range(made.n_obs)]
    return _bytes(made)


def _bytes(adata: ad.AnnData) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        adata.write_h5ad(Path(folder) / "a.h5ad")
        return (Path(folder) / "a.h5ad").read_bytes()


def command(test: AppTest) -> str:
    """The command line on a page, not its link."""
    return next(str(c.value) for c in test.code if not str(c.value).startswith("http"))


def other_run(tmp_path: Path, scores: object) -> str:
    """A copy of the demo with other scores; its id."""
    folder = tmp_path / "other"
    shutil.copytree(DEMO, folder)
    (folder / "scores.json").write_text(json.dumps(scores))
    entry = register(folder, "run", "Other")
    assert entry is not None
    return entry


# --- the open run ---------------------------------------------------------------------------


def test_opens_with_table_figure_and_verdict(open_page: OpenPage, board: Board):
    test = open_page("compare")
    text = sound(test)
    assert "graphVCI standard and the simple baseline Ridge tie on R², top 50." in text
    assert "two halves of the measured cells reach 0.916" in text
    assert "no change already reaches 0.89: do not judge by that column" in text
    assert "Simulated" in text
    table = test.dataframe[0].value
    assert list(table["Model"]) == compare_view.order(board, "r2_de")
    assert table["Model"].iloc[-1] == CEILING
    assert list(table["Kind"])[:2] == ["model", "simple baseline"]
    assert len(test.get("plotly_chart")) == 1


def test_older_scores_can_be_made_again(run: Run, open_page: OpenPage, tmp_path: Path):
    scores = json.loads(json.dumps(run.scores))
    for row in scores["ood"]["pairs"]:
        del row["pds"]
    test = open_page("compare", run=other_run(tmp_path, scores))
    assert "PDS" not in test.multiselect(key="scores").options
    test.toggle(key="fresh").set_value(True).run()
    sound(test)
    assert "PDS" in test.multiselect(key="scores").options


def test_no_pair_in_a_split_says_why(open_page: OpenPage):
    test = open_page("compare", split="Test cells")
    assert "Nothing to compare here. No pair" in sound(test).replace("*", "")
    assert not test.dataframe
    assert "of the link is not known here" in sound(open_page("compare", split="none"))


def test_run_without_scores_is_scored_here(open_page: OpenPage, tmp_path: Path):
    text = sound(open_page("compare", run=other_run(tmp_path, {})))
    assert "8 pairs of group and perturbation, held-out combinations" in text


def test_scores_of_a_link(open_page: OpenPage):
    test = open_page("compare", scores="mse,nope,r2_all", score="MSE ↓")
    text = sound(test)
    assert "The score 'nope' of the link is not in this table" in text
    assert list(test.dataframe[0].value.columns[2:]) == ["MSE ↓", "R², all genes"]
    assert test.selectbox(key="score").value == "MSE ↓"


def test_one_pair_only(run: Run, open_page: OpenPage, tmp_path: Path):
    scores = json.loads(json.dumps(run.scores))
    first = scores["ood"]["pairs"][0]
    pair = {key: first[key] for key in ("group", "perturbation")}
    same = [row for row in scores["ood"]["pairs"] if pair.items() <= row.items()]
    scores["ood"] |= {"pairs": same, "n_pairs": 1}
    test = open_page("compare", run=other_run(tmp_path, scores))
    text = sound(test)
    assert "of one pair only, so it may be luck" in text
    assert "no interval, so its number decides" in text
    assert re.search("Ahead of [1-9] of 8 simple baselines", text)
    assert "±" not in " ".join(test.dataframe[0].value.iloc[0].astype(str))


def test_a_baselines_win_is_said(run: Run):
    answer = json.loads(json.dumps(run.scores["ood"]))
    for row in answer["pairs"]:
        if row["model"] == "graphvci":
            row["r2_de"] -= 0.2
    lost = boards.of_answer(run, answer)
    assert compare_view.claim(lost, "r2_de") == (
        "A simple baseline wins: Ridge is ahead of graphVCI standard on R², top 50."
    )
    assert "Ahead of 2 of 8 simple baselines; behind Additive" in " ".join(
        compare_view.sentences(lost, "r2_de")
    )
    for row in answer["pairs"]:
        if row["model"] == "graphvci":
            row["r2_de"] += 0.3
    won = boards.of_answer(run, answer)
    claim = compare_view.claim(won, "r2_de")
    assert claim == "graphVCI standard is ahead of every simple baseline on R², top 50."


def test_smaller_is_better_where_it_is(board: Board):
    ranked = compare_view.order(board, "e_distance")
    means = [board.table.mean(label, "e_distance") for label in ranked[:-1]]
    assert means == sorted(means)
    assert compare_view.title("e_distance").endswith("↓")
    spread = compare_view.order(board, "spread_ratio")
    assert spread[0] == "graphVCI standard"
    assert "best near 1" in compare_view.claim(board, "spread_ratio")


def test_axis_leaves_outliers_out_and_says_their_value(board: Board):
    labels = compare_view.order(board, "r2_de")
    facet = compare_chart.facets(board, labels, ["r2_de"])[0]
    last = facet.rows[labels.index("No change")]
    assert last is not None
    assert last.mean < facet.low
    drawn = compare_chart.figure(board, labels, ["r2_de", "pearson_delta"], LIGHT)
    words = [a.text for a in drawn.layout.annotations]
    assert "◀ 0.493" in words
    assert "undefined" in words
    assert "graphVCI standard 0.890" in compare_chart.alt(board, labels, ["r2_de"])


def test_files(run: Run, board: Board):
    labels = compare_view.order(board, "r2_de")
    files = compare_files.downloads(run, board, labels, ["r2_de", "mse"], "r2_de")
    made = {file.label: file.make() for file in files}
    text = str(made["Table (CSV)"])
    assert "# verdict: graphVCI standard and the simple baseline Ridge tie" in text
    assert "# cells are: simulated" in text
    table = pd.read_csv(io.StringIO(text), comment="#")
    assert len(table) == 2 * len(labels)
    ridge = table[(table["model"] == "Ridge") & (table["score"] == "R², top 50")].iloc[0]
    assert ridge["ours_minus_it"] == pytest.approx(0.0063, abs=1e-3)
    assert ridge["ours_is"] == "tied"
    assert len(pd.read_csv(io.StringIO(str(made["Every pair (CSV)"])), comment="#")) == 80
    assert ">graphVCI standard<" in bytes(made["Figure (SVG)"]).decode()
    assert bytes(made["Figure (PNG)"]).startswith(b"\x89PNG")


# --- benchmarks -----------------------------------------------------------------------------


@pytest.mark.parametrize("ways", ["false", "true"])
@pytest.mark.parametrize("table", ["table1-demo", "table1-kang"])
def test_shipped_tables(open_page: OpenPage, table: str, ways: str):
    test = open_page("compare", table=table, ways=ways)
    text = sound(test)
    assert "A benchmark, not of the open run: Table 1 on" in text
    assert ("Simulated" in text) == (table == "table1-demo")
    models = list(test.dataframe[0].value["Model"])
    assert len(models) == len(set(models))
    assert ("VCI, residual" in models) == (ways == "true")
    assert {"VCI", "AE", "CPA"} <= {name.split(", ")[0] for name in models}
    assert f"benchmarks/specs/{table}.toml" in command(test)


def test_one_holdout_of_a_benchmark(open_page: OpenPage):
    problems = boards.problems(boards.read("table1-kang"))
    test = open_page("compare", table="table1-kang", problem=problems[1])
    assert "1 pair of group and perturbation" in sound(test)


def test_rivals_stand_with_their_better_readout_and_we_with_our_own():
    table = boards.read("table1-kang")
    found = boards.of_benchmark(table, boards.EVERYTHING, "r2_de")
    whole = boards.of_benchmark(table, boards.EVERYTHING, "r2_de", every_way=True)
    for model in ("VCI", "CPA", "AE"):
        both = [
            whole.table.mean(f"{model}, {way}", "r2_de") for way in ("residual", "decoder's mean")
        ]
        assert found.table.mean(model, "r2_de") == max(b for b in both if b is not None)
    assert (found.own, found.ways[str(found.own)]) == ("graphVCI standard", "residual")


def test_finished_benchmarks_appear_by_themselves(
    open_page: OpenPage, own_runs: Path, tmp_path: Path
):
    table = boards.read("table1-demo").copy()
    table.attrs = {**table.attrs, "title": "<b>Mine</b>", "simulated": []}
    folder = tmp_path / "my bench"
    write_table(table, folder / "tidy.parquet")
    board = scoreboards.register(folder)
    assert board is not None
    assert own_runs.parent in (scoreboards.home() / f"{board}.json").parents
    assert "Mine" in sound(open_page("compare", table=board))
    (folder / "tidy.parquet").write_bytes(b"PAR1 nothing")
    text = sound(open_page("compare", table=board))
    assert "Table of scores 'my-bench" in text
    (folder / "tidy.parquet").unlink()
    assert [b.id for b in scoreboards.scoreboards() if not b.shipped] == []


def test_another_parquet_is_refused(tmp_path: Path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "tidy.parquet")
    with pytest.raises(FileError, match="it is not what a benchmark writes"):
        scoreboards.read_scoreboard(
            scoreboards.Scoreboard("x", tmp_path / "tidy.parquet", False, "")
        )


# --- training curves ------------------------------------------------------------------------


def test_training_curves(open_page: OpenPage):
    test = open_page("compare", show="Training curves")
    text = sound(test)
    assert "The refined GRN ties with the prior GRN" in text
    assert len(test.get("plotly_chart")) == 1
    table = test.dataframe[0].value
    assert list(table["Network"])[:3] == ["refined GRN", "prior GRN", "random GRN"]
    files = curves_view.downloads(boards.read("fig6a-demo"), "r2_de")
    made = {file.label: file.make() for file in files}
    assert "# said: The refined GRN ties" in str(made["Curves (CSV)"])
    assert ">refined GRN<" in bytes(made["Figure (SVG)"]).decode()


def test_no_training_curves(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(scoreboards, "SHIPPED", tmp_path)
    test = open_page("compare", show="Training curves")
    assert "No training curves here yet" in sound(test)
    assert command(test) == curves_view.COMMAND


# --- an uploaded file -----------------------------------------------------------------------


def test_uploaded_file_stands_beside_ours(open_page: OpenPage, predicted: bytes):
    test = open_page("compare")
    test.file_uploader(key="predicted_cells").upload("rival.h5ad", predicted, "").run(timeout=120)
    text = sound(test)
    assert "336 predicted cells of 8 scored pairs were used, 300 genes matched" in text
    table = test.dataframe[0].value
    assert list(table["Model"].head(2)) == ["rival", "graphVCI standard"]
    assert table.set_index("Model").loc["rival", "Kind"] == "your file"
    assert "Your file rival is ahead of graphVCI standard." in text
    assert "not kept and not in the link" in text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.h5ad", b"not hdf5 at all", "does not begin like an HDF5 file"),
        (
            "<img src=x onerror=alert(1)>.h5ad",
            b"\x89HDF\r\n\x1a\n",
            "<img src=x onerror=alert(1)>.h5ad",
        ),
        ("a.txt", b"1,2", "is not an .h5ad file"),
    ],
)
def test_refused_uploads(run: Run, name: str, content: bytes, words: str):
    with pytest.raises(FileError) as refused:
        their_file.score(run, name, content, "a", "ood", lambda line: None)
    assert words in str(refused.value)


def test_a_refused_upload_leaves_the_table(open_page: OpenPage, predicted: bytes, run: Run):
    without = ad.AnnData(np.ones((3, 300), dtype=np.float32), var=run.data.adata.var)
    test = open_page("compare")
    test.file_uploader(key="predicted_cells").upload("x.h5ad", _bytes(without), "").run(timeout=60)
    text = sound(test)
    assert "has no column 'perturbation'" in text
    assert len(test.dataframe) == 1
    test.file_uploader(key="predicted_cells").upload("ridge.h5ad", predicted, "").run(timeout=120)
    assert "'ridge' is the name of another row of the table" in sound(test)


@pytest.mark.parametrize("name", ["Ridge", CEILING, "graphVCI standard", " "])
def test_a_name_that_another_row_has_is_refused(run: Run, name: str):
    with pytest.raises(SettingsError, match="the name of another row"):
        their_file.score(run, "a.h5ad", b"", name, "ood", lambda line: None)


def test_steps_are_told(run: Run, predicted: bytes):
    told: list[str] = []
    their_file.score(run, "rival.h5ad", predicted, "rival", "ood", told.append)
    assert told[0].startswith("Reading and checking")
    assert told[1] == "Matching its 336 cells and 300 genes with ours"
    assert told[-1].startswith("Scoring pair 8 of 8")
