"""Checks of section 3.3 of lecture 3; ``lecture_3`` offers them all."""

from functools import partial

import torch

from ..devices import device
from ..memory import saved_memory
from .checking import Case, Verdict, check_recording, tensor_of
from .looks import STILL_OFF, first_slip, grad_of
from .registry import exercise


@exercise("3.3 a", kind="repair")
def check_kept_bytes(function) -> Verdict:
    """Check exercise 3.3 a: the bytes that the graph of a forward keeps for backward.

    ``function(net, x, recording)`` takes a module, a batch and whether to record. It runs
    the module once and returns, as a whole number, the bytes that the nodes of the result's
    graph hold, each piece of memory once.
    """
    asked = [
        ("net = a Linear layer, x requires grad, recording", [_linear()], True, True),
        ("net = the same layer, not recording", [_linear()], True, False),
        ("net = the same layer, x does not require grad, recording", [_linear()], False, True),
        ("net = the same layer, frozen, x does not require grad, recording",
         [_linear().requires_grad_(False)], False, True),
        ("net = Linear, ReLU, Linear, recording", [_linear(), torch.nn.ReLU(), _linear()], True,
         True),
        ("net = a layer that adds its bias, recording", [_Shift()], True, True),
    ]  # fmt: skip
    cases = []
    for words, layers, tracked, recording in asked:
        net, x = _Counted(*layers), torch.ones(8, 4, device=device, requires_grad=tracked)
        with torch.set_grad_enabled(recording):
            kept = saved_memory(net(x)).total_bytes
        net.calls = 0
        cases.append(Case(words, (net, x, recording), kept, _looks_at_net(net, x)))
    return check_recording(function, cases)


def _linear():
    return torch.nn.Linear(4, 4, device=device)


class _Shift(torch.nn.Module):
    """Adds a bias: its result requires grad, and the addition saves nothing."""

    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.ones(4, device=device))

    def forward(self, x):
        return x + self.bias


