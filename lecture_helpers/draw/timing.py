"""A ``Timing`` as a chart, drawn by matplotlib, and as text.

Every digit and the verdict of a timing differ from run to run. So they stand in the chart,
which no comparison of notebooks looks at, and the words beside it hold none of them.
"""

from ..timing import Timing
from . import ink
from .canvas import empty_figure, own_settings, png_of
from .table import aligned
from .words import LONGEST_NAME, listed, number_of, shorten

WIDTH = 720
WIDEST_NAME = 200
LINE, HEAD, ROW, AXIS = 19, 20, 36, 44  # heights of the verdict, the head, a bar, the axis
GAP, MARGIN = 16, 8
TITLE, NUMBERS, SMALL = 14.0, 12.5, 11.0  # font sizes
THICKNESS = 0.55  # of a bar, in rows
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def timing_text(timing: Timing) -> str:
    """Return the times as a table, with the verdict below it."""
    first = timing.rows[0].name
    head = ["name", "median", "quartiles", f"times as long as {shorten(first)}"]
    has_peak = any(row.peak_bytes is not None for row in timing.rows)
    ratios = ["1", *map(_with_interval, timing.ratios)]
    rows = [[shorten(row.name), _time(row.median, timing), _quartiles(row, timing), ratio]
            for row, ratio in zip(timing.rows, ratios)]  # fmt: skip
    for cells, row in zip(rows if has_peak else (), timing.rows):
        cells.append(_peak(row))
    table = aligned([head + ["peak memory"] * has_peak, *rows])
    return "\n".join([_title(timing), *table, f"verdict: {verdict(timing)}"])


def words_beside(timing: Timing) -> str:
    """Return what stands beside the chart: words that no timing decides."""
    names = listed([shorten(row.name) for row in timing.rows])
    return (
        f"speed of {names}, measured in turns\n"
        f"Run this cell to see the chart: medians, quartiles, ratios and the verdict.\n"
        f"Times differ from run to run and from machine to machine. After use_text() they are text."
    )


def verdict(timing: Timing) -> str:
    """Return what the measurement says, in words."""
    first, *others = (shorten(row.name) for row in timing.rows)
    if timing.is_too_short:
        return (
            f"too few rounds to tell ({timing.rounds}); measure longer, "
            f"such as seconds={timing.seconds_needed}"
        )
    differing = [one.differs for one in timing.ratios]
    if not any(differing):
        return "no difference that this measurement can see"
    said = [f"{name} takes {_ratio(one.median)} times as long as {first}"
            for name, one in zip(others, timing.ratios) if one.differs]  # fmt: skip
    alike = [name for name, differs in zip(others, differing) if not differs]
    if alike:
        said.append(f"{listed(alike)}: no difference from {first} that this measurement can see")
    return "; ".join(said)


def timing_png(timing: Timing) -> str:
    """Return the chart as a PNG in base64: bars of the medians, with the quartiles."""
    with own_settings({"text.parse_math": False}):
        return png_of(_drawn(timing))


def _drawn(timing):
    told = ink.broken(verdict(timing), TITLE, WIDTH)
    top = LINE * len(told) + MARGIN
    figure = empty_figure(WIDTH, top + HEAD + ROW * len(timing.rows) + AXIS)
    for line, words in enumerate(told):
        _write(figure, 0, LINE * (line + 0.5), words, TITLE, "left", bold=True)
    _fill(figure, timing, top)
    return figure


def _fill(figure, timing, top):
    """Draw the bars, with the names left and two columns of numbers right of them."""
    names = [_fitted(row.name) for row in timing.rows]
    medians = ["median", *(_time(row.median, timing) for row in timing.rows)]
    ratios = ["ratio (interval)", "1", *map(_with_interval, timing.ratios)]
    widths = [max(ink.text_width(words, NUMBERS) for words in column) + GAP
              for column in (names, medians, ratios)]  # fmt: skip
    left, first, second = widths[0] + MARGIN, *widths[1:]
    right = WIDTH - second - first
    places = [top + HEAD + ROW * (row + 0.5) for row in range(len(names))]
    for middle, *numbers in zip([top + HEAD / 2, *places], medians, ratios):
        for words, end in zip(numbers, (WIDTH - second, WIDTH)):
            _write(figure, end, middle, words, NUMBERS, "right")
    for middle, name, row in zip(places, names, timing.rows):
        _write(figure, left - GAP, middle, name, NUMBERS, "right")
        if row.peak_bytes is not None:
            _write(figure, WIDTH, middle + ROW * 0.38, f"peak {_peak(row)}", SMALL, "right")
    height = top + HEAD + ROW * len(names) + AXIS
    place = left / WIDTH, AXIS / height, (right - left) / WIDTH, ROW * len(names) / height
    _bars(figure.add_axes(place), timing)


def _fitted(name) -> str:
    """Return as much of a name as has room left of the bars."""
    longest = LONGEST_NAME
    while ink.text_width(shorten(name, longest), NUMBERS) > WIDEST_NAME:
        longest -= 1
    return shorten(name, longest)


def _bars(axes, timing):
    axes.patch.set_visible(False)
    scale, unit = _unit(timing)
    for row, timed in enumerate(timing.rows):
        low, high = (end / scale for end in timed.quartiles)
        axes.barh(row, timed.median / scale, THICKNESS, color=ink.LEAF.fill,
                  edgecolor=ink.LEAF.stroke, linewidth=1.5)  # fmt: skip
        axes.plot((low, high), (row, row), color=ink.ACTIVE.stroke, linewidth=2.5, marker="|",
                  markersize=10, markeredgewidth=2.5)  # fmt: skip
    axes.set_ylim(len(timing.rows) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False, labelleft=False)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(_axis(timing, unit), fontsize=SMALL)


def _axis(timing, unit) -> str:
    return f"{unit} per call; orange: the middle half of {number_of(timing.rounds, 'round')}"


def _write(figure, x, y, words, size, anchor, bold=False):
    """Write a line with its middle ``y`` pixels below the top."""
    width, height = figure.get_size_inches() * 72
    weight = "bold" if bold else "normal"
    figure.text(x / width, 1 - y / height, words, fontsize=size, ha=anchor, va="center_baseline",
                fontweight=weight)  # fmt: skip


def _title(timing) -> str:
    return (
        f"times of {number_of(len(timing.rows), 'function')}, "
        f"{number_of(timing.rounds, 'round')} in turns, {number_of(timing.num_threads, 'thread')}"
    )


def _unit(timing) -> tuple:
    """Return the unit in which the shortest median is one or more, in seconds, and its name."""
    shortest = min(row.median for row in timing.rows)
    return next((unit for unit in UNITS if shortest >= unit[0]), UNITS[-1])


def _time(seconds, timing) -> str:
    scale, unit = _unit(timing)
    return f"{_digits(seconds / scale)} {unit}"


def _quartiles(row, timing) -> str:
    scale, unit = _unit(timing)
    low, high = (_digits(end / scale) for end in row.quartiles)
    return f"{low} to {high} {unit}"


def _digits(value) -> str:
    """Return a number with three digits, two of them behind the point if it is below one."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _ratio(ratio) -> str:
    """Return a ratio with the digits that a timing can bear."""
    return f"{ratio:.2g}" if ratio < 0.1 else _digits(ratio)


def _with_interval(one) -> str:
    if one.low is None:
        return _ratio(one.median)
    return f"{_ratio(one.median)} ({_ratio(one.low)} to {_ratio(one.high)})"


def _peak(row) -> str:
    return "not counted" if row.peak_bytes is None else f"{row.peak_bytes:,} bytes"
