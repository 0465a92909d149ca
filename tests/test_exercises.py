"""Section 1.1: solutions pass, plausible wrong answers are rejected; what a check says."""

import pytest
import torch

from lecture_helpers.exercises import lecture_1
from lecture_helpers.exercises.checking import Case, check

NOTEBOOK = "01_dynamic_computation_graphs.ipynb"


def value_and_slope(f, x):
    x = torch.tensor(x, requires_grad=True)
    y = f(x)
    return y.item(), torch.autograd.grad(y, x)[0].item()


def value_of(f, x):
    return f(torch.tensor(x)).item()


def rise_over_run(f, x, left=1e-4, right=1e-4):
    x = torch.tensor(x, dtype=torch.float64)
    return ((f(x + right) - f(x - left)) / (left + right)).item()


def loop(x, steps):
    for step in range(steps):
        x = x * 2 if step % 2 == 0 else x + 3
    return x


def leaf_and_result(start, steps):
    x = torch.tensor(start, requires_grad=True)
    return x, loop(x, steps)


def walked_already(start, steps):
    x, y = leaf_and_result(start, steps)
    y.backward()
    return x, y


def another_leaf(start, steps):
    return torch.tensor(start, requires_grad=True), leaf_and_result(start, steps)[1]


def added_steps_made_a_new_leaf(start, steps):
    x = torch.tensor(start, requires_grad=True)
    y = x
    for step in range(steps):
        y = y * 2 if step % 2 == 0 else torch.tensor(y.item() + 3, requires_grad=True)
    return x, y


def each_slope(f, points, ask):
    """Call ``ask(y, x)`` at each point, with a fresh leaf x."""
    slopes = []
    for point in points:
        x = torch.tensor(point, requires_grad=True)
        slopes.append(ask(f(x), x))
    return slopes


def asked_after_a_backward(y, x):
    y.backward()
    return torch.autograd.grad(y, x)[0].item()


def one_leaf_for_all(f, points):
    x, slopes = torch.tensor(0.0, requires_grad=True), []
    for point in points:
        x.data.fill_(point)
        f(x).backward()
        slopes.append(x.grad.item())
    return slopes


CHECKS = {
    "value_and_slope": (lecture_1.check_value_and_slope, {
        "hard-coded": lambda f, x: (3.0, 3.0),
        "y by y": lambda f, x: (value_and_slope(f, x)[0], 1.0),
        "rise over run": lambda f, x: (value_of(f, x), rise_over_run(f, x)),
        "rise over run from the left": lambda f, x: (
            value_of(f, x), rise_over_run(f, x, right=0)),
        "rise over run to the right": lambda f, x: (value_of(f, x), rise_over_run(f, x, left=0)),
        "the formula of signed": lambda f, x: (
            value_of(f, x), 4 * (2 * x + (1 if x > 0 else -1))),
        "the value only": lambda f, x: value_and_slope(f, x)[0],
        "the slope first": lambda f, x: value_and_slope(f, x)[::-1],
        "tensors": lambda f, x: [torch.tensor(part) for part in value_and_slope(f, x)],
        "a leaf that is not tracked": lambda f, x: torch.autograd.grad(f(torch.tensor(x)), x),
    }),
    "mended_loop": (lecture_1.check_mended_loop, {
        "the numbers, the slope hard-coded": lambda start, steps: (loop(start, steps), 4.0),
        "right numbers, no tensors": lambda start, steps: (start, loop(start, steps)),
        "three steps, always": lambda start, steps: leaf_and_result(start, 3),
        "x is not tracked": lambda start, steps: (
            torch.tensor(start), loop(torch.tensor(start), steps)),
        "x is no leaf": lambda start, steps: (
            (x := torch.tensor(start, requires_grad=True) * 1), loop(x, steps)),
        "x is another leaf": another_leaf,
        "y is detached": lambda start, steps: (
            (x := torch.tensor(start, requires_grad=True)), loop(x, steps).detach()),
        "the right value put on": lambda start, steps: (
            (x := torch.tensor(start, requires_grad=True)), loop(start, steps) + (x - start)),
        "a new leaf on the way": added_steps_made_a_new_leaf,
        "walked already": walked_already,
        "y first": lambda start, steps: leaf_and_result(start, steps)[::-1],
        "y alone": lambda start, steps: leaf_and_result(start, steps)[1],
    }),
    "mended_slopes": (lecture_1.check_mended_slopes, {
        "as it was": lambda f, points: [1.0 for _ in points],
        "y by x, after a backward": lambda f, p: each_slope(f, p, asked_after_a_backward),
        "the slopes of jump": lambda f, points: [3.0 if x > 0.5 else 1.0 for x in points],
        "rise over run": lambda f, points: [rise_over_run(f, x) for x in points],
        "rise over run from the left": lambda f, points: [
            rise_over_run(f, x, left=1e-6, right=0) for x in points],
        "one leaf for all": one_leaf_for_all,
        "the first point only": lambda f, points: [value_and_slope(f, points[0])[1]],
        "tuples": lambda f, p: each_slope(f, p, torch.autograd.grad),
        "the values": lambda f, points: [value_of(f, x) for x in points],
    }),
    "static_jump": (lecture_1.check_static_jump, {
        "a Python if": lambda x: 3 * x if x > 0.5 else x - 2,
        "the branch at 1 only": lambda x: 3 * x,
        "the branch decided on the number": lambda x: torch.tensor(3.0 if x.item() > 0.5 else -2.0),
        "the other branch at 0.5": lambda x: torch.where(x >= 0.5, 3 * x, x - 2),
        "branches swapped": lambda x: torch.where(x > 0.5, x - 2, 3 * x),
        "both branches added": lambda x: (x > 0.5) * 3 * x + (x - 2),
        "decided outside torch": lambda x: torch.where(torch.tensor(bool(x > 0.5)), 3 * x, x - 2),
    }),
}  # fmt: skip


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize("answer", [10**400, Unprintable(), ValueError("returned"), True])
def test_any_object_returned_is_judged_and_nothing_is_raised(answer):
    verdict = check(lambda given: answer, [Case("x = 1", 1.0, 1.0)])
    assert verdict.passed is False
    assert verdict.message.startswith("Not yet. Case 1 of 1, x = 1: your function r")


