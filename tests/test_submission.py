"""Which exercises a learner's notebook has, and the files that are no notebook of the course."""

import json
import os

import nbformat
import pytest
from learners import delete_check, names, of_lecture, save

from lecture_helpers.exercises.grading.submission import UnreadableError, read
from lecture_helpers.exercises.registry import exercises_of

IMPORT = "from lecture_helpers.exercises.lecture_1 import check_accumulate\n\n"


def written(path, *sources, markdown=()):
    """A notebook with these code cells, after these markdown cells."""
    v4 = nbformat.v4
    cells = [*map(v4.new_markdown_cell, markdown), *map(v4.new_code_cell, sources)]
    return save(v4.new_notebook(cells=cells), path)


def asked(submission):
    return [(one.exercise.answer, one.answer) for cell in submission.cells for one in cell.asked]


def numbers(exercises):
    return [one.number for one in exercises]


@pytest.mark.parametrize("lecture, notebook", [
    ("1", "01_dynamic_computation_graphs"), ("2", "02_working_with_gradients"),
    ("3", "03_controlling_tracking"), ("P", "practice_autograd_by_hand"),
])  # fmt: skip
def test_each_lecture_has_all_its_exercises_each_checked_once_under_its_name(
    root, lecture, notebook
):
    submission = read(root / "notebooks" / f"{notebook}.ipynb")
    assert submission.lecture == lecture
    assert list(submission.exercises) == exercises_of(lecture)
    checked = [one.exercise for cell in submission.cells for one in cell.asked]
    assert checked == exercises_of(lecture)
    assert all(name == given for name, given in asked(submission))


def test_a_deleted_check_does_not_vanish(root, tmp_path):
    notebook = of_lecture(root)
    everything = exercises_of("1")
    for name in names(notebook)[1:]:
        delete_check(notebook, name)
    submission = read(save(notebook, tmp_path / "one.ipynb"))
    assert list(submission.exercises) == everything and len(asked(submission)) == 1


@pytest.mark.parametrize("name, source, markdown", [
    ("a.ipynb", 'show_progress("2")\n' + IMPORT, []),
    ("01_a.ipynb", "", ["text\n### Exercise 2.1 b: a title"]),
    ("02_a.ipynb", "", ["### Exercise 2.99 b: unknown"]),
    ("2_a.ipynb", "from lecture_helpers.exercises.lecture_2 import check_unknown", []),
    ("b.ipynb", "import lecture_helpers.exercises.lecture_2 as checks", []),
    ("c.ipynb", "from lecture_helpers.exercises import lecture_2", []),
])  # fmt: skip
def test_the_notebook_tells_its_lecture(tmp_path, name, source, markdown):
    submission = read(written(tmp_path / name, source, markdown=markdown))
    assert submission.lecture == "2"
    assert set(exercises_of("2")) <= set(submission.exercises)


def test_a_practice_notebook_tells_by_its_name_and_the_grader_may_say_it(tmp_path):
    assert read(written(tmp_path / "practice_mine.ipynb", "x = 1")).lecture == "P"
    assert read(written(tmp_path / "mine.ipynb", "x = 1"), "1").lecture == "1"
    path = written(tmp_path / "01_mine.ipynb", IMPORT)
    submission = read(path, "2")
    assert submission.lecture == "2" and list(submission.exercises) == exercises_of("2")


def test_an_exercise_of_another_lecture_counts_where_its_check_stands(tmp_path):
    path = written(tmp_path / "02_a.ipynb", 'show_progress("2")', f"{IMPORT}check_accumulate(f)")
    accumulate = [one for one in exercises_of("1") if one.answer == "accumulate"]
    assert numbers(read(path).exercises) == numbers([*accumulate, *exercises_of("2")])


