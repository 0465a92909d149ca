"""Every exercise: its solution passes, no answer is no error, wrong answers are rejected.

A module ``test_exercises*.py`` that names its ``NOTEBOOK`` brings ``CHECKS``: for the name of
each answer its check and ``{what is wrong: wrong answer}``. Of these it may bring ``SLIPS``,
``[(name, what is wrong, what it is told)]``, and ``HINTED``, ``[(name, what is wrong, the number of
the first case that it misses)]``, where a hint names that case.
"""

from importlib import import_module
from pathlib import Path

import pytest
from answers import assert_rejected, solved, stub

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("test_exercises*.py"))
LECTURES = [lecture for lecture in map(import_module, MODULES) if hasattr(lecture, "CHECKS")]
EXERCISES = [(lecture, name) for lecture in LECTURES for name in lecture.CHECKS]
WRONG = [
    (*exercise, wrong) for exercise in EXERCISES for wrong in exercise[0].CHECKS[exercise[1]][1]
]
each_exercise = pytest.mark.parametrize(
    ("lecture", "name"), EXERCISES, ids=[name for _, name in EXERCISES]
)
pytestmark = pytest.mark.usefixtures("recording_stays_on")


def each_of(table):
    """Parametrize a test by the rows of a table of the modules that bring it."""
    rows = [(lecture, *row) for lecture in LECTURES for row in getattr(lecture, table, ())]
    return pytest.mark.parametrize(
        ("lecture", "name", "wrong", "told"), rows, ids=[f"{row[1]}: {row[2]}" for row in rows]
    )


@each_exercise
def test_the_solution_in_the_notebook_passes(lecture, name):
    verdict = lecture.CHECKS[name][0](solved(lecture, name))
    assert verdict.passed is True, verdict


@each_exercise
def test_an_unanswered_stub_says_so(lecture, name, root):
    asked = stub(root, lecture.NOTEBOOK, name)
    if isinstance(asked, dict):
        assert asked and set(asked.values()) == {...}
        assert asked.keys() == solved(lecture, name).keys()
        unanswered = [asked]
    else:
        unanswered = [asked, lambda *given: None, lambda *given: ...]
    for one in unanswered:
        verdict = lecture.CHECKS[name][0](one)
        assert verdict.passed is None and repr(verdict).startswith("Not answered yet:")


@pytest.mark.parametrize(
    ("lecture", "name", "wrong"), WRONG, ids=[f"{name}: {wrong}" for _, name, wrong in WRONG]
)
def test_a_wrong_answer_is_rejected_and_the_case_is_named(lecture, name, wrong):
    check, wrongs = lecture.CHECKS[name]
    assert_rejected(check(wrongs[wrong]))


@each_of("SLIPS")
def test_what_a_slip_is_told(lecture, name, wrong, told):
    check, wrongs = lecture.CHECKS[name]
    assert check(wrongs[wrong]).message == f"Not yet. {told}"


@each_of("HINTED")
def test_a_hint_that_names_a_case_names_the_right_one(lecture, name, wrong, told):
    check, wrongs = lecture.CHECKS[name]
    assert check(wrongs[wrong]).message.startswith(f"Not yet. Case {told} of ")


@each_exercise
def test_at_least_three_wrong_answers_are_tried(lecture, name):
    assert len(lecture.CHECKS[name][1]) >= 3
