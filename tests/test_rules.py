"""The local rules: each must say and compute what torch's engine does."""

import pytest
import torch
from rule_cases import CASES, EVERY, tensors
from torch.nn import functional as F

from lecture_helpers.rules import RULES, read_rule
from lecture_helpers.walk import class_name


def node_of(output, kind):
    """Return the first node of a class behind a tensor, breadth first."""
    waiting = [output.grad_fn]
    for node in waiting:
        if class_name(node) == kind:
            return node
        waiting += [source for source, _ in node.next_functions if source is not None]
    raise AssertionError(f"no {kind} behind the output")


def stepped(output, kind, names=None, gradient=None):
    """Return the rule of a node, and what the engine hands in and takes out of that node.

    What a node computes for an input that is not tracked goes nowhere: it is left out.
    """
    node = node_of(output, kind)
    rule = read_rule(node, names)
    seen = []
    handle = node.register_hook(lambda gi, go: seen.append((gi, go)))
    if gradient is None:
        generator = torch.Generator().manual_seed(2)
        gradient = torch.rand(output.shape, generator=generator, dtype=torch.float64) + 0.5
    try:
        output.backward(gradient.to(output.dtype), retain_graph=True)
    finally:
        handle.remove()
    ((grad_inputs, grad_outputs),) = seen
    tracked = [source is not None for source, _ in node.next_functions]
    sent = tuple(one if used else None for one, used in zip(grad_inputs, tracked))
    return rule, grad_outputs, sent


def made(text, dtype=torch.float64):
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return eval(text, {"torch": torch, "F": F, **tensors(dtype)})
    finally:
        torch.set_default_dtype(default)


def assert_same(applied, grad_inputs, **closeness):
    assert [one is None for one in applied] == [one is None for one in grad_inputs]
    for ours, engines in zip(applied, grad_inputs):
        if engines is not None:
            torch.testing.assert_close(ours, engines, equal_nan=True, **closeness)
            assert ours.dtype == engines.dtype and not ours.requires_grad


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_each_rule_computes_what_the_engine_sent(kind, text):
    rule, grad_outputs, grad_inputs = stepped(made(text), kind)
    assert rule.grad_fn == kind
    applied = rule.apply(grad_outputs)
    if kind == "AccumulateGrad":
        assert applied == grad_inputs == ()
        return
    assert_same(applied, grad_inputs)
    lines = rule.told(grad_outputs, grad_inputs)
    assert [line.input_nr for line in lines] == [
        nr for nr, one in enumerate(grad_inputs) if one is not None
    ]
    for line in lines:
        assert "went out" not in line.numbers and "no numbers" not in line.numbers, line
        assert "{" not in line.symbols + line.numbers and len(line.numbers) <= 90, line


def test_every_rule_has_a_case():
    assert set(EVERY) == set(RULES)
