"""Section 1.2: forward is a line of stations, backward visits them in reverse."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink

ORANGE = ink.ACTIVE.stroke
STATION_WIDTH, STATION_HEIGHT, PITCH = 112.0, 54.0, 256.0
LEFT, TOP = 118.0, 16.0
GRADIENT_TOP = 122.0
SLOPES = ("dz/dx", "dz/d(3x)", "dz/dy", "start: dz/dz")
STEPS = ("times 3", "plus 1", "squared")


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    x = torch.tensor(2.0, requires_grad=True)
    u = 3 * x
    y = u + 1
    z = y**2
    stations = [("x", x), ("3x", u), ("y = 3x + 1", y), ("z = y²", z)]
    gradients = [g.item() for g in torch.autograd.grad(z, [x, u, y, z], retain_graph=True)]
    slopes = [torch.autograd.grad(made, source, retain_graph=True)[0].item()
              for source, made in ((x, u), (u, y), (y, z))]  # fmt: skip
    parts = [
        ink.text(16, TOP + 31, "forward:", 13, ink.MID, bold=True, anchor="start"),
        ink.text(16, TOP + 47, "values", 12, ink.MID, anchor="start"),
        ink.text(16, GRADIENT_TOP + 20, "backward:", 13, ink.MID, bold=True, anchor="start"),
        ink.text(16, GRADIENT_TOP + 36, "gradients", 12, ink.MID, anchor="start"),
    ]
    for place, ((name, tensor), gradient) in enumerate(zip(stations, gradients)):
        left = LEFT + PITCH * place
        look = ink.LEAF if place == 0 else ink.RESULT if place == 3 else ink.OPERATION
        parts += _labelled(left, TOP, name, number(tensor.item()), look, ink.DARK)
        parts += _labelled(left, GRADIENT_TOP, SLOPES[place], number(gradient), ink.ACTIVE, ORANGE)
    for place, (step, slope) in enumerate(zip(STEPS, slopes)):
        start, end = LEFT + PITCH * place + STATION_WIDTH, LEFT + PITCH * (place + 1)
        middle = (start + end) / 2
        ahead, back = TOP + STATION_HEIGHT / 2, GRADIENT_TOP + STATION_HEIGHT / 2
        parts += [
            ink.arrow([(start + 4, ahead), (end - 4, ahead)], width=2),
            ink.text(middle, ahead - 10, step, 13, ink.MID, bold=True),
            ink.arrow([(end - 4, back), (start + 4, back)], ORANGE, 3, backward=True),
            _badge(middle, back - 34, f"local slope {number(slope)}"),
        ]
    words = (
        f"Forward, left to right: x is 2, times 3 is 6, plus 1 is y = 7, squared is z = 49. "
        f"Backward, right to left: the gradient starts at 1 and is multiplied by one local "
        f"slope at each step: by {number(slopes[2])}, by {number(slopes[1])}, by "
        f"{number(slopes[0])}. So it arrives at x as {number(gradients[0])}."
    )
    title = "Forward is a line of stations, backward visits them in reverse"
    return ink.document(parts, LEFT + 3 * PITCH + STATION_WIDTH + 16, 192, title, words, "drawing")


def _labelled(left, top, name, value, look, colour) -> list:
    middle = left + STATION_WIDTH / 2
    return [
        ink.box(left, top, STATION_WIDTH, STATION_HEIGHT, look),
        ink.text(middle, top + 22, name, 13, ink.DARK),
        ink.text(middle, top + 42, value, 17, colour, bold=True),
    ]


def _badge(middle, top, words) -> str:
    width = ink.text_width(words, 12) + 14
    look = ink.Look("#fff7ed", "#fdba74", radius=6)
    return ink.box(middle - width / 2, top, width, 22, look) + ink.text(
        middle, top + 15.5, words, 12, "#9a3412"
    )
