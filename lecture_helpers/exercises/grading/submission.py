"""A learner's notebook file: its code cells, and where exercises are checked."""

import ast
import contextlib
import json
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..registry import EXERCISES, NUMBER, PREFIX, Exercise, exercises_of, modules_of_checks

FORMAT = 4
IMPORTED = r"lecture_helpers\.exercises(?:\.|\s+import\s+)(\w+)"
COMMENT = r"^\s*#.*"
CALLED = rf"(?<!def )\b({PREFIX}\w+)\s*\("
SHOWN = r"show_progress\(\s*[\"'](\w+)[\"']"
HEADING = rf"^#+ Exercise ({NUMBER}):"
NOT_PYTHON = SyntaxError, ValueError, RecursionError, MemoryError
MOST_BRACKETS = 50  # closing ones that are tried as the end of a call
NAMED = {"practice": "P", "appendix": "A"}  # what a file's name begins with -> lecture


class UnreadableError(Exception):
    """A file that cannot be graded; the message says why, and what to do."""


@dataclass(frozen=True)
class Asked:
    """A check in a cell.

    exercise: the ``Exercise`` that it checks.
    answer: the learner's answer as a Python expression, mostly a name.
    """

    exercise: Exercise
    answer: str


@dataclass(frozen=True)
class CodeCell:
    """One code cell.

    place: its number among all cells of the notebook, from 1.
    source: its code.
    asked: an ``Asked`` for each exercise that it checks.
    rest: the code without these checks.
    """

    place: int
    source: str
    asked: tuple
    rest: str


@dataclass(frozen=True)
class Submission:
    """One learner's notebook.

    cells: its code cells, in order.
    lecture: the lecture that it is, such as ``"1"``.
    exercises: those that it should have, in natural order; one whose check was deleted too.
    """

    cells: tuple
    lecture: str
    exercises: tuple


def read(path, lecture: str | None = None) -> Submission:
    """Read a learner's notebook.

    lecture: which lecture it is; without it the notebook tells.

    Raises:
        UnreadableError: the file is missing or no notebook, or nothing tells an exercise.
    """
    cells = _cells(path)
    code = [(place, source) for place, kind, source in cells if kind == "code"]
    modules = modules_of_checks()
    imported = [name for _, source in code for name in re.findall(IMPORTED, source)]
    found = lecture or _lecture(path, cells, [modules[n] for n in imported if n in modules])
    code = [_code_cell(place, source, imported, modules, found) for place, source in code]
    checked = {asked.exercise.number for cell in code for asked in cell.asked}
    expected = {one.number for one in exercises_of(found)} if found else set()
    exercises = [one for one in exercises_of() if one.number in checked | expected]
    if not exercises:
        raise UnreadableError(
            f"{path} has no exercise that the course knows; if the check cells were deleted, "
            f"say which lecture it is, such as --lecture 1"
        )
    return Submission(tuple(code), found or exercises[0].lecture, tuple(exercises))


def _cells(path) -> list:
    """Return (place, type, source) of each cell of a notebook file."""
    try:
        notebook = json.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise UnreadableError(f"{path} does not exist; check its name") from None
    except IsADirectoryError:
        raise UnreadableError(f"{path} is a folder; name the notebooks in it") from None
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{path} is no notebook: its text is not UTF-8") from None
    except (ValueError, RecursionError):
        raise UnreadableError(f"{path} is no notebook: it holds no JSON") from None
    written = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if written is None:
        raise UnreadableError(f"{path} is no notebook: it states no nbformat")
    if written != FORMAT:
        raise UnreadableError(
            f"{path} has the notebook format {written!r}; open it in JupyterLab and save it, "
            f"which gives it format {FORMAT}"
        )
    try:
        cells = [(cell["cell_type"], _joined(cell["source"])) for cell in notebook["cells"]]
    except (KeyError, TypeError):
        raise UnreadableError(f"{path} is no notebook: its cells are not well formed") from None
    if not cells:
        raise UnreadableError(f"{path} is a notebook without cells")
    return [(place, kind, source) for place, (kind, source) in enumerate(cells, start=1)]


def _joined(source) -> str:
    """Return a cell's source, which may be a list of lines; no lone surrogates, which nothing
    can send to a kernel."""
    return "".join(source).encode("utf-8", "replace").decode()


def _lecture(path, cells, modules) -> str | None:
    """Return which lecture a notebook is: what tells best comes first."""
    sources = [source for _, _, source in cells]
    shown = [name for source in sources for name in re.findall(SHOWN, source)]
    checked = [one.lecture for module in modules for one in exercises_of(module)]
    numbers = [m[1] for source in sources for m in re.finditer(HEADING, source, re.M)]
    headed = [EXERCISES[number].lecture for number in numbers if number in EXERCISES]
    start = re.match(r"(?:0*(\d)|([a-z]+))_", Path(path).name)
    named = [start[1] or NAMED.get(start[2])] if start else []
    for lectures in (shown, checked, headed, named):
        for lecture in lectures:
            if lecture and exercises_of(lecture):
                return lecture
    return None


def _code_cell(place, source, imported, modules, lecture) -> CodeCell:
    called = dict.fromkeys(re.findall(CALLED, re.sub(COMMENT, "", source, flags=re.M)))
    # A cell's own imports tell which lecture's check it means, then those of other cells.
    near = [*re.findall(IMPORTED, source), *imported]
    of_lecture = [one.check for one in exercises_of(lecture)] if lecture and called else []
    known = {}
    for name in called:
        held = [getattr(modules[module], name, None) for module in near if module in modules]
        held += [check for check in of_lecture if check.__name__ == name]
        found = [one for check in held for one in EXERCISES.values() if one.check is check]
        if found:
            known[name] = found[0]
    rest, answers = _apart(source, known) if known else (source, {})
    asked = (Asked(one, answers.get(name, one.answer)) for name, one in known.items())
    return CodeCell(place, source, tuple(asked), rest)


def _apart(source, known) -> tuple:
    """Return the code without its statements that check, and ``{check's name: argument}``.

    The learner's own call of a check would run the answer a second time. Where a magic or a
    broken line keeps Python from reading the cell, all of the code stays.
    """
    try:
        statements = ast.parse(source).body
    except NOT_PYTHON:
        return source, _answers(_calls_beside_magics(source), known)
    rest, answers = [], {}
    for statement in statements:
        calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
        calls = [call for call in calls if _called(call) in known]
        answers |= _answers(calls, known)
        if not calls or not isinstance(statement, (ast.Expr, ast.Assign)):
            rest.append(ast.unparse(statement))
    return "\n".join(rest), answers


def _answers(calls, known) -> dict:
    """Return what is given to each check, by the check's name; of two calls the last counts."""
    answers = {}
    for call in calls:
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if _called(call) in known and len(given) == 1 and not isinstance(given[0], ast.Starred):
            answers[_called(call)] = ast.unparse(given[0])
    return answers


def _calls_beside_magics(source):
    """Give the calls of checks in code that is not Python as a whole."""
    code = re.sub(COMMENT, "", source, flags=re.M)
    for start in re.finditer(CALLED, code):
        ends = re.finditer(r"\)", code[start.start() :])
        for end in islice(ends, MOST_BRACKETS):
            with contextlib.suppress(*NOT_PYTHON):
                yield ast.parse(code[start.start() :][: end.end()], mode="eval").body
                break


def _called(call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))
