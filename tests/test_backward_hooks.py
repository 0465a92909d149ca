"""record_backward tells what really flows, whatever hooks and Functions do to a gradient."""

import pytest
import torch
from recorded import assert_recorded
from sound import leaf
from torch.autograd.graph import get_gradient_edge

from lecture_helpers import record_backward


def step_of(record, grad_fn):
    (step,) = [step for step in record.steps if step.node.grad_fn == grad_fn]
    return step


def program():
    """Return a leaf of 2, what Mul, Exp and Sum make of it, and a hook's chance between."""
    x = leaf(2.0, 3.0)
    h = x * 3
    y = h.sin()
    return x, h, (y * y).sum()


def replace(gradient):
    return gradient * 10


def in_place(gradient):
    gradient.mul_(10)


def behind_torchs_back(gradient):
    gradient.data.mul_(10)


def through_numpy(gradient):
    gradient.numpy()[:] *= 10


CHANGES = [replace, in_place, behind_torchs_back, through_numpy]
changes = pytest.mark.parametrize("change", CHANGES)
modes = pytest.mark.parametrize("accumulate", [True, False])


@changes
@modes
def test_a_hook_on_an_intermediate(change, accumulate):
    x, h, loss = program()
    h.register_hook(change)
    record = record_backward(loss, accumulate=accumulate)
    sin = step_of(record, "SinBackward0")
    (part,) = record.parts(next(s.node.id for s in record.steps if s.node.name == "h"))
    plain = 2 * (torch.sin(h) * torch.cos(h)).detach()
    torch.testing.assert_close(part.gradient, plain)
    torch.testing.assert_close(sin.grad_inputs[0], plain)
    torch.testing.assert_close(record.gradient(h), 10 * plain)
    torch.testing.assert_close(record.gradient(x), 30 * plain)
    assert (x.grad is None) != accumulate


@changes
@modes
def test_a_hook_on_a_leaf(change, accumulate):
    x, h, loss = program()
    x.register_hook(change)
    record = record_backward(loss, accumulate=accumulate)
    plain = 6 * (torch.sin(h) * torch.cos(h)).detach()
    (part,) = record.parts(next(node.id for node in record.graph.nodes if node.name == "x"))
    torch.testing.assert_close(part.gradient, plain)
    torch.testing.assert_close(record.gradient(x), 10 * plain)
    if accumulate:
        assert torch.equal(record.gradient(x), x.grad)
        assert torch.equal(record.steps[-1].grad_after, x.grad)


@changes
def test_a_hook_on_one_of_two_consumers_of_one_tensor(change):
    """AddBackward sends the same tensor twice; the change of one must not show at the other."""
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    left, right = a * 1, b * 1
    left.register_hook(change)
    total = left + right
    record = record_backward(total, torch.tensor([1.0, 2.0]))
    assert record.gradient(left).tolist() == [10.0, 20.0]
    assert record.gradient(a).tolist() == a.grad.tolist()
    assert record.gradient(b).tolist() == b.grad.tolist()
    add = step_of(record, "AddBackward0")
    assert [gradient.tolist() for gradient in add.grad_inputs] == [[1.0, 2.0]] * 2
    assert [gradient.tolist() for gradient in add.grad_outputs] == [[1.0, 2.0]]


def test_hooks_on_nodes():
    x, h, loss = program()
    mul = h.grad_fn
    mul.register_prehook(lambda arrived: tuple(gradient * 2 for gradient in arrived))
    mul.register_hook(
        lambda sent, arrived: tuple(None if gradient is None else gradient + 1 for gradient in sent)
    )
    plain = 2 * (torch.sin(h) * torch.cos(h)).detach()
    for accumulate in (False, True):
        record = record_backward(loss, accumulate=accumulate, retain_graph=True)
        torch.testing.assert_close(record.gradient(h), 2 * plain)
        torch.testing.assert_close(record.gradient(x), 6 * plain + 1)
    assert torch.equal(record.gradient(x), x.grad)


def test_hooks_on_a_leafs_node():
    x = leaf(2.0)
    node = get_gradient_edge(x).node
    node.register_prehook(lambda arrived: (arrived[0] * 10,))
    record = record_backward(x * 3)
    assert record.gradient(x).item() == 30.0 == x.grad.item()


def test_a_hook_after_the_accumulation():
    """An optimiser inside backward: the step is done, the gradient let go of."""
    x = leaf(2.0)

    def update(parameter):
        with torch.no_grad():
            parameter -= parameter.grad
        parameter.grad = None

    x.register_post_accumulate_grad_hook(update)
    record = record_backward(x * 3, accumulate=False)
    assert x.item() == 2.0 and record.gradient(x).item() == 3.0
    record = record_backward(x * 3)
    step = record.steps[-1]
    assert (x.item(), step.grad_outputs, step.grad_before, step.grad_after) == (
        -1.0, (3.0,), None, None)  # fmt: skip


