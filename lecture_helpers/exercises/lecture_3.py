"""Checks of lecture 3."""

from collections.abc import Callable

import torch

from .checking import Case, Verdict, check_recording, leaf_of, tensor_of
from .lecture_3_in_place import check_mended, check_stop, check_try_step
from .lecture_3_memory import check_fair_ratio, check_first_rows, check_kept_bytes
from .lecture_3_picture import check_recorded, graph_to_read
from .lecture_3_sorting import check_reaches, check_writes
from .lecture_3_total import check_mean_loss
from .looks import STILL_OFF, first_slip, grad_of, rounded
from .registry import exercise

__all__ = [
    "check_evaluate",
    "check_fair_ratio",
    "check_first_rows",
    "check_kept_bytes",
    "check_mean_loss",
    "check_mended",
    "check_reaches",
    "check_recorded",
    "check_sgd_step",
    "check_stop",
    "check_try_step",
    "check_writes",
    "graph_to_read",
]


@exercise("3.1 b", kind="repair")
def check_evaluate(function) -> Verdict:
    """Check exercise 3.1 b: the mean loss of a model, with nothing recorded on the way.

    ``function(model, data)`` takes a module in training mode and a list of pairs of an
    input and a label, and returns the mean of the losses ``(model(x) - label) ** 2`` as a
    float. It runs the model once for each pair, in evaluation mode without recording, and
    leaves the model and the switch for recording as they were.
    """
    asked = [
        ("y = w * x, two pairs", torch.nn.Identity(), 0.0, [(1.0, 3.0), (2.0, 1.0)]),
        ("y = w * x, one pair", torch.nn.Identity(), 0.0, [(1.0, 5.0)]),
        ("y = dropout(w * x), two pairs", torch.nn.Dropout(1.0), 0.0,
         [(1.0, 5.0), (3.0, 1.0)]),
        ("y = w * x, where w.grad already holds 7.0", torch.nn.Identity(), 7.0,
         [(1.0, 3.0), (3.0, 2.0)]),
    ]  # fmt: skip
    cases = []
    for words, layer, stale, pairs in asked:
        model = _Watched(layer, stale)
        losses = [(2.0 * x - label) ** 2 for x, label in pairs]
        argument = model, [(tensor_of(x), tensor_of(label)) for x, label in pairs]
        expected = sum(losses) / len(losses)
        looks = _looks_at_model(model, len(pairs), stale)
        cases.append(Case(f"model = {words}", argument, expected, looks))
    return check_recording(function, cases)


class _Watched(torch.nn.Module):
    """One weight of 2.0, a layer and a frozen parameter; notes whether it was recorded."""

    def __init__(self, layer, stale):
        super().__init__()
        self.w = torch.nn.Parameter(tensor_of(2.0))
        self.w.grad = tensor_of(stale) if stale else None
        self.fixed = torch.nn.Parameter(tensor_of(1.0), requires_grad=False)
        self.layer = layer
        self.recorded = []

    def forward(self, x):
        y = self.layer(self.w * x)
        self.recorded.append(y.requires_grad)
        return y


def _looks_at_model(model, forwards, stale):
    """Return a look at what an evaluation left behind, and how it ran."""

    def look():
        grad = 0.0 if model.w.grad is None else model.w.grad.item()
        calls = len(model.recorded)
        slips = (
            (calls != forwards,
             f"forwards of the model: {calls}; expected {forwards}, one for each pair"),
            (not model.w.requires_grad,
             "model.w no longer requires grad; expected its flag to stay"),
            (model.fixed.requires_grad,
             "model.fixed, which was frozen, requires grad; expected its flag to stay"),
            (any(model.recorded),
             "the model's output required grad, so each forward recorded a graph; expected no "
             "recording"),
            (not model.training,
             "the model is left in evaluation mode; expected training mode, as before"),
            (grad != stale,
             f"model.w.grad then holds {grad}; expected {stale}, as before"),
            (not torch.is_grad_enabled(),
             STILL_OFF),
        )  # fmt: skip
        return first_slip(slips, "the number is right, but ")

    return look


