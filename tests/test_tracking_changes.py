"""tracking_map: what was changed in place, and which statement made a node."""

import threading

import pytest
import torch
from sound import Cube, leaf
from torch import nn

from lecture_helpers import Change, changes, made, tracking_map


def cdata(tensor):
    return tensor.untyped_storage()._cdata


def test_every_kind_of_change():
    x, z, c = leaf(1.0, 2.0), torch.zeros(2), torch.zeros(3)
    y = x * 2
    with tracking_map() as lines:
        y += 1
        y[0] = 5
        y.mul_(2)
        view = y[:1]
        view.zero_()
        torch.add(z, z, out=z)
        torch.relu_(z)
        nn.functional.relu(z, inplace=True)
        nn.init.ones_(z)
        z.copy_(y.detach())
        c.resize_(1)
        torch.exp(input=z, out=z)
        y.detach().sub_(1)
    assert (y._version, z._version, c._version) == (5, 6, 1)
    assert [(one.call, one.name, one.before, one.after) for one in lines.changes] == [
        ("add_", "y", 0, 1), ("__setitem__", "y", 1, 2), ("mul_", "y", 2, 3),
        ("zero_", "view", 3, 4), ("add", "z", 0, 1), ("relu_", "z", 1, 2), ("relu", "z", 2, 3),
        ("fill_", "z", 3, 4), ("copy_", "z", 4, 5), ("resize_", "c", 0, 1), ("exp", "z", 5, 6),
        ("sub_", None, 4, 5),
    ]  # fmt: skip
    assert not any(one.slips for one in lines.changes)
    assert lines.changes[0] == Change("y += 1", "add_", "y", 0, 1, False)
    assert lines.changes[3].source == "view.zero_()"


def test_what_only_reads_changes_nothing():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        y = x.exp().detach().data.clone()
        y.requires_grad_()
        x.sum().backward()
        print(y, x.grad)
    assert lines.changes == ()


def test_data_slips_and_detach_does_not():
    x = leaf(1.0, 2.0)
    y = x.exp()
    with tracking_map() as lines:
        d = y.detach()
        d.add_(1)
        e = y.data
        e.add_(1)
        e[0].mul_(2)
        f = e.view(2, 1)
        f.zero_()
        y.data[1] = 3
        e.clone().add_(1)
        y.add_(0)
    assert y._version == 2
    assert [(one.name, one.before, one.after, one.slips) for one in lines.changes] == [
        ("d", 0, 1, False), ("e", 0, 1, True), ("e[0]", 1, 2, True), ("f", 2, 3, True),
        ("y.data", 0, 1, True), (None, 0, 1, False), ("y", 1, 2, False),
    ]  # fmt: skip


def test_memory_that_is_exchanged_slips():
    x = leaf(1.0, 2.0)
    y = x.exp()
    with tracking_map() as lines:
        y.data = torch.ones(2)
    assert lines.changes == (Change("y.data = torch.ones(2)", ".data =", "y", 0, 0, True),)
    assert lines.changes_of(cdata(y)) == lines.changes
    assert "the memory was exchanged: backward will not notice" in str(lines)
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx([2.718282, 7.389056])  # the result keeps its memory


def test_an_optimizer_and_a_module_are_named_as_the_caller_does():
    x = leaf(1.0, 2.0)
    net = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))
    optimizer = torch.optim.SGD([*net.parameters(), x], lr=0.1)
    with tracking_map() as lines:
        net(x.expand(2, 2)).sum().backward()
        optimizer.step()
    told = [(one.source, one.call, one.name) for one in lines.changes]
    assert told[0] == ("net(x.expand(2, 2)).sum().backward()", "add_", "net.1.num_batches_tracked")
    assert [name for source, _, name in told if source == "optimizer.step()"] == [
        "net.0.weight", "net.0.bias", "net.1.weight", "net.1.bias", "x"]  # fmt: skip


def test_no_version_no_change():
    with tracking_map() as lines, torch.inference_mode():
        a = torch.ones(2)
        a.add_(1)
    assert a.is_inference() and lines.changes == ()


def test_changes_of_a_storage_after_a_node():
    x = leaf(1.0, 2.0)
    early = x * 7
    with tracking_map() as lines:
        y = x.exp()
        y += 1
        h = y * 2
        z = h * h
        y[0] = 5
        h.data.add_(1)
        late = x * 3
    exp, add = h.grad_fn.next_functions[0][0].next_functions[0][0], h.grad_fn.next_functions[0][0]
    assert type(exp).__name__ == "ExpBackward0" and type(add).__name__ == "AddBackward0"
    sources = lambda *asked: [one.source for one in lines.changes_of(*asked)]  # noqa: E731
    assert sources(cdata(y)) == ["y += 1", "y[0] = 5"]
    assert sources(cdata(y), early.grad_fn) == ["y += 1", "y[0] = 5"]
    assert sources(cdata(y), exp) == ["y += 1", "y[0] = 5"]
    assert sources(cdata(y), add) == sources(cdata(y), h.grad_fn) == ["y[0] = 5"]
    assert sources(cdata(y), late.grad_fn) == []
    assert sources(cdata(h), z.grad_fn) == ["h.data.add_(1)"]
    assert sources(cdata(x)) == sources(1234) == []


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return Cube.apply(x) * 2

    @staticmethod
    def backward(ctx, g):
        return g


