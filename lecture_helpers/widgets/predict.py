"""A question before the cell that tells: the learner commits to an answer first."""

import math
from html import escape

from ..draw.text import values
from .live import Live

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
            self._input = ipywidgets.Text(placeholder="your number, then Enter")
        self._noted = ipywidgets.HTML("")
        self._input.observe(self._note, "value")
        asked = ipywidgets.HTML(f"<b>Predict.</b> {escape(question)}")
        self.widget = ipywidgets.VBox([asked, self._input, self._noted])

    @property
    def answer(self) -> str | None:
        """What the learner chose or wrote; None while there is no answer."""
        return (self._input.value or "").strip() or None

    def _note(self, _change):
        said = f"Noted: {escape(self.answer)}. Now run the next cell." if self.answer else ""
        self._noted.value = said

    def compare(self, computed) -> None:
        """Print the learner's answer beside what the computation gave.

        Args:
            computed: the value that the computation gave. Numbers agree when they
                differ by less than one part in a thousand, anything else when its
                text is the same.
        """
        truth = values(computed) if isinstance(computed, (list, float, complex)) else str(computed)
        if self.answer is None:
            print(NOT_ANSWERED)
        elif _same(self.answer, truth):
            print(f"You predicted {self.answer}. Right.")
        else:
            print(f"You predicted {self.answer}. The computation gives {truth}.")

    def to_text(self) -> str:
        """Return the question with its choices."""
        choices = "".join(f"\n  ( ) {choice}" for choice in self.choices)
        return f"Predict. {self.question}{choices}"


def _same(answer: str, truth: str) -> bool:
    try:
        return math.isclose(float(answer), float(truth), rel_tol=1e-3, abs_tol=1e-9)
    except ValueError:
        return "".join(answer.split()) == "".join(truth.split())


def predict(question: str, choices=()) -> Prediction:
    """Ask for a prediction: one of ``choices``, or a number where there are none.

    The answer stays in the kernel's memory. ``prediction.compare(value)`` in a later
    cell prints it beside what the computation gave.
    """
    return Prediction(question, choices)
