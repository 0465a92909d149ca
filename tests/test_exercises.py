"""Solutions pass, unanswered stubs say so, plausible wrong answers are rejected."""

import math

import pytest
import torch

from lecture_helpers.exercises import lecture_1
from lecture_helpers.exercises.checking import Case, check

NOTEBOOK = "01_dynamic_computation_graphs.ipynb"


def first_inputs_only(tensor):
    names, node = [], tensor.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    return names


def last_tracked_input(tensor):
    names, node = [], tensor.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        tracked = [source for source, _ in node.next_functions if source is not None]
        node = tracked[-1] if tracked else None
    return names


def without_leaf(tensor):
    return lecture_1._nodes_back(tensor)[:-1]


def by_autograd(x):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(torch.sin((3 * x + 1) ** 2), x)[0]


def signed(x):
    return (2 * x + 1 if x > 0 else 2 * x - 1) ** 2


def plus_at_zero(x):
    return (2 * x + 1 if x >= 0 else 2 * x - 1) ** 2


def value_and_slope(x, of=signed):
    x = torch.tensor(x, requires_grad=True)
    y = of(x)
    return y.item(), torch.autograd.grad(y, x)[0].item()


def micro_batches(w, batches, weight=lambda batch, batches: 1, before=lambda w: None):
    """Accumulate the mean loss of each batch, scaled by a weight that may be wrong."""
    w.grad = None
    for batch in batches:
        before(w)
        loss = ((w * batch - 1) ** 2).mean()
        (loss * weight(batch, batches)).backward()
    return w.grad.item()


def share(batch, batches):
    return len(batch) / sum(map(len, batches))


def one_big_batch(w, batches):
    w.grad = None
    ((w * torch.cat(batches) - 1) ** 2).mean().backward()
    return w.grad.item()


def without_filling_grad(w, batches):
    loss = ((w * torch.cat(batches) - 1) ** 2).mean()
    return torch.autograd.grad(loss, w)[0].item()


def another_leaf(w, batches):
    return micro_batches(w.detach().clone().requires_grad_(), batches, share)


def without_clearing(w, batches):
    for batch in batches:
        (((w * batch - 1) ** 2).sum() / sum(map(len, batches))).backward()
    return w.grad.item()


def zero_of_none(w, batches):
    w.grad.zero_()
    return micro_batches(w, batches, share)


def read_after_each(p, scales, read):
    """Call backward for each scale, and read p.grad once before and once after it."""
    own = []
    for s in scales:
        before = 0.0 if p.grad is None else p.grad
        ((s * p) ** 2).backward()
        own.append(read(p.grad, before))
    return own


def cleared_each_time(p, scales):
    own = []
    for s in scales:
        p.grad = None
        ((s * p) ** 2).backward()
        own.append(p.grad.item())
    return own


def starts_at_nothing(p, scales):
    own, total = [], 0.0
    for s in scales:
        ((s * p) ** 2).backward()
        own.append(p.grad.item() - total)
        total = p.grad.item()
    return own


def as_text(p, scales):
    return str([2 * s * s * p.item() for s in scales])


