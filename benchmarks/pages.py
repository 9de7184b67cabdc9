"""How fast the dashboard is for one person, and what a further one costs.

    python -m benchmarks.pages [--json]

First page and page switches in a real Chromium (of the machine: GVCI_CHROMIUM, or by its usual
names); networks and predictions by a viewer without a browser, to the end of the script. Random
cells of 5,000 × 2,000 are refined and trained quickly in a temporary folder first, which takes
longer than all the rest. Writes results/pages.md; with --json the last line is one object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.dashboard import ROOT, Dashboard, serving
from benchmarks.paper_size import Size, cells
from benchmarks.parts import write
from benchmarks.streamlit_client import Loaded, Viewer
from gvci.benchmark.words import made_by

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
SIZE = Size(genes=2_000, edges=40_000, perturbations=20, treated=15, controls=325)  # 5,000 cells
REGULATORS = 150
EDGES = {50: (2, 25), 300: (6, 50), 2_000: (20, 100)}  # regulators × edges of each
STARTS, ROUNDS, TIMES, FURTHER = 3, 5, 5, 9
IDLE = """() => document.querySelector('[data-testid=stApp]')
    ?.getAttribute('data-test-script-state') === 'notRunning'"""
SLOW = ("torch_geometric", "scanpy", "matplotlib", "pyvis", "lightning")
IMPORTS = """
import sys, json
from streamlit.testing.v1 import AppTest
found = {}
for page in ("home", "network", "counterfactual"):
    script = f"from gvci.app import session\\nsession.navigate(first={page!r})\\n"
    assert not AppTest.from_string(script, default_timeout=120).run().exception
    found[page] = [name for name in %r if name in sys.modules]
print(json.dumps(found))
"""


Taken = tuple[float, float]  # seconds, and processor seconds of the server


# --- in a browser ----------------------------------------------------------------------


def opened(page: Page, server: Dashboard) -> Taken:
    """From the request of Home until its button is there and its script has ended."""
    start, used = time.perf_counter(), server.processor()
    page.goto(server.address)
    expect(page.get_by_role("button", name="Start the 3-minute demo")).to_be_enabled(timeout=90_000)
    page.wait_for_function(IDLE, timeout=90_000)
    return time.perf_counter() - start, server.processor() - used


def switched(page: Page, title: str, server: Dashboard) -> Taken:
    """From the click in the navigation until the page's own content stands."""
    link = page.get_by_test_id("stTopNavLink").filter(has_text=title)
    sign = {
        "Home": page.get_by_role("button", name="Start the 3-minute demo"),
        "Network": page.locator("[data-testid=stEChartsChart] svg, canvas").first,
        "Counterfactual": page.locator(".js-plotly-plot").first,
    }[title]
    start, used = time.perf_counter(), server.processor()
    link.click()
    expect(sign).to_be_visible(timeout=90_000)
    page.wait_for_function(IDLE, timeout=90_000)
    return time.perf_counter() - start, server.processor() - used


def in_browser(port: int) -> dict[str, Any]:
    """Cold starts on fresh servers, then switches on the last of them."""
    chromium = os.environ.get("GVCI_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)))
    started: list[Taken] = []
    first: list[Taken] = []
    again: list[Taken] = []
    switches: dict[str, list[Taken]] = {"Network": [], "Counterfactual": [], "Home": []}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for start in range(STARTS):
            with serving(port + start) as server:
                started.append((server.started, server.processor()))
                context = browser.new_context(viewport={"width": 1280, "height": 800})
                page = context.new_page()
                first.append(opened(page, server))
                again.append(opened(page, server))
                for _ in range(ROUNDS):
                    for title, taken in switches.items():
                        taken.append(switched(page, title, server))
                context.close()
        browser.close()
    return {"started": started, "first": first, "again": again, "switches": switches}


# --- without a browser -----------------------------------------------------------------


def make(folder: Path) -> str:
    """5,000 × 2,000 random cells, refined and trained by the command line; the run's id."""
    data, grn = cells(SIZE)
    data.write(folder / "data.h5ad")
    few = set(sorted(set(grn.edges["source"]))[:REGULATORS])
    grn.edges[grn.edges["source"].isin(few)].to_csv(folder / "prior.csv", index=False)
    environment = {**os.environ, "GVCI_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    for words in (
        "refine data.h5ad --prior prior.csv --preset quick --out grn",
        "train data.h5ad --grn grn --preset quick --out large",
    ):
        command = [sys.executable, "-m", "gvci", *words.split()]
        subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True)
    return next((folder / "home" / "runs").glob("large-*.json")).stem


def sound(loaded: Loaded) -> float:
    """Its seconds.

    Raises:
        SystemExit: the page showed an error.
    """
    if loaded.faults:
        raise SystemExit("; ".join(loaded.faults))
    return loaded.seconds


async def timed(taken: list[Taken], server: Dashboard, step: Awaitable[Loaded]) -> None:
    """Note a step; the server goes on for a moment after the end of a script."""
    used = server.processor()
    seconds = sound(await step)
    await asyncio.sleep(0.2)
    taken.append((seconds, server.processor() - used))


