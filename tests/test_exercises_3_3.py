"""Section 3.3: solutions pass, plausible wrong answers are rejected and told why."""

import time
from statistics import mean, median

import pytest
import torch

from lecture_helpers.exercises import lecture_3

NOTEBOOK = "03_controlling_tracking.ipynb"


def rows(net, batches, pick, block=torch.no_grad):
    """Pick something of each result, with recording or without."""
    with block():
        return [pick(net(x)) for x in batches]


def recorded_first(net, batches):
    results = [net(x) for x in batches]
    with torch.no_grad():
        return [result[0].clone() for result in results]


def frozen(net, batches):
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    return [net(x)[0].clone() for x in batches]


def switched_off_for_good(net, batches):
    torch.set_grad_enabled(False)
    return [net(x)[0].clone() for x in batches]


def cleared(net, batches):
    net.zero_grad()
    return rows(net, batches, lambda y: y[0].clone())


def took(function, clock):
    start = clock()
    function()
    return clock() - start


def ratio(f, g, clock, rounds, warm=True, middle=median, turn=lambda a, b: b / a):
    """A comparison in turns, with one thing done otherwise."""
    if warm:
        f()
        g()
    return middle([turn(took(f, clock), took(g, clock)) for _ in range(rounds)])


def one_after_the_other(f, g, clock, rounds):
    f()
    g()
    first = [took(f, clock) for _ in range(rounds)]
    second = [took(g, clock) for _ in range(rounds)]
    return median(second) / median(first)


def sums(f, g, clock, rounds):
    f()
    g()
    pairs = [(took(f, clock), took(g, clock)) for _ in range(rounds)]
    return sum(b for _, b in pairs) / sum(a for a, _ in pairs)


def ratio_of_the_medians(f, g, clock, rounds):
    f()
    g()
    pairs = [(took(f, clock), took(g, clock)) for _ in range(rounds)]
    return median(b for _, b in pairs) / median(a for a, _ in pairs)


def first_and_only(f, g, clock, rounds):
    return took(g, clock) / took(f, clock)


def warmed_up_once(f, g, clock, rounds):
    f()
    g()
    return first_and_only(f, g, clock, rounds)


CHECKS = {
    "first_rows": (
        lecture_3.check_first_rows,
        {
            "with a graph": lambda net, xs: [net(x)[0] for x in xs],
            "detached, but recorded and the whole batch": lambda net, xs: [
                net(x).detach()[0] for x in xs
            ],
            "the whole batch kept alive by a view": lambda net, xs: rows(net, xs, lambda y: y[0]),
            "detached views of it": lambda net, xs: rows(net, xs, lambda y: y[0].detach()),
            "through .data": lambda net, xs: [net(x).data[0].clone() for x in xs],
            "a copy that has a graph": lambda net, xs: [net(x)[0].clone() for x in xs],
            "the input's graph cut": lambda net, xs: [net(x.detach())[0].clone() for x in xs],
            "recorded, then copied": recorded_first,
            "lists of numbers": lambda net, xs: rows(net, xs, lambda y: y[0].tolist()),
            "the whole results": lambda net, xs: rows(net, xs, torch.clone),
            "the first column": lambda net, xs: rows(net, xs, lambda y: y[:, 0].clone()),
            "the last row": lambda net, xs: rows(net, xs, lambda y: y[-1].clone()),
            "one tensor of all": lambda net, xs: torch.stack(rows(net, xs, lambda y: y[0])),
            "the weights frozen": frozen,
            "recording left off": switched_off_for_good,
            "the gradient cleared": cleared,
        },
    ),
    "fair_ratio": (
        lecture_3.check_fair_ratio,
        {
            "no warm-up": lambda *given: ratio(*given, warm=False),
            "the mean": lambda *given: ratio(*given, middle=mean),
            "the fastest round": lambda *given: ratio(*given, middle=min),
            "f by g": lambda *given: ratio(*given, turn=lambda a, b: a / b),
            "the difference": lambda *given: ratio(*given, turn=lambda a, b: b - a),
            "one function after the other": one_after_the_other,
            "the ratio of the sums": sums,
            "the ratio of the medians": ratio_of_the_medians,
            "one sample": first_and_only,
            "one sample, warmed up": warmed_up_once,
            "the first round": lambda *given: ratio(*given, middle=lambda ratios: ratios[0]),
            "the last round": lambda *given: ratio(*given, middle=lambda ratios: ratios[-1]),
            "the list of ratios": lambda *given: ratio(*given, middle=list),
            "another clock": lambda f, g, clock, rounds: ratio(f, g, time.perf_counter, rounds),
            "one round too few": lambda f, g, clock, rounds: ratio(f, g, clock, rounds - 1),
        },
    ),
}


@pytest.mark.parametrize("wrong, said", [
    ("with a graph", "they require grad; expected rows without a graph"),
    ("the whole batch kept alive by a view", "a row of 8 bytes keeps 16 bytes alive; expected 8"),
    ("recorded, then copied", "net(x) required grad, so each forward kept tensors"),
    ("lists of numbers", "a list of tensors was expected, but [[2.0, 4.0]] came"),
    ("the weights frozen", "net.weight no longer requires grad"),
    ("recording left off", "recording is still off after your function"),
    ("the gradient cleared", "net.weight.grad then is None; expected 7.0"),
])  # fmt: skip
def test_what_a_slip_of_the_rows_is_told(wrong, said):
    check, wrongs = CHECKS["first_rows"]
    assert said in check(wrongs[wrong]).message
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("wrong, case", [
    ("f by g", 1), ("one sample", 3), ("no warm-up", 3), ("one function after the other", 4),
    ("the ratio of the medians", 7), ("one sample, warmed up", 6), ("the first round", 6),
    ("the last round", 5), ("the ratio of the sums", 5), ("the mean", 5), ("the fastest round", 6),
])  # fmt: skip
def test_each_slip_of_a_measurement_has_its_case(wrong, case):
    check, wrongs = CHECKS["fair_ratio"]
    assert check(wrongs[wrong]).message.startswith(f"Not yet. Case {case} of 7")


@pytest.mark.parametrize("right", [
    lambda f, g, clock, rounds: ratio(f, g, clock, rounds),
    lambda f, g, clock, rounds: 1 / median(
        [ratio(g, f, clock, 1, warm=turn == 0) for turn in range(rounds)]),
])  # fmt: skip
def test_other_right_answers_pass(right):
    assert lecture_3.check_fair_ratio(right).passed is True


@pytest.mark.parametrize("right", [
    lambda net, xs: rows(net, xs, lambda y: y[0].clone()),
    lambda net, xs: rows(net, xs, lambda y: y[0].clone(), torch.inference_mode),
    lambda net, xs: rows(net, xs, lambda y: torch.tensor(y[0].tolist())),
    lambda net, xs: [torch.no_grad()(net)(x)[0].clone() for x in xs],
    lambda net, xs: rows(net, [x[:1] for x in xs], lambda y: y[0]),
])  # fmt: skip
def test_other_ways_to_keep_the_rows_pass(right):
    assert lecture_3.check_first_rows(right).passed is True
