"""What the tests of exercises share: a rejection that is one, an answer that is found."""

import pytest
from answers import assert_rejected, binds

from lecture_helpers.exercises.checking import Verdict

REJECTED = (
    "Case 1 of 5, x = 1.0: your function returned 2.0; expected 3.0.",
    "Case 12 of 12, f(x) = x²: your function raised TypeError: no.",
    "Case 3 of 10, x * x: you wrote 'fine', and that is not what happens. 9 of 10 are right.",
    "Case 3 of 10, x * x: you wrote 'x'; expected one of 'a', 'b'. 9 of 10 are right.",
    "Case 1 of 2, x[0] = 9: it is not answered yet. 0 of 2 are right.",
)
NOT_REJECTED = (
    "x = 1.0: your function returned 2.0; expected 3.0.",
    "Case 1 of 5, x = 1.0: that is wrong.",
    "Case 1 of 5, x * x: your function returned 2.0; expected 3.0.",
    "Case 3 of 10, x * x: you wrote 'fine', and that is not what happens.",
    "Case 3 of 10, x * x: no. 9 of 10 are right.",
)


def test_a_rejection_names_the_case_and_what_was_expected():
    for said in REJECTED:
        assert_rejected(Verdict(False, f"Not yet. {said}"))
    for said in NOT_REJECTED:
        with pytest.raises(AssertionError):
            assert_rejected(Verdict(False, f"Not yet. {said}"))
    for passed in (True, None):
        with pytest.raises(AssertionError):
            assert_rejected(Verdict(passed, f"Not yet. {REJECTED[0]}"))


def test_an_answer_is_a_function_a_class_or_any_variable():
    for code in ("def asked(): ...", "class asked: ...", "asked = {}", "other, asked = 1, 2",
                 "asked: dict = {}", "asked = other = lambda: 1"):  # fmt: skip
        assert binds(code, "asked"), code
    for code in ("asked()", "def other(asked): ...", "other = asked", "asked.x = 1"):
        assert not binds(code, "asked"), code
