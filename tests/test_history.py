"""grad_history against what torch does to ``.grad``."""

import math
import weakref

import pytest
import torch
from sound import leaf
from torch import nn

from lecture_helpers import grad_history


def told(history):
    """Return what each row says without its source."""
    return [(row.kind, row.number, row.name, *row[4:]) for row in history.rows]


def grads(history, name):
    """Return before, added and after of each backward that reached a tensor."""
    return [row[4:] for row in history.rows if (row.kind, row.name) == ("backward", name)]


def test_two_backwards_add_up_and_a_reset_starts_afresh():
    """Lecture 1.3: 2 and 30 make 32; after a reset 2 and 32 again."""
    w = leaf(2.0)
    with grad_history(w) as history:
        ((w * 1 - 1) ** 2).backward()
        ((w * 3 - 1) ** 2).backward()
        w.grad.zero_()
        ((w * 1 - 1) ** 2).backward()
        ((w * 3 - 1) ** 2).backward()
        w.grad = None
    first, second = "((w * 1 - 1) ** 2).backward()", "((w * 3 - 1) ** 2).backward()"
    assert history.rows == (
        ("start", None, None, "w", None, None, None),
        ("backward", 1, first, "w", None, 2.0, 2.0),
        ("backward", 2, second, "w", 2.0, 30.0, 32.0),
        ("reset", None, None, "w", 32.0, None, 0.0),
        ("backward", 3, first, "w", 0.0, 2.0, 2.0),
        ("backward", 4, second, "w", 2.0, 30.0, 32.0),
        ("reset", None, None, "w", 32.0, None, None),
    )


def test_a_history_goes_on_when_its_block_is_entered_again():
    """Lecture 1.3: (3w - 10)^2 at 2 gives -24 each time."""
    weight = leaf(2.0)
    loss = lambda: (3 * weight - 10) ** 2  # noqa: E731
    with grad_history(weight) as history:
        loss().backward()
        loss().backward()
    loss().backward()  # not recorded, and noticed
    with history:
        pass
    weight.grad = None
    with history:
        weight.grad = torch.tensor(5.0)
        weight.grad = None
        loss().backward()
        weight.grad = torch.tensor(7.0)
    weight.grad = torch.tensor(8.0)
    with history:
        weight.grad = None
    assert told(history)[1:] == [
        ("backward", 1, "weight", None, -24.0, -24.0),
        ("backward", 2, "weight", -24.0, -24.0, -48.0),
        ("changed", None, "weight", -48.0, None, -72.0),
        ("reset", None, "weight", -72.0, None, None),
        ("backward", 3, "weight", None, -24.0, -24.0),
        ("changed", None, "weight", -24.0, None, 7.0),
        ("changed", None, "weight", 7.0, None, 8.0),
        ("reset", None, "weight", 8.0, None, None),
    ]


def test_what_was_there_before_is_the_start():
    w = leaf(2.0)
    (w * 5).backward()
    with grad_history(w) as history:
        pass
    assert history.rows == (("start", None, None, "w", None, None, 5.0),)


