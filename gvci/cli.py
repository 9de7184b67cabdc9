"""python -m gvci VERB …: the same verbs as the pages.

Bad input ends with one sentence on standard error and exit code 2. With `--json` the last
line of standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gvci import __version__, commands
from gvci.config import RefineSettings, TrainSettings
from gvci.errors import GvciError
from gvci.jobs.work import work

EPILOG = """the main job, end to end:
  python -m gvci prepare  demo --out demo.h5ad
  python -m gvci refine   demo.h5ad --prior demo --out demo-grn
  python -m gvci train    demo.h5ad --grn demo-grn --out demo-run
  python -m gvci evaluate demo-run --json"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code: 0, 2 for bad input, 130 when interrupted."""
    given = parser().parse_args(arguments)
    try:
        if getattr(given, "job", None):
            return work(given.job, lambda: given.run(given))
        answer = given.run(given)
    except GvciError as error:
        print(f"gvci: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"gvci: {error.filename or 'a file'}: {error.strerror or error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gvci: stopped.", file=sys.stderr)
        return 130
    if getattr(given, "json", False):
        print(json.dumps(answer, allow_nan=False))
    return 0


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    top = argparse.ArgumentParser(
        prog="gvci", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="version", version=f"gvci {__version__}")
    verbs = top.add_subparsers(title="verbs", required=True, metavar="VERB")

    def verb(name: str, summary: str, settings: bool = False) -> argparse.ArgumentParser:
        one = verbs.add_parser(name, help=summary, description=summary)
        one.set_defaults(run=getattr(commands, name))
        if settings:
            one.add_argument("--config", type=Path, metavar="FILE.json", help="settings as JSON")
            one.add_argument(
                "--set", nargs="+", action="extend", default=[], metavar="key=value", dest="words"
            )
            one.add_argument("--seed", type=_count)
            one.add_argument("--job", help=argparse.SUPPRESS)  # this process is that job's
        return one

    one = verb("datasets", "List the datasets, priors, target sets and gene sets known by name.")
    one.add_argument("--json", action="store_true")

    one = verb("fetch", "Download a dataset, prior, target set or gene set known by name.")
    one.add_argument("name", metavar="NAME")
    one.add_argument(
        "--accept-licence", action="store_true", help="where the licence must be accepted first"
    )
    one.add_argument("--json", action="store_true")

    one = verb("prepare", "QC, normalise, choose genes, split.", settings=True)
    one.add_argument("data", metavar="NAME|FILE")
    one.add_argument("--out", type=Path, required=True, metavar="DATA")
    one.add_argument("--labels", type=Path, metavar="FILE.csv", help="cell names, then labels")
    one.add_argument("--name", metavar="TEXT", help="what pages call these cells")
    one.add_argument("--perturbation", metavar="COL")
    one.add_argument("--control", metavar="LABEL")
    one.add_argument("--covariates", nargs="*", metavar="COL")
    one.add_argument("--real-covariates", nargs="*", metavar="COL", help="columns of numbers")
    one.add_argument("--dose", metavar="COL")
    one.add_argument("--genes", type=int, metavar="N", help="highly variable genes to keep")
    one.add_argument(
        "--keep-genes",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE|GENE",
        help="genes, text or gmt files (FILE.gmt:WORD takes the sets named so), or gene-set names",
    )
    one.add_argument(
        "--gene-names",
        metavar="keep|symbols|COLUMN|FILE",
        help="symbols for Ensembl ids, a column of var, or a csv of id and symbol",
    )
    one.add_argument("--holdout", nargs="+", action="extend", metavar="'cell_type=B cells'")
    one.add_argument("--ood", choices=("auto", "none"))

    one = verb("refine", "Learn the GRN from the data, starting at a prior.", settings=True)
    one.add_argument("data", type=Path, metavar="DATA")
    one.add_argument(
        "--prior",
        required=True,
        metavar="NAME|FILE|coexpression",
        help="'coexpression' takes the cells' own, where there is no prior",
    )
    one.add_argument(
        "--orientation",
        choices=("targets-in-rows", "sources-in-rows"),
        help="of a prior that is a matrix",
    )
    one.add_argument("--name", metavar="TEXT", help="what pages call the prior")
    one.add_argument("--out", type=Path, required=True, metavar="GRN")
    one.add_argument("--alpha", type=float, metavar="A")
    one.add_argument("--preset", default="standard", choices=tuple(RefineSettings.presets))

    one = verb("train", "Train a model and score it.", settings=True)
    one.add_argument("data", type=Path, metavar="DATA")
    one.add_argument("--grn", default="none", metavar="GRN|none")
    one.add_argument(
        "--model",
        choices=("graphvci", "vci", "ae", "cevae", "ganite", "cpa"),
        help="graphVCI, VCI without the graph, or a published network",
    )
    one.add_argument("--out", type=Path, required=True, metavar="RUN")
    one.add_argument(
        "--preset",
        choices=tuple(TrainSettings.presets),
        help="usually standard; paper for a published network, which has no other",
    )
    one.add_argument(
        "--devices", type=_count, default=1, metavar="N", help="processes, or GPUs, of each node"
    )
    one.add_argument(
        "--num-nodes", type=_count, default=1, metavar="M", help="machines; see docs/devices.md"
    )

    one = verb("predict", "Counterfactual cells under a perturbation, as an h5ad.")
    one.add_argument("path", type=Path, metavar="RUN")
    one.add_argument("--perturbation", required=True, help="a label, or 'A+B'")
    one.add_argument("--dose", type=float, default=1.0)
    one.add_argument("--cells", nargs="+", action="extend", default=[], metavar="'column=value'")
    one.add_argument("--mode", default="residual", choices=("residual", "mean", "sample"))
    one.add_argument("--seed", type=_count, default=0)
    one.add_argument("--out", type=Path, required=True, metavar="pred.h5ad")
    one.add_argument("--job", help=argparse.SUPPRESS)  # this process is that job's

    one = verb("effects", "Marginal effects with intervals, as a csv.")
    one.add_argument("path", type=Path, metavar="RUN")
    one.add_argument("--perturbation", nargs="+", metavar="LABEL")
    one.add_argument("--where", nargs="+", default=[], metavar="'column=value'")
    one.add_argument(
        "--latent",
        default="pretreatment",
        choices=("pretreatment", "cell"),
        help="what the model may see of a cell: real-valued covariates of before the treatment, "
        "whose intervals hold (default), or its latent state, whose intervals are too narrow",
    )
    one.add_argument(
        "--folds",
        type=_count,
        default=0,
        metavar="K",
        help="train K models and ask about each cell one that did not see it; 0 (default) for "
        "the run's own, since it does not change whether intervals hold",
    )
    one.add_argument("--bands", action="store_true", help="simultaneous over genes as well")
    one.add_argument("--out", type=Path, required=True, metavar="effects.csv")

    one = verb("evaluate", "Scores of a run or of any program beside baselines and noise ceiling.")
    one.add_argument("path", type=Path, metavar="RUN|DATA")
    one.add_argument(
        "--predictions", type=Path, metavar="FILE.h5ad", help="predicted cells of another program"
    )
    one.add_argument("--name", help="what that program is called")
    one.add_argument("--split", default="ood", choices=("ood", "test"))
    one.add_argument("--mode", default="residual", choices=("residual", "mean", "sample"))
    one.add_argument("--json", action="store_true")

    one = verb("benchmark", "Models × datasets × holdouts × seeds: one table; resumes.")
    one.add_argument("spec", type=Path, metavar="SPEC.toml")
    one.add_argument("--out", type=Path, required=True, metavar="DIR")
    one.add_argument("--engine", default="local", choices=("local", "ray"))
    one.add_argument("--jobs", type=_count, default=2, metavar="N", help="parts at a time")
    one.add_argument("--json", action="store_true")

    one = verb("edges", "How well a network recovers known edges, beside its rivals.")
    one.add_argument("network", metavar="GRN")
    one.add_argument("--truth", required=True, metavar="NAME|FILE")
    one.add_argument("--data", type=Path, metavar="DATA")
    one.add_argument("--sources", nargs="+", metavar="GENE")
    one.add_argument("--genie3", action="store_true", help="the rival GENIE3 too; takes minutes")
    one.add_argument(
        "--resamples", type=_count, default=400, metavar="N", help="of the target genes; 0 for none"
    )
    one.add_argument("--seed", type=_count, default=0)
    one.add_argument("--json", action="store_true")

    one = verb("jobs", "List, show, stop, resume or delete jobs, or clean up old ones.")
    what = ("list", "show", "stop", "resume", "delete", "clean")
    one.add_argument("what", choices=what, nargs="?", default="list")
    one.add_argument("id", nargs="?", metavar="JOB")
    one.add_argument("--days", type=float, default=30.0, help="clean: left alone for so long")
    one.add_argument("--results", action="store_true", help="clean: finished jobs too")
    one.add_argument("--json", action="store_true")
    return top


def _count(word: str) -> int:
    if not (word.isdecimal() and int(word) < 2**63):
        message = f"'{word}' is not a whole number, 0 or more"
        raise argparse.ArgumentTypeError(message)
    return int(word)
