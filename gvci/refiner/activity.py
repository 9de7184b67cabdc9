"""Level 2: a regulator's activity is inferred from its own mRNA and from its targets.

mRNA is a noisy reading of what a regulator does. The model is Z_S = η + noise(ψ_S) and
Z_i = Σ_j A_ij η_j + noise(ψ_i) with A = W̃ ∘ B, the gated messages. Each round infers η (messages
from targets to regulators), then regresses on it (messages from regulators to targets) and
calibrates anew, so the gates of the next round know more.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from gvci.refiner.calibrated import Effects, Moments, regression
from gvci.refiner.calibration import Calibration, calibrate
from gvci.refiner.cells import Cells

LEAST_VARIANCE = 0.05


def infer(
    cells: Cells,
    gated: np.ndarray,
    target_noise: np.ndarray,
    source_noise: float,
    covariance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """How activities are read, (n, s) float32, and their covariance V, (s, s), in every cell.

    V = (Σ⁻¹ + ψ_S⁻¹ + Aᵀ ψ⁻¹ A)⁻¹ is the same for all cells; the posterior mean is
    E = Z · reading = (Z_S ψ_S⁻¹ + Z ψ⁻¹ A) V.

    Args:
        cells: the residuals.
        gated: A over the genes that are no source, (n − s, s).
        target_noise: ψ of these genes, (n − s,).
        source_noise: ψ_S, the share of a regulator's mRNA variance that is noise.
        covariance: Σ of the activities, (s, s), positive definite.
    """
    s = len(cells.sources)
    scaled = gated / target_noise[:, None]
    precision = scipy.linalg.inv(covariance) + np.eye(s) / source_noise + scaled.T @ gated
    variance = scipy.linalg.inv(precision)
    variance = (variance + variance.T) / 2
    reading = np.zeros((cells.shape[1], s))
    reading[cells.targets] = scaled
    reading[cells.sources, np.arange(s)] = 1 / source_noise
    return (reading @ variance).astype(np.float32), variance


def alternate(
    cells: Cells,
    prior: np.ndarray,
    ridge: float,
    trust: float,
    reliability: float,
    rounds: int,
) -> tuple[Effects, Calibration]:
    """Infer activities and refit, `rounds` times from level 1.

    Args:
        cells: the residuals.
        prior: (n, s) bool; may hide some of the cells' own prior.
        ridge, trust: as for levels 0 and 1.
        reliability: share of a regulator's mRNA variance that is activity. Fixed: learned, it
            overfits.
        rounds: how often.
    """
    n_cells = cells.shape[0]
    candidate, targets = cells.candidate, cells.targets
    moments = Moments.of(cells)
    effects = regression(cells, moments, ridge)
    found = calibrate(effects.size, prior, candidate, trust)
    noise = 1 - reliability
    values, vectors = np.linalg.eigh(moments.gram / n_cells - noise * np.eye(len(cells.sources)))
    covariance = (vectors * np.maximum(values, LEAST_VARIANCE)) @ vectors.T
    for _ in range(rounds):
        gated = (effects.signed * found.weights)[targets]
        explained = (gated * moments.cross[targets]).sum(axis=1)
        modelled = ((gated @ moments.gram) * gated).sum(axis=1)
        left = (n_cells - 2 * explained + modelled) / n_cells
        reading, variance = infer(cells, gated, np.maximum(left, LEAST_VARIANCE), noise, covariance)
        moments = Moments.of(cells, reading, variance)
        covariance = moments.gram / n_cells
        effects = regression(cells, moments, ridge)
        found = calibrate(effects.size, prior, candidate, trust, found.parameters)
    return effects, found
