"""Cells from a known signed GRN, with the counterfactual of every cell known.

The log rate y of gene i in cell k of type t and donor d under perturbation a is

    y_ki = b_i + c_ti + d_di + u_k·v_i + h_ki + o_ai + Σ_j W_ij f_tij (g(a_kj) − 1)
                + s_i f_tij f_til (g(a_kj) − 1) (g(a_kl) − 1)
    a_kj = y_kj − b_j + p_kj,      g(a) = 2 / (1 + e^−a),      g = 0 where j is knocked out

and its counts are gamma-Poisson around depth_k · softmax(y_k)_i. W is the truth, f how open
an edge is in a type, s the synergy of two regulators j, l of a target (none but where settings
ask for it); h (mRNA of regulators), p (their activity beyond mRNA) and u (two programmes) are
the cell's own and stay when its perturbation changes. Steady state is a fixed
point among the regulators. Everything random comes from one numpy generator, and rates are
rounded before counts are drawn, so one seed gives the same cells on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.config import SimulateSettings
from gvci.data import interferon as ifn
from gvci.errors import PredictionError, nearest
from gvci.grn import GRN, from_edges

KNOCKED_OUT, OVEREXPRESSED = -1.9, 2.0
ITERATIONS = 40
PROGRAMMES = 2


@dataclass(frozen=True)
class Simulation:
    """Simulated cells and what they were made from.

    Attributes:
        adata: raw counts (CSR float32); obs perturbation, cell_type, donor.
        truth: the network, weights signed (log units at full loss of the source).
        prior: the truth with edges dropped and as many false ones added.
    """

    adata: ad.AnnData
    truth: GRN
    prior: GRN
    _law: _Law = field(repr=False)
    _state: _State = field(repr=False)

    def counterfactual(self, perturbation: str, rows: np.ndarray) -> np.ndarray:
        """What these cells would express under another perturbation, without count noise.

        A gene name is its knock-out, "GENE OE" its over-expression, "control" neither. Each
        cell keeps its own heterogeneity.

        Returns:
            (rows, genes) float32, log1p of the expected counts per 10,000.

        Raises:
            PredictionError: the perturbed gene is not simulated.
        """
        state = self._state.take(np.arange(self.adata.n_obs)[rows])
        names = np.full(len(state.cell_type), perturbation, dtype=object)
        return np.log1p(1e4 * self._law.shares(state, names)).astype(np.float32)


@dataclass(frozen=True)
class _State:
    """What a cell keeps: indices of type and donor; own mRNA, activity and programmes."""

    cell_type: np.ndarray
    donor: np.ndarray
    mrna: np.ndarray
    activity: np.ndarray
    programmes: np.ndarray

    def take(self, rows: np.ndarray) -> _State:
        return _State(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Synergies:
    """Targets that two regulators move together: position, both regulators, s f f per type."""

    targets: np.ndarray
    pairs: np.ndarray
    strength: np.ndarray

    def add(self, level: np.ndarray, cells: np.ndarray, drive: np.ndarray, t: int) -> None:
        """Their part of y, into the rows of these cells, which are of type t."""
        if len(self.targets):
            both = drive[:, self.pairs[:, 0]] * drive[:, self.pairs[:, 1]]
            level[np.ix_(cells, self.targets)] += both * self.strength[t]


@dataclass(frozen=True)
class _Law:
    """How the state of a cell becomes rates; regulators are the first genes."""

    genes: pd.Index
    base: np.ndarray
    type_level: np.ndarray
    donor_level: np.ndarray
    loadings: np.ndarray
    strength: np.ndarray
    synergies: _Synergies

    def shares(self, state: _State, perturbations: np.ndarray) -> np.ndarray:
        """Expected share of each gene among a cell's counts, (cells, genes), rows sum to 1."""
        n_regulators = self.strength.shape[2]
        shift, silenced = self._interventions(perturbations)
        level = self.type_level[state.cell_type] + self.donor_level[state.donor]
        level += state.programmes @ self.loadings + shift
        level[:, :n_regulators] += state.mrna
        for t in range(len(self.strength)):
            cells = np.flatnonzero(state.cell_type == t)
            own, inside = level[cells][:, :n_regulators], self.strength[t, :n_regulators].T
            x = own
            for _ in range(ITERATIONS):
                drive = _drive(x + state.activity[cells], silenced[cells])
                x = own + drive @ inside
            drive = _drive(x + state.activity[cells], silenced[cells])
            level[cells] += drive @ self.strength[t].T
            self.synergies.add(level, cells, drive, t)
        rates = np.exp(level + self.base)
        return _rounded(rates / rates.sum(axis=1, keepdims=True))

    def _interventions(self, perturbations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shift of log mRNA (cells, genes) and which regulators are silenced (cells, R)."""
        shift = np.zeros((len(perturbations), len(self.genes)))
        for label in pd.unique(perturbations):
            if label == ifn.CONTROL:
                continue
            gene = str(label).removesuffix(ifn.OVEREXPRESSED)
            if gene not in self.genes:
                message = f"The simulation has no gene '{gene}'.{nearest(gene, self.genes)}"
                raise PredictionError(message)
            amount = KNOCKED_OUT if gene == label else OVEREXPRESSED
            shift[perturbations == label, self.genes.get_loc(gene)] = amount
        return shift, shift[:, : self.strength.shape[2]] < 0


def _drive(activity: np.ndarray, silenced: np.ndarray) -> np.ndarray:
    """g(a) − 1: 0 at the reference, 1 at full activity, −1 at none."""
    return np.where(silenced, -1.0, np.tanh(activity / 2))


def _rounded(values: np.ndarray, digits: int = 6) -> np.ndarray:
    """To so many significant digits, so that the last bits of a machine's libm do not count."""
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(values)))
    return np.asarray(np.rint(values * scale) / scale)


