"""grad_history with hooks, failing backwards, odd gradients, checkpoints and threads."""

import threading

import pytest
import torch
from sound import SendsNothing, leaf
from test_history import grads, told
from torch import nn
from torch.utils.checkpoint import checkpoint

import lecture_helpers.history
from lecture_helpers import grad_history


def test_tensor_hooks_come_before_and_post_accumulate_hooks_within_a_row():
    w = leaf(2.0)

    def doubled(tensor):
        tensor.grad.mul_(2)

    with grad_history(w) as history:
        hooks = [w.register_hook(lambda gradient: gradient * 10)]
        hooks += [w.register_post_accumulate_grad_hook(doubled)]
        (w * 3).backward()
        (w * 3).backward()
    for hook in hooks:
        hook.remove()
    assert grads(history, "w") == [(None, 30.0, 60.0), (60.0, 30.0, 180.0)]


def test_what_a_hook_does_to_another_tensor_is_no_part_of_what_backward_added():
    w, b = leaf(2.0), leaf(1.0)

    def fills_another(tensor):
        b.grad = torch.tensor(100.0)

    hook = w.register_post_accumulate_grad_hook(fills_another)
    with grad_history(b, w) as history:
        later = b * 0  # an operation made first is taken last
        (w * 3 + later).backward()
    hook.remove()
    assert told(history)[2:] == [
        ("backward", 1, "w", None, 3.0, 3.0),
        ("changed", None, "b", None, None, 100.0),
        ("backward", 1, "b", 100.0, 0.0, 100.0),
    ]


def test_an_optimizer_in_the_backward_leaves_none_after():
    w = leaf(2.0)
    optimizer = torch.optim.SGD([w], lr=0.5)

    def step(tensor):
        optimizer.step()
        tensor.grad = None

    w.register_post_accumulate_grad_hook(step)
    with grad_history(w) as history:
        (w**2).backward()
        (w**2).backward()
    assert told(history)[1:] == [
        ("backward", 1, "w", None, 4.0, None), ("backward", 2, "w", None, 0.0, None)]  # fmt: skip


def test_a_backward_that_brings_nothing_says_none():
    w = leaf(2.0)
    with grad_history(w) as history:
        SendsNothing.apply(w).backward()
    assert grads(history, "w") == [(None, None, None)]


class Boom(SendsNothing):
    @staticmethod
    def backward(ctx, grad):
        raise ValueError("boom")


def test_a_backward_that_fails_half_way_keeps_its_rows_and_leaves_no_hook():
    w, b = leaf(2.0), leaf(1.0)
    stopped = Boom.apply(b)
    history = grad_history(w, b)
    with pytest.raises(ValueError, match="boom"), history:
        (w * 3 + stopped).backward()
    assert told(history)[2:] == [("backward", 1, "w", None, 3.0, 3.0)]
    (w * 3 + b).backward()
    assert len(history.rows) == 3


def test_a_hook_that_fails_after_accumulation_leaves_a_change():
    w = leaf(2.0)

    def fails(tensor):
        raise ValueError("boom")

    hook = w.register_post_accumulate_grad_hook(fails)
    with grad_history(w) as history:
        with pytest.raises(ValueError, match="boom"):
            (w * 3).backward()
        hook.remove()
        (w * 1).backward()
    assert told(history)[1:] == [
        ("changed", None, "w", None, None, 3.0), ("backward", 2, "w", 3.0, 1.0, 4.0)]  # fmt: skip


def test_double_backward_sparse_and_inference_gradients():
    w = leaf(2.0)
    with grad_history(w) as history:
        torch.autograd.backward(w**3, inputs=[w], retain_graph=True)
        (slope,) = torch.autograd.grad(w**3, w, create_graph=True)
        slope.backward()
        w.grad = None
        loss = w * 5
        with torch.inference_mode():
            loss.backward()
    assert grads(history, "w") == [(None, 12.0, 12.0), (12.0, 12.0, 24.0), (None, 5.0, 5.0)]
    table = nn.Embedding(4, 1, sparse=True)
    with grad_history(table) as history:
        table(torch.tensor([1, 1])).sum().backward()
        table.zero_grad(set_to_none=False)
    row = [[0.0], [2.0], [0.0], [0.0]]
    assert [line[3:] for line in told(history)[1:]] == [
        (None, row, row), (row, None, [[0.0]] * 4)]  # fmt: skip
    assert history.rows[-1].kind == "reset"


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True")
def test_gradients_that_are_part_of_a_graph():
    w = leaf(2.0)
    with grad_history(w) as history:
        (w**3).backward(create_graph=True)
        (w**3).backward(create_graph=True)
        assert w.grad.requires_grad
        w.grad = None
    assert grads(history, "w") == [(None, 12.0, 12.0), (12.0, 12.0, 24.0)]


def test_a_reentrant_checkpoint_runs_backward_calls_of_its_own():
    w, x = leaf(2.0), leaf(1.0)
    with grad_history(w) as history:
        inner = checkpoint(lambda x: w * x, x, use_reentrant=True)
        checkpoint(lambda x: w * x, inner, use_reentrant=True).backward()
    assert [row.number for row in history.rows] == [None, 1, 2]
    assert grads(history, "w") == [(None, 2.0, 2.0), (2.0, 2.0, 4.0)]
    assert history.rows[1].source == history.rows[2].source
    assert history.rows[1].source.endswith("use_reentrant=True).backward()")


def test_without_the_engines_number_calls_are_told_apart_by_what_they_reach(monkeypatch):
    monkeypatch.setattr(lecture_helpers.history, "_graph_task_id", None)
    w, b = leaf(2.0), leaf(3.0)
    with grad_history(w, b) as history:
        (w * b).backward()
        (w * b).backward()
        w.backward()
    assert [row.number for row in history.rows] == [None, None, 1, 1, 2, 2, 3]


def test_a_backward_in_another_thread_is_recorded():
    w = leaf(2.0)

    def work():
        (w * 3).backward()

    with grad_history(w) as history:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert history.rows[1][1:] == (1, "(w * 3).backward()", "w", None, 3.0, 3.0)


def test_two_histories_of_one_tensor():
    w = leaf(2.0)
    with grad_history(w) as outer:
        (w * 3).backward()
        with grad_history(w) as inner:
            (w * 4).backward()
    assert grads(outer, "w") == [(None, 3.0, 3.0), (3.0, 4.0, 7.0)]
    assert grads(inner, "w") == [(3.0, 4.0, 7.0)]
