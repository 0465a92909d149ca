"""Section 4.1: the five parts of a step of training, and what they give three times over."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink

HEAD = ink.Look("#f8fafc", ink.MID, 1.5, 8)
LOOKS = (
    ink.Look("#dbeafe", ink.LEAF.stroke, radius=8),
    ink.Look("#ede9fe", "#7c3aed", radius=8),
    HEAD,
    ink.ACTIVE._replace(width=1.5, radius=8),
    ink.Look("#dcfce7", "#15803d", radius=8),
)
NAMES = ("forward", "loss", "reset", "backward", "update")
CODE = ("p = w · x", "(p − 4)²", "w.grad = None", "loss.backward()", "w −= lr · w.grad")
LEFT, TOP, WIDTH, HEIGHT, PITCH, ROW = 78.0, 52.0, 128.0, 52.0, 146.0, 34.0


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    rows, said = _trained(), []
    parts = _back()
    for place, (name, code, look) in enumerate(zip(NAMES, CODE, LOOKS)):
        left = LEFT + PITCH * place
        parts += [
            ink.box(left, TOP, WIDTH, HEIGHT, look),
            ink.text(left + WIDTH / 2, TOP + 22, name, 14, ink.DARK, bold=True),
            ink.text(left + WIDTH / 2, TOP + 41, code, 12, ink.SOFT),
        ]
        if place:
            gap = [(left - PITCH + WIDTH + 2, TOP + HEIGHT / 2), (left - 2, TOP + HEIGHT / 2)]
            parts.append(ink.arrow(gap))
    for count, cells in enumerate(rows, start=1):
        base = TOP + HEIGHT + 8 + ROW * count
        parts.append(ink.text(12, base, f"step {count}", 13, ink.MID, bold=True, anchor="start"))
        parts += [
            ink.text(LEFT + PITCH * place + WIDTH / 2, base, words, 13.5, ink.MID)
            for place, words in enumerate(cells)
        ]
        said.append(f"step {count}: {', '.join(cells)}")
    words = (
        f"Forward, loss, reset, backward, update, and again from the start, with x = 1, the target "
        f"4 and lr 0.25. {'; '.join(said)}."
    )
    title = "A training loop repeats five parts, and each step starts where the last one ended"
    right, bottom = LEFT + PITCH * 4 + WIDTH + 14, TOP + HEIGHT + 8 + ROW * len(rows) + 20
    return ink.document(parts, right, bottom, title, words, "drawing")


def _back() -> list:
    """Return the arrow from the update back to the forward, above the boxes."""
    first, last, top = LEFT + WIDTH / 2, LEFT + PITCH * 4 + WIDTH / 2, TOP - 28
    way = (
        f"M{last:.1f} {TOP - 3:.1f}V{top + 8:.1f}q0 -8 -8 -8H{first + 8:.1f}q-8 0 -8 8"
        f"V{TOP - 11:.1f}"
    )
    head = f"M{first:.1f} {TOP - 2:.1f}l-4.5 -9h9z"
    return [
        f'<path d="{way}" fill="none" stroke="{ink.MID}" stroke-width="1.5"/>',
        f'<path d="{head}" fill="{ink.MID}"/>',
        ink.text((first + last) / 2, top - 6, "and again, with the new w", 12, ink.MID),
        ink.text(12, TOP + 22, "x = 1", 12, ink.MID, anchor="start"),
        ink.text(12, TOP + 41, "lr = 0.25", 12, ink.MID, anchor="start"),
    ]


def _trained() -> list:
    """Return what each part gives in three steps, in words."""
    w, rows = torch.tensor(0.0, requires_grad=True), []
    for _ in range(3):
        prediction = w * 1
        loss = (prediction - 4) ** 2
        w.grad = None
        loss.backward()
        with torch.no_grad():
            w -= 0.25 * w.grad
        told = [number(round(one.item(), 4), False) for one in (prediction, loss, w.grad, w)]
        told = [one.replace("-", "−") for one in told]
        rows.append([f"p = {told[0]}", f"loss {told[1]}", "empty", f".grad {told[2]}",
                     f"w = {told[3]}"])  # fmt: skip
    return rows