def test_module_hooks():
    net = torch.nn.Linear(2, 2)
    net.register_full_backward_hook(lambda module, sent, arrived: (sent[0] * 10,))
    x = torch.ones(1, 2, requires_grad=True)
    record = record_backward(net(x).sum())
    torch.testing.assert_close(record.gradient(x), 10 * net.weight.detach().sum(0, keepdim=True))
    assert torch.equal(record.gradient(x), x.grad)
    assert torch.equal(record.gradient(net.weight), net.weight.grad)


class Spoil(torch.autograd.Function):
    """Changes what arrives in place, which it should not."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g.mul_(10)


def test_a_function_that_changes_what_arrives():
    x = leaf(1.0, 2.0)
    y = Spoil.apply(x)
    record = record_backward(y * 3, torch.tensor([1.0, 2.0]))
    assert record.gradient(y).tolist() == [3.0, 6.0]
    assert step_of(record, "SpoilBackward").grad_inputs[0].tolist() == [30.0, 60.0]
    assert record.gradient(x).tolist() == [30.0, 60.0]
    assert step_of(record, "MulBackward0").grad_inputs[0].tolist() == [3.0, 6.0]


@pytest.mark.parametrize("size", [1, 3, 10_000, 200_000])
@pytest.mark.parametrize("uses", [2, 3, 4])
def test_the_engine_adds_in_place_and_the_parts_stay(size, uses):
    x = torch.linspace(-1, 1, size, requires_grad=True)
    h = x * 1
    total = h * 2
    for number in range(1, uses):
        total = total + h.sin() * number
    record = assert_recorded(total.sum())
    parts = record.parts(1)  # h, made second
    assert len(parts) == uses
    addresses = {part.gradient.data_ptr() for part in parts}
    assert len(addresses) == uses
    first = torch.autograd.grad((h * 2).sum(), h, retain_graph=True)[0]
    assert any(torch.equal(part.gradient, first) for part in parts)


@pytest.mark.parametrize("make", [
    lambda x: (x + x).sum(), lambda x: (x + x + x).sum(), lambda x: x.expand(3, 2).sum(),
    lambda x: torch.stack([x, x, x]).sum(), lambda x: (x - x).sum(),
    lambda x: (x.view(1, 2) + x).prod(), lambda x: torch.cat([x, x])[1:].sum(),
], ids=["x + x", "x + x + x", "expand", "stack", "x - x", "view", "cat"])  # fmt: skip
def test_one_tensor_sent_more_than_once(make):
    assert_recorded(make(leaf(1.0, 2.0)))
    assert_recorded(make(leaf(1.0, 2.0) * 3))


def test_the_record_shares_no_memory_with_grad():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    record = record_backward((x * 2 + y).sum())
    kept = [one for step in record.steps for one in (*step[1], *step[2], *step[3:5])]
    told = str(kept)
    memory = {gradient.data_ptr() for gradient in kept if gradient is not None}
    assert {x.grad.data_ptr(), y.grad.data_ptr()}.isdisjoint(memory)
    (x * 5 + y).sum().backward()
    x.grad.zero_()
    y.grad.data.fill_(9.0)
    assert str(kept) == told
    assert record.gradient(x).tolist() == [2.0, 2.0]


def test_a_hook_that_keeps_the_gradient_and_changes_it_later():
    kept = []
    x = leaf(1.0, 2.0)
    h = x * 2
    h.register_hook(kept.append)
    h.register_hook(lambda gradient: gradient.clone())
    record = record_backward(h * 3, torch.ones(2))
    kept[0].zero_()
    assert record.gradient(h).tolist() == [3.0, 3.0] and record.gradient(x).tolist() == [6.0, 6.0]


def test_anothers_backward_inside_a_hook_is_not_recorded():
    x, other = leaf(2.0), leaf(5.0)
    h = x * 3
    inner = other * 7
    h.register_hook(lambda gradient: inner.backward())
    record = record_backward(h)
    assert other.grad.item() == 7.0 and len(record.steps) == 2


def test_a_backward_inside_a_hook_that_comes_to_the_same_leaf():
    x = leaf(2.0)
    h = x * 3
    inner = x * 7
    h.register_hook(lambda gradient: inner.backward())
    record = record_backward(h)
    came = [
        (step.grad_before, step.grad_outputs[0].item(), step.grad_after)
        for step in record.steps
        if step.node.is_leaf
    ]
    assert came == [(None, 7.0, 7.0), (7.0, 3.0, 10.0)] and x.grad.item() == 10.0
