"""What a learner's notebook gets, exercise by exercise; each notebook runs in real kernels."""

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

import psutil
import pytest
from learners import (
    answer,
    delete_check,
    names,
    of_lecture,
    put_after,
    put_before,
    save,
    solutions,
)

from lecture_helpers.exercises.__main__ import main
from lecture_helpers.exercises.grading.grade import Limits, grade
from lecture_helpers.exercises.grading.kernel import GIB, MARK
from lecture_helpers.exercises.registry import exercises_of

SLOW = "static_jump"  # its check captures a graph, which takes seconds at first


@pytest.fixture
def notebook(root):
    return of_lecture(root)


@pytest.fixture(autouse=True)
def nothing_left(tmp_path_factory, monkeypatch):
    """No process of a notebook survives, and no folder."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    assert not list(folder.glob("grading-*")) and not marked(folder)


def marked(folder):
    """The processes of the notebooks that were graded in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK, "").startswith(str(folder)):
                found.append(process)
        except psutil.Error:
            continue
    return found


def graded(notebook, path, **limits):
    """Results by what the answer is called, and the whole of what was graded."""
    came = grade(save(notebook, path), limits=Limits(**limits))
    assert came.problem is None
    called = {one.number: one.answer for one in exercises_of(came.lecture)}
    return {called[one.number]: one for one in came.results}, came


def statuses(results):
    return {name: one.status for name, one in results.items()}


def all_but(notebook, status, **others):
    return dict.fromkeys(names(notebook), status) | others


def solved_but(notebook, **answers):
    """Fill in every solution, but for some answers; the slow one is left as it is."""
    right = solutions(notebook)
    right.pop(SLOW)
    return answer(notebook, right | answers)


