"""From effect sizes to logits: a two-group model, calibrated against the prior.

An effect of log size x is w(x) = sigmoid(a + b·x) likely to be an edge, judged outside the
prior. With shares p_in and p_out of real edges inside and outside the prior, the densities of x
inside and outside differ by

    r(x) = (1 − w)(1 − p_in)/(1 − p_out) + w p_in/p_out,

and membership in the prior has probability P(in | x) = m_in r / (m_in r + m_out). Its
likelihood is what is maximised: the prior's edges are labels, noisy but informative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

BINS = 300
SLOPE = 2.0  # centre of the penalty on log b
RATE = -3.5  # centre of the penalty on log p_out
STARTS = [(a, np.log(SLOPE), p, np.log(0.3)) for a in (-6.0, -10.0) for p in (0.0, 0.8)]


@dataclass(frozen=True)
class Calibration:
    """The learned logits and what they are made of.

    Attributes:
        logits: L, (n, s) float64: evidence plus the log odds of belief; −60 off the candidates.
        evidence: log f1/f0, (n, s): what the data alone say for the edge.
        p_in, p_out: shares of real edges inside and outside the prior, as the data see them.
        kappa: share of real edges whose effect the data cannot see.
        belief_in, belief_out: P_in and P_out, the shares once invisible edges are counted.
        parameters: (a, log b, logit p_in, logit of p_out's part of its cap): the optimum.
        reference: median size of an effect; x = log(T / reference + 1e-3).
    """

    logits: np.ndarray
    evidence: np.ndarray
    p_in: float
    p_out: float
    kappa: float
    belief_in: float
    belief_out: float
    parameters: tuple[float, ...]
    reference: float

    @property
    def weights(self) -> np.ndarray:
        """W̃ = sigmoid(L), (n, s) (eq. 12)."""
        return sigmoid(self.logits)

    @property
    def prior_floor(self) -> float:
        """W̃ of a prior edge of which the data see nothing."""
        unseen = self.belief_in * self.kappa
        return unseen / (unseen + 1 - self.belief_in)


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e^−v), without overflow."""
    result: np.ndarray = 1 / (1 + np.exp(-np.clip(values, -60, 60)))
    return result


def logit(share: float) -> float:
    """log(p / (1 − p))."""
    return float(np.log(share / (1 - share)))


def log_sizes(size: np.ndarray, reference: float) -> np.ndarray:
    """x = log(T / reference + 1e-3): the constant keeps vanishing effects finite."""
    values: np.ndarray = np.log(size / reference + 1e-3)
    return values


class Membership:
    """The penalised likelihood of membership in the prior, over binned log sizes."""

    def __init__(self, inside: np.ndarray, outside: np.ndarray, trust: float) -> None:
        values = np.concatenate([inside, outside])
        edges = np.linspace(values.min(), values.max() + 1e-9, BINS + 1)
        self.centres = (edges[1:] + edges[:-1]) / 2
        self.inside = np.histogram(inside, edges)[0].astype(float)
        self.outside = np.histogram(outside, edges)[0].astype(float)
        # A prior that is real to a share `trust` holds at least half of all real edges.
        self.cap = min(0.5, trust * len(inside) / len(outside))

    def unpacked(self, parameters: np.ndarray) -> tuple[float, float, float, float]:
        """a, b, p_in, p_out."""
        a, log_b, p_in, p_out = parameters
        return (
            float(a),
            float(np.exp(np.clip(log_b, -20, 20))),
            float(sigmoid(p_in)),
            float(self.cap * sigmoid(p_out)),
        )

    def loss(self, parameters: np.ndarray) -> float:
        """Minus the log likelihood, plus penalties: on w against p_out outside the prior
        (strong: the two must agree), and weak ones that settle what the data leave open."""
        a, b, p_in, p_out = self.unpacked(parameters)
        w = sigmoid(a + b * self.centres)
        ratio = (1 - w) * (1 - p_in) / (1 - p_out) + w * p_in / p_out
        total_in, total_out = self.inside.sum(), self.outside.sum()
        member = total_in * ratio / (total_in * ratio + total_out)
        member = np.clip(member, 1e-9, 1 - 1e-9)
        likelihood = self.inside @ np.log(member) + self.outside @ np.log(1 - member)
        mean_outside = (w @ self.outside) / total_out
        return float(
            -likelihood
            + 50 * (np.log(mean_outside + 1e-9) - np.log(p_out)) ** 2
            + 0.5 * ((np.log(b) - np.log(SLOPE)) / 0.7) ** 2
            + 0.5 * parameters[2] ** 2
            + 0.5 * ((np.log(p_out) - RATE) / 1.5) ** 2
        )


def calibrate(
    size: np.ndarray,
    prior: np.ndarray,
    candidate: np.ndarray,
    trust: float,
    start: tuple[float, ...] | None = None,
) -> Calibration:
    """Fit the two-group model and give every candidate its logit.

    L_ij = log[κ + (1 − κ) exp(a + b x_ij − logit p_out)] + logit(P_in or P_out)

    κ = max(0, 1 − p_in/trust): where fewer of the prior's edges show than the user trusts to
    be real, the rest count as real but invisible, so a prior edge without a visible effect keeps
    a moderate weight. Ranks need κ and the logits; W̃ itself saturates.

    Args:
        size: T, (n, s).
        prior, candidate: (n, s) bool.
        trust: the share of the prior's edges that is believed real.
        start: parameters of an earlier, similar fit; without it four starts are tried.
    """
    seen = size[candidate & (size > 0)]
    reference = float(np.median(seen)) if len(seen) else 1.0
    x = log_sizes(size, reference)
    model = Membership(x[candidate & prior], x[candidate & ~prior], trust)
    fits = [
        minimize(
            model.loss,
            first,
            method="Nelder-Mead",
            options={"maxiter": 1500, "xatol": 1e-3, "fatol": 1e-3},
        )
        for first in ([start] if start is not None else STARTS)
    ]
    best = min(fits, key=lambda fit: float(fit.fun)).x
    a, b, p_in, p_out = model.unpacked(best)
    kappa = max(0.0, 1 - p_in / trust)
    belief_in, belief_out = p_in / (1 - kappa), min(p_out / (1 - kappa), model.cap)
    tilt = np.log1p(-kappa) + a + b * x - logit(p_out)
    evidence = np.logaddexp(np.log(kappa), tilt) if kappa > 0 else tilt
    logits = evidence + np.where(prior, logit(belief_in), logit(belief_out))
    logits[~candidate] = -60.0
    return Calibration(
        logits,
        evidence,
        p_in,
        p_out,
        kappa,
        belief_in,
        belief_out,
        tuple(map(float, best)),
        reference,
    )
