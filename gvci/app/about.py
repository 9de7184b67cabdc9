"""What the About page says: the method in plain words, terms, limits, licences, versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from gvci import __version__
from gvci.checkpoint import FORMAT
from gvci.data.entries import ENTRIES
from gvci.run import DATA, MODEL, Run

CITATION = (
    "Wu Y, Barton RA, Wang Z, Ioannidis VN, De Donno C, Price LC, Voloch LF, Karypis G. Predicting "
    "cellular responses with variational causal inference and refined relational information "
    "(graphVCI). ICLR 2023, arXiv:2210.00116."
)
CITE_TOO = f"Cite gvci {__version__} as well, and the dataset and network that you used."
STEPS = (
    (
        "Refine the network",
        "A prior network, such as motif hits in promoters, says which regulator may act on which "
        "gene. The refiner asks the cells of this very dataset how likely each edge is, hides some "
        "edges to see whether it would find them again, and gives every edge a weight with its "
        "height over the background and its stability over halves of the cells.",
    ),
    (
        "Learn what a cell is",
        "An encoder turns a cell's expression, its type and donor, and what was done to it into a "
        "latent state Z: what stays with the cell whatever is done to it next.",
    ),
    (
        "Ask what if",
        "A decoder reads Z, the network and another perturbation T′, and says what this cell would "
        "have expressed. Training matches such answers with the cells that did receive T′. The "
        "mean of unmeasured pairs starts at a simple baseline and moves away from it only as far "
        "as held-out pairs allow: the share λ is shown beside every prediction.",
    ),
    (
        "Estimate effects",
        "For a whole group of cells the robust estimator joins the model's answers with the "
        "measured cells, so that a wrong model costs precision and not truth, and gives every gene "
        "an interval. Where nobody was treated it says so.",
    ),
)
GLOSSARY = (
    ("counterfactual", "what a cell would have expressed under a perturbation it did not receive"),
    ("control", "cells without a perturbation"),
    ("perturbation", "a knock-out, an activation, a compound: one label of the treatment column"),
    ("covariate group", "cells alike in type, donor and other known labels"),
    ("GRN", "gene regulatory network: arrows from regulators to their targets"),
    ("prior", "the network before it has met the data"),
    ("held-out pair", "a group under a perturbation of which training saw no cell"),
    ("DE genes", "the genes that differ most between treated and control cells of a group"),
    ("R²", "share of the variance of mean expression over genes that a prediction explains; 1 is "
     "perfect, below 0 is worse than one number for all genes"),
    ("simple baseline", "a rival that knows the mean of each group of cells, never a single cell"),
    ("additive baseline", "control cells plus the mean change seen in other groups"),
    ("stacking network", "the simple baselines' means, corrected by a small neural network; it "
     "has no gene network"),
    ("noise ceiling", "how well one half of the measured cells predicts the other half"),
    ("λ", "share of the model's own (neural) network in the predicted mean; the rest is the "
     "baseline's"),
    ("interval", "where the truth lies in 95 of 100 repetitions, if the page does not say "
     "otherwise"),
    ("log1p CP10k", "logarithm of 1 + counts per 10,000 counts of the cell"),
)  # fmt: skip
LIMITS = (
    "A simple baseline is as good as the model for many pairs: every page shows it, and says so.",
    "How cells of one group differ in their response is hardly predicted; means are.",
    "Predicted cells are moved control cells: a gene that falls silent does not become exactly 0, "
    "and one that wakes up, off in the controls, gets nearly one value in all of them.",
    "A perturbation that no training cell received is refused, not guessed.",
    "An edge means that the data are as if one regulated the other. It is not proof of binding, "
    "and its weight has no unit.",
    "Intervals of effects are of the estimate; with fewer than about twenty treated cells they are "
    "too short.",
    "The demo's cells are simulated. What it shows of STAT1 is what was written into it.",
)  # fmt: skip
LIBRARIES = (
    "torch", "torch-geometric", "streamlit", "plotly", "scanpy", "anndata", "networkx", "pyvis",
    "numpy", "scipy", "pandas", "scikit-learn", "safetensors", "pydantic",
)  # fmt: skip


def licences() -> pd.DataFrame:
    """Every dataset, network and gene set that is known by name: licence and citation."""
    rows = [
        {"What": e.title, "Licence": e.licence, "Cite": e.citation, "May be passed on": e.may_ship}
        for e in ENTRIES
    ]
    table = pd.DataFrame(rows)
    return table.replace({"May be passed on": {True: "yes", False: "no"}})


def versions() -> pd.DataFrame:
    """gvci, Python and the libraries that numbers depend on."""
    found = {"gvci": __version__, "Python": platform.python_version()}
    found |= {name: _version(name) for name in LIBRARIES}
    return pd.DataFrame({"Library": list(found), "Version": list(found.values())})


def checksums(run: Run) -> pd.DataFrame:
    """What the open run is made of, by content."""
    rows = [
        ("Run", run.fingerprint),
        ("Cells and split", run.data.fingerprint),
        ("Network", run.grn.adopted_hash() if run.grn is not None else "none"),
        ("Format of models", str(FORMAT)),
    ]
    sizes = [
        (f"Size of {name}", f"{path.stat().st_size / 1e6:.1f} MB")
        for name in (MODEL, DATA)
        if (path := Path(run.path) / name).is_file()
    ]
    return pd.DataFrame([*rows, *sizes], columns=["What", "Value"])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
