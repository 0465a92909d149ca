"""The lines of a ``TrackingMap``: what each statement of the caller's made, counted."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from .source import Place

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

    @property
    def times(self) -> int:
        """How often it ran: as often as that part of it which was met most often."""
        parts = Counter()
        for (part, *_), result in self.results.items():
            parts[part] += result.times
        return max(parts.values(), default=1)
