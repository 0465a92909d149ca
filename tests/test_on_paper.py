"""Answers from paper: the first wrong step is named, and what autograd recorded is counted."""

import pytest
import torch
from test_exercises_practice import BROADCAST, THREE_STEPS
from test_exercises_practice_tracking import NEEDED, THREE_WALKS

from lecture_helpers.exercises import practice
from lecture_helpers.exercises.on_paper import Step, by_hand, check_steps


def test_a_right_step_is_told_how_far_it_goes():
    begun = dict.fromkeys(BROADCAST, ...) | {"w * x": [1, 2, 3], "dL/dw": 5}
    verdict = practice.check_broadcast(begun)
    assert verdict.passed is None
    assert verdict.message == "Right so far: 1 of 5 steps. Next is step 2 of 5, L."


def test_tuples_tensors_and_rounded_numbers_are_right():
    rounded = BROADCAST | {"dL/d(w * x)": (0.3333, 0.3333, 0.3333), "dL/dw": torch.tensor([4.0])}
    assert practice.check_broadcast(rounded).passed is True


@pytest.mark.parametrize("answer, said", [
    (5, "int came; expected the dict above"),
    (BROADCAST | {"dl/dw": 4}, "'dl/dw': keep the names on the left of the colons"),
    ({"w * x": [1, 2, 3]}, "'L': keep the names on the left of the colons"),
])  # fmt: skip
def test_another_kind_of_answer_is_told_what_is_expected(answer, said):
    verdict = practice.check_broadcast(answer)
    assert verdict.passed is False and said in verdict.message


@pytest.mark.parametrize("calls, passed, said", [
    ([2, 1], True, "Right, in all 5 steps."),
    ((2, 1), True, "Right, in all 5 steps."),
    ([3, 2], False, "you wrote [3, 2]; expected something else. Too late"),
    ([2, 1, 1], False, "you wrote [2, 1, 1]; expected something else."),
    ([2, "1"], False, "you wrote [2, '1']; expected something else."),
])  # fmt: skip
def test_calls_are_named_in_any_order(calls, passed, said):
    verdict = practice.check_three_walks(THREE_WALKS | {NEEDED: calls})
    assert verdict.passed is passed and said in verdict.message


def test_the_order_of_other_lists_counts():
    verdict = practice.check_broadcast(BROADCAST | {"w * x": [3, 2, 1]})
    assert verdict.passed is False


class Hostile:
    def __eq__(self, other):
        raise SystemExit("no")

    def __repr__(self):
        raise ValueError("no")


def test_an_answer_that_raises_is_reported():
    verdict = practice.check_three_steps(THREE_STEPS | {"d": Hostile()})
    assert verdict.passed is False
    assert verdict.message == "Not yet. Reading your answer raised ValueError: no."


@pytest.mark.parametrize("right, given", [(2.0, "2"), (None, "None"), ([1, 2], "[1, 2]")])
def test_an_answer_in_quotes_is_told_so(right, given):
    message = check_steps({"one": given}, [Step("one", right)]).message
    assert message.endswith(f"you wrote {given!r}; expected numbers or None, without quotes.")


def test_true_is_no_number_and_nan_is_never_right():
    steps = [Step("one", 1.0)]
    assert check_steps({"one": True}, steps).passed is False
    assert check_steps({"one": float("nan")}, steps).passed is False
    assert check_steps({"one": 1}, steps).passed is True


@pytest.mark.parametrize("function, operations", [
    (lambda: 3 * 2, 0),
    (lambda: torch.tensor([1.0, 2.0]).sum().item(), 0),
    (lambda: (torch.ones(2, requires_grad=True) * 3).sum(), 2),
    (lambda: torch.ones((), requires_grad=True).exp().backward(), 1),
])  # fmt: skip
def test_recorded_operations_are_counted(function, operations):
    counted, look = by_hand(function)
    counted()
    said = look()
    assert said is None if not operations else f"recorded {operations} operation" in said
