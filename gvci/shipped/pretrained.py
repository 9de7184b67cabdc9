"""python -m gvci.shipped.pretrained [NAME …]: make the folders of `pretrained/` again.

Each run is made by the command line's own verbs, in a process of its own on one thread, so that
making it twice gives the same bytes: no date, no duration and no path goes in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gvci import cli
from gvci.counterfactual import summaries
from gvci.making import save_scores
from gvci.recipe import RECIPE
from gvci.refiner.trimmed import trimmed
from gvci.registry import CARD, SHIPPED
from gvci.run import DATA, GRN_FOLDER, METRICS, MODEL, Run
from gvci.shipped.card import card, licence
from gvci.shipped.compact import fewest_bits
from gvci.shipped.entries import RUNS, Shipped

LICENCE = "LICENCE"
MOST_BYTES = 5_000_000
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def main(names: list[str]) -> int:
    """Make the named runs here; without a name all of them, each in a process of its own."""
    if names:
        return next((code for code in map(make, names) if code), 0)
    for name in RUNS:
        command = [sys.executable, "-m", "gvci.shipped.pretrained", name]
        code = subprocess.run(command, env=os.environ | ONE_THREAD, check=False).returncode
        if code:
            return code
    return 0


def make(name: str) -> int:
    """Prepare, refine and train one run, finish it, and put it into its place."""
    started, shipped = time.monotonic(), RUNS[name]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GVCI_HOME"] = folder  # the notes of these runs are of no use to anyone
        data, grn, run = (str(Path(folder) / part) for part in ("data.h5ad", "grn", name))
        for words in (
            ["prepare", *shipped.prepare, "--out", data],
            ["refine", data, "--prior", shipped.prior, *shipped.refine, "--out", grn],
            ["train", data, "--grn", grn, *shipped.train, "--out", run],
        ):
            code = cli.main(words)
            if code:
                return code
        finish(Path(run), shipped)
        size = sum(file.stat().st_size for file in Path(run).rglob("*") if file.is_file())
        if size > MOST_BYTES:
            print(f"{name} has {size:,} bytes, more than {MOST_BYTES:,}: nothing was replaced.")
            return 1
        shutil.rmtree(SHIPPED / name, ignore_errors=True)
        shutil.copytree(run, SHIPPED / name)
    print(f"Wrote {SHIPPED / name}: {size:,} bytes in {time.monotonic() - started:.0f} s.")
    return 0


def finish(folder: Path, shipped: Shipped) -> None:
    """Make a trained run ready to be shipped: small, undated, and without what is not ours."""
    trained = Run.open(folder)
    bits, model, grn = fewest_bits(trained), trained.model, trained.grn
    for undated in ("created", "seconds"):
        model.header.pop(undated, None)
    model.save(folder / MODEL, bits)
    assert grn is not None
    grn.meta.pop("created", None)
    if not shipped.own:
        grn = trimmed(grn, shipped.network.name)
    grn.save(folder / GRN_FOLDER, f"../{DATA}")
    (folder / METRICS).unlink(missing_ok=True)

    run = Run.open(folder)
    save_scores(run)
    recipe = json.dumps(shipped.recipe(run.data.fingerprint), indent=1, ensure_ascii=False)
    (folder / RECIPE).write_text(recipe + "\n", encoding="utf-8")
    (folder / LICENCE).write_text(licence(shipped), encoding="utf-8")
    if not shipped.own:
        summaries.write(run, folder)
        (folder / DATA).unlink()
    (folder / CARD).write_text(card(run), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
