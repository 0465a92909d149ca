"""Every exercise: its solution passes, no answer is no error, wrong answers are rejected."""

import pytest
import test_exercises
import test_exercises_2
import test_exercises_3_1
import test_exercises_3_2
import test_exercises_3_3
from answers import assert_rejected, solution

LECTURES = (
    test_exercises,
    test_exercises_2,
    test_exercises_3_1,
    test_exercises_3_2,
    test_exercises_3_3,
)
EXERCISES = [(lecture, name) for lecture in LECTURES for name in lecture.CHECKS]
WRONG = [
    (*exercise, wrong) for exercise in EXERCISES for wrong in exercise[0].CHECKS[exercise[1]][1]
]
each_exercise = pytest.mark.parametrize(
    ("lecture", "name"), EXERCISES, ids=[name for _, name in EXERCISES]
)


@each_exercise
def test_the_solution_in_the_notebook_passes(lecture, name, root):
    verdict = lecture.CHECKS[name][0](solution(root, lecture.NOTEBOOK, name))
    assert verdict.passed is True, verdict


@each_exercise
def test_an_unanswered_stub_says_so(lecture, name):
    for stub in (lambda *given: None, lambda *given: ...):
        verdict = lecture.CHECKS[name][0](stub)
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
