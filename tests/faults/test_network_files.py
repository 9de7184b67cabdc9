"""FAULTS F24, F25: networks that are too large, and texts made to hurt or written oddly."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gvci.errors import GRNError
from gvci.grn import GRN, from_edges, read_grn
from gvci.grn.edges import BYTES_PER_EDGE, MOST_EDGES
from gvci.grn.text import LONGEST_LINE

ROOT = Path(__file__).resolve().parents[2]

# --- F24: ten million edges -------------------------------------------------------------

TEN_MILLION = 10_000_000
READ = """
import json, sys, time
from pathlib import Path
from gvci.errors import GRNError
from gvci.grn import read_grn
def highest():  # kB since this program began; ru_maxrss remembers the one that started it
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
before, start = highest(), time.monotonic()
try:
    said = f"{len(read_grn(Path(sys.argv[1])))} edges"
except GRNError as error:
    said = str(error)
print(json.dumps({"said": said, "seconds": time.monotonic() - start,
                  "megabytes": (highest() - before) / 1024}))
"""


def measured(path: Path) -> dict[str, float | str]:
    """What reading says, and how long and how much memory it takes, in its own process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        env=environment, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout)


def write_edges(path: Path, count: int) -> None:
    """That many lines, the same 100,000 again and again."""
    block = "".join(f"TF{i % 500},GENE{i}\n" for i in range(100_000)).encode()
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wb") as file:
        file.write(b"source,target\n")
        for _ in range(count // 100_000):
            file.write(block)


@pytest.mark.parametrize("name", ["n.csv", "n.parquet"])
def test_f24_ten_million_edges_are_refused_by_number_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "n.csv":
        write_edges(path, TEN_MILLION)
    else:
        numbers = pa.array(np.zeros(TEN_MILLION, dtype=np.int32))
        coded = pa.DictionaryArray.from_arrays(numbers, pa.array(["STAT1"]))
        pq.write_table(pa.table({"source": coded, "target": coded}), path)
    found = measured(path)
    assert found["said"] == (
        f"The network {name} has 10,000,000 edges; at most 5,000,000 are taken (all would need "
        "about 1.5 GB). Keep the strongest."
    )
    assert found["seconds"] < 30
    assert found["megabytes"] < 100


def test_f24_a_complete_graph_is_refused_before_it_is_made_sparse() -> None:
    genes = np.array([f"G{i}" for i in range(2300)], dtype=object)
    source, target = (pd.Series(side.ravel()) for side in np.meshgrid(genes, genes))
    table = pd.DataFrame({"source": source, "target": target})
    assert len(table) > MOST_EDGES
    start = time.monotonic()
    with pytest.raises(GRNError, match=r"has 5,290,000 edges; at most 5,000,000 are taken"):
        from_edges(table, "complete")
    assert time.monotonic() - start < 5


def test_f24_the_estimate_of_memory_holds(tmp_path: Path) -> None:
    count = 400_000
    rows = (f"TF{i // 1000},GENE{i % 1000},{(i % 97 + 1) / 97:.4f}\n" for i in range(count))
    (tmp_path / "n.csv").write_text("source,target,weight\n" + "".join(rows))
    found = measured(tmp_path / "n.csv")
    assert found["said"] == f"{count} edges"
    assert 10 < found["megabytes"] < 40 + count * BYTES_PER_EDGE / 1e6
    assert found["seconds"] < 60


# --- F25: text ----------------------------------------------------------------------------


def quick(path: Path, words: str) -> None:
    start = time.monotonic()
    with pytest.raises(GRNError) as caught:
        read_grn(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "gmt", "graphml"])
def test_f25_a_gigabyte_without_a_line_end_is_refused_early(tmp_path: Path, ending: str) -> None:
    member = gzip.compress(b"STAT1\tIRF1,;" * (1 << 20), mtime=0)  # 12 MB
    with (tmp_path / f"n.{ending}.gz").open("wb") as file:
        for _ in range(90):
            file.write(member)
    assert (tmp_path / f"n.{ending}.gz").stat().st_size < 5_000_000
    words = f"longer than {LONGEST_LINE:,} characters"
    quick(tmp_path / f"n.{ending}.gz", words)


def test_f25_a_gigabyte_of_nothing_is_refused_early(tmp_path: Path) -> None:
    with (tmp_path / "n.csv").open("wb") as file:
        file.write(b"source,target\nA,B")
        file.truncate(1 << 30)
    quick(tmp_path / "n.csv", "it holds zero bytes, so it is no text")


