"""Section 3.2: three ways to write after the forward, and what backward makes of each."""

import torch

from lecture_helpers.draw import ink
from lecture_helpers.draw.words import number

ORANGE, GREEN, RED = ink.ACTIVE.stroke, ink.RESULT.stroke, "#b91c1c"
CELL = ink.Look("#f8fafc", ink.MID, radius=3)
WRITTEN = ink.Look("#ffedd5", ORANGE, 2, 3)
COUNTER = ink.Look("#f8fafc", ink.MID, radius=99)
COUNTED = ink.Look("#ffedd5", ORANGE, 2, 99)
VERDICTS = {
    "raises": (ink.Look("#ffedd5", ORANGE, 2), "backward raises", "a saved value has changed"),
    "wrong": (ink.Look("#fee2e2", RED, 2, dashes="6 3"), "no error", "and wrong"),
    "right": (ink.Look("#dcfce7", GREEN, 2), "no error", "and right"),
}
WAYS = (
    ("x.detach()", lambda x: x.detach()),
    ("x.data", lambda x: x.data),
    ("x.detach().clone()", lambda x: x.detach().clone()),
)
X = [1.0, 5.0]
LEFT, TOP, PITCH = 14.0, 84.0, 88.0
NAME, MEMORY, COUNT, VERDICT = LEFT, 250.0, 560.0, 740.0  # the left edge of each column
WIDTH, HEIGHT = 200.0, 46.0
NUMBER_WIDTH, NUMBER_HEIGHT = 48.0, 30.0


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    heads = ((NAME, "write through"), (MEMORY, "memory after add_(1)"),
             (COUNT, "counter of x"), (VERDICT, "backward of (x²).sum()"))  # fmt: skip
    right = _slopes(lambda x: x.detach().clone())[0]
    parts = [
        ink.text(LEFT, 22, f"forward: loss = (x²).sum() with x = {_listed(X)}; pow saves "
                 f"x at version 0", 13, ink.MID, bold=True, anchor="start"),
        *(ink.text(left, 56, words, 13, ink.MID, bold=True, anchor="start")
          for left, words in heads),
    ]  # fmt: skip
    said = []
    for row, (name, way) in enumerate(WAYS):
        slope, x, written = _slopes(way)
        shares = written.data_ptr() == x.data_ptr()
        verdict = "raises" if slope is None else "right" if slope == right else "wrong"
        middle = TOP + PITCH * row + HEIGHT / 2
        parts += _row(middle, name, x, written, shares, verdict, slope)
        said.append(_said(name, x, shares, verdict, slope))
    words = (
        f"loss = (x²).sum() for x = {_listed(X)}: the node pow saves x at version 0, and the right "
        f"gradient is {_listed(right)}. Then add_(1) writes through another tensor. "
        + " ".join(said)
    )
    title = "Three ways to write after the forward, and what backward makes of each"
    return ink.document(parts, 1004, TOP + PITCH * len(WAYS) - 14, title, words, "drawing")


def _slopes(way):
    """Write through a way to x between forward and backward; return its gradient, None where
    backward raised, with x and what was written to."""
    x = torch.tensor(X, requires_grad=True)
    loss = (x**2).sum()
    written = way(x)
    written.add_(1)
    try:
        loss.backward()
    except RuntimeError:
        return None, x, written
    return x.grad.tolist(), x, written


def _row(middle, name, x, written, shares, verdict, slope) -> list:
    version = x._version
    look, words, more = VERDICTS[verdict]
    top = middle - HEIGHT / 2
    parts = [
        ink.box(NAME, top, WIDTH, HEIGHT, ink.OPERATION),
        ink.text(NAME + WIDTH / 2, middle + 5, name, 14, bold=True),
        ink.arrow([(NAME + WIDTH + 4, middle), (MEMORY - 6, middle)], ORANGE, 2.5),
        *_memory(MEMORY, middle, written, f"x and {name}" if shares else "the clone", True),
    ]
    if not shares:
        parts += _memory(MEMORY + 150, middle, x, "x", False)
    parts += [
        ink.box(COUNT, middle - 17, 112, 34, COUNTED if version else COUNTER),
        ink.text(COUNT + 56, middle + 5, f"version {version}", 13, bold=True),
        ink.arrow([(COUNT + 118, middle), (VERDICT - 6, middle)], width=1.5),
        ink.box(VERDICT, top, 250, HEIGHT, look),
    ]
    first = words if slope is None else f"x.grad = {_listed(slope)}"
    second = more if slope is None else f"{words}, {more}"
    return [
        *parts,
        ink.text(VERDICT + 125, middle - 3, first, 14, bold=True),
        ink.text(VERDICT + 125, middle + 15, second, 12, ink.SOFT),
    ]


def _memory(left, middle, tensor, whose, is_written) -> list:
    """Draw the numbers of a tensor side by side, and below them whose memory that is."""
    parts, top = [], middle - NUMBER_HEIGHT / 2 - 6
    for place, value in enumerate(tensor.tolist()):
        x = left + NUMBER_WIDTH * place
        parts += [
            ink.box(x, top, NUMBER_WIDTH, NUMBER_HEIGHT, WRITTEN if is_written else CELL),
            ink.text(x + NUMBER_WIDTH / 2, top + 20, number(value), 13, bold=True),
        ]
    return [*parts, ink.text(left + NUMBER_WIDTH, top + NUMBER_HEIGHT + 16, whose, 12, ink.MID)]


def _said(name, x, shares, verdict, slope) -> str:
    memory = "lies in the memory of x" if shares else "has a memory of its own"
    came = "backward raises" if slope is None else f"backward gives {_listed(slope)}, {verdict}"
    return f"{name} {memory}: x is {_listed(x.tolist())} at version {x._version}, and {came}."


def _listed(values) -> str:
    return "[" + ", ".join(map(number, values)) + "]"
