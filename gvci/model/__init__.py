"""graphVCI: encoder, decoders, the distribution term, and where it starts (paper §2.1–2.2)."""

from gvci.model.graphvci import Batch, GraphVCI, Sizes

__all__ = ["Batch", "GraphVCI", "Sizes"]
