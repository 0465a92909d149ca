"""The appendix: a tape records each call, a captured function runs Python only once."""

import torch

from lecture_helpers.draw import ink
from lecture_helpers.draw.words import number

FUNCTION = "f(x): double x, then add 1 if x > 0, else subtract 1, then square"
POINTS = (2.0, -1.0)
COLUMNS = (16.0, 520.0)
ROWS = (108.0, 222.0)  # the middle of each way's boxes
BOX_HEIGHT = 52.0
NOT_RUN = ink.Look("none", ink.MID, dashes="5 4")


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    runs = [_run(point) for point in POINTS]
    parts = [ink.text(16, 26, FUNCTION, 14, ink.MID, bold=True, anchor="start")]
    for row, heading in zip(ROWS, (
        "eager, under a GradientTape: each call runs the Python code and records what ran",
        "tf.function: the first call runs the Python code to capture a graph, each call replays it",
    )):  # fmt: skip
        parts.append(ink.text(16, row - 42, heading, 13, ink.MID, anchor="start"))
    branches = ("plus 1", "minus 1")
    for left, (x, y, slope), branch in zip(COLUMNS, runs, branches):
        taped = ("a new tape", f"times 2, {branch}, square")
        is_first = left == COLUMNS[0]
        which = "the graph" if is_first else "the same graph"
        kept = (which, f"times 2, {' or '.join(branches)}, square")
        python = ("Python", "captures", ink.OPERATION) if is_first else ("", "not run", NOT_RUN)
        parts += _call(left, ROWS[0], x, ("Python", "runs", ink.OPERATION), taped, y, slope)
        parts += _call(left, ROWS[1], x, python, kept, y, slope)
    said = " and ".join(f"at {number(x)} it gives {number(y)} with slope {number(slope)}"
                        for x, y, slope in runs)  # fmt: skip
    words = (
        f"Two calls, in two ways: {said}. Above, eager: Python runs in both calls, and each call "
        f"has a tape of its own: times 2, plus 1, square for the first, times 2, minus 1, square "
        f"for the second. Below, tf.function: Python runs in the first call only; both calls "
        f"replay the same graph, which holds plus 1 and minus 1."
    )
    title = "A tape records each call, a captured graph holds both branches and is replayed"
    return ink.document(parts, 1008, 262, title, words, "drawing")


def _run(value) -> tuple:
    """Return x, f(x) and the slope there."""
    x = torch.tensor(value, requires_grad=True)
    y = (2 * x + (1 if value > 0 else -1)) ** 2
    return value, y.item(), torch.autograd.grad(y, x)[0].item()


def _call(left, row, x, python, record, y, slope) -> list:
    """One call, left to right: its input, Python, the tape or the graph, the result."""
    name, below, look = python
    return [
        *_box(left, row, 52, "x", number(x), ink.LEAF),
        ink.arrow([(left + 55, row), (left + 73, row)], width=2),
        *_box(left + 76, row, 66, name, below, look),
        ink.arrow([(left + 145, row), (left + 163, row)], width=2),
        *_box(left + 166, row, 204, *record, ink.OPERATION),
        ink.arrow([(left + 373, row), (left + 391, row)], width=2),
        *_box(left + 394, row, 78, f"y = {number(y)}", f"slope {number(slope)}", ink.RESULT),
    ]


def _box(left, middle, width, name, below, look) -> list:
    top, free = middle - BOX_HEIGHT / 2, look.fill == "none"
    words = ink.text(left + width / 2, middle + (4 if free else 16), below, 11,
                     ink.MID if free else ink.SOFT)  # fmt: skip
    heading = ink.text(left + width / 2, middle - 4, name, 13, ink.DARK, bold=True)
    return [ink.box(left, top, width, BOX_HEIGHT, look), *([heading] if name else []), words]
