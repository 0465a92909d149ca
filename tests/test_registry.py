"""Which exercises there are."""

from types import ModuleType

import pytest
import torch

from lecture_helpers.exercises import lecture_1, registry
from lecture_helpers.exercises.checking import Verdict
from lecture_helpers.exercises.registry import EXERCISES, exercise, exercises_of, modules_of_checks


@pytest.fixture
def registered(monkeypatch):
    """An empty register; all modules have been imported, so that none registers later."""
    modules_of_checks()
    monkeypatch.setattr(registry, "EXERCISES", {})
    return registry.EXERCISES


def check_it(answer):
    return Verdict(answer, "said")


def judge_it(answer): ...


def test_natural_order(registered):
    order = ["1.1 a", "1.2 a", "1.2 b", "1.10 a", "2.1 a", "A.1", "P.1 a", "P.10 b"]
    for number in reversed(order):

        def check_one(answer): ...

        check_one.__qualname__ = number
        exercise(number, "compute")(check_one)
    assert [one.number for one in exercises_of()] == order
    assert [one.number for one in exercises_of("1")] == order[:4]
    assert [one.lecture for one in exercises_of()] == [*"11112APP"]
    assert exercises_of("9") == []


def test_an_exercise_knows_its_answer_and_keeps_its_verdicts(registered):
    checked = exercise("7.1 a", "repair")(check_it)
    (one,) = exercises_of("7")
    assert (one.answer, one.kind, one.section, one.check) == ("it", "repair", "7.1", checked)
    assert checked(True).passed is True and checked.__name__ == "check_it"


@pytest.mark.parametrize("before", [True, False])
def test_a_check_runs_with_recording_on_and_puts_back_what_was_set(registered, before):
    def check_mode(answer):
        was_on = torch.is_grad_enabled()
        torch.set_grad_enabled(not before)
        return Verdict(was_on, "said")

    with torch.set_grad_enabled(before):
        assert exercise("7.1 a", "repair")(check_mode)(None).passed is True
        assert torch.is_grad_enabled() is before


def test_the_exercises_of_a_module_are_those_whose_checks_it_holds(registered):
    holding, other = ModuleType("holding"), ModuleType("other")
    holding.check_it = exercise("7.1 a", "compute")(check_it)
    assert [one.number for one in exercises_of(holding)] == ["7.1 a"]
    assert exercises_of(other) == []


@pytest.mark.parametrize("number", ["1", "1.1a", "1.1  a", "a.1 b", "1.1 ab", "11.1 a", ""])
def test_a_number_of_another_form_is_refused(registered, number):
    with pytest.raises(ValueError, match='write one such as "1.1 a"'):
        exercise(number, "compute")


def test_a_kind_and_a_name_of_another_form_are_refused(registered):
    with pytest.raises(ValueError, match="of the kind 'guess'; choose one of"):
        exercise("1.1 a", "guess")
    with pytest.raises(ValueError, match="checked by judge_it; call it check_NAME"):
        exercise("1.1 a", "compute")(judge_it)
    assert not registered


def test_one_number_belongs_to_one_check_also_of_another_module(registered):
    exercise("1.1 a", "compute")(check_it)
    exercise("1.1 a", "compute")(check_it)  # the module was imported again

    def check_again(answer): ...

    check_again.__qualname__, check_again.__module__ = check_it.__qualname__, "elsewhere"
    with pytest.raises(ValueError, match="two exercises have the number 1.1 a"):
        exercise("1.1 a", "compute")(check_again)


def test_all_modules_of_checks_are_imported_and_none_that_runs_itself():
    modules = modules_of_checks()
    assert modules["lecture_1"] is lecture_1 and {"lecture_2", "practice"} <= set(modules)
    assert not {"__main__", "grading"} & set(modules)
    assert set(exercises_of()) == set(EXERCISES.values())
    for one in exercises_of():
        assert one.check.__name__ == f"check_{one.answer}" and one.number.startswith(one.lecture)
