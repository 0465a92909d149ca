"""Lecture 3, the bytes of 3.3 a: the solution passes, what is no scale is rejected."""

import pytest
import torch

from lecture_helpers import saved_memory
from lecture_helpers.exercises import lecture_3

NOTEBOOK = "03_controlling_tracking.ipynb"
pytestmark = pytest.mark.usefixtures("recording_stays_on")


def weighed(net, x, recording, weigh=lambda y: saved_memory(y).total_bytes):
    with torch.set_grad_enabled(recording):
        y = net(x)
    return weigh(y)


def itself(tensor):
    return tensor


def by_hooks(net, x, recording):
    found = []

    def pack(tensor):
        found.append(tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, itself), torch.set_grad_enabled(recording):
        net(x)
    return sum(found)


def by_the_block(net, x, recording):
    with saved_memory() as memory, torch.set_grad_enabled(recording):
        result = net(x)
        alive = memory.alive_now
    del result
    return alive


def walked_first(net, x, recording):
    kept = weighed(net, x, recording)
    with torch.set_grad_enabled(recording):
        y = net(x)
    if y.requires_grad:
        y.sum().backward()
    return kept


def walked_afterwards(net, x, recording):
    with torch.set_grad_enabled(recording):
        y = net(x)
    kept = saved_memory(y).total_bytes
    if y.requires_grad:
        y.sum().backward()
    return kept


def frozen_for_good(net, x, recording):
    kept = weighed(net, x, recording)
    net.requires_grad_(False)
    return kept


def switched_for_good(net, x, recording):
    torch.set_grad_enabled(recording)
    return saved_memory(net(x)).total_bytes


CHECKS = {
    "kept_bytes": (lecture_3.check_kept_bytes, {
        "the flag": lambda net, x, recording: x.requires_grad and recording,
        "the flag of the result": lambda *given: weighed(*given, lambda y: y.requires_grad),
        "the flag as a number": lambda *given: weighed(*given, lambda y: int(y.requires_grad)),
        "the bytes of the result": lambda *given: weighed(*given, lambda y: y.nbytes),
        "the bytes of the batch": lambda net, x, recording: x.nbytes * recording,
        "the bytes of the parameters": lambda net, x, recording: sum(
            p.nbytes for p in net.parameters()),
        "each as often as it is saved": by_hooks,
        "made by the forward alone": lambda *given: weighed(
            *given, lambda y: saved_memory(y).graph_bytes),
        "how many tensors": lambda *given: weighed(*given, lambda y: saved_memory(y).tensors),
        "the bytes of the block": by_the_block,
        "always recording": lambda net, x, recording: weighed(net, x, True),
        "a second forward and a backward": walked_first,
        "a backward afterwards": walked_afterwards,
        "frozen afterwards": frozen_for_good,
        "switched for good": switched_for_good,
        "a broken number": lambda *given: float(weighed(*given)),
    }),
}  # fmt: skip
SLIPS = [
    ("kept_bytes", "a backward afterwards", "Case 1 of 6, net = a Linear layer, x requires grad, "
     "recording: the bytes are right, but a backward ran, for a .grad is filled; expected none."),
    ("kept_bytes", "the flag", "Case 1 of 6, net = a Linear layer, x requires grad, recording: "
     "your function returned True; expected 192 (an int, not a bool)."),
    ("kept_bytes", "each as often as it is saved", "Case 5 of 6, net = Linear, ReLU, Linear, "
     "recording: your function returned 512; expected 384."),
    ("kept_bytes", "the bytes of the result", "Case 1 of 6, net = a Linear layer, x requires "
     "grad, recording: your function returned 128; expected 192."),
    ("kept_bytes", "a second forward and a backward", "Case 1 of 6, net = a Linear layer, x "
     "requires grad, recording: the bytes are right, but forwards of net: 2; expected 1."),
]  # fmt: skip


def test_the_bytes_are_those_that_can_be_counted_by_hand():
    expected = (8 * 4 + 4 * 4) * 4, 0, 8 * 4 * 4, 0, (8 * 4 + 4 * 4 + 8 * 4 + 4 * 4) * 4, 0
    came = []

    def note(net, x, recording):
        came.append(weighed(net, x, recording))
        return came[-1]

    assert lecture_3.check_kept_bytes(note).passed is True
    assert tuple(came) == expected


@pytest.mark.parametrize("wrong, case", [
    ("always recording", 2), ("the bytes of the block", 1), ("made by the forward alone", 1),
])  # fmt: skip
def test_a_slip_is_told_its_case(wrong, case):
    check, wrongs = CHECKS["kept_bytes"]
    assert check(wrongs[wrong]).message.startswith(f"Not yet. Case {case} of 6")
