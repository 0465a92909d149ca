"""Run a learner's function on several inputs and say which one it misses."""

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import torch

from ..devices import device

LINE_LENGTH = 92
NOT_ANSWERED = (
    "Not answered yet: your function returned nothing. Write it, end it with return, "
    "and run both cells."
)


class Case(NamedTuple):
    """One input for the learner's function, in words and as a value, and what is right.

    ``left_behind``, where there is one, is called after a right answer. It looks at what
    the function did besides, and returns a sentence about it, None where that is right too.
    """

    words: str
    argument: object
    expected: object
    left_behind: Callable[[], str | None] | None = None


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check says. ``passed`` is None while the exercise is not answered."""

    passed: bool | None
    message: str

    def __repr__(self):
        return textwrap.fill(self.message, LINE_LENGTH, break_long_words=False)


def check(function: Callable, cases) -> Verdict:
    """Call ``function`` on each case until one fails.

    An answer of None or ``...`` for the first case counts as not answered yet. An
    error inside the learner's function is reported, never raised.
    """
    cases = list(cases)
    for count, case in enumerate(cases):
        try:
            came = function(case.argument)
            if count == 0 and (came is None or came is ...):
                return Verdict(None, NOT_ANSWERED)
            said = None if _same(came, case.expected) else _difference(came, case.expected)
            if not said and case.left_behind:
                said = case.left_behind()
        except Exception as error:  # the learner's own code and objects may raise anything
            said = f"your function raised {type(error).__name__}: {error}"
        if said:
            where = f"Case {count + 1} of {len(cases)}, {case.words}"
            return Verdict(False, f"Not yet. {where}: {said.rstrip('.')}.")
    return Verdict(True, f"Right, in all {len(cases)} cases.")


def check_recording(function: Callable, cases) -> Verdict:
    """Check a function of several arguments, each case's argument being their tuple.

    Recording is on meanwhile, and put back if the function switches it off.
    """
    with torch.enable_grad():
        return check(lambda arguments: function(*arguments), cases)


def tensor_of(values) -> torch.Tensor:
    """Return numbers as a tensor on the course's device."""
    return torch.tensor(values, device=device)


def leaf_of(values, grad=None) -> torch.Tensor:
    """Return numbers as a leaf that requires grad and holds ``grad``, where that is given."""
    leaf = tensor_of(values).requires_grad_()
    leaf.grad = None if grad is None else tensor_of(grad)
    return leaf


def _difference(came, expected) -> str:
    if isinstance(came, tuple) and isinstance(expected, list):  # either is accepted
        expected = tuple(expected)
    kinds = type(came).__name__, type(expected).__name__
    said = f"your function returned {came!r}; expected {expected!r}"
    return said if kinds[0] == kinds[1] else f"{said} (a {kinds[1]}, not a {kinds[0]})"


def _same(came, expected) -> bool:
    if isinstance(expected, float):
        is_number = isinstance(came, Real) and not isinstance(came, bool)
        return is_number and math.isclose(came, expected, rel_tol=1e-4, abs_tol=1e-6)
    if isinstance(expected, list):
        return (
            isinstance(came, (list, tuple))
            and len(came) == len(expected)
            and all(map(_same, came, expected))
        )
    return type(came) is type(expected) and came == expected