@pytest.mark.parametrize("source, answer, rest", [
    ("check_accumulate(accumulate)", "accumulate", ""),
    ("check_accumulate(mine)", "mine", ""),
    ("check_accumulate(function=lambda w, b: f(w))", "lambda w, b: f(w)", ""),
    ("def f(): ...\nverdict = check_accumulate(f)\nprint(1)", "f", "def f():\n    ...\nprint(1)"),
    ("check_accumulate(a)\ncheck_accumulate(b)", "b", ""),
    ("print(check_accumulate(*all_of_them))", "accumulate", ""),
    ("%time check_accumulate(f)", "f", "%time check_accumulate(f)"),
    ("%%time\ncheck_accumulate(f(a)(b)) # (", "f(a)(b)", "%%time\ncheck_accumulate(f(a)(b)) # ("),
    ("!ls\n# check_accumulate(a)\ncheck_accumulate(b)\ncheck_accumulate(", "b",
     "!ls\n# check_accumulate(a)\ncheck_accumulate(b)\ncheck_accumulate("),
    ("def half(:\ncheck_accumulate(f)", "f", "def half(:\ncheck_accumulate(f)"),
])  # fmt: skip
def test_the_answer_is_what_stands_in_the_call(tmp_path, source, answer, rest):
    submission = read(written(tmp_path / "a.ipynb", IMPORT, source))
    assert asked(submission) == [("accumulate", answer)]
    assert submission.cells[1].rest == rest and submission.cells[0].rest == IMPORT


@pytest.mark.parametrize("source", [
    "# check_accumulate(accumulate)", "check_mine(accumulate)", "check = check_accumulate",
    "def check_accumulate(accumulate):\n    return 'Right'",
])  # fmt: skip
def test_what_checks_nothing_is_no_check(tmp_path, source):
    submission = read(written(tmp_path / "a.ipynb", IMPORT, source))
    assert asked(submission) == [] and submission.cells[1].rest == source


def test_two_checks_in_one_line_are_two(tmp_path):
    both = f"{IMPORT.rstrip()}, check_own_gradients\ncheck_accumulate(a), check_own_gradients(b)"
    submission = read(written(tmp_path / "a.ipynb", both))
    assert asked(submission) == [("accumulate", "a"), ("own_gradients", "b")]


def test_two_lectures_checks_of_one_name_are_told_apart_by_the_import(tmp_path):
    call = "check_recorded(recorded)"
    path = written(
        tmp_path / "a.ipynb",
        f"from lecture_helpers.exercises.lecture_3 import check_recorded\n{call}",
        f"from lecture_helpers.exercises.lecture_1 import check_recorded\n{call}",
    )
    found = [one.exercise.lecture for cell in read(path).cells for one in cell.asked]
    assert found == ["3", "1"]


OLD = {"nbformat": 3, "worksheets": []}
FILES = {
    "empty": (b"", "holds no JSON"),
    "text": (b"hello", "holds no JSON"),
    "deep": (b"[" * 100_000, "holds no JSON"),
    "latin": ('{"nbformat": 4, "x": "ü"}'.encode("latin-1"), "its text is not UTF-8"),
    "list": (b"[]", "it states no nbformat"),
    "old": (json.dumps(OLD).encode(), "the notebook format 3; open it in JupyterLab and save it"),
    "without": (b'{"nbformat": 4}', "its cells are not well formed"),
    "broken": (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "are not well formed"),
    "number": (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 1}]}', "not well"),
    "no_cells": (b'{"nbformat": 4, "cells": []}', "is a notebook without cells"),
    "other": (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x"}]}',
              "no exercise that the course knows; if the check cells were deleted, say which"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_graded_says_why(tmp_path, name):
    content, why = FILES[name]
    path = tmp_path / f"{name}.ipynb"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=why) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_a_folder_and_one_without_rights_say_so(tmp_path):
    with pytest.raises(UnreadableError, match="does not exist; check its name"):
        read(tmp_path / "missing.ipynb")
    with pytest.raises(UnreadableError, match="is a folder|cannot be read"):
        read(tmp_path)
    loop = tmp_path / "loop.ipynb"
    if os.name != "nt":
        loop.symlink_to(loop)
        with pytest.raises(UnreadableError, match="cannot be read: "):
            read(loop)


def test_a_byte_order_mark_lines_and_a_lone_surrogate_are_read(tmp_path):
    cell = {"cell_type": "code", "source": ["import x\n", "y\ud800"]}
    path = tmp_path / "01_lines.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"nbformat": 4, "cells": [cell]}).encode())
    assert [cell.source for cell in read(path).cells] == ["import x\ny?"]
