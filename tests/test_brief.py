"""Numbers and small tensors in few characters."""

import pytest
import torch

from lecture_helpers.brief import LONGEST, brief, fitted


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (14.0, "14"), (14, "14"), (-3.0, "-3"), (-0.0, "0"), (0.5, "0.5"), (1 / 3, "0.33333"),
        (1234567.0, "1234567"), (1e7, "1e+07"), (123456.7, "1.2346e+05"), (True, "True"),
        (float("nan"), "nan"), (float("-inf"), "-inf"), (1 - 2j, "(1-2j)"), (0.5 + 2j, "(0.5+2j)"),
        ([1.0, ..., [2.5]], "[1, …, [2.5]]"), (..., "…"), ([], "[]"),
        (torch.tensor(7.0), "7"), (torch.tensor([0.1, 2.0]), "[0.1, 2]"),
        (torch.tensor([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"), (torch.zeros(2, 0), "[[], []]"),
        (torch.tensor([1.0], requires_grad=True), "[1]"), (torch.tensor([True]), "[True]"),
        (torch.eye(2).to_sparse(), "[[1, 0], [0, 1]]"),
        (torch.arange(1001.0), "[0, 1, 2, …, 1000]"),
    ],
)  # fmt: skip
def test_a_value_in_few_characters(value, told):
    assert brief(value) == told


def test_long_lists_keep_their_ends():
    numbers = torch.arange(10.0)
    assert brief(numbers, (3, 1)) == "[0, 1, 2, …, 9]"
    assert brief(numbers, (1, 0)) == "[0, …]"
    assert brief(numbers, (0, 0)) == "[…]"
    assert brief(numbers[:4], (3, 1)) == "[0, 1, 2, 3]"
    assert brief(torch.arange(16.0).view(4, 4), (1, 1)) == "[[0, …, 3], …, [12, …, 15]]"


def test_the_fullest_text_that_fits_is_taken():
    def written(count, longest=LONGEST):
        return fitted(lambda ends: f"1 × {brief([0.25] * count, ends)}", longest)

    assert written(3) == "1 × [0.25, 0.25, 0.25]"
    assert written(14) == f"1 × [{', '.join(['0.25'] * 14)}]"
    assert written(15) == "1 × [0.25, 0.25, 0.25, …, 0.25]"
    assert written(15, 31) == written(15) and len(written(15)) == 31
    assert written(15, 30) == "1 × [0.25, 0.25, …, 0.25]"
    assert written(15, 20) == "1 × [0.25, …, 0.25]"
    assert written(15, 10) == written(15, 1) == "1 × […]"
