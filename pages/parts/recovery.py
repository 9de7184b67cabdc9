"""The network against known targets: which set, which pairs, and the ranking."""

import streamlit as st

from gvci.app import recovered, recovery_view, session
from pages.parts.choices import choose, switch
from pages.parts.edge_filters import nothing
from pages.parts.exhibits import present


def truths(run):
    """Reads a set of known targets among the run's genes, once for all viewers."""
    return lambda name: session.shared(
        "truth", run, name, lambda: recovered.load(name, run.data.genes)
    )


def draw_recovery(frame, network, chosen, places):
    """Precision and recall against known targets."""
    run, truth_of = frame.run, truths(frame.run)
    found = recovered.targets(recovered.candidates(run), truth_of, chosen)
    if not found:
        nothing(recovered.NO_TRUTH if chosen else "**Choose a regulator** to score.", network)
        return
    by_title = {target.title: target for target in found}
    title = choose(
        places[0], "Known targets", "truth", list(by_title), said="The set of known targets"
    )
    pairs = switch(
        places[1], "Pairs", "pairs", list(recovered.PAIRS),
        help="All pairs of these regulators with another gene, or some.",
    )  # fmt: skip
    small = len(network.genes) <= recovered.MOST_GENES_FOR_FORESTS
    forests = small and places[2].toggle(
        "GENIE3 too", key="genie3", bind="query-params",
        help="A rival made of random forests: it takes a minute or two, once.",
    )  # fmt: skip
    with st.spinner("Ranking the pairs …"):
        result = _ranked(run, network, by_title[title], truth_of, forests)
    drawn = recovery_view.exhibit(
        run, result, recovered.PAIRS[pairs], chosen, session.colours(),
        "Refined" if network.refined else "This list",
    )  # fmt: skip
    present(frame, drawn) if drawn else st.info(recovery_view.NOTHING)


def _ranked(run, network, target, truth_of, forests):
    """Of the run's network for all viewers; of an uploaded list for this visit alone."""

    def compute():
        return recovered.recovery(run, network, target, truth_of(target.name), forests=forests)

    if network.refined:
        return session.shared("recovery", run, (target, forests), compute)
    key = f"{network.origin.fingerprint()}{run.fingerprint}{target}{forests}"
    return session.kept("recovery", key, compute)