def simulate(settings: SimulateSettings | None = None) -> Simulation:
    """Cells of three types and two donors, knock-outs, over-expressions and controls.

    Labels: "STAT1" is a knock-out, "IRF7 OE" an over-expression, "control" neither.

    Returns:
        `adata` (raw counts; obs perturbation, cell_type, donor), the network `truth`, a `prior`
        with errors, and `counterfactual(perturbation, rows)`, what cells would express instead.
    """
    settings = settings or SimulateSettings.preset("demo")
    # A later stream leaves the earlier ones as they are: settings of 0 change no cell.
    network, levels, cells, noise, harder = np.random.default_rng(settings.seed).spawn(5)
    genes = ifn.gene_names(settings.n_genes)
    regulators = [g for g in ifn.REGULATORS if g in genes]
    truth = ifn.true_network(genes, regulators, network)
    law = _harder(_law(genes, regulators, truth, levels), settings, harder)

    wanted = [(ifn.CONTROL, settings.controls_per_group)]
    wanted += [(p, settings.cells_per_group) for p in ifn.PERTURBATIONS[: settings.n_perturbations]]
    rows = [
        (label, t, d)
        for t in range(len(ifn.CELL_TYPES))
        for d in range(len(ifn.DONORS))
        for label, count in wanted
        for _ in range(count)
    ]
    labels, types, donors = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    state = _State(
        types,
        donors,
        settings.mrna_heterogeneity * cells.standard_normal((n, len(regulators))),
        settings.activity_heterogeneity * cells.standard_normal((n, len(regulators))),
        cells.standard_normal((n, PROGRAMMES)),
    )
    depth = settings.depth * np.exp(settings.depth_spread * cells.standard_normal(n))
    mean = depth[:, None] * law.shares(state, labels.astype(object))
    spread = noise.gamma(1 / settings.dispersion, settings.dispersion, size=mean.shape)
    counts = noise.poisson(_rounded(np.maximum(mean * spread, 1e-12)))
    adata = ad.AnnData(
        sp.csr_matrix(counts.astype(np.float32)),
        obs=pd.DataFrame(
            {
                "perturbation": pd.Categorical(labels),
                "cell_type": pd.Categorical(np.array(ifn.CELL_TYPES)[types]),
                "donor": pd.Categorical(np.array(ifn.DONORS)[donors]),
            },
            index=[f"cell{i:05d}" for i in range(n)],
        ),
        var=pd.DataFrame(index=genes),
    )
    return Simulation(adata, truth, corrupted(truth, settings.prior_error, network), law, state)


