"""Starts and connects the processes of `train --devices N --num-nodes M`, by Lightning Fabric.

Fabric finds torchrun's and SLURM's processes; where there are none it runs this very command
N − 1 more times. With CUDA each process has a GPU of its own (NCCL), else the CPU (gloo).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from subprocess import Popen
from typing import Any

import torch
import torch.distributed as dist

from gvci.devices import ALONE, Devices, Several
from gvci.errors import GvciError, SettingsError, TrainingError

PATIENCE = timedelta(minutes=10)  # how long a process waits for another one


@contextmanager
def launched(devices: int, nodes: int) -> Iterator[Devices]:
    """The processes, connected; whatever ends one of them in the block ends all.

    Args:
        devices: processes per node.
        nodes: machines; on each the same command is started.

    Raises:
        SettingsError: numbers that make no sense here, or Fabric is not installed.
        TrainingError: the processes do not find each other.
    """
    _require_sense(devices, nodes)
    if devices * nodes == 1:
        yield ALONE
        return
    connected, started = _connect(devices, nodes)
    try:
        yield connected
    except (GvciError, OSError, KeyboardInterrupt) as error:
        if connected.rank == 0:
            raise
        # The first process has the same error, or hears that this one is gone, and tells it.
        raise SystemExit(130 if isinstance(error, KeyboardInterrupt) else 2) from None
    finally:
        if sys.exc_info()[0] is not None:
            _end(started)
        _leave()


def _require_sense(devices: int, nodes: int) -> None:
    if min(devices, nodes) < 1:
        message = (
            f"{devices} processes on {nodes} nodes cannot train. "
            "Give --devices and --num-nodes 1 or more."
        )
        raise SettingsError(message)
    started = os.environ.get("WORLD_SIZE", "1")
    if devices * nodes == 1 and started != "1":
        message = (
            f"{started} processes were started (WORLD_SIZE), each of which would train alone. "
            "Say --devices (processes per node) and --num-nodes."
        )
        raise SettingsError(message)


def _connect(devices: int, nodes: int) -> tuple[Several, list[Popen[bytes]]]:
    """This process among all, after they have met, and the processes that it started."""
    try:  # takes seconds, and few need it
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy
        from lightning_fabric.utilities.exceptions import MisconfigurationException
    except ImportError:
        message = (
            "Training in several processes needs lightning-fabric. "
            "Run pip install -r requirements-cluster.txt."
        )
        raise SettingsError(message) from None
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    cores = os.cpu_count() or 1
    if kind == "cpu" and devices > cores and os.environ.get("LOCAL_RANK", "0") == "0":
        print(f"{devices} processes share {cores} cores and wait for each other.", file=sys.stderr)
    strategy = DDPStrategy(timeout=PATIENCE)
    try:
        fabric = Fabric(accelerator=kind, devices=devices, num_nodes=nodes, strategy=strategy)
        fabric.launch()
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        _end(_started(strategy))
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        message = f"{devices} processes on {nodes} nodes could not be connected: {reason}"
        raise TrainingError(message) from error
    started = watched = _started(strategy)
    if kind == "cpu":
        # Fabric's watch kills this process when another one is gone, which may be before it could
        # say so. gloo hears of it at once; NCCL waits, so there the watch stays.
        started = list(watched)
        watched.clear()
    return Several(fabric.global_rank, devices * nodes, strategy.root_device), started


def _started(strategy: Any) -> list[Popen[bytes]]:
    """Fabric's list, which its watch reads too."""
    return [] if strategy.launcher is None else strategy.launcher.procs


def _end(started: list[Popen[bytes]]) -> None:
    """Kill what this process started; with an empty list Fabric's watch over it ends as well."""
    for process in started:
        process.kill()
    for process in started:
        process.wait()
    started.clear()


def _leave() -> None:
    """End gloo's threads: one that outlives the interpreter aborts the process.

    NCCL's are ended by Fabric.
    """
    if dist.is_initialized() and dist.get_backend() == "gloo":
        with suppress(RuntimeError):  # the others are gone already
            dist.destroy_process_group()
