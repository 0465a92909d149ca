"""Which saved values were overwritten: the versions, who made them, who changed them.

Torch is the judge: backward must raise exactly where something is marked, and with its numbers.
"""

import re
from typing import NamedTuple

import pytest
import torch
from overwriting import Cube, judged
from sound import leaf
from torch import nn

from lecture_helpers import show_graph

# Without ``unpack`` (torch 2.12 and newer) nothing tells an output that a custom Function saved.
TELLS_OUTPUTS = hasattr(torch._C._autograd.SavedTensor, "unpack")


def raises_now():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x[0] = 9
    return x


def test_eleven_in_place_changes_are_sorted_as_in_the_lecture():
    x = raises_now()
    for function in (torch.exp, torch.sigmoid, torch.sqrt, torch.relu, torch.tanh):
        y = function(x)
        y.add_(1)
        loss = y.sum()
        graph = judged(loss, show_graph(loss, saved=True))
        (one,) = graph.overwritten
        saver = graph.nodes[one.node]
        assert saver.grad_fn.lower().startswith(function.__name__)
        assert (one.saved, one.tensor, one.version, one.now) == ("result", "y", 0, 1)
        assert one.maker == one.node and one.changed_by == "AddBackward0"
        assert graph.nodes[one.changer].grad_fn == "AddBackward0"
    z = x * 2
    y = z**2
    z.add_(1)
    loss = y.sum()
    (one,) = judged(loss, show_graph(loss, saved=True)).overwritten
    assert (one.saved, one.tensor, one.version, one.now) == ("self", "z", 0, 1)
    assert (one.changer, one.changed_by) == (None, "AddBackward0")  # its node leads elsewhere
    for function in (lambda x: 2 * x, lambda x: x**2, torch.sin):
        y = function(x)
        y.add_(1)
        loss = y.sum()
        assert judged(loss, show_graph(loss, saved=True)).overwritten == ()


class Case(NamedTuple):
    """A program that returns its loss and graph, and what is marked there: (class of node,
    saved as, name, version, now, made by, changed by)."""

    program: object
    marked: tuple


def no_grad():
    x = leaf(2.0, 3.0)
    loss = (x**2).sum()
    with torch.no_grad():
        x.add_(1)
    return loss, show_graph(loss, saved=True)


def detached():
    x = leaf(2.0, 3.0)
    loss = (x**2).sum()
    x.detach().add_(1)
    return loss, show_graph(loss, saved=True)


def through_data():
    x = leaf(2.0, 3.0)
    loss = (x**2).sum()
    x.data.add_(1)
    return loss, show_graph(loss, saved=True)


def a_clone():
    x = leaf(2.0, 3.0)
    loss = (x**2).sum()
    x.detach().clone().add_(1)
    return loss, show_graph(loss, saved=True)


def an_item():
    x = leaf(2.0, 3.0)
    h = x * 1
    loss = (h * h).sum()
    h[0] = 9
    return loss, show_graph(loss, saved=True)


def a_row_of_it():
    x = leaf(2.0, 3.0)
    h = x * 1
    row = h[0]
    loss = (h * h).sum() + h.sum()
    row.mul_(3)
    loss = loss + h.sum()
    return loss, show_graph(loss, saved=True)


def base_of_a_view():
    x = leaf(2.0, 3.0)
    h = x * 1
    v = h[:1]
    loss = (v * v).sum()
    h.add_(1)
    return loss, show_graph(loss, saved=True)


def out_argument():
    x = leaf(2.0, 3.0)
    y = torch.sigmoid(x)
    torch.add(torch.ones(2), 1, out=y.detach())
    loss = y.sum()
    return loss, show_graph(loss, saved=True)


def constant():
    x, c = leaf(2.0, 3.0), torch.tensor([1.0, 2.0])
    loss = (x * c).sum()
    c.zero_()
    return loss, show_graph(loss, saved=True)


def index():
    x, places = leaf(2.0, 3.0), torch.tensor([0, 1])
    loss = (x * 1)[places].sum()
    places.zero_()
    return loss, show_graph(loss, saved=True)


def custom_input():
    x = leaf(2.0, 3.0)
    h = x * 1
    loss = Cube.apply(h).sum()
    h.add_(1)
    return loss, show_graph(loss, saved=True)


def custom_output():
    x = leaf(2.0, 3.0)
    y = Cube.apply(x)
    y.mul_(2)
    loss = y.sum()
    return loss, show_graph(loss, saved=True)


def custom_both():
    x = leaf(2.0, 3.0)
    h = x * 1
    y = Cube.apply(h)
    y.mul_(2)
    y.mul_(2)
    h.add_(1)
    loss = y.sum()
    return loss, show_graph(loss, saved=True)


