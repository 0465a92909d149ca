"""A question before the cell that tells: the learner commits to an answer first."""

import ast
import cmath
import textwrap
from html import escape

import torch

from ..draw.words import values
from .live import Live

LINE_LENGTH = 88
NUMBERS = (int, float, complex)
NO_NUMBER = "is not a number. Type one such as 4.5."
NOT_ANSWERED = "No prediction yet. Answer the question above, then run this cell again."


class Prediction(Live):
    """A question and the learner's answer to it: what ``predict`` returns."""

    def __init__(self, question: str, choices=()):
        import ipywidgets

        self.question = question
        self.choices = tuple(str(choice) for choice in choices)
        if self.choices:
            self._input = ipywidgets.RadioButtons(
                options=self.choices, value=None, layout=ipywidgets.Layout(width="auto")
            )
        else:
            self._input = ipywidgets.Text(placeholder="one number, such as 4.5")
        self._noted = ipywidgets.HTML("")
        self._input.observe(self._note, "value")
        asked = ipywidgets.HTML(f"<b>Predict.</b> {escape(question)}")
        self.widget = ipywidgets.VBox([asked, self._input, self._noted])

    @property
    def answer(self) -> str | None:
        """What the learner chose or wrote; None while there is no answer."""
        return (self._input.value or "").strip() or None

    def _note(self, _change):
        said = ""
        if self._is_no_number():
            said = escape(f"{self.answer} {NO_NUMBER}")
        elif self.answer:
            said = f"Noted: {escape(self.answer)}. Now run the cells below."
        self._noted.value = said

    def _is_no_number(self) -> bool:
        """Return whether the learner wrote something else where a number is asked for."""
        if self.choices or self.answer is None:
            return False
        return not isinstance(_value(self.answer), NUMBERS)

    def compare(self, computed) -> None:
        """Print the learner's answer beside what the computation gave.

        Args:
            computed: the value that the computation gave: a number, a list of numbers,
                a tensor, None or text. Numbers agree when they differ by less than one
                part in a thousand. A choice is right when it reads as the value prints.
        """
        truth = computed.tolist() if isinstance(computed, torch.Tensor) else computed
        words = values(truth) if isinstance(truth, (list, float, complex)) else str(truth)
        if self.answer is None:
            print(NOT_ANSWERED)
        elif isinstance(truth, NUMBERS) and self._is_no_number():
            print(f"{self.answer} {NO_NUMBER}")
        elif self.answer == words or (not self.choices and _same(_value(self.answer), truth)):
            print(f"You predicted {self.answer}. Right.")
        else:
            print(f"You predicted {self.answer}. The computation gives {words}.")

    def to_text(self) -> str:
        """Return the question with its choices."""
        choices = "".join(f"\n  ( ) {choice}" for choice in self.choices)
        return textwrap.fill(f"Predict. {self.question}", LINE_LENGTH) + choices


def _value(words: str):
    """Return the number or list that a learner typed, else the text itself."""
    try:
        return ast.literal_eval(words)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    try:
        return float(words)  # nan and inf
    except ValueError:
        return words


def _same(answer, truth) -> bool:
    if isinstance(answer, (list, tuple)) and isinstance(truth, (list, tuple)):
        return len(answer) == len(truth) and all(map(_same, answer, truth))
    if not (isinstance(answer, NUMBERS) and isinstance(truth, NUMBERS)):
        return answer == truth
    if answer != answer or truth != truth:
        return answer != answer and truth != truth
    try:
        return cmath.isclose(answer, truth, rel_tol=1e-3, abs_tol=1e-9)
    except OverflowError:  # an integer beyond every float
        return answer == truth


def predict(question: str, choices=()) -> Prediction:
    """Ask for a prediction: one of ``choices``, or a number where there are none.

    The answer stays in the kernel's memory. ``prediction.compare(value)`` in a later
    cell prints it beside what the computation gave.
    """
    return Prediction(question, choices)
