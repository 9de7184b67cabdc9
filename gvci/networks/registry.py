"""Which network has which name."""

from __future__ import annotations

from collections.abc import Mapping

from gvci.config import TrainSettings
from gvci.networks.autoencoder import Autoencoder
from gvci.networks.network import Network, Shape

NETWORKS: Mapping[str, type[Network]] = {"ae": Autoencoder}


def make_network(settings: TrainSettings, shape: Shape) -> Network:
    """The published network that the settings name, untrained."""
    return NETWORKS[settings.model](settings, shape)
