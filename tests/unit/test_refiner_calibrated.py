"""The calibrated refiner against literal slow forms, known truth and noise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.optimize import differential_evolution
from sklearn.metrics import average_precision_score, roc_auc_score

from gvci.config import PrepareSettings, RefineSettings, SimulateSettings
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import prepare
from gvci.data.simulate import simulate
from gvci.refiner.activity import alternate, infer
from gvci.refiner.calibrated import Moments, correlations, regression
from gvci.refiner.calibration import Membership, calibrate, sigmoid
from gvci.refiner.cells import Cells, perturbed_genes
from gvci.refiner.level import choose, folds_of, judge
from gvci.refiner.procedure import choose_level, fit_level
from gvci.refiner.residuals import Residuals

RIDGE = 0.01


@pytest.fixture(scope="module")
def small(small_data, small_simulation) -> Cells:
    return Cells.of(small_data, small_simulation.prior)


def whole(residuals: Residuals) -> np.ndarray:
    """Z of all cells."""
    return residuals.take(np.arange(residuals.shape[0]))


def standardised(values: np.ndarray, groups: np.ndarray) -> Residuals:
    """Residuals of cells that are all read."""
    return Residuals.of(values.astype(np.float32), np.arange(len(values)), groups)


def ridge_regression(inputs: np.ndarray, target: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Least squares with rows √penalty appended, the slow way."""
    stacked = np.vstack([inputs, np.diag(np.sqrt(penalty))])
    wanted = np.concatenate([target, np.zeros(len(penalty))])
    return np.linalg.lstsq(stacked, wanted, rcond=None)[0]


# --- cells -------------------------------------------------------------------------------


