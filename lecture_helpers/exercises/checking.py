"""Run a learner's function on several inputs and say which one it misses."""

import inspect
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from numbers import Real
from typing import NamedTuple

import torch

from ..brief import brief
from ..compare import compared
from ..devices import device
from ..errors import told
from ..graph import collect
from ..shown import Shown

LINE_LENGTH = 92
NOT_ANSWERED = (
    "Not answered yet: your function returned nothing. Write it, end it with return, "
    "and run both cells."
)
NOT_SORTED = (
    "Not answered yet: write your answer in the place of each ... above, and run both cells."
)
KEEP_THE_NAMES = (
    "keep the names on the left of the colons as they were, and write your answer on the right "
    "of each"
)
YOURS, EXPECTED = "yours", "expected"  # what a picture calls the two graphs
_MISSING = object()
PLACED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


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
    """What a check says. ``passed`` is None while the exercise is not answered.

    shown: a picture that stands below the words, such as two graphs side by side.
    """

    passed: bool | None
    message: str
    shown: Shown | None = None

    def __repr__(self):
        words = textwrap.fill(self.message, LINE_LENGTH, break_long_words=False)
        return f"{words}\n{self.shown}" if self.shown else words

    def _repr_mimebundle_(self, include=None, exclude=None):
        from ..draw import HTML, is_text_only
        from ..draw.page import html_of

        words = {"text/plain": repr(self)}
        if self.shown is None or is_text_only():
            return words
        return words | {HTML: f"<p>{escape(self.message)}</p>\n{html_of(self.shown)}"}


def check(function: Callable, cases, differs: Callable | None = None) -> Verdict:
    """Call ``function`` on each case until one fails.

    An answer of None or ``...`` for the first case counts as not answered yet. An
    error inside the learner's function is reported, never raised.

    differs: ``differs(came, expected)`` returns a sentence where an answer is wrong, None
        where it is right; without it the two are compared as values.
    """
    cases, differs = list(cases), differs or _differs
    for count, case in enumerate(cases):
        try:
            came = function(case.argument)
            if count == 0 and (came is None or came is ...):
                return Verdict(None, NOT_ANSWERED)
            said = differs(came, case.expected)
            if not said and case.left_behind:
                said = case.left_behind()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the learner's own code and objects may raise anything
            said = f"your function raised {told(error)}"
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


def check_drawn(function: Callable, cases) -> Verdict:
    """Check that a function of several arguments records the expected graph, value included.

    Each case's argument is a tuple, its ``expected`` the tensor that a right answer returns,
    computed from the very same arguments. Where the graphs differ, the verdict shows both,
    the arguments named as the learner's function names them. Recording is on meanwhile.
    No backward runs.
    """
    found = []  # the comparisons so far

    def differs(came, case):
        if not isinstance(came, torch.Tensor):
            return f"your function returned {type(came).__name__}; expected a tensor"
        names = _names_of(function, case.argument)
        graphs = [
            collect((tensor,), {}, (names | {name: tensor},))
            for name, tensor in ((YOURS, came), (EXPECTED, case.expected))
        ]
        found.append(compared(*graphs, called=(YOURS, EXPECTED)))
        if not found[-1].same:
            return f"another graph was expected; {found[-1].to_text().splitlines()[0]}"
        if _same(came.tolist(), case.expected.tolist()):
            return None
        value, right = brief(came), brief(case.expected)
        return f"the graph is right, but its value is {value}; expected {right}"

    with torch.enable_grad():
        verdict = check(
            lambda case: function(*case.argument),
            [Case(case.words, case, case, case.left_behind) for case in cases],
            differs,
        )
    unlike = found and not found[-1].same
    return replace(verdict, shown=found[-1]) if unlike else verdict


