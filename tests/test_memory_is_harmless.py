"""saved_memory changes nothing, keeps nothing, and leaves nothing behind."""

import gc
import subprocess
import sys
import threading
import weakref

import pytest
import torch
from sound import leaf
from torch import nn
from torch.utils._python_dispatch import _get_current_dispatch_mode

from lecture_helpers import SavedMemory, device, memory, saved_memory, show_graph
from lecture_helpers.draw import bundle
from lecture_helpers.walk import SMALL_STACK_LEVELS, safe_depth

pytestmark = pytest.mark.usefixtures("light_collector")


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 1))


def gradients_of(asked):
    """Return gradients and running means of a small net, and what the forward gave."""
    net, x = small_net(), torch.linspace(-1, 1, 35).view(7, 5).requires_grad_()
    if asked == "block":
        with saved_memory():
            loss = net(x).pow(2).mean()
    else:
        loss = net(x).pow(2).mean()
    if asked == "function":
        saved_memory(loss)
    versions = [tensor._version for tensor in (x, loss, *net.parameters())]
    loss.backward()
    return [loss.detach(), x.grad, *(p.grad for p in net.parameters()), *net.buffers()], versions


@pytest.mark.parametrize("asked", ["function", "block"])
def test_gradients_and_versions_are_the_same_bit_for_bit(asked):
    plain, versions = gradients_of("not")
    weighed, same = gradients_of(asked)
    assert versions == same and len(plain) == len(weighed) == 11
    assert all(torch.equal(one, other) for one, other in zip(plain, weighed))


@pytest.mark.parametrize("block", [False, True])
def test_the_check_for_in_place_changes_stays_on(block):
    x = leaf(1.0)
    if block:
        with saved_memory() as found:
            y = x.exp()
            y += 1
    else:
        y = x.exp()
        y += 1
        found = saved_memory(y)
    assert found.total_bytes == 4
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_no_hook_stays_and_no_grad_appears():
    x = leaf(1.0, 2.0)
    with saved_memory():
        loss = x.exp().sum()
    saved_memory(loss)
    assert x.grad is None and x._backward_hooks is None and not loss._backward_hooks


def test_neither_graph_nor_tensors_nor_inputs_are_kept():
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        given = torch.ones(2)
        block = saved_memory(inputs=given)
        with block:
            h = x.exp()
            loss = (h * given).sum()
        found = saved_memory(loss, inputs=given)
        alive = [weakref.ref(thing) for thing in (x, h, loss, given)]
        del x, h, loss, given
        assert [one() for one in alive] == [None] * 4
        assert found.total_bytes == block.total_bytes == 16 and block.alive_now == 0
    finally:
        gc.enable()


def test_nothing_is_left_in_the_modes_whatever_happens():
    assert _get_current_dispatch_mode() is None
    x = leaf(1.0)
    with pytest.raises(ZeroDivisionError), saved_memory() as outer:
        with saved_memory() as inner:
            x.exp()
        raise ZeroDivisionError
    assert _get_current_dispatch_mode() is None and memory._open == []
    assert inner.made_bytes == 4
    assert str(outer) == "the block ended with an error, so nothing was weighed"
    with pytest.raises(RuntimeError, match="without an error"):
        outer.total_bytes  # noqa: B018
    with outer:
        y = x.exp()
    assert outer.total_bytes == y.nbytes
    assert torch.is_grad_enabled() and gc.isenabled()


def test_a_block_under_no_grad_leaves_the_mode_as_it_was():
    x = leaf(1.0)
    with torch.no_grad():
        with saved_memory() as found:
            y = x.exp()
            with torch.enable_grad():
                z = x.exp()
        assert not torch.is_grad_enabled()
    assert (found.total_bytes, found.alive_bytes) == (4, 8) and z.requires_grad != y.requires_grad


def test_another_thread_is_neither_disturbed_nor_seen():
    made = []
    with saved_memory() as found:
        thread = threading.Thread(target=lambda: made.append(torch.ones(1000)))
        thread.start()
        thread.join()
    assert (found.made_bytes, len(made)) == (0, 1)


