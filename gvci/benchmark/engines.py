"""Who runs the parts: processes of this machine, or Ray, with the same function."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Literal

from gvci.benchmark.parts import Part, Result
from gvci.benchmark.sources import ROOT
from gvci.benchmark.work import ONE_THREAD, log, work
from gvci.errors import SettingsError

EngineName = Literal["local", "ray"]
Done = tuple[Part, Result]
Engine = Callable[[Sequence[Part], Path, int], Iterator[Done]]
PASSED_ON = ("GVCI_DATA_DIR", "GVCI_CACHE_DIR")  # to other machines
DIED = (
    "The process that ran this part was ended from outside, most likely for lack of memory. Run "
    "fewer parts at a time (--jobs 1)."
)


def local(parts: Sequence[Part], folder: Path, jobs: int) -> Iterator[Done]:
    """Each part with its result as it ends; `jobs` at a time, a process and a thread each.

    A process that is killed takes the others with it: what is left then goes on one by one, so
    that only a part that is killed again is lost.
    """
    left = yield from _together(parts, folder, jobs)
    for part in left:
        for lost in (yield from _together([part], folder, 1)):
            yield lost, _lost(lost, folder, DIED)


def _together(parts: Sequence[Part], folder: Path, jobs: int) -> Generator[Done, None, list[Part]]:
    """Each part with its result; the parts without one, should a process be killed."""
    os.environ.update(ONE_THREAD)
    orphans: list[Part] = []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_end_with_parent) as pool:
        futures: dict[Future[Result], Part] = {}
        for part in parts:
            try:
                futures[pool.submit(work, part, folder)] = part
            except BrokenProcessPool:  # by a part that was submitted before
                orphans.append(part)
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                orphans.append(futures[future])
    return orphans


def _end_with_parent() -> None:
    """A benchmark that is killed leaves no process behind that would write into its folder."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def on_ray(parts: Sequence[Part], folder: Path, jobs: int) -> Iterator[Done]:
    """The same as Ray tasks of one CPU each, on RAY_ADDRESS, or here with `jobs` CPUs.

    Every machine must see the benchmark's folder and the data under the same paths.

    Raises:
        SettingsError: Ray is not installed, or cannot be reached.
    """
    try:
        import ray
    except ImportError:
        message = (
            "Ray is not installed. Install what a cluster needs (pip install -r "
            "requirements-cluster.txt), or run without --engine ray."
        )
        raise SettingsError(message) from None
    variables = {**ONE_THREAD, "PYTHONPATH": str(ROOT.parent)}
    variables |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    elsewhere = bool(os.environ.get("RAY_ADDRESS"))
    try:
        ray.init(
            num_cpus=None if elsewhere else jobs,
            include_dashboard=None if elsewhere else False,
            log_to_driver=False,
            logging_level=logging.WARNING,
            runtime_env={"env_vars": variables},
        )
    except (ConnectionError, RuntimeError, OSError) as error:
        message = f"Ray cannot be reached ({error}). Check RAY_ADDRESS, or run --engine local."
        raise SettingsError(message) from None
    try:
        task = ray.remote(num_cpus=1, max_retries=1)(work)
        running = {task.remote(part, folder): part for part in parts}
        while running:
            (ended,), _ = ray.wait(list(running), num_returns=1)
            part = running.pop(ended)
            try:
                result = ray.get(ended)
            except ray.exceptions.RayError as error:
                result = _lost(part, folder, f"{type(error).__name__}: {DIED}")
            yield part, result
    finally:
        ray.shutdown()


def _lost(part: Part, folder: Path, reason: str) -> Result:
    """A part whose process could not say itself what went wrong."""
    result = part.result(failure=reason, seconds=0.0, work_s=0.0)
    part.finish(folder, result)
    log(folder, part, "failed")
    return result


ENGINES: Mapping[EngineName, Engine] = {"local": local, "ray": on_ray}