def test_f25_text_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gvci.grn.text.MOST_BYTES", 20_000_000)
    member = gzip.compress(b"# comment\n" * (1 << 20), mtime=0)
    (tmp_path / "n.csv.gz").write_bytes(member * 5)
    quick(tmp_path / "n.csv.gz", "longer than 20,000,000 characters unpacked")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("n.csv", b"source,target\nA,B,C,D\nA\n", "cannot be read as csv"),
        ("n.csv", b"source,target\nA,B\n\nA,C,D,E,F\n", "Expected 2 fields in line 4, saw 5"),
        ("n.csv", b'source,target\n"A,B\nC,D\n', "cannot be read as csv"),
        ("n.csv", "source,target\nA,B\n".encode("utf-32"), "UTF-32 text; save it as UTF-8"),
        ("n.csv", "source,target\nÄ,B\n".encode("latin-1"), "is not UTF-8 text; save it"),
        ("n.csv", "source,target\nA,B\n".encode("utf-16")[:-1], "is not UTF-16 text"),
        ("n.csv.gz", b"source,target\nA,B\n", "not packed with gzip, although its name"),
        ("n.csv.gz", gzip.compress(b"source,target\nA,B\n" * 9999)[:-9], "cannot be read as csv"),
        ("n.csv", b"source target\tA B\n1 2\n", "has the columns source target, A B"),
        ("n.gmt", b"\x1f\x8b\x08\x00broken", "cannot be read as gmt"),
        ("n.graphml", b"<graphml><graph></graphml>", "the XML is broken"),
        ("n.graphml", b'<!DOCTYPE x [<!ENTITY a "b">]><graphml/>', "declares a document type"),
        ("n.graphml", b"<a>" * 100, "nested more than 32 deep"),
        ("n.graphml", b'<graphml><graph edgedefault="undirected"/></graphml>', "is undirected"),
        ("n.parquet", b"PAR1" + b"\0" * 99 + b"PAR1", "cannot be read as parquet"),
    ],
)  # fmt: skip
def test_f25_odd_texts_are_one_sentence(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    quick(tmp_path / name, words)


def test_f25_ragged_rows_that_are_short_are_counted(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("source,target,weight\nA,B\nA\nA,C,2\n")
    grn = read_grn(tmp_path / "n.csv")
    assert len(grn) == 2
    assert "1 edges without a gene name left out." in grn.notes


NAMES = st.text("ABCdé1-. ", min_size=1, max_size=6).map(str.strip).filter(bool)
EDGES = st.lists(
    st.tuples(NAMES, NAMES, st.integers(-9, 9).filter(bool)).filter(lambda e: e[0] != e[1]),
    min_size=1, max_size=12, unique_by=lambda e: e[:2],
)  # fmt: skip


def wrote(grn: GRN) -> set[tuple[str, str, float]]:
    return set(zip(*(grn.edges[c] for c in ("source", "target", "weight")), strict=True))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    EDGES,
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "# gvci: made\n"]),
)
def test_f25_any_way_of_writing_the_same_edges_reads_the_same(
    tmp_path: Path, edges, separator, encoding, end, packed, quoted, head
) -> None:
    mark = '"' if quoted else ""
    rows = [("source", "target", "weight"), *edges]
    text = head + "".join(
        separator.join(f"{mark}{word}{mark}" for word in row) + "\n" for row in rows
    )
    text = text.replace("\n", end)
    # Python writes the mark for "utf-16" only.
    start = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    content = start + text.encode(encoding)
    (tmp_path / "n.csv").write_bytes(gzip.compress(content) if packed else content)
    expected = {(source, target, float(weight)) for source, target, weight in edges}
    assert wrote(read_grn(tmp_path / "n.csv")) == expected


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.text("source,target\n\t;\"'01AB<>/=[]()#", max_size=120).map(
            lambda rest: f"source,target{rest}".encode()
        ),
        st.binary(max_size=60).map(gzip.compress),
    ),
    st.sampled_from(["csv", "tsv", "txt", "csv.gz", "gmt", "graphml", "parquet"]),
)
@example(b"TF,MotifID\nTargetGenes,[]\n", "csv")
@example(b",,TargetGenes\nTF,x,\nA,b,[[[[\n", "csv")
def test_f25_anything_at_all_is_a_network_or_a_sentence(
    tmp_path: Path, content: bytes, ending: str
) -> None:
    (tmp_path / f"n.{ending}").write_bytes(content)
    require_a_network_or_a_sentence(tmp_path / f"n.{ending}")


def require_a_network_or_a_sentence(path: Path) -> None:
    """Any other exception fails the test."""
    said = ""
    try:
        grn = read_grn(path)
    except GRNError as error:
        said = str(error)
    if said:
        assert "\n" not in said
        assert len(said) < 1500
    else:
        assert len(grn) > 0
        assert np.isfinite(grn.edges["weight"]).all()


@settings(max_examples=200)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_f25_a_damaged_parquet_is_a_network_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, where: int, flipped: bytes
) -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"source": ["A", "B"] * 50, "target": ["B", "C"] * 50}).to_parquet(buffer)
    content = bytearray(buffer.getvalue())
    at = where % len(content)
    content[at : at + len(flipped)] = flipped
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    path.write_bytes(content)
    require_a_network_or_a_sentence(path)


@pytest.mark.parametrize(
    ("text", "weight"), [("A;B;0,5\n", 0.5), ("A;B;-1,25\n", -1.25), ("A;B;,5\n", 0.5)]
)
def test_f25_decimal_commas_of_a_spreadsheet_are_read_and_said(
    tmp_path: Path, text: str, weight: float
) -> None:
    (tmp_path / "n.csv").write_text("source;target;weight\n" + text)
    grn = read_grn(tmp_path / "n.csv")
    assert grn.edges["weight"].tolist() == [weight]
    assert "1 weights are read with a decimal comma." in grn.notes
