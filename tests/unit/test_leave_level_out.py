"""ridge, stack, auto and what they are judged by: literal forms, hidden truths, known winners."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from gvci.baselines import (
    BASELINES,
    additive,
    additive_counts,
    answers,
    auto,
    best,
    choice,
    leave_level_out,
    no_change,
    ridge,
    similar,
    stack,
)
from gvci.baselines.ridge import ALPHAS, left_out
from gvci.pseudobulk import Pseudobulks

LEVELS, DONORS, LABELS = "ABC", "12", ("K1", "K2", "K3", "K4")
Truth = Callable[[str, str, str], np.ndarray]


def made(truth: Truth, genes: int = 40, hide: tuple[str, str] = ("C", "K1")) -> Pseudobulks:
    """Pseudobulks "level · donor" of four perturbations; one hidden from a level."""
    pairs = sorted(
        (f"{level} · {donor}", label)
        for level in LEVELS
        for donor in DONORS
        for label in ("ctrl", *LABELS)
        if (level, label) != hide
    )
    means = np.stack([truth(g.split(" · ")[0], g.split(" · ")[1], label) for g, label in pairs])
    n = len(pairs)
    levels = {f"{level} · {donor}": level for level in LEVELS for donor in DONORS}
    assert means.shape == (n, genes)
    return Pseudobulks(
        "ctrl", "type", levels, tuple(pairs), means, np.full(n, 40), np.ones(n, dtype=bool)
    )


def profile(*names: object, genes: int = 40, size: float = 1.0) -> np.ndarray:
    """A profile that belongs to these names."""
    seed = [sum(ord(c) * 31**i for i, c in enumerate(str(name))) for name in names]
    return np.random.default_rng(seed).normal(0, size, genes)


def level_of(level: str, donor: str) -> np.ndarray:
    """Control level of a group, well above 0; donors differ less than levels."""
    return 8 + profile("level", level) + 0.2 * profile("donor", level, donor)


def additive_truth(level: str, donor: str, label: str) -> np.ndarray:
    """Each perturbation adds the same everywhere, up to a little noise."""
    change = 0 if label == "ctrl" else profile("change", label)
    return level_of(level, donor) + change + 0.02 * profile("noise", level, donor, label)


def shared_truth(level: str, donor: str, label: str) -> np.ndarray:
    """Everything but the control looks the same, whatever it is; controls are off by a shift."""
    shift = 0 if label == "ctrl" else 2 * profile("shift", level, donor)
    return level_of(level, donor) + shift + 0.02 * profile("noise", level, donor, label)


def mixed_truth(level: str, donor: str, label: str) -> np.ndarray:
    """Changes common to all levels, and changes of each level alone."""
    if label == "ctrl":
        return level_of(level, donor)
    change = profile("change", label) + 0.7 * profile("own", level, label)
    return level_of(level, donor) + change + 0.1 * profile("noise", level, donor, label)


# --- literal forms ---------------------------------------------------------------------


def test_additive_in_counts_gene_by_gene() -> None:
    bulks = made(mixed_truth)
    answer = additive_counts(bulks, "C · 1", "K1").mean
    for gene in range(40):
        steps = []
        for donor in ("A · 1", "A · 2", "B · 1", "B · 2"):
            counts = [np.exp(bulks.mean(donor, label)[gene]) - 1 for label in ("K1", "ctrl")]
            steps.append(np.log(counts[0] + 0.1) - np.log(counts[1] + 0.1))
        counts = (np.exp(bulks.control_mean("C · 1")[gene]) - 1 + 0.1) * np.exp(np.mean(steps))
        assert answer[gene] == pytest.approx(np.log(1 + max(counts - 0.1, 0)))


def test_similar_weighs_donors_by_the_likeness_of_their_control_cells() -> None:
    bulks = made(mixed_truth)
    donors = ["A · 1", "A · 2", "B · 1", "B · 2"]
    control = bulks.control_mean("C · 1")
    d = [sum((bulks.control_mean(donor) - control) ** 2) for donor in donors]
    weights = [np.exp(-x / min(d)) for x in d]
    change = sum(w * bulks.delta(g, "K1") for w, g in zip(weights, donors, strict=True))
    expected = np.maximum(control + change / sum(weights), 0)
    np.testing.assert_allclose(similar(bulks, "C · 1", "K1").mean, expected)


def test_groups_of_the_same_level_are_donors_like_others_when_they_were_measured() -> None:
    bulks = made(mixed_truth)
    near = similar(bulks, "A · 1", "K1").mean - bulks.control_mean("A · 1")
    other = bulks.delta("A · 2", "K1")
    assert np.corrcoef(near, other)[0, 1] > 0.95


def test_a_donor_with_the_very_profile_has_all_the_weight() -> None:
    bulks = made(
        lambda level, donor, label: mixed_truth("A" if level == "C" else level, "1", label)
    )
    answer = similar(bulks, "C · 1", "K1").mean
    np.testing.assert_allclose(answer, bulks.mean("A · 1", "K1"))


def literal_ridge(bulks: Pseudobulks, group: str, label: str) -> tuple[np.ndarray, float]:
    """sklearn's Ridge, its alpha by refitting without one pseudobulk at a time."""
    rows = [i for pair, i in bulks.row.items() if pair != (group, label)]
    groups, labels = (sorted({pair[i] for pair in bulks.pairs}) for i in (0, 1))

    def design(group: str, label: str) -> np.ndarray:
        return np.array([float(g == group) for g in groups] + [float(p == label) for p in labels])

    x, y = np.stack([design(*bulks.pairs[i]) for i in rows]), bulks.means[rows]
    errors = []
    for alpha in ALPHAS:
        error = 0.0
        for i in range(len(rows)):
            others = np.arange(len(rows)) != i
            fit = Ridge(alpha=alpha).fit(x[others], y[others])
            error += np.sum((fit.predict(x[i : i + 1])[0] - y[i]) ** 2)
        errors.append(error)
    alpha = ALPHAS[int(np.argmin(errors))]
    return np.maximum(Ridge(alpha=alpha).fit(x, y).predict(design(group, label)[None])[0], 0), alpha


