"""Questions from Python's side: what they keep and say."""

import pytest
import torch

from lecture_helpers import predict


def test_prediction_by_choice(capsys):
    asked = predict("What is c.grad?", ["0.0", "2.0", "None"])
    assert str(asked) == "Predict. What is c.grad?\n  ( ) 0.0\n  ( ) 2.0\n  ( ) None"
    assert asked.answer is None
    asked.compare(None)
    asked._input.value = "2.0"
    assert "Noted: 2.0" in asked._noted.value
    asked.compare(None)
    asked._input.value = "None"
    asked.compare(None)
    assert capsys.readouterr().out.splitlines() == [
        "No prediction yet. Answer the question above, then run this cell again.",
        "You predicted 2.0. The computation gives None.",
        "You predicted None. Right.",
    ]


@pytest.mark.parametrize("answer, computed, right", [
    ("42", 42.0, True), (" 42.0 ", 42.0, True), ("41", 42.0, False), ("x", 42.0, False),
    ("[4, 3]", [4.0, 3.0], True), ("[4, 3, 1]", [4.0, 3.0], False), ("0.3333", 1 / 3, True),
    ("[4.0,3.0]", [4.0, 3.0], True), ("0", 0.0, True), ("nan", 1.0, False), ("5", 5, True),
    ("nan", float("nan"), True), ("42", torch.tensor(42.0), True), ("2+3j", 2 + 3j, True),
    ("a b", "ab", False), ("1" * 400, 42.0, False), ("None", None, True), ("0", None, False),
])  # fmt: skip
def test_prediction_by_number(answer, computed, right, capsys):
    asked = predict("?")
    asked._input.value = answer
    asked.compare(computed)
    assert ("Right" in capsys.readouterr().out) == right


def test_a_choice_is_right_only_as_it_reads(capsys):
    asked = predict("?", ["42", "42.0"])
    asked._input.value = "42"
    asked.compare(42.0)
    assert capsys.readouterr().out == "You predicted 42. The computation gives 42.0.\n"


def test_a_number_is_asked_for_and_long_questions_wrap_at_spaces():
    asked = predict("word " * 40)
    asked._input.value = "8,0"
    assert asked._noted.value == "8,0 is not a number. Type one such as 4.5."
    asked._input.value = "8.0"
    assert asked._noted.value == "Noted: 8.0. Now run the cells below."
    assert max(map(len, str(asked).splitlines())) <= 88


def test_a_question_is_escaped():
    asked = predict("is a < b?")
    assert "a &lt; b" in asked.widget.children[0].value


@pytest.mark.parametrize("typed", ["abc", "1/3", "4,5"])
def test_what_is_no_number_is_said_to_be_none_and_the_answer_stays_hidden(capsys, typed):
    asked = predict("What is 3 / 2?")
    asked._input.value = typed
    asked.compare(1.5)
    assert capsys.readouterr().out == f"{typed} is not a number. Type one such as 4.5.\n"
