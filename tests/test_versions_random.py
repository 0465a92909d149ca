"""Torch is the judge: it raises exactly where a value is marked, whatever the program."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from overwriting import Cube, judged
from sound import leaf
from torch import nn

from lecture_helpers import show_graph

OPERATIONS = {
    "mul": (torch.mul, (2, 2), (2, 2)),
    "addmm": (torch.addmm, (2, 2), (2, 2), (2, 2)),
    "pow": (torch.pow, (2, 2), (2, 2)),
    "lerp": (torch.lerp, (2, 2), (2, 2), (2, 2)),
    "conv1d": (nn.functional.conv1d, (1, 2, 4), (3, 2, 2), (3,)),
    "prelu": (nn.functional.prelu, (2, 2), (1,)),
    "cdist": (torch.cdist, (2, 2), (2, 2)),
    "prod": (torch.prod, (3,)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_of_several_values_of_a_node_torch_names_the_first(name):
    function, *shapes = OPERATIONS[name]
    for times in itertools.permutations(range(1, len(shapes) + 2)):
        inputs = [torch.full(shape, 0.5, requires_grad=True) * 1 for shape in shapes]
        made = function(*inputs)
        loss = made.sum()
        for tensor, count in zip([*inputs, made], times):
            for _ in range(count):
                tensor.detach().add_(0)
        assert judged(loss, show_graph(loss, saved=True)).overwritten


WRITES = {  # in place, on a tensor that is no leaf
    "add_": lambda a, b: a.add_(1),
    "mul_": lambda a, b: a.mul_(b),
    "tanh_": lambda a, b: a.tanh_(),
    "item": lambda a, b: a.__setitem__(0, 0.5),
    "row": lambda a, b: a[:1].mul_(2),
    "detach": lambda a, b: a.detach().add_(1),
    "data": lambda a, b: a.data.add_(1),
    "clone": lambda a, b: a.detach().clone().add_(1),
}
MAKES = {
    "exp": lambda a, b: a.exp(),
    "sigmoid": lambda a, b: a.sigmoid(),
    "sin": lambda a, b: a.sin(),
    "scale": lambda a, b: a * 2,
    "mul": lambda a, b: a * b,
    "power": lambda a, b: a**2,
    "custom": lambda a, b: Cube.apply(a),
    "index": lambda a, b: a[torch.tensor([1, 0])],
    "slice": lambda a, b: torch.cat([a[:1], b[1:]]),
}


@st.composite
def programs(draw):
    """Return the loss of a random program that writes to its tensors."""
    tensors = [leaf(0.5, -0.25), torch.tensor([0.25, 0.75])]
    tensors.append(tensors[0] * 1)
    pick = st.integers(0, 30)
    for _ in range(draw(st.integers(4, 14))):
        a, b = (tensors[draw(pick) % len(tensors)] for _ in range(2))
        name = draw(st.sampled_from(sorted(MAKES | WRITES)))
        if name in MAKES:
            tensors.append(MAKES[name](a, b))
        else:
            with torch.set_grad_enabled(not a.is_leaf and draw(st.integers(0, 4)) > 0):
                WRITES[name](a, b)
    ends = [tensors[draw(pick) % len(tensors)] for _ in range(draw(st.integers(1, 3)))]
    return torch.stack([tensors[2], *ends]).sum()


@settings(max_examples=250, deadline=None)
@given(programs())
def test_torch_refuses_exactly_what_is_marked(loss):
    judged(loss, show_graph(loss, saved=True))
