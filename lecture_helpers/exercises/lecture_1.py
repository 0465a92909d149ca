"""Checks of lecture 1."""

import torch

from ..devices import device
from .checking import Case, Verdict, check

POINTS = (2.0, 0.0, -1.0, 0.5)


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
