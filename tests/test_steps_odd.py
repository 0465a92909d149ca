"""A recorded backward in words where the program is unusual but legal."""

import itertools

import pytest
import torch
from sound import SendsNothing, leaf
from torch.utils.checkpoint import checkpoint

from lecture_helpers import record_backward, watch_backward
from lecture_helpers.draw.steps_text import gradient_words

HOOKED = "A hook changed it"


def lines_of(record):
    return [line.strip() for line in str(record).splitlines()]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_a_start_in_another_dtype_is_told_as_the_engine_casts_it(dtype):
    x = leaf(2.0)
    y = x * 3
    lines = lines_of(record_backward(y, torch.tensor(4.0, dtype=dtype)))
    assert "The backward starts at y with the gradient 4." in lines
    assert "mul received 4." in lines and x.grad.item() == 12


def test_meta_gradients_are_told_by_their_shape():
    x = torch.ones(3, 2, device="meta", requires_grad=True)
    total = (x * x).sum()
    lines = lines_of(record_backward(total))
    assert "The backward starts at total with the gradient 1 value." in lines
    assert "to x: incoming × x = 3 × 2 values" in lines
    assert "x.grad was None; now it is 3 × 2 values." in lines
    assert HOOKED not in str(lines)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_gradients_of_nested_tensors_are_told():
    pieces = [torch.ones(2), torch.ones(3)]
    x = torch.nested.nested_tensor(pieces, requires_grad=True)
    y = x * 2
    total = torch.nested.to_padded_tensor(y + y, 0.0).sum()
    lines = lines_of(record_backward(total))
    assert "to x: nested values" in lines and HOOKED not in str(lines)
    x = torch.nested.nested_tensor(pieces, layout=torch.jagged, requires_grad=True)
    y = x * 2
    total = (y + y).values().sum()
    told = str(record_backward(total))
    assert "  to x: incoming × 2 = 2 × j" in told and HOOKED not in told
    x.grad = None
    stepper = watch_backward((x * 2).values().sum())
    assert stepper.to_text() == str(stepper.record)


def test_a_sparse_gradient_is_told_as_it_went_out():
    table = torch.nn.Embedding(3, 2, sparse=True)
    total = table(torch.tensor([1, 1])).sum()
    lines = lines_of(record_backward(total, table=table))
    rows = "incoming added in rows [1, 1], 0 elsewhere"
    assert f"to table.weight: {rows} = [[0, 0], [2, 2], [0, 0]]" in lines
    assert HOOKED not in str(lines)


def test_a_backward_inside_this_one_is_no_hook():
    w, x = leaf(3.0), leaf(2.0)
    y = checkpoint(lambda a: a * w, x, use_reentrant=True) + w * 5
    told = str(record_backward(y))
    assert HOOKED not in told
    assert told.count("w received 5. A reentrant checkpoint runs a backward of its own") == 1
    assert told.count("w received 2. A reentrant checkpoint runs a backward of its own") == 1
    assert "  x received 3.\n" in told


def test_a_stack_of_very_many_lists_some_of_its_receivers():
    xs = [leaf(float(count)) for count in range(50)]
    total = torch.stack(xs).sum()
    record = record_backward(total)
    lines = lines_of(record)
    at = lines.index("step 2 of 52: StackBackward0")
    told = lines[at + 3 : at + 12]
    assert [line.partition(":")[0] for line in told[:8]] == [f"to xs[{nr}]" for nr in range(8)]
    assert told[8] == "to 42 more inputs; grad_inputs of this step holds them all."
    assert lines[at + 12].startswith("step 3")


def test_a_node_of_very_many_outputs_tells_first_of_those_that_received():
    x = torch.arange(20.0, requires_grad=True)
    parts = x.unbind()
    y = parts[3] * parts[15]
    lines = lines_of(record_backward(y))
    said = [line for line in lines if line.startswith("unbind output")]
    assert [line.split(" received ")[0].split()[-1] for line in said] == list("0123456") + ["15"]
    assert "unbind output 15 received 3." in said
    assert "12 more outputs received nothing: None, not 0." in lines
    lines = lines_of(record_backward(sum(x.unbind())))
    assert "12 more outputs stand in grad_outputs of this step." in lines


