"""Run a learner's function on several inputs and say which one it misses."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch


class Case(NamedTuple):
    """One input for the learner's function, in words and as a value, and what is right."""

    words: str
    argument: object
    expected: object


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check says. ``passed`` is None while the exercise is not answered."""

    passed: bool | None
    message: str

    def __repr__(self):
        return self.message


def check(function: Callable, cases) -> Verdict:
    """Call ``function`` on each case until one fails.

    An answer of None or ``...`` for the first case counts as not answered yet. An
    error inside the learner's function is reported, never raised.
    """
    cases = list(cases)
    for count, case in enumerate(cases):
        try:
            came = function(case.argument)
        except Exception as error:  # the learner's own code may raise anything
            came = error
        if count == 0 and (came is None or came is ...):
            return Verdict(None, "Not answered yet. Fill in the function above and run both cells.")
        if isinstance(came, Exception):
            said = f"your function raised {type(came).__name__}: {came}"
        elif not _same(came, case.expected):
            said = f"your function returned {came!r}; expected {case.expected!r}"
        else:
            continue
        return Verdict(False, f"Not yet. Case {count + 1} of {len(cases)}, {case.words}: {said}.")
    return Verdict(True, f"Right, in all {len(cases)} cases.")


def _same(came, expected) -> bool:
    if isinstance(came, torch.Tensor):
        came = came.tolist()
    if isinstance(expected, float):
        is_number = isinstance(came, (int, float)) and not isinstance(came, bool)
        return is_number and math.isclose(came, expected, rel_tol=1e-4, abs_tol=1e-6)
    if isinstance(expected, list):
        return (
            isinstance(came, (list, tuple))
            and len(came) == len(expected)
            and all(_same(a, b) for a, b in zip(came, expected))
        )
    return type(came) is type(expected) and came == expected
