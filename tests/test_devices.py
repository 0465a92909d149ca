"""The course's device follows torch, and LECTURE_DEVICE overrides it."""

import pytest
import torch

from lecture_helpers import choose_device, device


def test_default_follows_torch():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device({}).type == choose_device({"LECTURE_DEVICE": " "}).type == expected


def test_the_variable_wins():
    assert choose_device({"LECTURE_DEVICE": "cpu"}) == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:99", "meta"])
def test_an_impossible_value_is_one_clear_sentence(wanted):
    with pytest.raises(ValueError, match=f"LECTURE_DEVICE is '{wanted}'.*set it to 'cpu'"):
        choose_device({"LECTURE_DEVICE": wanted})


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_is_taken_where_there_is_one():
    assert torch.ones(1, device=device).is_cuda
