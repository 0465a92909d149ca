"""A ``LossPlot`` as a picture and as text."""

import math

from ..training import LossPlot
from . import ink
from .axes import DOT, Axes, Scale, keys, lines_for, room_around, thinned, width_of_keys
from .words import shorten

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 460.0, 190.0, 66.0, 56.0, 46.0, 16.0
LARGEST = 1e150  # beyond it the ratio of two losses could leave the floats
FEW = 24  # so many points of a line are drawn as dots, too


def losses_text(plot: LossPlot) -> str:
    """Return for each curve how many losses it has, and which."""
    said = [_title(plot)]
    for curve in plot.curves:
        told = f"{shorten(curve.name)}: " if curve.name else ""
        count = len(curve.values)
        told += f"{count:,} loss{'' if count == 1 else 'es'}"
        told += f", first {_told(curve.values[0])}, last {_told(curve.values[-1])}"
        finite = [value for value in curve.values if math.isfinite(value)]
        if finite:
            told += f", lowest {_told(min(finite))}, highest {_told(max(finite))}"
        left_out = sum(not _has_place(value, plot.log) for value in curve.values)
        said.append(told + (f"; {left_out:,} left out of the picture" if left_out else ""))
    return "\n".join(said)


def losses_svg(plot: LossPlot) -> str:
    """Return the picture: one line for each curve, over the steps from 0."""
    drawn = [thinned(list(enumerate(curve.values))) for curve in plot.curves]
    pieces = [_pieces(points, plot.log) for points in drawn]
    axes = Axes(LEFT, TOP, WIDTH, HEIGHT, _steps(plot), _heights(pieces, plot.log))
    inside = []
    for look, points, parts in zip(lines_for(len(drawn)), drawn, pieces):
        inside += [axes.line(piece, look) for piece in parts]
        if len(points) <= FEW:
            inside += [axes.dot(at, 3.5, DOT, look.colour) for piece in parts for at in piece]
    names = [curve.name for curve in plot.curves]
    parts = [*axes.frame("step", "loss"), axes.inside(inside, 6), *keys(names, LEFT + 12, 22)]
    width = LEFT + max(WIDTH, 12 + width_of_keys(names)) + RIGHT
    return ink.document(
        parts, width, TOP + HEIGHT + BOTTOM, _title(plot), losses_text(plot), "losses"
    )


def _title(plot) -> str:
    return f"loss over the steps of training{', on a logarithmic axis' if plot.log else ''}"


def _told(value: float) -> str:
    return f"{value:.4g}"


def _has_place(value, log) -> bool:
    return abs(value) < LARGEST and (value > 1 / LARGEST or not log)


def _pieces(points, log) -> list:
    """Return the runs of points that have a place; no line may cross one that has none."""
    pieces = [[]]
    for step, value in points:
        if _has_place(value, log):
            pieces[-1].append((step, value))
        else:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _steps(plot) -> Scale:
    last = max(len(curve.values) for curve in plot.curves) - 1
    return Scale(0.0, float(max(last, 1)), whole=True)


def _heights(pieces, log) -> Scale:
    values = [value for parts in pieces for piece in parts for _, value in piece] or [1.0]
    low, high = min(values), max(values)
    if log:
        return Scale(low / 1.5, high * 1.5, log=True)
    if 0 <= low < high / 2:
        low = 0.0
    room = room_around(low, high, 0.05)
    return Scale(low - room if low else 0.0, high + room)
