"""The local rules: each must compute what torch's engine does, and disturb nothing."""

import copy
import gc
import pickle
import warnings
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_cases import CASES, EVERY, made, node_of, stepped
from sound import leaf
from torch.nn import functional as F

from lecture_helpers.names import Names
from lecture_helpers.rules import RULES, read_rule

INEXACT = {torch.float16: 1e-2, torch.bfloat16: 6e-2}
NEED_FULL_PRECISION = {"ToCopyBackward0", "TanBackward0", "BinaryCrossEntropyBackward0"}
UNARY = """-x; x**2; x**3; x**-1; x**0.5; x**0; 2**x; 0**x; x.reciprocal(); x.exp(); x.expm1();
x.log(); x.log2(); x.log10(); x.log1p(); x.sqrt(); x.rsqrt(); x.sin(); x.cos(); x.tanh();
x.sigmoid(); x.relu(); F.leaky_relu(x); x.abs(); x.clamp(-1, 1); x.clamp_min(0); x.clamp_max(1);
x.sign(); x.floor(); x.sum(0); x.mean(0); x.max(); x.min(); x.cumsum(0); x.clone()"""
BINARY = """x + y; x - y; x * y; x / y; x**y; torch.maximum(x, y); torch.minimum(x, y);
torch.dot(x, y); x.clamp(min=y); x.clamp(max=y); torch.where(x > y, x, y); F.mse_loss(x, y);
torch.stack([x, y])"""
numbers = st.one_of(
    st.floats(-3, 3, width=32),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan")]),
)


def assert_same(applied, grad_inputs, **closeness):
    assert [one is None for one in applied] == [one is None for one in grad_inputs]
    for ours, engines in zip(applied, grad_inputs):
        if engines is not None:
            torch.testing.assert_close(ours, engines, equal_nan=True, **closeness)
            assert ours.dtype == engines.dtype and not ours.requires_grad


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_each_rule_computes_what_the_engine_sent(kind, text):
    rule, grad_outputs, grad_inputs = stepped(made(text), kind)
    assert rule.grad_fn == kind and 10 < len(rule.words) < 250 and rule.words.endswith(".")
    applied = rule.apply(grad_outputs)
    if kind == "AccumulateGrad":
        assert applied == grad_inputs == rule.told(grad_outputs, grad_inputs) == ()
        return
    assert_same(applied, grad_inputs)
    lines = rule.told(grad_outputs, grad_inputs)
    assert [line.input_nr for line in lines] == [
        nr for nr, one in enumerate(grad_inputs) if one is not None
    ]
    for line in lines:
        assert "went out" not in line.numbers and "no numbers" not in line.numbers, line
        assert "{" not in line.symbols + line.numbers and len(line.numbers) <= 90, line


def test_every_rule_has_a_case():
    assert set(EVERY) == set(RULES) and len(RULES) >= 110


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_the_rules_hold_in_every_dtype(dtype):
    for kind, texts in EVERY.items():
        if kind in NEED_FULL_PRECISION or kind == "AccumulateGrad":
            continue
        rule, grad_outputs, grad_inputs = stepped(made(texts[0], dtype), kind)
        near = INEXACT.get(dtype, 1e-5)
        assert_same(rule.apply(grad_outputs), grad_inputs, rtol=near, atol=near)
        told = rule.told(grad_outputs, grad_inputs)
        assert not any("went out" in line.numbers for line in told), told


def check(text, **tensors):
    output = eval(text, {"torch": torch, "F": F, **tensors})
    kind = type(output.grad_fn).__name__
    gradient = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
    gradient = gradient.expand(output.shape) if output.dim() else gradient[0]
    rule, grad_outputs, grad_inputs = stepped(output, kind, gradient=gradient)
    assert_same(rule.apply(grad_outputs), grad_inputs)
    rule.told(grad_outputs, grad_inputs)


