"""Lecture 3, what is sorted in 3.1 and 3.2: the solutions pass, plausible slips are rejected."""

import pytest
import torch

from lecture_helpers.exercises import lecture_3
from lecture_helpers.exercises import lecture_3_sorting as sorting

NOTEBOOK = "03_controlling_tracking.ipynb"

REACHES = dict(zip(sorting.REACHES, (
    "error", "all", "nothing", "all", "part", "part", "nothing",
)))  # fmt: skip
NOW, LATER = "raises now", "raises at backward"
WRONG, RIGHT = "wrong gradient", "right gradient"
WRITES = dict(zip(sorting.WRITES, (
    LATER, RIGHT, RIGHT, WRONG, NOW, LATER, RIGHT, RIGHT, LATER,
)))  # fmt: skip


def but(answers, **changes):
    """The right answers but for some cases, such as ``case_3="all"``."""
    lines = list(answers)
    return answers | {lines[int(case[5:]) - 1]: word for case, word in changes.items()}


def all_of(answers, word):
    return dict.fromkeys(answers, word)


CHECKS = {
    "reaches": (lecture_3.check_reaches, {
        "the place of the call decides": but(REACHES, case_1="all", case_2="error"),
        "backward inside the block does nothing": but(REACHES, case_2="nothing"),
        "the flag is enough": but(REACHES, case_3="all"),
        "the flag does not help against the error": but(REACHES, case_3="error"),
        "the outer block decides": but(REACHES, case_4="error"),
        "the value counts": but(REACHES, case_5="all", case_6="all"),
        "one part inside spoils all": but(REACHES, case_5="nothing"),
        "inference tensors are always refused": but(REACHES, case_6="error"),
        "a view is as good as its base": but(REACHES, case_7="all"),
        "a view without history raises": but(REACHES, case_7="error"),
        "the same for all": all_of(REACHES, "error"),
        "another word": but(REACHES, case_1="raises"),
    }),
    "writes": (lecture_3.check_writes, {
        "every write breaks backward": all_of(WRITES, LATER),
        "detach copies": but(WRITES, case_1=RIGHT),
        "nobody checks": but(WRITES, case_1=WRONG),
        "a write through detach always raises": but(WRITES, case_2=LATER),
        "a write to x always spoils": but(WRITES, case_2=WRONG),
        "a clone shares": but(WRITES, case_3=LATER),
        "data is as detach": but(WRITES, case_4=LATER),
        "data copies": but(WRITES, case_4=RIGHT),
        "a leaf may be written to": but(WRITES, case_5=LATER),
        "the block does not allow it": but(WRITES, case_6=NOW),
        "the block protects": but(WRITES, case_6=RIGHT),
        "the block hides the write": but(WRITES, case_6=WRONG),
        "every result is saved": but(WRITES, case_7=LATER, case_8=LATER),
        "log saves its result": but(WRITES, case_8=LATER),
        "the input is always what is saved": but(WRITES, case_9=RIGHT),
        "the same for all": all_of(WRITES, RIGHT),
        "another word": but(WRITES, case_5="an error"),
    }),
}  # fmt: skip


@pytest.mark.parametrize("line", sorting.REACHES)
def test_what_reaches_x(line):
    assert sorting.what_reaches(line) == REACHES[line]


@pytest.mark.parametrize("line", sorting.WRITES)
def test_what_a_write_does(line):
    assert sorting.what_a_write_does(line) == WRITES[line]


def test_a_part_is_told_from_the_whole():
    assert sorting.what_reaches("with no_grad(): p = x**3, then y = p + 2 * x, then y.backward()") \
        == "part"  # fmt: skip
    assert sorting.what_reaches("y = x**3 + x + x, then y.backward()") == "all"


def test_a_wrong_gradient_is_told_from_a_right_one():
    assert sorting.what_a_write_does("y = x.exp(), then y.data.add_(1)") == WRONG
    assert sorting.what_a_write_does("y = 2 * x, then y.data.add_(1)") == RIGHT


@pytest.mark.parametrize("name, right", [("reaches", REACHES), ("writes", WRITES)])
def test_the_switch_for_recording_does_not_matter_and_stays(name, right):
    check, _ = CHECKS[name]
    with torch.no_grad():
        assert check(right).passed is True
        assert not torch.is_grad_enabled()
    assert check(right).passed is True
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("name, wrong, case", [
    ("reaches", "the place of the call decides", 1), ("reaches", "the flag is enough", 3),
    ("reaches", "the outer block decides", 4), ("reaches", "the value counts", 5),
    ("reaches", "inference tensors are always refused", 6),
    ("reaches", "a view is as good as its base", 7), ("writes", "detach copies", 1),
    ("writes", "data is as detach", 4), ("writes", "a leaf may be written to", 5),
    ("writes", "the block protects", 6), ("writes", "every result is saved", 7),
    ("writes", "the input is always what is saved", 9),
])  # fmt: skip
def test_a_slip_is_told_its_case(name, wrong, case):
    check, wrongs = CHECKS[name]
    lines = list(wrongs[wrong])
    said = check(wrongs[wrong]).message
    assert said.startswith(f"Not yet. Case {case} of {len(lines)}, {lines[case - 1]}: you wrote ")


def test_what_a_slip_is_told():
    said = CHECKS["writes"][0](CHECKS["writes"][1]["data is as detach"]).message
    assert said == (
        "Not yet. Case 4 of 9, y = x**2, then x.data.add_(1): you wrote 'raises at backward', "
        "and that is not what happens. 8 of 9 are right."
    )
