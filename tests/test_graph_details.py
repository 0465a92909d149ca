"""What show_graph tells beyond nodes and edges: saved tensors, views, hooks, devices, .grad."""

import warnings
import xml.etree.ElementTree as ET

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from lecture_helpers import show_graph
from lecture_helpers.nodes import VIEWS


def leaf(*values):
    data = values[0] if len(values) == 1 else list(values)
    return torch.tensor(data, requires_grad=True)


def node_of(graph, grad_fn):
    (found,) = [node for node in graph.nodes if node.grad_fn == grad_fn]
    return found


def words_of(graph):
    return [text.text for text in ET.fromstring(graph.to_svg()).iter() if "text" in text.tag]


def saved_by_torch(node):
    """The tensors that a node saved, by torch's own public-looking attributes."""
    values = {name: getattr(node, name) for name in dir(node) if name.startswith("_saved_")}
    return {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}


def test_saved_tensors_are_those_of_torch_with_their_bytes_and_names():
    w = leaf(1.0, 2.0, 3.0)
    h = w * w
    k = h.exp()
    loss = (k * h).sum()
    graph = show_graph(loss, saved=True)
    for tensor in (h, k, k * h):
        node = next(node for node in graph.nodes if node.grad_fn == type(tensor.grad_fn).__name__)
        expected = saved_by_torch(tensor.grad_fn)
        assert {f"_saved_{one.name}" for one in node.saved} == set(expected)
        assert all(one.nbytes == 12 and one.shape == (3,) for one in node.saved)
    assert [one.tensor for one in node_of(graph, "ExpBackward0").saved] == ["k"]
    first, last = [node for node in graph.nodes if node.grad_fn == "MulBackward0"]
    assert [(one.name, one.tensor) for one in first.saved] == [("self", "w"), ("other", "w")]
    assert [(one.name, one.tensor) for one in last.saved] == [("self", "k"), ("other", "h")]
    assert graph.saved_bytes == 3 * 12  # w, h and k, each once
    assert "kept for backward: 36 bytes in 3 pieces of memory" in words_of(graph)
    assert "saves self (k) 12 bytes" in words_of(graph)


def test_saved_bytes_are_those_of_whole_memories():
    big = leaf(*map(float, range(1000)))
    base = big * 2
    row = base[10:12]
    graph = show_graph((row * row).sum(), saved=True)
    factor = base.grad_fn._saved_other  # the 2, as a tensor of its own
    weights = [tensor.untyped_storage().nbytes() for tensor in (base, factor)]
    assert graph.saved_bytes == sum(weights) == 4008
    expanded = leaf(3.0).expand(500)
    assert show_graph((expanded * expanded).sum(), saved=True).saved_bytes == 4


def test_a_linear_layer_keeps_its_weight_and_input():
    """CURRICULUM 3.3: 147,456 bytes, 131,072 with a detached input."""
    layer = nn.Linear(64, 64)
    x = torch.ones(256, 64, requires_grad=True)
    assert show_graph(layer(x).pow(2).mean(), saved=True).saved_bytes == 147_456
    assert show_graph(layer(x.detach()).pow(2).mean(), saved=True).saved_bytes == 131_072


def test_without_the_option_nothing_is_read_and_nothing_said():
    x = leaf(2.0)
    y = x.exp()
    graph = show_graph(y)
    assert graph.saved_bytes == 0 and all(node.saved == () for node in graph.nodes)
    assert "saves" not in str(graph) and "kept" not in str(graph)


def test_after_backward_the_saved_tensors_are_freed():
    x = leaf(2.0)
    y = (x.exp() + 1) * x
    y.backward()
    graph = show_graph(y, saved=True)
    states = [one.state for node in graph.nodes for one in node.saved]
    assert states == ["freed"] * 3 and graph.saved_bytes == 0
    assert str(graph).endswith("kept for backward: nothing; backward has freed what was saved")


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x, None)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        x, _ = ctx.saved_tensors
        return 3 * x**2 * grad


def test_a_custom_function_tells_what_it_saved_until_it_is_freed():
    x = leaf(2.0)
    y = Cube.apply(x)
    assert [one[:3] for one in show_graph(y, saved=True).nodes[1].saved] == [
        ("tensors[0]", "x", ())
    ]
    y.backward()
    assert [one.state for one in show_graph(y, saved=True).nodes[1].saved] == ["freed"]
    assert x.grad.item() == 12


