"""Checks of lecture 2.2: whose ``.grad`` a backward fills, and with what."""

import torch
from torch.overrides import TorchFunctionMode

from ..devices import device
from ..grads import quiet_grad
from .checking import Case, Verdict, check, check_recording, leaf_of
from .registry import exercise


@exercise("2.2 a", kind="compute")
def check_gets_grad(function) -> Verdict:
    """Check exercise 2.2 a: the names of the tensors whose ``.grad`` a backward fills.

    ``function(tensors)`` takes a dict from names to tensors that take part in one loss,
    and returns a list of names.
    """
    w = leaf_of([2.0])
    b = leaf_of([1.0])
    x = torch.ones(1, device=device)
    doubled, scaled, kept, used = w * 2, x * 2, w * 3, w * 4
    kept.retain_grad()
    asked = [
        {"w": w, "x": x, "b": b},
        {"w": w, "h = w * 2": doubled},
        {"w": w, "x": x, "c = x * 2, with x untracked": scaled},
        {"b": b, "m = w.to(torch.float64)": w.to(torch.float64), "d = w.detach()": w.detach()},
        {"h = w * 3, which called retain_grad()": kept, "k = w * 4": used, "x": x},
        {"x": w, "w": x, "b": kept, "h": used},
    ]
    names_tell_nothing = "x, a tracked leaf, w, an untracked one, b, which called retain_grad(), h"
    cases = []
    for count, tensors in enumerate(asked, start=1):
        filled = [name for name, t in tensors.items() if _is_filled(t)]
        words = names_tell_nothing if count == len(asked) else ", ".join(tensors)
        cases.append(Case(f"tensors = {words}", tensors, filled, _looks_at_grads(tensors)))
    return check(function, cases)


def _looks_at_grads(tensors):
    def look():
        filled = [name for name, t in tensors.items() if quiet_grad(t) is not None]
        if not filled:
            return None
        return f"the names are right, but {filled[0]} has a gradient now; expected no backward"

    return look


def _is_filled(tensor) -> bool:
    return tensor.retains_grad or (tensor.is_leaf and tensor.requires_grad)


@exercise("2.2 b", kind="compute")
def check_one_result(function) -> Verdict:
    """Check exercise 2.2 b: the gradient of one element of a result, by ``gradient=``.

    ``function(f, x, i)`` takes a function of 1-d tensors, a list of floats and an index;
    it returns the gradient of ``f(x)[i]`` as a list of floats.
    """
    asked = [
        ("x**2", lambda x: x**2, [1.0, 2.0, 3.0], 1),
        ("x * x.sum()", lambda x: x * x.sum(), [1.0, 2.0, 3.0], 0),
        ("x.cumsum(0)", lambda x: x.cumsum(0), [5.0, -1.0], 1),
        ("stack([x.prod(), 3 * x[0]])", lambda x: torch.stack([x.prod(), 3 * x[0]]),
         [2.0, 3.0, 4.0], 0),
        ("stack([x.sum()])", lambda x: torch.stack([x.sum()]), [1.0, 4.0], 0),
    ]  # fmt: skip
    cases = []
    for words, f, x, i in asked:
        leaf = leaf_of(x)
        (row,) = torch.autograd.grad(f(leaf)[i], leaf)
        watch = _Watch(f)
        argument = watch, (watch.f, x, i)
        words = f"f(x) = {words}, x = {x}, i = {i}"
        cases.append(Case(words, argument, row.tolist(), watch.look))
    return check_recording(lambda watch, given: watch.call(function, given), cases)


class _Watch(TorchFunctionMode):
    """Keeps what ``f`` returned, and the tensors whose ``backward`` was called."""

    def __init__(self, f):
        super().__init__()
        self._f, self._made, self._starts = f, [], []

    def f(self, leaf):
        self._made.append(self._f(leaf))
        return self._made[-1]

    def call(self, function, given):
        with self:
            return function(*given)

    def __torch_function__(self, called, types, args=(), kwargs=None):
        if called is torch.Tensor.backward:
            self._starts.append(args[0])
        return called(*args, **(kwargs or {}))

    def look(self):
        if len(self._made) != 1:
            said = f"f was called {len(self._made)} times; expected once"
        elif len(self._starts) != 1:
            said = f"backward was called {len(self._starts)} times; expected once, from y"
        elif self._starts[0] is not self._made[0]:
            said = "backward started from another tensor; expected y.backward(gradient=...)"
        else:
            return None
        return f"the numbers are right, but {said}"
