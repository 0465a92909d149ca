"""The appendix: solutions pass, plausible wrong answers are rejected and told why."""

import json
import os
import subprocess
import sys

import pytest
import torch
from answers import assert_rejected
from answers_in_tensorflow import NOTEBOOK
from runnable import skip_unless_runnable

from lecture_helpers.exercises.appendix import check_slopes
from lecture_helpers.exercises.checking import Verdict


@pytest.fixture(scope="module")
def verdicts(pytestconfig):
    """What the check says of each answer in TensorFlow: kind -> name -> verdict."""
    root = pytestconfig.rootpath
    skip_unless_runnable(root / "notebooks" / NOTEBOOK)
    command = [sys.executable, root / "tests" / "answers_in_tensorflow.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, env=os.environ)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    told = json.loads(done.stdout)
    return {kind: {n: Verdict(*v) for n, v in of.items()} for kind, of in told.items()}


def test_solutions_pass(verdicts):
    assert len(verdicts["solution"]) == 4
    for name, verdict in verdicts["solution"].items():
        assert verdict == Verdict(True, "Right, in all 4 cases."), name


@pytest.mark.parametrize("name, said", [
    ("nothing is captured", "Case 1 of 4, f(x) = (2x + 1)² if x > 0 else (2x - 1)², points "
     "[2.0, -1.0]: the slopes are right, but Python ran f 2 times; expected once."),
    ("captured in the loop", "but Python ran f 2 times; expected once"),
    ("a constant that nobody watches", "your function raised AttributeError: 'NoneType'"),
    ("the same, and None is returned", "your function returned [None, None]; expected [20.0"),
    ("Python numbers", "your function returned [None, None]; expected [20.0, -12.0]"),
    ("tensors", "numpy=20.0>"),
    ("the first slope for all", "your function returned [20.0, 20.0]; expected [20.0, -12.0]"),
    ("values, not slopes", "your function returned [25.0, 9.0]; expected [20.0, -12.0]"),
    ("one loop in the graph, f in it again and again", "but Python ran f 2 times"),
])  # fmt: skip
def test_a_wrong_answer_is_rejected_and_told_why(verdicts, name, said):
    verdict = verdicts["wrong"][name]
    assert_rejected(verdict)
    assert said in verdict.message


def test_no_wrong_answer_is_forgotten(verdicts):
    (tried,) = [m for m in test_a_wrong_answer_is_rejected_and_told_why.pytestmark]
    assert {name for name, _ in tried.args[1]} == set(verdicts["wrong"])


def test_an_unanswered_stub_says_so():
    for stub in (lambda f, points: None, lambda f, points: ...):
        verdict = check_slopes(stub)
        assert verdict.passed is None and repr(verdict).startswith("Not answered yet:")


def in_torch(f, points):
    """Right slopes without any capture."""
    leaves = [torch.tensor(point, requires_grad=True) for point in points]
    return [torch.autograd.grad(f(x), x)[0].item() for x in leaves]


def difference_quotient(f, points):
    return [(f(point + 0.5) - f(point - 0.5)) for point in points]


@pytest.mark.parametrize("wrong, said", [
    (in_torch, "the slopes are right, but Python ran f 2 times; expected once"),
    (difference_quotient, "Case 1 of 4"),
    (lambda f, points: [0.0] * len(points), "your function returned [0.0, 0.0]"),
    (lambda f, points: [20.0, -12.0], "the slopes are right, but Python ran f 0 times"),
])  # fmt: skip
def test_a_wrong_answer_without_tensorflow_is_rejected(wrong, said):
    verdict = check_slopes(wrong)
    assert_rejected(verdict)
    assert said in verdict.message
