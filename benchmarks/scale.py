"""Cells by the hundred thousand: within 16 GiB, and streamed from disk.

    python -m benchmarks.scale refine|train|mapped|memory|cold [--cells N]   (parts of: make bench)

`refine` and `train` (with its scores) are the command line on 100,000 cells × 5,000 genes, in a
process that may not allocate more than 16 GiB. The others read 1,000,000 cells × 2,000 genes and
train a `standard` model for some steps: from the mapped file, with the same matrix copied into
memory, and with the file dropped from the page cache before each step. The files are made once,
below runs/benchmark/, and may be deleted.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.growth import GROUPS, REGULATORS
from benchmarks.paper_size import Size, cells
from benchmarks.parts import write
from benchmarks.process import EVERY_SECONDS, KIB_PER_GIB, ROOT, apart, memory, watched

LIMIT_GIB = 16
SHORT = ("max_steps=200", "evaluate_every=100", "members=1", "inner_folds=1")
PERTURBATIONS, EDGES, CONTROLS = 73, 20_000, 0.1
STEPS, COLD_STEPS = 200, 20
WAYS = ("mapped", "memory", "cold")
LARGE, MILLION = (100_000, 5_000), (1_000_000, 2_000)
SIZES = {"refine": LARGE, "train": LARGE} | dict.fromkeys(WAYS, MILLION)


def make(count: int, genes: int) -> dict[str, float]:
    """Write data.h5ad and prior.csv."""
    folder = folder_of(count, genes)
    in_group = count // GROUPS
    controls = int(CONTROLS * in_group)
    treated = -(-(in_group - controls) // PERTURBATIONS)
    size = Size(genes, EDGES, PERTURBATIONS, treated, controls, 0.1, REGULATORS)
    data, grn = cells(size)
    folder.mkdir(parents=True, exist_ok=True)
    data.write(folder / "data.h5ad")
    grn.edges.to_csv(folder / "prior.csv", index=False)
    written = (folder / "data.h5ad").stat().st_size / 2**30
    return {"cells": data.n_cells, "values": data.expression.nnz, "file_gib": written}


# --- within 16 GiB -----------------------------------------------------------------------


def verb(*words: str) -> dict[str, float]:
    """A command line in a process of its own; its seconds and its memory at its most."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_GIB * 2**30, LIMIT_GIB * 2**30))

    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    start, most = time.perf_counter(), {"RssAnon": 0.0, "RssFile": 0.0}
    process = subprocess.Popen(
        [sys.executable, "-m", "gvci", *words], env=environment, preexec_fn=limited,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append(process.stderr.read()))  # type: ignore[union-attr]
    reader.start()
    while process.poll() is None:
        text = Path(f"/proc/{process.pid}/status").read_text()
        lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        for name in most:
            if name in lines:
                most[name] = max(most[name], int(lines[name].split()[0]) / KIB_PER_GIB)
        time.sleep(EVERY_SECONDS)
    reader.join()
    if process.returncode:
        raise SystemExit("\n".join(said))
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "anon_gib": most["RssAnon"], "mapped_gib": most["RssFile"]}


def command(what: str, count: int, genes: int) -> dict[str, Any]:
    """`refine quick`, or a short training on the prior with its scores."""
    folder = folder_of(count, genes)
    data, prior = str(folder / "data.h5ad"), str(folder / "prior.csv")
    with tempfile.TemporaryDirectory(dir=folder) as out:
        if what == "refine":
            return verb("refine", data, "--prior", prior, "--out", out, "--preset", "quick")
        shorter = [word for setting in SHORT for word in ("--set", setting)]
        return verb("train", data, "--grn", prior, "--out", f"{out}/run", *shorter)


# --- streaming ---------------------------------------------------------------------------


def way(how: str, count: int, genes: int) -> dict[str, float]:
    """Read, start and train one way."""
    import torch

    from gvci import TrainSettings
    from gvci.data.dataset import PerturbationData
    from gvci.grn.read import read_grn
    from gvci.training.task import GraphVCITask

    torch.set_num_threads(1)
    settings = TrainSettings.preset("standard")
    warm, grn = cells(Size(60, 300, 4, 12, 40))
    GraphVCITask(warm, grn, settings).step()  # imports what it imports
    folder = folder_of(count, genes)
    file = folder / "data.h5ad"
    found = {"libraries_anon": memory()["anon"]}
    took, data = watched("read", lambda: PerturbationData.read(file))
    if how == "memory":
        data = in_memory(data)
        took["read_anon"] = memory()["anon"]
    found |= took
    found |= watched("hash", lambda: data.fingerprint)[0]
    prior = read_grn(folder / "prior.csv").restricted(data.genes)
    took, task = watched("start", lambda: GraphVCITask(data, prior, settings))
    found |= took
    task.step()
    seconds = []
    for _ in range(COLD_STEPS if how == "cold" else STEPS):
        if how == "cold":
            dropped(data, file)
        start = time.perf_counter(), time.process_time()
        task.step()
        seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    clock, processor = (statistics.median(one) for one in zip(*seconds, strict=True))
    found |= {"step_clock_s": clock, "step_s": processor, "step_anon": memory()["anon"]}
    return found | {"mapped": memory()["file"]}


def in_memory(data: Any) -> Any:
    """The same data with its matrix copied."""
    import anndata as ad
    import scipy.sparse as sp

    from gvci.data.dataset import PerturbationData

    matrix = data.expression
    parts = (matrix.data.copy(), matrix.indices.copy(), matrix.indptr.copy())
    copied = sp.csr_matrix(parts, shape=matrix.shape)
    adata = ad.AnnData(copied, obs=data.adata.obs, var=data.adata.var)
    return PerturbationData(adata, data.columns, data.meta)


def dropped(data: Any, file: Path) -> None:
    """Take the file's pages from this process and from the cache."""
    matrix = data.expression
    for values in (matrix.data, matrix.indices, matrix.indptr):
        base: Any = values
        while not isinstance(base, mmap.mmap):
            base = base.base
        base.madvise(mmap.MADV_DONTNEED)
    descriptor = os.open(file, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def folder_of(count: int, genes: int) -> Path:
    """Where the data of a size are kept."""
    return ROOT / f"runs/benchmark/scale-{count}x{genes}"


def measured(what: str, count: int, genes: int) -> dict[str, Any]:
    """One part; its data are made first where they are not there."""
    folder = folder_of(count, genes)
    notes = folder / "made.json"
    if not notes.is_file():
        made = apart("benchmarks.scale", "make", str(count), str(genes), quiet=True)
        write(notes, json.dumps(made))
    work = way if what in WAYS else command
    return {**json.loads(notes.read_text(encoding="utf-8")), **work(what, count, genes)}


def main() -> None:
    """One part, at its size or a smaller one."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("what", nargs="?", choices=SIZES)
    words.add_argument("--cells", type=int)
    words.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.case:
        what, count, genes = given.case[0], *map(int, given.case[1:])
        answer = make(count, genes) if what == "make" else measured(what, count, genes)
        print(json.dumps(answer))
        return
    count, genes = SIZES[given.what]
    print(json.dumps(measured(given.what, given.cells or count, genes), indent=1))


if __name__ == "__main__":
    main()
