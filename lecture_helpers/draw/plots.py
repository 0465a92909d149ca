"""A ``Plot`` as one SVG document, drawn by matplotlib, and as text.

What matplotlib writes is made fit to stand inside a page: its style sheet would reach
every picture of the page, and its ids would clash.
"""

import hashlib
import io
import math
import re
from html import escape

from ..brief import number
from ..curve import SAMPLES, Plot
from . import ink
from .axes import room_around
from .canvas import empty_figure, own_settings
from .words import LONGEST_NAME, number_of, shorten

WIDTH, HEIGHT, HEADING = 420, 220, 24
LEFT, RIGHT, BOTTOM, TOP = 58, 12, 42, 8  # the margins around the axes
TICKS = 5
KEY = 22.0  # the piece of line that explains itself in the heading
CURVE, TANGENT, POINT = ink.LEAF.stroke, ink.ACTIVE.stroke, ink.RESULT
DASHES = "6 3"
LONGEST_IN_HEADING = 12  # of the name
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def plot_svg(plot: Plot) -> str:
    """Return the picture of a plot: the curve, the point and the tangent."""
    marks = {"over": shorten(plot.name), "at": number(plot.at), "slope": str(_slope(plot))}
    told = "".join(f' data-{key}="{escape(words)}"' for key, words in marks.items())
    axes = f'<g transform="translate(0 {HEADING})">{_inner(_drawn(plot))}</g>'
    parts = [f"<g{told}>", *_heading(plot), axes, "</g>"]
    return ink.document(parts, WIDTH, HEADING + HEIGHT, _title(plot), plot_text(plot), "plot")


def plot_text(plot: Plot) -> str:
    """Return the plot in words: its range, its jumps, its tangent."""
    heights = plot.curve.heights
    said = [_title(plot)]
    if heights:  # to three digits: the samples may miss the very top
        ends = [number(float(f"{end:.3g}")) for end in (min(heights), max(heights))]
        said.append(f"lowest {ends[0]}, highest {ends[1]}")
    if plot.curve.jumps:
        places = ", ".join(_place(plot, x) for x in plot.curve.jumps)
        said.append(f"jumps at {shorten(plot.name)} = {places}")
    if plot.curve.missing:
        said.append(f"no number at {plot.curve.missing} of {SAMPLES} places")
    if plot.curve.unsure:
        said.append(f"broken at {number_of(plot.curve.unsure, 'more steep place')}")
    point = f"at {shorten(plot.name)} = {number(plot.at)}"
    said.append(_tangent(plot) if plot.slope is None else f"{_tangent(plot)} {point}")
    return "; ".join(said)


def _title(plot) -> str:
    between = f"from {number(plot.low)} to {number(plot.high)}"
    return f"plot of the result over {shorten(plot.name)} {between}"


def _place(plot, x) -> str:
    """Return a place on the x axis, to a thousandth of the axis."""
    digits = 3 - math.ceil(math.log10(plot.high - plot.low))
    return number(round(x, digits) + 0.0)


def _slope(plot):
    return None if plot.slope is None else number(plot.slope)


def _has_tangent(plot) -> bool:
    return plot.slope is not None and math.isfinite(plot.slope) and math.isfinite(plot.value)


def _tangent(plot, longest=LONGEST_NAME) -> str:
    if _has_tangent(plot):
        return f"tangent with slope {_slope(plot)}"
    if plot.slope is not None:
        of_result = math.isfinite(plot.slope)
        what, value = ("result", plot.value) if of_result else ("slope", plot.slope)
        return f"no tangent: the {what} is {number(value)}"
    name = shorten(plot.name, longest)
    return f"no tangent: {name} " + ("has no gradient" if plot.tracked else "is not tracked")


def _heading(plot) -> list:
    """Return the keys to the two lines, in words, above the axes."""
    base, size = HEADING - 8, 12.5
    parts, x = [_key(LEFT, base, CURVE), _told(LEFT + KEY + 6, base, "result", size)], LEFT
    x += KEY + 6 + ink.text_width("result", size) + 18
    if _has_tangent(plot):
        parts.append(_key(x, base, TANGENT, DASHES))
        x += KEY + 6
    return [*parts, _told(x, base, _tangent(plot, LONGEST_IN_HEADING), size)]


def _key(x, base, colour, dashes="") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    line = f"M{x:.1f} {base - 4}h{KEY:g}"
    return f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'


def _told(x, base, words, size) -> str:
    return ink.text(x, base, words, size, ink.MID, anchor="start")


def _drawn(plot) -> str:
    """Return matplotlib's SVG of the axes with the curve, the tangent and the point."""
    salt = hashlib.sha256(repr(vars(plot)).encode()).hexdigest()
    with own_settings({"svg.fonttype": "none", "svg.hashsalt": salt}):
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        figure = empty_figure(WIDTH, HEIGHT)
        _fill(figure, plot)
        page = io.StringIO()
        FigureCanvasSVG(figure).print_svg(page, metadata=NO_METADATA)
    return page.getvalue()


def _fill(figure, plot):
    inside = (WIDTH - LEFT - RIGHT) / WIDTH, (HEIGHT - BOTTOM - TOP) / HEIGHT
    axes = figure.add_axes((LEFT / WIDTH, BOTTOM / HEIGHT, *inside))
    axes.patch.set_visible(False)
    for piece in plot.curve.pieces:
        mark = "." if len(piece) == 1 else None
        axes.plot(*zip(*piece), color=CURVE, linewidth=2, marker=mark)
    if _has_tangent(plot):
        ends = [plot.value + plot.slope * (x - plot.at) for x in (plot.low, plot.high)]
        axes.plot((plot.low, plot.high), ends, color=TANGENT, linewidth=2, dashes=(3, 1.5))
    if math.isfinite(plot.value):
        axes.plot([plot.at], [plot.value], marker="o", markersize=9, color=POINT.fill,
                  markeredgecolor=POINT.stroke, markeredgewidth=2, clip_on=False)  # fmt: skip
    margin = (plot.high - plot.low) / 50
    axes.set_xlim(plot.low - margin, plot.high + margin)
    axes.set_ylim(*_limits(plot))
    axes.locator_params(nbins=TICKS)
    axes.set_xlabel(shorten(plot.name), fontsize=12, parse_math=False)


def _limits(plot) -> tuple:
    """Return the range of the y axis: that of the curve and the point, not of the tangent."""
    heights = [y for y in (*plot.curve.heights, plot.value) if math.isfinite(y)] or [0.0]
    low, high = min(heights), max(heights)
    room = room_around(low, high)
    return low - room, high + room


def _inner(svg: str) -> str:
    """Return what stands inside matplotlib's document, fit for a page with other pictures."""
    body = svg[svg.index("</defs>") + len("</defs>") : svg.rindex("</svg>")]
    body = re.sub(r'<g id="[^"]*"', "<g", body).replace("xlink:href", "href")
    body = re.sub(r"\s*\n\s*", " ", body).replace("> <", "><").strip()
    return f'<g stroke-linejoin="round" stroke-linecap="butt">{body}</g>'
