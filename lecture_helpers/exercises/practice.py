"""Checks of the practice notebook's parts P.1 and P.2; it offers those of the others, too."""

import torch

from .checking import Case, Verdict, check, check_drawn, leaf_of, tensor_of
from .looks import grad_of
from .on_paper import Step, by_hand, check_steps
from .practice_tracking import (  # noqa: F401  the notebook imports them from here
    check_filled,
    check_power_slopes,
    check_reads,
    check_same_value,
    check_three_walks,
    check_walk,
    check_writes,
)
from .registry import exercise


@exercise("P.1 a", kind="compute")
def check_broadcast(answer) -> Verdict:
    """Check exercise P.1 a: each step from w to the mean and back, as a dict."""
    w, x = leaf_of([0.5]), tensor_of([2.0, 4.0, 6.0])
    products = w * x
    products.retain_grad()
    mean = products.mean()
    mean.backward()
    parts = (products.grad * x).tolist()
    return check_steps(answer, [
        Step("w * x", products.tolist()),
        Step("L", mean.item(), [(products.sum().item(), "That is the sum. How many are there?")]),
        Step("dL/d(w * x)", products.grad.tolist(), [
            ([1.0] * 3, "So it would be for the sum."),
            (parts, "That is one step further: it holds the slope of the product already."),
        ]),
        Step("what each use of w brings", parts, [
            (x.tolist(), "That is the slope of each product alone; what arrived at it is missing."),
        ]),
        Step("dL/dw", w.grad.tolist(), [
            (parts, "A gradient has the shape of its tensor, and w is one number."),
            ([x.sum().item()], "That belongs to the sum; L is the mean."),
            ([sum(parts) / 3], "You divided twice: the three parts hold the mean's share already."),
        ]),
    ])  # fmt: skip


@exercise("P.1 b", kind="compute")
def check_row_slopes(function) -> Verdict:
    """Check exercise P.1 b: the slopes of a column of weights, by hand.

    ``function(w, x)`` takes a list of n floats and a list of n rows of m floats. It returns
    the slopes of the mean of all ``(w[i] * x[i][j]) ** 2`` for each weight, a list of floats.
    """
    asked = [
        ([0.5], [[2.0, 4.0, 6.0]]),
        ([1.0, 2.0], [[1.0, 3.0], [2.0, 0.0]]),
        ([0.5, -1.0, 2.0], [[2.0], [3.0], [1.0]]),
        ([2.0, -1.0], [[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]]),
        ([-3.0, 0.0], [[1.0, 1.0, 2.0, -1.0], [5.0, 1.0, 0.0, 2.0]]),
    ]
    cases = []
    counted, look = by_hand(function)
    for w, x in asked:
        column = torch.tensor(w, dtype=torch.float64).unsqueeze(1).requires_grad_()
        mean = ((column * torch.tensor(x, dtype=torch.float64)) ** 2).mean()
        (slopes,) = torch.autograd.grad(mean, column)
        right = [round(slope, 4) for slope in slopes.squeeze(1).tolist()]
        cases.append(Case(f"w = {w}, x = {x}", (w, x), right, look))
    return check(lambda given: counted(*given), cases)


@exercise("P.2 a", kind="compute")
def check_three_steps(answer) -> Verdict:
    """Check exercise P.2 a: the values of a three-step graph, and the gradients back."""
    a, b, c = leaf_of(2.0), leaf_of(3.0), tensor_of(4.0)
    d = a * b
    e = d + c
    f = 2 * e
    for tensor in (d, e):
        tensor.retain_grad()
    f.backward()
    return check_steps(answer, [
        Step("d", d.item()),
        Step("e", e.item()),
        Step("f", f.item()),
        Step("df/de", e.grad.item(), [
            (e.item(), "That is the value of e. By how much does 2e move when e moves by one?"),
        ]),
        Step("df/dd", d.grad.item(), [
            (1.0, "That is de/dd alone. Multiply it with what arrived at e."),
            (e.item(), "An addition does not look at the values."),
        ]),
        Step("df/da", a.grad.item(), [
            (b.item(), "That is dd/da alone. Multiply it with what arrived at d."),
            (b.grad.item(), "The slope of a product is the other factor."),
        ]),
        Step("df/db", b.grad.item(), [
            (a.item(), "That is dd/db alone. Multiply it with what arrived at d."),
            (a.grad.item(), "The slope of a product is the other factor."),
        ]),
        Step("c.grad", c.grad, [
            (2.0, "So says calculus, and rightly. But look at the flag of c: who asked?"),
            (0.0, "That would be an answer: that f does not move with c. It does."),
        ]),
    ])  # fmt: skip


def graph_to_read(a, b, c) -> torch.Tensor:
    """Return the result whose graph exercise P.2 b shows. Reading this gives it away."""
    return (a - b) ** 2 / c - a


@exercise("P.2 b", kind="picture")
def check_drawn_back(function) -> Verdict:
    """Check exercise P.2 b: a function that records the graph in the picture.

    ``function(a, b, c)`` takes three 0-d tensors; a and b require grad.
    """
    asked = [(5.0, 3.0, 2.0), (1.0, 4.0, -2.0), (2.0, 2.0, 0.5), (-1.0, 3.0, 4.0)]
    cases = []
    for values in asked:
        a, b = map(leaf_of, values[:2])
        c = tensor_of(values[2])
        words = "a = {}, b = {}, c = {}".format(*values)
        cases.append(Case(words, (a, b, c), graph_to_read(a, b, c)))
    return check_drawn(function, cases)


@exercise("P.2 c", kind="compute")
def check_path_slopes(function) -> Verdict:
    """Check exercise P.2 c: the gradients of ``(a * b + c) * a``, by hand.

    ``function(a, b, c, tracked)`` takes three floats and a list of the names that require
    grad. It returns what ``.grad`` of a, b and c holds after a backward: floats, or None.
    """
    asked = [
        (2.0, 3.0, 4.0, ["a", "b"]),
        (2.0, 3.0, -1.0, ["a", "b"]),
        (2.0, 3.0, 4.0, ["c"]),
        (0.0, 5.0, 3.0, ["a", "b", "c"]),
        (1.5, -2.0, 7.0, ["b", "c"]),
    ]
    cases = []
    counted, look = by_hand(function)
    for given in asked:
        *values, tracked = given
        a, b, c = (
            tensor_of(value).requires_grad_(name in tracked) for name, value in zip("abc", values)
        )
        ((a * b + c) * a).backward()
        right = [grad_of(leaf) for leaf in (a, b, c)]
        words = "a = {}, b = {}, c = {}, tracked = {}".format(*given)
        cases.append(Case(words, given, right, look))
    return check(lambda given: counted(*given), cases)
