"""Every exercise: its solution passes, no answer is no error, wrong answers are rejected.

A module ``test_exercises*.py`` that names its ``NOTEBOOK`` brings ``CHECKS``: for the name of
each answer its check and ``{what is wrong: wrong answer}``.
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


@each_exercise
def test_at_least_three_wrong_answers_are_tried(lecture, name):
    assert len(lecture.CHECKS[name][1]) >= 3
