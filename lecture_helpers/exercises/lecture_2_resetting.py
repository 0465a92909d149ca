"""Checks of lecture 2.3: clearing, reading and adding up gradients."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from ..devices import device
from ..errors import raised_by
from .checking import Case, Verdict, check, check_recording, leaf_of, tensor_of
from .looks import grad_of
from .registry import exercise


@exercise("2.3 a", kind="repair")
def check_is_twice(function) -> Verdict:
    """Check exercise 2.3 a: whether one float is twice another, up to rounding.

    ``function(first, second)`` returns True or False.
    """
    asked = [
        (-24.0, -48.0, True),
        (36.0, 72.0, True),
        (-24.0, 1000.0, False),
        (0.0, 0.0, True),
        (0.1, 0.20000000298023224, True),
        (100000.0, 199999.0, False),
        (-24.0, 48.0, False),
        (0.0, 5.0, False),
        (1e-12, 5e-12, False),
        (100000.0, 200000.05, True),
    ]
    cases = [
        Case(f"first = {first}, second = {second}", (first, second), expected)
        for first, second, expected in asked
    ]
    return check_recording(function, cases)


@exercise("2.3 b", kind="compute")
def check_own_gradients(function) -> Verdict:
    """Check exercise 2.3 b: each loss's own gradient, read from a running total.

    ``function(w, losses)`` takes a parameter and a list of functions of it; it calls
    backward on each loss in order and returns their own gradients, a float each, or a list
    of floats where w has several elements. ``w.grad`` must then hold the total.
    """
    first, second = (lambda w: (w - 3) ** 2), (lambda w: (2 * w - 1) ** 2)
    asked = [
        ("w = 2.0, losses (w - 3)² and (2w - 1)²", 2.0, None, [first, second]),
        ("w = 2.0, losses w², w² and w²", 2.0, None, [_SQUARE.make] * 3),
        ("w = 2.0, losses (w - 3)² and 4w, where w.grad already holds 7.0", 2.0, 7.0,
         [first, _times(4).make]),
        ("w = [1.0, 2.0], losses sum(w²) and w[0] * w[1]", [1.0, 2.0], None,
         [lambda w: (w**2).sum(), lambda w: w[0] * w[1]]),
        ("w = [1.0, 2.0], loss w[1]**3, where w.grad already holds [5.0, 5.0]", [1.0, 2.0],
         [5.0, 5.0], [lambda w: w[1] ** 3]),
    ]  # fmt: skip
    cases = []
    for words, value, stale, losses in asked:
        own = [torch.autograd.grad(loss(twin := leaf_of(value)), twin)[0] for loss in losses]
        total = sum(own) if stale is None else sum(own, tensor_of(stale))
        w = leaf_of(value, stale)
        expected = [gradient.tolist() for gradient in own]
        cases.append(Case(words, (w, losses), expected, _looks_at_total(w, total.tolist())))
    return check_recording(function, cases)


def _looks_at_total(w, total):
    def look():
        held = grad_of(w)
        if held == total:
            return None
        return f"the gradients are right, but w.grad is {held}; expected the running total {total}"

    return look


@exercise("2.3 c", kind="repair")
def check_backward_twice(function) -> Verdict:
    """Check exercise 2.3 c: two walks over one graph, and ``retain_graph`` only where needed.

    ``function(z, leaves)`` takes a scalar and the list of the 0-d leaves of its graph; it
    calls ``z.backward`` twice and returns what each ``.grad`` then holds, as floats. The
    graph must be freed afterwards, and the gradients must have no graph of their own.
    """
    asked = [
        ("z = x²·y", lambda x, y: x**2 * y, [2.0, 3.0], None, [24.0, 8.0]),
        ("z = exp(x)", torch.exp, [0.0], None, [2.0]),
        ("z = x·y, where both .grad hold 1.0", torch.mul, [2.0, 5.0], 1.0, [11.0, 5.0]),
        ("z = h² + h with h = 3x", lambda x: (3 * x) ** 2 + 3 * x, [1.0], None, [42.0]),
    ]
    cases = []
    for words, f, values, stale, expected in asked:
        leaves = [leaf_of(value, stale) for value in values]
        z = f(*leaves)
        cases.append(Case(f"{words}, at {values}", (z, leaves), expected, _looks_at(z, leaves)))
    return check_recording(function, cases)


def _looks_at(z, leaves):
    """Return a look at z: how often it was walked, and what is left of its graph."""
    walks = []
    z.register_hook(lambda gradient: walks.append(gradient))

    def look():
        if len(walks) != 2:
            return f"the numbers are right, but z was walked {len(walks)} time(s); expected 2"
        if any(leaf.grad is None for leaf in leaves):
            return "the numbers are right, but a .grad is None; expected it to hold its number"
        if any(leaf.grad.requires_grad for leaf in leaves):
            return "the numbers are right, but a .grad has a graph of its own; expected none"
        if raised_by(torch.autograd.grad, z, leaves) is None:
            return "the numbers are right, but a third walk runs; expected the graph to be freed"
        return None

    return look


@exercise("2.3 d", kind="compute")
def check_train(function) -> Verdict:
    """Check exercise 2.3 d: one reset per optimizer step, whatever the number of losses.

    ``function(w, optimizer, steps)`` takes a 0-d parameter, its optimizer, and a list
    with a list of loss functions for each step; it returns w after each step.
    """
    asked = [
        ("one step, losses 1w, 2w, 3w", [[_times(1), _times(2), _times(3)]], 0.0, None),
        ("two steps, losses 1w, 2w and then 3w", [[_times(1), _times(2)], [_times(3)]], 0.0, None),
        ("one step, loss 1w, where w.grad already holds 100.0", [[_times(1)]], 0.0, 100.0),
        ("momentum 0.5, losses 2w, then 3w, then none", [[_times(2)], [_times(3)], []], 0.5, None),
        ("two steps, loss w**2 in each", [[_SQUARE], [_SQUARE]], 0.0, None),
    ]
    cases = []
    for words, entries, momentum, stale in asked:
        w = torch.nn.Parameter(torch.tensor(2.0, device=device))
        w.grad = None if stale is None else torch.tensor(stale, device=device)
        optimizer = torch.optim.SGD([w], lr=0.1, momentum=momentum)
        steps = [[loss.make for loss in entry] for entry in entries]
        values, value, last = [], 2.0, 0.0
        for entry in entries:
            if entry:
                last = momentum * last + sum(loss.slope(value) for loss in entry)
                value -= 0.1 * last
            values.append(round(value, 4))
        cases.append(Case(f"steps = {words}", (w, optimizer, steps), values))
    return check(lambda given: _rounded(function(*given)), cases)


class _Loss(NamedTuple):
    """A loss as a function of w, and its slope as a function of w's value."""

    make: Callable
    slope: Callable[[float], float]


def _times(factor) -> _Loss:
    return _Loss(lambda w: factor * w, lambda value: factor)


_SQUARE = _Loss(lambda w: w**2, lambda value: 2 * value)


def _rounded(came):
    """Return a list of floats without their float32 tails; anything else as it came."""
    if isinstance(came, (list, tuple)) and all(isinstance(value, float) for value in came):
        return type(came)(round(value, 4) for value in came)
    return came
