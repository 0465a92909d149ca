"""Sliders and checkboxes from Python's side: what they show, send and leave alone."""

import re
import sys
import warnings

import pytest
import torch

from lecture_helpers import use_text, what_if
from lecture_helpers.curve import SAMPLES
from lecture_helpers.widgets.live import WIDGET_MIME


def branch(x):
    return torch.sin(5 * x) if x > 1.5 else x + 1


def loss_of(x, w):
    return (w * x - 1) ** 2


def two_inputs(**options):
    return what_if(loss_of, x=(0, 3, 2), w=(-1, 1, 0.5, options.get("w", True)))


def slider_of(lab, name="x"):
    return lab._sliders[name]


def box_of(lab, name="x"):
    return lab._boxes[name]


def grads_in(lab):
    return {row.name: row.grad for row in lab.table.rows}


def test_what_if_computes_redraws_and_follows_the_branch():
    lab = what_if(branch, x=(0.0, 3.0, 2.0))
    assert lab.sentence == "At x = 2.0 the result is -0.54402, the gradient for x is -4.1954."
    assert "SinBackward0" in lab._page.value
    slider_of(lab).value = 1.05
    assert lab.sentence == "At x = 1.05 the result is 2.05, the gradient for x is 1.0."
    assert "AddBackward0" in lab._page.value and "SinBackward0" not in lab._page.value
    assert [node.name for node in lab.graph.nodes] == ["x", "result"]


@pytest.mark.parametrize("x, w", [(2.0, 0.5), (3.0, 0.5), (1.0, -1.0), (0.0, 1.0)])
def test_graph_table_sentence_and_plot_tell_the_gradients_of_a_real_backward(x, w):
    lab = two_inputs()
    slider_of(lab).value, slider_of(lab, "w").value = x, w
    own = [torch.tensor(number, requires_grad=True) for number in (x, w)]
    result = loss_of(*own)
    result.backward()
    wanted = {"x": own[0].grad.item(), "w": own[1].grad.item(), "result": None}
    assert grads_in(lab) == wanted
    assert [row.value for row in lab.table.rows] == [x, w, result.item()]
    assert [row.grad_fn for row in lab.table.rows] == [None, None, "PowBackward0"]
    assert f"result is {result.item()}, the gradient for x is {wanted['x']}" in lab.sentence
    assert lab.plot.slope == wanted[lab.plot.name]
    for shown in (lab.graph.to_svg(), lab.table.to_html(), f'data-slope="{lab.plot.slope}"'):
        assert shown in lab._page.value


def test_the_plot_is_over_the_slider_moved_last_and_holds_the_others():
    lab = two_inputs()
    for name, other, moved in (("x", 0.5, None), ("w", 2.0, 0.2), ("x", 0.2, 1.5)):
        if moved is not None:
            slider_of(lab, name).value = moved
        slider = slider_of(lab, name)
        assert (lab.plot.name, lab.plot.low, lab.plot.high) == (name, slider.min, slider.max)
        assert (lab.plot.at, lab.plot.value) == (slider.value, lab.table.rows[-1].value)
        ((*points,),) = lab.plot.curve.pieces
        for place, height in points[::20]:
            assert height == pytest.approx((place * other - 1) ** 2, abs=1e-5)
        near = [height for place, height in points if abs(place - slider.value) < 0.03]
        assert min(abs(lab.plot.value - height) for height in near) < 0.1
    box_of(lab, "w").value = False
    assert lab.plot.name == "x"


def test_a_checkbox_for_each_input_says_whose_it_is():
    lab = two_inputs(w=False)
    rows = lab.widget.children[:-1]
    assert [row.children for row in rows] == [
        (slider_of(lab, name), box_of(lab, name)) for name in ("x", "w")
    ]
    assert box_of(lab).description == "x requires grad" and box_of(lab).value is True
    assert box_of(lab, "w").description == "w requires grad" and box_of(lab, "w").value is False


