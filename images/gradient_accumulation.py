"""Section 1.3: two graphs come, add to the one leaf's ``.grad``, and go."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink

ORANGE, LIQUID = ink.ACTIVE.stroke, "#fdba74"
BADGE = ink.Look("#fff7ed", LIQUID, radius=6)
GONE = ink.Look("none", ink.MID, 1.2, 12, "2 4")
FRAME = ink.Look("none", ink.MID, 1.2, 12)
LEFTS = (16.0, 150.0, 500.0, 872.0)  # of the four moments
FRAME_TOP, FRAME_HEIGHT, FRAME_WIDTH, SHIFT = 34.0, 78.0, 332.0, 16.0
GRAPH_TOP, GRAPH_HEIGHT = 66.0, 34.0
JAR_TOP, JAR_HEIGHT, JAR_WIDTH, ROUND = 162.0, 86.0, 104.0, 14.0
SHELF_TOP, SHELF_HEIGHT = 254.0, 36.0
LAST_WIDTH = 136.0
WIDTH, HEIGHT = 1008.0, 304.0


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    w = torch.tensor(2.0, requires_grad=True)
    moments = []
    for x in (1.0, 3.0):
        loss = (w * x - 1) ** 2
        (own,) = torch.autograd.grad(loss, w, retain_graph=True)
        loss.backward()
        moments.append((x, loss.item(), own.item(), w.grad.item()))
    full = w.grad.item()
    w.grad.zero_()
    first, second, third, fourth = LEFTS
    middle = fourth + JAR_WIDTH / 2
    parts = [
        ink.text(first + JAR_WIDTH / 2, 22, "before", 13, ink.MID, bold=True),
        _no_jar(first),
    ]
    for left, (x, loss, own, total), which in zip((second, third), moments, ("first", "second")):
        title = f"{which} loss, x = {number(x)}: a graph of its own"
        parts += [
            ink.text(left + SHIFT + FRAME_WIDTH / 2, 22, title, 13, ink.MID, bold=True),
            ink.box(left + SHIFT, FRAME_TOP, FRAME_WIDTH, FRAME_HEIGHT, FRAME),
            ink.text(left + SHIFT + FRAME_WIDTH / 2, FRAME_TOP + 20, "forward", 12, ink.MID),
            *_graph(left + 2 * SHIFT, ("w", "mul", "sub", "pow", f"loss {number(loss)}")),
            *_pour(left + JAR_WIDTH / 2, f"backward adds {number(own)}"),
            *_jar(left, total, full),
        ]
    parts += [
        ink.text(middle, 22, "after", 13, ink.MID, bold=True),
        ink.box(middle - LAST_WIDTH / 2, FRAME_TOP, LAST_WIDTH, FRAME_HEIGHT, GONE),
        ink.text(middle, FRAME_TOP + 36, "both losses deleted:", 12, ink.MID),
        ink.text(middle, FRAME_TOP + 54, "no graph is left", 12, ink.MID),
        *_jar(fourth, w.grad.item(), full),
        *_time(first + JAR_WIDTH, second),
        *_time(second + JAR_WIDTH, third),
        *_time(third + JAR_WIDTH, fourth, "w.grad.zero_()"),
        ink.box(16, SHELF_TOP, WIDTH - 32, SHELF_HEIGHT, ink.LEAF),
        ink.text(WIDTH / 2, SHELF_TOP + 23,
                 f"the leaf w = {number(w.item())} stays, and its .grad with it",
                 14, ink.DARK, bold=True),
    ]  # fmt: skip
    title = "Graphs come and go; the leaf and its .grad stay, and every backward adds"
    return ink.document(parts, WIDTH, HEIGHT, title, _words(w, moments), "drawing")


def _words(w, moments) -> str:
    (x, loss, own, total), (next_x, next_loss, next_own, next_total) = (
        [number(value) for value in moment] for moment in moments
    )
    return (
        f"One leaf, w = {number(w.item())}, lies below like a shelf. Its .grad is a jar on it. "
        f"Before the first backward there is no jar: .grad is None. The first loss, at x = {x}, "
        f"is {loss}; its graph mul, sub, pow hangs on w, and its backward pours {own} into the "
        f"jar, which then holds {total}. The second loss, at x = {next_x}, is {next_loss} and has "
        f"a graph of its own; its backward adds {next_own}, and the jar holds {next_total}. At "
        f"last both losses are deleted and no graph is left; w.grad.zero_() empties the jar to "
        f"{number(w.grad.item())}. The jar itself is still there."
    )


def _graph(left, labels) -> list:
    """Draw a small graph from the leaf to the loss, with arrows of the forward."""
    parts, middle = [], GRAPH_TOP + GRAPH_HEIGHT / 2
    for place, label in enumerate(labels):
        is_leaf, is_loss = place == 0, place == len(labels) - 1
        look = ink.LEAF if is_leaf else ink.RESULT if is_loss else ink.OPERATION
        width = 76 if is_loss else 40
        if place:
            parts.append(ink.arrow([(left - 15, middle), (left - 1, middle)]))
        parts += [
            ink.box(left, GRAPH_TOP, width, GRAPH_HEIGHT, look),
            ink.text(left + width / 2, middle + 4.5, label, 12.5, ink.DARK, bold=True),
        ]
        left += width + 16
    return parts


def _pour(x, words) -> list:
    """Draw the orange arrow that carries a gradient from the graph's leaf into the jar."""
    start, tip = GRAPH_TOP + GRAPH_HEIGHT + 3, JAR_TOP - 6
    line = f"M{x:.1f} {start:.1f}V{tip - 10:.1f}"
    head = f"M{x:.1f} {tip:.1f}L{x - 7:.1f} {tip - 12:.1f}H{x + 7:.1f}z"
    width = ink.text_width(words, 12) + 14
    return [
        f'<path d="{line}" fill="none" stroke="{ORANGE}" stroke-width="3"/>',
        f'<path d="{head}" fill="{ORANGE}"/>',
        ink.box(x + 18, tip - 31, width, 22, BADGE),
        ink.text(x + 18 + width / 2, tip - 15.5, words, 12, "#9a3412", bold=True),
    ]


