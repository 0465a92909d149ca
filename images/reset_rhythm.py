"""Section 2.3: one reset for each optimizer step, however many backward calls it has."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink

ORANGE, LIQUID = ink.ACTIVE.stroke, "#fdba74"
FRAME = ink.Look("none", ink.MID, 1.2, 12)
RESET = ink.Look("#dbeafe", ink.LEAF.stroke, radius=6)
STEP = ink.Look("#dcfce7", "#15803d", radius=6)
BACKWARD = ink.Look("#ffedd5", ORANGE, radius=6)
GLASS = ink.Look("#f8fafc", ink.MID, radius=3)
NOTHING = ink.Look("none", ink.MID, 1.2, 3, "2 4")
FACTORS = ((2, 3, 1), (4, 1, 2))  # the slopes of the losses of each step
WIDTH, PITCH, HEIGHT, LEFT, GAP = 78.0, 92.0, 44.0, 30.0, 30.0
TOP, JAR_TOP, JAR_HEIGHT = 52.0, 118.0, 70.0


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    w = torch.nn.Parameter(torch.tensor(2.0))
    optimizer = torch.optim.SGD([w], lr=0.0)
    parts, said, left = [], [], LEFT
    for count, factors in enumerate(FACTORS, start=1):
        width = PITCH * (len(factors) + 2) - (PITCH - WIDTH)
        parts += [
            ink.box(left - 12, 8, width + 24, 218, FRAME),
            ink.text(left, 32, f"optimizer step {count}", 14, ink.MID, bold=True, anchor="start"),
        ]
        optimizer.zero_grad()
        events = [("reset", "clears .grad", RESET, None)]
        for factor in factors:
            (factor * w).backward()
            events.append(("backward", f"adds {number(float(factor))}", BACKWARD, w.grad.item()))
        optimizer.step()
        events.append(("step", "uses .grad", STEP, w.grad.item()))
        for place, event in enumerate(events):
            parts += _event(left + PITCH * place, *event, is_last=place == len(events) - 1)
        totals = ", ".join(number(total) for *_, total in events[1:-1])
        said.append(f"step {count}: reset, then w.grad reads {totals}, then optimizer.step()")
        left += width + GAP + 24 - (PITCH - WIDTH)
    parts.append(ink.text(LEFT - 14, 246, "w.grad after each event", 12, ink.MID, anchor="start"))
    words = f"{said[0]}; {said[1]}. The reset stands once in each step, before its first backward."
    title = "One reset for each optimizer step, before its first backward"
    right = left - GAP - 24 + (PITCH - WIDTH) + 28
    return ink.document(parts, right, 258, title, words, "drawing")


def _event(left, name, what, look, grad, is_last) -> list:
    """Draw one event, and below it w.grad as it stands then: no jar where a reset emptied it."""
    middle, bottom = left + WIDTH / 2, JAR_TOP + JAR_HEIGHT
    parts = [
        ink.box(left, TOP, WIDTH, HEIGHT, look),
        ink.text(middle, TOP + 19, name, 12.5, ink.DARK, bold=True),
        ink.text(middle, TOP + 35, what, 11, ink.SOFT),
        ink.box(left + 14, JAR_TOP, WIDTH - 28, JAR_HEIGHT, NOTHING if grad is None else GLASS),
    ]
    if not is_last:
        parts.append(ink.arrow([(left + WIDTH + 1, TOP + HEIGHT / 2),
                                (left + PITCH - 1, TOP + HEIGHT / 2)]))  # fmt: skip
    if grad is not None:
        level = 60.0 * grad / max(sum(factors) for factors in FACTORS)
        parts.append(ink.box(left + 15, bottom - level, WIDTH - 30, level - 1,
                             ink.Look(LIQUID, LIQUID, 0, 2)))  # fmt: skip
    shown, colour = ("empty", ink.MID) if grad is None else (number(grad), ORANGE)
    return [*parts, ink.text(middle, bottom + 20, shown, 14, colour, bold=True)]