def test_a_gradient_is_sent_to_the_output_it_belongs_to():
    x = leaf(1.0, 2.0, 3.0)
    first, second, _ = x.unbind()
    y = first * second
    lines = lines_of(record_backward(y))
    assert "to first (unbind output 0): incoming × second = 1 × 2 = 2" in lines
    assert "to second (unbind output 1): incoming × first = 1 × 1 = 1" in lines
    out = x.unbind()[2] * 5
    assert "to unbind output 2: incoming × 5 = 1 × 5 = 5" in lines_of(record_backward(out))


def test_why_a_long_backward_has_no_rules():
    x = leaf(1.0)
    y = x
    for _ in range(201):
        y = y * 1.0
    told = str(record_backward(y))
    assert "In a graph of more than 200 operations no rules are read" in told
    assert "No rule is written down" not in told
    z = x * 1.0
    for _ in range(199):
        z = z * 1.0
    assert "no rules are read" not in str(record_backward(z))


def test_very_long_and_odd_names_stay_short_and_on_one_line():
    x = leaf(2.0)
    y = x * x
    lines = str(record_backward(y, **{"o" * 300 + "\n<b>": y, "q" * 300: x})).splitlines()
    assert max(map(len, lines)) < 200
    assert lines[1].startswith("The backward starts at ooo") and lines[1].endswith("gradient 1.")
    assert lines[2].startswith("step 1 of 2")


NAN, INF = float("nan"), float("inf")


ODD = [[0.0, NAN, 0.0, 2.0], [NAN, 2.0], [INF, 3.0], [0.0, INF], [0.0, NAN], [2.0, -3.0]]
REDUCTIONS = [torch.prod, torch.amax, torch.amin, torch.max, torch.min]


@pytest.mark.parametrize(
    ("reduce", "values"), [(torch.prod, []), *itertools.product(REDUCTIONS, ODD)]
)
def test_no_hook_is_blamed_for_what_torch_does_with_nan_and_zero(reduce, values):
    x = torch.tensor(values, requires_grad=True)
    y = reduce(x)
    told = str(record_backward(y))
    assert "hook" not in told.lower() and "no numbers" not in told
    (step, _) = record_backward(reduce(x)).steps
    torch.testing.assert_close(
        step.rule.apply(step.grad_outputs)[0], step.grad_inputs[0], equal_nan=True
    )


def test_a_rule_that_torch_cannot_compute_leaves_the_engine_s_numbers(monkeypatch):
    x = leaf(2.0)
    y = x * 3

    def refuse(*_):
        raise RuntimeError("not implemented for this kind of tensor")

    monkeypatch.setattr("lecture_helpers.rules.reading.Rule._gradient", refuse)
    assert "  to x: incoming × 3 = 3\n" in str(record_backward(y))


def test_what_no_shortening_makes_short_enough_is_told_by_its_shape():
    deep = torch.full((1, 1, 1, 1, 1, 1, 1, 1, 1, 2), 1.23456)
    assert gradient_words(deep, 20) == "1 × 1 × 1 × 1 × 1 × 1 × 1 × 1 × 1 × 2 values"
    assert gradient_words(deep[0, 0, 0, 0, 0, 0, 0], 20) == "[[[1.2346, 1.2346]]]"


def test_up_to_six_parts_of_a_sum_are_listed():
    x = leaf(1.0)
    six, seven = (torch.stack([x] * count).sum() for count in (6, 7))
    assert "x received 1 + 1 + 1 + 1 + 1 + 1 = 6: 6 paths meet here" in str(record_backward(six))
    assert "x received sum 7: 7 paths meet here" in str(record_backward(seven))


def test_a_grad_that_nothing_reached_stays():
    x = leaf(2.0)
    x.grad = torch.tensor(5.0)
    lines = lines_of(record_backward(SendsNothing.apply(x)))
    assert "x received nothing: None, not 0." in lines and "x.grad stays 5." in lines
    assert lines[-1] == "Finished: x received None, its .grad is 5."