def test_an_input_that_is_not_tracked_leaves_the_graph_and_gets_no_gradient():
    lab = two_inputs(w=False)
    assert lab.sentence == (
        "At x = 2.0, w = 0.5 the result is 0.0, the gradient for x is 0.0. "
        "w is not tracked and gets no gradient."
    )
    assert [node.name for node in lab.graph.nodes if node.is_leaf] == ["x"]
    assert grads_in(lab) == {"x": 0.0, "w": None, "result": None}
    assert [row.requires_grad for row in lab.table.rows] == [True, False, True]

    slider_of(lab, "w").value = 1.0
    assert lab.plot.name == "w" and lab.plot.slope is None
    assert "no tangent: w is not tracked" in lab._page.value and grads_in(lab)["x"] == 2.0
    box_of(lab, "w").value = True
    assert [node.name for node in lab.graph.nodes if node.is_leaf] == ["w", "x"]
    assert lab.plot.slope == grads_in(lab)["w"] == 4.0
    assert "not tracked" not in lab._page.value + str(lab)


def test_with_nothing_tracked_the_result_stands_alone():
    lab = two_inputs(w=False)
    box_of(lab).value = False
    assert lab.sentence == (
        "At x = 2.0, w = 0.5 the result is 0.0. "
        "No input is tracked, so the result has no graph and there is no gradient."
    )
    assert [node.name for node in lab.graph.nodes] == ["result"] and not lab.graph.edges
    assert set(grads_in(lab).values()) == {None}
    assert "no tangent: x is not tracked" in lab._page.value and "None" in lab._page.value


def test_a_tracked_tensor_of_the_caller_is_told_and_left_alone():
    w = torch.tensor(3.0, requires_grad=True)
    square = w * w
    lab = what_if(lambda x, y: square * x * y, x=(0, 1, 0.5), y=(0, 1, 1, False))
    assert w.grad is None and grads_in(lab)["x"] == 9.0
    slider_of(lab).value = 1.0
    box_of(lab).value = False
    assert "x, y are not tracked and get no gradient." in lab.sentence
    assert len(lab.graph.edges) == 4
    assert w.grad is None
    square.backward()  # its graph was not freed
    assert w.grad.item() == 6.0


def test_an_input_without_a_share_in_the_result_says_none_not_zero():
    lab = what_if(lambda x, y: x * 0, x=(-1, 1, 0.5), y=(0, 1, 0.5))
    assert "the gradient for x is 0.0, the gradient for y is None" in lab.sentence
    assert lab.plot.slope == 0.0
    slider_of(lab, "y").value = 1.0
    assert lab.plot.slope is None and "no tangent: y has no gradient" in lab._page.value


def test_a_function_may_run_a_backward_of_its_own():
    def twice(x):
        (x**3).backward(create_graph=True)
        return x.grad

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the cycle that create_graph makes
        lab = what_if(twice, x=(0, 2, 1))
    assert lab.sentence == "At x = 1.0 the result is 3.0, the gradient for x is 6.0."
    (piece,) = lab.plot.curve.pieces
    assert piece[-1] == (2.0, 12.0)


def test_a_checkbox_may_lead_into_an_error_and_out_again():
    def trained(x):
        y = x * x
        y.backward(retain_graph=True)
        return y

    lab = what_if(trained, x=(0.0, 2.0, 1.0))
    box_of(lab).value = False
    assert "your function raised RuntimeError: element 0 of tensors" in lab._page.value
    assert "RuntimeError" in str(lab) and "result is" not in str(lab)
    assert "svg" not in lab._page.value and set(lab.bundle()) == {WIDGET_MIME, "text/plain"}
    assert lab.graph is lab.table is lab.plot is None
    box_of(lab).value = True
    assert lab.sentence == "At x = 1.0 the result is 1.0, the gradient for x is 2.0."
    assert "raised" not in lab._page.value


def test_what_if_reports_an_error_at_one_setting_and_recovers():
    def fragile(x):
        if x > 1.5:
            sys.exit(3)
        if x > 1:
            raise ValueError("<too big>")
        return x * 2

    lab = what_if(fragile, x=(0.0, 2.0, 0.0))
    assert lab.plot.curve.missing == 30 and len(lab.plot.curve.pieces) == 1
    for place, said in ((1.2, "ValueError: &lt;too big&gt;"), (2.0, "SystemExit: 3")):
        slider_of(lab).value = place
        assert f"your function raised {said}" in lab._page.value
    slider_of(lab).value = 0.5
    assert "the result is 1.0" in lab._page.value


