"""Which exercises there are: each check, under its exercise's number.

A module of checks registers its exercises when it is imported.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import torch

from ..progress import EXERCISE, in_order, lecture_of, progress

KINDS = ("predict", "compute", "repair", "picture")
EXERCISES = {}  # by number, in the order of registering; exercises_of() sorts
NUMBER = r"[0-9A-Z]\.\d+( [a-z])?"
PREFIX = "check_"
PACKAGE = __package__
RUNS_ITSELF = "__main__"  # the module of the package that must not be imported


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    number: such as ``"1.1 a"``; what stands before the space is its section.
    kind: one of ``KINDS``.
    check: takes the learner's answer and returns a ``Verdict``.
    answer: the name that the learner's answer has in the notebook.
    """

    number: str
    kind: str
    check: Callable
    answer: str

    @property
    def section(self) -> str:
        """The section that it belongs to, such as ``"1.1"``."""
        return self.number.partition(" ")[0]

    @property
    def lecture(self) -> str:
        """The lecture that it belongs to, such as ``"1"``."""
        return lecture_of(self.section)


def exercise(number: str, kind: str) -> Callable:
    """Register a check ``check_NAME(NAME)``, and keep each of its verdicts as progress.

    Recording is on while it runs, and put back afterwards.

    Raises:
        ValueError: the number is not one such as ``"1.1 a"``, another check has it, the
            kind is none of ``KINDS``, or the check's name does not begin with ``check_``.
    """
    if not re.fullmatch(NUMBER, number):
        raise ValueError(f'an exercise has the number {number!r}; write one such as "1.1 a"')
    if kind not in KINDS:
        raise ValueError(f"exercise {number} is of the kind {kind!r}; choose one of {KINDS}")

    def register(check):
        if not check.__name__.startswith(PREFIX):
            raise ValueError(
                f"exercise {number} is checked by {check.__name__}; "
                f"call it {PREFIX}NAME, where NAME is what the answer is called"
            )
        known = EXERCISES.get(number)
        if known and _place(known.check) != _place(check):
            raise ValueError(f"two exercises have the number {number}; give one another number")

        @functools.wraps(check)
        def checked(answer):
            with torch.enable_grad():  # the learner may have switched recording off
                verdict = check(answer)
            if verdict.passed is None:
                progress().meet(EXERCISE, one.section, number)
            else:
                progress().note(EXERCISE, one.section, number, verdict.passed)
            return verdict

        one = Exercise(number, kind, checked, check.__name__.removeprefix(PREFIX))
        EXERCISES[number] = one
        return checked

    return register


def exercises_of(where=None) -> list:
    """Return the exercises of a lecture or of a module of checks, in natural order.

    where: a lecture, ``"1"`` to ``"9"`` or a letter; or a module; without it all exercises
        of the course. For a module those whose checks it holds, imported ones included.
    """
    if where is None or isinstance(where, str):
        modules_of_checks()
        found = [one for one in EXERCISES.values() if where in (None, one.lecture)]
    else:
        held = {id(value) for value in vars(where).values()}
        found = [one for one in EXERCISES.values() if id(one.check) in held]
    return sorted(found, key=lambda one: in_order(one.number))


def modules_of_checks() -> dict:
    """Import every module of checks and return them by their names."""
    package = import_module(PACKAGE)
    names = [one.name for one in iter_modules(package.__path__) if not one.ispkg]
    return {name: import_module(f"{PACKAGE}.{name}") for name in names if name != RUNS_ITSELF}


def _place(check) -> tuple:
    return check.__module__, check.__qualname__