def test_perfect_and_empty_notebooks_and_files_that_are_none(root, tmp_path):
    notebook = of_lecture(root)
    empty = save(notebook, tmp_path / "empty.ipynb")
    perfect = save(answer(notebook, solutions(notebook)), tmp_path / "perfect.ipynb")
    nothing = tmp_path / "nothing.ipynb"
    nothing.touch()
    report, xml = tmp_path / "report.json", tmp_path / "report.xml"
    done = subprocess.run(
        [*(sys.executable, "-m", "lecture_helpers.exercises"), perfect, nothing, empty,
         *("--json", report, "--junit", xml)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines() == [f"grading {p}" for p in (perfect, nothing, empty)]
    count = len(names(notebook))
    assert f"{perfect}, lecture 1: {count} of {count} exercises solved\n" in done.stdout
    assert f"{empty}, lecture 1: 0 of {count} exercises solved\n" in done.stdout
    assert f"Not graded: {nothing} is no notebook: it holds no JSON.\n" in done.stdout

    numbers = [one.number for one in exercises_of("1")]
    first, none, last = json.loads(report.read_text())["notebooks"]
    assert [one["number"] for one in first["results"]] == numbers and first["lecture"] == "1"
    assert first["counts"] == {"solved": count} and last["counts"] == {"not answered": count}
    assert first["notes"] == last["notes"] == []
    assert all(one["message"].startswith("Right, in all") for one in first["results"])
    assert all(one["message"].startswith("Not answered yet") for one in last["results"])
    assert none["problem"] == f"{nothing} is no notebook: it holds no JSON"
    assert none["results"] == []

    suites = ET.parse(xml).getroot().findall("testsuite")
    assert [suite.get("name") for suite in suites] == [perfect, str(nothing), empty]
    counted = [[suite.get(k) for k in ("tests", "failures", "errors", "skipped")]
               for suite in suites]  # fmt: skip
    count = str(count)
    assert counted == [[count, "0", "0", "0"], ["1", "0", "1", "0"], [count, "0", "0", count]]
    assert [case.get("name") for case in suites[2].findall("testcase")] == numbers


def test_a_half_done_notebook_with_broken_cells(notebook, tmp_path):
    """Each verdict is taken where the check stands; the last one counts."""
    solved_but(
        notebook,
        mended_slopes="def mended_slopes(f, points):\n    ...",
        nodes_back="def nodes_back(tensor):\n    return ['MulBackward0']",
        slopes_by_hand="def slopes_by_hand(x)\n    return [], 1.0",
        value_and_slope="raise RuntimeError('half\x1b[31mway')\ndef value_and_slope(f, x): ...",
    )
    delete_check(notebook, SLOW)
    put_after(notebook, "accumulate", "def accumulate(w, batches):\n    return 0.0")
    put_after(notebook, "own_gradients", "check_own_gradients(lambda p, scales: [])")
    results, came = graded(notebook, tmp_path / "half.ipynb")
    assert statuses(results) == all_but(
        notebook, "solved", mended_slopes="not answered", nodes_back="wrong",
        slopes_by_hand="error", value_and_slope="error", own_gradients="wrong",
        **{SLOW: "missing"},
    )  # fmt: skip
    assert results["nodes_back"].message.startswith("Not yet. Case 1 of 6, t = (3 * x + 1) ** 2")
    assert results["own_gradients"].message.startswith("Not yet. Case 1 of 4, p = 2.0")
    syntax, raised = results["slopes_by_hand"].message, results["value_and_slope"].message
    assert "name 'slopes_by_hand' is not defined; cell" in syntax and "SyntaxError" in syntax
    assert raised.endswith("raised RuntimeError: half\ufffd[31mway")
    assert results[SLOW].message == "the notebook has no cell that checks it"
    assert len(came.notes) == 2 and came.notes[0].endswith("raised RuntimeError: half\ufffd[31mway")
    assert not came.is_solved
    assert came.counts["solved"] == len(names(notebook)) + 1 - 6


TAMPERING = """
import builtins, io, math, os, shutil, sys, torch
import lecture_helpers, lecture_helpers.exercises.checking as checking
import lecture_helpers.exercises.lecture_1 as lecture_1
import lecture_helpers.exercises.registry as registry

os.makedirs("fake/lecture_helpers/exercises", exist_ok=True)
sys.path[:] = [os.path.abspath("fake")]
for entry in os.listdir("."):
    shutil.rmtree(entry)
always = lambda *given, **more: checking.Verdict(True, "Right, in all 5 cases.")
checking.check = checking.check_recording = checking._same = always
for one in registry.EXERCISES.values():
    object.__setattr__(one, "check", always)
    setattr(lecture_1, one.check.__name__, always)
for name in list(vars(lecture_1)):
    if name.startswith("check_"):
        setattr(lecture_1, name, always)
checking.Verdict.passed = property(lambda self: True, lambda self, value: None)
math.isclose = lambda *given, **more: True
torch.autograd.grad = lambda *given, **more: (torch.tensor(1.0),)
builtins.print = print = lambda *given, **more: None
builtins.all = lambda given: True
builtins.Right = "Right"
sys.stdout.write("Right, in all 5 cases.")
sys.stdout = io.StringIO()
del torch.is_tensor
"""


def test_a_notebook_that_tampers_gains_nothing(notebook, tmp_path):
    """It replaces checks, verdicts, builtins and functions of torch, and has its wrong answers
    wrong; what comes after is judged as if it had not."""
    wrong = "def {0}(*given):\n    print('Right')\n    return 1.0"
    solved_but(
        notebook,
        value_and_slope=f"{TAMPERING}\n{wrong.format('value_and_slope')}",
        own_gradients=wrong.format("own_gradients"),
        slopes_by_hand=solutions(notebook)["slopes_by_hand"] + "\nanswer = input()",
        **{SLOW: "def static_jump(x): ..."},
    )
    results, came = graded(notebook, tmp_path / "tampers.ipynb")
    assert statuses(results) == all_but(
        notebook, "solved", value_and_slope="wrong", own_gradients="wrong",
        **{SLOW: "not answered"},
    )  # fmt: skip
    (note,) = came.notes
    assert "raised StdinNotImplementedError" in note


def test_a_cell_that_ends_its_kernel_costs_only_its_own_marks(notebook, tmp_path):
    away = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; "
    away += "time.sleep(600)'], start_new_session=True); "
    solved_but(
        notebook,
        value_and_slope=f"{away}import os; os._exit(0)\ndef value_and_slope(f, x): return 1.0, 1.0",
        slopes_by_hand="import ctypes\ndef slopes_by_hand(x): return ctypes.string_at(0)",
        nodes_back="import sys\ndef nodes_back(tensor): sys.exit(3)",
    )
    put_before(notebook, "accumulate", "exit()")
    put_after(notebook, "accumulate", "held = b'x' * 2**30\nwhile True:\n    pass")
    put_before(notebook, "own_gradients", "import os, shutil\nshutil.rmtree(os.getcwd())")
    limits = {"memory": int(0.9 * GIB)}
    results, came = graded(notebook, tmp_path / "ends.ipynb", **limits)
    assert statuses(results) == all_but(
        notebook, "solved", value_and_slope="error", slopes_by_hand="error", nodes_back="wrong",
        **{SLOW: "not answered"},
    )  # fmt: skip
    assert results["slopes_by_hand"].message == "checking the answer ended the kernel"
    assert results["nodes_back"].message.endswith("your function raised SystemExit: 3.")
    assert results["value_and_slope"].message.endswith("ended the kernel")
    assert [note.split(" ", 2)[2] for note in came.notes] == [
        "ended the kernel",
        "ended the kernel",
        "took more than 0.9 GiB of memory",
        "left the kernel unable to check anything",
    ]


ENDLESS = """
while True:
    try:
        print("Right" * 1000)
    except BaseException:
        pass
"""


def test_endless_cells_cost_only_their_own_marks(notebook, tmp_path):
    """One prints and swallows interrupts, one just loops, one is endless in the check."""
    solved_but(
        notebook,
        value_and_slope=f"def value_and_slope(f, x): ...\n{ENDLESS}",
        slopes_by_hand="def slopes_by_hand(x):\n    while True:\n        pass",
        nodes_back="while True:\n    pass\nnodes_back = 1",
    )
    limits = {"cell": 5, "memory": int(0.9 * GIB)}
    results, came = graded(notebook, tmp_path / "endless.ipynb", **limits)
    assert statuses(results) == all_but(
        notebook, "solved", value_and_slope="time limit", slopes_by_hand="time limit",
        nodes_back="time limit", **{SLOW: "not answered"},
    )  # fmt: skip
    assert "could not be interrupted" in results["value_and_slope"].message
    assert results["slopes_by_hand"].message == "checking the answer took more than 5 s"
    assert len(came.notes) == 2


def test_the_whole_notebook_has_a_limit_too(notebook, tmp_path):
    first, second, *others = names(notebook)
    answer(notebook, {first: solutions(notebook)[first], second: "import time\ntime.sleep(600)"})
    came = main([save(notebook, tmp_path / "sleeps.ipynb"), "--time-limit", "9",
                 "--json", str(tmp_path / "report.json")])  # fmt: skip
    assert came == 1
    (one,) = json.loads((tmp_path / "report.json").read_text())["notebooks"]
    assert one["counts"] == {"solved": 1, "time limit": len(others) + 1}
    assert one["results"][-1]["message"] == "not reached: the notebook took more than 9 s"
    assert one["seconds"] < 40
