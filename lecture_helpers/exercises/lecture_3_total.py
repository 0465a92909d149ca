"""The exercise of section 3.1 about a total that keeps graphs; ``lecture_3`` offers it."""

import weakref
from collections.abc import Iterator

import torch

from .checking import Case, Verdict, check_recording, leaf_of
from .looks import STILL_OFF
from .registry import exercise


@exercise("3.1 c", kind="repair")
def check_mean_loss(function) -> Verdict:
    """Check exercise 3.1 c: the mean of some losses, which keeps none of their graphs.

    ``function(losses)`` takes an iterable of tensors of one number, each with a graph of
    its own, and returns their mean as a tensor without a graph. While it runs the graph of
    one loss at most is alive, where nobody else holds them. The losses stay as they were.
    """
    asked = [
        ("losses = 1.0 and 3.0, a list", [1.0, 3.0], list),
        ("losses = 2.0, 4.0 and 9.0, a list", [2.0, 4.0, 9.0], list),
        ("losses = 5.0 alone, made when you ask for it", [5.0], iter),
        ("losses = 1.0, 2.0, 6.0 and 7.0, each made when you ask for it", [1.0, 2.0, 6.0, 7.0],
         iter),
    ]  # fmt: skip
    cases = []
    for words, values, given_as in asked:
        losses = _Losses(values)
        given = list(losses) if given_as is list else iter(losses)
        came = {}
        case = (came, function, given)
        expected = sum(values) / len(values)
        cases.append(Case(words, case, expected, _looks_at_losses(losses, given, came)))
    return check_recording(_mean, cases)


def _mean(came, function, given):
    """Call the learner's function, keep the tensor that it returns, and give its value."""
    result = function(given)
    if result is None or result is ...:
        return result
    if not isinstance(result, torch.Tensor):
        raise TypeError(f"a tensor was expected, but a {type(result).__name__} came")
    came["result"] = result
    return result.tolist()


class _Mark:
    """A hook that does nothing. A graph holds it, so it lives just as long as the graph."""

    def __call__(self, grad):
        return None


class _Losses:
    """Makes losses, each with a graph of its own, and counts the graphs that are alive."""

    def __init__(self, values):
        self.w = leaf_of(1.0)
        self.unrecorded = False  # whether a loss was asked for while recording was off
        self.most = 0  # graphs alive when the next loss was asked for
        self._values, self._marks = values, []

    def __iter__(self) -> Iterator[torch.Tensor]:
        for value in self._values:
            self.most = max(self.most, self.alive)
            yield self._loss(value)

    def _loss(self, value):
        h = self.w * value
        if h.requires_grad:
            mark = _Mark()
            self._marks.append(weakref.ref(mark))
            h.register_hook(mark)
        else:
            self.unrecorded = True
        return 2 * h - value

    @property
    def alive(self) -> int:
        """How many of the graphs made so far are alive."""
        return sum(mark() is not None for mark in self._marks)


def _looks_at_losses(losses, given, came):
    """Return a look at what a mean keeps alive, and at the losses after it was taken."""
    held = list(given) if isinstance(given, list) else None
    before = None if held is None else [(id(loss), loss.tolist()) for loss in held]

    def look():
        result = came["result"]
        if result.requires_grad:
            return (
                "the mean is right, but it requires grad, so the graph of every loss stays "
                "alive with it; expected a mean without a graph"
            )
        if losses.unrecorded:
            return (
                "the mean is right, but recording was off when a loss was asked for, so that "
                "loss was made without a graph; expected recording to be on there"
            )
        if losses.w.grad is not None:
            return "a backward ran, for w.grad is filled; expected none"
        if not torch.is_grad_enabled():
            return STILL_OFF
        if held is not None:
            return _changed(given, before)
        if losses.most > 1:
            return (
                f"the mean is right, but the graphs of {losses.most} losses were alive at once; "
                f"expected one at most"
            )
        return None

    return look


def _changed(given, before) -> str | None:
    """Return how a list of losses differs from what it was, None where it does not."""
    if [id(loss) for loss in given] != [one for one, _ in before]:
        return "the list then holds other tensors; expected it as it was"
    for nr, (loss, (_, value)) in enumerate(zip(given, before)):
        if loss.grad_fn is None:
            return f"losses[{nr}] has lost its graph; expected it to stay, for a later backward"
        if loss.tolist() != value:
            return f"losses[{nr}] is {loss.tolist()} now; expected {value}, as before"
    return None
