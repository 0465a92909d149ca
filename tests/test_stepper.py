"""The stepper: one position, moved by slider, buttons and Play."""

import pytest
import torch
from sound import leaf

from lecture_helpers import record_backward, use_text, watch_backward
from lecture_helpers.widgets.live import WIDGET_MIME


def diamond():
    x = leaf(2.0)
    u = 3 * x
    v = u + 1
    w = u**2
    out = v * w
    return x, watch_backward(out)


def shown(stepper):
    return stepper._page.value


def test_it_starts_before_the_backward_which_has_run():
    x, stepper = diamond()
    assert x.grad.item() == 360
    assert stepper.position == 0 and ' data-step="0" data-steps="5"' in shown(stepper)
    assert [step.node.grad_fn for step in stepper.record.steps] == [
        "MulBackward0", "PowBackward0", "AddBackward0", "MulBackward0", "AccumulateGrad",
    ]  # fmt: skip


def test_slider_play_and_buttons_move_the_same_position():
    _, stepper = diamond()
    moves = [
        (lambda: stepper._next.click(), 1),
        (lambda: setattr(stepper._slider, "value", 4), 4),
        (lambda: stepper._previous.click(), 3),
        (lambda: setattr(stepper._play, "value", 5), 5),
        (lambda: stepper._next.click(), 5),
        (lambda: stepper.step_to(-3), 0),
        (lambda: stepper._previous.click(), 0),
    ]
    for move, position in moves:
        move()
        assert stepper.position == stepper._play.value == stepper._slider.value == position
        assert f' data-step="{position}"' in shown(stepper)
        assert (stepper._previous.disabled, stepper._next.disabled) == (
            position == 0,
            position == 5,
        )


def test_each_picture_is_that_of_the_record_at_this_step():
    _, stepper = diamond()
    stepper.step_to(4)
    assert "84 + 36 = 120" in shown(stepper) and ">360<" in shown(stepper)
    stepper.step_to(3)
    assert "84 + 36 = 120" not in shown(stepper) and ">360<" not in shown(stepper)


def test_without_a_front_end_there_is_the_finished_picture_and_every_step_in_words():
    _, stepper = diamond()
    bundle = stepper.bundle()
    assert set(bundle) == {WIDGET_MIME, "image/svg+xml", "text/plain"}
    assert bundle[WIDGET_MIME]["model_id"] == stepper.widget.model_id
    assert ' data-step="6" data-steps="5"' in bundle["image/svg+xml"]
    assert bundle["text/plain"] == str(stepper.record) == str(stepper)
    stepper.step_to(2)
    assert stepper.bundle() == bundle


def test_as_text():
    use_text()
    try:
        _, stepper = diamond()
        assert set(stepper.bundle()) == {WIDGET_MIME, "text/plain"}
        stepper.step_to(4)
        assert "<svg" not in shown(stepper)
        assert "step 4 of 5: MulBackward0" in shown(stepper)
        assert "mul received 84 + 36 = 120: two paths meet here" in shown(stepper)
    finally:
        use_text(False)


def test_names_come_from_the_caller_and_by_keyword():
    x = leaf(2.0)
    y = x**2
    assert str(watch_backward(y)).startswith("backward from y: 2 steps")
    z = x**3
    assert "to weight" in str(watch_backward(z, weight=x))


def test_the_options_are_those_of_record_backward():
    x = leaf(1.0, 2.0)
    y = x**2
    stepper = watch_backward(y, torch.tensor([1.0, 10.0]), retain_graph=True, accumulate=False)
    assert x.grad is None and stepper.record.gradient(x).tolist() == [2, 40]
    again = record_backward(y, torch.tensor([1.0, 10.0]))
    assert x.grad.tolist() == again.gradient(x).tolist() == [2, 40]


def test_refusals_name_this_helper():
    with pytest.raises(ValueError, match=r"^watch_backward was given a tensor without a graph"):
        watch_backward(torch.ones(()))
    with pytest.raises(TypeError, match=r"^watch_backward was given NoneType; pass the tensor"):
        watch_backward(None)


def test_a_wide_picture_shrinks_to_the_page():
    _, stepper = diamond()
    assert shown(stepper).startswith('<svg style="max-width: 100%; height: auto" ')


def test_a_name_stays_text_in_the_words_of_the_page():
    x = leaf(2.0)
    y = x * 3
    use_text()
    try:
        stepper = watch_backward(y, **{"<b>x": x})
        stepper.step_to(1)
        assert "to &lt;b&gt;x: incoming" in shown(stepper) and "<b>" not in shown(stepper)
    finally:
        use_text(False)


@pytest.mark.filterwarnings("ignore:Using backward")
def test_create_graph_and_whole_reach_the_backward():
    x = torch.ones(101, 100, requires_grad=True)
    y = (x**3).sum()
    stepper = watch_backward(y, create_graph=True, whole=True)
    assert x.grad.requires_grad and stepper.record.gradient(x).shape == (101, 100)
    x.grad = None  # which ends the cycle of the leaf with its gradient's graph
