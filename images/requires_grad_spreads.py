"""Section 2.1: one tracked weight is enough; the flag spreads from it to the loss."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink

BLUE = ink.LEAF.stroke
UNTRACKED = ink.Look("#f8fafc", ink.MID, radius=99, dashes="6 3")
NO_NODE = ink.Look("none", ink.MID, dashes="2 3")
TOP_ROW, ROW = 62.0, 170.0  # the middle of each row of boxes
HEIGHT, BOX = 46.0, 110.0
PITCH, LEFT = 172.0, 16.0


def draw() -> str:
    """Return the picture; every flag and number in it is read from tensors here."""
    x, label = torch.tensor(3.0), torch.tensor(10.0)
    w = torch.tensor(2.0, requires_grad=True)
    double = 2 * x
    product = w * double
    difference = product - label
    loss = difference**2
    at = [LEFT + PITCH * column for column in range(6)]
    parts = [
        *_box(at[0], TOP_ROW, f"x = {number(x.item())}", "data", UNTRACKED),
        *_box(at[1], TOP_ROW, "times 2", "leaves no node", NO_NODE, ink.MID),
        *_box(at[0], ROW, f"w = {number(w.item())}", "a parameter", ink.LEAF),
        *_box(at[2], ROW, "mul", "recorded", ink.OPERATION),
        *_box(at[2], TOP_ROW, f"label = {number(label.item())}", "data", UNTRACKED),
        *_box(at[3], ROW, "sub", "recorded", ink.OPERATION),
        *_box(at[4], ROW, "pow", "recorded", ink.OPERATION),
        *_box(at[5], ROW, f"loss = {number(loss.item())}", "a result", ink.RESULT),
        *_link([(at[0] + BOX, TOP_ROW), (at[1], TOP_ROW)], x, at[0] + BOX + 34, TOP_ROW - 10),
        *_link([(at[1] + BOX, TOP_ROW), (at[2], ROW - 13)], double, at[1] + BOX + 4, ROW - 46),
        *_link([(at[0] + BOX, ROW), (at[2], ROW)], w, at[1] + BOX / 2, ROW - 10),
        *_link([(at[2] + BOX, TOP_ROW), (at[3], ROW - 13)], label, at[2] + BOX + 66, ROW - 46),
        *_link([(at[2] + BOX, ROW), (at[3], ROW)], product, at[2] + BOX + 32, ROW + 20),
        *_link([(at[3] + BOX, ROW), (at[4], ROW)], difference, at[3] + BOX + 32, ROW + 20),
        *_link([(at[4] + BOX, ROW), (at[5], ROW)], loss, at[4] + BOX + 32, ROW + 20),
        ink.text(LEFT, 222, "Words on the arrows: requires_grad of the tensor that passes.", 13,
                 ink.MID, anchor="start"),
    ]  # fmt: skip
    flags = {"x": x, "2x": double, "w": w, "w · 2x": product, "the loss": loss}
    said = ", ".join(f"{name}: {tensor.requires_grad}" for name, tensor in flags.items())
    words = (
        f"The loss is (w · 2x - label)². requires_grad of {said}. x and label are data, so "
        f"doubling x leaves no node. The product has one tracked input, w. From there on every "
        f"operation is recorded and every result requires grad, although the label does not."
    )
    title = "One tracked weight is enough: the flag spreads from it to the loss"
    return ink.document(parts, at[5] + BOX + 16, 236, title, words, "drawing")


def _box(left, middle, name, below, look, colour=ink.DARK) -> list:
    top = middle - HEIGHT / 2
    soft = ink.SOFT if colour == ink.DARK else colour
    return [
        ink.box(left, top, BOX, HEIGHT, look),
        ink.text(left + BOX / 2, top + 20, name, 13, colour, bold=True),
        ink.text(left + BOX / 2, top + 36, below, 11, soft),
    ]


def _link(points, tensor, x, y) -> list:
    """Draw an arrow for a tensor, thick and blue if it requires grad, and say its flag."""
    (start_x, start_y), (end_x, end_y) = points
    colour, width = (BLUE, 3) if tensor.requires_grad else (ink.MID, 1.5)
    return [
        ink.arrow([(start_x + 4, start_y), (end_x - 4, end_y)], colour, width),
        ink.text(x, y, str(tensor.requires_grad), 12, colour, bold=tensor.requires_grad),
    ]