def _outline(left, top, bottom) -> str:
    right = left + JAR_WIDTH
    return (
        f"M{left:.1f} {top:.1f}V{bottom - ROUND:.1f}Q{left:.1f} {bottom:.1f} "
        f"{left + ROUND:.1f} {bottom:.1f}H{right - ROUND:.1f}Q{right:.1f} {bottom:.1f} "
        f"{right:.1f} {bottom - ROUND:.1f}V{top:.1f}"
    )


def _jar(left, value, full) -> list:
    """Draw a jar that is filled in proportion to its value, and the value in it."""
    bottom, middle = JAR_TOP + JAR_HEIGHT, left + JAR_WIDTH / 2
    glass = _outline(left, JAR_TOP, bottom)
    return [
        f'<path d="{glass}z" fill="{ink.OPERATION.fill}"/>',
        _liquid(left, bottom, (JAR_HEIGHT - ROUND) * value / full) if value else "",
        f'<path d="{glass}" fill="none" stroke="{ink.LEAF.stroke}" stroke-width="2.5"/>',
        ink.box(left - 5, JAR_TOP - 4, JAR_WIDTH + 10, 7, ink.LEAF),
        ink.text(middle, JAR_TOP + 34, "w.grad", 12, ink.DARK),
        ink.text(middle, JAR_TOP + 58, number(value), 20, ink.DARK, bold=True),
    ]


def _liquid(left, bottom, level) -> str:
    if level >= ROUND:
        return f'<path d="{_outline(left, bottom - level, bottom)}z" fill="{LIQUID}"/>'
    inset = ROUND - (ROUND**2 - (ROUND - level) ** 2) ** 0.5  # the glass is narrower down there
    right, y = left + JAR_WIDTH, bottom - level
    return (
        f'<path d="M{left + inset:.1f} {y:.1f}L{left + ROUND:.1f} {bottom:.1f}'
        f'H{right - ROUND:.1f}L{right - inset:.1f} {y:.1f}z" fill="{LIQUID}"/>'
    )


def _no_jar(left) -> str:
    """Draw what stands for None: no jar at all, only the place where it will be."""
    glass = _outline(left, JAR_TOP, JAR_TOP + JAR_HEIGHT)
    middle = left + JAR_WIDTH / 2
    return (
        f'<path d="{glass}z" fill="none" stroke="{ink.MID}" stroke-width="1.2" '
        f'stroke-dasharray="2 4"/>'
        + ink.text(middle, JAR_TOP + 34, "w.grad", 12, ink.MID)
        + ink.text(middle, JAR_TOP + 58, "None", 20, ink.MID)
    )


def _time(start, end, words="") -> list:
    """Draw the thin arrow from one moment to the next, with what happens between them."""
    y = JAR_TOP + JAR_HEIGHT / 2 + 8
    said = [ink.text((start + end) / 2, y - 10, words, 12, ink.MID, bold=True)] if words else []
    return [ink.arrow([(start + 9, y), (end - 9, y)]), *said]
