"""Section 1.1: a dynamic graph is what one call ran, a static graph keeps both branches."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink

ORANGE = ink.ACTIVE.stroke
FRAME = ink.Look("none", ink.MID, width=1.5, radius=12, dashes="5 4")
FUNCTION = "f(x) = 3x if x > 0.5, else x - 2"
BOX_HEIGHT = 46.0
ROWS = (104.0, 196.0)  # the middle of each branch
MIDDLE = sum(ROWS) / 2
DIVIDE = 500.0


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    runs = [_run(1.0), _run(0.0)]
    parts = [
        ink.text(16, 26, FUNCTION, 14, ink.MID, bold=True, anchor="start"),
        ink.text(16, 56, "dynamic: each call records what it ran", 13, ink.MID, anchor="start"),
        ink.text(DIVIDE + 24, 56, "static: one graph, captured before it runs", 13, ink.MID,
                 anchor="start"),
        f'<path d="M{DIVIDE:.1f} 42V238" stroke="{ink.MID}" stroke-dasharray="2 4"/>',
    ]  # fmt: skip
    for row, step, run in zip(ROWS, ("times 3", "minus 2"), runs):
        parts += _recorded(row, step, *run)
    parts += _captured()
    said = [f"f({number(x)}) is {number(y)} with slope {number(slope)}" for x, y, slope in runs]
    words = (
        f"Left, dynamic: the call f(1.0) recorded only times 3, the call f(0.0) only minus 2; "
        f"{said[0]}, {said[1]}. Right, static: one graph holds the test x > 0.5 and both branches, "
        f"and picks one of them each time it is replayed."
    )
    title = "A dynamic graph is what ran, a static graph holds both branches"
    return ink.document(parts, DIVIDE + 508, 252, title, words, "drawing")


def _run(value) -> tuple:
    """Return x, f(x) and the slope there."""
    x = torch.tensor(value, requires_grad=True)
    y = 3 * x if x > 0.5 else x - 2
    return value, y.item(), torch.autograd.grad(y, x)[0].item()


def _recorded(row, step, x, y, slope) -> list:
    """One call: its leaf, the only operation it ran, its result, and the slope back."""
    return [
        ink.text(16, row + 5, f"f({number(x)})", 14, ink.MID, bold=True, anchor="start"),
        *_box(78, row, 72, "x", number(x), ink.LEAF),
        ink.arrow([(154, row), (192, row)], width=2),
        *_box(196, row, 96, step, "recorded", ink.OPERATION),
        ink.arrow([(296, row), (334, row)], width=2),
        *_box(338, row, 72, "y", number(y), ink.RESULT),
        ink.text(424, row - 4, "slope", 12, ORANGE, anchor="start"),
        ink.text(424, row + 15, number(slope), 17, ORANGE, bold=True, anchor="start"),
    ]


def _captured() -> list:
    """The one graph with its switch and both branches."""
    left = DIVIDE + 24
    test, branch, result = left + 100, left + 246, left + 372
    parts = [
        ink.box(left - 4, 70, 478, 160, FRAME),
        *_box(left + 10, MIDDLE, 60, "x", "any", ink.LEAF),
        ink.arrow([(left + 74, MIDDLE), (test - 4, MIDDLE)], width=2),
        *_box(test, MIDDLE, 96, "x > 0.5 ?", "the switch", ink.OPERATION),
        *_box(result, MIDDLE, 90, "y", "one of two", ink.RESULT),
    ]
    for row, step, answer in zip(ROWS, ("times 3", "minus 2"), ("true", "false")):
        parts += [
            ink.arrow([(test + 100, MIDDLE), (branch - 4, row)], width=2),
            ink.text(test + 118, row + (-12 if row < MIDDLE else 20), answer, 12, ink.MID, True),
            *_box(branch, row, 88, step, "kept", ink.OPERATION),
            ink.arrow([(branch + 92, row), (result - 4, MIDDLE)], width=2),
        ]
    return parts


def _box(left, middle, width, name, below, look) -> list:
    top = middle - BOX_HEIGHT / 2
    return [
        ink.box(left, top, width, BOX_HEIGHT, look),
        ink.text(left + width / 2, top + 20, name, 13, ink.DARK, bold=True),
        ink.text(left + width / 2, top + 36, below, 11, ink.SOFT),
    ]
