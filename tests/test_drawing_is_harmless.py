"""Drawing a graph fires nothing, recomputes nothing, unpacks nothing and changes nothing."""

import gc
import weakref
from collections import Counter

import pytest
import torch
from sound import assert_drawn, operations
from torch import nn
from torch.autograd.graph import get_gradient_edge, register_multi_grad_hook, saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from lecture_helpers import show_graph


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def draw(*tensors):
    """Draw as picture and as text, twice, and compare with the engine's graph."""
    graph = show_graph(*tensors)
    assert_drawn(graph, *tensors, unrecorded="a backward fires what these tests count")
    assert show_graph(*tensors) == graph
    return graph


class Cube(torch.autograd.Function):
    runs = 0

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        Cube.runs += 1
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


def test_nothing_is_changed_and_nothing_kept_alive():
    x = leaf(1.0, 2.0)
    h = x.exp()
    result = h.sum()
    result.backward(retain_graph=True)
    want, version, edges = x.grad.clone(), h._version, result.grad_fn.next_functions
    graph = show_graph(result)
    assert result.grad_fn.next_functions == edges and h._version == version
    assert torch.equal(x.grad, want)
    x.grad = None
    result.backward()
    assert torch.equal(x.grad, want)
    alive = weakref.ref(h)
    gc.disable()
    try:
        del h, result, edges
        assert alive() is None
    finally:
        gc.enable()
    assert len(graph.nodes) == 3


def test_hooks_stay_and_drawing_fires_none():
    fired = Counter()

    def note(name):
        return lambda *_: fired.update([name])

    x = leaf(1.0, 2.0)
    h = x.exp()
    loss = (h * h).sum()
    x.register_hook(note("leaf"))
    x.register_post_accumulate_grad_hook(note("accumulated"))
    h.register_hook(note("tensor"))
    h.retain_grad()
    h.grad_fn.register_hook(note("node"))
    h.grad_fn.register_prehook(note("before node"))
    accumulate = get_gradient_edge(x).node
    accumulate.register_hook(note("leaf's node"))
    register_multi_grad_hook((x, h), note("several"))
    del accumulate
    graph = draw(loss)
    assert operations(graph) == ["ExpBackward0", "MulBackward0", "SumBackward0"]
    assert fired == Counter() and h.retains_grad and x.grad is None
    loss.backward()
    names = ["leaf", "accumulated", "tensor", "node", "before node", "leaf's node", "several"]
    assert fired == Counter(names)
    assert torch.equal(h.grad, 2 * h)


def test_a_hook_that_replaces_the_gradient_still_does():
    x = leaf(1.0)
    h = x * 2
    h.register_hook(lambda gradient: gradient * 10)
    draw(h)
    h.backward()
    assert x.grad.item() == 20.0


@pytest.mark.parametrize("reentrant, drawn", [
    (False, ["SinBackward0", "MulBackward0", "SumBackward0"]),
    (True, ["CheckpointFunctionBackward", "SumBackward0"]),
], ids=["not reentrant", "reentrant"])  # fmt: skip
def test_a_checkpoint_is_not_recomputed(reentrant, drawn):
    runs = []

    def block(x):
        runs.append(1)
        return torch.sin(x) * x

    x = leaf(1.0, 2.0)
    (wanted,) = torch.autograd.grad(block(x).sum(), x)
    runs.clear()
    loss = checkpoint(block, x, use_reentrant=reentrant).sum()
    assert operations(draw(loss)) == drawn
    assert len(runs) == 1
    loss.backward()
    assert len(runs) == 2
    assert torch.equal(x.grad, wanted)


def test_saved_tensors_are_neither_packed_nor_unpacked():
    packed, unpacked = [], []

    def pack(tensor):
        packed.append(tensor)
        return len(packed) - 1

    def unpack(place):
        unpacked.append(place)
        return packed[place]

    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    wanted = torch.autograd.grad((torch.sin(x) * y).exp().prod(), (x, y))
    with saved_tensors_hooks(pack, unpack):
        loss = (torch.sin(x) * y).exp().prod()
        count = len(packed)
        draw(loss)
    assert count >= 4 and len(packed) == count
    draw(loss)
    assert (len(packed), unpacked) == (count, [])
    loss.backward()
    assert len(unpacked) == count
    assert torch.equal(x.grad, wanted[0]) and torch.equal(y.grad, wanted[1])


def test_where_saving_is_forbidden_drawing_is_not():
    loss = leaf(1.0, 2.0).exp().sum()
    with torch.autograd.graph.disable_saved_tensors_hooks("none here"):
        graph = draw(loss)
    assert operations(graph) == ["ExpBackward0", "SumBackward0"]


