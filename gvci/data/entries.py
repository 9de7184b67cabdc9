"""Everything that the catalogue knows by name."""

from gvci.data.entry import CatalogueEntry, Kind
from gvci.data.public_datasets import DATASETS
from gvci.data.public_networks import GENE_SETS, NETWORKS

__all__ = ["ENTRIES", "CatalogueEntry", "Kind"]

ENTRIES: tuple[CatalogueEntry, ...] = DATASETS + NETWORKS + GENE_SETS
