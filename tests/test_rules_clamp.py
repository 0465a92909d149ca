"""The rules of the clamps, whose gradient at a bound is another one from torch 2.14 on."""

import itertools

import pytest
import torch
from rule_cases import stepped
from sound import leaf

from lecture_helpers.rules import read_rule

ORDERS = list(itertools.product((0.0, 1.0, 2.0, float("nan")), repeat=3))


def orders(bounds):
    """Return a clamp of an element and its bounds, tensors, in every order."""
    x, *ends = (torch.tensor(column, requires_grad=True) for column in zip(*ORDERS))
    return x.clamp(*(end if there else None for end, there in zip(ends, bounds)))


@pytest.mark.parametrize("bounds", [(True, True), (True, False), (False, True)], ids=str)
def test_a_clamp_shares_as_torch_does_whatever_the_order(bounds):
    """Torch 2.14 shares at a bound, and lets a NaN pass; older ones do neither."""
    gradient = torch.arange(1.0, len(ORDERS) + 1)
    output = orders(bounds)
    rule, grad_outputs, grad_inputs = stepped(output, "ClampBackward0", gradient=gradient)
    for ours, engines in zip(rule.apply(grad_outputs), grad_inputs, strict=True):
        assert engines is None or torch.equal(ours, engines)
    assert sum(engines is not None for engines in grad_inputs) == 1 + sum(bounds)


@pytest.mark.parametrize("passes, text, sent", [
    (True, "x.clamp(0, 1)", [[1, 1, 1, 0]]), (False, "x.clamp(0, 1)", [[0, 1, 0, 0]]),
    (True, "x.clamp(x - x, o)", [[1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]),
    (False, "x.clamp(x - x, o)", [[0.5, 1, 0.5, 0], [0.5, 0, 0, 0], [0, 0, 0.5, 1]]),
    (False, "x.clamp(o, o)", [[0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]]),
    (False, "x.clamp_min(0)", [[0, 1, 1, 1]]),
])  # fmt: skip
def test_a_clamp_at_its_bounds_before_and_from_torch_2_14(passes, text, sent, monkeypatch):
    monkeypatch.setattr("lecture_helpers.rules.clamps.passes_at_a_bound", lambda: passes)
    x, o = leaf(0.0, 0.5, 1.0, 2.0), leaf(1.0, 1.0, 1.0, 1.0)
    output = eval(text, {"x": x, "o": o})
    rule = read_rule(output.grad_fn)
    assert [part.tolist() for part in rule.apply((torch.ones(4),))] == sent
