"""A recorded backward leaves nothing behind: no hook, no reference, no changed gradient."""

import gc
import weakref

import pytest
import torch
from recorded import assert_recorded, same
from sound import leaf
from test_drawing_is_harmless import PROGRAMS, state
from torch.autograd.graph import get_gradient_edge

from lecture_helpers import record_backward
from lecture_helpers.recorder import Recorder


@pytest.fixture
def copies(monkeypatch):
    """Count the gradients that a recorder's hooks copy: none after the call."""
    counted = []
    copy = Recorder.copy

    def counting(self, tensor):
        counted.append(1)
        return copy(self, tensor)

    monkeypatch.setattr(Recorder, "copy", counting)
    return counted


def gradients(program, run):
    """Run a program's backward with one ``.grad`` filled before, and return all of them."""
    torch.manual_seed(0)
    loss, parameters, others = program()
    parameters[0].grad = torch.ones_like(parameters[0])
    run(loss, parameters, others)
    return [parameter.grad for parameter in parameters]


def plainly(loss, parameters, others):
    loss.backward()


def plainly_twice(loss, parameters, others):
    loss.backward(retain_graph=True)
    loss.backward()


def recorded(loss, parameters, others):
    record_backward(loss)


def recorded_aside_before(loss, parameters, others):
    tensors = [loss, *parameters, *others]
    states, held = [state(tensor) for tensor in tensors], [one.grad for one in parameters]
    random = torch.get_rng_state()
    record = record_backward(loss, accumulate=False, retain_graph=True)
    assert all(one.grad is grad for one, grad in zip(parameters, held))
    assert torch.equal(held[0], torch.ones_like(held[0]))
    assert [state(tensor)[:3] for tensor in tensors] == [before[:3] for before in states]
    assert torch.equal(torch.get_rng_state(), random)
    assert len(record.steps) == len(record.graph.nodes)
    loss.backward()


def recorded_then_plainly(loss, parameters, others):
    record_backward(loss, retain_graph=True)
    loss.backward()


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("run, wanted", [
    (recorded, plainly), (recorded_aside_before, plainly), (recorded_then_plainly, plainly_twice),
])  # fmt: skip
def test_gradients_are_those_of_a_plain_backward(program, run, wanted):
    for one, other in zip(gradients(program, run), gradients(program, wanted), strict=True):
        assert same(one, other) and other.is_sparse == one.is_sparse
        assert one.is_sparse or one.stride() == other.stride()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_kind_of_program_is_recorded(program):
    torch.manual_seed(0)
    loss, _, others = program()
    record = assert_recorded(loss)
    tracked = [tensor for tensor in others if tensor.requires_grad]
    given = [record.gradient(tensor) for tensor in tracked]
    wanted = torch.autograd.grad(
        loss, tracked, torch.ones_like(loss), retain_graph=True, allow_unused=True
    )
    assert len(given) > 0 and all(map(same, given, wanted))


@pytest.mark.parametrize("accumulate", [True, False])
def test_no_hook_stays(accumulate, copies):
    x = leaf(1.0, 2.0)
    h = x.exp()
    loss = (h * h).sum()
    record = record_backward(loss, retain_graph=True, accumulate=accumulate)
    assert len(record.steps) == 4 and len(copies) > 4
    copies.clear()
    loss.backward()
    assert copies == [] and not x._backward_hooks and not h._backward_hooks


