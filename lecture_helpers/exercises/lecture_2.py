"""Checks of lecture 2."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from ..devices import device
from .checking import Case, Verdict, check, check_recording, leaf_of

HOLDS = "which holds "


def check_freeze(function) -> Verdict:
    """Check exercise 2.1 a: freeze one layer so that no optimizer step moves it.

    ``function(model, layer)`` takes a module and the name of one of its layers, and
    returns the names of the parameters of the model that still require grad. A step of
    SGD with weight decay must then leave the frozen parameters where they are, and move
    the others.
    """
    asked = [
        ("body, head", "body", ()),
        ("body, head", "head", ()),
        ("head, head2", "head", ()),
        ("body, middle, head", "body", ("middle.bias",)),
        ("body, which holds body.inner, head", "body", ()),
    ]
    cases = []
    for layers, layer, before in asked:
        model = _model(layers.split(", "), before)
        learning = [
            name
            for name, _ in model.named_parameters()
            if not name.startswith(f"{layer}.") and name not in before
        ]
        words = f"model = {layers}, layer = {layer!r}"
        if before:
            words += f", where {' and '.join(before)} was frozen before"
        cases.append(Case(words, (model, layer), learning, _looks_at_a_step(model, learning)))
    return check_recording(function, cases)


def _model(layers, frozen) -> torch.nn.Module:
    """Return a module of named layers; those not frozen hold an old gradient.

    A layer "which holds body.inner" is added to the layer ``body``, under the name ``inner``.
    """
    model = torch.nn.Module()
    for count, name in enumerate(layers):
        layer = torch.nn.Module()
        layer.weight = torch.nn.Parameter(torch.tensor([[count + 1.0, -1.0]], device=device))
        layer.bias = torch.nn.Parameter(torch.tensor([0.5], device=device))
        parent, _, own = name.removeprefix(HOLDS).rpartition(".")
        model.get_submodule(parent).add_module(own, layer)
    for name, parameter in model.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)
        else:
            parameter.grad = torch.ones_like(parameter)
    return model


def _looks_at_a_step(model, learning):
    """Return a look at a step of SGD with weight decay: what moved, and what should have."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.5)

    def look():
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        tracked = [p.sum() for p in model.parameters() if p.requires_grad]
        if tracked:
            torch.stack(tracked).sum().backward()
        optimizer.step()
        for name, parameter in model.named_parameters():
            moved = not torch.equal(parameter, before[name])
            if moved and name not in learning:
                said = f"a step of the optimizer moved {name}; expected it to stay"
                return f"the names are right, but {said}"
            if not moved and name in learning:
                return f"the names are right, but {name} no longer learns; expected it to move"
        return None

    return look


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
        cases.append(Case(f"tensors = {words}", tensors, filled))
    return check(function, cases)


def _is_filled(tensor) -> bool:
    return tensor.retains_grad or (tensor.is_leaf and tensor.requires_grad)


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
        cases.append(Case(f"f(x) = {words}, x = {x}, i = {i}", (f, x, i), row.tolist()))
    return check_recording(function, cases)


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
        (1e-08, 5e-08, False),
    ]
    cases = [
        Case(f"first = {first}, second = {second}", (first, second), expected)
        for first, second, expected in asked
    ]
    return check_recording(function, cases)


def check_train(function) -> Verdict:
    """Check exercise 2.3 b: one reset per optimizer step, whatever the number of losses.

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