def test_what_a_hook_or_a_checkpoint_packed_is_said_and_not_unpacked():
    x = leaf(1.0, 2.0)
    calls = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), calls.append):
        y = x.exp().sum()
    graph = show_graph(y, saved=True)
    assert [one.state for one in node_of(graph, "ExpBackward0").saved] == ["packed"]
    assert "1 packed by a hook or checkpoint, not weighed" in str(graph)
    assert calls == []

    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.double(), calls.append):
        y = x.exp().sum()
    (saved,) = node_of(show_graph(y, saved=True), "ExpBackward0").saved
    assert (saved.state, saved.dtype, saved.nbytes) == ("packed", torch.float64, 16)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: None, calls.append):
        y = x.exp().sum()
    assert [one.state for one in node_of(show_graph(y, saved=True), "ExpBackward0").saved] == [
        "packed"
    ]
    assert calls == []

    def part(x):
        calls.append("ran")
        return x.sin().exp()

    out = checkpoint(part, x, use_reentrant=False).sum()
    assert calls == ["ran"]
    states = [one.state for node in show_graph(out, saved=True).nodes for one in node.saved]
    assert states == ["packed", "packed"] and calls == ["ran"]


def test_reading_saved_tensors_leaves_the_in_place_check_on():
    x = leaf(1.0)
    y = x.exp()
    show_graph(y, saved=True)
    y.add_(1)
    show_graph(y, saved=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_meta_and_sparse_tensors_are_weighed_or_said_to_be_of_unknown_size():
    meta = torch.ones(10, device="meta", requires_grad=True)
    graph = show_graph((meta * meta).sum(), saved=True)
    assert graph.saved_bytes == 40
    indices = torch.tensor([[0, 2]])
    sparse = torch.sparse_coo_tensor(
        indices, torch.ones(2), (3,), check_invariants=True
    ).requires_grad_()
    graph = show_graph(sparse * sparse, saved=True)
    assert "saves self (sparse) 24 bytes" in str(graph)
    assert graph.saved_bytes == 2 * 8 + 2 * 4  # two places and two values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls this layout beta, once per process
        rows = torch.eye(2).to_sparse_csr().requires_grad_()
    assert "kept for backward: nothing; 2 of unknown size" in str(
        show_graph(rows * rows, saved=True)
    )


def test_grad_of_leaves_on_request_and_none_is_not_zero():
    w, b, c = leaf(1.0, 2.0), leaf(3.0), leaf(4.0)
    loss = (w * 2).sum() + b * 0
    loss.backward()
    loss = loss + c
    graph = show_graph(loss, grad=True)
    grads = {node.name: node.grad for node in graph.nodes if node.is_leaf}
    assert grads == {"w": [2.0, 2.0], "b": 0.0, "c": None}
    assert {"grad [2.0, 2.0]", "grad 0.0", "grad None"} <= set(words_of(graph))
    assert not any(words.startswith("grad") for words in words_of(show_graph(loss)))


def test_devices_other_than_the_courses_are_marked():
    x = torch.ones(2, device="meta", requires_grad=True)
    graph = show_graph((x * 2).sum())
    assert {node.device.type for node in graph.nodes} == {"meta"}
    assert words_of(graph).count("on meta") == 3
    assert "on " not in str(show_graph(leaf(1.0) * 2))


def test_views_name_the_tensor_whose_memory_they_share():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    base = x * 2
    row, column = base[0], base.t()[1]
    graph = show_graph(row.sum() + column.sum())
    views = {node.name: node.view_of for node in graph.nodes if node.view_of is not None}
    assert views == {"row": "base", "column": "base", None: ""}
    assert base._is_view() is False and row._base is base
    assert {"view of base", "a view"} <= set(words_of(graph))


def view_results():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    return [
        x.t(), x.T, x.transpose(0, 1), x.permute(1, 0), x.view(4), x.reshape(4), x[0], x[:, 1:],
        x.expand(3, 2, 2), x.unsqueeze(0), x.unsqueeze(0).squeeze(0), x.unsqueeze(0).squeeze(),
        x.unsqueeze(0).squeeze((0,)), x.diagonal(), x.unfold(0, 2, 1), x.as_strided((2,), (1,)),
        x.unbind()[0], x.split(1)[0], x.split([1, 1])[0], x.chunk(2)[1], x.narrow(0, 0, 1),
        torch.view_as_real(torch.view_as_complex(x)), torch.view_as_complex(x), x.view_as(x),
        torch.view_as_complex(x).conj(), torch._neg_view(x),
        x.mT, x.swapaxes(0, 1), x.flatten(), x.select(0, 1), torch.ops.aten.alias(x),
    ]  # fmt: skip


def test_the_operations_known_as_views_give_views():
    met = set()
    for result in view_results():
        grad_fn = type(result.grad_fn).__name__
        assert result._is_view(), grad_fn
        assert grad_fn in VIEWS
        met.add(grad_fn)
    assert VIEWS - met <= {"ReshapeAliasBackward0", "SqueezeBackward0"}


def test_in_place_changes_are_marked_with_the_version():
    w = leaf(1.0, 2.0, 3.0)
    base = w * 2
    row = base[:2]
    row.mul_(3)
    y = w * 5
    y.add_(1).add_(1)
    graph = show_graph(base.sum() + y.sum())
    assert node_of(graph, "CopySlices").version == base._version == 1
    (changed,) = [node for node in graph.nodes if node.name == "y"]
    assert changed.version == y._version == 2
    assert "changed in place through a view, version 1" in words_of(graph)
    assert "memory changed in place, version 2" in words_of(graph)


def test_hooks_are_named_where_they_can_be_found_and_none_is_run():
    ran = []

    def double(grad):
        ran.append("double")
        return grad * 2

    def note(tensor):
        ran.append("note")

    w = leaf(1.0)
    h = w * 3
    h.register_hook(double)
    h.retain_grad()
    w.register_post_accumulate_grad_hook(note)
    y = h * 2
    graph = show_graph(y)
    hooks = {node.name: node.hooks for node in graph.nodes}
    assert hooks == {"w": ("note",), "h": ("double",), "y": ()}
    assert [node.name for node in graph.nodes if node.retains_grad] == ["h"]
    assert {"hook: double", "hook: note", "retains grad"} <= set(words_of(graph))
    assert ran == []
    y.backward()
    assert ran == ["double", "note"] and w.grad.item() == 12 and h.grad.item() == 4


def test_outputs_of_a_multi_output_node_are_numbered_where_their_arrows_leave():
    x = leaf(1.0, 2.0, 3.0)
    a, b, c = x.unbind()
    graph = show_graph(a * c, b)
    assert [edge.output_nr for edge in graph.edges if edge.source == 1] == [0, 2]
    words = words_of(graph)
    assert [words.count(number) for number in "0123"] == [1, 1, 1, 0]


def test_an_option_that_is_a_tensor_is_refused_with_the_way_out():
    x = leaf(1.0)
    with pytest.raises(TypeError, match="saved is an option and takes True or False"):
        show_graph(x * 2, saved=x)


def test_the_memory_of_a_sparse_tensor_and_of_its_values_is_counted_once():
    values = leaf(1.0, 2.0) * 1
    sparse = torch.sparse_coo_tensor(
        torch.tensor([[0, 2]]), values, (3,), check_invariants=True, is_coalesced=True
    )
    y = torch.sparse.sum(sparse * sparse) + (values * values).sum()
    kept = {}
    for node in show_graph(y, saved=True).nodes:
        kept.update(dict(piece for one in node.saved for piece in one.memory))
    assert show_graph(y, saved=True).saved_bytes == sum(kept.values()) >= 2 * 8 + 2 * 4


def test_of_several_held_outputs_each_one_is_asked():
    x = leaf([[3.0, 1.0], [2.0, 5.0]])
    first, second = (x * 1).split(1)
    second.retain_grad()
    graph = show_graph(first.sum() + second.sum())
    node = node_of(graph, "SplitBackward0")
    assert node.retains_grad and node.device == x.device
    assert graph.nodes[0].device == x.device
    u, s, vh = torch.linalg.svd(torch.ones(2, 2, dtype=torch.complex64, requires_grad=True))
    made = node_of(show_graph(s.sum()), "LinalgSvdBackward0")
    assert made.dtypes == (u.dtype, s.dtype, vh.dtype) and s.dtype == torch.float32
    assert "s = (2,)," in str(show_graph(s.sum())) and "u = (2, 2) complex64" in str(show_graph(u))


def test_more_saved_tensors_than_are_listed_are_counted():
    layer, x = nn.BatchNorm1d(2), torch.ones(3, 2, requires_grad=True)
    graph = show_graph(layer(x * 1), saved=True)
    node = node_of(graph, "NativeBatchNormBackward0")
    assert f"saves {len(node.saved) - 4} more" in words_of(graph) and len(node.saved) > 5


class Named:
    def __getattr__(self, name):
        return self

    def __call__(self, gradient):
        return None


def test_a_hook_without_a_proper_name_goes_by_its_class():
    x = leaf(1.0)
    x.register_hook(Named())
    assert show_graph(x * 2).nodes[0].hooks == ("Named",)


class Refusing(torch.Tensor):
    calls = 0

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        cls.calls += 1
        raise RuntimeError("not for you")


def test_the_torch_function_of_a_subclass_is_not_called():
    x = leaf(1.0, 2.0)
    special = x.detach().as_subclass(Refusing)
    with torch._C.DisableTorchFunctionSubclass():
        special.requires_grad_()
        y = special * 2
    Refusing.calls = 0
    assert show_graph(y).nodes[0].shape == (2,)
    assert Refusing.calls == 0


def test_nested_tensors_are_shown_with_what_they_tell():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls nested tensors a prototype
        nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], requires_grad=True)
        graph = show_graph(nested * nested, saved=True)
    assert [one.shape for one in graph.nodes[1].saved] == [None, None]
