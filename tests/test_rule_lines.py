"""What the local rules say: in symbols, and with a step's numbers."""

import math
import re

import pytest
import torch
from rule_cases import stepped
from sound import leaf
from torch import nn
from torch.nn import functional as F

from lecture_helpers.names import Names
from lecture_helpers.rules import Line, read_rule
from lecture_helpers.rules.clamps import passes_at_a_bound
from lecture_helpers.rules.telling import filled


def names_of(**variables):
    names = Names()
    names.add_namespaces((variables,))
    return names


def told(output, gradient=None, **variables):
    """Return the lines of the last step of an output, as (symbols, numbers) by input."""
    gradient = torch.ones(output.shape) if gradient is None else torch.tensor(gradient)
    kind = type(output.grad_fn).__name__
    rule, came, sent = stepped(output, kind, names_of(**variables), gradient)
    return {line.input_nr: (line.symbols, line.numbers) for line in rule.told(came, sent)}


y, w, b = leaf(7.0), leaf(7.0), leaf(5.0)
x, v = leaf(1.0, 2.0, 3.0), leaf(3.0, 2.0, 1.0)
m = leaf([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
weight, bias = leaf([1.0, 2.0, 3.0], [0.0, 1.0, 0.0]), leaf(0.0, 1.0)
named = dict(y=y, w=w, b=b, x=x, v=v, m=m, weight=weight, bias=bias)
LESS = "<=" if passes_at_a_bound() else "<"  # torch 2.14 moved the bound

EXACT = [
    ("y**2", 1.0, {0: ("incoming × 2 · y", "1 × 2 × 7 = 14")}),
    ("(y - 5)**3", 1.0, {0: ("incoming × 3 · base²", "1 × 3 × 2² = 12")}),
    ("y**-1", -2.0, {0: ("incoming × (-1) · y⁻²", "-2 × (-1) × 7⁻² = 0.040816")}),
    ("(y - 9)**2", 3.0, {0: ("incoming × 2 · base", "3 × 2 × (-2) = -12")}),
    ("(y - 9)**3", 3.0, {0: ("incoming × 3 · base²", "3 × 3 × (-2)² = 36")}),
    ("y**0", 3.0, {0: ("0", "0")}),
    ("y**1", 3.0, {0: ("incoming × 1", "3 × 1 = 3")}),
    ("b * w", 36.0, {0: ("incoming × w", "36 × 7 = 252"), 1: ("incoming × b", "36 × 5 = 180")}),
    ("(b + 0) * (w + 0)", 1.0, {0: ("incoming × right", "1 × 7 = 7"),
                                1: ("incoming × left", "1 × 5 = 5")}),
    ("y * 2", 3.0, {0: ("incoming × 2", "3 × 2 = 6")}),
    ("y * -2", 3.0, {0: ("incoming × (-2)", "3 × (-2) = -6")}),
    ("y + w", 36.0, {0: ("incoming", "36"), 1: ("incoming", "36")}),
    ("torch.add(y, w, alpha=2)", 3.0, {0: ("incoming", "3"), 1: ("incoming × 2", "3 × 2 = 6")}),
    ("y - w", -3.0, {0: ("incoming", "-3"), 1: ("-incoming", "-(-3) = 3")}),
    ("torch.sub(y, w, alpha=2)", 3.0, {0: ("incoming", "3"), 1: ("-incoming × 2", "-3 × 2 = -6")}),
    ("y / b", 1.0, {0: ("incoming / b", "1 / 5 = 0.2"),
                    1: ("-incoming × y / b²", "-1 × 7 / 5² = -0.28")}),
    ("x**2", None, {0: ("incoming × 2 · x", "[1, 1, 1] × 2 × [1, 2, 3] = [2, 4, 6]")}),
    ("x * y", None, {0: ("incoming × y", "[1, 1, 1] × 7 = [7, 7, 7]"),
                     1: ("incoming × x, summed over the 3 elements that share it",
                         "sum of [1, 1, 1] × [1, 2, 3] = 6")}),
    ("m + x", None, {0: ("incoming", "[[1, 1, 1], [1, 1, 1]]"),
                     1: ("incoming, summed over the 2 rows that share it",
                         "sum of [[1, 1, 1], [1, 1, 1]] = [2, 2, 2]")}),
    ("x.view(1, 3) + v", None, {0: ("incoming", "[[1, 1, 1]]"),
                                1: ("incoming", "[[1, 1, 1]] = [1, 1, 1]")}),
    ("m * bias.view(2, 1)", None, {
        0: ("incoming × bias.view(2, 1)",
            "[[1, 1, 1], [1, 1, 1]] × [[0], [1]] = [[0, 0, 0], [1, 1, 1]]"),
        1: ("incoming × m, summed over the 3 columns that share it",
            "sum of [[1, 1, 1], [1, 1, 1]] × [[1, 2, 3], [4, 5, 6]] = [[6], [15]]")}),
    ("y.exp()", 1.0, {0: ("incoming × result", "1 × 1096.6 = 1096.6")}),
    ("(x - 2).relu()", [1.0, 2.0, 3.0],
     {0: ("incoming × (result > 0)", "[1, 2, 3] × ([0, 0, 1] > 0) = [0, 0, 3]")}),
    ("x.clamp(0, 2.5)", None,
     {0: (f"incoming × (0 {LESS} x {LESS} 2.5)",
          f"[1, 1, 1] × (0 {LESS} [1, 2, 3] {LESS} 2.5) = [1, 1, 0]")}),
    ("torch.maximum(x, v)", None,
     {0: ("incoming × (x > v), half if equal",
          "[1, 1, 1] × ([1, 2, 3] > [3, 2, 1]), half if equal = [0, 0.5, 1]"),
      1: ("incoming × (v > x), half if equal",
          "[1, 1, 1] × ([3, 2, 1] > [1, 2, 3]), half if equal = [1, 0.5, 0]")}),
    ("torch.minimum(y, b)", 1.0, {0: ("incoming × (y < b)", "1 × (7 < 5) = 0"),
                                  1: ("incoming × (b < y)", "1 × (5 < 7) = 1")}),
    ("x.sum()", 2.0, {0: ("incoming to each of 3 elements", "2 to each of 3 elements: [2, 2, 2]")}),
    ("m.mean(-1)", [3.0, 6.0], {0: ("incoming / 3, each to 3 elements",
                                    "[3, 6] / 3, each to 3 elements: [[1, 1, 1], [2, 2, 2]]")}),
    ("x.max()", 2.0, {0: ("incoming at the largest element, 0 elsewhere",
                          "2 at the largest element, 0 elsewhere: [0, 0, 2]")}),
    ("x.clamp_max(2).amax(0)", 2.0,
     {0: ("incoming, shared equally by the largest elements, 0 elsewhere",
          "2, shared equally by the largest elements, 0 elsewhere: [0, 1, 1]")}),
    ("m.max(1).values", [1.0, 2.0],
     {0: ("incoming at index [2, 2] of dimension 1, 0 elsewhere",
          "[1, 2] at index [2, 2] of dimension 1, 0 elsewhere: [[0, 0, 1], [0, 0, 2]]")}),
    ("m @ x", [1.0, 2.0], {
        0: ("outer(incoming, x)", "outer([1, 2], [1, 2, 3]) = [[1, 2, 3], [2, 4, 6]]"),
        1: ("mᵀ @ incoming", "[[1, 2, 3], [4, 5, 6]]ᵀ @ [1, 2] = [9, 12, 15]")}),
    ("F.linear(m, weight, bias)", None, {
        0: ("incoming, summed over the 2 rows that share it",
            "sum of [[1, 1], [1, 1]] = [2, 2]"),
        1: ("incoming @ weight",
            "[[1, 1], [1, 1]] @ [[1, 2, 3], [0, 1, 0]] = [[1, 3, 3], [1, 3, 3]]"),
        2: ("mᵀ @ incoming",
            "[[1, 2, 3], [4, 5, 6]]ᵀ @ [[1, 1], [1, 1]] = [[5, 5], [7, 7], [9, 9]]")}),
    ("m.t()", None, {0: ("incomingᵀ",
                         "[[1, 1], [1, 1], [1, 1]]ᵀ = [[1, 1, 1], [1, 1, 1]]")}),
    ("m[:, -2]", [1.0, 2.0],
     {0: ("incoming in place [:, -2], 0 elsewhere",
          "[1, 2] in place [:, -2], 0 elsewhere: [[0, 1, 0], [0, 2, 0]]")}),
    ("x[[0, 0, 2]]", [1.0, 2.0, 3.0],
     {0: ("incoming added in place [[0, 0, 2]], 0 elsewhere",
          "[1, 2, 3] added in place [[0, 0, 2]], 0 elsewhere: [3, 0, 3]")}),
    ("torch.cat([y[None], x])", [1.0, 2.0, 3.0, 4.0],
     {0: ("incoming[0:1]", "[1, 2, 3, 4][0:1] = [1]"),
      1: ("incoming[1:4]", "[1, 2, 3, 4][1:4] = [2, 3, 4]")}),
    ("x.view(3, 1)", None, {0: ("incoming, reshaped to (3,)",
                                "[[1], [1], [1]], reshaped to (3,): [1, 1, 1]")}),
    ("F.mse_loss(x, v)", 3.0,
     {0: ("incoming × 2 · (x - v) / 3",
          "3 × 2 × ([1, 2, 3] - [3, 2, 1]) / 3 = [-4, 0, 4]"),
      1: ("incoming × 2 · (v - x) / 3",
          "3 × 2 × ([3, 2, 1] - [1, 2, 3]) / 3 = [4, 0, -4]")}),
    ("F.nll_loss(m, torch.tensor([0, 2]))", 1.0,
     {0: ("-incoming / 2 at each target class [0, 2], 0 elsewhere",
          "-1 / 2 at each target class [0, 2], 0 elsewhere: [[-0.5, 0, 0], [0, 0, -0.5]]")}),
    ("x.unbind()[1]", 5.0, {0: ("incoming, put together again",
                                "0, 5, 0, put together again: [0, 5, 0]")}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "gradient", "lines"), EXACT)
def test_the_exact_words_of_a_line(text, gradient, lines):
    assert told(eval(text, {"torch": torch, "F": F, **named}), gradient, **named) == lines


def test_a_saved_result_is_called_by_its_name():
    e = leaf(1.0).exp()
    assert told(e, 2.0, e=e) == {0: ("incoming × e", "2 × 2.7183 = 5.4366")}
    assert told(e, 2.0) == {0: ("incoming × result", "2 × 2.7183 = 5.4366")}


def test_parameters_of_a_module_are_called_as_the_module_calls_them():
    net, data = nn.Linear(3, 2, bias=False), torch.ones(4, 3)
    lines = told(net(data), None, net=net, data=data)
    assert {nr: symbols for nr, (symbols, _) in lines.items()} == {1: "dataᵀ @ incoming"}
    output = net(leaf([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]))
    assert told(output, None, net=net)[0][0] == "incoming @ net.weight"


def test_a_long_line_is_shortened_in_the_middle():
    long = torch.arange(100.0, requires_grad=True)
    ((symbols, numbers),) = told(long**2, None, long=long).values()
    assert symbols == "incoming × 2 · long"
    assert numbers == "[1, 1, 1, …, 1] × 2 × [0, 1, 2, …, 99] = [0, 2, 4, …, 198]"


def test_what_a_hook_changed_is_told():
    def lines(change):
        x = leaf(1.0, 2.0)
        output = x**2
        handle = output.grad_fn.register_hook(lambda sent, came: change(sent))
        try:
            return told(output, None, x=x)[0][1]
        finally:
            handle.remove()

    sum_told = "[1, 1] × 2 × [1, 2] = [2, 4]"
    changed = "went out: changed on the way, as by a hook"
    assert lines(lambda sent: None) == sum_told
    assert lines(lambda sent: (sent[0] * 10,)) == f"{sum_told}, but [20, 40] {changed}"
    assert lines(lambda sent: (sent[0] * 1.01,)) == f"{sum_told}, but [2.02, 4.04] {changed}"


def test_a_line_without_a_readable_gradient_has_no_numbers():
    rule = read_rule((y * w).grad_fn, names_of(y=y, w=w))
    one = torch.tensor(1.0)
    too_large = "no numbers: the gradient is too large to write out"
    assert rule.told(("a summary",), (one, one)) == (
        Line(0, "incoming × w", too_large), Line(1, "incoming × y", too_large)
    )  # fmt: skip
    assert [line.numbers for line in rule.told((one,), ("a summary", None))] == [too_large]
    assert rule.told((None,), (one, None))[0].numbers == (
        "nothing came in, yet 1 went out: changed on the way, as by a hook"
    )


def test_what_begins_with_a_minus_gets_parentheses_where_it_needs_them():
    def numbers(formula, x="-2", incoming="-3"):
        return filled(formula, {"x": x, "incoming": incoming}, None, numbers=True)

    assert numbers("{x}² + {x}") == "(-2)² + (-2)"
    assert numbers("-incoming × {x}^(3)") == "-(-3) × (-2)^(3)"
    assert numbers("incoming / (2 × {x})") == "-3 / (2 × (-2))"
    assert numbers("exp({x}) @ incomingᵀ", "[-2]", "[-3]") == "exp([-2]) @ [-3]ᵀ"
    assert filled("-incoming × {x}²", {"x": "x"}, None) == "-incoming × x²"


SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
MEANING = {
    "log": math.log, "sin": math.sin, "cos": math.cos, "exp": math.exp,
    "sign": lambda x: (x > 0) - (x < 0), "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
}  # fmt: skip
COMPUTED = """p**2; n**2; n**3; n**-3; p**0.5; p**-0.5; p**q; p**n; 2**p; p * n;
n * p; p / n; n / q; 1 - n; torch.rsub(p, n, alpha=3); p - n; torch.add(n, p, alpha=-2); -n;
p.reciprocal(); n.exp(); n.expm1(); p.log(); p.log2(); p.log10(); p.log1p(); p.sqrt(); p.rsqrt();
n.sin(); n.cos(); n.tan(); n.tanh(); n.sigmoid(); F.silu(n); n.relu(); p.relu(); n.abs();
n.clamp(-1, 1); q.clamp(0, 1); n.clamp_min(0); n.clamp_max(0); torch.maximum(n, p); n.clone();
torch.minimum(n, p); F.mse_loss(n, p);
F.binary_cross_entropy(q, p.detach() / 3); F.binary_cross_entropy_with_logits(n, q.detach());
torch.where(p > n, p, n); n.clamp(min=p)"""


@pytest.mark.parametrize("incoming", [3.0, -0.5])
@pytest.mark.parametrize("text", [text.strip() for text in COMPUTED.split(";")])
def test_the_numbers_of_a_line_add_up(text, incoming):
    """Python, given the left side of a line, comes to its right side."""
    variables = {"p": leaf(1.5), "n": leaf(-2.5), "q": leaf(0.25)}
    output = eval(text, {"torch": torch, "F": F, **variables})
    for symbols, numbers in told(output, incoming, **variables).values():
        formula, _, outcome = numbers.partition(" = ")
        formula = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda m: f"**({m[0].translate(SUPERSCRIPTS)})", formula)
        formula = formula.replace("×", "*").replace("^", "**")
        value = eval(formula, {"__builtins__": {}, **MEANING})
        assert value == pytest.approx(float(outcome or formula), rel=1e-3, abs=1e-3), symbols
