"""Buttons that run the learner's own functions."""

import sys

import pytest
import torch

from lecture_helpers import grad_table, memory, press, saved_memory, show_graph, use_text
from lecture_helpers.widgets.live import WIDGET_MIME


def loss_of(w, x):
    return (w * x - 1) ** 2


def accumulating():
    """A leaf with two buttons that add to its gradient, one that empties it, and a table."""
    w = torch.tensor(2.0, requires_grad=True)
    return w, press(
        lambda: grad_table(w),
        backward_at_1=lambda: loss_of(w, 1.0).backward(),
        backward_at_3=lambda: loss_of(w, 3.0).backward(),
        zero=lambda: w.grad.zero_(),
    )


def click(lab, *names):
    for name in names:
        lab._buttons[name].click()


def test_press_shows_the_state_before_any_press():
    _, lab = accumulating()
    assert [button.description for button in lab.widget.children[0].children] == [
        "backward at 1", "backward at 3", "zero"]  # fmt: skip
    assert str(lab).splitlines()[:2] == [
        "[backward at 1] [backward at 3] [zero]", "Nothing pressed yet."]  # fmt: skip
    assert str(lab).splitlines()[-1].split() == ["w", "2.0", "()", "True", "True", "None", "None"]
    assert "<i>None</i></td></tr>" in lab._page.value
    assert set(lab.bundle()) == {WIDGET_MIME, "text/plain"}
    assert lab.bundle()[WIDGET_MIME]["model_id"] == lab.widget.model_id


def test_press_runs_the_function_and_redraws():
    w, lab = accumulating()
    fresh = torch.tensor(2.0, requires_grad=True)
    own = [torch.autograd.grad(loss_of(fresh, x), fresh)[0].item() for x in (1.0, 3.0)]
    for names, total in [
        (["backward_at_1"], own[0]), (["backward_at_3"], sum(own)),
        (["backward_at_1", "backward_at_1"], sum(own) + 2 * own[0]), (["zero"], 0.0),
        (["backward_at_3"], own[1]),
    ]:  # fmt: skip
        click(lab, *names)
        assert w.grad.item() == total == lab.shown.rows[0].grad
        assert f"<td>{total}</td></tr>" in lab._page.value
    assert lab.sentence == (
        "Pressed: backward at 1, then backward at 3, then backward at 1 twice, then zero, "
        "then backward at 3."
    )
    assert lab.sentence in lab._page.value and lab.sentence in str(lab)


def test_an_error_of_a_button_is_shown_in_place_and_the_next_press_works():
    w, lab = accumulating()
    click(lab, "zero")
    assert "zero raised AttributeError: " in lab._page.value and "Pressed: zero." in lab._page.value
    assert "<table>" in lab._page.value
    click(lab, "backward_at_1")
    assert "raised" not in lab._page.value and w.grad.item() == 2.0

    loss = loss_of(w, 1.0)
    again = press(lambda: grad_table(w), backward=loss.backward)
    click(again, "backward", "backward")
    assert "backward raised RuntimeError: Trying to backward" in again._page.value
    assert again.sentence == "Pressed: backward twice." and "<td>4.0</td></tr>" in again._page.value


def test_what_a_button_prints_is_shown_in_place(capsys):
    lab = press(lambda: "state < 1", say=lambda: print("<b>" + "x" * 3000))
    assert "<pre>state &lt; 1</pre>" in lab._page.value
    click(lab, "say")
    assert "<pre>" + "x" * 1999 + "\n</pre>" in lab._page.value
    assert capsys.readouterr() == ("", "")
    lab = press(lambda: "state", say=lambda: print("<b>"))
    click(lab, "say")
    assert "<pre>&lt;b&gt;\n</pre><pre>state</pre>" in lab._page.value