def test_inside_anomaly_mode():
    with torch.autograd.set_detect_anomaly(True):
        x = leaf(0.0)
        loss = torch.sqrt(x) * 0
        known = dict(loss.grad_fn.metadata)
        graph = draw(loss)
        assert operations(graph) == ["SqrtBackward0", "MulBackward0"]
        assert list(known) == ["traceback_"] and dict(loss.grad_fn.metadata) == known
        said = pytest.warns(UserWarning, match="Error detected in SqrtBackward0")
        with said, pytest.raises(RuntimeError, match="SqrtBackward0.*returned nan"):
            loss.backward()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_drawing_elsewhere_than_the_graph_was_made(mode):
    net = nn.Linear(2, 1)
    h = net(torch.ones(3, 2))
    loss = h.pow(2).sum()
    outside = show_graph(loss, h)
    with mode():
        inside = show_graph(loss, h)
    assert inside == outside
    assert inside.to_svg() == outside.to_svg() and str(inside) == str(outside)
    assert_drawn(inside, loss, h)
    loss.backward()
    assert net.bias.grad.item() == pytest.approx(2 * h.sum().item())


@pytest.mark.parametrize("make", [
    lambda x: (torch.sin(x) * x).sum(), lambda x: Cube.apply(torch.sin(x)).sum(),
    lambda x: checkpoint(lambda a: torch.sin(a) * a, x, use_reentrant=False).sum(),
], ids=["operations", "custom Function", "checkpoint"])  # fmt: skip
def test_after_backward_it_is_the_same_graph(make):
    x = leaf(1.0, 2.0)
    y = make(x)
    before = show_graph(y)
    y.backward()
    after = show_graph(y)
    assert after == before and after.to_svg() == before.to_svg()
    assert_drawn(after, y, unrecorded="the graph is freed")
    with pytest.raises(RuntimeError, match="backward through the graph a second time|freed"):
        y.backward()


def test_backward_of_a_custom_function_runs_once():
    Cube.runs = 0
    x = leaf(2.0)
    y = Cube.apply(x)
    draw(y)
    assert Cube.runs == 0
    y.backward()
    draw(y)
    assert (Cube.runs, x.grad.item()) == (1, 12.0)


def perceptron():
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 1))
    h = net[0](torch.rand(5, 3))
    return net[1:](h).pow(2).mean(), list(net.parameters()), [h]


def recurrent():
    net = nn.LSTM(3, 4)
    out, (h, c) = net(torch.rand(5, 2, 3))
    return out.sum() + (h * c).sum(), list(net.parameters()), [out, h, c]


def in_place():
    x = torch.rand(4, requires_grad=True)
    base = x * 2
    view = base[:2]
    base.mul_(x)
    view.exp_()
    return (base.sum() * view.sum()), [x], [base, view]


def custom():
    x = torch.rand(3, requires_grad=True)
    h = Cube.apply(x)
    return h.prod() + h.max(), [x], [h]


def double_backward():
    x = torch.rand(3, requires_grad=True)
    (g,) = torch.autograd.grad(x.exp().prod(), x, create_graph=True)
    return g.pow(2).sum(), [x], [g]


def checkpointed():
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    x = torch.rand(2, 3, requires_grad=True)
    h = checkpoint(net, x, use_reentrant=False)
    return h.sin().sum(), [x, *net.parameters()], [h]


def sparse():
    table = nn.Embedding(5, 2, sparse=True)
    h = table(torch.tensor([1, 3, 1]))
    return h.pow(3).sum(), [table.weight], [h]


PROGRAMS = [perceptron, recurrent, in_place, custom, double_backward, checkpointed, sparse]


def state(tensor):
    hooks = tensor._backward_hooks
    return tensor._version, tensor.requires_grad, tensor.retains_grad, hooks and list(hooks)


def gradients(program, drawn):
    """Run a program on top of gradients that are there already; draw its graph or do not."""
    torch.manual_seed(0)
    loss, parameters, others = program()
    for parameter in parameters[:1]:
        parameter.grad = torch.ones_like(parameter)
    tensors = [loss, *parameters, *others]
    if drawn:
        states = [state(tensor) for tensor in tensors]
        before = [parameter.grad for parameter in parameters]
        values, random = before[0].clone(), torch.get_rng_state()
        draw(loss)
        draw(loss, *others)
        assert [state(tensor) for tensor in tensors] == states
        assert all(parameter.grad is held for parameter, held in zip(parameters, before))
        assert torch.equal(before[0], values)
        assert torch.equal(torch.get_rng_state(), random)
    loss.backward()
    return [parameter.grad for parameter in parameters]


@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_are_those_of_a_run_that_was_not_drawn(program):
    with_drawing = gradients(program, drawn=True)
    without = gradients(program, drawn=False)
    assert len(without) > 0
    for one, other in zip(with_drawing, without):
        assert other is not None and other.count_nonzero() > 0
        assert torch.equal(one, other)
