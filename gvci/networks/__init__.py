"""The published networks that graphVCI is compared with (paper, Table 1).

autoencoder.py   AE      autoencoder with covariates and treatment as extra inputs
cevae.py         CEVAE   causal-effect variational autoencoder (Louizos 2017)
ganite.py        GANITE  its counterfactual block (Yoon 2018)
cpa.py           CPA     compositional perturbation autoencoder (Lotfollahi 2021)

All read the batches of graphVCI and go through its loop, by the task of
gvci/training/network_task.py, and answer as the `Member` of gvci/prediction/network_member.py.
All have the widths of preset `paper`. What they share is network.py. VCI is graphVCI without the
graph and stays where graphVCI is.

The papers answer with the decoder's mean under T′ (`mode="mean"`). `residual`, the cell plus
μ(Z, T′) − μ(Z, T), is this project's and works for them as well.
"""

from gvci.networks.network import Cells, Network, Shape
from gvci.networks.registry import NETWORKS, make_network

__all__ = ["NETWORKS", "Cells", "Network", "Shape", "make_network"]