def test_a_curve_is_sampled_only_when_it_changes():
    calls = []

    def counted(x, w):
        calls.append((x.item(), w.item()))
        return x * w

    lab = what_if(counted, x=(0, 1, 0.5), w=(0, 1, 0.5))
    assert len(calls) == SAMPLES + 1 and {w for _, w in calls} == {0.5}
    for name, value, asked in [("x", 0.1, 1), ("x", 0.5, 1), ("w", 0.3, SAMPLES + 1),
                               ("w", 0.4, 1), ("x", 0.6, SAMPLES + 1)]:  # fmt: skip
        calls.clear()
        slider_of(lab, name).value = value
        assert len(calls) == asked
    calls.clear()
    box_of(lab, "w").value = False
    assert len(calls) == SAMPLES + 1
    assert lab.plot.curve.pieces[0][-1] == pytest.approx((1.0, 0.4))


def test_a_curve_is_not_kept_over_an_error_that_another_slider_led_into():
    def fragile(x, w):
        if x + w > 2.5:
            raise ValueError
        return x * w

    lab = what_if(fragile, x=(0.0, 2.0, 2.0), w=(0.0, 1.0, 0.5))
    slider_of(lab, "w").value = 1.0
    assert lab.plot is None
    slider_of(lab).value = 1.0
    assert lab.plot.curve.pieces[0][30] == (1.0, 1.0) == (lab.plot.at, lab.plot.value)


def test_the_samples_print_nothing_warn_of_nothing_and_draw_no_number(capsys):
    def noisy(x):
        print("called")
        if x != 0.5:
            warnings.warn("sampled", stacklevel=1)
        return x * torch.rand(())

    torch.manual_seed(0)
    wanted = [torch.rand(()).item() for _ in range(2)]
    torch.manual_seed(0)
    lab = what_if(noisy, x=(0, 1, 0.5))
    assert capsys.readouterr() == ("called\n", "")
    assert lab.plot.curve.missing == 0
    assert grads_in(lab)["x"] == pytest.approx(wanted[0])
    assert torch.rand(()).item() == wanted[1]


@pytest.mark.parametrize(
    "low, high, step", [(0, 3, 0.1), (-1, 1, 0.1), (0, 100, 1), (0, 0.5, 0.01)]
)
def test_a_slider_has_a_round_step(low, high, step):
    lab = what_if(branch, x=(low, high, low))
    assert slider_of(lab).step == pytest.approx(step)


@pytest.mark.parametrize("sliders, said", [
    ({}, "given no slider"), ({"x": 3}, "given x=3"), ({"x": (1, 2)}, "three numbers"),
    ({"x": (3, 1, 2)}, "three numbers"), ({"x": (0, 1, 2)}, "start between"),
    ({"x": ("a", "b", "a")}, "three numbers"), ({"x": (0, 1, 0, 1)}, r"x=\(-3, 3, 1, False\)"),
    ({"x": (0, 1, 0, True, True)}, "perhaps its requires_grad"),
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


def test_outputs_carry_the_view_and_a_stand_in_without_matplotlibs_bytes():
    lab = what_if(branch, x=(0.0, 3.0, 2.0))
    bundle = lab.bundle()
    assert bundle[WIDGET_MIME]["model_id"] == lab.widget.model_id
    assert bundle["image/svg+xml"] == lab.graph.to_svg()
    parts = [lab.sentence, *map(str, (lab.table, lab.graph, lab.plot))]
    assert bundle["text/plain"] == str(lab) == "\n".join(parts)
    assert "jumps at x = 1.5; tangent with slope -4.1954 at x = 2.0" in parts[-1]
    assert set(re.findall(r'data-kind="(\w+)"', lab._page.value)) == {"graph", "plot"}
    use_text()
    try:
        assert "image/svg+xml" not in lab.bundle()
        slider_of(lab).value = 1.05
        assert "<svg" not in lab._page.value and "<table" not in lab._page.value
        for part in (lab.table, lab.graph, lab.plot):
            assert f"<pre>{part}</pre>".replace("<-", "&lt;-") in lab._page.value
    finally:
        use_text(False)
