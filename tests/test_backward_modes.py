"""record_backward in every mode, with every hook on saved tensors, in any thread."""

import gc
import sys
import threading

import pytest
import torch
from recorded import assert_recorded, same
from sound import leaf
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from lecture_helpers import record_backward


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("accumulate", [True, False])
def test_in_every_grad_mode(mode, accumulate):
    x = leaf(1.0, 2.0)
    h = x.exp()
    loss = (h * h + h).sum()
    (wanted,) = torch.autograd.grad(loss, h, retain_graph=True)
    with mode():
        record = record_backward(loss, accumulate=accumulate)
    assert same(record.gradient(h), wanted)
    assert same(record.gradient(x), wanted * h.detach()) and (x.grad is None) != accumulate


def test_in_anomaly_mode():
    with torch.autograd.set_detect_anomaly(True):
        loss = leaf(1.0, 2.0).exp().sum()
        assert_recorded(loss)


def test_saved_tensors_hooks_see_what_they_see_without():
    counts = []
    for run in (torch.Tensor.backward, record_backward):
        seen = []
        with saved_tensors_hooks(
            lambda t, seen=seen: seen.append("pack") or t,
            lambda t, seen=seen: seen.append("unpack") or t,
        ):
            x = leaf(1.0, 2.0)
            run((x.exp() * x).sum())
        counts.append(seen)
    assert counts[0] == counts[1] and "unpack" in counts[0]


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_checkpoint_is_recomputed_once(reentrant):
    runs = []

    def block(a):
        runs.append(1)
        return a.sin() * a * w

    x, w = leaf(1.0, 2.0), leaf(3.0)
    loss = checkpoint(block, x, use_reentrant=reentrant).sum() + w
    record = record_backward(loss)
    assert len(runs) == 2
    wanted = torch.autograd.grad((x.sin() * x * w).sum() + w, (x, w))
    assert same(x.grad, wanted[0]) and torch.equal(w.grad, wanted[1])
    kinds = [step.node.grad_fn for step in record.steps]
    if reentrant:  # w is met inside, from where the record sees no sender, and outside
        inside = kinds.index("CheckpointFunctionBackward")
        leaves = [step for step in record.steps if step.node.name == "w"]
        assert kinds.count("AccumulateGrad") == 3 and len(leaves) == 2
        assert inside < record.steps.index(leaves[1])  # the second came within
        assert leaves[0].grad_after.item() == leaves[1].grad_before.item()
        assert leaves[1].grad_after.item() == w.grad.item()
        assert record.steps[inside].grad_outputs[0].tolist() == [1.0, 1.0]
    else:
        assert same(record.gradient(x), x.grad) and same(record.gradient(w), w.grad)


def test_in_another_thread():
    found = []

    def work():
        x = leaf(1.0, 2.0)
        found.append(assert_recorded((x.exp() * x).sum()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(found) == 1 and len(found[0].steps) == 4


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_as_it_was(on):
    x = leaf(2.0)
    broken = x * 2
    broken.register_hook(lambda gradient: 1 / 0)
    try:
        (gc.enable if on else gc.disable)()
        record_backward(x * 3)
        assert gc.isenabled() == on
        with pytest.raises(ZeroDivisionError):
            record_backward(broken)
        assert gc.isenabled() == on
    finally:
        gc.enable()


def test_a_trace_function_and_a_recursion_limit_stay():
    limit, tracing = sys.getrecursionlimit(), sys.gettrace()
    record_backward(leaf(2.0) * 2)
    assert (sys.getrecursionlimit(), sys.gettrace()) == (limit, tracing)


def test_the_depth_that_another_thread_may_look_at():
    said = []

    def work():
        deep = x = leaf(2.0)
        for _ in range(601):
            deep = deep * 1.0
        try:
            record_backward(deep)
        except ValueError as refusal:
            said.append((str(refusal), x.grad))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    ((words, grad),) = said
    assert "safely on this thread (600 levels)" in words and grad is None


def test_graphs_of_two_threads_with_the_same_numbers_are_told_apart_by_what_they_made():
    made = []

    def work(size):
        h = torch.ones(size, requires_grad=True) * 2
        made.append((h, record_backward(h.sum(), retain_graph=True)))

    for size in (2, 3):
        thread = threading.Thread(target=work, args=(size,))
        thread.start()
        thread.join()
    (first, of_first), (second, of_second) = made
    assert first.grad_fn._sequence_nr() == second.grad_fn._sequence_nr()
    assert of_first.gradient(first).tolist() == [1.0] * 2
    assert of_second.gradient(second).tolist() == [1.0] * 3
    with pytest.raises(ValueError, match="not part of the recorded graph"):
        of_first.gradient(second)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_cuda_hooks_run_on_the_devices_own_thread():
    x = torch.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    w = leaf(3.0, 4.0)
    assert_recorded(((x.exp() * w.cuda()).cpu() * w).sum())
