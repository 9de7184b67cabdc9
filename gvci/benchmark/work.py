"""One part, from its cells to its file: the function that every engine runs."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from gvci.benchmark.parts import CELLS, LOG, MODULES, UNFINISHED, Part, Result
from gvci.errors import GvciError

# One thread a part, whatever library: parts are run side by side, and sums keep their order.
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
Measure = Callable[[Part, Path, Path], dict[str, Any]]


def work(part: Part, folder: Path) -> Result:
    """Run a part and keep its result; what goes wrong becomes its `failure`, in words.

    Args:
        folder: the benchmark's, seen by every process and machine that runs parts.
    """
    import torch

    log(folder, part, "started")
    started, worked = time.perf_counter(), time.process_time()
    unfinished = folder / UNFINISHED / part.stem
    try:
        cells = part.problem.cells(folder / CELLS)
        measure: Measure = import_module(MODULES[part.kind]).measure
        torch.set_num_threads(1)  # numba, which helps to choose genes, has set it for torch as well
        found = measure(part, cells, unfinished)
    except GvciError as error:
        found = {"failure": str(error)}
    except MemoryError:
        found = {"failure": "There is not enough memory for this part: run fewer at a time."}
    except Exception as error:  # noqa: BLE001  one part must not end the others
        found = {"failure": f"{type(error).__name__}: {error}"}
    seconds = {
        "seconds": round(time.perf_counter() - started, 1),
        "work_s": round(time.process_time() - worked, 1),
    }
    result = part.result(**found, **seconds)
    part.finish(folder, result)
    shutil.rmtree(unfinished, ignore_errors=True)
    log(folder, part, "failed" if result["failure"] else "done")
    return result


def log(folder: Path, part: Part, event: str) -> None:
    """One line of what happened when; lines of several processes do not mix."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event,
        "part": part.name, "process": os.getpid(),
    }  # fmt: skip
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