def _names_of(function, arguments) -> dict:
    """Return the arguments under the names that the function gives them, as far as it tells."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function written in C, or an object that tells none
        return {}
    return {one.name: given for one, given in zip(parameters, arguments) if one.kind in PLACED}


def check_sorting(answers, outcomes, words=()) -> Verdict:
    """Check a sorting: for each thing, the learner's word beside what really happens.

    Upper and lower case and spaces around a word are alike. While all answers so far are right
    and some are missing, the exercise is not answered.

    Args:
        answers: the learner's dict, ``...`` where nothing is answered yet.
        outcomes: ``{thing: what happens}``, computed by the check.
        words: words that the card allows beside those that happen.
    """
    return check_dict(answers, lambda: _sorted(answers, outcomes, words))


def check_dict(answers, judge: Callable[[], Verdict]) -> Verdict:
    """Return the verdict of ``judge()``, which reads the dict ``answers``.

    What is no dict is told, and so is what the learner's own objects raise.
    """
    try:
        if answers is None or answers is ...:
            return Verdict(None, NOT_SORTED)
        if not isinstance(answers, dict):
            kind = type(answers).__name__
            return Verdict(False, f"Not yet. {kind} came; expected the dict above.")
        return judge()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the learner's own objects may raise anything
        return Verdict(False, f"Not yet. Reading your answer raised {told(error)}.")


def _sorted(answers, outcomes, words) -> Verdict:
    strange = [thing for thing in answers if thing not in outcomes]
    if strange:
        return Verdict(False, f"Not yet. {strange[0]!r} is none of the cases; {KEEP_THE_NAMES}.")
    given = {thing: answers.get(thing, _MISSING) for thing in outcomes}
    if all(word is ... for word in given.values()):
        return Verdict(None, NOT_SORTED)
    wrong = [thing for thing, happens in outcomes.items() if not _same_word(given[thing], happens)]
    if not wrong:
        return Verdict(True, f"Right, in all {len(outcomes)} cases.")
    where = f"Case {list(outcomes).index(wrong[0]) + 1} of {len(outcomes)}, {wrong[0]}"
    said = _about_word(given[wrong[0]], {*outcomes.values(), *words})
    count = f"{len(outcomes) - len(wrong)} of {len(outcomes)}"
    if all(given[thing] is ... for thing in wrong):
        return Verdict(None, f"Right so far: {count}. {where}: {said}.")
    return Verdict(False, f"Not yet. {where}: {said}. {count} are right.")


def _about_word(given, words) -> str:
    """Return what is wrong with the answer to one case, never what is right."""
    if given is _MISSING:
        return f"it is gone from your answer; {KEEP_THE_NAMES}"
    if given is ...:
        return "it is not answered yet"
    if any(_same_word(given, word) for word in words):
        return f"you wrote {given!r}, and that is not what happens"
    return f"you wrote {given!r}; expected one of {', '.join(map(repr, sorted(words, key=str)))}"


def _same_word(given, word) -> bool:
    if isinstance(given, str) and isinstance(word, str):
        return " ".join(given.lower().split()) == " ".join(word.lower().split())
    return type(given) is type(word) and given == word


def tensor_of(values) -> torch.Tensor:
    """Return numbers as a tensor on the course's device."""
    return torch.tensor(values, device=device)


def leaf_of(values, grad=None) -> torch.Tensor:
    """Return numbers as a leaf that requires grad and holds ``grad``, where that is given."""
    leaf = tensor_of(values).requires_grad_()
    leaf.grad = None if grad is None else tensor_of(grad)
    return leaf


def _differs(came, expected) -> str | None:
    if _same(came, expected):
        return None
    if isinstance(came, tuple) and isinstance(expected, list):  # either is accepted
        expected = tuple(expected)
    kinds = type(came).__name__, type(expected).__name__
    said = f"your function returned {came!r}; expected {expected!r}"
    if kinds[0] == kinds[1]:
        return said
    wanted, given = (
        f"an {kind}" if kind[0] in "aeiou" else f"a {kind}" for kind in reversed(kinds)
    )
    return f"{said} ({wanted}, not {given})"


def _same(came, expected) -> bool:
    if isinstance(expected, float):
        return is_near(came, expected, rel_tol=1e-4, abs_tol=1e-6)
    if isinstance(expected, list):
        return (
            isinstance(came, (list, tuple))
            and len(came) == len(expected)
            and all(map(_same, came, expected))
        )
    return type(came) is type(expected) and came == expected


def is_near(came, expected, **tolerances) -> bool:
    """Return whether this is a real number, and ``math.isclose`` to the expected one."""
    is_number = isinstance(came, Real) and not isinstance(came, bool)
    return is_number and math.isclose(came, expected, **tolerances)
