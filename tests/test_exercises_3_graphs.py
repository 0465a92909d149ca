"""Lecture 3, what a graph is and keeps: a mean, a picture and bytes."""

import pytest
import torch

from lecture_helpers import saved_memory
from lecture_helpers.exercises import lecture_3
from lecture_helpers.exercises.lecture_3_total import _Losses

NOTEBOOK = "03_controlling_tracking.ipynb"


def mean(losses, read=torch.Tensor.detach, end=lambda mean: mean):
    """The mean, with a way to read a loss and something done at the end."""
    total, count = 0.0, 0
    for loss in losses:
        total = total + read(loss)
        count += 1
    return end(total / count)


def itself(loss):
    return loss


def in_the_first_loss(losses):
    total, count = None, 0
    for loss in losses:
        total = loss.detach() if total is None else total.add_(loss.detach())
        count += 1
    return total / count


def block_around_the_loop(losses):
    with torch.no_grad():
        return mean(losses, itself)


def block_around_the_addition(losses):
    total, count = 0.0, 0
    for loss in losses:
        with torch.no_grad():
            total = total + loss
        count += 1
    return total / count


def walked(loss):
    loss.backward()
    return loss.detach()


def by_length(losses):
    return sum(loss.detach() for loss in losses) / len(losses)


def twice(losses):
    count = sum(1 for _ in losses)
    return sum(loss.detach() for loss in losses) / count


def emptied(losses):
    result = mean(losses)
    if isinstance(losses, list):
        losses.clear()
    return result


def switched_off(losses):
    result = mean(losses)
    torch.set_grad_enabled(False)
    return result


def everything_in_a_block(a, b):
    with torch.no_grad():
        return a**2 / a - b


def divided_by_a_block(a, b):
    h = a**2
    with torch.no_grad():
        constant = 1 * a
    return h / constant - b


def weighed(net, x, recording, weigh=lambda y: saved_memory(y).total_bytes):
    with torch.set_grad_enabled(recording):
        y = net(x)
    return weigh(y)


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


def frozen_for_good(net, x, recording):
    kept = weighed(net, x, recording)
    net.requires_grad_(False)
    return kept


def switched_for_good(net, x, recording):
    torch.set_grad_enabled(recording)
    return saved_memory(net(x)).total_bytes


CHECKS = {
    "mean_loss": (lecture_3.check_mean_loss, {
        "the leaky one": lambda losses: mean(losses, itself),
        "detached at the end": lambda losses: mean(losses, itself, torch.Tensor.detach),
        "a list first": lambda losses: torch.stack(list(losses)).detach().mean(),
        "numbers": lambda losses: mean(losses, torch.Tensor.item),
        "cut off in place": lambda losses: mean(losses, torch.Tensor.detach_),
        "written into the first loss": in_the_first_loss,
        "the block around the loop": block_around_the_loop,
        "a copy that has a graph": lambda losses: mean(losses, torch.clone),
        "a backward for each": lambda losses: mean(losses, walked),
        "the flag switched on": lambda losses: mean(losses, end=torch.Tensor.requires_grad_),
        "the sum": lambda losses: sum(loss.detach() for loss in losses),
        "the last": lambda losses: [loss.detach() for loss in losses][-1],
        "by length": by_length,
        "gone through twice": twice,
        "the list emptied": emptied,
        "switched off for good": switched_off,
    }),
    "recorded": (lecture_3.check_recorded, {
        "nothing detached": lambda a, b: a**2 / a - b,
        "the upper one detached": lambda a, b: (a**2).detach() / a - b,
        "h detached": lambda a, b: a**2 / (a**2).detach() - b,
        "b detached": lambda a, b: a**2 / b.detach() - b,
        "b detached as well": lambda a, b: a**2 / a.detach() - b.detach(),
        "the quotient detached": lambda a, b: (a**2 / a).detach() - b,
        "the number written down": lambda a, b: a**2 / 3.0 - b,
        "one element only": lambda a, b: a**2 / a.item() - b,
        "the value alone": lambda a, b: a - b,
        "another operation": lambda a, b: a * a / a.detach() - b,
        "the other order": lambda a, b: b - a**2 / a.detach(),
        "everything in a block": everything_in_a_block,
        "a new leaf": lambda a, b: everything_in_a_block(a, b).requires_grad_(),
        "a list of numbers": lambda a, b: (a**2 / a - b).tolist(),
    }),
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
        "frozen afterwards": frozen_for_good,
        "switched for good": switched_for_good,
        "a broken number": lambda *given: float(weighed(*given)),
    }),
}  # fmt: skip


@pytest.fixture(autouse=True)
def recording_stays_on():
    yield
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("right", [
    block_around_the_addition,
    lambda losses: mean(losses, lambda loss: loss.detach().clone()),
    lambda losses: mean(losses, lambda loss: loss.data),
    lambda losses: torch.stack([loss.detach() for loss in losses]).mean(),
    lambda losses: mean(losses, torch.Tensor.item, lambda mean: torch.tensor(mean)),
])  # fmt: skip
def test_other_right_means_pass(right):
    verdict = lecture_3.check_mean_loss(right)
    assert verdict.passed is True, verdict