class _Counted(torch.nn.Sequential):
    """Counts its forwards."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


def _looks_at_net(net, x):
    """Return a look at what a weighing did besides."""
    flags = [parameter.requires_grad for parameter in net.parameters()], x.requires_grad

    def look():
        now = [parameter.requires_grad for parameter in net.parameters()], x.requires_grad
        grads = [tensor.grad for tensor in (*net.parameters(), x)]
        slips = (
            (net.calls != 1, f"forwards of net: {net.calls}; expected 1"),
            (now != flags, "a flag of net or x has changed; expected all flags to stay"),
            (any(grad is not None for grad in grads),
             "a backward ran, for a .grad is filled; expected none"),
            (not torch.is_grad_enabled(),
             STILL_OFF),
        )  # fmt: skip
        return first_slip(slips, "the bytes are right, but ")

    return look


@exercise("3.3 b", kind="repair")
def check_first_rows(function) -> Verdict:
    """Check exercise 3.3 b: keep the first row of each result and nothing else.

    ``function(net, batches)`` takes a module and a list of 2-d tensors; it returns a list
    with the first row of ``net(x)`` for each, as tensors that keep no graph alive and no
    memory beyond their own, and records nothing on the way.
    """
    asked = [
        ("net = 2x, one batch of two rows", [[[1.0, 2.0], [3.0, 4.0]]], None),
        ("net = 2x, two batches of three rows",
         [[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]], None),
        ("net = 2x, one batch of one row", [[[5.0, 6.0]]], None),
        ("net = 2x, whose weight has a .grad of 7.0, one batch", [[[0.5], [1.0]]], 7.0),
    ]  # fmt: skip
    cases = []
    for words, batches, stale in asked:
        net = _Doubling(stale)
        given = [tensor_of(rows) for rows in batches]
        expected = [[2.0 * value for value in rows[0]] for rows in batches]
        kept = []
        case = Case(words, (net, given, kept), expected, _looks_at_rows(net, kept, stale))
        cases.append(case)
    return check_recording(partial(_read, function), cases)


class _Doubling(torch.nn.Module):
    """Doubles its input by a weight; notes of each forward whether it was recorded."""

    def __init__(self, stale):
        super().__init__()
        self.weight = torch.nn.Parameter(tensor_of(2.0))
        self.weight.grad = None if stale is None else tensor_of(stale)
        self.recorded = []

    def forward(self, x):
        y = self.weight * x
        self.recorded.append(y.requires_grad)
        return y


def _read(function, net, batches, kept):
    """Return the rows as lists of floats; anything that is no list of tensors as it came."""
    came = function(net, batches)
    if not isinstance(came, (list, tuple)) or not all(torch.is_tensor(row) for row in came):
        return came if came is None or came is ... else _no_tensors(came)
    kept[:] = came
    return [row.tolist() for row in came]


def _no_tensors(came):
    raise TypeError(f"a list of tensors was expected, but {came!r} came")


def _looks_at_rows(net, kept, stale):
    """Return a look at what the rows keep alive, and how they were made."""

    def look():
        for row in kept:
            memory = row.untyped_storage().nbytes()
            if row.requires_grad:
                return "the rows are right, but they require grad; expected rows without a graph"
            if memory != row.nbytes:
                return (
                    f"the rows are right, but a row of {row.nbytes} bytes keeps {memory} bytes "
                    f"alive; expected {row.nbytes}"
                )
        grad = grad_of(net.weight)
        slips = (
            (any(net.recorded),
             "the rows are right, but net(x) required grad, so each forward kept tensors for "
             "backward for a while; expected no recording"),
            (not net.weight.requires_grad,
             "the rows are right, but net.weight no longer requires grad; expected its flag to "
             "stay"),
            (grad != stale,
             f"the rows are right, but net.weight.grad then is {grad}; expected {stale}"),
            (not torch.is_grad_enabled(),
             STILL_OFF),
        )  # fmt: skip
        return first_slip(slips)

    return look


@exercise("3.3 c", kind="compute")
def check_fair_ratio(function) -> Verdict:
    """Check exercise 3.3 c: how many times as long as f does g take?

    ``function(f, g, clock, rounds)`` takes two functions without arguments, a function
    that tells the time in seconds, and the number of rounds. It returns the median of the
    rounds' ratios as a float, after one call of each that does not count.
    """
    asked = [
        ("f takes 1 second, g takes 2, 5 rounds", _Machine(), 1.0, 2.0, 5),
        ("f and g take 3 seconds each, 3 rounds", _Machine(), 3.0, 3.0, 3),
        ("the very first call takes 50 times as long, 1 round", _Machine(cold=50), 1.0, 2.0, 1),
        ("the machine grows 4 times slower halfway, 9 rounds", _Machine(slow=4, after=11),
         1.0, 2.0, 9),
        ("another program stops g once, for 100 seconds, 7 rounds", _Machine(stop=100, at=16),
         2.0, 3.0, 7),
        ("another program stops f once, for 100 seconds, 7 rounds", _Machine(stop=100, at=3),
         2.0, 3.0, 7),
        ("the machine grows 4 times slower between f and g, 9 rounds", _Machine(slow=4, after=12),
         1.0, 2.0, 9),
    ]  # fmt: skip
    cases = []
    for words, machine, f, g, rounds in asked:
        given = machine.function(f), machine.function(g), machine.clock, rounds
        cases.append(Case(f"functions = {words}", given, g / f))
    return check_recording(function, cases)


class _Machine:
    """A pretended machine: its clock goes on only while one of its functions runs.

    cold: how many times as long the very first call takes.
    slow: how many times as long each call takes from call number ``after`` on.
    stop: seconds that call number ``at`` takes on top.
    """

    def __init__(self, cold=1, slow=1, after=0, stop=0, at=0):
        self._now, self._calls = 100.0, 0
        self._cold, self._slow, self._after = cold, slow, after
        self._stop, self._at = stop, at

    def clock(self):
        return self._now

    def function(self, seconds):
        def run():
            self._calls += 1
            took = seconds * (self._cold if self._calls == 1 else 1)
            took *= self._slow if self._after and self._calls >= self._after else 1
            self._now += took + (self._stop if self._calls == self._at else 0)

        return run
