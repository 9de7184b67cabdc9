"""The dashboard as a child process on loopback: its address, its memory, its end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0


@dataclass(frozen=True)
class Dashboard:
    """A running server.

    Attributes:
        address: http://127.0.0.1:port.
        process: the server.
        log: what it printed.
        started: seconds from the start of the process until it answered.
    """

    address: str
    process: psutil.Process
    log: Path
    started: float

    def memory(self) -> float:
        """Resident memory, MB (10⁶ bytes)."""
        return float(self.process.memory_info().rss) / 1e6

    def threads(self) -> int:
        """Threads of the process."""
        return int(self.process.num_threads())

    def processor(self) -> float:
        """Processor seconds since its start."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def faults(self) -> list[str]:
        """Lines of its log that tell of an error."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if "Error" in line or "unexpected fault" in line]


@contextmanager
def serving(port: int, more: Mapping[str, str] | None = None) -> Iterator[Dashboard]:
    """The dashboard of this checkout, as `make run` starts it, with an empty list of own runs.

    Args:
        port: on 127.0.0.1.
        more: environment variables beside the own ones.
    """
    with tempfile.TemporaryDirectory(prefix="gvci-bench-") as home:
        environment = {**os.environ, "GVCI_HOME": home, "PYTHONPATH": str(ROOT), **(more or {})}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        log = Path(home) / "server.log"
        with log.open("w") as written:
            start = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=written, stderr=subprocess.STDOUT
            )
            try:
                address = f"http://127.0.0.1:{port}"
                _wait_for(address, process, log)
                started = time.perf_counter() - start
                yield Dashboard(address, psutil.Process(process.pid), log, started)
            finally:
                process.terminate()
                process.wait(timeout=30)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers.

    Raises:
        SystemExit: it ended, or did not answer within a minute.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.05)
    message = f"The dashboard did not start at {address}: {log.read_text(encoding='utf-8')[-2000:]}"
    raise SystemExit(message)