@pytest.mark.parametrize("truth", [additive_truth, mixed_truth])
def test_ridge_is_sklearns_with_the_penalty_of_least_leave_one_out_error(truth: Truth) -> None:
    bulks = made(truth)
    views = (bulks, bulks.without("A", "K2"), bulks.without("A", "K2").without("B", "K1"))
    for view in views:
        for pair in (("C · 1", "K1"), ("A · 2", "K3")):
            expected, alpha = literal_ridge(view, *pair)
            smoother, out = left_out(view, *pair)
            assert smoother.penalty(out) == alpha
            np.testing.assert_allclose(ridge(view, *pair).mean, expected, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(LEVELS), st.sampled_from(LABELS))
def test_leaving_out_is_the_same_as_never_having_measured(
    seed: int, level: str, label: str
) -> None:
    bulks = made(lambda *names: np.maximum(mixed_truth(*names) + profile(seed, *names), 0))
    hidden = bulks.without(level, label)
    keep = np.flatnonzero(hidden.kept)
    fresh = Pseudobulks(
        "ctrl", "type", bulks.levels, tuple(bulks.pairs[i] for i in keep), bulks.means[keep],
        bulks.counts[keep], np.ones(len(keep), dtype=bool),
    )  # fmt: skip
    for name, answer in answers(hidden, f"{level} · 1", label).items():
        np.testing.assert_allclose(
            answer.mean, answers(fresh, f"{level} · 1", label)[name].mean, atol=1e-7
        )


# --- honesty ---------------------------------------------------------------------------


# stack and auto learn from the pair as a donor of other levels: see the next test.
@pytest.mark.parametrize("name", sorted(set(BASELINES) - {"stack", "auto"}))
def test_a_pair_is_predicted_as_if_it_had_not_been_measured(name: str) -> None:
    def changed(level: str, donor: str, label: str) -> np.ndarray:
        own = (level, donor, label) == ("B", "2", "K3")
        return mixed_truth(level, donor, label) + (9 if own else 0)

    one, other = (BASELINES[name](made(t), "B · 2", "K3").mean for t in (mixed_truth, changed))
    np.testing.assert_allclose(one, other)


def test_leave_level_out_does_not_see_the_level() -> None:
    def changed(level: str, donor: str, label: str) -> np.ndarray:
        own = (level, label) == ("B", "K3")
        return mixed_truth(level, donor, label) + (profile(donor) if own else 0)

    def asked(truth: Truth) -> dict[str, np.ndarray]:
        pairs = leave_level_out(made(truth))
        return next(p.means for p in pairs if (p.group, p.perturbation) == ("B · 1", "K3"))

    before, after = asked(mixed_truth), asked(changed)
    for name in set(before) - {"stack"}:
        np.testing.assert_allclose(before[name], after[name], err_msg=name)
    # The network learned of other levels, for which this pair is a donor: a nudge, not an answer.
    moved = np.abs(after["stack"] - before["stack"]).mean()
    assert moved < 0.2 * np.abs(profile("1")).mean()


def test_inner_pairs_are_those_that_another_level_has() -> None:
    bulks = made(mixed_truth)
    pairs = {(p.group, p.perturbation) for p in leave_level_out(bulks)}
    assert pairs == {pair for pair in bulks.pairs if pair[1] != "ctrl"}
    few = Pseudobulks(
        "ctrl", "type", bulks.levels, bulks.pairs, bulks.means, np.full(len(bulks.pairs), 9),
        bulks.kept,
    )  # fmt: skip
    assert leave_level_out(few) == []
    assert choice(few).n_pairs == 0
    assert best(few) == "additive"
    only = bulks.without("A", "K4").without("B", "K4")
    assert "K4" not in {p.perturbation for p in leave_level_out(only)}
    for pair in leave_level_out(bulks):
        np.testing.assert_array_equal(pair.truth, bulks.mean(pair.group, pair.perturbation))
        assert set(pair.means) == set(BASELINES) - {"auto"}
        assert pair.n_cells == 40


