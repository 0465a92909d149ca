"""A ``PathPlot`` as a picture and as text: a way along a curve, or over a surface from above."""

from ..curve import places
from ..training import GRID, PathPlot
from . import ink
from .axes import (
    DOT,
    Axes,
    Scale,
    keys,
    lines_for,
    path_through,
    room_around,
    thinned,
    width_of_keys,
)
from .canvas import empty_figure, own_settings
from .words import number_of, shorten

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 400.0, 270.0, 66.0, 56.0, 46.0, 16.0
BANDS = 10
LIGHT, DARK = (248, 250, 252), (137, 166, 214)  # of the lowest band and of the highest
EDGE = "#5b7bb5"
CURVE = ink.MID


def path_text(plot: PathPlot) -> str:
    """Return the ranges, and for each path its ends with their losses."""
    said = [_title(plot)]
    heights = _heights(plot)
    if heights:
        said.append(f"there the loss lies between {_told(min(heights))} and {_told(max(heights))}")
    for path in plot.paths:
        told = f"{shorten(path.name)}: " if path.name else ""
        ends = [f"{_where(plot, path.points[end])} with loss {_told(path.losses[end])}"
                for end in (0, -1)]  # fmt: skip
        told += f"{number_of(len(path.points), 'point')}, from {ends[0]} to {ends[1]}"
        outside = sum(not _is_inside(plot, point) for point in path.points)
        said.append(told + (f"; {outside:,} outside of the picture" if outside else ""))
    return "\n".join(said)


def path_svg(plot: PathPlot) -> str:
    """Return the picture of the paths along a curve or over a surface."""
    axes, ground = _along(plot) if len(plot.ranges) == 1 else _over(plot)
    names = [path.name for path in plot.paths]
    lines = [part for look, path in zip(lines_for(len(names)), plot.paths)
             for part in _drawn(axes, look, path)]  # fmt: skip
    axis_names = *(shorten(one.name) for one in plot.ranges), "loss"
    parts = [axes.inside(ground), *axes.frame(*axis_names[:2]), axes.inside(lines, 6),
             *keys(names, LEFT + 12, 22), *_marks(plot)]  # fmt: skip
    width = LEFT + max(WIDTH, 12 + width_of_keys(names)) + RIGHT
    return ink.document(parts, width, TOP + HEIGHT + BOTTOM, _title(plot), path_text(plot), "path")


def _marks(plot) -> list:
    """Return what explains the marks at the two ends of a path.

    A path that grows without end leaves the picture: then its last mark is nowhere to be seen.
    """
    is_seen = any(_is_inside(plot, path.points[-1]) for path in plot.paths)
    end = "end" if is_seen else "end: outside"
    x, base = LEFT + WIDTH - (96 if is_seen else 140), TOP - 10
    dots = ((x, DOT, ink.MID, 4.5, 2), (x + 54, ink.RESULT.fill, ink.RESULT.stroke, 5, 2.5))
    return [
        *(f'<circle cx="{at:.1f}" cy="{base - 4:.1f}" r="{radius:g}" fill="{fill}" '
          f'stroke="{stroke}" stroke-width="{width:g}"/>'
          for at, fill, stroke, radius, width in dots),
        ink.text(x + 10, base, "start", 11.5, ink.MID, anchor="start"),
        ink.text(x + 64, base, end, 11.5, ink.MID, anchor="start"),
    ]  # fmt: skip


def _title(plot) -> str:
    over = " and ".join(f"{shorten(name)} from {_told(low)} to {_told(high)}"
                        for name, low, high in plot.ranges)  # fmt: skip
    what = "the surface of the loss" if len(plot.ranges) == 2 else "the loss"
    return f"path of training over {what}, for {over}"


def _told(value: float) -> str:
    return f"{value:.4g}"


def _where(plot, point) -> str:
    return ", ".join(f"{shorten(one.name)} = {_told(at)}" for one, at in zip(plot.ranges, point))


def _is_inside(plot, point) -> bool:
    return all(one.low <= at <= one.high for one, at in zip(plot.ranges, point))


def _heights(plot) -> list:
    if len(plot.ranges) == 1:
        return plot.ground.heights
    return [z for row in plot.ground for z in row if z is not None]


def _drawn(axes, look, path) -> list:
    """Return a path: its line, a dot for each point, the first and the last marked."""
    points = [*zip(*zip(*path.points), path.losses)]
    points = [point[:2] for point in thinned(points) if abs(sum(point)) < float("inf")]
    if not points:
        return []
    fine = look._replace(width=look.width - 1)
    dots = [axes.dot(point, 2.2, DOT, look.colour, 1.2) for point in points[1:-1]]
    first, last = axes.dot(points[0], 4.5, DOT, look.colour), _end(axes, points[-1])
    return [axes.line(points, fine), *dots, first, last]


def _end(axes, point) -> str:
    return axes.dot(point, 5, ink.RESULT.fill, ink.RESULT.stroke, 2.5)


def _along(plot) -> tuple:
    """Return the axes and the curve of a loss of one parameter."""
    (over,) = plot.ranges
    heights = _heights(plot) or [1.0]
    low, high = min(heights), max(heights)
    room = room_around(low, high)
    axes = Axes(LEFT, TOP, WIDTH, HEIGHT, Scale(*over[1:]), Scale(low - room, high + room))
    look = lines_for(1)[0]._replace(colour=CURVE)
    return axes, [axes.line(piece, look) for piece in plot.ground.pieces]


def _over(plot) -> tuple:
    """Return the axes and the surface of a loss of two parameters, in bands of one colour."""
    axes = Axes(LEFT, TOP, WIDTH, HEIGHT, *(Scale(*one[1:]) for one in plot.ranges))
    heights = _heights(plot)
    if not heights or min(heights) == max(heights):
        return axes, [_band(f"M0 0H{WIDTH:g}V{HEIGHT:g}H0z", 0)]
    low, high = min(heights), max(heights)
    # Of a loss that grows as the square of the way, bands of equal width have these heights.
    levels = [low + (high - low) * (count / BANDS) ** 2 for count in range(BANDS + 1)]
    parts = []
    for count, polygons in enumerate(_bands(plot, levels)):
        closed = (path_through([axes.at(*point) for point in polygon]) + "z"
                  for polygon in polygons)  # fmt: skip
        parts.append(_band("".join(closed), count))
    return axes, parts


def _bands(plot, levels) -> list:
    """Return for each band between two levels the polygons that bound it."""
    nan = float("nan")
    rows = [[nan if z is None else z for z in row] for row in plot.ground]
    levels = [*levels[:-1], levels[-1] * (1 + 1e-9) + 1e-30]  # the highest place lies in its band
    with own_settings({}):
        axes = empty_figure(WIDTH, HEIGHT).add_axes((0, 0, 1, 1))
        found = axes.contourf(*(places(*one[1:], GRID) for one in plot.ranges), rows, levels)
        return [path.to_polygons(closed_only=False) for path in found.get_paths()]


def _band(path, count) -> str:
    part = count / (BANDS - 1)
    colour = "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(LIGHT, DARK))
    return (
        f'<path d="{path}" fill="{colour}" fill-rule="evenodd" stroke="{EDGE}" stroke-width="0.6"/>'
    )
