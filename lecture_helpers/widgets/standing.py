"""Where the learner stands: the summary at the end of a lecture, with a reset."""

import re
from html import escape

from ..draw.page import framed
from ..draw.table import LEFT, aligned, html_cell
from ..draw.words import number_of
from ..progress import EXERCISE, progress
from .live import Live, button

HEADINGS = ("section", "predictions right", "right later", "exercises solved", "still to do")
NOTHING_MET = "Nothing was asked yet. Run the cells of the lecture first."
SURE = "This deletes all your answers to lecture {lecture}."


class LectureProgress(Live):
    """What was answered in one lecture: what ``show_progress`` returns. It follows each answer.

    lecture: such as ``"2"``.
    """

    def __init__(self, lecture: str):
        import ipywidgets

        from ..exercises.registry import exercises_of

        self.lecture = lecture
        self._page = ipywidgets.HTML()
        self._sure = ipywidgets.HTML(escape(SURE.format(lecture=lecture)))
        self._reset = button("Start over", lambda: self._ask(True))
        self._yes = button("Yes, forget my answers", self._forget, "danger")
        self._no = button("No, keep them", lambda: self._ask(False))
        row = ipywidgets.HBox(
            [self._reset, self._sure, self._yes, self._no],
            layout=ipywidgets.Layout(flex_flow="row wrap"),
        )
        self.widget = ipywidgets.VBox([self._page, row])
        for one in exercises_of(lecture):
            progress().meet(EXERCISE, one.section, one.number)
        progress().watch(self)
        self._ask(False)
        self._redraw()

    @property
    def sections(self) -> list:
        """A ``Standing`` for each section."""
        return progress().standing(self.lecture)

    @property
    def sentence(self) -> str:
        """All of it in a sentence or two."""
        return sentence_of(self.sections)

    def _ask(self, asking):
        self._reset.layout.display = "none" if asking else ""
        for shown in (self._sure, self._yes, self._no):
            shown.layout.display = "" if asking else "none"

    def _forget(self):
        progress().forget(self.lecture)
        self._ask(False)

    def on_progress(self, lecture, forgotten) -> None:
        """Draw again after an answer in this lecture."""
        if lecture == self.lecture:
            self._redraw()

    def _redraw(self):
        sections = self.sections
        head = "".join(f'<th scope="col"{LEFT}>{escape(heading)}</th>' for heading in HEADINGS)
        body = "".join(
            f"<tr>{''.join(html_cell(cell, LEFT) for cell in row)}</tr>"
            for row in map(_row, sections)
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        parts = [f"<p><b>{escape(sentence_of(sections))}</b></p>"]
        parts += [table] if sections else []
        parts += [f"<p>{escape(self._where_kept())}</p>"]
        self._page.value = "".join(map(framed, parts))  # in one frame the table is centred

    def _where_kept(self) -> str:
        place = progress().place_of(self.lecture)
        if place is None:
            return "Your answers are kept until this kernel stops."
        return f"Your answers are kept in {place}, where this notebook runs, and sent nowhere."

    def to_text(self) -> str:
        """Return the sentence and the table as text."""
        sections = self.sections
        rows = aligned([HEADINGS, *map(_row, sections)]) if sections else []
        return "\n".join([sentence_of(sections), *rows])


def _row(section) -> tuple:
    """Return the cells of one section, empty where there is nothing to tell."""
    return (
        section.section,
        f"{section.right} of {section.asked}" if section.asked else "",
        str(section.later or ""),
        f"{section.solved} of {section.exercises}" if section.exercises else "",
        "; ".join(_to_do(section)),
    )


def _to_do(section) -> list:
    again = [number_of(section.wrong, "prediction")] * bool(section.wrong)
    left = [number_of(section.open, "prediction")] * bool(section.open)
    again += _exercises(section, section.failing)
    left += _exercises(section, section.untried)
    said = [f"look again at {' and '.join(again)}"] if again else []
    return [*said, f"open: {' and '.join(left)}"] if left else said


def _exercises(section, numbers) -> list:
    """Return exercises in words, "exercises a, c", in a list of one or none."""
    letters = [number.removeprefix(section.section).strip() for number in numbers]
    return [f"exercise{'s' * (len(letters) > 1)} {', '.join(letters)}"] if letters else []


def sentence_of(sections: list) -> str:
    """Return what a list of ``Standing`` says, in one or two sentences."""
    if not sections:
        return NOTHING_MET
    asked, right, later, open_ = (
        sum(getattr(one, name) for one in sections) for name in ("asked", "right", "later", "open")
    )
    exercises, solved = (
        sum(getattr(one, name) for one in sections) for name in ("exercises", "solved")
    )
    tried = [one.section for one in sections if one.wrong or one.failing]
    if open_ == asked and not solved and not tried:
        waiting = [number_of(asked, "prediction")] * bool(asked)
        waiting += [number_of(exercises, "exercise")] * bool(exercises)
        return f"Nothing answered yet: {' and '.join(waiting)} to go."
    said = []
    if asked:
        words = f"{_share(right, asked, 'prediction')} right"
        words += f", {later} more at a later try" if later else ""
        said.append(words + (f", {open_} still open" if open_ else ""))
    if exercises:
        said.append(f"{_share(solved, exercises, 'exercise')} solved")
    words = f"{'; '.join(said)}."
    words = words[0].upper() + words[1:]
    return f"{words} Look again at {_listed(tried)}." if tried else words


def _share(part, whole, noun) -> str:
    every = number_of(whole, noun)
    return f"all {every}" if part == whole > 1 else f"{part} of {every}"


def _listed(names) -> str:
    """Return names as a sentence lists them: "2.1, 2.2 and 2.3"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def show_progress(lecture: str) -> LectureProgress:
    """Show how many predictions of a lecture were right and which sections to look at again.

    Args:
        lecture: such as ``"2"``, the part of a section's number before the dot.

    What counts is the first answer to each question. The summary follows each answer that is
    given after it was shown, and its button forgets the answers, once it was asked again.
    The answers stay where the notebook runs, see ``progress.py``.

    Raises:
        ValueError: ``lecture`` is something else, such as a section.
    """
    return LectureProgress(_lecture(lecture, "show_progress"))


def reset_progress(lecture: str) -> None:
    """Forget every answer that was given in a lecture, on disk too, and empty its questions.

    Raises:
        ValueError: ``lecture`` is something else, such as a section.
    """
    progress().forget(_lecture(lecture, "reset_progress"))


def _lecture(given, function) -> str:
    if re.fullmatch(r"\w+", str(given)):
        return str(given)
    raise ValueError(
        f"{function} was given {given!r}; give a lecture, which is the part of a section's "
        f"number before the dot, such as '2'"
    )