def test_press_redraws_a_graph_and_keeps_text_for_who_wants_it():
    x = torch.tensor(2.0, requires_grad=True)
    state = [x * 3]
    lab = press(lambda: show_graph(state[0]), grow=lambda: state.__setitem__(0, state[0] + 1))
    assert "MulBackward0" in lab._page.value and "AddBackward0" not in lab._page.value
    click(lab, "grow")
    assert "AddBackward0" in lab._page.value
    assert lab.bundle()["image/svg+xml"] == lab.shown.to_svg()
    assert len(lab.shown.nodes) == 3
    use_text()
    try:
        assert "image/svg+xml" not in lab.bundle()
        click(lab, "grow")
        assert "<pre>" in lab._page.value and "<svg" not in lab._page.value
    finally:
        use_text(False)


def test_the_output_does_not_tell_what_differs_from_device_to_device(monkeypatch):
    monkeypatch.setattr(memory, "peak_bytes", lambda device: 900)
    w = torch.tensor(2.0, requires_grad=True)
    lab = press(lambda: saved_memory(w * w), again=int)
    lab._buttons["again"].click()
    told = "[again]\nPressed: again.\nwhat the graph of 1 unnamed tensor keeps"
    assert str(lab).endswith("\npeak on the device: 900 bytes")
    assert lab.bundle()["text/plain"] == str(lab).removesuffix("\npeak on the device: 900 bytes")
    assert lab.bundle()["text/plain"].startswith(told) and "peak" not in lab._page.value


@pytest.mark.parametrize("show, buttons, said", [
    (str, {}, "given no button"),
    ("table", {"go": str}, "given str as its first argument; pass a function"),
    (str, {"go": None}, "given NoneType as go; pass a function without arguments, by its name"),
    (str, {"go": lambda x: x}, "a function as go that wants arguments"),
    (lambda x: x, {"go": str}, "as its first argument that wants arguments"),
    (lambda: None, {"go": str}, "returned NoneType; it must return what to show"),
    (lambda: torch.ones(1), {"go": str}, "returned Tensor; it must return what to show"),
])  # fmt: skip
def test_press_bad_input(show, buttons, said):
    with pytest.raises(TypeError, match=said):
        press(show, **buttons)


def test_a_button_shows_what_its_function_says_as_text_and_never_loses_an_error():
    def noisy():
        print("<i>out</i>")
        print("<i>err</i>", file=sys.stderr)
        raise ValueError("<b>")

    class Speechless(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    def speechless():
        raise Speechless

    pressed = press(lambda: "state", noisy=noisy, speechless=speechless, leave=sys.exit)
    told = {
        "noisy": "ValueError: &lt;b&gt;",
        "speechless": "speechless raised Speechless",
        "leave": "leave raised SystemExit",
    }
    for name, said in told.items():
        pressed._buttons[name].click()
        assert said in pressed._page.value
        if name == "noisy":
            assert "&lt;i&gt;out&lt;/i&gt;\n&lt;i&gt;err&lt;/i&gt;" in pressed._page.value
    assert pressed.pressed == ["noisy", "speechless", "leave"]


def test_a_button_cannot_wait_for_an_async_function():
    async def later():
        pass

    with pytest.raises(TypeError, match="async function as later, which a button cannot wait for"):
        press(lambda: "state", later=later)


def test_an_error_of_the_showing_function_is_shown_and_passes():
    shown = ["start"]
    lab = press(lambda: shown[0], number=lambda: shown.__setitem__(0, 3),
                nothing=shown.clear, text=lambda: shown.insert(0, "back"))  # fmt: skip
    click(lab, "number")
    assert "shows raised TypeError: the first function of press returned int" in lab._page.value
    assert "start" not in lab._page.value
    click(lab, "nothing")
    assert "shows raised IndexError" in lab._page.value
    click(lab, "text")
    assert "raised" not in lab._page.value and "<pre>back</pre>" in lab._page.value


def test_a_long_history_is_told_from_its_end():
    lab = press(lambda: "", a=lambda: None, b=lambda: None)
    click(lab, *"aaabababab")
    assert lab.sentence == "Pressed: ..., then a, then b, then a, then b, then a, then b."
    click(lab, *"bb")
    assert lab.sentence.endswith("then b 3 times.")