@pytest.mark.parametrize("text", [text.strip() for text in UNARY.split(";")])
@settings(max_examples=30, deadline=None)
@given(values=st.lists(numbers, min_size=3, max_size=3))
def test_a_rule_of_one_input_holds_for_any_numbers(text, values):
    check(text, x=torch.tensor(values, dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize("text", [text.strip() for text in BINARY.split(";")])
@settings(max_examples=30, deadline=None)
@given(values=st.lists(numbers, min_size=6, max_size=6))
def test_a_rule_of_two_inputs_holds_for_any_numbers(text, values):
    both = torch.tensor(values, dtype=torch.float64)
    x, y = (part.clone().requires_grad_() for part in both.split(3))
    check(text, x=x, y=y)


@pytest.mark.parametrize("text", ["x * 2", "x * x", "x**2", "x.sum()", "x.mean()", "x.relu()",
                                  "x.exp()", "x + s", "x.view(0, 1)", "x[0:]", "x.cumsum(0)",
                                  "torch.cat([x, x])", "F.mse_loss(x, x.detach())"])  # fmt: skip
def test_empty_tensors_pass_as_they_do_in_the_engine(text):
    x = torch.zeros(0, requires_grad=True)
    output = eval(text, {"torch": torch, "F": F, "x": x, "s": leaf(2.0)})
    rule, grad_outputs, grad_inputs = stepped(output, type(output.grad_fn).__name__)
    assert_same(rule.apply(grad_outputs), grad_inputs)
    assert rule.told(grad_outputs, grad_inputs)


def test_without_an_incoming_gradient_nothing_goes_out():
    rule = read_rule((leaf(1.0, 2.0) * leaf(3.0)).grad_fn)
    assert rule.apply((None,)) == (None, None)


def test_two_untracked_inputs_hide_where_a_joined_tensor_between_them_began():
    x = leaf(1.0, 2.0)
    y = torch.cat([torch.zeros(1), x, torch.zeros(2)])
    rule, grad_outputs, grad_inputs = stepped(y, "CatBackward0")
    (line,) = rule.told(grad_outputs, grad_inputs)
    assert line[1:] == (
        "the stretch of incoming that belongs to this input",
        "no numbers: torch does not tell the sizes of untracked inputs",
    )


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x**3

    @staticmethod
    def backward(ctx, grad):
        return grad


def test_what_has_no_rule_gives_none():
    x = leaf(1.0, 2.0)
    changed = x * 1
    changed[0] = 0
    complex_number = torch.tensor([1j, 2.0], requires_grad=True)
    assert type(changed.grad_fn).__name__ == "CopySlices"
    without = (changed, Cube.apply(x), x.erfinv(), complex_number * 2, complex_number.abs())
    assert [read_rule(y.grad_fn) for y in without] == [None] * 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls nested tensors a prototype
        nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], requires_grad=True)
        assert read_rule((nested * nested).grad_fn) is None


def no_numbers(rule, gradient):
    """Return the words and the symbols of a rule that has no numbers, and why it has none."""
    with pytest.raises(ValueError, match="the rule of .* has no numbers: .*; read a rule before"):
        rule.apply((gradient,))
    (line,) = rule.told((gradient,), (gradient,))
    return rule.words, line.symbols, line.numbers


POWER = "The slope of a power: exponent times base to the exponent less one."


def test_a_large_tensor_is_not_copied():
    x = torch.ones(1001, requires_grad=True)
    found = no_numbers(read_rule((x**3).grad_fn), x.detach())
    assert found == (POWER, "incoming × 3 · base²", "no numbers: base has 1,001 elements")
    largest = torch.ones(1000, requires_grad=True)
    rule, grad_outputs, grad_inputs = stepped(largest**3, "PowBackward0")
    assert_same(rule.apply(grad_outputs), grad_inputs)
    meta = torch.ones(3, device="meta", requires_grad=True)
    assert no_numbers(read_rule((meta**3).grad_fn), x.detach())[2] == (
        "no numbers: base is no plain tensor"
    )


def test_a_freed_node_gives_words_and_symbols():
    x = leaf(1.0, 2.0)
    for y, told in ((x**3, "incoming × 3 · base²"), (x.exp(), "incoming × result")):
        y.sum().backward()
        _, symbols, why = no_numbers(read_rule(y.grad_fn), x.detach())
        assert (symbols, why) == (told, "no numbers: backward has freed what was saved")
    picked = x[[1, 0]]
    picked.sum().backward()
    assert no_numbers(read_rule(picked.grad_fn), x.detach())[2].endswith("freed what was saved")


