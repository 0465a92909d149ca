"""What show_graph(..., saved=True) tells of the tensors that nodes keep."""

import warnings

import pytest
import torch
from sound import leaf, the, words_of
from torch import nn
from torch.utils.checkpoint import checkpoint

from lecture_helpers import show_graph


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
    assert [one.tensor for one in the(graph, "ExpBackward0").saved] == ["k"]
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
    """Lecture 3.3: 147,456 bytes, 131,072 with a detached input."""
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
    assert [one.state for one in the(graph, "ExpBackward0").saved] == ["packed"]
    assert "1 packed by a hook or checkpoint, not weighed" in str(graph)
    assert calls == []

    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.double(), calls.append):
        y = x.exp().sum()
    (saved,) = the(show_graph(y, saved=True), "ExpBackward0").saved
    assert (saved.state, saved.dtype, saved.nbytes) == ("packed", torch.float64, 16)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: None, calls.append):
        y = x.exp().sum()
    assert [one.state for one in the(show_graph(y, saved=True), "ExpBackward0").saved] == ["packed"]
    assert calls == []

    def part(x):
        calls.append("ran")
        return x.sin().exp()

    out = checkpoint(part, x, use_reentrant=False).sum()
    assert calls == ["ran"]
    states = [one.state for node in show_graph(out, saved=True).nodes for one in node.saved]
    assert states == ["packed", "packed"] and calls == ["ran"]


def test_a_packed_index_beside_an_empty_place_is_not_unpacked():
    x = leaf([1.0, 2.0], [3.0, 4.0])
    calls = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: [t], calls.append):
        y = x[:, [0, 1]]
    (saved,) = the(show_graph(y, saved=True), "IndexBackward0").saved
    assert (saved.name, saved.state, calls) == ("indices[1]", "packed", [])


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
    sparse = torch.tensor([1.0, 0.0, 1.0]).to_sparse().requires_grad_()
    graph = show_graph(sparse * sparse, saved=True)
    assert "saves self (sparse) 24 bytes" in str(graph)
    assert graph.saved_bytes == 2 * 8 + 2 * 4  # two places and two values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls this layout beta, once per process
        rows = torch.eye(2).to_sparse_csr().requires_grad_()
    assert "kept for backward: nothing; 2 of unknown size" in str(
        show_graph(rows * rows, saved=True)
    )


def test_the_memory_of_a_sparse_tensor_and_of_its_values_is_counted_once():
    values = leaf(1.0, 2.0) * 1
    at = torch.tensor([[0, 2]])
    with torch.sparse.check_sparse_tensor_invariants():  # torch 2.11 warns for an argument
        sparse = torch.sparse_coo_tensor(at, values, (3,), is_coalesced=True)
    y = torch.sparse.sum(sparse * sparse) + (values * values).sum()
    kept = {}
    for node in show_graph(y, saved=True).nodes:
        kept.update(dict(piece for one in node.saved for piece in one.memory))
    assert show_graph(y, saved=True).saved_bytes == sum(kept.values()) >= 2 * 8 + 2 * 4


def test_more_saved_tensors_than_are_listed_are_counted():
    layer, x = nn.BatchNorm1d(2), torch.ones(3, 2, requires_grad=True)
    graph = show_graph(layer(x * 1), saved=True)
    node = the(graph, "NativeBatchNormBackward0")
    assert f"saves {len(node.saved) - 4} more" in words_of(graph) and len(node.saved) > 5


def test_nested_tensors_are_shown_with_what_they_tell():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls nested tensors a prototype
        nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], requires_grad=True)
        graph = show_graph(nested * nested, saved=True)
    assert [one.shape for one in graph.nodes[1].saved] == [None, None]
