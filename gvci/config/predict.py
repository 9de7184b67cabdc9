"""Which cells are predicted under what, as a job asks it of the command line."""

from __future__ import annotations

from pydantic import Field

from gvci.config.base import Settings
from gvci.config.train import PredictMode


class PredictSettings(Settings):
    """Cells of a run under another perturbation."""

    perturbation: str = Field(min_length=1, description="a label, or 'A+B'")
    cells: tuple[str, ...] = Field((), description="'column=value'; none for all control cells")
    dose: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        description="of the perturbation; 1 where the data have no doses",
    )
    mode: PredictMode = Field("residual", description="how a prediction is read out")
    seed: int = Field(0, ge=0, lt=2**63, description="of mode 'sample'")
