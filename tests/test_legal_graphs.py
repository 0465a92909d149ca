"""show_graph draws every legal graph: what tensor operations make."""

import pytest
import torch
from sound import assert_drawn, operations, outputs_used, the
from torch import nn

from lecture_helpers import show_graph


def matrix():
    return torch.tensor([[1.0, 5.0, 2.0], [7.0, 3.0, 4.0], [0.5, 6.0, 9.0]], requires_grad=True)


SEVERAL_OUTPUTS = {
    "unbind": (lambda x: x.unbind(), "UnbindBackward0", [0, 1, 2]),
    "split": (lambda x: x.split([1, 2]), "SplitWithSizesBackward0", [0, 1]),
    "chunk": (lambda x: x.chunk(3, dim=1), "SplitBackward0", [0, 1, 2]),
    "topk": (lambda x: x.topk(2), "TopkBackward0", [0]),
    "svd": (lambda x: torch.linalg.svd(x), "LinalgSvdBackward0", [0, 1, 2]),
    "max": (lambda x: x.max(dim=0), "MaxBackward0", [0]),
}  # topk and max also make indices, which have no gradient
several_outputs = pytest.mark.parametrize(
    "make, grad_fn, tracked", SEVERAL_OUTPUTS.values(), ids=SEVERAL_OUTPUTS
)


@several_outputs
def test_one_of_several_outputs_is_used(make, grad_fn, tracked):
    for output_nr in tracked:
        x = matrix()
        used = make(x)[output_nr]
        total = used.sum()
        graph = show_graph(total)
        assert_drawn(graph, total)
        node = the(graph, grad_fn)
        assert outputs_used(graph, node) == [output_nr]
        assert node.shapes[output_nr] == tuple(used.shape) and len(node.shapes) == len(tracked)
        assert operations(graph) == [grad_fn, "SumBackward0"]
        if len(tracked) > 1:
            assert f"#{node.id} output {output_nr}, makes" in str(graph)


@several_outputs
def test_several_outputs_are_used(make, grad_fn, tracked):
    made = make(matrix())
    total = sum(made[output_nr].sum() for output_nr in tracked)
    graph = show_graph(total)
    assert_drawn(graph, total)
    assert outputs_used(graph, the(graph, grad_fn)) == tracked


@several_outputs
def test_several_outputs_are_asked_for_at_once(make, grad_fn, tracked):
    made = make(matrix())
    graph = show_graph(made)
    assert_drawn(graph, *made)
    node = the(graph, grad_fn)
    assert [out.output_nr for out in graph.outputs if out.node == node.id] == tracked
    assert [out.shape for out in graph.outputs] == [tuple(tensor.shape) for tensor in made]
    alone = [node for node in graph.nodes if node.grad_fn is None]
    assert len(alone) == len(made) - len(tracked)
    assert all(node.dtype == torch.int64 for node in alone)


def test_several_outputs_of_one_node_keep_their_names():
    first, _, third = torch.tensor([1.0, 2.0, 3.0], requires_grad=True).unbind()
    product = first * third
    graph = show_graph(product, third)
    assert_drawn(graph, product, third)
    unbind = the(graph, "UnbindBackward0")
    assert (unbind.name, unbind.shapes) == ("first, third", ((), (), ()))


def test_outputs_of_two_dtypes_are_told_with_their_own():
    a = torch.eye(2, dtype=torch.complex64, requires_grad=True)
    u, s, _ = torch.linalg.svd(a)
    graph = show_graph(s)
    assert_drawn(graph, s)
    assert (u.dtype, s.dtype) == (torch.complex64, torch.float32)
    assert "u = (2, 2) complex64, s = (2,)" in str(graph)
    assert "s = (2,) complex64" not in str(graph) and "s = (2,) complex64" not in graph.to_svg()


VIEWS = {
    "view": (lambda x: x.view(9), "ViewBackward0", (9,)),
    "transpose": (lambda x: x[:2].transpose(0, 1), "TransposeBackward0", (3, 2)),
    "expand": (lambda x: x.expand(4, 3, 3), "ExpandBackward0", (4, 3, 3)),
    "select": (lambda x: x.select(0, 1), "SelectBackward0", (3,)),
    "slice": (lambda x: x[1:], "SliceBackward0", (2, 3)),
    "unsqueeze": (lambda x: x.unsqueeze(1), "UnsqueezeBackward0", (3, 1, 3)),
    "diagonal": (lambda x: x.diagonal(), "DiagonalBackward0", (3,)),
    "chunk": (lambda x: x.chunk(2)[1], "SplitBackward0", (1, 3)),
}


@pytest.mark.parametrize("make, grad_fn, shape", VIEWS.values(), ids=VIEWS)
def test_views(make, grad_fn, shape):
    view = make(matrix())
    graph = show_graph(view)
    assert_drawn(graph, view)
    node = graph.nodes[-1]
    (output,) = graph.outputs
    assert (node.grad_fn, output.node, output.shape) == (grad_fn, node.id, shape)
    assert node.shapes[output.output_nr] == shape
    assert f"{shape}" in str(graph).splitlines()[-1]


def test_a_view_changed_in_place():
    x = matrix()
    base = x * 1
    view = base[0]
    view.mul_(x[1])
    total = base.sum()
    graph = show_graph(total, changed=view)
    assert_drawn(graph, total, view)
    slices = the(graph, "CopySlices")
    assert (slices.shape, slices.name) == ((3, 3), "base")
    assert "MulBackward0" in [
        graph.nodes[edge.source].grad_fn for edge in graph.edges if edge.target == slices.id
    ]
    assert [out.name for out in graph.outputs] == ["total", "changed"]
    assert base._version == view._version == 1


