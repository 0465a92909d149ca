"""How a training went, as plain data: its losses, and its way over the loss.

``plot_losses`` and ``plot_path`` collect; ``draw/losses.py`` and ``draw/path.py`` draw.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import torch

from .curve import Curve, curve_of, places
from .devices import device
from .shown import Shown

GRID = 31  # places along each side at which a loss of two parameters is computed
MOST_CURVES = 4


class LossCurve(NamedTuple):
    """The losses of one training, in order, under its name ("" where it has none)."""

    name: str
    values: tuple


@dataclass(frozen=True, repr=False)
class LossPlot(Shown):
    """Losses over steps: what ``plot_losses`` returns.

    curves: tuple of ``LossCurve``. log: whether the axis of the losses is logarithmic.
    """

    curves: tuple
    log: bool = False


class Range(NamedTuple):
    """A parameter's name and the part of its values that is shown."""

    name: str
    low: float
    high: float


class TrainingPath(NamedTuple):
    """Where the parameters stood, in order, under a name ("" where it has none).

    points: tuple of tuples, a number for each parameter. losses: the loss at each point.
    """

    name: str
    points: tuple
    losses: tuple


@dataclass(frozen=True, repr=False)
class PathPlot(Shown):
    """Paths over the loss as a function of one or two parameters: what ``plot_path`` returns.

    ranges: a ``Range`` for each parameter. paths: tuple of ``TrainingPath``.
    ground: the loss itself. Over one parameter a ``Curve``; over two its values on a
        square grid, a tuple of 31 rows, one for each value of the second parameter from
        low to high, None where it is no finite number.
    """

    ranges: tuple
    paths: tuple
    ground: Curve | tuple


def plot_losses(losses, *, log: bool = False) -> LossPlot:
    """Plot the losses of one training or of several over their steps.

    ::

        plot_losses({"by hand": losses, "SGD": others})

    Args:
        losses: a list of numbers, or a dict of up to four such lists, each under its name.
            The first number is drawn at step 0. A tensor of one element counts as a number.
        log: whether the axis of the losses is logarithmic: a loss that shrinks by the same
            factor in each step is then a straight line. A loss that is not above 0 has no
            place there, and is left out.

    Raises:
        TypeError: what is given is no list of numbers.
        ValueError: there is no list, an empty one, or more than four.
    """
    curves = []
    for name, values in _named(losses, "plot_losses").items():
        curves.append(LossCurve(name, tuple(_numbers(values, "plot_losses"))))
        if not curves[-1].values:
            raise ValueError("plot_losses was given no loss; give one number at least for each")
    return LossPlot(tuple(curves), bool(log))


def plot_path(loss, path, /, **ranges) -> PathPlot:
    """Plot the way of one parameter or two over the loss.

    ::

        plot_path(loss_of, ws, w=(0, 5))
        plot_path(loss_of, {"lr 0.1": slow, "lr 0.2": fast}, w=(0, 3), b=(-1, 3))

    Args:
        loss: a function of the parameters, called by their names with 0-d float tensors on
            the course's device, nothing recorded. It returns one number, as a tensor or not.
        path: the points in order, or a dict of up to four such lists, each under its name.
            A point is a number, or for two parameters a pair.
        ranges: ``name=(low, high)`` for one parameter, which gives the curve of the loss, or
            for two, which gives its surface from above: the darker, the higher.

    The function is called 61 to 261 times for a curve, 961 times for a surface, and once
    for each point. What leaves the ranges is cut off in the picture and told in the text.

    Raises:
        TypeError: the function returns no real number, a point is not one number for each
            parameter, or a range is not two numbers in order.
        ValueError: there are not one or two ranges, no point, or more than four paths.
    """
    if len(ranges) not in (1, 2):
        raise ValueError(
            f"plot_path was given {len(ranges)} ranges; name one parameter or two, such as "
            f"w=(0, 3), b=(-1, 3)"
        )
    ranges = tuple(_range(name, given) for name, given in ranges.items())
    names = [axis.name for axis in ranges]

    def loss_at(point):
        given = {name: torch.tensor(at, device=device) for name, at in zip(names, point)}
        with torch.no_grad():
            return _number(loss(**given), "the function of plot_path returned")

    paths = []
    for name, points in _named(path, "plot_path").items():
        points = tuple(_point(one, names) for one in _listed(points, "plot_path"))
        if not points:
            raise ValueError("plot_path was given a path without a point; give one at least")
        paths.append(TrainingPath(name, points, tuple(map(loss_at, points))))
    return PathPlot(ranges, tuple(paths), _ground(loss_at, *ranges))


def _ground(loss_at, first, second=None):
    if second is None:
        return curve_of(lambda at: loss_at((at,)), first.low, first.high)
    xs, ys = (places(axis.low, axis.high, GRID) for axis in (first, second))
    rows = ([loss_at((x, y)) for x in xs] for y in ys)
    return tuple(tuple(z if math.isfinite(z) else None for z in row) for row in rows)


def _named(given, helper) -> dict:
    """Return lists by their names; one list alone has the name ""."""
    lists = dict(given) if isinstance(given, Mapping) else {"": given}
    if not 1 <= len(lists) <= MOST_CURVES:
        raise ValueError(f"{helper} was given {len(lists)} lists; give one to {MOST_CURVES}")
    return {str(name): values for name, values in lists.items()}


def _listed(values, helper) -> list:
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise TypeError(
            f"{helper} was given {type(values).__name__}; give a list, or a dict of lists"
        )
    if isinstance(values, torch.Tensor):
        return values.detach().tolist() if values.dim() else [values]
    return list(values)


def _numbers(values, helper) -> list:
    return [_number(value, f"{helper} was given") for value in _listed(values, helper)]


def _number(value, said) -> float:
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        value = value.detach().item()
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{said} {type(value).__name__}; a real number was expected")
    return float(value)


def _point(given, names) -> tuple:
    is_one = len(names) == 1 or not isinstance(given, Iterable)
    parts = [given] if is_one else _listed(given, "as a point plot_path")
    point = tuple(_numbers(parts, "as a point plot_path"))
    if len(point) != len(names):
        raise TypeError(
            f"plot_path was given a point of length {len(point)}; give one number for each of "
            f"{' and '.join(names)}"
        )
    return point


def _range(name, given) -> Range:
    is_pair = isinstance(given, tuple | list) and len(given) == 2
    is_pair = is_pair and all(isinstance(end, int | float) and math.isfinite(end) for end in given)
    if not is_pair or given[0] >= given[1]:
        raise TypeError(f"plot_path: the range {name} must be (low, high), such as {name}=(0, 3)")
    return Range(name, *map(float, given))
