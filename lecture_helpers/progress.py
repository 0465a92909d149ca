"""What a learner has answered so far: on the learner's own disk, or in memory alone.

Nothing is ever sent anywhere. One small file per lecture lies in a folder that the
environment variable ``LECTURE_PROGRESS`` names; without it in Jupyter's folder for data.
``LECTURE_PROGRESS=off``, or a folder that cannot be written, keeps all in memory.

A file has one line of JSON for each answer, and answers are only ever added to it, so two
kernels may write one file. A line that cannot be read, because it was damaged or comes from
another version, is passed over and stays as it is.
"""

import contextlib
import json
import os
import re
import weakref
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from .errors import quietly

VARIABLE, OFF = "LECTURE_PROGRESS", "off"
PREDICTION, EXERCISE = "prediction", "exercise"


@dataclass(frozen=True)
class Record:
    """One question or exercise that was answered.

    kind: ``"prediction"`` or ``"exercise"``.
    section: the section that it belongs to, such as ``"2.2"``.
    name: the words of the question, or the number of the exercise.
    answer: the last answer, text or a tuple of texts; None for an exercise.
    judged: whether that answer was judged; if not, it waits for the computation.
    first: whether the first answer that was judged was right.
    right: whether any was.
    tries: how many were judged.
    """

    kind: str
    section: str
    name: str
    answer: object = None
    judged: bool = False
    first: bool = False
    right: bool = False
    tries: int = 0

    @property
    def key(self) -> tuple:
        """What tells a record from every other."""
        return self.kind, self.section, self.name

    def after(self, before: "Record | None") -> "Record":
        """Return what one more answer, this one, makes of the record before it."""
        if before is None:
            return self
        return Record(
            *self.key,
            self.answer,
            self.judged or (before.judged and before.answer == self.answer),
            first=before.first if before.tries else self.first,
            right=before.right or self.right,
            tries=before.tries + self.tries,
        )


@dataclass(frozen=True)
class Standing:
    """Where a learner stands in one section.

    asked: how many questions it has, answered or not; of them
    right: those whose first answer was right,
    later: those answered right at a later try,
    wrong: those with wrong answers alone.
    exercises: how many exercises it has; of them
    solved: those whose check passed once,
    failing: the numbers of those tried in vain, such as ``"2.1 a"``,
    untried: the numbers of those not tried yet.
    """

    section: str
    asked: int
    right: int
    later: int
    wrong: int
    exercises: int
    solved: int
    failing: tuple
    untried: tuple

    @property
    def open(self) -> int:
        """How many questions have no judged answer yet."""
        return self.asked - self.right - self.later - self.wrong


class Progress:
    """The records of all lectures. ``folder`` is where they are kept, None for memory alone."""

    def __init__(self, folder: Path | None = None):
        self.folder = folder
        self._met = defaultdict(dict)  # lecture -> key -> None: what this kernel has shown
        self._unwritten = defaultdict(list)  # lecture -> what could not be written to disk
        self._forgotten = set()  # lectures whose file could not be deleted
        self._watchers = weakref.WeakSet()

    def watch(self, watcher) -> None:
        """Call ``watcher.on_progress(lecture, forgotten)`` after each change, while it lives."""
        self._watchers.add(watcher)

    def meet(self, kind: str, section: str, name: str) -> Record | None:
        """Note that a question was asked; return what was answered to it before."""
        lecture, key = lecture_of(section), (kind, section, name)
        self._met[lecture][key] = None
        return self._records(lecture).get(key)

    def note(self, kind: str, section: str, name: str, right: bool | None, answer=None) -> None:
        """Note an answer; ``right`` is None for one that was not judged yet."""
        lecture, one = lecture_of(section), _record(kind, section, name, answer, right)
        before = self.meet(kind, section, name)
        if one.after(before) == before or (kind == EXERCISE and before and before.right):
            return  # nothing new: an exercise once solved stays solved
        try:
            self._write(lecture, one)
        except OSError:
            self._unwritten[lecture].append(one)
        self._tell(lecture, False)

    def forget(self, lecture: str) -> None:
        """Forget every answer of a lecture, on disk too."""
        self._unwritten[lecture].clear()
        if self.folder:
            try:
                self._file(lecture).unlink(missing_ok=True)
                self._forgotten.discard(lecture)
            except OSError:
                self._forgotten.add(lecture)
        self._tell(lecture, True)

    def place_of(self, lecture: str) -> Path | None:
        """Return where the answers of a lecture are kept, None for memory alone."""
        in_memory = lecture in self._forgotten or self._unwritten[lecture]
        return None if in_memory else self.folder

    def standing(self, lecture: str) -> list:
        """Return a ``Standing`` for each section of a lecture that was met or answered."""
        records = self._records(lecture)
        sections = defaultdict(list)
        for key in self._met[lecture] | records:
            sections[key[1]].append(records.get(key) or Record(*key))
        return [_standing(one, sections[one]) for one in sorted(sections, key=in_order)]

    def _records(self, lecture) -> dict:
        """Return the records of a lecture by their keys, as they are now on disk."""
        written = [] if lecture in self._forgotten else _read(self._file(lecture))
        records = {}
        for one in [*written, *self._unwritten[lecture]]:
            if lecture_of(one.section) == lecture:
                records[one.key] = one.after(records.get(one.key))
        return records

    def _file(self, lecture) -> Path | None:
        return self.folder and self.folder / f"lecture-{lecture}.jsonl"

    def _write(self, lecture, record):
        """Add a line to a lecture's file, in one piece.

        The line end comes first: where an earlier line was cut off, as on a full disk, it ends
        that line.

        Raises:
            OSError: it was not written, or not whole; a part of a line is passed over later.
        """
        file = self._file(lecture)
        if file is None or lecture in self._forgotten or (file.exists() and not file.is_file()):
            raise OSError("there is no file to write to")
        file.parent.mkdir(parents=True, exist_ok=True)
        line = f"\n{json.dumps(_as_line(record))}".encode()
        with open(file, "ab", buffering=0) as opened:
            if opened.write(line) != len(line):
                raise OSError(f"{file} took a part of the line alone")

    def _tell(self, lecture, forgotten):
        for watcher in list(self._watchers):
            watcher.on_progress(lecture, forgotten)