def test_residuals_are_centred_within_groups_and_have_unit_deviation():
    rng = np.random.default_rng(0)
    groups = np.array(["a", "b", "c"])[rng.integers(3, size=200)]
    values = rng.normal(size=(200, 5)) + (groups == "a")[:, None] * 7
    values[:, 3] = 2.0
    z = whole(standardised(values, groups))
    for group in "abc":
        np.testing.assert_allclose(z[groups == group].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(z[:, [0, 1, 2, 4]].std(axis=0), 1, atol=1e-5)
    assert (z[:, 3] == 0).all()


def test_held_out_cells_are_not_read(small_data, small_simulation):
    adata = small_data.adata.copy()
    unseen = ~np.isin(small_data.split, ("train", "validation"))
    assert unseen.sum() > 30
    expression = small_data.expression.toarray()
    expression[unseen] = 99.0
    adata.X = expression
    changed = PerturbationData(adata, small_data.columns)
    before, after = (Cells.of(d, small_simulation.prior) for d in (small_data, changed))
    np.testing.assert_array_equal(whole(before.values), whole(after.values))


def test_sources_are_the_prior_regulators_and_the_perturbed_genes(
    small, small_data, small_simulation
):
    names = set(small_data.genes[small.sources])
    assert names == set(small_simulation.prior.restricted(small_data.genes).sources) | {
        "STAT1", "IRF1", "JAK2", "CD86",
    }  # fmt: skip
    assert len(small.perturbed) == 4
    rows = small_data.rows(("train", "validation"))
    for column, mine in small.perturbed:
        gene = small_data.genes[small.sources[column]]
        assert set(small_data.perturbation[rows][mine]) == {gene}


def test_a_label_names_genes_also_with_a_suffix_and_in_combination(cells):
    collector = cells()
    for label in ("ctrl", "G1", "G2 OE", "G1+G3", "drug"):
        collector.add(20, "A", label, "train", np.full(24, 2.0))
    data = collector.data()
    found = {label: perturbed_genes(label, data) for label in ("G1", "G2 OE", "G1+G3", "drug")}
    assert found == {"G1": {"G1"}, "G2 OE": {"G2"}, "G1+G3": {"G1", "G3"}, "drug": set()}


# --- level 1 -----------------------------------------------------------------------------


def test_closed_form_equals_a_ridge_regression_per_target(small):
    effects = regression(small, Moments.of(small), RIDGE)
    z = whole(small.values).astype(np.float64)
    e = z[:, small.sources]
    perturbed = dict(small.perturbed)
    for gene in [*small.targets[:6], *small.sources]:
        column = np.flatnonzero(small.sources == gene)
        inputs, target = e, z[:, gene]
        others = small.sources != gene
        if len(column) and int(column[0]) in perturbed:
            left = np.delete(np.arange(len(z)), perturbed[int(column[0])])
            inputs = e[left] - e[left].mean(axis=0)
            target = inputs[:, column[0]]
        inputs = inputs[:, others]
        penalty = RIDGE * (inputs**2).sum(axis=0) + 1e-6 * len(z)
        literal = ridge_regression(inputs, target, penalty)
        np.testing.assert_allclose(effects.signed[gene, others], literal, atol=2e-5)
    own = effects.size[small.sources, np.arange(len(small.sources))]
    assert (own == 0).all()


def test_moments_without_perturbed_cells_equal_moments_of_the_others(small):
    moments = Moments.of(small)
    e = whole(small.values)[:, small.sources].astype(np.float64)
    for _, rows in small.perturbed:
        others = np.delete(e, rows, axis=0)
        others -= others.mean(axis=0)
        np.testing.assert_allclose(
            moments.without(rows), others.T @ others, atol=1e-4 * len(e), rtol=1e-5
        )


def test_a_perturbed_gene_is_no_target_in_its_own_cells(small):
    """Noise in the knocked-out gene's own value, in its own cells, changes none of its inputs."""
    column, rows = small.perturbed[0]
    gene = small.sources[column]
    noisy = whole(small.values).copy()
    noisy[rows, gene] += np.random.default_rng(0).normal(size=len(rows)).astype(np.float32)
    # Other sources stay as they are, so the regression of this gene may not move.
    before = regression(small, Moments.of(small), RIDGE).signed[gene]
    changed = dataclasses.replace(small, values=Residuals(noisy, np.arange(len(noisy))))
    moments = Moments.of(changed)
    centred = moments.without(rows)
    np.testing.assert_allclose(
        np.delete(centred, column, 1)[column],
        np.delete(Moments.of(small).without(rows), column, 1)[column],
        atol=0.2 * np.sqrt(len(noisy)),
    )
    after = regression(changed, moments, RIDGE).signed[gene]
    np.testing.assert_allclose(after, before, atol=0.02)


def test_effects_point_from_regulator_to_target():
    rng = np.random.default_rng(1)
    regulator, bystander = rng.normal(size=(2, 800))
    z = np.stack([regulator, bystander, -0.8 * regulator + 0.3 * rng.normal(size=800)], axis=1)
    prior = np.zeros((3, 2), dtype=bool)
    prior[2, 0] = True
    cells = Cells(standardised(z, np.zeros(800)), np.array([0, 1]), prior, ())
    for effects in (correlations(cells), regression(cells, Moments.of(cells), RIDGE)):
        assert effects.size[2, 0] > 5 * effects.size[2, 1]
        assert effects.signed[2, 0] < 0


def test_denoised_correlation_equals_the_leading_part_of_the_correlation_matrix():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 30)) + 0.3 * rng.normal(size=(400, 30))
    residuals = standardised(z, np.zeros(400))
    z = whole(residuals).astype(np.float64)
    cells = Cells(residuals, np.arange(5), np.zeros((30, 5), dtype=bool), ())
    values, vectors = np.linalg.eigh(z.T @ z / len(z))
    lead = vectors[:, -3:] * values[-3:] @ vectors[:, -3:].T
    np.testing.assert_allclose(
        correlations(cells, 3).signed, lead[:, :5] * cells.candidate, atol=1e-4
    )
    plain = np.corrcoef(z, rowvar=False)[:, :5] * cells.candidate
    for components in (0, 16):
        np.testing.assert_allclose(correlations(cells, components).signed, plain, atol=1e-4)


# --- calibration -------------------------------------------------------------------------


def two_groups(seed: int = 0, p_in: float = 0.7, p_out: float = 0.03):
    """Sizes of 200 × 40 pairs: edges around e, others around 1, in log units of .5."""
    rng = np.random.default_rng(seed)
    prior = rng.random((200, 40)) < 0.1
    edge = rng.random(prior.shape) < np.where(prior, p_in, p_out)
    size = np.exp(rng.normal(np.where(edge, 1.5, 0.0), 0.5))
    return size, prior, edge


def test_calibration_recovers_the_shares_of_a_two_group_model():
    size, prior, edge = two_groups()
    found = calibrate(size, prior, np.ones_like(prior), trust=0.6)
    assert found.p_in == pytest.approx(0.7, abs=0.08)
    assert found.p_out == pytest.approx(0.03, abs=0.015)
    assert found.kappa == 0
    assert found.prior_floor == 0
    for weight in (0.1, 0.3, 0.6, 0.85):
        near = np.abs(found.weights - weight) < 0.1
        assert edge[near].mean() == pytest.approx(weight, abs=0.15)
    np.testing.assert_array_equal(found.weights, sigmoid(found.logits))


