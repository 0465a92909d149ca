"""grad_history leaves nothing behind and refuses what it cannot watch."""

import gc
import weakref

import pytest
import torch
from sound import leaf
from torch import nn
from torch.autograd.graph import get_gradient_edge

from lecture_helpers import grad_history


def afters(history):
    """Return the ``.grad`` after each backward."""
    return [row.after for row in history.rows if row.kind == "backward"]


def test_no_hook_stays_and_a_later_backward_is_unchanged():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1))
    x = torch.randn(7, 5)
    own = net[0].weight.register_hook(lambda gradient: gradient * 3)
    loss = net(x).sum()
    nodes = [get_gradient_edge(parameter).node for parameter in net.parameters()]
    loss.backward(retain_graph=True)
    plain = [parameter.grad.clone() for parameter in net.parameters()]
    with grad_history(net) as history:
        net.zero_grad()
        loss.backward(retain_graph=True)
    recorded = [parameter.grad.clone() for parameter in net.parameters()]
    rows = len(history.rows)
    net.zero_grad()
    loss.backward()
    for place, parameter in enumerate(net.parameters()):
        assert torch.equal(plain[place], recorded[place])
        assert torch.equal(plain[place], parameter.grad)
        assert get_gradient_edge(parameter).node is nodes[place]
        assert not parameter._post_accumulate_grad_hooks
    assert list(net[0].weight._backward_hooks) == [own.id]
    assert not net[0].bias._backward_hooks and len(history.rows) == rows


def test_neither_graph_nor_leaves_nor_history_are_kept():
    w = leaf(2.0)
    h = w * 3
    loss = h**2
    with grad_history(w) as history:
        loss.backward()
    gc.collect()
    gc.disable()
    try:
        alive = [weakref.ref(thing) for thing in (h, loss)]
        del h, loss
        assert [one() for one in alive] == [None, None]
        alive = [weakref.ref(thing) for thing in (w, history, history._log)]
        del w, history
        assert [one() for one in alive] == [None, None, None]
    finally:
        gc.enable()


def test_an_abandoned_block_is_no_leak_either():
    w = leaf(2.0)
    history = grad_history(w)
    history.__enter__()
    loss = w**2
    loss.backward()
    alive = [weakref.ref(thing) for thing in (w, history, loss)]
    del w, history, loss
    gc.collect()
    assert [one() for one in alive] == [None, None, None]


def test_bad_input_is_one_clear_sentence():
    w, x = leaf(2.0), torch.tensor(1.0)
    h = w * 3
    with pytest.raises(TypeError, match="grad_history was given no tensor; pass the tensors"):
        grad_history()
    with pytest.raises(TypeError, match="grad_history was given float, which holds no tensor"):
        grad_history(3.0)
    with pytest.raises(ValueError, match="given h, which an operation made; .* pass the leaves"):
        grad_history(w, h)
    with pytest.raises(ValueError, match="given x, which does not require grad, .* leave it out"):
        grad_history(w, x)
    with pytest.raises(ValueError, match="given frozen parameters only"):
        grad_history(nn.Linear(1, 1).requires_grad_(False))
    with pytest.raises(ValueError, match="given lazy.weight, a parameter of a lazy module"):
        grad_history(lazy=nn.LazyLinear(1))
    history = grad_history(w)
    with history:
        with pytest.raises(RuntimeError, match="recording already; leave its block"), history:
            pass
        h.backward()
    assert afters(history) == [3.0]
    w.requires_grad_(False)
    with pytest.raises(ValueError, match="given w, which does not require grad"), history:
        pass
    w.requires_grad_()
    with history:
        w.backward()
    assert afters(history) == [3.0, 4.0]


def test_names_are_those_of_grad_table_and_a_tensor_has_one():
    w = leaf(2.0)
    pair = [w, leaf(1.0)]
    net = nn.Linear(1, 1)
    net.bias.requires_grad_(False)
    assert grad_history(w, pair).names == ("w", "pair[1]")
    assert grad_history(rate=w).names == ("rate",)
    assert grad_history(net).names == ("weight",)
    assert grad_history(layer=net).names == ("layer.weight",)


def test_no_frame_is_kept():
    w = leaf(2.0)

    def run():
        kept = torch.ones(1)
        (w * kept).sum().backward()
        return weakref.ref(kept)

    with grad_history(w) as history:
        gc.disable()
        try:
            assert run()() is None
        finally:
            gc.enable()
    assert history.rows[1].source == "(w * kept).sum().backward()"
