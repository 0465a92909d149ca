"""Section 3.1: what a no_grad block switches off, and what it leaves alone."""

import torch

from lecture_helpers.draw import ink
from lecture_helpers.draw.words import number

BLUE = ink.LEAF.stroke
FRAME = ink.Look("none", ink.MID, 1.2, 12)
OFF = ink.Look("none", ink.MID, 2, 12, "8 5")
UNTRACKED = ink.Look("#f8fafc", ink.MID, radius=99, dashes="6 3")
NO_NODE = ink.Look("none", ink.MID, dashes="2 3")
WIDTH, HEIGHT = 132.0, 46.0
COLUMNS = (26.0, 226.0, 386.0, 584.0, 822.0)  # the left ends of the boxes
LINE, OPERATION, RESULT = 84.0, 164.0, 246.0  # the middle of the flag's line and of each row
TOP, BOTTOM = 12.0, 288.0


def draw() -> str:
    """Return the picture; every flag and number in it is read from tensors here."""
    a = torch.tensor(2.0, requires_grad=True)
    before = 2 * a
    with torch.no_grad():
        inside = 2 * a
        created = torch.tensor(5.0, requires_grad=True)
        with torch.enable_grad():
            nested = 2 * a
    after = 3 * a
    parts = [
        *_frame(COLUMNS[0], COLUMNS[0], "before: recording", FRAME),
        *_frame(COLUMNS[1], COLUMNS[3] + 34, "with torch.no_grad():", OFF, 6),
        *_frame(COLUMNS[3], COLUMNS[3], "with torch.enable_grad():", FRAME, 26, 24),
        *_frame(COLUMNS[4], COLUMNS[4], "after: recording", FRAME),
        *_flag(a),
        *_made(COLUMNS[0], "mul", before, "2a"),
        *_made(COLUMNS[1], "times 2", inside, "2a"),
        *_created(COLUMNS[2], created),
        *_made(COLUMNS[3], "mul", nested, "2a"),
        *_made(COLUMNS[4], "mul", after, "3a"),
        ink.text(14, 312, "blue: requires grad", 13, BLUE, bold=True, anchor="start"),
        ink.text(176, 312, "grey, dashed: does not, and left no node", 13, ink.MID, bold=True,
                 anchor="start"),
    ]  # fmt: skip
    words = (
        f"a = {number(a.item())} requires grad before, inside and after the block. Before it, "
        f"2a = {number(before.item())} is recorded, requires_grad {before.requires_grad}. Inside "
        f"no_grad 2a = {number(inside.item())} leaves no node, requires_grad "
        f"{inside.requires_grad}. A tensor created there with requires_grad=True has "
        f"requires_grad {created.requires_grad}. Inside enable_grad within it, 2a is recorded "
        f"again, requires_grad {nested.requires_grad}. After the block 3a = "
        f"{number(after.item())} is recorded, requires_grad {after.requires_grad}."
    )
    title = "no_grad stops recording; it changes no flag that was there"
    return ink.document(parts, COLUMNS[4] + WIDTH + 34, 324, title, words, "drawing")


def _frame(first, last, words, look, inset=0.0, top=TOP) -> list:
    """Draw a frame around the columns from ``first`` to ``last``, with its heading."""
    left, right = first - 14 - inset, last + WIDTH + 14 + inset
    bottom = BOTTOM if top == TOP else BOTTOM - 12
    return [
        ink.box(left, top, right - left, bottom - top, look),
        ink.text(left + 12, top + 21, words, 13, ink.MID, bold=True, anchor="start"),
    ]


def _flag(a) -> list:
    """Draw the leaf a and the line of its flag, which runs through all blocks."""
    left, end = COLUMNS[0], COLUMNS[4] + WIDTH + 14
    middles = [column + WIDTH / 2 for column in (COLUMNS[1], COLUMNS[4])]
    return [
        ink.arrow([(left + WIDTH, LINE), (end + 10, LINE)], BLUE, 2.5),
        ink.box(left, LINE - HEIGHT / 2, WIDTH, HEIGHT, ink.LEAF),
        *_words(left, LINE, f"a = {number(a.item())}", f"requires_grad {a.requires_grad}"),
        *[ink.text(middle, LINE - 9, "a requires grad", 12, BLUE, bold=True) for middle in middles],
    ]


def _made(left, operation, tensor, name) -> list:
    """Draw an operation on a below the flag's line, and below that what it makes."""
    recorded = tensor.grad_fn is not None
    look = ink.OPERATION if recorded else NO_NODE
    said = ("recorded", ink.DARK) if recorded else ("leaves no node", ink.MID)
    return [
        *_down(left, LINE if left != COLUMNS[0] else LINE + HEIGHT / 2, OPERATION, tensor),
        ink.box(left, OPERATION - HEIGHT / 2, WIDTH, HEIGHT, look),
        *_words(left, OPERATION, operation, *said),
        *_down(left, OPERATION + HEIGHT / 2, RESULT, tensor),
        *_tensor(left, f"{name} = {number(tensor.item())}", tensor),
    ]


def _created(left, tensor) -> list:
    words = ("created inside with", "requires_grad=True")
    middle = left + WIDTH / 2
    return [
        *[ink.text(middle, OPERATION + 3 + 18 * row, said, 12, ink.MID)
          for row, said in enumerate(words)],
        *_down(left, OPERATION + HEIGHT / 2 + 8, RESULT, tensor),
        *_tensor(left, f"new = {number(tensor.item())}", tensor),
    ]  # fmt: skip


def _tensor(left, words, tensor) -> list:
    tracked = tensor.requires_grad
    look = UNTRACKED if not tracked else ink.LEAF if tensor.is_leaf else ink.RESULT
    return [
        ink.box(left, RESULT - HEIGHT / 2, WIDTH, HEIGHT, look),
        *_words(left, RESULT, words, f"requires_grad {tracked}"),
    ]


def _words(left, middle, words, below, colour=ink.DARK) -> list:
    soft = ink.SOFT if colour == ink.DARK else colour
    return [
        ink.text(left + WIDTH / 2, middle - 3, words, 13, colour, bold=True),
        ink.text(left + WIDTH / 2, middle + 14, below, 11, soft),
    ]


def _down(left, start, row, tensor) -> list:
    """Draw an arrow from ``start`` down to the box in a row: blue where it carries the flag."""
    x, tip = left + WIDTH / 2, row - HEIGHT / 2 - 1
    colour, width = (BLUE, 2.5) if tensor.requires_grad else (ink.MID, 1.5)
    dashes = "" if tensor.requires_grad else ' stroke-dasharray="4 3"'
    return [
        f'<path d="M{x:.1f} {start:.1f}V{tip - 8:.1f}" fill="none" stroke="{colour}" '
        f'stroke-width="{width:g}"{dashes}/>',
        f'<path d="M{x:.1f} {tip:.1f}L{x - 5:.1f} {tip - 9:.1f}H{x + 5:.1f}z" fill="{colour}"/>',
    ]