def test_calibration_finds_the_optimum_that_brute_force_finds():
    size, prior, _ = two_groups(3, 0.4, 0.02)
    found = calibrate(size, prior, np.ones_like(prior), trust=0.6)
    x = np.log(size / np.median(size) + 1e-3)
    model = Membership(x[prior], x[~prior], 0.6)
    bounds = [(-20, 5), (-2, 3), (-5, 5), (-8, 5)]
    best = differential_evolution(model.loss, bounds, seed=1, tol=1e-8, maxiter=300)
    assert model.loss(np.array(found.parameters)) <= best.fun + 0.05


def test_prior_edges_without_visible_effect_keep_the_stated_floor():
    """Effects that say nothing: κ counts the believed edges as real but invisible."""
    rng = np.random.default_rng(5)
    prior = rng.random((300, 30)) < 0.1
    size = np.exp(rng.normal(0, 0.5, prior.shape))
    found = calibrate(size, prior, np.ones_like(prior), trust=0.6)
    assert found.kappa > 0.5
    assert found.weights[prior].min() >= found.prior_floor - 1e-9
    assert found.weights[prior].min() == pytest.approx(found.prior_floor, abs=0.05)
    assert np.median(found.weights[~prior]) < 0.1


# --- level 2 -----------------------------------------------------------------------------


def test_activities_equal_the_gaussian_posterior_of_every_cell(small):
    s, rng = len(small.sources), np.random.default_rng(0)
    gated = rng.normal(size=(len(small.targets), s)) * (rng.random((len(small.targets), s)) < 0.2)
    noise = rng.uniform(0.2, 1.0, len(small.targets))
    root = rng.normal(size=(s, s))
    covariance = root @ root.T / s + np.eye(s) * 0.3
    reading, variance = infer(small, gated, noise, 0.2, covariance)
    mean = whole(small.values) @ reading
    # One joint Gaussian over (activities, mRNA of sources, mRNA of targets), conditioned.
    loadings = np.vstack([np.eye(s), gated])
    joint = loadings @ covariance @ loadings.T + np.diag(np.concatenate([np.full(s, 0.2), noise]))
    gain = covariance @ loadings.T @ np.linalg.inv(joint)
    literal = covariance - gain @ loadings @ covariance
    np.testing.assert_allclose(variance, literal, atol=1e-8)
    for cell in (0, 17, 101):
        seen = whole(small.values)[cell][np.concatenate([small.sources, small.targets])]
        np.testing.assert_allclose(mean[cell], gain @ seen, atol=1e-4)


def test_activities_find_targets_of_a_regulator_whose_mrna_is_noise():
    """Ten genes follow an activity that mRNA reports badly: level 2 orders them better."""
    rng = np.random.default_rng(2)
    n_cells, n, s = 1500, 120, 6
    activity = rng.normal(size=(n_cells, s))
    mrna = activity + 1.2 * rng.normal(size=activity.shape)
    edge = rng.random((n - s, s)) < 0.12
    rest = (activity * 0.5) @ edge.T + rng.normal(size=(n_cells, n - s))
    z = standardised(np.hstack([mrna, rest]), np.zeros(n_cells))
    prior = np.zeros((n, s), dtype=bool)
    prior[s:] = edge & (rng.random(edge.shape) < 0.7)
    cells = Cells(z, np.arange(s), prior, ())
    one = regression(cells, Moments.of(cells), RIDGE).size[s:]
    two = alternate(cells, prior, RIDGE, 0.6, 0.8, 8)[0].size[s:]
    new = ~prior[s:]

    def gap(size: np.ndarray) -> float:
        return float(np.log(size[edge & new]).mean() - np.log(size[~edge & new]).mean())

    assert gap(two) > gap(one)


def test_genes_without_variation_do_not_break_the_fit(small):
    flat = whole(small.values).copy()
    flat[:, small.sources[1]] = 0
    flat[:, small.targets[0]] = 0
    cells = dataclasses.replace(small, values=Residuals(flat, np.arange(len(flat))))
    for level in (1, 2):
        effects, found = fit_level(cells, cells.prior, level, RefineSettings())
        assert np.isfinite(found.logits).all()
        assert effects.size[:, 1].max() < 1e-3


# --- level -------------------------------------------------------------------------------


