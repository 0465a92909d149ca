"""Checks of lecture 3 that sort lines by what happens; each line is really run.

``lecture_3`` offers them all.
"""

import torch

from .checking import Verdict, check_sorting, leaf_of
from .registry import exercise

THEN = ", then "
BLOCKS = {
    "no_grad": torch.no_grad,
    "enable_grad": torch.enable_grad,
    "inference_mode": torch.inference_mode,
}

REACHES = (
    "with no_grad(): y = f(x), then y.backward()",
    "y = f(x), then with no_grad(): y.backward()",
    "with no_grad(): y = f(x), then y.requires_grad_(), then y.backward()",
    "with no_grad(), enable_grad(): y = f(x), then y.backward()",
    "with no_grad(): p = 2 * x, then y = x**3 + p, then y.backward()",
    "with inference_mode(): q = 2 * x, then y = x**3 + q, then y.backward()",
    "with no_grad(): v = x.view(1), then y = f(v), then y.backward()",
)
WRITES = (
    "y = x**2, then x.detach().add_(1)",
    "y = 3 * x, then x.detach().add_(1)",
    "y = x**2, then x.detach().clone().add_(1)",
    "y = x**2, then x.data.add_(1)",
    "y = x**2, then x.add_(1)",
    "y = x**2, then with no_grad(): x.add_(1)",
    "y = x.cos(), then y.add_(1)",
    "y = x.log(), then y.add_(1)",
    "y = x.reciprocal(), then y.add_(1)",
)


@exercise("3.1 a", kind="predict")
def check_reaches(answers) -> Verdict:
    """Check exercise 3.1 a: what reaches x.grad when y is made here and walked there.

    ``answers`` gives for each of ``REACHES`` one of the words "all", "part", "nothing"
    and "error".
    """
    with torch.enable_grad():
        return check_sorting(answers, {line: what_reaches(line) for line in REACHES})


@exercise("3.2 c", kind="predict")
def check_writes(answers) -> Verdict:
    """Check exercise 3.2 c: what a write between forward and backward does to the gradient.

    ``answers`` gives for each of ``WRITES`` one of the words "raises now",
    "raises at backward", "wrong gradient" and "right gradient".
    """
    with torch.enable_grad():
        return check_sorting(answers, {line: what_a_write_does(line) for line in WRITES})


def f(x):
    """x³ + 2x, the function that the lines of 3.1 a name."""
    return x**3 + 2 * x


def what_reaches(line: str) -> str:
    """Run a line on x = 2 and compare ``x.grad`` with the slope of the whole f."""
    x, whole = leaf_of(2.0), leaf_of(2.0)
    f(whole).backward()
    try:
        _run(line, {"x": x, "f": f})
    except RuntimeError:
        return "error"
    if x.grad is None:
        return "nothing"
    return "all" if torch.allclose(x.grad, whole.grad) else "part"


def what_a_write_does(line: str) -> str:
    """Run a line on x = [2, 3], then backward from the sum of y.

    The right gradient is the one that the line's forward has without the write.
    """
    x, unwritten = leaf_of([2.0, 3.0]), leaf_of([2.0, 3.0])
    forward, _, _ = line.partition(THEN)
    _run(forward, {"x": unwritten})["y"].sum().backward()
    try:
        y = _run(line, {"x": x})["y"]
    except RuntimeError:
        return "raises now"
    try:
        y.sum().backward()
    except RuntimeError:
        return "raises at backward"
    return "right gradient" if torch.allclose(x.grad, unwritten.grad) else "wrong gradient"


def _run(line, names) -> dict:
    """Run the parts of a line one after the other and return the names they know."""
    space = BLOCKS | names
    exec(line.replace(THEN, "\n"), space)
    return space