async def of_the_large_run(server: Dashboard, run: str) -> dict[str, Any]:
    """Networks, predictions and further sessions on 5,000 × 2,000 cells."""
    viewer = await Viewer.connected(server.address)
    sound(await viewer.open("network", f"run={run}"))
    names = list(viewer.widget("tfs").options)
    networks: dict[int, list[Taken]] = {edges: [] for edges in EDGES}
    for _ in range(TIMES):
        for edges, (regulators, k) in EDGES.items():
            chosen = ",".join(names[:regulators])
            query = f"run={run}&tfs={chosen}&k={k}&above=0.5"
            await timed(networks[edges], server, viewer.open("network", query))
    at = f"run={run}&cells=all cells".replace(" ", "+")
    sound(await viewer.open("counterfactual", at))
    first, *labels = list(viewer.widget("perturbation").options)[1 : TIMES + 2]
    cold: list[Taken] = []
    cached: list[Taken] = []
    for label in labels:
        await timed(cold, server, viewer.choose("perturbation", string_array_value=[label]))
        sound(await viewer.choose("perturbation", string_array_value=[first]))
        await timed(cached, server, viewer.choose("perturbation", string_array_value=[label]))
    for page in ("", "network", "counterfactual"):
        sound(await viewer.open(page, f"run={run}"))
    one, others = server.memory(), []
    for _ in range(FURTHER):
        others.append(await Viewer.connected(server.address))
        for page in ("", "network", "counterfactual"):
            sound(await others[-1].open(page, f"run={run}"))
    per_session = (server.memory() - one) / FURTHER
    for each in (viewer, *others):
        await each.close()
    return {"networks": networks, "cold": cold, "cached": cached, "per_session": per_session}


def imported() -> dict[str, list[str]]:
    """Which slow libraries a fresh process has after Home, Network and Counterfactual."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS % (SLOW,)],
        check=True, cwd=ROOT, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- report ----------------------------------------------------------------------------


def rows(found: dict[str, Any]) -> list[tuple[str, list[Taken], float | None]]:
    """What was measured, what it took, and the aim in seconds."""
    switches, networks = found["switches"], found["networks"]
    return [
        ("start of the server until it is up", found["started"], None),
        ("first page on a fresh server", found["first"], 3.0),
        ("the same page once more", found["again"], None),
        *((f"switch to {page}", taken, 1.0) for page, taken in switches.items()),
        *((f"Network, {edges:,} edges asked for", networks[edges], 1.0) for edges in EDGES),
        ("Counterfactual, a prediction, cold", found["cold"], 3.0),
        ("Counterfactual, the same, cached", found["cached"], 0.5),
    ]


def report(found: dict[str, Any], command: str) -> str:
    """The page."""
    lines = [
        "# How fast the pages are",
        "",
        made_by(command),
        f"Load average of the machine: {found['load'][0]:.1f} at the start, "
        f"{found['load'][1]:.1f} at the end, on {os.cpu_count()} cores. The first rows: the "
        "shipped demo in Chromium at 1280×800, until the content stands and the script has ended. "
        "Network and Counterfactual below them: 5,000 cells × 2,000 genes, a quickly trained run, "
        "all cells of a group, to the end of the script.",
        "",
        "| what | n | median, s | least | most | server's processor, s | aim |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for what, taken, aim in rows(found):
        seconds, processor = zip(*taken, strict=True)
        median = statistics.median(seconds)
        met = "" if aim is None else f"≤ {aim:g}: {'met' if median <= aim else 'missed'}"
        lines.append(
            f"| {what} | {len(seconds)} | {median:.2f} | {min(seconds):.2f} "
            f"| {max(seconds):.2f} | {statistics.median(processor):.2f} | {met} |"
        )
    per_session = found["per_session"]
    met = "met" if per_session <= 30 else "missed"
    slow = {page: names for page, names in found["imports"].items() if names}
    lines += [
        "",
        f"A further session on the large run takes **{per_session:.1f} MB** (aim ≤ 30: {met}; on "
        "the demo: load.md). The page draws the 400 strongest of the edges that are asked for.",
        "",
        f"Of {', '.join(SLOW)} the path to Home, Network and Counterfactual imports "
        + (f"{slow}." if slow else "none."),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--port", type=int, default=8741)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/pages.md")
    parser.add_argument("--large", type=Path, help="where the large run is, or shall be kept")
    given = parser.parse_args(arguments)
    before = os.getloadavg()[1]
    with tempfile.TemporaryDirectory(prefix="gvci-bench-") as scratch:
        folder = given.large or Path(scratch)
        kept = sorted((folder / "home" / "runs").glob("large-*.json"))
        run = kept[0].stem if kept else make(folder)
        found = in_browser(given.port)
        with serving(given.port + STARTS, {"GVCI_HOME": str(folder / "home")}) as server:
            found |= asyncio.run(of_the_large_run(server, run))
    found |= {"imports": imported(), "load": (before, os.getloadavg()[1])}
    words = sys.argv[1:] if arguments is None else arguments
    text = report(found, " ".join(["python -m benchmarks.pages", *words]))
    print(text)
    write(given.out, text)
    if given.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
