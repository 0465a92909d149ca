"""What show_graph tells beyond nodes and edges: saved tensors, views, hooks, devices, .grad."""

import pytest
import torch
from sound import leaf, the, words_of

from lecture_helpers import device, show_graph
from lecture_helpers.nodes import VIEWS


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
    assert "on " not in str(show_graph(torch.ones(2, device=device, requires_grad=True) * 2))


def test_views_name_the_tensor_whose_memory_they_share():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    base = x * 2
    row, column = base[0], base.t()[1]
    graph = show_graph(row.sum() + column.sum())
    views = {node.name: node.view_of for node in graph.nodes if node.view_of is not None}
    assert views == {"row": "base", "column": "base", None: "base"}
    assert base._is_view() is False and row._base is base
    assert words_of(graph).count("view of base") == 3
    assert words_of(show_graph(base.t().unsqueeze(0).sum())).count("view of base") == 2
    assert "a view" in words_of(show_graph((x * 2)[0].sum()))


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
    assert the(graph, "CopySlices").version == base._version == 1
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


def test_of_several_held_outputs_each_one_is_asked():
    x = leaf([[3.0, 1.0], [2.0, 5.0]])
    first, second = (x * 1).split(1)
    second.retain_grad()
    graph = show_graph(first.sum() + second.sum())
    node = the(graph, "SplitBackward0")
    assert node.retains_grad and node.device == x.device
    assert graph.nodes[0].device == x.device
    u, s, vh = torch.linalg.svd(torch.ones(2, 2, dtype=torch.complex64, requires_grad=True))
    made = the(show_graph(s.sum()), "LinalgSvdBackward0")
    assert made.dtypes == (u.dtype, s.dtype, vh.dtype) and s.dtype == torch.float32
    assert "s = (2,)," in str(show_graph(s.sum())) and "u = (2, 2) complex64" in str(show_graph(u))


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
