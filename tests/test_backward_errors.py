"""What record_backward refuses, in which words, and that nothing has run then."""

import re

import pytest
import torch
from sound import leaf
from torch.utils.checkpoint import checkpoint

from lecture_helpers import record_backward

NAME = "record_backward was given "


def refused(error, sentence, output, *arguments, leaves=(), **options):
    """Assert that a call is refused in these words, that no hook ran and no ``.grad`` changed."""
    ran = []
    handles = [
        tensor.grad_fn.register_hook(lambda *_: ran.append(1))
        for tensor in (output,)
        if isinstance(tensor, torch.Tensor) and tensor.grad_fn is not None
    ]
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        record_backward(output, *arguments, **options)
    assert ran == [] and all(one.grad is None for one in leaves)
    for handle in handles:
        handle.remove()


OPTIONS = ["retain_graph", "create_graph", "accumulate", "whole"]


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("value, kind", [(1, "int"), ("yes", "str"), (torch.ones(()), "Tensor")])
def test_an_option_that_is_no_option(name, value, kind):
    x = leaf(2.0)
    sentence = f"{NAME}{name}={kind}; {name} takes True or False"
    refused(TypeError, sentence, x * 2, leaves=[x], **{name: value})


@pytest.mark.parametrize("name", ["create_graph", "accumulate", "whole"])
def test_none_stands_for_retain_graph_alone(name):
    refused(
        TypeError, f"{NAME}{name}=NoneType; {name} takes True or False", leaf(2.0), **{name: None}
    )
    assert len(record_backward(leaf(2.0) * 2, retain_graph=None).steps) == 2


@pytest.mark.parametrize("thing, kind", [
    (None, "NoneType"), (3.0, "float"), ([torch.ones(1)], "list"),
    ((leaf(2.0) * 2).grad_fn, "MulBackward0"),
], ids=["None", "float", "list", "node"])  # fmt: skip
def test_an_output_that_is_no_tensor(thing, kind):
    sentence = (
        f"{NAME}{kind}; pass the tensor whose backward is to run, such as record_backward(loss)"
    )
    refused(TypeError, sentence, thing)


def test_an_output_without_a_graph():
    sentence = (
        f"{NAME}a tensor without a graph (requires_grad is False), so there is no backward to run; "
        f"pass one that was computed from a tensor that requires grad"
    )
    refused(ValueError, sentence, torch.ones(()))
    refused(ValueError, sentence, (leaf(2.0) * 2).detach())


def test_several_elements_and_no_gradient():
    x = leaf(1.0, 2.0)
    sentence = (
        f"{NAME}an output of shape (2,) and no gradient; pass gradient=, a tensor of that shape, "
        f"or an output of one element"
    )
    refused(ValueError, sentence, x * 2, leaves=[x])
    empty = torch.ones(0, 3, requires_grad=True)
    refused(ValueError, sentence.replace("(2,)", "(0, 3)"), empty * 2, leaves=[empty])


@pytest.mark.parametrize("gradient, kind", [(1.0, "float"), ([1.0, 1.0], "list")])
def test_a_gradient_that_is_no_tensor(gradient, kind):
    x = leaf(1.0, 2.0)
    sentence = f"{NAME}gradient={kind}; pass a tensor of the shape of the output, or None"
    refused(TypeError, sentence, x * 2, gradient, leaves=[x])


def test_a_gradient_of_another_shape():
    x = leaf(1.0, 2.0)
    sentence = (
        f"{NAME}a gradient of shape (1, 2) for an output of shape (2,); the two must be the same"
    )
    refused(ValueError, sentence, x * 2, torch.ones(1, 2), leaves=[x])


def test_a_graph_that_had_to_be_cut(monkeypatch):
    for module in ("walk", "asked"):
        monkeypatch.setattr(f"lecture_helpers.{module}.safe_depth", lambda: 20)
    x = leaf(2.0)
    deep = x
    for _ in range(21):
        deep = deep * 1.0
    sentence = (
        f"{NAME}the end of a graph that goes deeper than Python can follow safely on this thread "
        f"(20 levels); nothing has run, so call .backward() itself or pass an earlier tensor"
    )
    for accumulate in (True, False):
        refused(ValueError, sentence, deep, leaves=[x], accumulate=accumulate)
    deep.backward()
    assert x.grad.item() == 1.0


def test_a_graph_as_deep_as_can_be(monkeypatch):
    monkeypatch.setattr("lecture_helpers.walk.safe_depth", lambda: 20)
    x = leaf(2.0)
    deep = x
    for _ in range(20):
        deep = deep * 1.0
    assert len(record_backward(deep).steps) == 21 and x.grad.item() == 1.0


def test_a_reentrant_checkpoint_without_accumulation():
    runs = []

    def block(a):
        runs.append(1)
        return a.exp()

    x = leaf(2.0)
    sentence = (
        f"{NAME}accumulate=False for a graph with a reentrant checkpoint, which runs a backward of "
        f"its own and fills .grad; use checkpoint(..., use_reentrant=False), or leave "
        f"accumulate=True"
    )
    result = checkpoint(block, x, use_reentrant=True)
    refused(ValueError, sentence, result, leaves=[x], accumulate=False)
    assert runs == [1]
    record_backward(result)
    assert runs == [1, 1] and x.grad.item() == pytest.approx(torch.tensor(2.0).exp().item())


def test_a_name_that_names_no_tensor():
    x = leaf(2.0)
    sentence = (
        f"{NAME}int, which holds no tensor; pass a torch tensor, or a list, tuple, dict or "
        f"dataclass of tensors"
    )
    refused(TypeError, sentence, x * 2, leaves=[x], other=3)


def test_gradient_is_asked_for_what_is_no_tensor():
    record = record_backward(leaf(2.0) * 2)
    sentence = "gradient was given str; pass a tensor of the recorded graph"
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        record.gradient("x")


def strangers():
    x = leaf(2.0)
    late = x * 2
    record = record_backward(late * 3)
    view = late.view(1)
    after = x * 2
    late.add_(1)
    return record, {
        "another leaf": leaf(2.0),
        "made after": after,
        "changed in place since": late,
        "a view whose base changed": view,
    }


@pytest.mark.parametrize("name", list(strangers()[1]))
def test_gradient_is_asked_for_a_tensor_of_another_graph(name):
    record, others = strangers()
    sentence = (
        "gradient was given a tensor that is not part of the recorded graph; pass a leaf or an "
        "intermediate that led to the output of this backward"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        record.gradient(others[name])


def test_what_torch_itself_refuses_is_said_by_torch():
    x = torch.tensor(2 + 1j, requires_grad=True)
    with pytest.raises(RuntimeError, match="implicitly created only for real scalar outputs"):
        record_backward(x * 2)
    h = leaf(1.0, 2.0).exp()
    total = h.sum()
    h.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        record_backward(total)


def test_a_new_leaf_where_a_dead_one_stood_in_memory():
    x, other = leaf(2.0), leaf(3.0)
    record = record_backward(x * 2)
    record._leaves[id(other)] = record._leaves.pop(id(x))  # as where Python gives an id again
    with pytest.raises(ValueError, match="not part of the recorded graph"):
        record.gradient(other)