def test_many_pairs_are_sampled_by_a_fixed_seed() -> None:
    labels = [f"K{i:03d}" for i in range(150)]
    pairs = tuple(sorted((g, p) for g in "AB" for p in ("ctrl", *labels)))
    means = np.stack([5 + profile(*pair, genes=4) for pair in pairs])

    def bulks() -> Pseudobulks:
        n = len(pairs)
        return Pseudobulks(
            "ctrl", "type", {"A": "A", "B": "B"}, pairs, means, np.full(n, 40), np.ones(n, bool)
        )

    one, other = ([(p.group, p.perturbation) for p in leave_level_out(bulks())] for _ in range(2))
    assert len(one) == 200
    assert one == other


# --- the right one ---------------------------------------------------------------------


def test_auto_takes_the_additive_baseline_or_its_kin_where_changes_add_up() -> None:
    bulks = made(additive_truth)
    chosen = choice(bulks)
    assert chosen.errors[chosen.name] == min(chosen.errors.values())
    assert chosen.errors["additive"] < 0.01 * chosen.errors["perturbed_mean"]
    answer = auto(bulks, "C · 1", "K1").mean
    np.testing.assert_allclose(answer, additive_truth("C", "1", "K1"), atol=0.15)


def test_auto_takes_the_perturbed_mean_where_only_the_control_differs() -> None:
    assert best(made(shared_truth)) == "perturbed_mean"


def test_auto_takes_no_change_where_nothing_happens() -> None:
    bulks = made(lambda level, donor, label: level_of(level, donor))
    assert best(bulks) == "no_change"  # all agree but those that mix groups: the simplest
    np.testing.assert_allclose(
        auto(bulks, "C · 1", "K1").mean, no_change(bulks, "C · 1", "K1").mean, atol=1e-9
    )


def test_the_network_learns_what_no_baseline_says_and_else_leaves_it() -> None:
    # A perturbation does to a gene what its level there says: the additive baseline cannot know.
    def gated(level: str, donor: str, label: str) -> np.ndarray:
        base = level_of(level, donor)
        change = 0 if label == "ctrl" else 1.5 * np.tanh(2 * (base - 8)) * (profile(label) > 0)
        return base + change + 0.02 * profile("noise", level, donor, label)

    bulks = made(gated)
    errors = choice(bulks).errors
    simple = min(error for name, error in errors.items() if name != "stack")
    assert errors["stack"] < 0.9 * simple
    truth = gated("C", "1", "K1")
    found = {n: np.mean((f(bulks, "C · 1", "K1").mean - truth) ** 2) for n, f in BASELINES.items()}
    assert found["stack"] < found["additive"]
    plain = choice(made(additive_truth)).errors
    assert plain["stack"] < 1.2 * min(plain.values())


def test_too_few_pairs_to_learn_from_are_said() -> None:
    hidden = made(mixed_truth)
    for label in LABELS[1:]:
        for level in LEVELS:
            hidden = hidden.without(level, label)
    two = hidden.hiding([("A · 1", "K1")])
    answer = stack(two, "C · 1", "K1")
    np.testing.assert_array_equal(answer.mean, similar(two, "C · 1", "K1").mean)
    assert "Fewer than 4 measured pairs can teach the stacking network" in answer.note


def test_all_answers_together_are_those_one_by_one() -> None:
    bulks = made(mixed_truth)
    for pair in (("C · 1", "K1"), ("A · 2", "K4")):
        together = answers(bulks, *pair)
        assert list(together) == list(BASELINES)
        for name, predict in BASELINES.items():
            np.testing.assert_array_equal(together[name].mean, predict(bulks, *pair).mean)


# --- combinations ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["additive", "additive_counts", "similar", "ridge", "stack"])
def test_a_combination_never_seen_is_the_sum_of_its_parts(name: str) -> None:
    bulks = made(mixed_truth)
    control = bulks.control_mean("C · 1")
    # K2 was measured in the group itself, K1 was not.
    change = bulks.delta("C · 1", "K2") + BASELINES[name](bulks, "C · 1", "K1").mean - control
    answer = BASELINES[name](bulks, "C · 1", "K1+K2")
    np.testing.assert_allclose(answer.mean, np.maximum(control + change, 0))
    assert answer.note == (
        "No group beside C · 1 has K1+K2: its change is taken as the sum of those of K1 and K2."
    )


def test_an_unknown_perturbation_is_the_control_mean_and_says_so() -> None:
    bulks = made(mixed_truth)
    answer = additive(bulks, "C · 1", "K1+unknown")
    np.testing.assert_array_equal(answer.mean, bulks.control_mean("C · 1"))
    assert "are the control mean" in answer.note
