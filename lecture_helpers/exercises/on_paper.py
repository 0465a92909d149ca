"""Answers worked out on paper: a chain of steps, and a function that leaves autograd alone."""

from collections.abc import Callable
from numbers import Real
from typing import NamedTuple

import torch

from ..draw.words import number_of
from .checking import KEEP_THE_NAMES, NOT_SORTED, Verdict, check_dict, is_near


class Step(NamedTuple):
    """One step of a derivation: its name, what is right, and sentences for known slips.

    right: a number, a list of numbers, or None.
    slips: (wrong answer, sentence) pairs; the sentence says what was mixed up.
    any_order: whether a list of numbers is right in any order.
    """

    name: str
    right: object
    slips: tuple = ()
    any_order: bool = False


def check_steps(answers, steps) -> Verdict:
    """Check a derivation: the first wrong step is named, whatever stands after it.

    answers: the learner's dict from step to answer, ``...`` where there is none yet. Numbers
        agree when they differ by less than one part in a thousand.
    steps: the ``Step`` objects in the order of the derivation.

    While all answers so far are right and some are missing, the exercise is not answered.
    """
    return check_dict(answers, lambda: _stepwise(answers, steps))


def _stepwise(answers, steps) -> Verdict:
    names = [step.name for step in steps]
    moved = [name for name in (*answers, *names) if (name in answers) != (name in names)]
    if moved:
        return Verdict(False, f"Not yet. {moved[0]!r}: {KEEP_THE_NAMES}.")
    if all(given is ... for given in answers.values()):
        return Verdict(None, NOT_SORTED)
    for count, step in enumerate(steps):
        given, where = answers[step.name], f"tep {count + 1} of {len(steps)}, {step.name}"
        if given is ...:
            so_far = f"{count} of {number_of(len(steps), 'step')}"
            return Verdict(None, f"Right so far: {so_far}. Next is s{where}.")
        if not _agrees(_placed(given, step), step.right):
            before = f" The {_before(count)} right." if count else ""
            return Verdict(False, f"Not yet. S{where}: {_said(given, step)}{before}")
    return Verdict(True, f"Right, in all {len(steps)} steps.")


def _before(count) -> str:
    return "step before it is" if count == 1 else f"{count} steps before it are"


def _said(given, step) -> str:
    """Return what is wrong with an answer, and not what would be right, in sentences."""
    expected = "something else"
    if _is_list(step.right) != _is_list(given):
        expected = "a list" if _is_list(step.right) else "no list"
    if isinstance(given, str):
        expected = "numbers or None, without quotes"
    said = [f"you wrote {given!r}; expected {expected}."]
    placed = _placed(given, step)
    said += [sentence for slip, sentence in step.slips if _agrees(placed, slip)][:1]
    return " ".join(said)


def _placed(given, step):
    """Return an answer with its numbers in order, where their order does not matter."""
    if not step.any_order or not isinstance(given, (list, tuple)):
        return given
    return sorted(given) if all(isinstance(value, Real) for value in given) else given


def _is_list(value) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, torch.Tensor) and value.ndim > 0)


def _agrees(given, right) -> bool:
    given = given.tolist() if isinstance(given, torch.Tensor) else given
    if isinstance(right, list):
        is_long = isinstance(given, (list, tuple)) and len(given) == len(right)
        return is_long and all(map(_agrees, given, right))
    if not isinstance(right, Real):
        return given is right
    return is_near(given, right, rel_tol=1e-3, abs_tol=1e-9)


def by_hand(function) -> tuple[Callable, Callable]:
    """Return the function, and a look at whether it left the derivative to autograd.

    The look returns a sentence where an operation was recorded while the function ran, None
    where none was. Nothing is recorded for plain numbers, and no backward runs without it.
    """
    recorded = []

    def counted(*given):
        before = _operations_recorded()
        try:
            return function(*given)
        finally:
            recorded.append(_operations_recorded() - before - 1)

    def look():
        if not recorded[-1]:
            return None
        return (
            f"what it returned is right, but autograd recorded "
            f"{number_of(recorded[-1], 'operation')} in your function; expected none, for this "
            f"one is by hand"
        )

    return counted, look


def _operations_recorded() -> int:
    """Return a number that has grown by one for each operation recorded in this thread."""
    with torch.enable_grad():
        return (torch.zeros((), requires_grad=True) * 1).grad_fn._sequence_nr()