CHECKS = {
    "value_and_slope": (lecture_1.check_value_and_slope, {
        "hard-coded": lambda x: (25.0, 20.0) if x > 0 else (9.0, -12.0),
        "y by y": lambda x: (value_and_slope(x)[0], 1.0),
        "one branch": lambda x: value_and_slope(x, of=lambda x: (2 * x + 1) ** 2),
        "the other branch at 0": lambda x: value_and_slope(x, of=plus_at_zero),
        "slope of the inner part": lambda x: (value_and_slope(x)[0], 2.0),
        "the value only": lambda x: value_and_slope(x)[0],
        "tensors": lambda x: [torch.tensor(part) for part in value_and_slope(x)],
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
    "nodes_back": (lecture_1.check_nodes_back, {
        "hard-coded": lambda t: ["PowBackward0", "AddBackward0", "MulBackward0", "AccumulateGrad"],
        "forward order": lambda t: lecture_1._nodes_back(t)[::-1],
        "stops before the leaf": without_leaf,
        "first input, tracked or not": first_inputs_only,
        "last tracked input": last_tracked_input,
        "the nodes themselves": lambda t: [t.grad_fn],
        "printed nodes": lambda t: [str(t.grad_fn)],
        "one text": lambda t: " ".join(lecture_1._nodes_back(t)),
        "fails on a leaf": lambda t: [type(t.grad_fn).__name__, *without_leaf(t)[1:]],
    }),
    "slope": (lecture_1.check_slope, {
        "hard-coded": lambda x: 42 * math.cos(49),
        "inner slope forgotten": lambda x: math.cos((3 * x + 1) ** 2) * 2 * (3 * x + 1),
        "outer slope at the wrong value": lambda x: math.cos(3 * x + 1) * 2 * (3 * x + 1) * 3,
        "sum, not product": lambda x: math.cos((3 * x + 1) ** 2) + 2 * (3 * x + 1) + 3,
        "the value": lambda x: math.sin((3 * x + 1) ** 2),
        "as text": lambda x: "1.0",
        "true or false": lambda x: True,
        "by autograd, as a tensor": by_autograd,
    }),
    "accumulate": (lecture_1.check_accumulate, {
        "hard-coded": lambda w, batches: 16.0,
        "sum of the means": micro_batches,
        "mean of the means": lambda w, b: micro_batches(w, b, lambda batch, b: 1 / len(b)),
        "sum over all elements": lambda w, b: micro_batches(w, b, lambda batch, b: len(batch)),
        "weights of another loss": lambda w, b: micro_batches(w, b, lambda batch, b: 0.5),
        "reset in the loop": lambda w, b: micro_batches(
            w, b, share, before=lambda w: setattr(w, "grad", None)),
        "one big batch": one_big_batch,
        "without .grad": without_filling_grad,
        "in another leaf": another_leaf,
        "old gradient not cleared": without_clearing,
        "zero_ of None": zero_of_none,
        "the tensor itself": lambda w, b: [micro_batches(w, b, share), w.grad][1],
    }),
    "own_gradients": (lecture_1.check_own_gradients, {
        "hard-coded": lambda p, scales: [4.0, 1.0],
        "running totals": lambda p, s: read_after_each(p, s, lambda now, before: now.item()),
        "one tensor many times": lambda p, s: read_after_each(p, s, lambda now, before: now),
        "difference with an alias": lambda p, s: read_after_each(
            p, s, lambda now, before: (now - before).item()),
        "cleared each time": cleared_each_time,
        "what was there counts as own": starts_at_nothing,
        "by formula": lambda p, scales: [2 * s * s * p.item() for s in scales],
        "as text": as_text,
        "the sum": lambda p, scales: sum(2 * s * s * p.item() for s in scales),
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
    verdict = lecture_1.check_slope(lambda x: 1 / 0)
    assert verdict.passed is False
    assert "your function raised ZeroDivisionError: division by zero" in verdict.message


@pytest.mark.parametrize("name, wrong, said", [
    ("accumulate", "sum of the means", "Case 1 of 5, w = 2.0, batches [[1.0], [3.0]]: "
     "your function returned 32.0; expected 16.0."),
    ("accumulate", "mean of the means", "Case 2 of 5, w = 2.0, batches [[1.0, 3.0], [2.0]]: "
     "your function returned 14.0; expected 14.6667."),
    ("accumulate", "one big batch", "Case 1 of 5, w = 2.0, batches [[1.0], [3.0]]: "
     "the numbers are right, but backward passes that reached w: 1; expected 2, one for each "
     "loss."),
    ("accumulate", "without .grad", "Case 1 of 5, w = 2.0, batches [[1.0], [3.0]]: "
     "what it returned is right, but w.grad then holds None; expected 16.0."),
    ("accumulate", "old gradient not cleared", "Case 5 of 5, w = 2.0, batches [[1.0], [3.0]], "
     "where w.grad already holds 100.0: your function returned 116.0; expected 16.0."),
    ("own_gradients", "running totals", "Case 1 of 4, p = 2.0, scales [1.0, 0.5]: "
     "your function returned [4.0, 5.0]; expected [4.0, 1.0]."),
    ("own_gradients", "cleared each time", "Case 1 of 4, p = 2.0, scales [1.0, 0.5]: "
     "what it returned is right, but p.grad then holds 1.0; expected 5.0."),
])  # fmt: skip
def test_what_a_slip_of_accumulation_is_told(name, wrong, said):
    check, wrongs = CHECKS[name]
    assert check(wrongs[wrong]).message == f"Not yet. {said}"


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
    said = lecture_1.check_value_and_slope(lambda x: (25.0, 1.0)).message
    assert said.endswith("your function returned (25.0, 1.0); expected (25.0, 20.0).")
