"""Section 3.1: solutions pass, plausible wrong answers are rejected and told why."""

import contextlib

import pytest
import torch

from lecture_helpers.exercises import lecture_3

NOTEBOOK = "03_controlling_tracking.ipynb"
pytestmark = pytest.mark.usefixtures("recording_stays_on")


def evaluated(model, data, block=torch.no_grad, total=lambda total, loss: total + loss.item(),
              before=lambda model: model.eval(), after=lambda model: model.train()):  # fmt: skip
    """Evaluate with one thing done otherwise, which may be wrong."""
    before(model)
    losses = 0.0
    with block():
        for x, label in data:
            losses = total(losses, (model(x) - label) ** 2)
    after(model)
    return losses / len(data)


def nothing(model):
    pass


def tensors(total, loss):
    return total + loss


def leaky(model, data):
    return evaluated(model, data, torch.enable_grad, tensors, nothing, nothing)


def frozen(model, data):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return evaluated(model, data, torch.enable_grad)


def frozen_for_a_while(model, data):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    mean = evaluated(model, data, torch.enable_grad)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    return mean


def in_one_batch(model, data):
    inputs, labels = map(torch.stack, zip(*data))
    return len(data) * evaluated(model, [(inputs, labels)], total=lambda _, loss: loss.mean().item()
                                 ) / len(data)  # fmt: skip


def clears(model):
    model.zero_grad()
    model.train()


def switched_off_for_good(model, data):
    torch.set_grad_enabled(False)
    return evaluated(model, data, torch.no_grad)


def block_around_the_total(model, data):
    model.eval()
    losses = [(model(x) - label) ** 2 for x, label in data]
    model.train()
    with torch.no_grad():
        return (sum(losses) / len(losses)).item()


def last_loss(model, data):
    return evaluated(model, data, total=lambda total, loss: len(data) * loss.item())


def called_twice(model, data):
    evaluated(model, data)
    return evaluated(model, data)


def stepped(parameters, lr, update, block=torch.no_grad, after=lambda parameter: None):
    """Do something to each parameter that has a gradient; count them."""
    moved = 0
    with block():
        for parameter in parameters:
            if parameter.grad is not None:
                update(parameter, lr)
                after(parameter)
                moved += 1
    return moved


def zeros_not_counted(parameters, lr):
    parameters = list(parameters)
    stepped(parameters, lr, in_place)
    return sum(p.grad is not None and bool(p.grad.any()) for p in parameters)


def in_place(parameter, lr):
    parameter -= lr * parameter.grad


def rebound(parameter, lr):
    parameter = parameter - lr * parameter.grad


def other_memory(parameter, lr):
    parameter.data = parameter.data - lr * parameter.grad


def uncounted(parameter, lr):
    parameter.data -= lr * parameter.grad


def clear(parameter):
    parameter.grad = None


def list_rebound(parameters, lr):
    moved = 0
    for place, parameter in enumerate(parameters):
        if parameter.grad is not None:
            parameters[place] = parameter - lr * parameter.grad
            moved += 1
    return moved


def none_is_not_skipped(parameters, lr):
    with torch.no_grad():
        moved = 0
        for parameter in parameters:
            parameter -= lr * parameter.grad
            moved += 1
    return moved


def gone_through_twice(parameters, lr):
    stepped(parameters, lr, in_place)
    return sum(parameter.grad is not None for parameter in parameters)


def by_position(parameters, lr):
    return stepped([parameters[place] for place in range(len(parameters))], lr, in_place)


def switched_off(parameters, lr):
    torch.set_grad_enabled(False)
    return stepped(parameters, lr, in_place)


def zeros_for_none(parameters, lr):
    parameters = list(parameters)
    has_gradient = [parameter for parameter in parameters if parameter.grad is not None]
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    stepped(parameters, lr, in_place)
    return len(has_gradient)


