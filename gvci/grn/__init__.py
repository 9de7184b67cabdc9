"""The gene regulatory network, and the files that one is read from.

An edge goes from `source` (regulator, TF) to `target`. Files and tables are edge lists;
a matrix is made in one place only, `GRN.to_adjacency`, and it is `[target, source]`, so a
row holds a target's regulators (docs/method.md §1).
"""

from gvci.grn.edges import from_edges
from gvci.grn.gmt import read_gene_list, read_gmt_sets
from gvci.grn.matrix import Orientation
from gvci.grn.network import GRN
from gvci.grn.read import read_grn

__all__ = ["GRN", "Orientation", "from_edges", "read_gene_list", "read_gmt_sets", "read_grn"]
