"""show_graph against the engine's own graph."""

import dataclasses
import gc
from collections import namedtuple

import pytest
import torch
from oracle import assert_is_engine_graph
from sound import leaf
from torch import nn

from lecture_helpers import grad_table, show_graph


def names_of(graph):
    return {node.name for node in graph.nodes if node.name}


def labels(graph):
    return [node.grad_fn for node in graph.nodes]


def test_chain_in_forward_order_with_names_values_and_untracked_inputs():
    x = leaf(2.0)
    y = 3 * x + 1
    z = y**2
    graph = show_graph(z)
    assert_is_engine_graph(graph, z)
    assert labels(graph) == ["AccumulateGrad", "MulBackward0", "AddBackward0", "PowBackward0"]
    assert [node.name for node in graph.nodes] == ["x", None, "y", "z"]
    assert [node.value for node in graph.nodes] == [2.0, None, 7.0, 49.0]
    assert [node.untracked for node in graph.nodes] == [(), (1,), (1,), ()]
    assert [(edge.source, edge.target) for edge in graph.edges] == [(0, 1), (1, 2), (2, 3)]
    assert [(out.name, out.value) for out in graph.outputs] == [("z", 49.0)]


def test_vectors_keep_shape_and_dtype():
    w = leaf([[1.0, 2.0, 3.0]]).detach().double().requires_grad_()
    total = (w * 2).sum()
    graph = show_graph(total)
    assert_is_engine_graph(graph, total)
    assert [node.shape for node in graph.nodes] == [(1, 3), (1, 3), ()]
    assert {node.dtype for node in graph.nodes} == {torch.float64}


def test_diamond():
    x = leaf(2.0)
    u = 3 * x
    v, w = u + 1, u**2
    out = v * w
    graph = show_graph(out)
    assert_is_engine_graph(graph, out)
    assert {"x", "u", "v", "w", "out"} == names_of(graph)


def test_parallel_edges_stay_two():
    x = leaf(3.0)
    square = x * x
    graph = show_graph(square)
    assert_is_engine_graph(graph, square)
    assert [(edge.source, edge.target, edge.input_nr) for edge in graph.edges] == [
        (0, 1, 0), (0, 1, 1)]  # fmt: skip


def test_doubling_eighteen_deep_visits_nineteen_nodes():
    x = leaf(1.0)
    total = x
    for _ in range(18):
        total = total + total
    graph = show_graph(total)
    assert_is_engine_graph(graph, total)
    assert (len(graph.nodes), len(graph.edges)) == (19, 36)


def test_module_passed_names_its_parameters():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    loss = net(torch.ones(5, 3)).pow(2).mean()
    graph = show_graph(loss, net)
    assert_is_engine_graph(graph, loss)
    leaves = {node.name: node.shape for node in graph.nodes if node.is_leaf}
    assert leaves == {name: tuple(p.shape) for name, p in net.named_parameters()}


def test_module_among_the_callers_variables_names_its_parameters():
    net = nn.Linear(2, 1)
    graph = show_graph(net(torch.ones(2)))
    assert {"net.weight", "net.bias"} <= names_of(graph)


def test_module_by_name_gives_the_prefix():
    layers = nn.Linear(2, 1)
    assert {"head.weight", "head.bias"} <= names_of(show_graph(layers(torch.ones(2)), head=layers))


def test_explicit_name_wins_over_the_variable_and_only_names_what_is_used():
    x = leaf(2.0)
    y = x + 1
    z = y * 2
    graph = show_graph(z, slope=x, middle=y)
    assert [node.name for node in graph.nodes] == ["slope", "middle", "z"]
    assert [out.name for out in graph.outputs] == ["z"]


def test_named_tensors_alone_are_outputs_and_unused_ones_too():
    x = leaf(2.0)
    first, second = x + 1, x * 2
    graph = show_graph(a=first, b=second)
    assert_is_engine_graph(graph, first, second)
    assert [out.name for out in graph.outputs] == ["a", "b"]
    assert [out.name for out in show_graph(first, b=second).outputs] == ["first", "b"]


