"""A question before the cell that tells: the learner commits to an answer first."""

import asyncio
import textwrap
import time
from html import escape

from ..draw import is_text_only
from ..progress import PREDICTION, lecture_of, progress
from ..questions import Question, question_of
from .answering import STYLE, input_for
from .live import Live, button

LINE_LENGTH = 88
NOT_ANSWERED = "No prediction yet. Answer the question above; the verdict then appears there."
NOT_COMMITTED = "Not committed yet. Press Commit above; the verdict then appears there."
MARKS = {"several": "[ ]", "order": "  -"}
HOW = {"several": "Choose all that hold.", "order": "Put them in order."}
PRESS = {"order": "Press what comes first, then the next. Press again to take one back."}
IN_A_CELL = "  (to answer in a cell: the question's variable, then .commit(answer))"
LATE_SECONDS = 0.3
GREEN, RED, GREY = "21, 128, 61", "200, 60, 20", "111, 122, 140"
LOOKS = {True: (GREEN, "\N{HEAVY CHECK MARK}"), False: (RED, "\N{HEAVY BALLOT X}")}


class Prediction(Live):
    """A question and the learner's answer to it: what ``predict`` returns.

    answer: what the learner committed to; None while there is no answer. Text, or for
        several choices and for an order a tuple of them.
    """

    def __init__(self, question: Question):
        import ipywidgets

        self.question = question
        self.answer = None
        self._outcome, self._tempting = None, {}  # of the computation, once there is one
        self._judgement = None
        self._changed_at = 0.0
        self._input = input_for(question, self._draft_changed, self._commit_soon)
        self._said = ipywidgets.HTML()
        self._commit = button("Commit", self._commit_soon)
        self._again = button("Change", self._change)
        words = f"<b>Predict.</b> {escape(question.words)} {(HOW | PRESS).get(question.kind, '')}"
        words = f'<div style="white-space: pre-line; line-height: 1.5">{words.strip()}</div>'
        asked = ipywidgets.HTML(f"{STYLE}{words}")
        buttons = ipywidgets.HBox([self._commit, self._again])
        self.widget = ipywidgets.VBox([asked, self._input.widget, buttons, self._said])
        self._restore()
        if question.section:
            progress().watch(self)
        self._redraw()

    def _record(self):
        """Return what was answered to this question before; None for one that is not kept."""
        section, words = self.question.section, self.question.words
        return progress().meet(PREDICTION, section, words) if section else None

    def _note(self, right):
        """Keep the answer, and whether it was right (None: not judged yet)."""
        section, words = self.question.section, self.question.words
        if section:
            progress().note(PREDICTION, section, words, right, self.answer)

    def _restore(self):
        """Take up the answer of an earlier session or run, if it still is one."""
        record = self._record()
        if record and record.answer is not None:
            try:
                self.answer = self.question.answer_of(record.answer)
            except ValueError:
                return
            self._input.show(self.answer)

    def commit(self, answer) -> None:
        """Answer the question in a cell, as its button does, and print what comes of it.

        Args:
            answer: a number, one choice, or for several choices and for an order a list.

        What is no answer is said, and nothing is committed.
        """
        print(textwrap.fill(self._try_to_commit(answer), LINE_LENGTH))

    def _try_to_commit(self, answer) -> str:
        try:
            self.answer = self.question.answer_of(answer)
        except ValueError as error:
            self._said.value = _noted(str(error))
            return str(error)
        self._judgement = None
        self._input.show(self.answer)
        if self._outcome:
            self._judge()
        else:
            self._note(None)
        self._redraw()
        return self._words()

    def _commit_soon(self):
        """Commit what stands in the input, once it surely stands there.

        A front end sends a click or Enter at once. A text that was typed just before, it may
        hold back until the kernel has answered to an earlier one.
        """

        def commit():
            if self._input.draft is not None:
                self._try_to_commit(self._input.draft)

        try:
            is_fresh = time.monotonic() - self._changed_at < LATE_SECONDS
            loop = asyncio.get_running_loop() if is_fresh else None
        except RuntimeError:  # no kernel, so nothing is on its way
            loop = None
        if loop:
            loop.call_later(LATE_SECONDS, commit)
        else:
            commit()

    def _change(self):
        """Open the question again: to change an answer, or after a verdict to try another."""
        if self._judgement:
            self._input.clear()
        self.answer = self._judgement = None
        self._redraw()

    def on_progress(self, lecture, forgotten) -> None:
        """Empty the question where the learner has reset the lecture."""
        if forgotten and lecture_of(self.question.section) == lecture:
            self.answer = self._judgement = None
            self._input.clear()
            self._redraw()

    def compare(self, computed, tempting=None) -> None:
        """Print the learner's answer beside what the computation gave.

        Args:
            computed: what the computation gave: a number, a list of numbers, a tensor, None
                or text. A whole number must be met, any other to one part in a thousand.
                A choice is right when it reads as the value prints. For several choices,
                those that hold; for an order, the choices in their order; for the kind
                ``"raises"``, the error or its class, None where nothing raised.
            tempting: a sentence for each wrong answer that tempts, ``{answer: sentence}``:
                for several choices ``{choice: sentence}``, said where that choice is wrongly
                chosen or left out; for an order, where it stands in the first wrong place.

        Where the learner answers later, the verdict appears below the question. A value
        that is none of the possible answers is told, and the answer does not count.

        Raises:
            ValueError: a key of ``tempting`` is none of the possible answers.
        """
        self._tempting = dict(tempting or {})
        self.question.refuse_strange(self._tempting)
        self._outcome = self.question.outcome_of(computed)
        if self.answer is None:
            print(NOT_ANSWERED if self._input.draft is None else NOT_COMMITTED)
            return
        self._judge()
        self._redraw()
        print(textwrap.fill(self._words(), LINE_LENGTH))

    def _judge(self):
        """Judge the answer and note it, unless this very answer was judged before."""
        self._judgement = self.question.judge(self.answer, self._outcome, self._tempting)
        before = self._record()
        was_judged = before and before.judged and before.answer == self.answer
        if not was_judged:
            self._note(self._judgement.right)

    def _draft_changed(self):
        self._changed_at = time.monotonic()
        if self.answer is None:
            self._redraw()

    def _redraw(self):
        is_open = self.answer is None
        self._input.disable(not is_open)
        self._commit.disabled = self._input.draft is None
        # Grey while it waits: a dark theme's words on the faded colour are hard to read.
        self._commit.button_style = "" if self._commit.disabled else "primary"
        self._commit.layout.display = "" if is_open else "none"
        self._again.layout.display = "none" if is_open else ""
        self._again.description = "Try again" if self._judgement else "Change"
        right = self._judgement.right if self._judgement else None
        self._said.value = "" if is_open else _noted(self._words(), right)

    def _words(self) -> str:
        """Return what is said of the answer."""
        if self._judgement:
            return self._judgement.words
        return f"Committed: {self.question.in_words(self.answer)}. Now run the cells below."

    def to_text(self) -> str:
        """Return the question with its choices."""
        question = self.question
        words = f"Predict. {question.words} {HOW.get(question.kind, '')}".rstrip()
        mark = MARKS.get(question.kind, "( )")
        lines = [textwrap.fill(line, LINE_LENGTH) for line in words.splitlines()]
        lines += [f"  {mark} {choice}" for choice in question.choices]
        return "\n".join([*lines, IN_A_CELL] if is_text_only() else lines)