def test_several_tensors_those_reached_and_those_reset_stand_together():
    w, b, c = leaf(2.0), leaf(1.0), leaf(0.0)
    optimizer = torch.optim.SGD([w, b, c], lr=0.1)
    with grad_history(w, b, c) as history:
        (w * b).backward()
        (w * 3).backward()
        optimizer.zero_grad()
        (b * 4).backward()
        optimizer.zero_grad(set_to_none=False)
    assert told(history)[3:] == [
        ("backward", 1, "w", None, 1.0, 1.0),
        ("backward", 1, "b", None, 2.0, 2.0),
        ("backward", 2, "w", 1.0, 3.0, 4.0),
        ("reset", None, "w", 4.0, None, None),
        ("reset", None, "b", 2.0, None, None),
        ("backward", 3, "b", None, 4.0, 4.0),
        ("reset", None, "b", 4.0, None, 0.0),
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_rows_of_one_backward_stand_in_the_order_given(order):
    a, b, c = leaves = leaf(1.0), leaf(2.0), leaf(3.0)
    with grad_history([leaves[place] for place in order]) as history:
        (a * b * c).backward()
        (a * b * c).backward()
    names = ["abc"[place] for place in order]
    assert [row.name for row in history.rows] == names * 3
    assert [row.number for row in history.rows[3:]] == [1] * 3 + [2] * 3


def test_one_row_per_backward_for_a_tensor_used_several_times():
    a = leaf(2.0, 3.0)
    with grad_history(a) as history:
        (a * a + a).sum().backward()
    assert grads(history, "a") == [(None, [5.0, 7.0], [5.0, 7.0])]


def test_values_are_those_of_autograd_grad_and_copies():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    x = torch.randn(4, 3)
    wanted = torch.autograd.grad(net(x).sum(), list(net.parameters()))
    with grad_history(net) as history:
        assert torch.autograd.grad(net(x).sum(), list(net.parameters()))  # adds to no .grad
        net(x).sum().backward()
        net(x).sum().backward()
        net.zero_grad(set_to_none=False)
    assert history.names == ("0.weight", "0.bias", "2.weight", "2.bias")
    for name, grad in zip(history.names, wanted):
        one, two = grad.tolist(), (grad + grad).tolist()
        assert grads(history, name) == [(None, one, one), (one, one, two)]


def test_a_clipped_gradient_and_one_put_there_by_hand_are_changed():
    w = leaf(2.0)
    with grad_history(w) as history:
        (w * 8).backward()
        nn.utils.clip_grad_norm_([w], 2.0, foreach=False)
        (w * 1).backward()
        w.grad = torch.tensor(7.0)
        (w * 1).backward()
        w.grad = None
        (w * 0).backward()
        w.grad = None
    changed = [row for row in told(history) if row[0] == "changed"]
    assert [row[3] for row in changed] == pytest.approx([8.0, 3.0])
    assert [row[5] for row in changed] == pytest.approx([2.0, 7.0])
    assert told(history)[-2:] == [
        ("backward", 4, "w", None, 0.0, 0.0), ("reset", None, "w", 0.0, None, None)]  # fmt: skip


def test_zeros_put_where_nothing_was_are_no_reset():
    w = leaf(2.0)
    with grad_history(w) as history:
        w.grad = torch.tensor(0.0)
    assert told(history)[1:] == [("changed", None, "w", None, None, 0.0)]


def test_nan_is_neither_a_change_nor_zero():
    w = leaf(2.0, 1.0)
    with grad_history(w) as history:
        (w * math.nan).sum().backward()
    with history:
        w.grad = torch.tensor([math.nan, 0.0])
    assert [row.kind for row in history.rows] == ["start", "backward", "changed"]
    assert math.isnan(history.rows[1].after[0]) and history.rows[2].after[1] == 0.0


def test_a_large_gradient_is_shortened_and_noticed_by_identity_and_version():
    w = torch.ones(1000, requires_grad=True)
    with grad_history(w) as history:
        (w * 2).sum().backward()
        w.grad[500] = 7.0  # where the row does not show it
        w.sum().backward()
        w.grad = None
        (w * 1).sum().backward()
        version = w.grad._version
        w.grad = w.grad.clone()
        assert w.grad._version == version
    shown = {2.0: [2.0, 2.0, 2.0, ..., 2.0], 3.0: [3.0, 3.0, 3.0, ..., 3.0]}
    assert told(history)[1:] == [
        ("backward", 1, "w", None, shown[2.0], shown[2.0]),
        ("changed", None, "w", shown[2.0], None, shown[2.0]),
        ("backward", 2, "w", shown[2.0], [1.0, 1.0, 1.0, ..., 1.0], shown[3.0]),
        ("reset", None, "w", shown[3.0], None, None),
        ("backward", 3, "w", None, [1.0, 1.0, 1.0, ..., 1.0], [1.0, 1.0, 1.0, ..., 1.0]),
        ("changed", None, "w", [1.0, 1.0, 1.0, ..., 1.0], None, [1.0, 1.0, 1.0, ..., 1.0]),
    ]


def test_a_gradient_is_not_kept_alive():
    w = torch.ones(1000, requires_grad=True)
    with grad_history(w):
        w.sum().backward()
        grad = weakref.ref(w.grad)
        assert grad() is w.grad
        w.grad = None
        assert grad() is None