class Broken(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        if Broken.raises:
            raise KeyError("mine")
        return g


def broken(tensor):
    if Broken.raises:
        raise KeyError("mine")


def break_tensor(x, h):
    h.register_hook(broken)


def break_leaf(x, h):
    x.register_hook(broken)


def break_after(x, h):
    x.register_post_accumulate_grad_hook(broken)


def break_node(x, h):
    h.grad_fn.register_hook(lambda *_: broken(h))


def break_prehook(x, h):
    h.grad_fn.register_prehook(lambda *_: broken(h))


def break_nothing(x, h):
    """The Function below raises."""


EITHER_WAY = [break_tensor, break_leaf, break_node, break_prehook, break_nothing]
BREAKS = [(break_it, accumulate) for break_it in EITHER_WAY for accumulate in (True, False)]
BREAKS += [(break_after, True)]  # nothing else accumulates


@pytest.mark.parametrize("break_it, accumulate", BREAKS)
def test_a_backward_that_raises_leaves_no_hook(break_it, accumulate, copies):
    Broken.raises = True
    x = leaf(1.0, 2.0)
    h = x.exp()
    loss = (Broken.apply(h) if break_it is break_nothing else h * 1).sum()
    break_it(x, h)
    was_on = gc.isenabled()
    with pytest.raises(KeyError, match="mine"):
        record_backward(loss, retain_graph=True, accumulate=accumulate)
    assert gc.isenabled() == was_on
    Broken.raises = False
    copies.clear()
    x.grad = None
    loss.backward()
    assert copies == [] and torch.equal(x.grad, h.detach())


def test_a_failing_registration_leaves_no_hook(monkeypatch, copies):
    x = leaf(1.0, 2.0)
    loss = Broken.apply(x.exp()).sum()

    def fail(self, node, place):
        raise KeyError("ours")

    monkeypatch.setattr(Recorder, "_around", fail)
    with pytest.raises(KeyError, match="ours"):
        record_backward(loss)
    Broken.raises = False
    copies.clear()
    assert x.grad is None
    loss.backward()
    assert copies == [] and torch.equal(x.grad, x.exp())


def no_collector(function):
    """Run a function with Python's collector off, so that only counted references matter."""
    gc.collect()
    gc.disable()
    try:
        function()
    finally:
        gc.enable()


@pytest.mark.parametrize("accumulate", [True, False])
@pytest.mark.parametrize("retain_graph", [True, False])
def test_tensors_die_while_the_record_lives(accumulate, retain_graph):
    def check():
        x = leaf(1.0, 2.0)
        h = Broken.apply(x.exp())
        given = torch.ones(2)
        loss = h * 2
        alive = [weakref.ref(tensor) for tensor in (x, h, loss, given)]
        record = record_backward(loss, given, accumulate=accumulate, retain_graph=retain_graph)
        asked = record.gradient(h), record.parts(1), str(record)
        del x, h, loss, given
        assert [reference() for reference in alive] == [None] * 4
        assert len(record.steps) == 4 and len(asked) == 3

    Broken.raises = False
    no_collector(check)


def test_a_context_dies_with_its_graph():
    class Held(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.thing = Thing()
            things.append(weakref.ref(ctx.thing))
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g

    class Thing:
        pass

    things = []

    def check():
        y = Held.apply(leaf(2.0))
        record = record_backward(y)
        del y
        assert things[0]() is None and len(record.steps) == 2

    no_collector(check)


def test_the_hook_functions_die():
    def check():
        x = leaf(1.0)
        record = record_backward(x * 2, retain_graph=True)
        node = get_gradient_edge(x).node
        alive = [thing for thing in gc.get_objects() if type(thing) is Recorder]
        assert alive == [] and node.variable is x and len(record.steps) == 2

    no_collector(check)


def test_many_records_leave_no_objects():
    x = leaf(1.0, 2.0)

    def many(count):
        for _ in range(count):
            record_backward((x.exp() * x).sum(), accumulate=False)
            record_backward((x.exp() * x).sum())
        gc.collect()
        return len(gc.get_objects())

    many(5)
    before = many(5)
    assert many(100) - before < 20


def test_the_callers_frame_is_not_kept():
    class Canary:
        pass

    def call():
        canary = Canary()
        gone.append(weakref.ref(canary))
        return record_backward(leaf(2.0) * 3)

    gone = []

    def check():
        record = call()
        assert gone[0]() is None and len(record.steps) == 2

    no_collector(check)