def _noted(words, right=None) -> str:
    """Return a note below a question, told apart by its mark and its words, not by colour alone."""
    colour, mark = LOOKS.get(right, (GREY, ""))
    return (
        f'<div role="status" data-right="{right}" style="border-left: 4px solid rgb({colour}); '
        f"background: rgba({colour}, 0.12); padding: 4px 10px; line-height: 1.5; "
        f'max-width: 60em">{mark and f"<b>{mark}</b> "}{escape(words)}</div>'
    )


def predict(question: str, choices=(), *, kind: str | None = None, section: str = "") -> Prediction:
    """Ask for a prediction: one of ``choices``, or a number where there are none.

    Args:
        question: the words of the question.
        choices: what may be chosen, each shown as it prints.
        kind: ``"several"``: any number of the choices may hold, or none of them.
            ``"order"``: the choices are put in order. ``"true or false"`` and ``"raises"``
            bring their own choices, the second one the errors that a line may raise and
            "it runs". Without a kind, one choice or a number.
        section: the section of the lecture, such as ``"2.2"``. With it the answer is kept,
            and counted by ``show_progress("2")``.

    ``prediction.compare(value)`` in a later cell gives the verdict.

    Raises:
        ValueError: the kind is none of these, or the choices or the section do not fit.
    """
    return Prediction(question_of(question, choices, kind, section))
