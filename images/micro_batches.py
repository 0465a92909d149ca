"""Section 4.3: the gradient of four points of known slopes, in one batch and in parts."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink

SLOPES = (2.0, 4.0, 6.0, 12.0)  # of the loss of each point
POINT = ink.Look("#dbeafe", ink.LEAF.stroke, radius=6)
GROUP = ink.Look("none", ink.MID, 1.2, 10)
RIGHT = ink.Look("#dcfce7", "#15803d", 2.5, 8)
WRONG = ink.Look("#ffe4e6", "#c8143f", 2.5, 8)
ROWS = (  # sizes, what each loss is, what it is divided by
    ((4,), "the mean of all four", "mean", 1),
    ((2, 2), "each mean, divided by 2", "mean", 2),
    ((2, 2), "each mean, as it is", "mean", 1),
    ((3, 1), "each mean, divided by 2", "mean", 2),
    ((3, 1), "each sum, divided by 4", "sum", 4),
)
LEFT, TOP, BOX, PITCH, ROW, GAP = 16.0, 40.0, 46.0, 54.0, 58.0, 22.0


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    right = LEFT + 4 * PITCH + 3 * GAP + 24
    parts = [
        ink.text(
            LEFT,
            24,
            "micro-batches: the slope of each point",
            13,
            ink.MID,
            bold=True,
            anchor="start",
        ),
        ink.text(right, 24, "each loss", 13, ink.MID, True, "start"),
        ink.text(right + 302, 24, "w.grad", 13, ink.MID, bold=True),
    ]
    wanted, said = sum(SLOPES) / len(SLOPES), []
    for count, (sizes, words, reduction, divisor) in enumerate(ROWS):
        top = TOP + ROW * count
        came = _gradient(sizes, reduction, divisor)
        shown = number(round(came, 2), False)
        is_right = came == wanted
        parts += [
            *_batches(sizes, top),
            ink.text(right, top + 28, words, 13.5, ink.MID, anchor="start"),
            ink.box(right + 256, top + 4, 92, 36, RIGHT if is_right else WRONG),
            ink.text(right + 302, top + 27, f"{'=' if is_right else '≠'} {shown}", 14, bold=True),
        ]
        split = " + ".join(map(str, sizes))
        said.append(f"{split}, {words}: {shown}, {'right' if is_right else 'not the same'}")
    title = "Micro-batches give the gradient of the full batch if each loss is divided rightly"
    slopes = ", ".join(number(slope, False) for slope in SLOPES)
    words = (
        f"The losses of four points have the slopes {slopes}. w.grad after one backward for each "
        f"micro-batch: {'; '.join(said)}."
    )
    return ink.document(parts, right + 364, TOP + ROW * len(ROWS) + 4, title, words, "drawing")


def _batches(sizes, top) -> list:
    parts, x, nr = [], LEFT, 0
    for size in sizes:
        parts.append(ink.box(x, top, size * PITCH + 2, 44, GROUP))
        for _ in range(size):
            parts += [
                ink.box(x + 5, top + 7, BOX, 30, POINT),
                ink.text(x + 5 + BOX / 2, top + 27, number(SLOPES[nr], False), 13.5, bold=True),
            ]
            x, nr = x + PITCH, nr + 1
        x += GAP
    return parts


def _gradient(sizes, reduction, divisor) -> float:
    """Return the gradient of w after one backward for each micro-batch."""
    w = torch.tensor(1.0, requires_grad=True)
    for slopes in torch.tensor(SLOPES).split(sizes):
        (getattr(slopes * w, reduction)() / divisor).backward()
    return w.grad.item()
