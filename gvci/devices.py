"""Several processes that train one model: each computes a share of every batch.

What one process would draw for a cell is drawn for it whoever computes it, and gradients are
summed with the shares' weights, so N processes take the steps of one. Lightning Fabric starts
and connects the processes (gvci/launch.py). The sums are made here, not by torch's DDP module,
which weighs all processes alike whatever their shares and hides the stratum means that the
kernel `means` needs of the whole batch.

The first process validates, writes, tells and decides; the others wait for what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from gvci.errors import GvciError, TrainingError

Answer = TypeVar("Answer")


class Devices:
    """One process on the CPU: nothing is divided, and nobody is waited for.

    Attributes:
        rank: of this process, 0 for the first.
        size: number of processes.
        device: where this process computes.
    """

    rank, size = 0, 1
    device = torch.device("cpu")

    def __repr__(self) -> str:
        return f"process {self.rank + 1} of {self.size}"

    def share(self, cells: int) -> Share:
        """What this process computes of a batch; all of one with fewer cells than processes."""
        if cells < self.size:
            return Share(self, slice(0, cells), cells, 1 / self.size)
        start, stop = (cells * rank // self.size for rank in (self.rank, self.rank + 1))
        return Share(self, slice(start, stop), cells, (stop - start) / cells)

    def sum(self, tensor: Tensor) -> Tensor:
        """Over all processes, in place; without gradient."""
        return tensor

    def most(self, number: int) -> int:
        """The largest of all processes."""
        return number

    def first(self, do: Callable[[], Answer]) -> Answer:
        """What `do` gives on the first process, which alone runs it; its error is everyone's."""
        return do()

    def together(self, do: Callable[[], Answer]) -> Answer:
        """What `do` gives on each process; an error of one is everyone's."""
        return do()

    def same(self, key: str) -> None:
        """Make sure that all processes train the same.

        Raises:
            TrainingError: another process has other data, settings or network.
        """
        wanted = self.first(lambda: key)

        def compare() -> None:
            if key != wanted:
                message = (
                    f"Process {self.rank} of {self.size} has other data, settings or network than "
                    "the first. Give every node the same files and the same command."
                )
                raise TrainingError(message)

        self.together(compare)

    def end(self) -> None:
        """The first process goes on alone; the others end here."""


class Several(Devices):
    """One of several connected processes.

    Args:
        rank, size: of this process, and their number.
        device: where it computes.
    """

    def __init__(self, rank: int, size: int, device: torch.device) -> None:
        self.rank, self.size, self.device = rank, size, device

    def sum(self, tensor: Tensor) -> Tensor:
        """Over all processes, in place; without gradient."""
        _meet(lambda: dist.all_reduce(tensor))
        return tensor

    def most(self, number: int) -> int:
        """The largest of all processes."""
        tensor = torch.tensor(number, device=self.device)
        _meet(lambda: dist.all_reduce(tensor, dist.ReduceOp.MAX))
        return int(tensor)

    def first(self, do: Callable[[], Answer]) -> Answer:
        """What `do` gives on the first process, which alone runs it; its error is everyone's."""
        said: list[Any] = [None, None]  # the answer, what went wrong
        fault: Exception | None = None
        if self.rank == 0:
            try:
                said[0] = do()
            except (GvciError, OSError) as error:
                fault, said[1] = error, _sentence(error)
        _meet(lambda: dist.broadcast_object_list(said, device=self.device))
        if said[1] is not None:
            raise fault or TrainingError(said[1])
        answer: Answer = said[0]
        return answer

    def together(self, do: Callable[[], Answer]) -> Answer:
        """What `do` gives on each process; an error of one is everyone's."""
        fault: Exception | None = None
        try:
            answer = do()
        except (GvciError, OSError) as error:
            fault = error
        sentences: list[Any] = [None] * self.size
        own = None if fault is None else _sentence(fault)
        _meet(lambda: dist.all_gather_object(sentences, own))
        wrong = next((sentence for sentence in sentences if sentence is not None), None)
        if wrong is not None:
            raise fault or TrainingError(wrong)
        return answer

    def end(self) -> None:
        """The first process goes on alone; the others end here."""
        self.first(lambda: None)
        if self.rank:
            raise SystemExit(0)


ALONE = Devices()


@dataclass(frozen=True)
class Share:
    """The cells of a batch that one process computes, and what it hears of the others' cells.

    Attributes:
        devices: whose share it is.
        cells: which cells of the batch.
        whole: number of cells of the batch; None for a batch that is not divided.
        weight: of a mean over these cells in the mean over the batch.
    """

    devices: Devices
    cells: slice
    whole: int | None
    weight: float

    def drawn(self, draw: Callable[[int], Tensor], like: Tensor) -> Tensor:
        """Of what `draw` gives for all cells of the batch the part of these, like `like`."""
        whole = len(like) if self.whole is None else self.whole
        return draw(whole)[self.cells].to(like)

    def noise(self, like: Tensor, generator: torch.Generator | None) -> Tensor:
        """Standard normal draws of the shape of `like` (cells, …)."""
        shape, kind = like.shape[1:], like.dtype
        return self.drawn(
            lambda cells: torch.randn(cells, *shape, generator=generator, dtype=kind), like
        )

    def mean(self, values: Tensor, weights: Tensor) -> Tensor:
        """What a mean over these cells has to be for a weighted mean over the batch, or 0.

        Args:
            values, weights: (cells,).
        """
        whole = self.total(weights.sum()).clamp_min(1) * self.weight
        return (values * weights).sum() / whole

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, through which gradients go back to all of them."""
        if self.devices.size == 1:
            return values
        total: Tensor = _Total.apply(values, self.devices)  # type: ignore[no-untyped-call]
        return total

    def most(self, number: int) -> int:
        """The largest of all processes."""
        return self.devices.most(number)

    def backward(self, loss: Tensor, parameters: Iterable[Tensor]) -> None:
        """Gradients of the whole batch's loss, of which `loss` is the mean over this share."""
        (loss * self.weight).backward()  # type: ignore[no-untyped-call]
        if self.devices.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = self.devices.sum(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def means(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        """Each term's mean over the whole batch."""
        values = torch.stack([value.detach() for value in terms.values()]) * self.weight
        return dict(zip(terms, self.devices.sum(values).tolist(), strict=True))


WHOLE = Share(ALONE, slice(None), None, 1.0)  # of a batch that every process has


class _Total(torch.autograd.Function):
    """A sum over processes: the loss of each depends on what every other put in."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, devices: Devices) -> Tensor:
        ctx.devices = devices
        return devices.sum(values.clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total: Tensor = ctx.devices.sum(gradients[0].clone())
        return total, None


def _meet(call: Callable[[], Any]) -> None:
    """Exchange something with all processes.

    Raises:
        TrainingError: one of them is gone.
    """
    try:
        call()
    except RuntimeError as error:
        message = (
            "Another process of this training ended or no longer answers; what it printed last "
            "may say why. The same command goes on where training was last saved."
        )
        raise TrainingError(message) from error


def _sentence(error: Exception) -> str:
    """What the command line would say of it."""
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}."
    return str(error)
