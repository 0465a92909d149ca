"""Checks of lecture 4, section 4.1; those of 4.2 and 4.3 stand in modules of their own."""

import torch

from .checking import Case, Verdict, check_drawn, check_recording, leaf_of, tensor_of
from .lecture_4_batches import check_accumulate, check_freeze_layer
from .lecture_4_bugs import check_mended_fit
from .looks import STILL_OFF, first_slip, rounded
from .registry import exercise

__all__ = [
    "check_accumulate",
    "check_fit",
    "check_freeze_layer",
    "check_mended_fit",
    "check_recorded",
]


@exercise("4.1 a", kind="compute")
def check_fit(function) -> Verdict:
    """Check exercise 4.1 a: the training loop of one leaf.

    ``function(w, loss_of, lr, steps)`` takes a leaf that requires grad and a function that
    gives a fresh loss of it. It takes so many steps in place, with fresh gradients each, and
    returns the loss of each step, before its update, as a list of floats.
    """
    slopes = tensor_of([1.0, 3.0])
    asked = [
        ("1.0, loss (2w - 5)**2, lr 0.1, one step", 1.0, _miss, 0.1, 1, None),
        ("1.0, loss (2w - 5)**2, lr 0.1, three steps", 1.0, _miss, 0.1, 3, None),
        ("3.0, loss (2w - 5)**2, lr 0.25, four steps", 3.0, _miss, 0.25, 4, None),
        ("1.0, where w.grad already holds 100.0, two steps", 1.0, _miss, 0.1, 2, 100.0),
        ("[2.0, -1.0], loss ((w * [1, 3])**2).sum(), lr 0.05, two steps", [2.0, -1.0],
         lambda w: ((w * slopes) ** 2).sum(), 0.05, 2, None),
        ("1.0, where w.grad already holds 7.0, no step at all", 1.0, _miss, 0.1, 0, 7.0),
    ]  # fmt: skip
    cases = []
    for words, start, loss_of, lr, steps, stale in asked:
        w, counted = leaf_of(start, stale), []
        losses, end = _trained(start, loss_of, lr, steps)
        argument = w, _counting(loss_of, counted), lr, steps
        looks = _looks_at_leaf(w, end, counted, steps)
        cases.append(Case(f"w = {words}", argument, losses, looks))
    return check_recording(function, cases)


def _miss(w):
    return (2 * w - 5) ** 2


def _counting(loss_of, counted):
    def count(w):
        counted.append(w)
        return loss_of(w)

    return count


def _trained(start, loss_of, lr, steps) -> tuple:
    """Return the losses, and where the leaf ends."""
    w, losses = tensor_of(start), []
    for _ in range(steps):
        leaf = w.clone().requires_grad_()
        loss = loss_of(leaf)
        (slope,) = torch.autograd.grad(loss, leaf)
        losses.append(loss.item())
        w = w - lr * slope
    return losses, w


def _looks_at_leaf(w, end, counted, steps):
    """Return a look at the leaf after the training, and at how it was trained."""
    version = w._version

    def look():
        if not torch.allclose(w.detach(), end, rtol=1e-4):
            return f"the losses are right, but w then holds {rounded(w)}; expected {rounded(end)}"
        slips = (
            (not (w.is_leaf and w.requires_grad),
             f"w then has is_leaf {w.is_leaf} and requires_grad {w.requires_grad}; expected True "
             f"and True"),
            (steps and w._version == version,
             "autograd did not count the changes of w; expected updates in place, not through "
             ".data"),
            (len(counted) != steps,
             f"loss_of was called {len(counted)} times; expected {steps}, once in each step"),
            (any(given is not w for given in counted),
             "loss_of was given another tensor than w; expected w itself each time"),
            (not torch.is_grad_enabled(),
             STILL_OFF),
        )  # fmt: skip
        return first_slip(slips, "the losses are right, but ")

    return look


@exercise("4.1 b", kind="picture")
def check_recorded(function) -> Verdict:
    """Check exercise 4.1 b: the graph of a loss behind updates that were recorded.

    ``function(w, grads, lr, x, target)`` takes one recorded update of w for each gradient, and
    returns the loss ``(w * x - target)**2`` behind them.
    """
    asked = [
        ("1.0, grads = [-12.0, -2.4]", 1.0, [-12.0, -2.4], 0.1),
        ("1.0, grads = [-12.0]", 1.0, [-12.0], 0.1),
        ("2.0, grads = [4.0, 2.0, 1.0]", 2.0, [4.0, 2.0, 1.0], 0.5),
        ("3.0, grads = []", 3.0, [], 0.1),
    ]
    cases = []
    for words, start, slopes, lr in asked:
        w, x, target = leaf_of(start), tensor_of(2.0), tensor_of(5.0)
        grads = [tensor_of(slope) for slope in slopes]
        moved = w
        for grad in grads:
            moved = moved - lr * grad
        argument = w, grads, lr, x, target
        cases.append(Case(f"w = {words}", argument, (moved * x - target) ** 2))
    return check_drawn(function, cases)
