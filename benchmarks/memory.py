"""Peak memory and disk of refine and train beside what gvci/jobs/estimate.py says beforehand.

    python -m benchmarks.memory [--json] [--small]

Each case is the command line in a process of its own on one thread, on random cells of 8 groups and
21 labels; a peak is the largest resident memory of that process, libraries included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.paper_size import Size, cells
from gvci.jobs.estimate import Estimate, estimate
from gvci.jobs.request import Request

SIZES = {  # genes × cells
    "300 × 2,720": Size(300, 6_000, 20, 12, 100),
    "2,000 × 2,720": Size(2_000, 40_000, 20, 12, 100),
    "2,000 × 13,600": Size(2_000, 40_000, 20, 60, 500),
    "2,000 × 40,800": Size(2_000, 40_000, 20, 180, 1_500),
    "5,000 × 13,600": Size(5_000, 40_000, 20, 60, 500),
}
REGULATORS = 150
SHORT = {"max_steps": 20, "evaluate_every": 10, "members": 1, "inner_folds": 1}
CASES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("train", "standard", SHORT),
    ("train", "standard", {**SHORT, "batch_size": 512}),
    ("train", "paper", {"max_steps": 10, "evaluate_every": 10}),
    ("refine", "quick", {}),
    ("refine", "standard", {"halves": 1}),
    ("refine", "paper", {"max_steps": 4, "evaluate_every": 2}),
)


def make(size: Size, folder: Path) -> None:
    """Write data.h5ad and prior.csv."""
    data, grn = cells(size)
    data.write(folder / "data.h5ad")
    few = set(sorted(set(grn.edges["source"]))[:REGULATORS])
    grn.edges[grn.edges["source"].isin(few)].to_csv(folder / "prior.csv", index=False)


def measure(request: Request, folder: Path) -> dict[str, float]:
    """Run it; peak and written bytes."""
    words = request.words("", folder / "out")
    at = words.index("--job")
    command = [sys.executable, "-m", "gvci", *words[:at], *words[at + 2 :]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GVCI_HOME": str(folder / "home")}
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"{' '.join(command)} ended with exit code {process.returncode}"
        raise SystemExit(message)
    written = sum(f.stat().st_size for f in (folder / "out").rglob("*") if f.is_file())
    return {"peak": used.ru_maxrss * 1024, "disk": written}


def main() -> int:
    """One line a case."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--small", action="store_true", help="the two smallest sizes only")
    given = asked.parse_args()
    found = []
    for name in list(SIZES)[: 2 if given.small else None]:
        for verb, preset, settings in CASES:
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made)
                # In a process of its own, so that this one stays small.
                code = "import sys, pathlib as p, benchmarks.memory as m\n"
                code += "m.make(m.SIZES[sys.argv[1]], p.Path(sys.argv[2]))"
                subprocess.run([sys.executable, "-c", code, name, made], check=True)
                files = {"data": made + "/data.h5ad", "network": made + "/prior.csv"}
                request = Request(verb=verb, preset=preset, settings=settings, **files)
                needs = estimate(request)
                assert isinstance(needs, Estimate)
                row = measure(request, folder)
            ratio = needs.memory / row["peak"]
            found.append({"case": f"{verb} {preset} {settings} {name}", **row, **vars(needs)})
            told = f"{name:>15} {verb:>7} {preset:<9} peak {row['peak'] / 1e6:6.0f} MB"
            print(f"{told}, estimated {needs.memory / 1e6:6.0f}, ratio {ratio:.2f}", flush=True)
    if given.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
