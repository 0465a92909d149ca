"""A function of one number, sampled for a plot: plain data, no torch, no drawing."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from .shown import Shown

SAMPLES = 61
STEEP = 1 / 20  # a step between two samples of more than this part of the height is looked at
HALVINGS = 14
MOST_EXTRA = 200  # how many more samples may be spent on steep places


class Curve(NamedTuple):
    """Where a function was sampled and what it gave.

    pieces: tuple of tuples of points ``(x, y)``; a line may join the points of one piece.
    jumps: where the function was seen to jump, in order.
    missing: how many of the samples gave no finite number.
    unsure: at how many steep places the curve is broken without having seen a jump.
    """

    pieces: tuple
    jumps: tuple
    missing: int = 0
    unsure: int = 0

    @property
    def heights(self) -> list:
        """What the function gave, where that was a finite number."""
        return [y for piece in self.pieces for _, y in piece]


@dataclass(frozen=True, repr=False)
class Plot(Shown):
    """A curve over ``name`` from ``low`` to ``high``, and its tangent at one point.

    at, value: the point. slope: that of the tangent, None where there is none.
    tracked: whether a gradient was asked for, which tells why there is none.
    """

    name: str
    low: float
    high: float
    curve: Curve
    at: float
    value: float
    slope: float | None
    tracked: bool = True


def curve_of(value_at, low: float, high: float) -> Curve:
    """Sample a function at 61 places from ``low`` to ``high``.

    Args:
        value_at: takes a number and returns one; None where the function has no value.

    A line between two samples claims that the function runs there without a jump. So
    where two neighbours lie far apart, the interval between them is halved: the height
    of a steep slope shrinks with the interval, that of a jump does not. There, at a
    missing sample, and where more than 200 extra samples would be needed to tell, the
    curve is broken. A jump of less than a twentieth of the curve's height is not seen.
    """
    points = [(x, _finite(value_at(x))) for x in places(low, high, SAMPLES)]
    breaks = _breaks(value_at, points)
    jumps = [(left[0] + right[0]) / 2 for left, right, is_seen in breaks.values() if is_seen]
    missing = sum(y is None for _, y in points)
    unsure = len(breaks) - len(jumps)
    return Curve(_pieces(points, breaks), tuple(sorted(jumps)), missing, unsure)


def places(low: float, high: float, count: int) -> list:
    """Return ``count`` values at equal distances from ``low`` to ``high``."""
    width = (high - low) / (count - 1)
    return [*(low + width * place for place in range(count - 1)), high]


def _finite(value):
    return value if value is not None and math.isfinite(value) else None


def _breaks(value_at, points) -> dict:
    """Return, by the number of its left sample, each interval that no line may cross:
    the two points at its break and whether the function was seen to jump there."""
    heights = [y for _, y in points if y is not None]
    if not heights:
        return {}
    least = STEEP * (max(heights) - min(heights))
    steps = {
        count: abs(right[1] - left[1])
        for count, (left, right) in enumerate(zip(points, points[1:]))
        if None not in (left[1], right[1])
    }
    breaks, calls = {}, [MOST_EXTRA]
    for count in sorted((c for c in steps if steps[c] > least), key=lambda c: -steps[c]):
        found = _look_closer(value_at, points[count], points[count + 1], calls)
        if found:
            breaks[count] = found
    return breaks


def _look_closer(value_at, left, right, calls):
    """Halve an interval towards its steepest part; None where it is only steep."""
    ends, enough = (left, right), abs(right[1] - left[1]) / 2
    for _ in range(HALVINGS):
        if not calls[0]:
            return *ends, False
        calls[0] -= 1
        middle = (left[0] + right[0]) / 2
        middle = middle, _finite(value_at(middle))
        if middle[1] is None:
            return left, right, False
        if abs(middle[1] - left[1]) >= abs(right[1] - middle[1]):
            right = middle
        else:
            left = middle
        if abs(right[1] - left[1]) <= enough:
            return None
    return left, right, True


def _pieces(points, breaks) -> tuple:
    pieces, piece = [], []
    for count, point in enumerate(points):
        if point[1] is None:
            pieces.append(piece)
            piece = []
            continue
        piece.append(point)
        if count in breaks:
            left, right, _ = breaks[count]
            pieces.append(piece + [left] * (left != point))
            piece = [right] * (right != points[count + 1])
    pieces.append(piece)
    return tuple(tuple(piece) for piece in pieces if piece)