def lecture_of(section: str) -> str:
    """Return the lecture of a section: "2" of "2.1", "P" of "P.3"."""
    return section.partition(".")[0]


def in_order(number: str) -> list:
    """Return what sorts sections and exercises as their numbers count: 9.1, 10.1 a, A.1."""
    parts = re.findall(r"\d+|\D+", number)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _standing(section, records) -> Standing:
    asked = [one for one in records if one.kind == PREDICTION]
    exercises = [one for one in records if one.kind == EXERCISE]
    return Standing(
        section,
        asked=len(asked),
        right=sum(one.first for one in asked),
        later=sum(one.right and not one.first for one in asked),
        wrong=sum(one.tries > 0 and not one.right for one in asked),
        exercises=len(exercises),
        solved=sum(one.right for one in exercises),
        failing=tuple(sorted(one.name for one in exercises if one.tries and not one.right)),
        untried=tuple(sorted(one.name for one in exercises if not one.tries)),
    )


def _as_line(record) -> dict:
    return {
        "kind": record.kind,
        "section": record.section,
        "name": record.name,
        "answer": record.answer,
        "right": record.right if record.judged else None,
    }


def _read(file) -> list:
    """Return the records in the lines of a file; a line that holds something else has none."""
    try:
        text = file.read_text("utf-8", errors="replace") if file and file.is_file() else ""
    except OSError:  # it may not be read
        return []
    return [record for line in text.split("\n") if (record := _of_line(line))]


def _of_line(line) -> Record | None:
    try:
        kept = json.loads(line)
        kind, section, name = kept["kind"], kept["section"], kept["name"]
        answer, right = kept["answer"], kept["right"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    answer = tuple(answer) if isinstance(answer, list) else answer
    chosen = answer if isinstance(answer, tuple) else () if answer is None else (answer,)
    is_text = all(isinstance(one, str) for one in (section, name, *chosen))
    is_judged = right is None or isinstance(right, bool)
    if not (is_text and is_judged and kind in (PREDICTION, EXERCISE)):
        return None
    return _record(kind, section, name, answer, right)


def _record(kind, section, name, answer, right) -> Record:
    """Return the record of one answer alone; ``right`` is None where it was not judged."""
    is_judged, is_right = right is not None, right is True
    return Record(kind, section, name, answer, is_judged, is_right, is_right, int(is_judged))


def folder_for_progress() -> Path | None:
    """Return where answers are kept; None for memory alone."""
    named = os.environ.get(VARIABLE, "").strip()
    with contextlib.suppress(RuntimeError):  # nobody knows where the home folder is
        if named:
            return None if named.lower() == OFF else Path(named).expanduser().absolute()
        return _jupyter_folder()
    return None


def _jupyter_folder() -> Path | None:
    try:
        with quietly():  # Jupyter warns of a change of its own
            from jupyter_core.paths import jupyter_data_dir

            return Path(jupyter_data_dir()).absolute() / "autograd_course"
    except ImportError:  # a script without Jupyter
        return None


_progress = None


def progress() -> Progress:
    """Return the records of this kernel."""
    global _progress
    if _progress is None:
        _progress = Progress(folder_for_progress())
    return _progress
