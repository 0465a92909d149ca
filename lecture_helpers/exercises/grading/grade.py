"""Execute a learner's notebook and take the verdict of each exercise where its check stands."""

import re
import time
from collections import Counter
from dataclasses import dataclass, field

from ...draw.words import printable
from ...errors import told
from .judge import ERROR, NOT_ANSWERED, SOLVED, WRONG
from .kernel import ENDED, GIB, RAISED, RAN, Kernel, KernelError, Outcome
from .submission import Submission, UnreadableError, read

TIME_LIMIT, MISSING = "time limit", "missing"
STATUSES = (SOLVED, WRONG, NOT_ANSWERED, ERROR, TIME_LIMIT, MISSING)
MOST_KERNELS = 12  # for one notebook; each cell that ends its kernel costs one
PING_SECONDS = 20
LONGEST = 300  # characters of what a cell raised
BROKE = "left the kernel unable to check anything"


@dataclass(frozen=True)
class Limits:
    """What one notebook may take.

    notebook: seconds for all its cells and checks; starts of kernels do not count.
    cell: seconds for one cell, or one check.
    memory: bytes that its processes may hold.
    """

    notebook: float = 600
    cell: float = 120
    memory: int = 4 * GIB


@dataclass(frozen=True)
class Result:
    """What came of one exercise.

    number, kind: those of the ``Exercise``.
    status: one of ``STATUSES``.
    message: the verdict's, or why there is none.
    seconds: how long its check took.
    """

    number: str
    kind: str
    status: str
    message: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Graded:
    """One notebook.

    path: as it was given.
    lecture: such as ``"1"``; None where it could not be graded.
    results: a ``Result`` for each exercise that it should have, in natural order.
    notes: sentences on cells that raised, took too long or ended the kernel.
    problem: why it could not be graded at all, None where it was.
    seconds: how long it took.
    """

    path: str
    lecture: str | None = None
    results: tuple = ()
    notes: tuple = ()
    problem: str | None = None
    seconds: float = 0.0

    @property
    def counts(self) -> Counter:
        """How many exercises have each status."""
        return Counter(one.status for one in self.results)

    @property
    def is_solved(self) -> bool:
        """Whether every exercise is."""
        return not self.problem and self.counts[SOLVED] == len(self.results)


def grade(path: str, lecture: str | None = None, limits: Limits = Limits()) -> Graded:
    """Grade one notebook. Nothing that it does raises here.

    lecture: which lecture it is; without it the notebook tells.
    """
    began = time.monotonic()
    try:
        submission = read(path, lecture)
    except UnreadableError as error:
        return Graded(path, problem=printable(str(error)))
    sitting = _Sitting(submission, limits)
    sitting.run()
    return Graded(
        path,
        submission.lecture,
        tuple(sitting.results()),
        tuple(sitting.notes()),
        seconds=round(time.monotonic() - began, 2),
    )


class _OutOfTime(Exception):
    """The seconds of the whole notebook are over."""


@dataclass
class _Trouble:
    """What a cell did. A further kernel runs it again where it only raised."""

    cell: object
    kind: str
    words: str
    late: bool = False


