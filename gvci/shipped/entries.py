"""Which runs are shipped: how each is made, and what to know before it is used.

`recipe.json` beside a shipped run repeats its words, so that its cells can be prepared again where
the raw file is at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gvci.data.catalogue import find
from gvci.data.entries import CatalogueEntry


@dataclass(frozen=True)
class Shipped:
    """One shipped run.

    Attributes:
        prepare: words after `gvci prepare`, the dataset's catalogue name first.
        prior: catalogue name of what the network was refined from.
        refine, train: further words of these verbs.
        origin: where the numbers come from, in a sentence or two.
        notices: copyright and licence of what it derives from, a paragraph each; empty where all
            is the project's own.
        good_for, not_for, caveats: for people.
    """

    prepare: tuple[str, ...]
    prior: str
    refine: tuple[str, ...]
    train: tuple[str, ...]
    origin: str
    notices: tuple[str, ...]
    good_for: tuple[str, ...]
    not_for: tuple[str, ...]
    caveats: tuple[str, ...]

    @property
    def data(self) -> CatalogueEntry:
        """The dataset."""
        return find(self.prepare[0], "dataset")

    @property
    def network(self) -> CatalogueEntry:
        """The prior."""
        return find(self.prior, "prior")

    @property
    def own(self) -> bool:
        """Whether cells and prior are the project's own and may be carried along."""
        return self.data.may_ship and self.network.may_ship

    def recipe(self, data_hash: str) -> dict[str, Any]:
        """What `recipe.json` holds; nothing of the machine that made it."""
        return {
            "prepare": list(self.prepare),
            "refine": ["--prior", self.prior, *self.refine],
            "train": list(self.train),
            "data_hash": data_hash,
        }


FIVE_SEEDS = ("--seed", "0", "--set", "seeds=5")
DOROTHEA = (
    "Edges whose `prior` is 1 are among those of DoRothEA's promoter motifs (Garcia-Alonso et al. "
    "2019, Genome Res 29:1363), from its branch for commercial use, under the GNU General Public "
    "License, version 3; JASPAR and HOCOMOCO are their sources. The list itself is not here."
)
MIT_TERMS = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software "
    'and associated documentation files (the "Software"), to deal in the Software without '
    "restriction, including without limitation the rights to use, copy, modify, merge, publish, "
    "distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the "
    "Software is furnished to do so, subject to the following conditions: The above copyright "
    "notice and this permission notice shall be included in all copies or substantial portions of "
    'the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR '
    "IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A "
    "PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE "
    "LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR "
    "OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER "
    "DEALINGS IN THE SOFTWARE."
)

RUNS: Mapping[str, Shipped] = {
    "demo": Shipped(
        prepare=("demo",),
        prior="demo-prior",
        refine=FIVE_SEEDS,
        train=("--seed", "0"),
        origin=(
            "**Simulated, not measured.** Cells from gvci's own simulator "
            "(`gvci/data/simulate.py`). Gene names are borrowed for orientation; no number here "
            "says anything about the real genes."
        ),
        notices=(),
        good_for=(
            "learning what every page shows, offline, with cells at hand",
            "tests: the true network and the true counterfactuals are known",
        ),
        not_for=("any statement about biology", "comparing methods in print: it is one simulator"),
        caveats=(
            "Simulated cells are tidier than real ones: no doublets, no ambient RNA, and a "
            "regulator's mRNA drives its targets, which favours refined edges.",
        ),
    ),
    "kang2018-ifnb": Shipped(
        prepare=(
            "kang2018-ifnb", "--genes", "2000", "--holdout", "cell_type=CD14+ Monocytes",
            "--keep-genes", "hallmark-interferon",
        ),
        prior="dorothea",
        refine=FIVE_SEEDS,
        train=("--seed", "0"),
        origin=(
            "**Real cells.** Blood cells with and without 6 h of interferon-β. This folder holds "
            "what was learned from them and summaries of groups, no cell and no list of edges of "
            "others."
        ),
        notices=(
            "Weights, scores and summaries derive from GEO GSE96583 (Kang et al. 2018, Nat "
            "Biotechnol 36:89), in subsets that seuratTools (MIT License, Copyright (c) 2025 "
            "James) and scplotter (GNU General Public License, version 3) redistribute.",
            DOROTHEA,
            "The genes of the MSigDB hallmark interferon sets (CC BY 4.0, Liberzon et al. 2015, "
            "Cell Systems 1:417) were kept among the modelled ones.",
            f"The terms of the MIT License: {MIT_TERMS}",
        ),
        good_for=(
            "the interferon-β response of a blood cell type that was not seen under it",
            "refined edges of STAT1 and IRF1 on real cells, with what the data alone say of each",
        ),
        not_for=(
            "knock-outs: interferon is the only perturbation",
            "donor effects: donors of this subset are mostly unknown and are not modelled",
            "ranking methods: one held-out pair and one seed",
        ),
        caveats=(
            "STAT1 acts when phosphorylated; its mRNA, which is all that is measured, is itself a "
            "target of the response. An edge is an association, not a proven regulation.",
            "Everything induced by interferon rises together, so STAT1, IRF1, IRF7 and IRF9 "
            "can hardly be told apart by these cells, nor by motifs that their families share.",
            "The donors were lupus patients; only 6 h were measured.",
            "Red blood cells have treated but no control cells: no effect is estimable there.",
        ),
    ),
    "papalexi2021-eccite": Shipped(
        prepare=("papalexi2021-eccite", "--holdout", "donor=rep_3"),
        prior="collectri",
        refine=FIVE_SEEDS,
        train=("--seed", "0"),
        origin=(
            "**Real cells.** THP-1 cells under interferon-γ with 25 genes knocked out one at a "
            "time, in three replicates; every perturbed cell of the third is held out. This folder "
            "holds what was learned from them and summaries of groups, no cell and no list of "
            "edges of others."
        ),
        notices=(
            "Weights, scores and summaries derive from GEO GSE153056 (Papalexi et al. 2021, Nat "
            "Genet 53:322), in the subset that sceptredata (MIT License, its authors Timothy Barry "
            "and Eugene Katsevich) redistributes.",
            "Edges whose `prior` is 1 are among those of CollecTRI (Müller-Dott et al. 2023, "
            "Nucleic Acids Res 51:10934), under the GNU General Public License, version 3. The "
            "list itself is not here.",
            f"The terms of the MIT License: {MIT_TERMS}",
        ),
        good_for=(
            "knock-outs of STAT1, JAK2, IFNGR1, IFNGR2 and IRF1 carried over to a replicate in "
            "which none was seen",
            "seeing what a model says of the knock-outs that do next to nothing",
        ),
        not_for=(
            "whole networks: 299 genes hold few regulators and few of their targets",
            "unstimulated cells: all were under interferon-γ",
            "genes that were not measured, most of the interferon programme among them",
        ),
        caveats=(
            "*IRF1* is knocked out but not among the 299 genes, as 15 others: such a knock-out "
            "is known by its label and seen only in other genes.",
            "About a fifth of the cells carry a guide that was assigned with little confidence, "
            "and guided cells may escape editing: effects are of the mixture, so too small.",
            "Most knock-outs change almost nothing here; for these the right answer is no "
            "change, and a model that says more is wrong by that.",
            "THP-1 is a leukaemia line, and replicates differ more than most knock-outs do.",
        ),
    ),
}  # fmt: skip