def test_a_later_none_is_a_wrong_answer_and_numbers_of_any_kind_count():
    cases = [Case("x = 1", 1.0, 1.0), Case("x = 2", 2.0, 2.0)]
    assert check(lambda given: 1 if given == 1 else None, cases).passed is False
    assert check(int, cases).passed is True
    assert check(lambda given: given * 1.001, cases).passed is False


def test_an_error_in_the_answer_is_reported_not_raised():
    verdict = lecture_1.check_value_and_slope(lambda f, x: 1 / 0)
    assert verdict.passed is False
    assert "your function raised ZeroDivisionError: division by zero" in verdict.message


@pytest.mark.parametrize("name, wrong, said", [
    ("value_and_slope", "rise over run", "Case 2 of 6, f = jump, x = 0.5: your function "
     "returned (-1.5, 15001."),
    ("mended_loop", "the numbers, the slope hard-coded", "Case 1 of 5, start = 1.0, steps = 3: "
     "your function returned [10.0, 4.0]; expected [1.0, 10.0]."),
    ("mended_loop", "right numbers, no tensors", "Case 1 of 5, start = 1.0, steps = 3: the "
     "numbers are right, but x and y are float and float; expected two tensors."),
    ("mended_loop", "x is no leaf", "Case 1 of 5, start = 1.0, steps = 3: the numbers are "
     "right, but x is no leaf that requires grad; expected one."),
    ("mended_loop", "x is not tracked", "Case 1 of 5, start = 1.0, steps = 3: the numbers are "
     "right, but x is no leaf that requires grad; expected one."),
    ("mended_loop", "the right value put on", "Case 1 of 5, start = 1.0, steps = 3: the numbers "
     "are right, but dy/dx is then 1.0; expected 4.0."),
    ("mended_loop", "x is another leaf", "Case 1 of 5, start = 1.0, steps = 3: the numbers are "
     "right, but dy/dx is then None; expected 4.0."),
    ("mended_loop", "y is detached", "Case 1 of 5, start = 1.0, steps = 3: the numbers are right, "
     "but asking for dy/dx then raised RuntimeError: element 0 of tensors does not require grad"),
    ("mended_loop", "walked already", "Case 1 of 5, start = 1.0, steps = 3: the numbers are "
     "right, but asking for dy/dx then raised RuntimeError: Trying to backward through the graph"),
    ("mended_slopes", "as it was", "Case 1 of 6, f = jump, points = [1.0, 0.0]: your function "
     "returned [1.0, 1.0]; expected [3.0, 1.0]."),
    ("mended_slopes", "y by x, after a backward", "Case 1 of 6, f = jump, points = [1.0, 0.0]: "
     "your function raised RuntimeError: Trying to backward through the graph a second time"),
    ("mended_slopes", "the slopes of jump", "Case 3 of 6, f = signed, points = [2.0, -1.0, 0.0]: "
     "your function returned [3.0, 1.0, 1.0]; expected [20.0, -12.0, -4.0]."),
])  # fmt: skip
def test_what_a_slip_is_told(name, wrong, said):
    check, wrongs = CHECKS[name]
    assert check(wrongs[wrong]).message.startswith(f"Not yet. {said}")


def test_recording_that_was_left_off_is_on_for_the_loop():
    with torch.no_grad():
        assert lecture_1.check_mended_loop(leaf_and_result).passed is True
    assert torch.is_grad_enabled()


def test_the_capture_says_which_error_came_and_from_where():
    def typo(x):
        return wheer(x > 0.5, 3 * x, x - 2)  # noqa: F821

    said = lecture_1.check_static_jump(typo).message
    assert said == (
        "Not yet. Case 1 of 5, x = 1.0: your function raised NameError: "
        "name 'wheer' is not defined."
    )
    said = lecture_1.check_static_jump(lambda x: 3 * x if x > 0.5 else x - 2).message
    assert "the capture of your function raised GuardOnDataDependentSymNode: Could not" in said
    assert (
        "your function returned (tensor" in lecture_1.check_static_jump(lambda x: (3 * x,)).message
    )


def test_a_tuple_is_compared_as_a_list_is():
    said = lecture_1.check_value_and_slope(lambda f, x: (3.0, 1.0)).message
    assert said.endswith("your function returned (3.0, 1.0); expected (3.0, 3.0).")
