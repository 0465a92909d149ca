"""Questions and what counts as a right answer. Data only: no widget, no drawing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .brief import values
from .typed import number_in, plain, same_number

RUNS = "it runs"
ERRORS = ("RuntimeError", "TypeError", "ValueError", "IndexError", "AttributeError")
CHOICES = {  # what may be chosen where the question gives no choices
    "number": (),
    "true or false": ("True", "False"),
    "raises": (RUNS, *ERRORS),
}
KINDS = ("number", "choice", "several", "order", "true or false", "raises")
NONE = "none of them"  # what the kind "several" offers besides its choices
THEN = ", then "
SECTION = re.compile(r"\w+\.\w+")
GIVES, STRANGE = "The computation gives", ", which is none of the choices"
LONGEST = 200  # characters of a value that is none of the choices
NOT_COUNTED = "So this prediction does not count."


class Judgement(NamedTuple):
    """Whether an answer is right, and the sentences that say so.

    right: None where what the computation gave fits none of the possible answers.
    """

    right: bool | None
    words: str


class Outcome(NamedTuple):
    """What a computation gave.

    answer: the answer that would be right, None where there is none.
    words: a sentence that tells it.
    value: for a question for a number, the number or the list of numbers.
    """

    answer: str | tuple | None
    words: str
    value: object = None


@dataclass(frozen=True)
class Question:
    """One question: its words, its choices, its kind (one of ``KINDS``) and its section.

    An answer is text, or for the kinds ``"several"`` and ``"order"`` a tuple of choices.
    """

    words: str
    choices: tuple
    kind: str
    section: str = ""

    @property
    def takes_many(self) -> bool:
        """Whether an answer is made of several choices."""
        return self.kind in ("several", "order")

    def answer_of(self, given):
        """Return what the learner gave as an answer.

        Raises:
            ValueError: it is none: no number, no choice, or not every choice put in order.
        """
        if self.kind == "number":
            return _number_of(given)
        if not self.takes_many:
            return self._choice_of(given)
        chosen = _parts_of(given)
        if self.kind == "several":
            chosen = () if chosen == [NONE] else {self._choice_of(one) for one in chosen}
            return tuple(choice for choice in self.choices if choice in chosen)
        chosen = tuple(self._choice_of(one) for one in chosen)
        if sorted(chosen) != sorted(self.choices):
            raise ValueError("Put each choice in its place once.")
        return chosen

    def _choice_of(self, given) -> str:
        choice = self._as_choice(given)
        if choice is None:
            known = ", ".join(self.choices)
            raise ValueError(f"{_cut(values(plain(given)))} is not one of the choices: {known}.")
        return choice

    def _as_choice(self, given) -> str | None:
        """Return the choice that a value stands for, None where it is none of them.

        A choice stands for what prints like it. Where none does, one that alone is the same
        number does, since another device may round the last digit differently.
        """
        if self.kind == "raises":
            names = _names_of_error(given)
            return next((name for name in names if name in self.choices), None)
        given = plain(given)
        for printed in (str(given).strip(), values(given)):
            if printed in self.choices:
                return printed
        if _is_text(given):
            return None
        alike = [one for one in self.choices if same_number(number_in(one), given)]
        return alike[0] if len(alike) == 1 else None

    def in_words(self, answer) -> str:
        """Return an answer as a sentence says it."""
        if self.kind == "order":
            return THEN.join(answer)
        if self.kind == "several":
            return ("; " if "," in "".join(self.choices) else ", ").join(answer) or NONE
        return f"that {RUNS}" if answer == RUNS else _quoted(answer)

    def outcome_of(self, computed) -> Outcome:
        """Return what a computation gave. Nothing of ``computed`` itself is kept.

        It never raises: what fits no answer is told in the outcome's words.
        """
        try:
            return self._outcome_of(computed)
        except Exception:  # a learner's own object may raise whatever is asked of it
            kind = type(computed).__name__
            return Outcome(None, f"{GIVES} a {kind}, which cannot be compared.")

    def _outcome_of(self, computed) -> Outcome:
        if self.takes_many:
            return self._outcome_of_many(_parts_of(computed))
        if self.kind == "number":
            value = plain(computed)
            words = f"{GIVES} {_cut(values(value))}"
            if value is None or same_number(value, value):
                return Outcome(values(value), f"{words}.", value)
            return Outcome(None, f"{words}, which is not a number.")
        choice = self._as_choice(computed)
        if self.kind == "raises":
            words = _raised_words(_names_of_error(computed)[0], choice)
        else:
            words = f"{GIVES} {_cut(_quoted(choice) if choice else values(plain(computed)))}"
        return Outcome(choice, f"{words}{'' if choice else STRANGE}.")

    def _outcome_of_many(self, parts) -> Outcome:
        chosen = tuple(self._as_choice(one) for one in parts)
        if None in chosen:
            stranger = _cut(values(plain(parts[chosen.index(None)])))
            return Outcome(None, f"{GIVES} {stranger}{STRANGE}.")
        if self.kind == "several":
            chosen = tuple(choice for choice in self.choices if choice in chosen)
        elif sorted(chosen) != sorted(self.choices):
            return Outcome(None, f"{GIVES} {self.in_words(chosen)}, and not each choice once.")
        return Outcome(chosen, f"{GIVES} {self.in_words(chosen)}.")

    def judge(self, answer, outcome: Outcome, tempting=None) -> Judgement:
        """Compare an answer with what the computation gave.

        tempting: sentences that explain wrong answers, see ``Prediction.compare``.
        """
        said = f"You predicted {self.in_words(answer)}."
        if outcome.answer is None:
            return Judgement(None, f"{said} {outcome.words} {NOT_COUNTED}")
        if answer == outcome.answer or same_number(number_in(answer), outcome.value):
            return Judgement(True, f"{said} Right.")
        why = self._why(answer, outcome.answer, tempting or {})
        return Judgement(False, " ".join([said, "Not right.", outcome.words, *why]))

    def _why(self, answer, truth, tempting) -> list:
        """Return the sentences that explain a wrong answer: for several choices at most two,
        those wrongly chosen before those left out, else one or none."""
        if self.kind == "number":
            given = number_in(answer)
            found = [key for key in tempting if same_number(given, number_in(values(plain(key))))]
            return [tempting[key] for key in found[:1]]
        if self.kind == "several":
            wrong = [choice for choice in answer if choice not in truth] or [NONE][bool(answer) :]
            wrong += [choice for choice in truth if choice not in answer]
        elif self.kind == "order":
            wrong = [mine for mine, right in zip(answer, truth) if mine != right][:1]
        else:
            wrong = [answer]
        explained = {
            NONE if key == NONE else self._as_choice(key): why for key, why in tempting.items()
        }
        most = 2 if self.kind == "several" and answer else 1
        return [explained[choice] for choice in wrong if choice in explained][:most]

    def refuse_strange(self, tempting) -> None:
        """Raise where a sentence explains an answer that nobody can give.

        Raises:
            ValueError: a key of ``tempting`` is no number, or none of the choices.
        """
        for key in tempting:
            try:
                if self.kind == "number":
                    _number_of(key)
                elif not (self.kind == "several" and key == NONE):
                    self._choice_of(key)
            except ValueError as error:
                raise ValueError(f"compare was given a tempting answer: {error}") from None


def question_of(words, choices=(), kind=None, section="") -> Question:
    """Return a question; ``predict`` says what its arguments mean and what is refused."""
    choices = tuple(values(plain(choice)).strip() for choice in choices)
    kind = kind or ("choice" if choices else "number")
    if kind not in KINDS:
        known = ", ".join(repr(kind) for kind in KINDS)
        raise ValueError(f"predict was given the kind {kind!r}; choose one of {known}")
    if kind in ("number", "true or false") and choices:
        raise ValueError(
            f"predict was given choices for the kind {kind!r}; leave out the choices or the kind"
        )
    choices = choices or CHOICES.get(kind, ())
    if kind != "number" and (len(choices) < 2 or len(set(choices)) < len(choices)):
        raise ValueError(
            f"predict was given the choices {choices}; give two or more, all different"
        )
    if kind == "several" and NONE in choices:
        raise ValueError(f"predict was given the choice {NONE!r}; leave it out, it is added")
    if section and not (_is_text(section) and SECTION.fullmatch(section)):
        raise ValueError(f"predict was given the section {section!r}; give one such as '2.2'")
    return Question(str(words), choices, kind, section)


def _number_of(given) -> str:
    """Return a number, a list of numbers or None as its text; raise for anything else."""
    answer = given if _is_text(given) else values(plain(given))
    answer = answer.strip().replace("\N{MINUS SIGN}", "-")
    if answer != "None" and number_in(answer) is None:
        raise ValueError(f"{_cut(answer)} is not a number. Type one such as 4.5.")
    return answer


def _parts_of(given) -> list:
    """Return the parts of a list, a set or a tensor; anything else is one part.

    A dict is one part too: its keys alone do not say which of them hold.
    """
    given = plain(given)
    is_whole = _is_text(given) or isinstance(given, Mapping) or not isinstance(given, Iterable)
    return [given] if is_whole else list(given)


def _names_of_error(raised) -> list:
    """Return the names of an error's class and of those above it; None is ``"it runs"``."""
    if raised is None:
        return [RUNS]
    if isinstance(raised, BaseException):
        raised = type(raised)
    return [one.__name__ for one in raised.__mro__] if isinstance(raised, type) else [str(raised)]


def _raised_words(name, choice) -> str:
    if name == RUNS:
        return "The computation runs"
    above = f", a kind of {choice}" if choice not in (None, name) else ""
    return f"The computation raises {_cut(name)}{above}"


def _quoted(choice: str) -> str:
    """Return a choice in quotes where it is made of words, so that a sentence can hold it."""
    return f'"{choice}"' if re.search("[a-z]{2} ", choice) else choice


def _is_text(given) -> bool:
    return isinstance(given, str)


def _cut(words) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