CHECKS = {
    "evaluate": (lecture_3.check_evaluate, {
        "the leaky one": leaky,
        "item() alone": lambda m, d: evaluated(m, d, torch.enable_grad),
        "a total of tensors": lambda m, d: evaluated(m, d, total=tensors),
        "no evaluation mode": lambda m, d: evaluated(m, d, before=nothing),
        "left in evaluation mode": lambda m, d: evaluated(m, d, after=nothing),
        "evaluation mode alone": lambda m, d: evaluated(m, d, torch.enable_grad, tensors),
        "frozen": frozen,
        "frozen and all unfrozen": frozen_for_a_while,
        "in one batch": in_one_batch,
        "clears the gradient": lambda m, d: evaluated(m, d, after=clears),
        "switched off for good": switched_off_for_good,
        "the block around the total": block_around_the_total,
        "the last loss": last_loss,
        "each twice": called_twice,
        "the sum": lambda m, d: evaluated(m, d) * len(d),
        "rounded": lambda m, d: round(evaluated(m, d)),
    }),
    "sgd_step": (lecture_3.check_sgd_step, {
        "recorded": lambda ps, lr: stepped(ps, lr, in_place, torch.enable_grad),
        "rebound": lambda ps, lr: stepped(ps, lr, rebound),
        "rebound, recorded": lambda ps, lr: stepped(ps, lr, rebound, torch.enable_grad),
        "the list rebound": list_rebound,
        "in other memory": lambda ps, lr: stepped(ps, lr, other_memory),
        "not counted": lambda ps, lr: stepped(ps, lr, uncounted),
        "uphill": lambda ps, lr: stepped(ps, -lr, in_place),
        "without lr": lambda ps, lr: stepped(ps, 1.0, in_place),
        "zeros not counted": zeros_not_counted,
        "None not skipped": none_is_not_skipped,
        "zeros for None": zeros_for_none,
        "clears the gradient": lambda ps, lr: stepped(ps, lr, in_place, after=clear),
        "zeroes the gradient": lambda ps, lr: stepped(
            ps, lr, in_place, after=lambda p: p.grad.zero_()),
        "untracked afterwards": lambda ps, lr: stepped(
            ps, lr, in_place, after=lambda p: p.requires_grad_(False)),
        "scales the gradient": lambda ps, lr: stepped(
            ps, lr, lambda p, lr: p.sub_(p.grad.mul_(lr))),
        "gone through twice": gone_through_twice,
        "by position": by_position,
        "switched off for good": switched_off,
        "the first only": lambda ps, lr: stepped([next(iter(ps))], lr, in_place),
        "counts all": lambda ps, lr: [
            ps := list(ps), stepped(ps, lr, in_place), len(ps)][-1],
        "does nothing": lambda ps, lr: sum(p.grad is not None for p in ps),
    }),
}  # fmt: skip
SLIPS = [
    ("evaluate", "item() alone", "Case 1 of 4, model = y = w * x, two pairs: the number is right, "
     "but the model's output required grad, so each forward recorded a graph; expected no "
     "recording."),
    ("evaluate", "left in evaluation mode", "Case 1 of 4, model = y = w * x, two pairs: the number "
     "is right, but the model is left in evaluation mode; expected training mode, as before."),
    ("evaluate", "no evaluation mode", "Case 3 of 4, model = y = dropout(w * x), two pairs: "
     "your function returned 13.0; expected 17.0."),
    ("evaluate", "clears the gradient", "Case 4 of 4, model = y = w * x, where w.grad already "
     "holds 7.0: the number is right, but model.w.grad then holds 0.0; expected 7.0, as before."),
    ("evaluate", "switched off for good", "Case 1 of 4, model = y = w * x, two pairs: the number "
     "is right, but recording is still off after your function; expected it to be on, "
     "as before."),
    ("evaluate", "frozen", "Case 1 of 4, model = y = w * x, two pairs: the number is right, but "
     "model.w no longer requires grad; expected its flag to stay."),
    ("evaluate", "frozen and all unfrozen", "Case 1 of 4, model = y = w * x, two pairs: the number "
     "is right, but model.fixed, which was frozen, requires grad; expected its flag to stay."),
    ("evaluate", "in one batch", "Case 1 of 4, model = y = w * x, two pairs: the number is right, "
     "but forwards of the model: 1; expected 2, one for each pair."),
    ("sgd_step", "recorded", "Case 1 of 6, parameters = w = 1.0 with grad -12.0, lr = 0.1: your "
     "function raised RuntimeError: a leaf Variable that requires grad is being used in an "
     "in-place operation."),
    ("sgd_step", "rebound", "Case 1 of 6, parameters = w = 1.0 with grad -12.0, lr = 0.1: "
     "parameter 1 then holds 1.0; expected 2.2."),
    ("sgd_step", "not counted", "Case 1 of 6, parameters = w = 1.0 with grad -12.0, lr = 0.1: "
     "parameter 1 has the right value, but autograd did not count the change, and an older graph "
     "would give a wrong gradient in silence; expected a change that it counts."),
    ("sgd_step", "in other memory", "Case 1 of 6, parameters = w = 1.0 with grad -12.0, lr = 0.1: "
     "parameter 1 has the right value, but in other memory; expected a change in place."),
    ("sgd_step", "the list rebound", "Case 1 of 6, parameters = w = 1.0 with grad -12.0, lr = 0.1: "
     "the list then holds other tensors; expected the same ones, changed in place."),
    ("sgd_step", "clears the gradient", "Case 1 of 6, parameters = w = 1.0 with grad -12.0, "
     "lr = 0.1: parameter 1 then has .grad None; expected -12.0, as before."),
    ("sgd_step", "untracked afterwards", "Case 1 of 6, parameters = w = 1.0 with grad -12.0, "
     "lr = 0.1: parameter 1 has the right value, but then has is_leaf True, requires_grad False; "
     "expected True and True."),
]  # fmt: skip
HINTED = [
    ("evaluate", "the leaky one", 1), ("evaluate", "the last loss", 1),
    ("evaluate", "no evaluation mode", 3), ("evaluate", "clears the gradient", 4),
    ("sgd_step", "the first only", 2), ("sgd_step", "None not skipped", 3),
    ("sgd_step", "counts all", 3), ("sgd_step", "zeros for None", 3),
    ("sgd_step", "by position", 4), ("sgd_step", "zeros not counted", 6),
    ("sgd_step", "gone through twice", 4),
]  # fmt: skip


@pytest.mark.parametrize("right", [
    lambda m, d: evaluated(m, d, torch.inference_mode),
    torch.no_grad()(lambda m, d: evaluated(m, d, contextlib.nullcontext)),
    lambda m, d: evaluated(m, d, total=tensors).item(),
])  # fmt: skip
def test_other_right_evaluations_pass(right):
    assert lecture_3.check_evaluate(right).passed is True


@pytest.mark.parametrize("right", [
    lambda p, lr: p.sub_(lr * p.grad),
    lambda p, lr: p.add_(p.grad, alpha=-lr),
    lambda p, lr: p.copy_(p - lr * p.grad),
    lambda p, lr: p.detach().sub_(lr * p.grad),
])  # fmt: skip
def test_other_right_steps_pass(right):
    verdict = lecture_3.check_sgd_step(lambda ps, lr: stepped(ps, lr, right))
    assert verdict.passed is True, verdict