def test_a_view_of_a_view_changed_in_place():
    base = matrix() * 1
    row = base[0]
    row[1:].add_(1)
    row.mul_(2)
    total = base.sum() * row.sum()
    graph = show_graph(total)
    assert_drawn(graph, total)
    assert operations(graph).count("CopySlices") == 2


def test_a_view_whose_base_changed_in_place():
    base = matrix() * 2
    view = base[:2]
    base.mul_(3)
    result = view.sum()
    graph = show_graph(result)
    assert_drawn(graph, result)
    assert operations(graph) == ["MulBackward0"] * 2 + ["AsStridedBackward0", "SumBackward0"]


def test_a_view_whose_base_changed_in_place_and_that_is_used_twice():
    base = matrix() * 2
    view = base[:2]
    base.mul_(3)
    result = view.sum() + view.prod()
    graph = show_graph(result)
    strided = the(graph, "AsStridedBackward0")
    users = [edge.target for edge in graph.edges if edge.source == strided.id]
    assert [graph.nodes[user].grad_fn for user in users] == ["SumBackward0", "ProdBackward0"]
    assert strided.id < min(users)  # "nodes in forward order": each stands before its users
    assert_drawn(graph, result)


def test_a_view_of_several_whose_base_changed_is_refused_in_torchs_words():
    base = matrix() * 2
    first, _, _ = base.unbind()
    base.mul_(3)
    with pytest.raises(RuntimeError, match="view and its base or another view .* modified inplace"):
        show_graph(first)


def test_an_intermediate_changed_in_place():
    h = matrix().exp()
    h.add_(1).mul_(2)
    h[0, 0] = 5.0
    graph = show_graph(h)
    assert_drawn(graph, h, unrecorded="exp's result was changed, so torch refuses the backward")
    assert operations(graph) == ["ExpBackward0", "AddBackward0", "MulBackward0", "CopySlices"]
    assert (graph.outputs[0].name, h._version) == ("h", 3)


def test_double_backward():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = (x**3).sum()
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    graph = show_graph(g)
    assert_drawn(graph, g)
    assert graph.outputs[0].name == "g" and graph.outputs[0].shape == (2,)
    assert [node.name for node in graph.nodes if node.is_leaf] == ["x"]
    both = show_graph(y, g)
    assert_drawn(both, y, g)
    assert operations(both).count("PowBackward0") == 2  # x**3 and, in its gradient, x**2
    (second,) = torch.autograd.grad(g.sum(), x)
    assert torch.equal(second, 6 * x)


@pytest.mark.parametrize("dtype", [
    torch.complex64, torch.complex128, torch.float64, torch.float16, torch.bfloat16,
])  # fmt: skip
def test_dtypes(dtype):
    x = torch.tensor([1.0, 2.0], dtype=dtype, requires_grad=True)
    y = (x * x).sum()
    graph = show_graph(y)
    assert_drawn(graph, y)
    assert {node.dtype for node in graph.nodes} == {dtype}
    assert graph.outputs[0].value == 5
    word = str(dtype).removeprefix("torch.")
    assert f"  (2,) {word}, requires_grad=True" in str(graph)
    assert f">(2,) {word}</text>" in graph.to_svg()


def test_a_change_of_dtype_on_the_way():
    x = torch.tensor([3.0, 4.0], requires_grad=True)
    size = (x.to(torch.complex64) * 1j).abs().half()
    graph = show_graph(size)
    assert_drawn(graph, size)
    assert [node.dtype for node in graph.nodes] == [
        torch.float32, torch.complex64, torch.complex64, torch.float32, torch.float16]  # fmt: skip


def test_autocast():
    net = nn.Linear(3, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = net(torch.ones(1, 3))
        graph = show_graph(y)
    assert_drawn(graph, y)
    assert graph.nodes[-1].dtype == torch.bfloat16
    assert {node.dtype for node in graph.nodes if node.is_leaf} == {torch.float32}
    assert operations(graph).count("ToCopyBackward0") == 2  # the weight and the bias


@pytest.mark.parametrize("shape", [(0, 3), (0,), (2, 0, 1)])
def test_empty_tensors(shape):
    x = torch.ones(shape, requires_grad=True)
    y = x * 2
    total = y.sum()
    graph = show_graph(total, y)
    assert_drawn(graph, total, y)
    assert [node.shape for node in graph.nodes] == [shape, shape, ()]
    assert [node.value for node in graph.nodes] == [None, None, 0.0]
    assert f"makes y = {shape}" in str(graph)


@pytest.mark.parametrize("pick, grad_fn", [
    (lambda x, at: x[at], "IndexBackward0"), (lambda x, at: x[:, at], "IndexBackward0"),
    (lambda x, at: x.index_select(0, at), "IndexSelectBackward0"),
    (lambda x, at: x.gather(0, at.view(1, 2)), "GatherBackward0"),
], ids=["x[at]", "x[:, at]", "index_select", "gather"])  # fmt: skip
def test_integer_indices_are_no_inputs(pick, grad_fn):
    at = torch.tensor([2, 0])
    picked = pick(matrix(), at)
    graph = show_graph(picked)
    assert_drawn(graph, picked)
    assert operations(graph) == [grad_fn]
    assert len(graph.edges) == 1
    assert "at" not in {node.name for node in graph.nodes}


def test_meta_tensors_have_no_values():
    x = torch.ones((), device="meta", requires_grad=True)
    y = x * 2
    graph = show_graph(y)
    assert_drawn(graph, y)
    assert [node.value for node in graph.nodes] == [None, None]
    net = nn.Linear(3, 2, device="meta")
    out = net(torch.ones(5, 3, device="meta"))
    graph = show_graph(out)
    assert_drawn(graph, out)
    assert (graph.nodes[-1].grad_fn, graph.nodes[-1].shape) == ("AddmmBackward0", (5, 2))