@exercise("3.1 d", kind="compute")
def check_sgd_step(function) -> Verdict:
    """Check exercise 3.1 d: one step of SGD, in place and without a graph.

    ``function(parameters, lr)`` takes an iterable of leaves, which can be gone through
    once, takes ``lr * grad`` away from each that has a gradient, and returns how many
    these were. The leaves stay what they were: the same tensors in the same memory, each
    change counted by autograd, with their gradients as they came.
    """
    asked = [
        ("w = 1.0 with grad -12.0", [(1.0, -12.0)], 0.1),
        ("w = [2.0, -1.0] with grad [1.5, 3.0], b = 0.5 with grad 4.0",
         [([2.0, -1.0], [1.5, 3.0]), (0.5, 4.0)], 0.5),
        ("w = 1.0 with grad None, b = 2.0 with grad 3.0", [(1.0, None), (2.0, 3.0)], 0.1),
        ("a generator of v = [1.0, 2.0] with grad [4.0, 0.0], w = 3.0 with grad 2.0",
         [([1.0, 2.0], [4.0, 0.0]), (3.0, 2.0)], 0.25),
        ("w = 1.0 with grad None, the only one", [(1.0, None)], 0.1),
        ("w = 1.0 with grad 0.0, the only one", [(1.0, 0.0)], 0.1),
    ]  # fmt: skip
    cases = []
    for words, pairs, lr in asked:
        leaves = [leaf_of(value, grad) for value, grad in pairs]
        given = iter(leaves) if "generator" in words else list(leaves)
        moved = sum(leaf.grad is not None for leaf in leaves)
        looks = _looks_at_leaves(leaves, given, lr)
        cases.append(Case(f"parameters = {words}, lr = {lr}", (given, lr), moved, looks))
    return check_recording(function, cases)


def _looks_at_leaves(leaves, given, lr) -> Callable[[], str | None]:
    """Return a look at leaves after a step: their values, then whether they stayed leaves."""
    before = [_Before(leaf, lr) for leaf in leaves]

    def look():
        if isinstance(given, list) and [*map(id, given)] != [*map(id, leaves)]:
            return "the list then holds other tensors; expected the same ones, changed in place"
        for count, (leaf, was) in enumerate(zip(leaves, before), start=1):
            said = was.difference(leaf)
            if said:
                return f"parameter {count} {said}"
        if not torch.is_grad_enabled():
            return STILL_OFF
        return None

    return look


class _Before:
    """What a leaf was before the step, and what the step must make of it."""

    def __init__(self, leaf, lr):
        self._grad = leaf.grad
        self._grad_values = grad_of(leaf)
        self._memory, self._version = leaf.data_ptr(), leaf._version
        moved = leaf.detach().clone()
        self._moves = leaf.grad is not None and bool(leaf.grad.any())
        self._expected = moved if leaf.grad is None else moved - lr * leaf.grad

    def difference(self, leaf) -> str | None:
        """Return what is wrong with the leaf after the step, None where nothing is."""
        if not torch.allclose(leaf.detach(), self._expected):
            came, expected = rounded(leaf), rounded(self._expected)
            return f"then holds {came}; expected {expected}"
        if not (leaf.is_leaf and leaf.requires_grad):
            flags = f"is_leaf {leaf.is_leaf}, requires_grad {leaf.requires_grad}"
            return f"has the right value, but then has {flags}; expected True and True"
        if leaf.data_ptr() != self._memory:
            return "has the right value, but in other memory; expected a change in place"
        if self._moves and leaf._version == self._version:
            return (
                "has the right value, but autograd did not count the change, and an older graph "
                "would give a wrong gradient in silence; expected a change that it counts"
            )
        if self._grad is None:
            return None if leaf.grad is None else "then has a .grad; expected None, as before"
        if leaf.grad is not self._grad or leaf.grad.tolist() != self._grad_values:
            now = grad_of(leaf)
            return f"then has .grad {now}; expected {self._grad_values}, as before"
        return None
