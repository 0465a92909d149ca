"""Practice P.1: one weight is used three times, and what the three uses bring back adds up."""

import torch

from lecture_helpers.brief import brief, number
from lecture_helpers.draw import ink

ORANGE = ink.ACTIVE.stroke
WIDTH, HEIGHT = 112.0, 50.0
LEFTS = (16.0, 290.0, 564.0, 838.0)  # of w, the products, the mean, L
ROWS = (78.0, 164.0, 250.0)  # the middle of each product
APART = 10.0  # from the middle of a row to each of its two arrows


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    w = torch.tensor([0.5], requires_grad=True)
    x = torch.tensor([2.0, 4.0, 6.0])
    products = w * x
    mean = products.mean()
    shares, sent = torch.autograd.grad(mean, [products, w])
    parts_of_w = [round(part, 3) for part in (shares * x).tolist()]
    shares = [round(share, 3) for share in shares.tolist()]
    middle = ROWS[1]
    parts = [
        ink.text(16, 20, "grey, above: forward, with the value that passes", 13, ink.MID,
                 anchor="start"),
        ink.text(400, 20, "orange, below: backward, with the gradient", 13, ORANGE,
                 anchor="start"),
        *_box(LEFTS[0], ROWS, "w", f"{number(w.item())}, three uses", ink.LEAF),
        *_box(LEFTS[2], ROWS, "mean", "of three", ink.OPERATION),
        *_box(LEFTS[3], [middle], "L", number(mean.item()), ink.RESULT),
        *_pair(LEFTS[2], middle, mean.item(), 1.0),
        *_sum(LEFTS[0], ROWS[-1] + HEIGHT / 2 + 18, parts_of_w, sent.item()),
    ]  # fmt: skip
    for row, factor, value, share, part in zip(
        ROWS, x.tolist(), products.tolist(), shares, parts_of_w
    ):
        parts += _box(LEFTS[1], [row], f"times {brief(factor)}", "", ink.OPERATION)
        parts += _pair(LEFTS[0], row, w.item(), part)
        parts += _pair(LEFTS[1], row, value, share)
    told = " + ".join(map(number, parts_of_w))
    words = (
        f"w = {number(w.item())} is stretched to three elements: it goes into three products, "
        f"times 2, times 4 and times 6, which give {_listed(products.tolist())}. Their mean is L "
        f"= {number(mean.item())}. Backward starts at L with 1. The mean hands "
        f"{number(shares[0])} to each product. Each product multiplies that by its factor and "
        f"sends {_listed(parts_of_w)} back to w. There they add up: {told} = "
        f"{number(sent.item())}, which is w.grad."
    )
    title = "One weight used three times: three parts come back, and they add up"
    return ink.document(parts, LEFTS[3] + WIDTH + 16, 350, title, words, "drawing")


def _listed(values) -> str:
    *first, last = map(number, values)
    return f"{', '.join(first)} and {last}"


def _box(left, rows, name, below, look) -> list:
    """Draw a box that reaches over all of its rows."""
    top, middle = rows[0] - HEIGHT / 2, (rows[0] + rows[-1]) / 2
    height = rows[-1] - rows[0] + HEIGHT
    lines = [words for words in (name, *below.split(", ")) if words]
    first = middle + 5 - 9 * (len(lines) - 1)
    return [
        ink.box(left, top, WIDTH, height, look._replace(radius=min(look.radius, 25))),
        ink.text(left + WIDTH / 2, first, lines[0], 14, ink.DARK, bold=True),
        *[ink.text(left + WIDTH / 2, first + 19 * nr, words, 13, ink.SOFT)
          for nr, words in enumerate(lines[1:], start=1)],
    ]  # fmt: skip


def _pair(left, row, value, gradient) -> list:
    """Draw the arrow from one column to the next, and below it the one that comes back."""
    start, end = left + WIDTH + 4, left + LEFTS[1] - LEFTS[0] - 4
    middle = (start + end) / 2
    return [
        ink.arrow([(start, row - APART), (end, row - APART)], ink.MID, 1.5),
        ink.text(middle, row - APART - 8, number(value), 13, ink.MID, bold=True),
        ink.arrow([(end, row + APART), (start, row + APART)], ORANGE, 2.5, backward=True),
        ink.text(middle, row + APART + 18, number(gradient), 13, ORANGE, bold=True),
    ]


def _sum(left, top, parts, total) -> list:
    said = f"w.grad = {' + '.join(map(number, parts))} = {number(total)}"
    look = ink.ACTIVE._replace(radius=6)
    return [
        ink.box(left, top, ink.text_width(said, 13) + 20, 34, look),
        ink.text(left + 10, top + 22, said, 13, "#9a3412", bold=True, anchor="start"),
    ]
