"""record_backward: the numbers of one backward, by hand and beside torch's own."""

import math

import pytest
import torch
from recorded import assert_recorded
from sound import leaf
from torch import nn

from lecture_helpers import Part, Summary, record_backward


def step_of(record, grad_fn):
    (step,) = [step for step in record.steps if step.node.grad_fn == grad_fn]
    return step


def numbers(gradients):
    return tuple(None if gradient is None else gradient.tolist() for gradient in gradients)


def test_every_number_of_a_small_backward():
    w, x, b = leaf(2.0), torch.tensor(3.0), leaf(1.0)
    h = w * x + b
    loss = h**2
    record = record_backward(loss)
    told = [
        (step.node.grad_fn, numbers(step.grad_outputs), numbers(step.grad_inputs))
        for step in record.steps
    ]
    assert told == [
        ("PowBackward0", (1.0,), (14.0,)),
        ("AddBackward0", (14.0,), (14.0, 14.0)),
        ("AccumulateGrad", (14.0,), ()),
        ("MulBackward0", (14.0,), (42.0, None)),
        ("AccumulateGrad", (42.0,), ()),
    ]
    assert [step.node.name for step in record.steps] == ["loss", "h", "b", None, "w"]
    assert (w.grad.item(), b.grad.item(), x.grad) == (42.0, 14.0, None)
    assert [record.gradient(tensor).item() for tensor in (w, b, h, loss)] == [42.0, 14.0, 14.0, 1.0]
    assert record.gradient(x) is None
    assert record.given.item() == 1.0 and record.accumulated is True


def test_steps_are_nodes_of_the_graph():
    loss = (leaf(2.0) * 3).exp()
    record = record_backward(loss)
    assert all(step.node is record.graph.nodes[step.node.id] for step in record.steps)
    assert sorted(step.node.id for step in record.steps) == [0, 1, 2]


def test_fan_out_has_a_part_for_each_use_and_their_sum():
    a = leaf(2.0)
    result = a * a + a
    record = record_backward(result)
    add, mul, place = (
        step_of(record, name).node.id for name in ("AddBackward0", "MulBackward0", "AccumulateGrad")
    )
    assert record.parts(place) == (Part(add, 1, 1.0), Part(mul, 0, 2.0), Part(mul, 1, 2.0))
    assert record.parts(add) == (Part(None, 0, 1.0),)
    assert record.parts(mul) == (Part(add, 0, 1.0),)
    assert record.gradient(a).item() == 5.0


def test_what_was_in_grad_before_and_after():
    w, v = leaf(2.0), leaf(5.0)
    w.grad = torch.tensor(10.0)
    record = record_backward(w * v)
    seen = {
        step.node.name: (step.grad_before, step.grad_after)
        for step in record.steps
        if step.node.is_leaf
    }
    assert seen["w"] == (10.0, 15.0) and seen["v"] == (None, 2.0)
    assert record.gradient(w).item() == 5.0
    assert step_of(record, "MulBackward0")[3:5] == (None, None)


def test_without_accumulation_no_grad_is_touched():
    w, v = leaf(2.0), leaf(5.0)
    before = w.grad = torch.tensor(10.0)
    h = w * v
    h.retain_grad()
    record = record_backward(h, accumulate=False)
    assert w.grad is before and before.item() == 10.0 and v.grad is None and h.grad is None
    assert record.gradient(w).item() == 5.0 and not record.accumulated
    assert all(step.grad_before is None and step.grad_after is None for step in record.steps)


def test_an_output_that_no_one_used_gets_none_which_is_not_zero():
    x = leaf(1.0, 2.0, 3.0)
    first, second, third = x.unbind()
    record = record_backward(first * third)
    assert numbers(step_of(record, "UnbindBackward0").grad_outputs) == (3.0, None, 1.0)
    assert record.gradient(second) is None
    assert record.gradient(first).item() == 3.0 and record.gradient(third).item() == 1.0
    assert record.gradient(x).tolist() == [3.0, 0.0, 1.0]


class Half(torch.autograd.Function):
    """Passes a gradient to its first input alone, and one to an input that needs none."""

    @staticmethod
    def forward(ctx, x, y, constant):
        ctx.set_materialize_grads(False)
        return x * 2, y * 3

    @staticmethod
    def backward(ctx, g, h):
        return g, None, torch.ones(())


