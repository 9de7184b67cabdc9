"""Which network has which name."""

from __future__ import annotations

from collections.abc import Mapping

from gvci.config import TrainSettings
from gvci.networks.autoencoder import Autoencoder
from gvci.networks.cevae import CEVAE
from gvci.networks.cpa import CPA
from gvci.networks.ganite import GANITE
from gvci.networks.network import Network, Shape

NETWORKS: Mapping[str, type[Network]] = {
    "ae": Autoencoder,
    "cevae": CEVAE,
    "ganite": GANITE,
    "cpa": CPA,
}


def make_network(settings: TrainSettings, shape: Shape) -> Network:
    """The published network that the settings name, untrained."""
    return NETWORKS[settings.model](settings, shape)
