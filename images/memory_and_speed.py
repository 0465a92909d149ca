"""Section 3.3: what a forward through four layers keeps alive, with recording and without."""

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from lecture_helpers.draw import ink

BLUE = ink.LEAF.stroke
KEPT, FREED = ink.Look("#dbeafe", BLUE, radius=4), ink.Look("none", ink.MID, 1.2, 4, "3 3")
LAYERS, BATCH, FEATURES = 4, 256, 64
COLUMN, BLOCK, TALL, PITCH = 96.0, 78.0, 28.0, 32.0
LEFT, GAP, GROUND = 16.0, 34.0, 184.0  # the ground is where the blocks stand


def draw() -> str:
    """Return the picture; which outputs are alive is asked of their memory here."""
    recorded, unrecorded = _alive_with(torch.enable_grad), _alive_with(torch.no_grad)
    second = LEFT + COLUMN * len(recorded) + GAP
    right = second + COLUMN * len(unrecorded)
    parts = [*_panel(LEFT, "recording", recorded), *_panel(second, "under no_grad", unrecorded)]
    note = 14, GROUND + 70
    parts.append(ink.text(*note, "blue: in memory", 13, BLUE, bold=True, anchor="start"))
    parts.append(ink.text(150, note[1], "dashed: freed", 13, ink.MID, bold=True, anchor="start"))
    size = BATCH * FEATURES * torch.float32.itemsize
    of_each = f"each h is a batch of {BATCH} rows of {FEATURES} floats: {size:,} bytes"
    parts.append(ink.text(270, note[1], of_each, 13, ink.MID, anchor="start"))
    title = "Recording keeps each layer's output until backward"
    words = f"Recording: {_told(recorded)}. Under no_grad: {_told(unrecorded)}; {of_each}."
    return ink.document(parts, right + 8, GROUND + 84, title, words, "drawing")


def _alive_with(mode) -> list:
    """Return (moment, which outputs are in memory) after each layer, then after a backward."""
    layers = [torch.nn.Linear(FEATURES, FEATURES) for _ in range(LAYERS)]
    h, made, moments = torch.ones(BATCH, FEATURES), [], []
    with mode():
        for count, layer in enumerate(layers, start=1):
            h = torch.relu(layer(h))
            made.append(StorageWeakRef(h.untyped_storage()))
            moments.append((f"after layer {count}", _alive(made)))
        if h.requires_grad:
            h.sum().backward()
            moments.append(("after backward", _alive(made)))
    return moments


def _alive(made) -> list:
    return [not memory.expired() for memory in made]


def _panel(left, name, moments) -> list:
    parts = [
        ink.text(left, 28, name, 14, ink.MID, bold=True, anchor="start"),
        f'<path d="M{left:.1f} {GROUND + 4:.1f}h{COLUMN * len(moments) - 10:.1f}" fill="none" '
        f'stroke="{ink.MID}" stroke-width="1.5"/>',
    ]
    for place, (moment, alive) in enumerate(moments):
        parts += _column(left + COLUMN * place + (COLUMN - BLOCK) / 2 - 5, moment, alive)
    return parts


def _column(left, moment, alive) -> list:
    """Draw the outputs made so far, one on the other, and which moment this is."""
    first, last = moment.split(" ", 1)
    middle = left + BLOCK / 2
    parts = [ink.text(middle, GROUND + 22, first, 12, ink.MID),
             ink.text(middle, GROUND + 38, last, 12, ink.MID, bold=True)]  # fmt: skip
    for place, is_alive in enumerate(alive):
        top = GROUND - PITCH * (place + 1) + 2
        parts.append(ink.box(left, top, BLOCK, TALL, KEPT if is_alive else FREED))
        colour = ink.DARK if is_alive else ink.MID
        parts.append(ink.text(middle, top + 19, f"h{place + 1}", 13, colour, bold=is_alive))
    return parts


def _told(moments) -> str:
    return ", ".join(
        f"{moment} {' '.join(f'h{place}' for place, one in enumerate(alive, start=1) if one)}"
        for moment, alive in moments
    )
