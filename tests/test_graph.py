"""show_graph against the engine's own graph."""

import dataclasses
import gc
import subprocess
import sys
import weakref
from collections import namedtuple

import pytest
import torch
from oracle import assert_is_engine_graph, engine_nodes
from torch import nn

from lecture_helpers import show_graph
from lecture_helpers.walk import SMALL_STACK_LEVELS, safe_depth, walk


def leaf(*values):
    data = values[0] if len(values) == 1 else list(values)
    return torch.tensor(data, requires_grad=True)


def names_of(graph):
    return {node.name for node in graph.nodes if node.name}


def labels(graph):
    return [node.grad_fn for node in graph.nodes]


class TwoOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y, None)
        return x * y, x + y

    @staticmethod
    def backward(ctx, g, h):
        x, y, _ = ctx.saved_tensors
        return g * y + h, g * x + h


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


def test_several_outputs_of_one_node():
    x = leaf([1.0, 2.0, 3.0])
    first, _, third = x.unbind()
    product = first * third
    graph = show_graph(product, third)
    assert_is_engine_graph(graph, product, third)
    (unbind,) = [node for node in graph.nodes if node.grad_fn == "UnbindBackward0"]
    assert unbind.name == "first, third"
    assert unbind.shapes == ((), (), ())


def test_custom_function_with_two_outputs_that_saves_none():
    x, y = leaf(2.0), leaf(3.0)
    product, total = TwoOut.apply(x, y)
    result = product * total
    graph = show_graph(result)
    assert_is_engine_graph(graph, result)
    (node,) = [node for node in graph.nodes if node.grad_fn == "TwoOutBackward"]
    assert node.name == "product, total"
    assert "TwoOut" in graph.to_svg()


def test_graph_after_backward_is_the_same_graph():
    x = leaf(2.0)
    y = TwoOut.apply(torch.sin(x), x)[0] ** 2
    before = show_graph(y)
    y.backward()
    assert show_graph(y) == before
    assert_is_engine_graph(show_graph(y), y)


def test_view_read_after_its_base_changed_in_place():
    x = leaf([1.0, 2.0, 3.0])
    base = x * 2
    view = base[:2]
    base.mul_(3)
    result = view.sum()
    assert_is_engine_graph(show_graph(result), result)


def test_nothing_is_changed_and_nothing_kept_alive():
    x = leaf([1.0, 2.0])
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


def test_values_of_meta_tensors_are_not_read():
    x = torch.ones((), device="meta", requires_grad=True)
    y = x * 2
    graph = show_graph(y)
    assert_is_engine_graph(graph, y)
    assert [node.value for node in graph.nodes] == [None, None]


def longest_path(walked):
    """Levels of the part that was read, counted by its longest path."""
    level = {}
    for node, inputs in zip(walked.nodes, walked.inputs):  # forward order: sources first
        sources = [level[source] for source, _ in inputs or () if source is not None]
        level[node] = 1 + max(sources, default=0)
    return max(level.values())


def residual(x, blocks):
    for _ in range(blocks):
        x = x + torch.sin(x)
    return x


def every_step_feeds_the_loss(x, steps):
    loss = h = x
    for _ in range(steps):
        h = torch.tanh(h)
        loss = loss + h
    return loss


@pytest.mark.parametrize("program", [residual, every_step_feeds_the_loss])
def test_walk_stops_at_the_longest_path_not_the_shortest(program):
    y = program(leaf(1.0), 100)
    walked = walk([y.grad_fn], depth=30)
    assert walked.cut
    assert 30 <= longest_path(walked) <= 32
    assert not walk([y.grad_fn], depth=1000).cut


def test_walk_bounds_the_nodes_once_the_order_is_broken():
    x = leaf([1.0, 2.0, 3.0])
    base = x * 2
    view = base[:2]
    for _ in range(40):
        base.mul_(1.5)
    result = view.sum()
    for _ in range(3):
        result = result * 2
    whole, cut = walk([result.grad_fn]), walk([result.grad_fn], depth=10)
    assert not whole.cut and len(whole.nodes) == len(engine_nodes(result))
    assert cut.cut and longest_path(cut) <= 20


def test_safe_depth_is_small_in_a_thread():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(safe_depth).result() == SMALL_STACK_LEVELS
    assert safe_depth() >= SMALL_STACK_LEVELS


DEEP = """
import torch
from lecture_helpers import show_graph
x = torch.ones((), requires_grad=True)
y = x
for _ in range({levels}):
    y = y + 1
graph = show_graph(y)
print(len(graph.nodes), len(graph.cut), len(str(graph)) < 20000, len(graph.to_svg()) < 100000)
print(str(graph).splitlines()[-1])
del y
print("alive")
"""


@pytest.mark.parametrize("levels, whole", [(8_000, True), (60_000, False)])
def test_deep_chain_is_drawn_whole_or_cut_and_the_interpreter_lives(levels, whole):
    if safe_depth() < 8_001:
        pytest.skip("needs the 8 MiB main thread of Linux or macOS")
    done = subprocess.run([sys.executable, "-c", DEEP.format(levels=levels)], capture_output=True,
                          text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts, last, alive = done.stdout.splitlines()
    if whole:
        assert counts == f"{levels + 1} 0 True True"
    else:
        assert counts == f"{safe_depth() + 1} 1 True True"
        assert "deeper than Python can walk safely" in last
    assert alive == "alive"