@dataclass
class _Sitting:
    """One notebook from its first cell to its last, in as many kernels as that takes.

    A cell that ends its kernel is left out in the next one. Verdicts that were taken stay.
    """

    submission: Submission
    limits: Limits
    troubles: dict = field(default_factory=dict)  # cell's place -> _Trouble
    verdicts: dict = field(default_factory=dict)  # (cell's place, exercise's number) -> Result
    stopped: tuple | None = None  # status and sentence for exercises that were not reached

    def run(self):
        """Run all cells, and start anew where the kernel ended."""
        self.deadline = time.monotonic() + self.limits.notebook
        try:
            for _ in range(MOST_KERNELS):
                began = time.monotonic()
                with Kernel(self.limits.memory) as kernel:
                    self.deadline += time.monotonic() - began  # a start is not the notebook's
                    if all(self._passes(kernel, cell) for cell in self.submission.cells):
                        return
            words = f"not reached: {MOST_KERNELS} times a cell ended the kernel"
            self.stopped = ERROR, words
        except _OutOfTime:
            seconds = f"{self.limits.notebook:g} s"
            self.stopped = TIME_LIMIT, f"not reached: the notebook took more than {seconds}"
        except KernelError as error:
            self.stopped = ERROR, printable(str(error))
        except Exception as error:  # no notebook may cost another one's marks
            self.stopped = ERROR, printable(f"the grader could not go on: {told(error)}")

    def results(self):
        """Give a ``Result`` for each exercise; where it is checked twice, the last counts."""
        for one in self.submission.exercises:
            places = [(c.place, one.number) for c in self.submission.cells
                      if any(asked.exercise is one for asked in c.asked)]  # fmt: skip
            taken = [self.verdicts[place] for place in places if place in self.verdicts]
            if not places:
                words = "the notebook has no cell that checks it"
                yield Result(one.number, one.kind, MISSING, words)
            elif taken and (places[-1] in self.verdicts or not self.stopped):
                yield taken[-1]
            else:
                yield Result(one.number, one.kind, *self.stopped)

    def notes(self):
        """Give a sentence for each cell that raised, was stopped or ended the kernel."""
        for place in sorted(self.troubles):
            yield _sentence(self.troubles[place])

    def _passes(self, kernel, cell) -> bool:
        """Run a cell and take its verdicts. Return whether the kernel can go on."""
        known = self.troubles.get(cell.place)
        if cell.rest.strip() and (known is None or known.kind == RAISED):
            outcome = self._usable(kernel, kernel.run(cell.rest, self._seconds()))
            if outcome.kind != RAN:
                words = printable(outcome.words[:LONGEST])
                self.troubles[cell.place] = _Trouble(cell, outcome.kind, words, outcome.late)
            if outcome.kind == ENDED:
                return False
        return all(self._judges(kernel, cell, asked) for asked in cell.asked)

    def _usable(self, kernel, outcome):
        """Return the outcome, as one that ended the kernel where that can check nothing more."""
        if outcome.kind == ENDED:
            return outcome
        ping, told = kernel.ask(PING_SECONDS)
        if told is not None:
            return outcome
        ended = "ended the kernel" if ping.kind == ENDED else BROKE
        return Outcome(ENDED, outcome.words if outcome.late else ended, outcome.late)

    def _judges(self, kernel, cell, asked) -> bool:
        """Take one verdict. Return whether the kernel can go on."""
        place = cell.place, asked.exercise.number
        if place in self.verdicts:
            return True
        seconds = self._seconds()
        began = time.monotonic()
        outcome, told = kernel.ask(seconds, asked.exercise.number, asked.answer)
        if told is None and outcome.late and time.monotonic() > self.deadline:
            raise _OutOfTime
        status, message = self._verdict(cell, asked, outcome, told)
        self.verdicts[place] = Result(
            asked.exercise.number,
            asked.exercise.kind,
            status,
            printable(message),
            round(time.monotonic() - began, 2),
        )
        return told is not None or self._usable(kernel, outcome).kind != ENDED

    def _verdict(self, cell, asked, outcome, told) -> tuple:
        """Return status and message of what came of one check."""
        if told is None:
            words = outcome.words or "did not tell a verdict"
            return TIME_LIMIT if outcome.late else ERROR, f"checking the answer {words}"
        status, message = told["status"], told["message"]
        cause = self._cause(cell, asked.exercise.answer) if told.get("unbound") else None
        if cause:
            return TIME_LIMIT if cause.late else status, f"{message}; {_sentence(cause)}"
        return status, message

    def _cause(self, cell, answer):
        """Return the last trouble before a cell that may be why an answer has no value."""
        named = [
            trouble
            for place, trouble in sorted(self.troubles.items())
            if place <= cell.place and re.search(rf"\b{answer}\b", trouble.cell.source)
        ]
        return named[-1] if named else None

    def _seconds(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _OutOfTime
        return min(self.limits.cell, left)


def _sentence(trouble) -> str:
    said = f"raised {trouble.words}" if trouble.kind == RAISED else trouble.words
    return f"cell {trouble.cell.place} {said}"
