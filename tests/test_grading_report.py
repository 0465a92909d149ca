"""What was graded, as text, JSON and JUnit XML, and the exit code."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from lecture_helpers.exercises import __main__ as command
from lecture_helpers.exercises.grading import grade, report
from lecture_helpers.exercises.grading.grade import STATUSES, Graded, Result

LONG = "Not yet. Case 1 of 4, x = 2.0: your function returned " + "1.25, " * 12 + "none"
RESULTS = tuple(
    Result(f"1.1 {letter}", "compute", status, f"said <of> {status}", 0.5)
    for letter, status in zip("abcdef", STATUSES)
)
GRADED = Graded("a/one.ipynb", "1", RESULTS, ("cell 3 raised KeyError: 'x'",), seconds=4.5)
SOLVED = Graded("b/one.ipynb", "1", RESULTS[:1], seconds=1.5)
NONE = Graded("none.ipynb", problem="none.ipynb does not exist; check its name")


def test_the_table_tells_each_exercise_and_each_cell_that_failed():
    assert STATUSES == ("solved", "wrong", "not answered", "error", "time limit", "missing")
    assert report.table(GRADED).splitlines() == [
        "a/one.ipynb, lecture 1: 1 of 6 exercises solved",
        "  1.1 a  compute  solved        said <of> solved",
        "  1.1 b  compute  wrong         said <of> wrong",
        "  1.1 c  compute  not answered  said <of> not answered",
        "  1.1 d  compute  error         said <of> error",
        "  1.1 e  compute  time limit    said <of> time limit",
        "  1.1 f  compute  missing       said <of> missing",
        "  note: cell 3 raised KeyError: 'x'",
    ]
    assert report.table(NONE) == "Not graded: none.ipynb does not exist; check its name."


def test_a_long_message_is_wrapped_beside_its_exercise():
    lines = report.table(Graded("a.ipynb", "1", (Result("1.1 a", "repair", "wrong", LONG),)))
    first, *rest = lines.splitlines()[1:]
    assert first.startswith("  1.1 a  repair  wrong  Not yet. Case 1 of 4") and rest
    assert all(line.startswith(" " * 24) and len(line) <= 100 for line in rest)
    assert " ".join([first[24:], *map(str.strip, rest)]) == LONG


def test_json_holds_all_that_the_table_tells():
    read = json.loads(report.as_json([GRADED, NONE]))["notebooks"]
    assert read[0]["counts"] == dict.fromkeys(STATUSES, 1) and read[0]["path"] == "a/one.ipynb"
    assert read[0]["results"][1] == {
        "number": "1.1 b", "kind": "compute", "status": "wrong", "message": "said <of> wrong",
        "seconds": 0.5,
    }  # fmt: skip
    assert (read[1]["problem"], read[1]["results"], read[1]["lecture"]) == (NONE.problem, [], None)


def test_junit_has_a_suite_for_each_notebook_and_a_case_for_each_exercise():
    one, other, none = ET.fromstring(report.as_junit([GRADED, SOLVED, NONE]))
    numbers = {name: one.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": "6", "failures": "1", "errors": "3", "skipped": "1"}
    cases = [(case.get("name"), [(said.tag, said.get("message")) for said in case]) for case in one]
    assert cases == [
        ("1.1 a", []),
        ("1.1 b", [("failure", "said <of> wrong")]),
        ("1.1 c", [("skipped", "said <of> not answered")]),
        ("1.1 d", [("error", "error: said <of> error")]),
        ("1.1 e", [("error", "time limit: said <of> time limit")]),
        ("1.1 f", [("error", "missing: said <of> missing")]),
    ]
    assert [suite.get("name") for suite in (one, other)] == ["a/one.ipynb", "b/one.ipynb"]
    assert (one.get("time"), one[0].get("time"), one[0].get("classname")) == ("4.5", "0.5", "one")
    assert none.get("errors") == "1" and none[0][0].get("message") == NONE.problem


@pytest.mark.parametrize("letter", ["\udcff", "\x1b", "\ufffe"])
def test_a_name_of_a_file_that_xml_cannot_hold_is_told_in_part(tmp_path, letter):
    named = Graded(f"a{letter}/b{letter}.ipynb", "1", RESULTS[:1])
    report.write(report.as_junit([named]), tmp_path / "o.xml")
    (suite,) = ET.parse(tmp_path / "o.xml").getroot()
    assert suite.get("name") == "a\ufffd/b\ufffd.ipynb"
    assert suite[0].get("classname") == "b\ufffd"
    assert report.table(named).startswith("a\ufffd/b\ufffd.ipynb, lecture 1: 1 of 1 exercise")


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    report.write("first é\n", path)
    assert path.read_bytes() == "first é\n".encode() and list(tmp_path.iterdir()) == [path]
    with pytest.raises(UnicodeEncodeError):
        report.write("half \ud800", path)
    assert path.read_bytes() == "first é\n".encode() and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("graded, code", [
    ([SOLVED], 0), ([SOLVED, GRADED], 1), ([GRADED, NONE, SOLVED], 2),
])  # fmt: skip
def test_the_exit_code_and_the_options(monkeypatch, capsys, tmp_path, graded, code):
    given = []

    def fake(path, lecture, limits):
        given.append((path, lecture, limits))
        return graded[len(given) - 1]

    monkeypatch.setattr(grade, "grade", fake)
    paths = [one.path for one in graded]
    written = tmp_path / "o.xml", tmp_path / "o.json"
    options = ["--lecture", "1", "--time-limit", "7", "--cell-limit", "2.5", "--memory-limit", "2"]
    options += ["--junit", str(written[0]), "--json", str(written[1])]
    assert command.main([*paths, *options]) == code
    assert given == [(path, "1", grade.Limits(7, 2.5, 2**31)) for path in paths]
    out, err = capsys.readouterr()
    assert out == "".join(f"{report.table(one)}\n\n" for one in graded)
    assert err.splitlines() == [f"grading {path}" for path in paths]
    assert written[0].read_text() == report.as_junit(graded)
    assert written[1].read_text() == report.as_json(graded)


@pytest.mark.parametrize("arguments, said", [
    ([], "the following arguments are required: FILE.ipynb"),
    (["a.ipynb", "--cell-limit", "0"], "0 is not a positive number"),
    (["a.ipynb", "--time-limit", "inf"], "inf is not a positive number"),
    (["a.ipynb", "--time-limit", "ten"], "--time-limit: ten is not a positive number"),
    (["a.ipynb", "--lecture", "9"], "'9' is none of 1, 2, 3"),
    (["a.ipynb", "--json", "missing/o.json"], "missing/o.json is no file in a folder that exists"),
    (["a.ipynb", "--junit", "."], ". is no file in a folder that exists"),
])  # fmt: skip
def test_wrong_usage_is_told_before_anything_runs(capsys, arguments, said):
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2 and said in capsys.readouterr().err


def test_a_memory_limit_may_be_larger_than_any_memory(monkeypatch):
    given = []
    monkeypatch.setattr(grade, "grade", lambda *all_: given.append(all_) or SOLVED)
    assert command.main(["a.ipynb", "--memory-limit", "1e300"]) == 0
    assert given[0][2].memory > 1e300


def test_a_report_that_cannot_be_written_is_told(monkeypatch, capsys, tmp_path):
    def refuse(text, path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(grade, "grade", lambda *given: SOLVED)
    monkeypatch.setattr(report, "write", refuse)
    path = tmp_path / "o.json"
    assert command.main(["a.ipynb", "--json", str(path)]) == 2
    assert f"{path} cannot be written: Permission denied" in capsys.readouterr().err


def test_an_interruption_does_not_lose_what_was_graded(monkeypatch, tmp_path):
    def graded(path, *_):
        if path == "b.ipynb":
            raise KeyboardInterrupt
        return SOLVED

    monkeypatch.setattr(grade, "grade", graded)
    path = tmp_path / "grades.json"
    with pytest.raises(KeyboardInterrupt):
        command.main(["a.ipynb", "b.ipynb", "--json", str(path)])
    assert path.read_text() == report.as_json([SOLVED])


def test_without_jupyter_one_sentence_says_what_to_run(monkeypatch, capsys):
    monkeypatch.setattr(command, "NEEDED", ("json", "no_such_package"))
    with pytest.raises(SystemExit) as caught:
        command.main(["a.ipynb"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "no_such_package is not installed here" in said
    assert f"run {sys.executable} -m pip install jupyterlab" in said


def test_the_help_says_whose_rights_the_code_has():
    asked = [sys.executable, "-m", "lecture_helpers.exercises", "--help"]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0 and "with your rights" in " ".join(done.stdout.split())