def test_locals_come_before_globals_and_a_rebound_name_is_not_used():
    x = leaf(1.0)
    first = x + 1
    kept = first
    first = x * 5
    graph = show_graph(kept * 2)
    assert "kept" in names_of(graph)
    assert "first" not in names_of(graph)
    assert first.item() == 5.0


def test_names_inside_containers():
    params = [leaf(1.0), leaf(2.0)]
    table = {"w": leaf(3.0)}
    graph = show_graph(params[0] * params[1] + table["w"])
    assert {"params[0]", "params[1]", "table['w']"} <= names_of(graph)


Pair = namedtuple("Pair", "first second")


@dataclasses.dataclass
class Out:
    loss: torch.Tensor
    extra: object = None


@pytest.mark.parametrize("wrap", [
    lambda a, b: [a, b], lambda a, b: (a, (b, None)), lambda a, b: {"a": a, "b": [b, "text", 3]},
    lambda a, b: Pair(a, b), lambda a, b: Out(a, {"b": b}),
], ids=["list", "nested tuple", "dict", "namedtuple", "dataclass"])  # fmt: skip
def test_nested_outputs(wrap):
    x = leaf(2.0)
    a, b = x + 1, x * 2
    graph = show_graph(wrap(a, b))
    assert_is_engine_graph(graph, a, b)


def test_containers_of_outputs_give_named_paths():
    x = leaf(2.0)
    graph = show_graph(out=Out(x + 1, [x * 2]))
    assert [output.name for output in graph.outputs] == ["out.loss", "out.extra[0]"]


def test_a_list_that_holds_itself_ends():
    x = leaf(2.0)
    loop = [x * 2]
    loop.append(loop)
    assert len(show_graph(loop).outputs) == 1


def test_the_same_output_twice_is_one_output():
    x = leaf(2.0)
    y = x * 2
    assert len(show_graph(y, [y], again=y).outputs) == 1


def test_tensor_without_graph_is_drawn_alone():
    c = torch.tensor([4.0, 5.0])
    graph = show_graph(c)
    (node,) = graph.nodes
    assert (node.grad_fn, node.name, node.shape, node.requires_grad) == (None, "c", (2,), False)
    assert graph.edges == ()
    assert "requires_grad=False" in graph.to_svg() and "requires_grad=False" in graph.to_text()


def test_tracked_leaf_alone():
    w = leaf(4.0)
    graph = show_graph(w)
    assert_is_engine_graph(graph, w)
    assert (graph.nodes[0].grad_fn, graph.nodes[0].name) == ("AccumulateGrad", "w")
    with torch.inference_mode():
        (node,) = show_graph(w).nodes
    assert (node.requires_grad, node.name) == (True, "w")


def test_graph_and_lone_tensor_together():
    x, c = leaf(1.0), torch.tensor(2)
    y = x + 1
    graph = show_graph(y, c, c)
    assert_is_engine_graph(graph, y)
    assert [node.name for node in graph.nodes] == ["x", "y", "c"]
    assert [output.name for output in graph.outputs] == ["y", "c"]


def test_each_output_keeps_its_own_shape():
    matrix = torch.ones(4, 3, requires_grad=True)
    _, singular, _ = torch.linalg.svd(matrix, full_matrices=False)
    graph = show_graph(singular.sum())
    (node,) = [node for node in graph.nodes if "Svd" in node.grad_fn]
    assert (node.name, node.shape) == ("singular", (3,))
    assert node.shapes == ((4, 3), (3,), (3, 3))
    assert node.names == (None, "singular", None)
    assert "makes singular = (3,)" in graph.to_text() and "singular = (3,)" in graph.to_svg()
    head, tail = leaf([1.0, 2.0, 3.0, 4.0]).split([1, 3])
    text = show_graph(head + tail).to_text()
    assert "makes head = (1,), tail = (3,)" in text
    assert "from split_with_sizes #1 output 0, split_with_sizes #1 output 1" in text