@pytest.mark.parametrize("right", [
    lambda a, b: a**2 / a.detach().clone() - b,
    lambda a, b: torch.sub(torch.div(torch.pow(a, 2), a.data), b),
    divided_by_a_block,
])  # fmt: skip
def test_other_functions_that_record_the_same_graph_pass(right):
    verdict = lecture_3.check_recorded(right)
    assert verdict.passed is True, verdict


def test_the_graph_to_read_is_the_one_that_is_checked():
    graph = lecture_3.graph_to_read()
    assert [node.name for node in graph.nodes if node.is_leaf] == ["a", "b"]
    (pair,) = [node for node in graph.nodes if node.grad_fn == "DivBackward0"]
    assert pair.untracked == (1,)
    told = graph.to_text()
    assert "makes h = 9.0" in told and "makes ratio = 3.0" in told and "makes y = -3.0" in told


def test_the_bytes_are_those_that_can_be_counted_by_hand():
    expected = (8 * 4 + 4 * 4) * 4, 0, 8 * 4 * 4, 0, (8 * 4 + 4 * 4 + 8 * 4 + 4 * 4) * 4, 0
    came = []

    def note(net, x, recording):
        came.append(weighed(net, x, recording))
        return came[-1]

    assert lecture_3.check_kept_bytes(note).passed is True
    assert tuple(came) == expected


def test_the_graphs_of_losses_are_counted_while_they_live():
    losses = _Losses([1.0, 2.0, 3.0])
    made = iter(losses)
    first, second = next(made), next(made)
    assert losses.alive == 2
    del first
    assert losses.alive == 1
    held = second + 1
    del second
    assert losses.alive == 1
    del held
    assert losses.alive == 0
    next(made)
    assert losses.most == 1  # when the second was asked for, the first was still held


@pytest.mark.parametrize("name, wrong, said", [
    ("mean_loss", "the leaky one", "Case 1 of 4, losses = 1.0 and 3.0, a list: the mean is right, "
     "but it requires grad, so the graph of every loss stays alive with it; expected a mean "
     "without a graph."),
    ("mean_loss", "detached at the end", "Case 4 of 4, losses = 1.0, 2.0, 6.0 and 7.0, each made "
     "when you ask for it: the mean is right, but the graphs of 3 losses were alive at once; "
     "expected one at most."),
    ("mean_loss", "numbers", "Case 1 of 4, losses = 1.0 and 3.0, a list: your function raised "
     "TypeError: a tensor was expected, but a float came."),
    ("mean_loss", "cut off in place", "Case 1 of 4, losses = 1.0 and 3.0, a list: losses[0] has "
     "lost its graph; expected it to stay, for a later backward."),
    ("mean_loss", "written into the first loss", "Case 1 of 4, losses = 1.0 and 3.0, a list: "
     "losses[0] is 4.0 now; expected 1.0, as before."),
    ("mean_loss", "the block around the loop", "Case 3 of 4, losses = 5.0 alone, made when you "
     "ask for it: the mean is right, but recording was off when a loss was asked for, so that "
     "loss was made without a graph; expected recording to be on there."),
    ("kept_bytes", "the flag", "Case 1 of 6, net = a Linear layer, x requires grad, recording: "
     "your function returned True; expected 192 (a int, not a bool)."),
    ("kept_bytes", "each as often as it is saved", "Case 5 of 6, net = Linear, ReLU, Linear, "
     "recording: your function returned 512; expected 384."),
    ("kept_bytes", "the bytes of the result", "Case 1 of 6, net = a Linear layer, x requires "
     "grad, recording: your function returned 128; expected 192."),
    ("kept_bytes", "a second forward and a backward", "Case 1 of 6, net = a Linear layer, x "
     "requires grad, recording: the bytes are right, but forwards of net: 2; expected 1."),
])  # fmt: skip
def test_what_a_slip_is_told(name, wrong, said):
    check, wrongs = CHECKS[name]
    assert check(wrongs[wrong]).message == f"Not yet. {said}"


@pytest.mark.parametrize("name, wrong, case", [
    ("mean_loss", "by length", 3), ("mean_loss", "gone through twice", 3),
    ("recorded", "one element only", 3), ("recorded", "h detached", 1),
    ("recorded", "the number written down", 2),
    ("kept_bytes", "always recording", 2), ("kept_bytes", "the bytes of the block", 1),
    ("kept_bytes", "made by the forward alone", 1),
])  # fmt: skip
def test_a_slip_is_told_its_case(name, wrong, case):
    check, wrongs = CHECKS[name]
    assert check(wrongs[wrong]).message.startswith(f"Not yet. Case {case} of ")
