"""show_graph draws every legal graph: custom Functions and what torch.func makes."""

import pytest
import torch
from oracle import assert_is_engine_graph
from sound import Double, assert_drawn, operations, outputs_used, the
from torch.autograd.function import once_differentiable

from lecture_helpers import show_graph


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


class TwoOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y, None)
        return x * y, x + y

    @staticmethod
    def backward(ctx, g, h):
        x, y, nothing = ctx.saved_tensors
        assert nothing is None
        return g * y + h, g * x + h


class Scale(torch.autograd.Function):
    """Takes what is no tensor, and can be differentiated once only."""

    @staticmethod
    def forward(ctx, words, x, factor, nothing):
        ctx.factor = factor
        return x * factor

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        return None, g * ctx.factor, None, None


class Hide(torch.autograd.Function):
    """Hides a tensor with a graph of its own on ctx, where the engine does not see it."""

    @staticmethod
    def forward(ctx, x):
        with torch.enable_grad():
            ctx.inside = x.detach().requires_grad_()
            ctx.hidden = ctx.inside**2
        return ctx.hidden.detach()

    @staticmethod
    def backward(ctx, g):
        return torch.autograd.grad(ctx.hidden, ctx.inside, g)[0]


class Mixed(torch.autograd.Function):
    """Returns an index, a tensor, a text and None."""

    @staticmethod
    def forward(x):
        return x.argmax(), x * 2, "text", None

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(output[0])

    @staticmethod
    def backward(ctx, *gradients):
        return gradients[1] * 2


def test_a_function_that_saves_none_and_has_two_outputs():
    x, y = leaf(2.0), leaf(3.0)
    product, total = TwoOut.apply(x, y)
    result = product * total
    graph = show_graph(result)
    assert_drawn(graph, result)
    node = the(graph, "TwoOutBackward")
    assert (node.name, node.shapes) == ("product, total", ((1,), (1,)))
    assert outputs_used(graph, node) == [0, 1]
    assert ">TwoOut</text>" in graph.to_svg()
    result.backward()
    assert (x.grad.item(), y.grad.item()) == (21.0, 16.0)  # xxy + xyy


def test_the_second_of_two_outputs_alone():
    total = TwoOut.apply(leaf(2.0), torch.tensor([3.0]))[1]
    graph = show_graph(total)
    assert_drawn(graph, total)
    node = the(graph, "TwoOutBackward")
    assert (node.untracked, graph.outputs[0].output_nr) == ((1,), 1)


def test_a_function_with_inputs_that_are_no_tensors():
    x = leaf(2.0, 4.0)
    scaled = Scale.apply("words", x, 3.0, None)
    graph = show_graph(scaled)
    assert_drawn(graph, scaled)
    node = the(graph, "ScaleBackward")
    assert (node.untracked, len(graph.edges)) == ((), 1)
    scaled.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_function_that_is_differentiable_once():
    x = leaf(2.0)
    square = Scale.apply("words", x, 3.0, None) ** 2
    (g,) = torch.autograd.grad(square, x, create_graph=True)
    graph = show_graph(g)
    assert_drawn(graph, g, unrecorded="torch refuses its backward")
    assert "Error" in operations(graph)  # torch's own node, which raises when it is run
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()


def test_a_tensor_hidden_on_ctx_is_not_drawn_and_not_lost():
    x = leaf(3.0)
    y = Hide.apply(x)
    graph = show_graph(y)
    assert_drawn(graph, y, unrecorded="its backward can run once only")
    assert [node.grad_fn for node in graph.nodes] == ["AccumulateGrad", "HideBackward"]
    y.backward()
    assert x.grad.item() == 6.0


def test_outputs_that_are_no_tensors():
    x = leaf(1.0, 5.0, 2.0)
    at, doubled, words, nothing = Mixed.apply(x)
    assert (words, nothing, at.requires_grad) == ("text", None, False)
    total = doubled.sum()
    graph = show_graph(total, at)
    assert_drawn(graph, total, at)
    node = the(graph, "MixedBackward")
    assert (node.name, node.shape, outputs_used(graph, node)) == ("doubled", (3,), [1])
    assert (graph.nodes[-1].name, graph.nodes[-1].value) == ("at", 1)