def test_the_same_answer_each_time_and_equal():
    def ask():
        net = small_net()
        with saved_memory() as found:
            loss = net(torch.ones(7, 5)).sum()
        return str(found), found.to_html(), str(saved_memory(loss)), saved_memory(loss)

    first, *others = [ask() for _ in range(3)]
    assert all(other == first for other in others)
    assert isinstance(first[-1], SavedMemory)


def chain(x, levels):
    for _ in range(levels):
        x = x.exp()
    return x


def test_a_graph_too_deep_is_cut_where_show_graph_cuts_it_and_that_is_said():
    x = torch.zeros(1, requires_grad=True)
    y = chain(x, safe_depth() + 10)
    found = saved_memory(y)
    graph = show_graph(y, saved=True)
    assert found.cut == len(graph.cut) == 1
    assert found.nodes == len(graph.nodes) and found.total_bytes == graph.saved_bytes
    assert "deeper than Python can walk safely" in str(found)
    with saved_memory() as block:
        y = chain(x, safe_depth() + 10)
    assert block.cut == 1 and block.nodes == found.nodes
    assert block.made_bytes == 4 * (safe_depth() + 10) == block.alive_bytes
    assert "36    held elsewhere, perhaps by nodes that were not looked at" in str(block)


def test_in_a_thread_the_cut_comes_earlier():
    found = []

    def ask():
        y = chain(torch.zeros(1, requires_grad=True), SMALL_STACK_LEVELS + 10)
        found.append(saved_memory(y))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found[0].cut == 1 and found[0].total_bytes == 4 * (SMALL_STACK_LEVELS + 1)


def test_ten_thousand_nodes_have_a_table_of_bounded_size():
    x = torch.zeros(3, requires_grad=True)
    with saved_memory() as block:
        ends = [chain(x, 500) for _ in range(20)]
        loss = torch.stack(ends).sum()
    found = saved_memory(loss)
    assert found.nodes == 10_003 and found.total_bytes == 10_000 * 12 == block.total_bytes
    assert len(found.rows) == found.tensors == 10_000
    for shown in (found, block):
        assert len(str(shown).splitlines()) < 20 and len(shown.to_html()) < 4000
        assert "ExpBackward0   10,000         10,000    120,000" in str(shown)
    assert len(ends) == 20


def test_the_peak_is_an_attribute_and_printed_but_never_in_the_bundle(monkeypatch):
    """What the notebooks store is the same on a device that counts its peak."""
    peaks = iter([800, 700, 750, 900, 100])
    resets = []
    monkeypatch.setattr(memory, "peak_bytes", lambda device: next(peaks))
    monkeypatch.setattr(memory, "reset_peak", resets.append)
    x = leaf(1.0)
    with saved_memory() as outer:
        with saved_memory() as inner:
            y = x.exp()
        outer_before = len(resets)
    assert (inner.peak_bytes, outer.peak_bytes, outer_before) == (700, 800, 2)
    found = saved_memory(y)
    assert found.peak_bytes == 900 and found == saved_memory(y)
    for shown, peak in ((found, "900"), (inner, "700")):
        assert str(shown).endswith(f"peak on the device: {peak} bytes")
        assert not any("peak" in words for words in bundle(shown).values())
        assert set(bundle(shown)) == {"text/html", "text/plain"}


@pytest.mark.skipif(device.type != "cpu", reason="the course's device is not the CPU")
def test_on_the_cpu_there_is_no_peak():
    x = leaf(1.0)
    with saved_memory() as block:
        y = x.exp()
    assert block.peak_bytes is None and saved_memory(y).peak_bytes is None
    assert "peak" not in str(block)


def test_a_compiled_function_stays_compiled():
    w = torch.ones(100, requires_grad=True)
    compiled = torch.compile(lambda x: x.sin().exp().sum(), backend="aot_eager")
    with saved_memory() as block:
        y = compiled(w)
    assert type(y.grad_fn).__name__ == "CompiledFunctionBackward"
    assert (block.graph_bytes, block.alive_bytes) == (400, 404)


def test_a_block_does_not_import_the_compiler():
    program = """
import sys, torch
from lecture_helpers import saved_memory
w = torch.ones(100, requires_grad=True)
with saved_memory() as memory:
    y = w.exp().sum()
print(memory.total_bytes, "torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "400 False\n", done.stderr
