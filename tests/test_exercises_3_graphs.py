"""Lecture 3, what a graph is and keeps: a mean and a picture."""

import pytest
import torch

from lecture_helpers.exercises import lecture_3
from lecture_helpers.exercises.lecture_3_total import _Losses

NOTEBOOK = "03_controlling_tracking.ipynb"
pytestmark = pytest.mark.usefixtures("recording_stays_on")


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


def one_behind(losses):
    total, count, last = 0.0, 0, None
    for loss in losses:
        kept = [last, loss]
        total, count, last = total + loss.detach(), count + 1, kept[1]
    return total / count


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


CHECKS = {
    "mean_loss": (lecture_3.check_mean_loss, {
        "the leaky one": lambda losses: mean(losses, itself),
        "detached at the end": lambda losses: mean(losses, itself, torch.Tensor.detach),
        "the one before kept as well": one_behind,
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
}  # fmt: skip
SLIPS = [
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
    ("mean_loss", "the one before kept as well", "Case 4 of 4, losses = 1.0, 2.0, 6.0 and 7.0, "
     "each made when you ask for it: the mean is right, but the graphs of 2 losses were alive at "
     "once; expected one at most."),
    ("mean_loss", "switched off for good", "Case 1 of 4, losses = 1.0 and 3.0, a list: recording "
     "is still off after your function; expected it to be on, as before."),
]  # fmt: skip
HINTED = [
    ("mean_loss", "by length", 3), ("mean_loss", "gone through twice", 3),
    ("recorded", "one element only", 3), ("recorded", "h detached", 1),
    ("recorded", "the number written down", 2),
]  # fmt: skip


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
