"""Checks of lecture 1."""

import torch

from ..devices import device
from ..errors import quietly
from .checking import NOT_ANSWERED, Case, Verdict, check

POINTS = (2.0, 0.0, -1.0, 0.5)
JUMP_POINTS = (1.0, 0.0, 0.5, 0.75, -4.0)


def check_value_and_slope(function) -> Verdict:
    """Check exercise 1.1 a: double x, then add 1 if x > 0 else subtract 1, then square.

    ``function(x)`` takes a float and returns the result and its slope, two floats.
    """
    cases = []
    for point in (*POINTS, -3.0):
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        y = (2 * x + (1 if point > 0 else -1)) ** 2
        (slope,) = torch.autograd.grad(y, x)
        cases.append(Case(f"x = {point}", point, [y.item(), slope.item()]))
    return check(function, cases)


def check_static_jump(function) -> Verdict:
    """Check exercise 1.1 b: ``torch.export`` captures the function once, at x = 1.

    ``function(x)`` takes and returns a 0-d tensor: 3x where x > 0.5, else x - 2. The
    captured graph, not the function, is then called at several points.
    """

    class Captured(torch.nn.Module):
        def forward(self, x):
            return function(x)

    example = torch.tensor(JUMP_POINTS[0], device=device)
    try:
        came = function(example)
        if came is None or came is ...:
            return Verdict(None, NOT_ANSWERED)
        with quietly():
            replay = torch.export.export(Captured(), (example,)).module()
    except Exception as error:  # the learner's own code may raise anything
        where = f"Case 1 of {len(JUMP_POINTS)}, x = {JUMP_POINTS[0]}"
        said = f"Not yet. {where}: the capture of your function raised {type(error).__name__}."
        return Verdict(False, said)
    cases = [
        Case(f"x = {point} in the captured graph", point, 3 * point if point > 0.5 else point - 2)
        for point in JUMP_POINTS
    ]
    return check(lambda point: replay(torch.tensor(point, device=device)).item(), cases)


def check_nodes_back(function) -> Verdict:
    """Check exercise 1.2 a: the node names from a tensor's ``grad_fn`` back to a leaf.

    ``function(tensor)`` returns the class names as a list of text; at each node it
    follows the first input that autograd tracks.
    """
    x = torch.tensor(2.0, device=device, requires_grad=True)
    constant = torch.tensor(4.0, device=device)
    looped = x
    for _ in range(3):
        looped = torch.sin(looped * 2)
    asked = {
        "t = (3 * x + 1) ** 2": (3 * x + 1) ** 2,
        "t = sin(5 * x)": torch.sin(5 * x),
        "t = constant * x, where the first input is not tracked": constant * x,
        "t = sin(2 * t), three times over": looped,
        "t = sin(x) * (x + 1), where two inputs are tracked": torch.sin(x) * (x + 1),
        "t = x, a leaf": x,
    }
    return check(function, [Case(words, t, _nodes_back(t)) for words, t in asked.items()])


def _nodes_back(tensor) -> list:
    names, node = [], tensor.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        node = next((source for source, _ in node.next_functions if source is not None), None)
    return names


def check_slope(function) -> Verdict:
    """Check exercise 1.2 b: the derivative of ``sin((3x + 1) ** 2)`` as a product of slopes.

    ``function(x)`` takes and returns a float.
    """
    cases = []
    for point in POINTS:
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(torch.sin((3 * x + 1) ** 2), x)
        cases.append(Case(f"x = {point}", point, slope.item()))
    return check(function, cases)
