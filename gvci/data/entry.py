"""What the catalogue says of one named thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["dataset", "prior", "truth", "genes"]
# ChIP sets of man and mouse; databases joined per edge; no line of column names.
Form = Literal["common", "chip-sets", "joined", "no-header"]


@dataclass(frozen=True)
class CatalogueEntry:
    """One named thing.

    Attributes:
        kinds: what it serves as; a network may be a prior and a truth.
        file: name in GVCI_DATA_DIR and in the cache; empty where gvci simulates it.
        size: bytes; cells, genes: of a dataset. None where not known.
        may_ship: the licence lets this project carry it.
        urls: direct downloads, tried in order; empty where it must be fetched by hand.
        source: page or accession where it comes from.
        columns: perturbation, control, covariates, real_covariates, dose, as in PrepareSettings.
        holdout, ood: what to hold out where the user does not say.
        sets: words that choose gene sets, or the databases of a joined table.
        ask_licence: the licence is shown and must be accepted before a download.
        form: how a network's file is written, where that is not one of the common ways.
    """

    name: str
    title: str
    about: str
    kinds: tuple[Kind, ...]
    file: str = ""
    size: int | None = None
    cells: int | None = None
    genes: int | None = None
    licence: str = ""
    may_ship: bool = False
    citation: str = ""
    urls: tuple[str, ...] = ()
    source: str = ""
    sha256: str | None = None
    aliases: tuple[str, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    holdout: tuple[str, ...] = ()
    ood: Literal["auto", "none"] | None = None
    simulated: bool = False
    sets: tuple[str, ...] = ()
    ask_licence: bool = False
    form: Form = "common"

    @property
    def kind(self) -> Kind:
        """What it serves as first."""
        return self.kinds[0]
