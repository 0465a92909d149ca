"""Section 2.2: backward passes every tracked tensor and fills only some grad fields."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink

ORANGE = ink.ACTIVE.stroke
FIELD = ink.Look("#ffedd5", ORANGE, radius=4)
EMPTY = ink.Look("none", ink.MID, radius=4, dashes="3 3")
UNTRACKED = ink.Look("#f8fafc", ink.MID, radius=99, dashes="6 3")
WIDTH, HEIGHT, FIELD_HEIGHT = 140.0, 44.0, 30.0
LEFT, PITCH = 16.0, 262.0
ROWS = (66.0, 212.0)  # the middle of each row of tensors
AHEAD, BACK = -14.0, -3.0  # where the arrows run, seen from the middle of a row
LOWER = 21.0  # how much lower those that come from the row below arrive


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    a, b = (torch.tensor(value, requires_grad=True) for value in (2.0, 1.0))
    c = torch.tensor(4.0)
    h = a * c
    k = h + b
    out = k**2
    start, at_k, at_h = (g.item() for g in torch.autograd.grad(out, [out, k, h], retain_graph=True))
    k.retain_grad()  # not before: a retained gradient also grows in torch.autograd.grad
    out.backward()
    at = [LEFT + PITCH * column for column in range(4)]
    (high, low), end = ROWS, at[3] + WIDTH
    parts = [
        ink.text(LEFT, 20, "grey: forward", 13, ink.MID, bold=True, anchor="start"),
        ink.text(LEFT + 120, 20, "orange: backward, with the gradient that passes", 13, ORANGE,
                 bold=True, anchor="start"),
        *_tensor(at[0], high, "a", a, "leaf, requires grad", a.grad, ink.LEAF),
        *_tensor(at[0], low, "c", c, "leaf, untracked", None, UNTRACKED),
        *_tensor(at[1], high, "h", h, "computed", None, ink.OPERATION),
        *_tensor(at[1], low, "b", b, "leaf, requires grad", b.grad, ink.LEAF),
        *_tensor(at[2], high, "k", k, "called retain_grad()", k.grad, ink.OPERATION),
        *_tensor(at[3], high, "out", out, "computed", None, ink.RESULT),
        *_link(at[0], high, at[1], high, "mul", a.grad.item()),
        *_link(at[0], low, at[1], high, "", None),
        *_link(at[1], high, at[2], high, "add", at_h),
        *_link(at[1], low, at[2], high, "", b.grad.item()),
        *_link(at[2], high, at[3], high, "pow", at_k),
        ink.arrow([(end + 40, high + BACK), (end + 6, high + BACK)], ORANGE, 3, backward=True),
        ink.text(end + 26, high + BACK - 12, number(start), 12, ORANGE, bold=True),
    ]  # fmt: skip
    words = (
        f"a = {number(a.item())} and b = {number(b.item())} are leaves that require grad, "
        f"c = {number(c.item())} is untracked. h = a times c, k = h + b, out = k squared = "
        f"{number(out.item())}. Backward starts at out with {number(start)}, passes k with "
        f"{number(at_k)} and h with {number(at_h)}. It fills a.grad with {number(a.grad.item())} "
        f"and b.grad with {number(b.grad.item())}, and k.grad with {number(k.grad.item())}, since "
        f"k called retain_grad(). h.grad and out.grad stay None: their gradients were passed on "
        f"and dropped. c.grad is None: nothing was sent there."
    )
    title = "Backward passes every tracked tensor and fills only some grad fields"
    return ink.document(parts, end + 56, 292, title, words, "drawing")


def _tensor(left, middle, name, tensor, kind, grad, look) -> list:
    """Draw a tensor, and below it its ``.grad``: an empty field where that is None."""
    top, centre = middle - HEIGHT / 2, left + WIDTH / 2
    field = top + HEIGHT + 6
    kept = grad is not None
    said = f".grad = {number(grad.item())}" if kept else ".grad is None"
    return [
        ink.box(left, top, WIDTH, HEIGHT, look),
        ink.text(centre, top + 18, f"{name} = {number(tensor.item())}", 13, ink.DARK, bold=True),
        ink.text(centre, top + 35, kind, 11, ink.SOFT),
        ink.box(left, field, WIDTH, FIELD_HEIGHT, FIELD if kept else EMPTY),
        ink.text(centre, field + 20, said, 13, "#9a3412" if kept else ink.MID, bold=kept),
    ]


def _link(left, row, right, next_row, operation, gradient) -> list:
    """Draw the arrow of the forward and, where a gradient passes, the arrow back below it."""
    start, end = left + WIDTH + 5, right - 5
    lower = 0 if row == next_row else LOWER
    ahead, back = (row + AHEAD, next_row + AHEAD + lower), (row + BACK, next_row + BACK + lower)
    parts = [ink.arrow([(start, ahead[0]), (end, ahead[1])], width=1.5)]
    middle = (start + end) / 2
    if operation:
        parts.append(ink.text(middle, row + AHEAD - 8, operation, 13, ink.MID, bold=True))
    if gradient is not None:
        parts.append(ink.arrow([(end, back[1]), (start, back[0])], ORANGE, 3, backward=True))
        x = start + 30 if lower else middle
        parts.append(ink.text(x, back[0] + 19, number(gradient), 12, ORANGE, bold=True))
    return parts
