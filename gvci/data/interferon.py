"""The names and the known wiring of the simulated pathway (IFNGR → JAK → STAT1 → IRF1).

Signs, strengths and cell-type levels are invented in the likeness of the literature; they
are settings of a simulator, not measurements.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gvci.grn import GRN, from_edges

CELL_TYPES = ("CD14+ Monocytes", "CD4 T cells", "B cells")
DONORS = ("donor1", "donor2")
CONTROL = "control"
OVEREXPRESSED = " OE"

# In this order, so that a small simulation keeps the first ones. A plain gene name is a
# knock-out; "IRF7 OE" is the over-expression of IRF7. ATF2 and CD86 do next to nothing.
PERTURBATIONS = (
    "STAT1", "IRF1", "JAK2", "CD86", "IFNGR1", "IRF7 OE", "JAK1", "IFNGR2", "STAT3", "SPI1",
    "STAT2", "MYC", "SOCS1 OE", "ATF2",
)  # fmt: skip

REGULATORS = (
    "STAT1", "IRF1", "JAK1", "JAK2", "IFNGR1", "IFNGR2", "STAT2", "STAT3", "SPI1", "MYC", "IRF7",
    "SOCS1", "IRF9", "ATF2", "PAX5", "TCF7", "CEBPB", "NFKB1", "IRF8", "CIITA", "GATA3", "KLF2",
    "FOS", "JUN", "RELA", "EBF1", "TBX21", "BATF", "RUNX1", "FOXO1",
)  # fmt: skip

# source, target, strength in log units at full loss of the source.
PATHWAY = (
    ("IFNGR1", "JAK1", 0.30), ("IFNGR2", "JAK2", 0.30), ("IFNGR1", "STAT1", 0.80),
    ("IFNGR2", "STAT1", 0.75), ("JAK1", "STAT1", 0.70), ("JAK2", "STAT1", 0.80),
    ("STAT1", "IRF1", 0.90), ("STAT1", "SOCS1", 0.60), ("STAT1", "IRF9", 0.55),
    ("STAT1", "STAT2", 0.45), ("STAT1", "IRF7", 0.40), ("STAT1", "IRF8", 0.50),
    ("STAT1", "CIITA", 0.70), ("IRF1", "STAT1", 0.25), ("IRF1", "IRF7", 0.45),
    ("IRF1", "CIITA", 0.35), ("SOCS1", "JAK1", -0.30), ("SOCS1", "JAK2", -0.35),
    ("SOCS1", "STAT1", -0.35), ("IRF9", "IRF7", 0.40), ("STAT2", "IRF7", 0.35),
    ("STAT3", "FOS", 0.45), ("STAT3", "STAT1", -0.25), ("STAT3", "MYC", 0.35),
    ("NFKB1", "IRF1", 0.35), ("RELA", "NFKB1", 0.45), ("SPI1", "CEBPB", 0.50),
    ("SPI1", "IRF8", 0.35), ("PAX5", "EBF1", 0.50), ("TCF7", "GATA3", 0.40),
    ("FOXO1", "KLF2", 0.50), ("KLF2", "MYC", -0.35), ("JUN", "FOS", 0.35), ("GATA3", "TBX21", -0.4),
)  # fmt: skip

STAT1_TARGETS = (
    "GBP1", "PSMB9", "CXCL10", "ISG15", "TAP1", "CXCL9", "IFIT3", "GBP2", "GBP5", "WARS", "IFI35",
    "PML", "PARP14", "UBE2L6", "TRIM21", "XAF1", "IFIT1", "CXCL11", "PARP9", "CD274", "IDO1",
    "ICAM1", "EPSTI1", "SAMD9L", "APOL6", "SECTM1", "FCGR1A", "NMI", "LAP3", "DTX3L", "PLSCR1",
    "TNFSF10", "STAT4", "ETV7", "SERPING1", "VAMP5",
)  # fmt: skip
IRF1_TARGETS = (
    "PSMB9", "TAP1", "GBP1", "PSMB8", "CXCL10", "ISG15", "IFI35", "TAP2", "PSME1", "PSME2", "B2M",
    "UBE2L6", "PSMB10", "TRIM21", "HLA-E", "CASP7", "TAPBP", "SP110", "IL15", "APOL2", "NLRC5",
    "ISG20", "TMEM140", "IRF2", "LGALS3BP", "BTN3A3",
)  # fmt: skip
ISRE_TARGETS = (
    "ISG15", "IFIT1", "IFIT3", "MX1", "IFI6", "IFI44L", "OAS1", "IFIT2", "OAS2", "OAS3", "MX2",
    "RSAD2", "IFI44", "CMPK2", "HERC5", "USP18", "IFIH1", "EIF2AK2", "LY6E", "BST2",
)  # fmt: skip

MARKERS = {
    "CD14+ Monocytes": (
        "LYZ", "S100A8", "CD86", "S100A9", "CD14", "FCN1", "VCAN", "CST3", "TYROBP", "AIF1",
        "MNDA", "CTSS", "FCER1G", "CFD",
    ),
    "CD4 T cells": (
        "CD3D", "IL7R", "CD3E", "LTB", "TRAC", "CD2", "CD27", "LEF1", "CCR7", "MAL", "SELL", "ITK",
    ),
    "B cells": (
        "CD79A", "MS4A1", "CD79B", "CD19", "BANK1", "CD22", "TCL1A", "CD74", "HLA-DRA", "FCRL1",
        "BLK", "VPREB3",
    ),
}  # fmt: skip
MARKER_REGULATORS = {
    "CD14+ Monocytes": ("SPI1", "CEBPB"),
    "CD4 T cells": ("TCF7", "GATA3"),
    "B cells": ("PAX5", "EBF1"),
}

HOUSEKEEPING = (
    "ACTB", "GAPDH", "TUBA1B", "EEF1A1", "RPL13", "RPS27", "RPLP0", "TMSB4X", "FTL", "FTH1", "PPIA",
    "HSP90AB1", "UBB", "UBC", "ENO1", "LDHA", "PGK1", "TPI1", "NPM1", "NCL", "HNRNPA1", "SRSF3",
    "EIF4A1", "HSPA8", "CALM1", "ARPC2", "CFL1", "PFN1", "MYL6", "GSTP1",
)  # fmt: skip

# log level of a regulator in (monocytes, T cells, B cells), where the types differ.
LEVELS = {
    "SPI1": (0.7, -2.0, 0.0), "CEBPB": (0.8, -1.5, -1.5), "IRF8": (0.4, -1.0, 0.4),
    "PAX5": (-2.0, -2.0, 0.8), "EBF1": (-2.0, -2.0, 0.7), "TCF7": (-2.0, 0.8, -1.0),
    "GATA3": (-2.0, 0.7, -2.0), "TBX21": (-1.5, 0.5, -1.0), "CIITA": (0.2, -1.2, 0.6),
    "STAT1": (0.3, -0.2, 0.0), "IFNGR1": (0.4, -0.2, -0.1), "IFNGR2": (0.4, -0.6, 0.1),
    "JAK2": (0.2, -0.2, 0.0), "MYC": (-0.4, 0.3, 0.2),
}  # fmt: skip

# How strongly a type answers through the pathway's regulators.
RESPONSE = {"CD14+ Monocytes": 1.25, "CD4 T cells": 0.65, "B cells": 0.95}
PATHWAY_REGULATORS = REGULATORS[:7] + ("IRF7", "SOCS1", "IRF9")


def gene_names(n: int) -> pd.Index:
    """Regulators (at most a third), the perturbed genes, then targets, markers and the rest."""
    chosen = list(REGULATORS[: n // 3]) + ["ATF2", "CD86"]
    # Interleaved, so that a small simulation has some of each kind.
    groups = (STAT1_TARGETS, IRF1_TARGETS, ISRE_TARGETS, *MARKERS.values())
    longest = max(map(len, groups))
    chosen += [g[i] for i in range(longest) for g in groups if i < len(g)]
    chosen += list(HOUSEKEEPING)
    unique = list(dict.fromkeys(chosen))
    unique += [f"G{i:04d}" for i in range(1, n - len(unique) + 1)]
    chosen = unique[:n]
    known = [g for g in REGULATORS if g in chosen]
    return pd.Index(known + [g for g in chosen if g not in known])


def true_network(genes: pd.Index, regulators: list[str], rng: np.random.Generator) -> GRN:
    """The signed truth: the pathway, known targets, and one to three regulators for the rest."""
    weights: dict[tuple[str, str], float] = {(s, t): w for s, t, w in PATHWAY}

    def connect(source: str, targets: tuple[str, ...], low: float, high: float) -> None:
        for target, weight in zip(targets, rng.uniform(low, high, len(targets)), strict=True):
            weights.setdefault((source, target), round(float(weight), 2))

    connect("STAT1", STAT1_TARGETS, 0.6, 1.3)
    connect("IRF1", IRF1_TARGETS, 0.5, 1.1)
    for source in ("STAT2", "IRF9", "IRF7"):
        connect(source, ISRE_TARGETS, 0.25, 0.6)
    for cell_type, sources in MARKER_REGULATORS.items():
        for source in sources:
            connect(source, MARKERS[cell_type], 0.3, 0.7)
    # ATF2 stays without targets: its knock-out is the screen's null.
    free = [r for r in regulators if r not in (*REGULATORS[:6], "ATF2")]
    for target in genes[len(regulators) :]:
        known = any(t == target for _, t in weights)
        for source in rng.choice(free, rng.integers(0, 2) if known else rng.integers(1, 4), False):
            sign = 1 if rng.random() < 0.7 else -1
            weights.setdefault(
                (str(source), target), sign * round(float(rng.uniform(0.35, 0.9)), 2)
            )
    rows = [(s, t, w) for (s, t), w in weights.items() if s in genes and t in genes]
    table = pd.DataFrame(sorted(rows), columns=["source", "target", "weight"])
    return from_edges(table, "demo-truth (simulated)", list(genes))