@pytest.mark.parametrize("built_in", [False, True])
def test_which_statement_made_a_node(built_in, monkeypatch):
    """From torch 2.14 on a custom Function's ``apply`` is built in and has no frame."""
    if built_in:
        monkeypatch.setattr("lecture_helpers.callers._APPLY", None)
    x = leaf(1.0, 2.0)
    net = nn.Linear(2, 1)
    early = x * 7
    with tracking_map() as lines:
        y = x.exp()
        c = Cube.apply(y)
        t = Twice.apply(y)
        for step in (1.0, 2.0):
            h = y * step
        n = net(h)
        (g,) = torch.autograd.grad(n.sum(), x, create_graph=True)
        y += 1
        y[0] = 3
    late = x * 7
    asked = [early, c, t, h, n, g, late]
    assert [lines.made(tensor.grad_fn) for tensor in asked] == [
        None, "c = Cube.apply(y)", "t = Twice.apply(y)", "h = y * step", "n = net(h)",
        "(g,) = torch.autograd.grad(n.sum(), x, create_graph=True)", None,
    ]  # fmt: skip
    copies = y.grad_fn
    assert lines.made(copies) == "y[0] = 3"
    assert lines.made(copies.next_functions[0][0]) == "y += 1"
    exp = copies.next_functions[0][0].next_functions[0][0]
    assert lines.made(exp) == "y = x.exp()"
    assert lines.made(exp.next_functions[0][0]) is None  # AccumulateGrad


def test_a_chain_of_every_node_of_a_program():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        a = x * 2
        b = a.sin()
        c = torch.cat([a, b])
        d = c.view(2, 2).sum()
    waiting, told = [d.grad_fn], {}
    while waiting:
        node = waiting.pop()
        told[type(node).__name__] = lines.made(node)
        waiting += [source for source, _ in node.next_functions if source is not None]
    assert told == {
        "SumBackward0": "d = c.view(2, 2).sum()", "ViewBackward0": "d = c.view(2, 2).sum()",
        "CatBackward0": "c = torch.cat([a, b])", "SinBackward0": "b = a.sin()",
        "MulBackward0": "a = x * 2", "AccumulateGrad": None,
    }  # fmt: skip


def test_many_changes_are_summed(monkeypatch):
    monkeypatch.setattr(changes, "MOST_CHANGES", 10)
    w, v = torch.zeros(2), torch.zeros(2)
    with tracking_map() as lines:
        for _ in range(30):
            w += 1
            v.data.add_(1)
    assert len(lines.changes) == 12
    assert lines.changes[:2] == (
        Change("w += 1", "add_", "w", 0, 1, False),
        Change("v.data.add_(1)", "add_", "v.data", 0, 1, True),
    )
    assert lines.changes[10:] == (
        Change("w += 1", "add_", "w", 5, 30, False, 25),
        Change("v.data.add_(1)", "add_", "v.data", 0, 1, True, 25),
    )
    assert sum(one.times for one in lines.changes_of(cdata(w))) == 30
    assert "w += 1 (30 times)          add_  w       0 to 30" in str(lines)


def test_memory_stays_bounded(monkeypatch):
    monkeypatch.setattr(changes, "MOST_CHANGES", 10)
    monkeypatch.setattr(made, "MOST_RANGES", 100)
    x, first, last = leaf(1.0, 2.0), None, None
    with tracking_map() as lines:
        for _ in range(1000):
            last = x.exp()
            last += 1
            first = last if first is None else first
    assert lines.made(last.grad_fn) == "last += 1" and lines.made(first.grad_fn) is None
    assert [one.source for one in lines.changes_of(cdata(last))] == ["last += 1"]
    record = lines._calls
    assert len(record.changes._alive) < 50 and len(record.changes.all()) == 11
    (ranges,) = record.made._threads.values()
    assert len(ranges._starts) <= 100
    exp = last.grad_fn.next_functions[0][0]
    assert [one.times for one in lines.changes_of(cdata(last), exp)] == [990]
    assert lines.changes_of(cdata(last), last.grad_fn) == ()
    assert lines.changes_of(cdata(first), first.grad_fn) == ()  # when it was made is forgotten
    assert sum(map(len, record.changes._storages)) < 60


class Numbered:
    def __init__(self, number):
        self.number = number

    def _sequence_nr(self):
        return self.number


def test_each_thread_counts_its_nodes_for_itself():
    record = made.Made()

    def follow(start, end, place):
        record.begins(start)
        record.add(start, end, 1, place)

    follow(0, 5, "in one")
    thread = threading.Thread(target=follow, args=(3, 7, "in another"))
    thread.start()
    thread.join()
    places = [record.place(Numbered(number)) for number in (2, 3, 4, 5, 7)]
    assert places == ["in one", None, None, "in another", None]


def test_a_write_counts_once_where_several_arguments_share_the_memory():
    h = leaf(1.0, 2.0) * 2
    a, b = h.detach(), h.detach()
    with tracking_map() as lines:
        b.copy_(a)
        torch.mul(a, 2, out=b)
        h.mul_(a)
    told = [(one.source, one.name, one.before, one.after) for one in lines.changes]
    assert told == [
        ("b.copy_(a)", "b", 0, 1), ("torch.mul(a, 2, out=b)", "b", 1, 2), ("h.mul_(a)", "h", 2, 3),
    ]  # fmt: skip
    assert h._version == 3
