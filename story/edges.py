"""Refined edges of STAT1 and IRF1 on Kang 2018 against ChEA, CollecTRI and TRRUST."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gvci.app import vector
from gvci.app.evidence import records
from gvci.app.provenance import facts
from gvci.app.recovered import NAMES, load
from gvci.edges import rivals
from gvci.edges.recovery import curve, evaluate_edges
from gvci.refiner.result import RefinedGRN
from gvci.run import Run
from story.part import Part, about, figure, sentence, span, table

SOURCES = ["STAT1", "IRF1"]
JOINED = "stat1-irf1-curated"
TRUTHS = {
    "collectri": "CollecTRI",
    "trrust": "TRRUST",
    "chea2016": "ChEA 2016",
    JOINED: "all three",
}
DRAWN = ("prior", "prior_correlation_within", "genie3")
NOVEL = 20


def part(run: Run, network: RefinedGRN) -> Part:
    """Scores against each database, curves against all three, and the strongest novel edges.

    Args:
        run: of Kang's cells.
        network: refined on them, with every pair of its regulators.
    """
    genes = [str(gene) for gene in network.genes]
    further = {"genie3": rivals.genie3(run.data, SOURCES, genes)}
    scored = {
        title: evaluate_edges(network, truth, run.data, SOURCES, further=further)
        for name, title in TRUTHS.items()
        if (truth := load(name, genes)) is not None
    }
    joined = load(JOINED, genes)
    assert joined is not None
    drawn = curve(network, joined, run.data, SOURCES, further=further)
    provenance = about(facts(run), figure="python -m story edges")
    picture = figure(
        "edges",
        vector.curves(drawn, DRAWN, NAMES, "STAT1 and IRF1 on Kang 2018", provenance, "svg"),
        "Precision over recall: refined edges, the prior, its tie-break by correlation, GENIE3",
    )
    novel, known = _novel(network, joined)
    claim = _claim(scored["all three"], known)
    body = "\n\n".join(
        [
            "Every pair of STAT1 or IRF1 with another of "
            f"{len(genes):,} genes is a candidate; positives are the pairs that a database of "
            "known targets lists. Area under the precision–recall curve (chance is the share of "
            "positives); the interval is of the difference to the best rival, by bootstrap over "
            "target genes.",
            table(_scores(scored)),
            picture,
            str(network.meta.get("support", "")),
            f"**Novel edges.** The {NOVEL} pairs outside the prior with the strongest evidence in "
            f"the data. {known} of {NOVEL} are recorded in ChEA, CollecTRI or TRRUST; by chance it "
            f"would be {_expected(network, joined):.1f}. What no database records is not wrong for "
            "that: it is where an experiment would tell something new.",
            table(novel, 2),
        ]
    )
    return Part(
        "Which edges of STAT1 and IRF1 do the cells support?", claim, body,
        "network", "run=kang2018-ifnb&tfs=STAT1,IRF1",
    )  # fmt: skip


def _scores(scored: dict[str, dict[str, Any]]) -> pd.DataFrame:
    rows = []
    for title, found in scored.items():
        best = _best(found)
        gap = found["differences"][best]["auprc"]
        rows.append(
            {
                "known targets": title,
                "pairs": f"{found['n_pairs']:,}",
                "positive": f"{found['n_true']:,}",
                "chance": found["base_rate"],
                "refined": found["refined"]["auprc"],
                **{NAMES[name]: found[name]["auprc"] for name in DRAWN},
                "refined − best rival": f"{span(gap['low'], gap['high'])} ({NAMES[best]})",
            }
        )
    return pd.DataFrame(rows)


def _best(found: dict[str, Any]) -> str:
    """The rival with the largest AUPRC."""
    named = [name for name in found["differences"] if found[name]["auprc"] is not None]
    return max(named, key=lambda name: float(found[name]["auprc"]))


def _claim(found: dict[str, Any], known: int) -> str:
    best = _best(found)
    gap = found["differences"][best]["auprc"]
    ahead = gap["low"] is not None and gap["low"] > 0
    behind = gap["high"] is not None and gap["high"] < 0
    verb = "are ahead of" if ahead else "are behind" if behind else "tie with"
    return (
        f"Against the known targets of ChEA, CollecTRI and TRRUST refined edges reach an area of "
        f"{found['refined']['auprc']:.3f} and {verb} the best rival ({NAMES[best]}: "
        f"{found[best]['auprc']:.3f}; chance {found['base_rate']:.3f}). "
        f"{known} of the {NOVEL} strongest novel edges are known elsewhere."
    )


def _novel(network: RefinedGRN, joined: Any) -> tuple[pd.DataFrame, int]:
    """The strongest pairs outside the prior, and how many of them a database records."""
    pairs = network.table
    pairs = pairs[pairs["source"].isin(SOURCES) & (pairs["prior"] == 0)]
    pairs = pairs.sort_values(["evidence", "source", "target"], ascending=[False, True, True])
    held = set(zip(joined.edges["source"], joined.edges["target"], strict=True))
    sets = {name: load(name, list(network.genes)) for name in TRUTHS if name != JOINED}
    rows = []
    for edge in pairs.head(NOVEL).itertuples(index=False):
        said = records(list(sets), sets.get, str(edge.source), str(edge.target))
        where = [record.database for record in said if record.says == "recorded"]
        rows.append(
            {
                "edge": f"*{edge.source}* → *{edge.target}*",
                "log-evidence": float(edge.evidence),
                "stability": float(edge.stability),
                "known in": sentence(where) if where else "none of the three",
            }
        )
    top = pairs.head(NOVEL)
    known = sum(pair in held for pair in zip(top["source"], top["target"], strict=True))
    return pd.DataFrame(rows), known


def _expected(network: RefinedGRN, joined: Any) -> float:
    """Recorded pairs among as many random novel ones."""
    pairs = network.table
    pairs = pairs[pairs["source"].isin(SOURCES) & (pairs["prior"] == 0)]
    held = set(zip(joined.edges["source"], joined.edges["target"], strict=True))
    among = sum(pair in held for pair in zip(pairs["source"], pairs["target"], strict=True))
    return NOVEL * among / len(pairs)
