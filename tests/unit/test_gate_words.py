"""λ in words: every state of the gate has its own sentence, with the true figures in it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci.baselines import BASELINES
from gvci.gate.gate import SHARES, Gate
from gvci.gate.words import gate_sentence, pair_sentence, shares

MIXED = Gate(
    0.75, "stack", ("B", "T"), ("IRF1", "STAT1"), np.ones((2, 2, 3), dtype=np.float32),
    np.ones(3, dtype=np.float32), 8, 0.85, 0.07,
)  # fmt: skip
UNTESTED = Gate(1.0, "ridge", (), (), np.zeros((0, 0, 3), dtype=np.float32))


def test_the_mixture_names_both_shares_and_its_grounds():
    assert gate_sentence(MIXED) == (
        "Predicted mean: 75 % network, 25 % the stacking network (chosen on 8 held-out inner "
        "pairs, where the mixture's squared error is 0.85 ± 0.07 of the baseline's)."
    )


def test_a_shut_gate_says_whose_mean_it_is():
    said = gate_sentence(dataclasses.replace(MIXED, share=0.0, ratio=1.04, ratio_se=0.1))
    assert "not clearly better than the stacking network on 8 held-out inner pairs" in said
    assert "the mean is the baseline's; at best the mixture's squared error was 1.04 ± 0.10" in said
    assert "Cells keep the network's differences." in said


def test_a_network_alone_is_either_tested_or_not():
    tested = gate_sentence(dataclasses.replace(MIXED, share=1.0))
    assert tested.startswith("Predicted mean: the network alone (chosen on 8")
    assert "where its squared error is 0.85" in tested
    assert "untested out of distribution" in gate_sentence(UNTESTED)


def test_a_measured_pair_is_the_networks_whatever_the_gate():
    for gate in (MIXED, UNTESTED):
        said = pair_sentence(gate, "B", "IRF1", measured=True)
        assert said == "This pair was in the training data: the network answers alone."


@pytest.mark.parametrize("pair", [("B", "IRF1+STAT1"), ("NK", "IRF1")])
def test_no_share_is_claimed_where_the_gate_has_no_mean(pair: tuple[str, str]):
    assert not MIXED.knows(*pair)
    assert not MIXED.mixes(*pair)
    said = pair_sentence(MIXED, *pair, measured=False)
    assert "75 %" not in said
    assert "The network answers alone, untested" in said


@given(
    st.sampled_from([0.0, *SHARES]), st.sampled_from(list(BASELINES)), st.integers(1, 500),
    st.floats(0, 3), st.one_of(st.floats(0, 3), st.just(float("inf"))),
)  # fmt: skip
def test_every_state_is_a_sentence_without_loose_ends(share, baseline, pairs, ratio, error):
    gate = dataclasses.replace(
        MIXED, share=share, baseline=baseline, pairs=pairs, ratio=ratio, ratio_se=error
    )
    said = gate_sentence(gate)
    assert said.endswith(".")
    assert not {"None", "inf", "nan"} & set(said.replace(")", " ").split())
    parts = [int(word) for word in shares(share, baseline).split() if word.isdigit()]
    assert sum(parts) == (100 if 0 < share < 1 else 0)
