"""Section 4.1: plausible wrong answers to its exercises, and what each is told."""

import pytest
import torch

from lecture_helpers.exercises import lecture_4

NOTEBOOK = "04_training_loop.ipynb"


def loop(w, loss_of, lr, steps, reset=True, late=False, log="before", value=float):
    """A training loop, with one thing done otherwise."""
    losses = []
    for _ in range(steps):
        loss = loss_of(w)
        if reset:
            w.grad = None
        loss.backward()
        if late:
            w.grad = None if w.grad is None else w.grad.clone()
        with torch.no_grad():
            w -= lr * w.grad
        losses.append(value((loss if log == "before" else loss_of(w)).detach()))
    return losses


def reset_after(w, loss_of, lr, steps):
    losses = []
    for _ in range(steps):
        loss = loss_of(w)
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad = None
        losses.append(loss.item())
    return losses


def rebound(w, loss_of, lr, steps):
    losses = []
    for _ in range(steps):
        w = w.detach().requires_grad_()
        loss = loss_of(w)
        loss.backward()
        w = w - lr * w.grad
        losses.append(loss.item())
    return losses


def through_data(w, loss_of, lr, steps):
    losses = []
    for _ in range(steps):
        loss = loss_of(w)
        w.grad = None
        loss.backward()
        w.data -= lr * w.grad
        losses.append(loss.item())
    return losses


def recorded_update(w, loss_of, lr, steps):
    for _ in range(steps):
        loss_of(w).backward()
        w -= lr * w.grad
    return []


def twice(w, loss_of, lr, steps):
    losses = []
    for _ in range(steps):
        w.grad = None
        loss_of(w).backward()
        losses.append(loss_of(w).item())
        with torch.no_grad():
            w -= lr * w.grad
    return losses


def zeros_first(w, loss_of, lr, steps):
    for _ in range(steps):
        w.grad.zero_()
        loss_of(w).backward()
    return []


def left_off(w, loss_of, lr, steps):
    losses = loop(w, loss_of, lr, steps)
    torch.set_grad_enabled(False)
    return losses


def frozen_after(w, loss_of, lr, steps):
    losses = loop(w, loss_of, lr, steps)
    w.requires_grad_(False)
    return losses


def behind(w, grads, lr, x, target, update, loss=lambda p, t: (p - t) ** 2):
    for grad in grads:
        w = update(w, lr * grad)
    return loss(w * x, target)


@torch.no_grad()
def unrecorded(w, moved):
    return w - moved


CHECKS = {
    "fit": (
        lecture_4.check_fit,
        {
            "no reset": lambda *given: loop(*given, reset=False),
            "the reset after the update only": reset_after,
            "w rebound": rebound,
            "through .data": through_data,
            "a recorded update": recorded_update,
            "the slope added": lambda w, f, lr, n: loop(w, f, -lr, n),
            "no learning rate": lambda w, f, lr, n: loop(w, f, 1.0, n),
            "the loss after the update": lambda *given: loop(*given, log="after"),
            "the forward twice": twice,
            "zeros where there is None": zeros_first,
            "tensors": lambda *given: loop(*given, value=lambda loss: loss),
            "one step too many": lambda w, f, lr, n: loop(w, f, lr, n + 1),
            "no update": lambda w, f, lr, n: loop(w, f, 0.0, n),
            "recording left off": left_off,
            "w frozen at the end": frozen_after,
            "only the last loss": lambda *given: loop(*given)[-1:],
        },
    ),
    "recorded": (
        lecture_4.check_recorded,
        {
            "updates without recording": lambda *given: behind(*given, update=unrecorded),
            "a healthy loss": lambda w, grads, lr, x, target: (w * x - target) ** 2,
            "detached first": lambda w, *given: behind(
                w.detach().requires_grad_(), *given, update=lambda w, moved: (w - moved).detach()
            ),
            "add in place of sub": lambda *given: behind(*given, update=lambda w, m: w + (-m)),
            "target less prediction": lambda *given: behind(
                *given, update=torch.sub, loss=lambda p, t: (t - p) ** 2
            ),
            "a product in place of the power": lambda *given: behind(
                *given, update=torch.sub, loss=lambda p, t: (p - t) * (p - t)
            ),
            "one update for all": lambda w, grads, lr, x, target: (
                ((w - lr * sum(grads)) * x - target) ** 2
            ),
            "the last update only": lambda w, grads, *given: behind(
                w, grads[-1:], *given, update=torch.sub
            ),
            "in place": lambda w, grads, lr, x, target: w.sub_(lr * grads[0]) if grads else w,
            "a number": lambda *given: behind(*given, update=torch.sub).item(),
        },
    ),
}


@pytest.mark.parametrize("wrong, said", [
    ("no reset", "Case 2 of 6"),
    ("the reset after the update only", "Case 4 of 6"),
    ("w rebound", "w then holds 1.0; expected 2.2"),
    ("through .data", "autograd did not count the changes of w"),
    ("a recorded update", "raised RuntimeError: a leaf Variable that requires grad is being used"),
    ("the forward twice", "loss_of was called 2 times; expected 1"),
    ("zeros where there is None", "raised AttributeError: 'NoneType' object"),
    ("recording left off", "recording is still off"),
    ("w frozen at the end", "requires_grad False; expected True and True"),
    ("one step too many", "your function returned [9.0, 0.35"),
])  # fmt: skip
def test_what_a_slip_of_the_loop_is_told(wrong, said):
    check, wrongs = CHECKS["fit"]
    assert said in check(wrongs[wrong]).message
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("wrong", [
    "updates without recording", "a healthy loss", "add in place of sub",
    "target less prediction", "one update for all",
])  # fmt: skip
def test_a_wrong_graph_is_shown_beside_the_right_one(wrong):
    check, wrongs = CHECKS["recorded"]
    verdict = check(wrongs[wrong])
    assert verdict.shown is not None and not verdict.shown.same