def test_undefined_gradients():
    x, y = leaf(1.0), leaf(2.0)
    first, second = Half.apply(x, y, torch.tensor(3.0))
    record = record_backward(first)
    half = step_of(record, "HalfBackward")
    assert numbers(half.grad_outputs) == (1.0, None)
    assert numbers(half.grad_inputs) == (1.0, None, None)
    assert (record.gradient(x).item(), record.gradient(y), y.grad) == (1.0, None, None)
    assert record.gradient(second) is None
    assert record.parts(next(n.id for n in record.graph.nodes if n.name == "y")) == ()
    assert_recorded(Half.apply(x, y, torch.tensor(3.0))[0])


def test_the_leaf_order_is_the_engines_own():
    """Leaves that become ready at once leave the engine's queue in an order of its own."""

    class Join(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            return sum(tensor.detach() for tensor in tensors)

        @staticmethod
        def backward(ctx, g):
            return tuple(g * number for number in range(7))

    leaves = [leaf(float(number)) for number in range(7)]
    order = []
    handles = [one.register_hook(lambda gradient: order.append(gradient.item())) for one in leaves]
    Join.apply(*leaves).backward()
    engine = list(order)
    for accumulate in (True, False):
        order.clear()
        record = record_backward(Join.apply(*leaves), accumulate=accumulate)
        seen = [step.grad_outputs[0].item() for step in record.steps if step.node.is_leaf]
        assert seen == order == engine and sorted(seen) == list(range(7))
    for handle in handles:
        handle.remove()


def test_a_given_gradient():
    x = leaf(1.0, 2.0)
    y = x * 3
    given = torch.tensor([1.0, 10.0])
    record = record_backward(y, given)
    given.zero_()
    assert record.given.tolist() == [1.0, 10.0] and record.gradient(x).tolist() == [3.0, 30.0]
    assert record.parts(1)[0].gradient.tolist() == [1.0, 10.0]
    assert record.gradient(y).tolist() == [1.0, 10.0]


def test_an_output_that_is_a_leaf():
    w = leaf(2.0)
    for accumulate in (False, True):
        record = record_backward(w, accumulate=accumulate)
        (step,) = record.steps
        assert (step.node.is_leaf, step.grad_outputs) == (True, (1.0,))
        assert record.gradient(w).item() == 1.0
    assert (step.grad_before, step.grad_after, w.grad.item()) == (None, 1.0, 1.0)


def test_retain_graph_and_create_graph():
    x = leaf(3.0)
    y = x**3
    record_backward(y, retain_graph=True)
    record = record_backward(y, create_graph=True, accumulate=False)
    assert not record.gradient(x).requires_grad and record.gradient(x).item() == 27.0
    record_backward(y)
    assert x.grad.item() == 54.0
    with pytest.raises(RuntimeError, match="second time|freed"):
        record_backward(y)
    x.grad = None
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # otherwise torch says it once in a process
    try:
        with pytest.warns(UserWarning, match="create_graph=True"):
            record_backward(x**3, create_graph=True)
    finally:
        torch.set_warn_always(always)
    assert x.grad.requires_grad
    (second,) = torch.autograd.grad(x.grad, x)
    assert second.item() == 18.0
    x.grad = None


def test_a_graph_that_is_freed_already_raises_torchs_error_with_a_note():
    y = leaf(2.0) ** 2
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time") as raised:
        record_backward(y)
    assert raised.value.__notes__ == [
        "record_backward runs a backward, and an earlier one has freed what this graph saved: "
        "run the forward again, in the same cell as record_backward."
    ]


def test_a_large_gradient_is_summarised_and_whole_copies_it():
    x = torch.full((100, 101), 2.0, requires_grad=True)
    y = (x * x).sum()
    record = record_backward(y, retain_graph=True)
    norm = math.sqrt(10_100 * 16)
    arrived = record.gradient(x)
    assert type(arrived) is Summary and arrived[:2] == ((100, 101), torch.float32)
    assert arrived.norm == pytest.approx(norm, rel=1e-6)
    leaf_step = record.steps[-1]
    assert (leaf_step.grad_before, leaf_step.grad_after.norm) == (None, arrived.norm)
    whole = record_backward(y, whole=True)
    assert torch.equal(whole.gradient(x), torch.full((100, 101), 4.0))
    assert torch.equal(whole.steps[-1].grad_before, torch.full((100, 101), 4.0))
    assert torch.equal(whole.steps[-1].grad_after, torch.full((100, 101), 8.0))


@pytest.mark.parametrize("size, kind", [(10_000, torch.Tensor), (10_001, Summary)])
def test_where_large_begins(size, kind):
    x = torch.ones(size, requires_grad=True)
    assert type(record_backward(x.sum()).gradient(x)) is kind


@pytest.mark.parametrize("fill, dtype, norm", [
    (float("nan"), torch.float32, math.nan), (float("inf"), torch.float32, math.inf),
    (300.0, torch.float16, 300.0 * math.sqrt(10_001)), (1e200, torch.float64, math.inf),
    (3 + 4j, torch.complex64, 5 * math.sqrt(10_001)), (0.0, torch.bfloat16, 0.0),
], ids=["nan", "inf", "half", "double", "complex", "zero"])  # fmt: skip
def test_the_norm_of_a_large_gradient(fill, dtype, norm):
    x = torch.ones(10_001, dtype=dtype, requires_grad=True)
    record = record_backward(x * 1, torch.full((10_001,), fill, dtype=dtype))
    assert record.gradient(x).norm == pytest.approx(norm, rel=1e-6, nan_ok=True)
    assert record.gradient(x).dtype == dtype


def test_the_norm_of_a_sparse_and_of_a_meta_gradient():
    table = nn.Embedding(5001, 2, sparse=True)
    rows = table(torch.tensor([1, 3, 1]))
    record = record_backward(rows.sum())
    assert record.gradient(table.weight).norm == pytest.approx(math.sqrt(2 * 4 + 2))
    x = torch.ones(10_001, device="meta", requires_grad=True)
    record = record_backward((x * 2).sum())
    assert record.gradient(x) == Summary((10_001,), torch.float32, None)


VALUES = [torch.float16, torch.bfloat16, torch.float64, torch.complex64, torch.complex128]


@pytest.mark.parametrize("value", [0.0, -0.0, float("nan"), float("inf"), 1e-40])
@pytest.mark.parametrize("dtype", VALUES)
def test_odd_numbers_of_every_dtype(value, dtype):
    x = torch.tensor([value, 2.0], dtype=dtype, requires_grad=True)
    y = x * x + x / x
    assert_recorded(y)
    assert_recorded(y, torch.tensor([value, -0.0], dtype=dtype))


def test_finite_differences():
    def function(a, b):
        return (torch.sin(a) * b + torch.exp(a * b).cumsum(0)).prod()

    a, b = (leaf(0.3, -0.7, 0.2).double().detach().requires_grad_() for _ in range(2))
    record = record_backward(function(a, b))
    for number, tensor in enumerate((a, b)):
        for place in range(3):
            change = torch.zeros(3, dtype=torch.float64)
            change[place] = 1e-6
            both = [a.detach(), b.detach()]
            ends = []
            for sign in (1, -1):
                moved = list(both)
                moved[number] = both[number] + sign * change
                ends.append(function(*moved).item())
            slope = (ends[0] - ends[1]) / 2e-6
            assert record.gradient(tensor)[place].item() == pytest.approx(slope, rel=1e-7)


def test_a_gradient_of_the_record_is_yours():
    x = leaf(1.0)
    record = record_backward(x * 2)
    record.gradient(x).zero_()
    assert record.gradient(x).item() == 2.0 and x.grad.item() == 2.0


@pytest.mark.parametrize("accumulate", [True, False])
def test_a_leaf_that_is_switched_off_after_the_forward(accumulate):
    """Its gradient arrives all the same; torch takes no hook on it and fills no ``.grad``."""
    x, w = leaf(2.0), leaf(3.0)
    product = x * w
    x.requires_grad_(False)
    record = record_backward(product, accumulate=accumulate)
    arrived = {s.node.name: s.grad_outputs[0].item() for s in record.steps if s.node.is_leaf}
    assert arrived == {"x": 3.0, "w": 2.0}
    assert (x.grad, record.gradient(x), record.gradient(w).item()) == (None, None, 2.0)
