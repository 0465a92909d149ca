"""Axes with ticks and names, in our own SVG: the same bytes with any matplotlib.

Notebooks store these pictures and compare them, so no version of a plotting library, and no
rounding noise of a device, may change them. matplotlib only finds the round numbers.
"""

import math
from typing import NamedTuple

from ..brief import number
from . import ink
from .canvas import own_settings
from .words import shorten

DOT = ink.OPERATION.fill
MOST_TICKS = 6
TICK, SMALL = 5.0, 11.0
KEY, GAP = 26.0, 18.0  # a piece of line that explains itself, and the room behind its words
LONGEST_IN_KEY = 20  # of a name
MOST_DRAWN = 400  # points of one line; of more every second, third, ... is drawn


class Line(NamedTuple):
    """How a line looks: told apart by its dashes too, never by its colour alone."""

    colour: str
    width: float = 2.5
    dashes: str = ""


LINES = (
    Line(ink.LEAF.stroke),
    Line(ink.ACTIVE.stroke, dashes="7 4"),
    Line("#15803d", dashes="2 4"),
    Line("#7c3aed", dashes="11 4 2 4"),
)


def lines_for(count: int) -> tuple:
    """Return so many looks. Of several lines the first is wide, so that another one that runs
    over it hides no part of it."""
    first, *others = LINES[:count]
    return (first._replace(width=5.5) if others else first, *others)


def thinned(points) -> list:
    """Return points, the last one among them, few enough for a picture."""
    stride = -(-len(points) // MOST_DRAWN)
    return [*points[:-1:stride], points[-1]]


def room_around(low: float, high: float, part: float = 0.08) -> float:
    """Return how far an axis reaches beyond its lowest and its highest value."""
    return (high - low) * part or abs(high) / 2 or 1.0


class Scale(NamedTuple):
    """The numbers along one axis."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def part(self, value: float) -> float:
        """Return how far along the axis a value lies: 0 at the low end, 1 at the high one."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list:
        """Return round numbers between the ends."""
        if self.log:
            exponents = range(*(math.ceil(math.log10(end)) for end in (self.low, self.high)))
            stride = -(-len(exponents) // MOST_TICKS)
            if len(exponents) > 1:
                return [10.0**exponent for exponent in exponents[::-stride][::-1]]
        with own_settings({}):
            from matplotlib.ticker import MaxNLocator

            locator = MaxNLocator(MOST_TICKS, steps=[1, 2, 2.5, 5, 10], integer=self.whole)
            found = locator.tick_values(self.low, self.high).tolist()
        return [tick for tick in found if self.low <= tick <= self.high]


class Axes(NamedTuple):
    """A place for a plot: its top left corner, its size in pixels and its two scales."""

    left: float
    top: float
    width: float
    height: float
    x: Scale
    y: Scale

    def at(self, x: float, y: float) -> tuple:
        """Return where a point lies, in pixels from the corner."""
        return self.x.part(x) * self.width, (1 - self.y.part(y)) * self.height

    def line(self, points, look: Line) -> str:
        """Return a line through points."""
        path = path_through([self.at(*point) for point in points])
        return f'<path d="{path}" stroke-linejoin="round" stroke-linecap="round" {_stroke(look)}/>'

    def dot(self, point, radius, fill, stroke, width=2.0) -> str:
        """Return a dot at a point."""
        x, y = self.at(*point)
        return (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="{width:g}"/>'
        )

    def inside(self, parts, margin: float = 0.0) -> str:
        """Return parts in the place of the plot, cut off ``margin`` pixels beyond its edge."""
        side, height = self.width + 2 * margin, self.height + 2 * margin
        return (
            f'<svg x="{self.left - margin:.1f}" y="{self.top - margin:.1f}" width="{side:.1f}" '
            f'height="{height:.1f}" viewBox="{-margin:g} {-margin:g} {side:.1f} {height:.1f}">'
            f"{''.join(parts)}</svg>"
        )

    def frame(self, x_name: str, y_name: str) -> list:
        """Return the two axes with their ticks, numbers and names."""
        base, right = self.top + self.height, self.left + self.width
        path = f"M{self.left:.1f} {self.top:.1f}V{base:.1f}H{right:.1f}"
        words = []
        for tick in self.x.ticks():
            x = self.left + self.x.part(tick) * self.width
            path += f"M{x:.1f} {base:.1f}v{TICK:g}"
            words.append(ink.text(x, base + 18, _told(tick), SMALL, ink.MID))
        for tick in self.y.ticks():
            y = base - self.y.part(tick) * self.height
            path += f"M{self.left:.1f} {y:.1f}h{-TICK:g}"
            words.append(ink.text(self.left - 9, y + 4, _told(tick), SMALL, ink.MID, anchor="end"))
        middle = self.left + self.width / 2
        return [
            f'<path d="{path}" fill="none" stroke="{ink.MID}" stroke-width="1"/>',
            *words,
            ink.text(middle, base + 36, x_name, 12.5, ink.MID),
            ink.text(self.left - 9, self.top - 10, y_name, 12.5, ink.MID, anchor="end"),
        ]


def _told(tick: float) -> str:
    return number(float(f"{tick + 0.0:.4g}"), point_zero=False)


def _stroke(look) -> str:
    dashes = f' stroke-dasharray="{look.dashes}"' if look.dashes else ""
    return f'fill="none" stroke="{look.colour}" stroke-width="{look.width:g}"{dashes}'


def path_through(points) -> str:
    """Return the ``d`` of a line through points in pixels, of one decimal each."""
    pairs = [f"{x:.1f} {y:.1f}".replace("-0.0", "0.0") for x, y in points]
    kept = [pair for place, pair in enumerate(pairs) if place == 0 or pair != pairs[place - 1]]
    return "M" + "L".join(kept) + ("h0" if len(kept) == 1 else "")


def keys(names, left: float, base: float, looks=()) -> list:
    """Return a row that says which line is which; nothing for a line without a name.

    looks: those of the lines; without them ``lines_for`` so many.
    """
    parts, x = [], left
    for name, look in zip(names, looks or lines_for(len(names))):
        if name:
            words = shorten(name, LONGEST_IN_KEY)
            key = f'<path d="M{x:.1f} {base - 4:.1f}h{KEY:g}" {_stroke(look)}/>'
            parts += [key, ink.text(x + KEY + 6, base, words, 12.5, ink.MID, anchor="start")]
            x += KEY + 6 + ink.text_width(words, 12.5) + GAP
    return parts


def width_of_keys(names) -> float:
    """Return how wide the row of ``keys`` is."""
    words = [shorten(name, LONGEST_IN_KEY) for name in names if name]
    return sum(KEY + 6 + ink.text_width(word, 12.5) + GAP for word in words)
