"""The widgets from Python's side: what they send, keep and say."""

import pytest
import torch

from lecture_helpers import predict, use_text, what_if
from lecture_helpers.widgets.live import WIDGET_MIME


def branch(x):
    return torch.sin(5 * x) if x > 1.5 else x + 1


def slider_of(lab, name="x"):
    return lab._sliders[name]


def test_what_if_computes_redraws_and_follows_the_branch():
    lab = what_if(branch, x=(0.0, 3.0, 2.0))
    assert lab.sentence == "At x = 2.0 the result is -0.54402, the gradient for x is -4.1954."
    assert "SinBackward0" in lab._page.value
    slider_of(lab).value = 1.05
    assert lab.sentence == "At x = 1.05 the result is 2.05, the gradient for x is 1.0."
    assert "AddBackward0" in lab._page.value and "SinBackward0" not in lab._page.value
    assert [node.name for node in lab.graph.nodes] == ["x", "result"]


@pytest.mark.parametrize(
    "low, high, step", [(0, 3, 0.1), (-1, 1, 0.1), (0, 100, 1), (0, 0.5, 0.01)]
)
def test_a_slider_has_a_round_step(low, high, step):
    lab = what_if(branch, x=(low, high, low))
    assert slider_of(lab).step == pytest.approx(step)


def test_what_if_with_an_unused_input_says_none_not_zero():
    lab = what_if(lambda x, y: x * 0, x=(-1, 1, 0.5), y=(0, 1, 0.5))
    assert "the gradient for x is 0.0, the gradient for y is None" in lab.sentence


def test_what_if_reports_an_error_at_one_setting_and_recovers():
    def fragile(x):
        if x > 1:
            raise ValueError("<too big>")
        return x * 2

    lab = what_if(fragile, x=(0.0, 2.0, 0.0))
    slider_of(lab).value = 2.0
    assert "your function raised ValueError: &lt;too big&gt;" in lab._page.value
    slider_of(lab).value = 0.5
    assert "the result is 1.0" in lab._page.value


@pytest.mark.parametrize("sliders, said", [
    ({}, "given no slider"), ({"x": 3}, "given x=3"), ({"x": (1, 2)}, "three numbers"),
    ({"x": (3, 1, 2)}, "three numbers"), ({"x": (0, 1, 2)}, "start between"),
    ({"x": ("a", "b", "a")}, "three numbers"),
    ({"x": (-float("inf"), float("inf"), 0)}, "three numbers"),
])  # fmt: skip
def test_what_if_bad_sliders(sliders, said):
    with pytest.raises(TypeError, match=said):
        what_if(branch, **sliders)


@pytest.mark.parametrize(
    "function", [lambda x: 3.0, lambda x: torch.stack([x, x]), lambda x: x * 1j]
)
def test_what_if_bad_function(function):
    with pytest.raises(TypeError, match="tensor of one element that is a real number"):
        what_if(function, x=(0, 1, 0))


def test_what_if_without_a_picture_shows_the_text(monkeypatch):
    def broken(*_):
        raise RuntimeError("no room")

    monkeypatch.setattr("lecture_helpers.draw.svg.place", broken)
    lab = what_if(lambda function: function * 2, function=(0.0, 0.01, 0.005))
    assert "<pre>" in lab._page.value and "MulBackward0" in lab._page.value
    assert "image/svg+xml" not in lab.bundle()
    assert slider_of(lab, "function").readout_format == ".4f"


def test_outputs_carry_the_view_and_a_stand_in():
    lab = what_if(branch, x=(0.0, 3.0, 2.0))
    bundle = lab.bundle()
    assert bundle[WIDGET_MIME]["model_id"] == lab.widget.model_id
    assert bundle["image/svg+xml"] == lab.graph.to_svg()
    assert bundle["text/plain"] == str(lab) == f"{lab.sentence}\n{lab.graph.to_text()}"
    use_text()
    try:
        assert "image/svg+xml" not in lab.bundle()
        slider_of(lab).value = 1.05
        assert "<pre>" in lab._page.value and "<svg" not in lab._page.value
    finally:
        use_text(False)


def test_prediction_by_choice(capsys):
    asked = predict("What is c.grad?", ["0.0", "2.0", "None"])
    assert str(asked) == "Predict. What is c.grad?\n  ( ) 0.0\n  ( ) 2.0\n  ( ) None"
    assert asked.answer is None
    asked.compare(None)
    asked._input.value = "2.0"
    assert "Noted: 2.0" in asked._noted.value
    asked.compare(None)
    asked._input.value = "None"
    asked.compare(None)
    assert capsys.readouterr().out.splitlines() == [
        "No prediction yet. Answer the question above, then run this cell again.",
        "You predicted 2.0. The computation gives None.",
        "You predicted None. Right.",
    ]


@pytest.mark.parametrize("answer, computed, right", [
    ("42", 42.0, True), (" 42.0 ", 42.0, True), ("41", 42.0, False), ("x", 42.0, False),
    ("[4, 3]", [4.0, 3.0], True), ("[4, 3, 1]", [4.0, 3.0], False), ("0.3333", 1 / 3, True),
    ("[4.0,3.0]", [4.0, 3.0], True), ("0", 0.0, True), ("nan", 1.0, False), ("5", 5, True),
    ("nan", float("nan"), True), ("42", torch.tensor(42.0), True), ("2+3j", 2 + 3j, True),
    ("a b", "ab", False), ("1" * 400, 42.0, False), ("None", None, True), ("0", None, False),
])  # fmt: skip
def test_prediction_by_number(answer, computed, right, capsys):
    asked = predict("?")
    asked._input.value = answer
    asked.compare(computed)
    assert ("Right" in capsys.readouterr().out) == right


def test_a_choice_is_right_only_as_it_reads(capsys):
    asked = predict("?", ["42", "42.0"])
    asked._input.value = "42"
    asked.compare(42.0)
    assert capsys.readouterr().out == "You predicted 42. The computation gives 42.0.\n"


def test_a_number_is_asked_for_and_long_questions_wrap_at_spaces():
    asked = predict("word " * 40)
    asked._input.value = "8,0"
    assert asked._noted.value == "8,0 is not a number. Type one such as 4.5."
    asked._input.value = "8.0"
    assert asked._noted.value == "Noted: 8.0. Now run the cells below."
    assert max(map(len, str(asked).splitlines())) <= 88


def test_a_question_is_escaped():
    asked = predict("is a < b?")
    assert "a &lt; b" in asked.widget.children[0].value
