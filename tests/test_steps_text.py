"""A recorded backward in words."""

import torch
from sound import Cube, leaf
from test_steps import diamond

from lecture_helpers import record_backward
from lecture_helpers.draw.steps_text import gradient_words


def test_the_text_tells_every_step():
    lines = str(diamond()).splitlines()
    assert lines[0] == "backward from out: 5 steps"
    assert lines[1] == "The backward starts at out with the gradient 1."
    steps = [line for line in lines if line.startswith("step")]
    assert steps == [
        "step 1 of 5: MulBackward0, which made out",
        "step 2 of 5: PowBackward0, which made w",
        "step 3 of 5: AddBackward0, which made v",
        "step 4 of 5: MulBackward0, which made u",
        "step 5 of 5: AccumulateGrad of x",
    ]
    at = lines.index("step 2 of 5: PowBackward0, which made w")
    assert lines[at + 1 : at + 4] == [
        "  pow received 7.",
        "  The slope of a power: exponent times base to the exponent less one.",
        "  to u (mul): incoming × 2 · u = 7 × 2 × 6 = 84",
    ]
    met = "  mul received 84 + 36 = 120: two paths meet here, and the engine adds."
    assert met in lines
    assert lines[-3:] == [
        "  x received 360.",
        "  x.grad was None; now it is 360.",
        "Finished: x received 360, its .grad is 360.",
    ]


def test_an_operation_without_a_rule_says_so():
    x = leaf(2.0)
    lines = str(record_backward(Cube.apply(x))).splitlines()
    assert "  to x: 12" in lines
    said = "No rule is written down for this operation here; the numbers are the engine's own."
    assert f"  {said}" in lines


def test_accumulation_is_told():
    w = leaf(2.0)
    w.grad = torch.tensor(7.0)
    loss = w * 4
    text = str(record_backward(loss))
    assert "w.grad was 7; the backward adds: 7 + 4 = 11." in text
    assert text.endswith("Finished: w received 4, its .grad is 11.")


def test_a_hook_is_told_where_it_changes_the_gradient():
    x = leaf(2.0)
    y = 3 * x
    y.register_hook(lambda gradient: gradient * 10)
    z = y**2
    text = str(record_backward(z))
    assert "mul received 120. A hook changed it on the way." in text
    assert text.count("A hook changed it") == 1


def test_a_hook_is_told_where_it_changes_a_sum():
    x = leaf(2.0)
    y = 3 * x
    y.register_hook(lambda gradient: -gradient)
    z = y * y
    assert "mul received -12, the sum of 2 parts" not in str(record := record_backward(z))
    assert "mul received 6 + 6 = -12. A hook changed it on the way." in str(record)


def test_a_hook_that_empties_grad_is_told():
    w = leaf(2.0)
    w.register_post_accumulate_grad_hook(lambda leaf: setattr(leaf, "grad", None))
    loss = w * 4
    assert "w.grad was None; now it is None. A hook changed it afterwards." in str(
        record_backward(loss)
    )


def test_an_output_that_nothing_uses_received_none_not_zero():
    x = leaf(1.0, 2.0, 3.0)
    first, second, _third = x.unbind()
    out = first * second
    lines = str(record_backward(out)).splitlines()
    assert "  unbind output 2 received nothing: None, not 0." in lines
    assert "  unbind output 0 received 2." in lines


def test_gradient_words():
    assert gradient_words(None) == "None"
    assert gradient_words(torch.tensor([1.0, 0.5])) == "[1, 0.5]"
    third = torch.full((3,), 1 / 3)
    assert gradient_words(third, 22, 3) == "[0.333, 0.333, 0.333]"
    assert gradient_words(third, 40, 3) == "[0.33333, 0.33333, 0.33333]"
    assert gradient_words(torch.ones(2, 3, 4), 12) == "2 × 3 × 4 values"
