"""Numbers, names and graphs in words."""

import math

import pytest
import torch

from lecture_helpers import device, show_graph
from lecture_helpers.brief import number, values
from lecture_helpers.draw.ink import text_width
from lecture_helpers.draw.words import operation, shorten


@pytest.mark.parametrize("value, words", [
    (7.0, "7.0"), (-4.195357, "-4.1954"), (1 / 3, "0.33333"), (3, "3"), (True, "True"),
    (0.0, "0.0"), (math.nan, "nan"), (math.inf, "inf"), (1e30, "1e+30"), (147456.0, "147456.0"),
    (1.5e-7, "1.5e-07"), (1 + 2j, "(1.0+2.0j)"), (1 - 2j, "(1.0-2.0j)"),
])  # fmt: skip
def test_number(value, words):
    assert number(value) == words


def test_values_of_nested_lists():
    assert values([[1.0, ..., 2.0], [3, 4]]) == "[[1.0, ..., 2.0], [3, 4]]"


@pytest.mark.parametrize("grad_fn, words", [
    ("MulBackward0", "mul"), ("LogSoftmaxBackward0", "log_softmax"), ("PowBackward1", "pow"),
    ("NllLoss2DBackward0", "nll_loss2d"), ("SmoothL1LossBackward0", "smooth_l1_loss"),
    ("MaxPool2DWithIndicesBackward0", "max_pool2d_with_indices"), ("TBackward0", "t"),
    ("CubeBackward", "Cube"), ("CopySlices", "CopySlices"), ("Backward", "Backward"),
])  # fmt: skip
def test_operation_names(grad_fn, words):
    assert operation(grad_fn) == words


def test_shorten_keeps_both_ends():
    assert shorten("encoder.layers.11.weight", 12) == "encod…weight"
    assert shorten("short", 12) == "short"


def test_text_form_of_a_graph():
    a = torch.tensor(2.0, device=device, requires_grad=True)
    c = torch.tensor([4.0, 5.0], device=device, dtype=torch.float64)
    d = a * a
    e = d + c
    assert str(show_graph(e)).splitlines() == [
        "autograd graph of e: 3 nodes, 3 edges",
        "#0  a    leaf          2.0, requires_grad=True",
        "#1  mul  MulBackward0  from a #0, a #0, makes d = 4.0",
        "#2  add  AddBackward0  from mul #1, untracked, makes e = (2,) float64  <- result",
    ]


def test_text_width_grows_with_the_text():
    assert text_width("mm", 10) > text_width("ii", 10) > 0
    assert text_width("日", 10) >= 10
    assert text_width("e\u0301", 10) == text_width("e", 10)