def test_functions_that_work_in_place():
    h = leaf(1.0, 2.0) * 1
    Double.apply(h)
    graph = show_graph(h)
    assert_drawn(graph, h)
    assert operations(graph) == ["MulBackward0", "DoubleBackward"]
    base = leaf(1.0, 2.0) * 1
    row = base[:1]
    Double.apply(row)
    graph = show_graph(base, row)
    assert_drawn(graph, base, row)
    assert operations(graph) == ["MulBackward0", "CopySlices", "AsStridedBackward0"]


# What torch itself says when its forward mode is used for the first time.
forward_mode = pytest.mark.filterwarnings(
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)


TRANSFORMED = {
    "grad": (lambda x: torch.func.grad(lambda a: (a**3).sum())(x), "PowBackward0"),
    "vmap": (lambda x: torch.func.vmap(lambda a: a.sin().sum())(x), "SinBackward0"),
    "vmap of grad": (lambda x: torch.func.vmap(torch.func.grad(torch.sin))(x[0]), "CosBackward0"),
    "vjp": (lambda x: torch.func.vjp(torch.sin, x)[1](torch.ones(2, 3))[0], "CosBackward0"),
    "jvp": (lambda x: torch.func.jvp(torch.sin, (x,), (torch.ones(2, 3),))[1], "CosBackward0"),
    "jacrev": (lambda x: torch.func.jacrev(torch.sin)(x), "CosBackward0"),
    "jacfwd": (lambda x: torch.func.jacfwd(torch.sin)(x), "CosBackward0"),
    "hessian": (lambda x: torch.func.hessian(lambda a: a.sin().sum())(x[0]), "SinBackward0"),
}


@forward_mode
@pytest.mark.parametrize("make, grad_fn", TRANSFORMED.values(), ids=TRANSFORMED)
def test_what_a_transform_returns(make, grad_fn):
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    made = make(x)
    graph = show_graph(made)
    assert_drawn(graph, made)
    assert [node.name for node in graph.nodes if node.is_leaf] == ["x"]
    assert grad_fn in operations(graph)
    assert graph.outputs[0].shape == tuple(made.shape)


def test_functional_call():
    net = torch.nn.Linear(3, 2)
    mine = {"weight": torch.ones(2, 3, requires_grad=True)}
    y = torch.func.functional_call(net, mine, torch.ones(1, 3))
    graph = show_graph(y)
    assert_drawn(graph, y)
    leaves = {node.name for node in graph.nodes if node.is_leaf}
    assert leaves == {"mine['weight']", "net.bias"}


def drawn_inside(transform, x):
    """Draw inside a transform, compare there, and return the graph and the two flags."""
    seen = []

    def function(a):
        total = (a.sin() * 2).sum()
        graph = show_graph(total)
        assert_is_engine_graph(graph, total)
        seen.append((graph, total.requires_grad, graph.to_svg()))
        return total

    transform(function)(x)
    ((graph, flag, svg),) = seen
    assert svg == graph.to_svg()
    return graph, flag


@forward_mode
@pytest.mark.parametrize("transform", [torch.func.grad, torch.func.jacrev, torch.func.hessian])
def test_inside_a_transform_that_records_the_graph_is_whole(transform):
    graph, flag = drawn_inside(transform, torch.ones(3))
    assert flag
    assert operations(graph) == ["SinBackward0", "MulBackward0", "SumBackward0"]
    assert [node.name for node in graph.nodes if node.is_leaf] == ["a"]


@forward_mode
@pytest.mark.parametrize("transform", [torch.func.vmap, torch.func.jacfwd])
def test_inside_a_transform_that_records_nothing_the_tensor_stands_alone(transform):
    graph, flag = drawn_inside(transform, torch.ones(3))
    assert not flag and graph.edges == ()
    assert "total  no graph" in str(graph) and "requires_grad=False" in graph.to_svg()