def corrupted(truth: GRN, share: float, rng: np.random.Generator) -> GRN:
    """A prior: a share of the true edges dropped, as many false ones added, all of weight 1.

    False edges leave sources in proportion to their number of targets, so the number of
    targets of a source does not betray them.
    """
    edges = list(zip(truth.edges["source"], truth.edges["target"], strict=True))
    dropped = rng.permutation(len(edges))[: round(share * len(edges))]
    taken, genes = set(edges), [str(gene) for gene in truth.genes]
    false: list[tuple[str, str]] = []
    while len(false) < len(dropped):
        source = edges[rng.integers(len(edges))][0]
        target = genes[rng.integers(len(genes))]
        if source != target and (source, target) not in taken:
            taken.add((source, target))
            false.append((source, target))
    kept = [edge for i, edge in enumerate(edges) if i not in set(dropped.tolist())]
    table = pd.DataFrame(sorted(kept + false), columns=["source", "target"])
    return from_edges(table, "demo-prior (simulated)", list(truth.genes))


def _law(genes: pd.Index, regulators: list[str], truth: GRN, rng: np.random.Generator) -> _Law:
    n, r, types = len(genes), len(regulators), len(ifn.CELL_TYPES)
    base = rng.normal(0.0, 0.7, n)
    base[:r] = rng.normal(0.5, 0.3, r)
    base[genes.isin(ifn.HOUSEKEEPING)] += 1.2
    type_level = rng.normal(0.0, 0.25, (types, n))
    for gene, values in ifn.LEVELS.items():
        if gene in genes:
            type_level[:, genes.get_loc(gene)] = values
    for t, cell_type in enumerate(ifn.CELL_TYPES):
        type_level[t, genes.isin(ifn.MARKERS[cell_type])] += 1.2
    weights = truth.to_adjacency().toarray()[:, :r]
    # Edges differ in strength between types, and one in eight is closed in some type: what a
    # perturbation does in one type is not what it does in another.
    factor = rng.uniform(0.6, 1.4, (types, n, r))
    factor *= rng.random((types, n, r)) > 0.125
    factor[:, :r] = 1.0  # among the regulators themselves, every type is wired the same
    inside_pathway = np.isin(regulators, ifn.PATHWAY_REGULATORS)
    for t, cell_type in enumerate(ifn.CELL_TYPES):
        factor[t][:, inside_pathway] *= ifn.RESPONSE[cell_type]
    donor_level = rng.normal(0.0, 0.12, (len(ifn.DONORS), n))
    loadings = rng.normal(0.0, 0.15, (PROGRAMMES, n))
    none = _Synergies(np.zeros(0, np.intp), np.zeros((0, 2), np.intp), np.zeros((types, 0)))
    return _Law(genes, base, type_level, donor_level, loadings, weights[None] * factor, none)


def _harder(law: _Law, settings: SimulateSettings, rng: np.random.Generator) -> _Law:
    """Close edges type by type, and let two regulators of a target act together.

    What a perturbation does in one type is then no guide to another; the control cells of a type
    still show which of its edges are open, for its regulators vary among them.
    """
    types, n, r = law.strength.shape
    closed = rng.random((types, n, r)) < settings.closed_edges
    closed[:, :r] = False  # as in _law
    strength = np.where(closed, 0.0, law.strength)
    pairs, targets, together = [], [], []
    for target in range(r, n):
        regulators = np.flatnonzero(law.strength[:, target].any(axis=0))
        drawn, sign = rng.random(2)
        if settings.synergy > 0 and len(regulators) > 1:
            pair = rng.choice(regulators, 2, replace=False)
            open_in = (strength[:, target, pair] != 0).all(axis=1)
            size = settings.synergy * (0.5 + drawn) * (1 if sign < 0.5 else -1)
            pairs.append(pair)
            targets.append(target)
            together.append(size * open_in)
    if not targets:
        return replace(law, strength=strength)
    synergies = _Synergies(np.array(targets), np.array(pairs), np.array(together).T)
    return replace(law, strength=strength, synergies=synergies)
