"""Checks of lecture 1, section 1.2: the graph of functions."""

import math

import torch

from ..devices import device
from ..errors import raised_by
from ..graph import Graph, show_graph
from .checking import Case, Verdict, check, check_drawn, check_sorting, leaf_of
from .registry import exercise

POINTS = (2.0, 0.0, -1.0, 0.5)
WALKED_TWICE = {
    "2 - x": lambda x: 2 - x,
    "sqrt(x)": torch.sqrt,
    "x + x": lambda x: x + x,
    "4 / x": lambda x: 4 / x,
    "x.mean()": lambda x: x.mean(),
    "abs(x)": torch.abs,
    "x.reshape(1).sum()": lambda x: x.reshape(1).sum(),
    "(x + 1) * 2": lambda x: (x + 1) * 2,
    "(x + 1) - x": lambda x: (x + 1) - x,
    "exp(x) - 5": lambda x: torch.exp(x) - 5,
}


@exercise("1.2 a", kind="compute")
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


@exercise("1.2 b", kind="compute")
def check_slopes_by_hand(function) -> Verdict:
    """Check exercise 1.2 b: the local slopes of ``sin((3x + 1) ** 2)``, and their product.

    ``function(x)`` takes a float and returns a list of four floats, in the order in which
    backward meets them, and the derivative as a float.
    """
    cases = []
    for point in POINTS:
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        stations = [x]
        for operation in (lambda t: 3 * t, lambda t: t + 1, torch.square, torch.sin):
            stations.append(operation(stations[-1]))
        each = [
            torch.autograd.grad(after, before, retain_graph=True)[0].item()
            for before, after in zip(stations, stations[1:])
        ]
        cases.append(Case(f"x = {point}", point, [each[::-1], math.prod(each)]))
    return check(function, cases)


@exercise("1.2 c", kind="predict")
def check_second_backward(answers) -> Verdict:
    """Check exercise 1.2 c: which graphs can be walked twice.

    ``answers`` is a dict, ``{operation: "runs twice" or "raises"}``.
    """
    outcomes = {}
    for words, operation in WALKED_TWICE.items():
        result = operation(leaf_of(4.0))
        result.backward()
        outcomes[words] = "raises" if raised_by(result.backward) else "runs twice"
    return check_sorting(answers, outcomes)


@exercise("1.2 d", kind="picture")
def check_recorded(function) -> Verdict:
    """Check exercise 1.2 d: the function that records the graph of ``show_recorded``.

    ``function(a, b)`` takes two leaves and returns a tensor.
    """
    cases = []
    for a, b in ((8.0, 2.0), (9.0, 1.0), (-3.0, -12.0), ([8.0, 9.0], [2.0, 1.0])):
        leaves = leaf_of(a), leaf_of(b)
        cases.append(Case(f"a = {a}, b = {b}", leaves, _record(*leaves)))
    return check_drawn(function, cases)


def _record(a, b) -> torch.Tensor:
    ratio = a / b
    return (ratio + 1) - torch.sqrt(ratio)


def show_recorded() -> Graph:
    """Draw the graph of exercise 1.2 d, at a = 8 and b = 2."""
    a, b = leaf_of(8.0), leaf_of(2.0)
    return show_graph(_record(a, b), a=a, b=b)
