"""A refined network without the list it started from: its strongest edges alone.

A prior under a licence of its own is not carried along. Of its edges only those go in that the
refined network keeps and the data speak for, at most 50 a regulator.
"""

from __future__ import annotations

from gvci.refiner.result import TRIMMED, RefinedGRN

MOST = 50
STATUSES = ("kept", "added", "removed", "absent")


def trimmed(grn: RefinedGRN, prior: str, most: int = MOST) -> RefinedGRN:
    """Adopted edges of positive evidence, the strongest of each regulator; the rest is counted.

    Args:
        grn: a whole network.
        prior: the catalogue's name of its prior, for whoever wants the rest.
        most: edges of a regulator.
    """
    table = grn.table
    judged = not table["evidence"].isna().all()
    spoken = table["evidence"] > 0 if judged else True
    adopted = table[table["status"].isin(("kept", "added")) & spoken]
    by = "evidence" if judged else "weight"
    falling = adopted.sort_values(by, ascending=False, kind="stable")
    rows = falling.groupby("source", sort=False).head(most).index.sort_values()
    kept = table.loc[rows].reset_index(drop=True)
    found = table["status"].value_counts()
    counts = {status: int(found.get(status, 0)) for status in STATUSES}
    note = {
        "counts": counts,
        "regulators": int(table["source"].nunique()),
        "most": most,
        "prior": prior,
        "adopted_hash": grn.adopted().fingerprint(),
        "sentence": _said(counts, len(kept), most),
    }
    return RefinedGRN(grn.genes, kept, grn.alpha, grn.background, {**grn.meta, TRIMMED: note})


def _said(counts: dict[str, int], listed: int, most: int) -> str:
    """Which edges are listed, and why others are not."""
    whole, removed = counts["kept"] + counts["added"], counts["removed"]
    unsaid = [f"{removed:,} removed ones"] if removed else []
    if listed == whole:
        first = f"All {whole:,} adopted edges are listed."
    else:
        first = (
            f"Of {whole:,} adopted edges the {listed:,} are listed that the data speak for, at "
            f"most {most} a regulator."
        )
        unsaid = ["edges that were kept for the prior's sake alone", *unsaid]
    rest = ", ".join(unsaid) + (" and " if unsaid else "") + "all other pairs"
    return (
        f"{first} {rest[0].upper()}{rest[1:]} are counted but not listed, for the prior has a "
        "licence of its own."
    )
