"""Section 4.2: four points, and the line before training, after three steps and after 100."""

import torch

from lecture_helpers.brief import number
from lecture_helpers.draw import ink
from lecture_helpers.draw.axes import LINES, Axes, Scale, keys, width_of_keys

POINTS = ((0.0, 2.5), (1.0, 2.5), (2.0, 3.5), (3.0, 5.5))
SHOWN = (0, 3, 100)  # steps
LEFT, TOP, WIDTH, HEIGHT = 60.0, 56.0, 420.0, 210.0


def draw() -> str:
    """Return the picture; every number in it is computed here."""
    axes = Axes(LEFT, TOP, WIDTH, HEIGHT, Scale(-0.3, 3.3), Scale(-0.5, 6.5))
    lines, names, said = [], [], []
    for look, step in zip(LINES, SHOWN):
        w, b, loss = _after(step)
        ends = [(x, w * x + b) for x in (-0.3, 3.3)]
        lines.append(axes.line(ends, look))
        names.append("at the start" if step == 0 else f"after {step} steps")
        values = [number(round(value, 2), False) for value in (w, b, loss)]
        said.append(f"{names[-1]}: w = {values[0]}, b = {values[1]}, loss {values[2]}")
    misses = [axes.line([(x, w * x + b), (x, y)], LINES[2]._replace(width=5)) for x, y in POINTS]
    dots = [axes.dot(point, 5.5, "#dbeafe", ink.LEAF.stroke) for point in POINTS]
    parts = [*axes.frame("x", "y"), axes.inside([*misses, *lines, *dots], 6),
             *keys(names, LEFT, 22, LINES)]  # fmt: skip
    points = ", ".join(f"({number(x, False)}, {number(y, False)})" for x, y in POINTS)
    words = (
        f"The points are {points}. The line w · x + b runs {'; '.join(said)}. Bars join the last "
        f"line and the points: these are the misses whose squares the loss takes the mean of."
    )
    title = "Training turns and lifts the line until the mean of the squared misses is smallest"
    width = LEFT + max(WIDTH, width_of_keys(names)) + 16
    return ink.document(parts, width, TOP + HEIGHT + 46, title, words, "drawing")


def _after(steps) -> tuple:
    """Return w, b and the loss after so many steps."""
    x, y = map(torch.tensor, zip(*POINTS))
    w, b = (torch.tensor(0.0, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.SGD([w, b], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        ((w * x + b - y) ** 2).mean().backward()
        optimizer.step()
    return w.item(), b.item(), ((w * x + b - y) ** 2).mean().item()