def optimizer_step():
    layer = nn.Linear(2, 2)
    outer = nn.Linear(2, 1, bias=False)
    step = torch.optim.SGD([*layer.parameters(), *outer.parameters()], 0.1)
    x = torch.ones(3, 2)
    outer(layer(x)).sum().backward()
    loss = outer(layer(x)).sum()
    step.step()
    return loss, show_graph(loss, saved=True)


def silent_relu():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True), nn.Linear(2, 1))
    loss = net(torch.ones(3, 2)).sum()
    return loss, show_graph(loss, saved=True)


def relu_after_sigmoid():
    net = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.ReLU(inplace=True))
    loss = net(torch.ones(3, 2)).sum()
    return loss, show_graph(loss, saved=True)


def dropout_after_sigmoid():
    net = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Dropout(0.5, inplace=True))
    loss = net(torch.ones(3, 2)).pow(2).sum()
    return loss, show_graph(loss, saved=True)


def batch_norm():
    norm = nn.BatchNorm1d(2)
    loss = norm(norm(torch.ones(3, 2, requires_grad=True) * 1)).sum()
    return loss, show_graph(loss, saved=True)


def frozen_batch_norm():
    norm = nn.BatchNorm1d(2).eval()
    loss = norm(torch.ones(3, 2, requires_grad=True) * 1).sum()
    mean = norm.running_mean
    mean.add_(1)
    return loss, show_graph(loss, saved=True)


def state_in_place():
    w = leaf(1.0, 2.0)
    state = w * 1
    for _ in range(3):
        state.mul_(w)
        state.tanh_()
    loss = state.sum()
    return loss, show_graph(loss, saved=True)


CASES = {
    "under no_grad": Case(no_grad, (("Pow", "self", "x", 0, 1, "leaf", None),)),
    "detach": Case(detached, (("Pow", "self", "x", 0, 1, "leaf", None),)),
    ".data": Case(through_data, ()),
    "detach and clone": Case(a_clone, ()),
    "an item": Case(an_item, (
        ("Mul", "other", "h", 0, 1, "Mul", "CopySlices"),
        ("Mul", "self", "h", 0, 1, "Mul", "CopySlices"))),
    "a row": Case(a_row_of_it, (
        ("Mul", "other", "h", 0, 1, "Mul", "CopySlices"),
        ("Mul", "self", "h", 0, 1, "Mul", "CopySlices"))),
    "the base of a view": Case(base_of_a_view, (
        ("Mul", "other", "v", 0, 1, "Slice", "Add"), ("Mul", "self", "v", 0, 1, "Slice", "Add"))),
    "out=": Case(out_argument, (("Sigmoid", "result", "y", 0, 1, "Sigmoid", None),)),
    "a constant": Case(constant, (("Mul", "other", "c", 0, 1, None, None),)),
    "an index": Case(index, (("Index", "indices[0]", "places", 0, 1, None, None),)),
    "custom input": Case(custom_input, (("Cube", "tensors[0]", "h", 0, 1, "Mul", "Add"),)),
    "custom output": Case(custom_output, (
        ("Cube", "tensors[2]", "y", 0, 1, "Cube" if TELLS_OUTPUTS else None, "Mul"),)),
    "custom both": Case(custom_both, (("Cube", "tensors[0]", "h", 0, 1, "Mul", "Add"),)),
    "optimizer step": Case(optimizer_step, (("Mm", "mat2", "outer.weight", 1, 2, "T", None),)),
    "relu_": Case(silent_relu, ()),
    "relu_ of a sigmoid": Case(relu_after_sigmoid, (
        ("Sigmoid", "result", None, 0, 1, "Sigmoid", "Relu"),)),
    "dropout_ of a sigmoid": Case(dropout_after_sigmoid, (
        ("Sigmoid", "result", None, 0, 1, "Sigmoid", "Mul"),)),
    "batch norm": Case(batch_norm, ()),
    "running mean": Case(frozen_batch_norm, (
        ("NativeBatchNorm", "running_mean", "mean", 1, 2, None, None),)),
    "a state": Case(state_in_place, (
        ("Tanh", "result", "state", 4, 6, "Tanh", "Tanh"),
        ("Tanh", "result", "state", 2, 6, "Tanh", "Tanh"))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_marked_is_what_torch_refuses(name):
    program, marked = CASES[name]
    loss, graph = program()
    judged(loss, graph)
    found = [
        (_plain(graph.nodes[one.node]), one.saved, one.tensor, one.version, one.now,
         None if one.maker is None else _plain(graph.nodes[one.maker]),
         one.changed_by and one.changed_by.removesuffix("Backward0"))
        for one in graph.overwritten
    ]  # fmt: skip
    assert tuple(found) == marked


def _plain(node):
    return "leaf" if node.is_leaf else re.sub(r"Backward\d*$", "", node.grad_fn)
