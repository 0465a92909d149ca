"""Checks of lecture 1, section 1.3: gradients that add up."""

import math

import torch

from .checking import Case, Verdict, check_recording, leaf_of, tensor_of
from .looks import grad_of
from .registry import exercise


@exercise("1.3 a", kind="compute")
def check_accumulate(function) -> Verdict:
    """Check exercise 1.3 a: micro-batches whose gradients add up to the big batch's mean.

    ``function(w, batches)`` takes a 0-d leaf and a list of 1-d tensors, calls backward
    once for each batch, leaves the gradient of the mean of ``(w * x - 1) ** 2`` over all
    elements in ``w.grad`` and returns it as a float.
    """
    asked = [
        (2.0, [[1.0], [3.0]], None),
        (2.0, [[1.0, 3.0], [2.0]], None),
        (2.0, [[2.0]], None),
        (-1.0, [[0.5], [2.0, -1.0], [3.0, 1.0, 4.0]], None),
        (2.0, [[1.0], [3.0]], 100.0),
    ]
    cases = []
    for start, batches, stale in asked:
        w = leaf_of(start, stale)
        examples = sum(map(len, batches))
        own = [_slope_of_sum(w, batch) / examples for batch in batches]
        words = f"w = {start}, batches {batches}{_holding('w', stale)}"
        argument = w, [tensor_of(batch) for batch in batches]
        right = round(sum(own), 4)
        looks = _looks_at(w, "w", right, own)
        cases.append(Case(words, argument, right, looks))
    return check_recording(function, cases)


def _slope_of_sum(w, batch) -> float:
    return torch.autograd.grad(((w * tensor_of(batch) - 1) ** 2).sum(), w)[0].item()


@exercise("1.3 b", kind="compute")
def check_own_gradients(function) -> Verdict:
    """Check exercise 1.3 b: each loss's own gradient, read while ``p.grad`` accumulates.

    ``function(p, scales)`` takes a 0-d leaf and a list of floats, calls backward on
    ``(s * p) ** 2`` for each s, adds all of them to ``p.grad`` and returns the own
    gradients as a list of floats.
    """
    asked = [(2.0, [1.0, 0.5], None), (2.0, [3.0], None), (-1.0, [0.5, 2.0, 1.0, 2.0], None),
             (2.0, [1.0, 0.5], 100.0)]  # fmt: skip
    cases = []
    for start, scales, stale in asked:
        p = leaf_of(start, stale)
        own = [torch.autograd.grad((s * p) ** 2, p)[0].item() for s in scales]
        words = f"p = {start}, scales {scales}{_holding('p', stale)}"
        looks = _looks_at(p, "p", sum(own) + (stale or 0.0), own)
        cases.append(Case(words, (p, scales), own, looks))
    return check_recording(function, cases)


def _holding(name, grad) -> str:
    return "" if grad is None else f", where {name}.grad already holds {grad}"


def _looks_at(leaf, name, expected, own):
    """Return a look at what a function left in a leaf: its ``.grad``, and how it came there.

    own: what each backward should have added; a factor common to all is right too, since
        ``.grad`` as it then is has been looked at.
    """
    seen, arrived = [], []
    leaf.register_hook(lambda gradient: seen.append(gradient.item()))  # autograd.grad's too
    leaf.register_post_accumulate_grad_hook(lambda _leaf: arrived.append(seen[-1]))

    def look():
        grad = grad_of(leaf)
        if grad is None or not math.isclose(grad, expected, rel_tol=1e-4):
            was = f"{name}.grad then holds {grad}; expected {expected}"
            return f"what it returned is right, but {was}"
        if len(arrived) != len(own):
            was = f"backward passes that reached {name}: {len(arrived)}; expected {len(own)}"
            return f"the numbers are right, but {was}, one for each loss"
        factor = sum(arrived) / sum(own)
        for count, (came, right) in enumerate(zip(arrived, own), start=1):
            if not math.isclose(came, right * factor, rel_tol=1e-4, abs_tol=1e-6):
                was = f"backward {count} brought {came} to {name}"
                return f"the numbers are right, but {was}; expected {right * factor}"
        return None

    return look
