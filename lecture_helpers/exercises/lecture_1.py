"""Checks of lecture 1."""

import math

import torch

from ..devices import device
from ..errors import quietly
from .checking import NOT_ANSWERED, Case, Verdict, check
from .lecture_1_accumulation import check_accumulate, check_own_gradients
from .lecture_1_graph import (
    check_nodes_back,
    check_recorded,
    check_second_backward,
    check_slopes_by_hand,
    show_recorded,
)
from .registry import exercise

__all__ = [
    "check_accumulate",
    "check_mended_loop",
    "check_mended_slopes",
    "check_nodes_back",
    "check_own_gradients",
    "check_recorded",
    "check_second_backward",
    "check_slopes_by_hand",
    "check_static_jump",
    "check_value_and_slope",
    "show_recorded",
]

JUMP_POINTS = (1.0, 0.0, 0.5, 0.75, -4.0)


def jump(x):
    """Return 3x where x > 0.5, else x - 2."""
    return 3 * x if x > 0.5 else x - 2


def signed(x):
    """Double x, add 1 if x > 0, else subtract 1, then square."""
    return (2 * x + (1 if x > 0 else -1)) ** 2


def fifth(x):
    """Return the fifth power of sin(x)."""
    return torch.sin(x) ** 5


@exercise("1.1 a", kind="compute")
def check_value_and_slope(function) -> Verdict:
    """Check exercise 1.1 a: any function's value at a point, and its slope by autograd.

    ``function(f, x)`` takes a function of a tensor and a float, and returns two floats.
    At a jump or a kink of f rise over run gives another number than autograd.
    """
    asked = [
        ("jump", jump, 1.0),
        ("jump", jump, 0.5),
        ("signed", signed, 2.0),
        ("signed", signed, 0.0),
        ("abs", torch.abs, 0.0),
        ("sin(x)**5", fifth, 1.0),
    ]
    cases = [
        Case(f"f = {words}, x = {point}", (f, point), _value_and_slope(f, point))
        for words, f, point in asked
    ]
    return check(lambda arguments: function(*arguments), cases)


def _value_and_slope(f, point) -> list:
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    y = f(x)
    return [y.item(), torch.autograd.grad(y, x)[0].item()]


@exercise("1.1 b", kind="repair")
def check_mended_loop(function) -> Verdict:
    """Check exercise 1.1 b: a loop that gives away its leaf, so that anybody can ask for a slope.

    ``function(start, steps)`` takes a float and an integer and returns the leaf x and the
    result y of the loop, two tensors; even steps double y, odd steps add 3.
    """
    kept = []

    def numbers_of(arguments):
        kept[:] = [function(*arguments)]
        came = kept[0]
        if not isinstance(came, (tuple, list)):
            return came
        return [one.item() if isinstance(one, torch.Tensor) else one for one in came]

    cases = []
    for start, steps in ((1.0, 3), (1.0, 5), (-2.0, 8), (0.5, 1), (4.0, 0)):
        y = _loop(start, steps)
        slope = _loop(1.0, steps) - _loop(0.0, steps)  # the loop is a straight line in start
        looks = _looks_at_slope(kept, slope)
        cases.append(Case(f"start = {start}, steps = {steps}", (start, steps), [start, y], looks))
    with torch.enable_grad():
        return check(numbers_of, cases)


def _loop(y, steps) -> float:
    for step in range(steps):
        y = y * 2 if step % 2 == 0 else y + 3
    return y


def _looks_at_slope(kept, expected):
    """Return a look at the pair of tensors that a function returned: the slope of y for x."""

    def look():
        x, y = kept[0]
        if not (isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor)):
            kinds = f"{type(x).__name__} and {type(y).__name__}"
            return f"the numbers are right, but x and y are {kinds}; expected two tensors"
        if not (x.is_leaf and x.requires_grad):
            return "the numbers are right, but x is no leaf that requires grad; expected one"
        try:
            (slope,) = torch.autograd.grad(y, x, allow_unused=True)
        except RuntimeError as error:
            said = str(error).partition(".")[0]
            return f"the numbers are right, but asking for dy/dx then raised RuntimeError: {said}"
        slope = None if slope is None else slope.item()
        if slope is None or not math.isclose(slope, expected, rel_tol=1e-4):
            return f"the numbers are right, but dy/dx is then {slope}; expected {expected}"
        return None

    return look


@exercise("1.1 c", kind="repair")
def check_mended_slopes(function) -> Verdict:
    """Check exercise 1.1 c: the slope of any function at each of several points.

    ``function(f, points)`` takes a function of a tensor and a list of floats, and returns
    a list of floats.
    """
    asked = [
        ("jump", jump, [1.0, 0.0]),
        ("jump", jump, [0.5, 0.75, -4.0, 0.75]),
        ("signed", signed, [2.0, -1.0, 0.0]),
        ("sin(x)**5", fifth, [1.0, 1.0]),
        ("abs", torch.abs, [0.0, -2.0]),
        ("jump", jump, []),
    ]
    cases = [
        Case(f"f = {words}, points = {points}", (f, points),
             [_value_and_slope(f, point)[1] for point in points])
        for words, f, points in asked
    ]  # fmt: skip
    return check(lambda arguments: function(*arguments), cases)


@exercise("1.1 d", kind="compute")
def check_static_jump(function) -> Verdict:
    """Check exercise 1.1 d: ``torch.export`` captures the function once, at x = 1.

    ``function(x)`` takes and returns a 0-d tensor: 3x where x > 0.5, else x - 2. The
    captured graph, not the function, is then called at several points.
    """

    class Captured(torch.nn.Module):
        def forward(self, x):
            return function(x)

    example = torch.tensor(JUMP_POINTS[0], device=device)
    doing = "your function"
    try:
        came = function(example)
        if came is None or came is ...:
            return Verdict(None, NOT_ANSWERED)
        doing = "the capture of your function"
        with quietly():
            replay = torch.export.export(Captured(), (example,)).module()
    except Exception as error:  # the learner's own code may raise anything
        where = f"Case 1 of {len(JUMP_POINTS)}, x = {JUMP_POINTS[0]}"
        first_line = str(error).strip().split("\n")[0].rstrip(".")
        said = f"Not yet. {where}: {doing} raised {type(error).__name__}: {first_line}."
        return Verdict(False, said)
    cases = [
        Case(f"x = {point} in the captured graph", point, jump(point)) for point in JUMP_POINTS
    ]

    def replayed(point):
        came = replay(torch.tensor(point, device=device))
        return came.item() if isinstance(came, torch.Tensor) and came.numel() == 1 else came

    return check(replayed, cases)