def test_every_prior_edge_is_hidden_once(small):
    visible = folds_of(small.prior, 4)
    hidden = sum((small.prior & ~kept).astype(int) for kept in visible)
    np.testing.assert_array_equal(hidden, small.prior.astype(int))


def test_lift_and_auroc_of_hidden_edges_equal_those_of_scikit_learn(small):
    rng = np.random.default_rng(0)
    size = rng.random(small.prior.shape) + small.prior * 0.3
    visible = folds_of(small.prior, 0)
    found = judge(lambda _: size, small.prior, small.candidate, visible, rng)
    for k, kept in enumerate(visible):
        pairs = small.candidate & ~kept
        true = small.prior[pairs]
        lift = average_precision_score(true, size[pairs]) / true.mean()
        assert np.exp(found.lift[k]) == pytest.approx(lift)
        areas, counts = [], []
        for column in np.flatnonzero((small.prior & ~kept).any(axis=0)):
            mine = pairs[:, column]
            areas.append(roc_auc_score(small.prior[mine, column], size[mine, column]))
            counts.append((small.prior & ~kept)[:, column].sum())
        assert found.auroc[k] == pytest.approx(np.average(areas, weights=counts))
    assert found.p_value == pytest.approx(1 / 101)
    noise = judge(lambda _: rng.random(size.shape), small.prior, small.candidate, visible, rng)
    assert abs(noise.lift.mean() - noise.chance.mean()) < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_noise_chooses_level_0_and_is_called_unsupported(seed):
    rng = np.random.default_rng(seed)
    z = standardised(rng.normal(size=(500, 150)), np.zeros(500))
    prior = rng.random((150, 12)) < 0.1
    prior[np.arange(12), np.arange(12)] = False
    cells = Cells(z, np.arange(12), prior, ())
    choice = choose_level(cells, RefineSettings())
    assert choice.level == 0
    assert choice.supported == "no"
    assert choice.sentence.startswith("The data do not support this prior:")


@pytest.fixture(scope="module")
def hundred() -> Cells:
    """100 genes, 612 cells, four knock-outs."""
    made = simulate(
        SimulateSettings(n_genes=100, n_perturbations=4, cells_per_group=18, controls_per_group=30)
    )
    settings = PrepareSettings(
        perturbation="perturbation", control="control", covariates=("cell_type",)
    )
    return Cells.of(prepare(made.adata, settings, name="hundred"), made.prior)


@pytest.mark.parametrize("seed", range(3))
def test_prior_with_shuffled_regulators_chooses_level_0(hundred, seed):
    order = np.random.default_rng(seed).permutation(hundred.prior.shape[1])
    prior = hundred.prior[:, order] & hundred.candidate
    choice = choose_level(dataclasses.replace(hundred, prior=prior), RefineSettings())
    assert choice.level == 0
    assert choice.supported == "no"


def test_simulated_regulation_chooses_a_richer_level(hundred):
    choice = choose_level(hundred, RefineSettings())
    assert choice.level >= 1
    assert choice.supported == "yes"
    assert choice.sentence.startswith("The data support this prior:")
    assert choice.hidden[1].lift.mean() > choice.hidden[0].lift.mean()


def test_prior_with_few_edges_is_not_judged(small):
    few = np.zeros_like(small.prior)
    few[tuple(np.argwhere(small.prior)[:5].T)] = True
    choice = choose({0: lambda _: np.ones(few.shape)}, few, small.candidate, 0)
    assert choice.supported == "unknown"
    assert "could not be judged" in choice.sentence


# --- blocks ------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 1, 2])
def test_cells_in_many_blocks_give_what_all_at_once_give(
    level, small_data, small_simulation, small, monkeypatch
):
    monkeypatch.setattr("gvci.refiner.residuals.MOST_NUMBERS", 400 * len(small_data.genes))
    parted = Cells.of(small_data, small_simulation.prior)
    assert not parted.values.whole
    assert len(list(parted.values.blocks())) > 3
    np.testing.assert_allclose(whole(parted.values), whole(small.values), atol=2e-6)
    half = np.arange(1, parted.shape[0], 2)
    ours, theirs = (cells.subset(half) for cells in (parted, small))
    np.testing.assert_allclose(whole(ours.values), whole(theirs.values), atol=2e-6)
    for one, other in ((parted, small), (ours, theirs)):
        settings = RefineSettings(components=10, rounds=2)
        found, expected = (fit_level(c, c.prior, level, settings)[0] for c in (one, other))
        np.testing.assert_allclose(found.signed, expected.signed, atol=2e-4)
