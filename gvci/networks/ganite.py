"""GANITE's counterfactual block (Yoon, Jordon & van der Schaar, ICLR 2018, eqs. 1–4).

    Ỹ(T′) = G(X, T, Y, noise)(T′)
    V_CF  = E [log D(which of Y at T and Ỹ(T′) at T′ was measured | X)]
    min_G max_D α V_CF + V_S,     V_S = −log p(Y | Ỹ(T))        (α is `game_weight`)

The paper's G gives the outcomes of all arms at once and D points at the measured one among
them. With thousands of genes times many arms that is out of reach: here G answers for the
factual T, which V_S supervises, and for ONE sampled T′ per cell; D scores these two and points
by a softmax. T′ is the treatment of another cell of the batch, so labels alone tell D as little
as they can; cells whose T′ is T do not count.

V_S is the log-likelihood that all networks here have, in place of squared error, and Ỹ(T′) a
draw, so that D cannot point at the cell that is merely noisy. V_S adds up over genes, as the
paper's does over outcomes; the whole is divided by their number, to be of the size of the other
networks' objectives. G climbs the log of D's chance to be wrong, which keeps its gradient where
D is sure (Goodfellow 2014). The noise is 0, its mean,
when a cell is predicted. The paper's second block, which predicts effects from X alone, has no
part here: every cell that is moved to T′ has been measured.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from gvci.config import TrainSettings
from gvci.model.encoder import mlp
from gvci.networks.network import Cells, Decoder, Encoder, Network, Shape, reconstruction

NOISE = 16  # numbers per cell, uniform in (−1, 1)


class GANITE(Network):
    """The generator G, of which Z is a layer, and the discriminator D."""

    adversary: torch.nn.Module

    def __init__(self, settings: TrainSettings, shape: Shape) -> None:
        super().__init__(settings, shape)
        s = settings
        self.encoder = Encoder(s, shape, s.latent, NOISE)
        self.decoder = Decoder(s, shape, s.latent + shape.treatments)
        inputs = shape.genes + shape.treatments + shape.covariates
        self.adversary = mlp(inputs, s.discriminator_width, s.discriminator_depth, 1)
        self.weights = {"reconstruction": 1.0, "game": s.game_weight / shape.genes}

    def latent(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """G's layer before T′ enters, without noise, (cells, latent)."""
        return self._latent(y, x, t, y.new_zeros(len(y), NOISE))

    def _latent(self, y: Tensor, x: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        latent: Tensor = self.encoder(y, x, t, noise)
        return latent

    def entering(self, z: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """[Z, T], (cells, latent + r)."""
        return torch.cat([z, t], dim=1)

    def _generated(self, cells: Cells, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """Z with noise, and a draw of Ỹ(T′) (cells, n)."""
        y, x, t, other, share, _ = cells
        uniform = share.drawn(lambda whole: 2 * torch.rand(whole, NOISE, generator=noise) - 1, y)
        z = self._latent(y, x, t, uniform)
        return z, self.outcome(z, x, other).draw(noise, share)

    def told(self, cells: Cells, made: Tensor) -> Tensor:
        """D's log-odds that it points at the measured outcome, (cells,)."""
        y, x, t, other, *_ = cells
        measured = torch.cat([y, t, x], dim=1)
        generated = torch.cat([made, other, x], dim=1)
        logit: Tensor = (self.adversary(measured) - self.adversary(generated))[:, 0]
        return logit

    def loss_terms(self, cells: Cells, noise: torch.Generator) -> dict[str, Tensor]:
        """V_S, and −log(1 − D) of pointing at the measured outcome."""
        y, x, t, *_ = cells
        z, made = self._generated(cells, noise)
        fooled = logsigmoid(-self.told(cells, made))
        return {
            "reconstruction": reconstruction(self.outcome(z, x, t), y),
            "game": -cells.share.mean(fooled, moved(cells)),
        }

    def adversary_loss(self, cells: Cells, noise: torch.Generator) -> Tensor:
        """−V_CF."""
        with torch.no_grad():
            _, made = self._generated(cells, noise)
        return -cells.share.mean(logsigmoid(self.told(cells, made)), moved(cells))


def moved(cells: Cells) -> Tensor:
    """(cells,) 1 where T′ is not T."""
    return (cells.other != cells.treatment).any(dim=1).to(cells.treatment.dtype)
