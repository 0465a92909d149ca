"""Checks of the appendix on TensorFlow. Nothing here imports it: torch computes what is right."""

import torch

from ..errors import quietly
from .checking import Case, Verdict, check_recording
from .registry import exercise


@exercise("A.1 a", kind="compute")
def check_slopes(function) -> Verdict:
    """Check exercise A.1 a: slopes at several points, through one captured graph.

    ``function(f, points)`` takes a Python function of one number, which serves torch and
    TensorFlow alike, and a list of floats. It returns the slope of f at each point as a
    list of floats. Python may run f once only: for the capture.
    """
    asked = {
        "(2x + 1)² if x > 0 else (2x - 1)²": (_signed, [2.0, -1.0]),
        "3s if x > 0.5 else s - 2, with s = x²": (_jump, [1.0, 0.0, 0.5, 0.75]),
        "x³": (lambda x: x**3, [1.0, 2.0, -1.0]),
        "x² - x": (lambda x: x**2 - x, [3.0]),
    }
    cases = []
    for words, (f, points) in asked.items():
        counted, runs = _counting(f)
        right = [_slope(f, point) for point in points]
        words = f"f(x) = {words}, points {points}"
        cases.append(Case(words, (counted, points), right, _looks_at(runs)))
    with quietly():  # TensorFlow would warn of the captures of several checks as of one function's
        return check_recording(function, cases)


# A branch reads no x itself: TensorFlow would look for the tf.Variable that was x in the first
# call, and a right answer that makes a variable for each point has dropped it by then.
def _signed(x):
    double = 2 * x
    return (double + 1 if x > 0 else double - 1) ** 2


def _jump(x):
    square = x**2
    return 3 * square if x > 0.5 else square - 2


def _slope(f, point) -> float:
    x = torch.tensor(point, requires_grad=True)
    return torch.autograd.grad(f(x), x)[0].item()


def _counting(f) -> tuple:
    """Return the function with a list that grows each time Python runs it."""
    runs = []

    def counted(x):
        runs.append(1)
        return f(x)

    return counted, runs


def _looks_at(runs):
    def look():
        if len(runs) == 1:
            return None
        return f"the slopes are right, but Python ran f {len(runs)} times; expected once"

    return look
