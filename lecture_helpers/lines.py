"""The lines of a ``TrackingMap``: what each statement of the caller's made, counted."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import nn

from .names import parameters_in
from .source import Place
from .untracked import FROZEN, LEAF

MOST_RESULTS = 40  # kinds of results of one statement


class TrackedResult(NamedTuple):
    """One kind of result of a statement.

    name: what the statement calls it, None where it gives it no name.
    expression: the part of the statement that made it, None where that is not known.
    call: the function of torch that made it, ``""`` where that was not seen.
    shape: None for what is no tensor, and where runs differ.
    tracked: whether autograd tracks it; None for what is not followed.
    why: why it is not tracked, or a remark.
    times: how often it came.
    """

    name: str | None
    expression: str | None
    call: str
    shape: tuple | None
    tracked: bool | None
    why: str | None
    times: int = 1


@dataclass
class Statement:
    """What one statement made, over all its runs: each kind of result with its count."""

    place: Place
    number: int | None
    function: str
    results: dict = field(default_factory=dict)
    calls: Counter = field(default_factory=Counter)
    left_out: int = 0

    def add(self, result: TrackedResult, part: object) -> None:
        """Count a result, together with those of its kind.

        Args:
            part: what tells the parts of the statement apart.
        """
        kind = part, result.name, result.tracked, result.why
        known = self.results.get(kind)
        if known is None:
            if len(self.results) < MOST_RESULTS:
                self.results[kind] = result
            else:
                self.left_out += 1
            return
        shape = known.shape if known.shape == result.shape else None
        times = known.times + (result.tracked is not None)
        self.results[kind] = known._replace(shape=shape, times=times)


def common_shape(results) -> tuple | None:
    """Return the shape of several results, None where they differ."""
    shapes = {result.shape for result in results}
    return shapes.pop() if len(shapes) == 1 else None


def of_module(name, value) -> list | None:
    """Return what is known of a module that was found under a name; None for another thing."""
    if not issubclass(type(value), nn.Module):
        return None
    count = Counter(held.tensor.requires_grad for held in parameters_in(value))
    return [
        TrackedResult(f"{name} ({number} parameters)", None, "", None, tracked,
                      LEAF if tracked else FROZEN)
        for tracked, number in sorted(count.items(), reverse=True)
    ]  # fmt: skip