def test_values_are_read_only_where_they_are_few(monkeypatch):
    monkeypatch.setattr("lecture_helpers.graph.MOST_VALUES", 1)
    x = leaf(2.0)
    y = x * 3
    assert show_graph(y).nodes[0].value == 2.0
    z = y * 3
    graph = show_graph(z)
    assert [node.value for node in graph.nodes] == [None, None, None]
    assert graph.outputs[0].value == 18.0


def test_inside_a_transform_there_are_no_values_to_read():
    seen = []

    def function(x):
        seen.append((show_graph(x * 2), grad_table(x)))
        return x * 2

    torch.func.vmap(function)(torch.ones(3))
    ((graph, table),) = seen
    assert [node.value for node in graph.nodes] == [None]
    assert table.rows[0].value is ...


def test_a_leaf_asked_for_beside_its_graph_is_drawn_once():
    parts = [torch.ones(2), torch.ones(3)]
    nested = torch.nested.nested_tensor(parts, layout=torch.jagged, requires_grad=True)
    total = (nested * 2).values().sum()
    graph = show_graph(total, nested)
    assert [node.name for node in graph.nodes if node.is_leaf] == ["nested"]


def test_a_leaf_switched_off_later_is_still_the_graphs_leaf():
    w = leaf(2.0)
    y = w * 3
    w.requires_grad_(False)
    graph = show_graph(y)
    assert (graph.nodes[0].grad_fn, graph.nodes[0].requires_grad) == ("AccumulateGrad", False)
    assert "requires_grad=False" not in graph.to_svg().split("</desc>")[1]


@pytest.mark.parametrize("given, said", [
    (None, "given None"), (3.0, "given float"), ("z", "given str"), ([], "given list"),
    ({"a": 1}, "given dict"), (torch.tensor(1.0, requires_grad=True).exp().grad_fn, "given a node"),
])  # fmt: skip
def test_bad_input_is_one_clear_sentence(given, said):
    with pytest.raises(TypeError, match=said) as caught:
        show_graph(given)
    assert "pass" in str(caught.value) and "\n" not in str(caught.value)


def test_no_input_is_one_clear_sentence():
    for nothing in ((), (nn.Linear(1, 1),)):
        with pytest.raises(TypeError, match="no tensor; pass the tensor"):
            show_graph(*nothing)


@pytest.mark.parametrize("on", [True, False])
def test_the_garbage_collector_is_as_it_was_also_after_an_error(on):
    x = leaf(1.0)
    try:
        gc.enable() if on else gc.disable()
        show_graph(x * 2)
        assert gc.isenabled() == on
        with pytest.raises(TypeError):
            show_graph(3)
        assert gc.isenabled() == on
    finally:
        gc.enable()


def test_leaves_stand_in_the_order_of_their_use():
    p, q = leaf(1.0), leaf(2.0)
    assert [node.name for node in show_graph(p * q).nodes][:2] == ["p", "q"]
    assert [node.name for node in show_graph(q * p).nodes][:2] == ["q", "p"]


def test_a_view_read_after_its_base_changed_stands_before_what_uses_it():
    base = leaf([1.0, 2.0, 3.0]) * 2
    view = base[:2]
    base.mul_(3)
    result = view.sum() + view.prod()
    graph = show_graph(result)
    assert_is_engine_graph(graph, result)
    assert all(edge.source < edge.target for edge in graph.edges)


def test_in_a_large_graph_the_first_outputs_alone_are_read(monkeypatch):
    monkeypatch.setattr("lecture_helpers.graph.MOST_VALUES", 1)
    x = leaf(1.0)
    values = [output.value for output in show_graph([x * n for n in range(20)]).outputs]
    assert values == [*map(float, range(16)), None, None, None, None]