def test_what_a_hook_packed_stays_packed():
    x, calls = leaf([1.0, 2.0], [3.0, 4.0]), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: [t], calls.append):
        made_here = x**3, x.exp(), x[:, [0, 1]], x.relu(), x.softmax(0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: None, calls.append):
        made_here += (x**3,)
    for y in made_here:
        assert "no numbers: a hook packed " in no_numbers(read_rule(y.grad_fn), x.detach())[2]
    assert calls == []


def test_the_in_place_check_still_bites():
    x = leaf(1.0, 2.0)
    y = x.exp()
    assert read_rule(y.grad_fn) is not None
    y.add_(1)
    assert read_rule(y.grad_fn) is not None
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_rule_keeps_its_own_copies_and_nothing_else_alive():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = x * 1
    y = h * w
    names = Names()
    names.add_namespaces(({"x": x, "w": w, "h": h, "y": y},))
    rule = read_rule(y.grad_fn, names)
    with torch.no_grad():
        w.fill_(9.0)
    assert [one.tolist() for one in rule.apply((torch.ones(2),))] == [[3, 4], [1, 2]]
    held = [weakref.ref(one) for one in (x, w, h, y)]
    gc.disable()
    try:
        del x, w, h, y, names
        assert [one() for one in held] == [None] * 4
    finally:
        gc.enable()
    assert rule.told((torch.ones(2),), rule.apply((torch.ones(2),)))[0].symbols == "incoming × w"


def test_reading_changes_neither_the_gradients_nor_the_graph():
    def gradients(read):
        x = leaf(1.0, 2.0, 3.0)
        loss = ((x * 2).exp() / x).sum()
        waiting = [loss.grad_fn]
        for node in waiting if read else ():
            assert read_rule(node) is not None
            waiting += [source for source, _ in node.next_functions if source is not None]
        loss.backward()
        return x.grad.tolist()

    assert gradients(True) == gradients(False)


def test_applying_a_rule_records_no_graph():
    x = leaf(2.0)
    gradient = leaf(1.0)
    (applied,) = read_rule((x**2).grad_fn).apply((gradient,))
    assert applied.item() == 4 and not applied.requires_grad


def test_a_rule_is_copied_and_pickled():
    rule = read_rule((leaf(2.0) ** 3).grad_fn)
    for twin in (copy.deepcopy(rule), pickle.loads(pickle.dumps(rule))):
        assert twin.apply((torch.tensor(1.0),)) == (torch.tensor(12.0),)
    assert str(rule) == f"Rule(PowBackward0: {POWER})"


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_a_freed_node_of_any_kind_is_read_and_told(kind, text):
    """Where a value is gone the numbers are too, and whatever needs none keeps its numbers."""
    output = made(text)
    _, grad_outputs, grad_inputs = stepped(output, kind)
    node = node_of(output, kind)
    output.backward(torch.ones_like(output))
    rule = read_rule(node)
    lines = rule.told(grad_outputs, grad_inputs)
    assert len(lines) == sum(one is not None for one in grad_inputs)
    for line in lines:
        assert "{" not in line.symbols and "went out" not in line.numbers
        needs_saved = "no numbers: backward has freed what was saved"
        assert line.numbers == needs_saved or "no numbers" not in line.numbers


def test_no_kind_is_unpacked_and_each_is_told_without_its_values(monkeypatch):
    def assert_told(output, why):
        lines = read_rule(node_of(output, kind)).told(grad_outputs, grad_inputs)
        assert len(lines) == sum(one is not None for one in grad_inputs)
        for line in lines:
            assert "{" not in line.symbols and "went out" not in line.numbers
            assert why in line.numbers or "no numbers" not in line.numbers

    for kind, text in CASES:
        _, grad_outputs, grad_inputs = stepped(made(text), kind)
        calls = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: [t], calls.append):
            packed = made(text)
        assert_told(packed, "a hook packed ")
        assert calls == []
        with monkeypatch.context() as changed:
            changed.setattr("lecture_helpers.rules.reading.MOST_COPIED", 0)
            assert_told(made(text), " elements")
