"""Lecture 2: solutions pass, plausible wrong answers are rejected and told why."""

import math

import pytest
import torch

from lecture_helpers.exercises import lecture_2
from lecture_helpers.grads import quiet_grad

NOTEBOOK = "02_working_with_gradients.ipynb"


def learning(model):
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def frozen(model, layer, each):
    """Do something to each parameter of the layer, then name what requires grad."""
    for parameter in getattr(model, layer).parameters():
        each(parameter)
    return learning(model)


def flag_only(parameter):
    parameter.requires_grad_(False)


def flag_and_zeros(parameter):
    parameter.requires_grad_(False)
    if parameter.grad is not None:
        parameter.grad.zero_()


def flag_and_none(parameter):
    parameter.requires_grad_(False)
    parameter.grad = None


def grad_only(parameter):
    parameter.grad = None


def by_prefix(model, layer):
    for name, parameter in model.named_parameters():
        if name.startswith(layer):
            flag_and_none(parameter)
    return learning(model)


def all_but_the_layer_switched_on(model, layer):
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(f"{layer}."))
        parameter.grad = None
    return learning(model)


def everything(model, layer):
    model.requires_grad_(False)
    return learning(model)


def names_right_but_all_frozen(model, layer):
    names = frozen(model, layer, flag_and_none)
    for parameter in model.parameters():
        flag_and_none(parameter)
    return names


def frozen_ones(model, layer):
    frozen(model, layer, flag_and_none)
    return [name for name, parameter in model.named_parameters() if not parameter.requires_grad]


def weight_and_bias(model, layer):
    flag_and_none(getattr(model, layer).weight)
    flag_and_none(getattr(model, layer).bias)
    return learning(model)


def names_where(test):
    return lambda tensors: [name for name, tensor in tensors.items() if test(tensor)]


def row(f, x, i, weights=None, read=lambda leaf, i: leaf.grad.tolist()):
    """Run one backward with weights that may be wrong, and read the gradient."""
    leaf = torch.tensor(x, requires_grad=True)
    y = f(leaf)
    y.backward(gradient=weights(leaf, y, i) if weights else None)
    return read(leaf, i)


def one_hot(leaf, y, i):
    return torch.nn.functional.one_hot(torch.tensor(i), len(y)).float()


def picked(leaf, i):
    return [g if place == i else 0.0 for place, g in enumerate(leaf.grad.tolist())]


def trained(w, optimizer, steps, before_step=None, before_loss=None, after_step=None):
    """Train with the resets that are given, which may be in the wrong places."""
    values = []
    for losses in steps:
        if before_step:
            before_step()
        for make_loss in losses:
            if before_loss:
                before_loss()
            make_loss(w).backward()
        optimizer.step()
        if after_step:
            after_step()
        values.append(w.item())
    return values


def reset_once(w, optimizer, steps):
    optimizer.zero_grad()
    return trained(w, optimizer, steps)


def step_for_each_loss(w, optimizer, steps):
    return trained(w, optimizer, [[loss] for losses in steps for loss in losses],
                   before_step=optimizer.zero_grad)  # fmt: skip


def without_the_optimizer(w, optimizer, steps):
    values = []
    for losses in steps:
        w.grad = None
        for make_loss in losses:
            make_loss(w).backward()
        if w.grad is not None:
            w.data -= 0.1 * w.grad
        values.append(w.item())
    return values


def losses_made_beforehand(w, optimizer, steps):
    made = [[make_loss(w) for make_loss in losses] for losses in steps]
    again = [[lambda w, loss=loss: loss for loss in losses] for losses in made]
    return trained(w, optimizer, again, before_step=optimizer.zero_grad)


def zeros(optimizer):
    return lambda: optimizer.zero_grad(set_to_none=False)


def keeps_the_tensor(w, optimizer, steps):
    values = []
    for losses in steps:
        trained(w, optimizer, [losses], before_step=optimizer.zero_grad)
        values.append(w)
    return values


CHECKS = {
    "freeze": (lecture_2.check_freeze, {
        "the flag only": lambda m, layer: frozen(m, layer, flag_only),
        "zeros, not None": lambda m, layer: frozen(m, layer, flag_and_zeros),
        "the gradient only": lambda m, layer: frozen(m, layer, grad_only),
        "by the beginning of the name": by_prefix,
        "switches others on": all_but_the_layer_switched_on,
        "everything": everything,
        "right names, all frozen": names_right_but_all_frozen,
        "the frozen names": frozen_ones,
        "weight and bias only": weight_and_bias,
        "parameters, not names": lambda m, layer: [
            frozen(m, layer, flag_and_none), [p for p in m.parameters() if p.requires_grad]][1],
        "a method that a list lacks": lambda m, layer: [
            *getattr(m, layer).parameters()].requires_grad_(False),
    }),
    "gets_grad": (lecture_2.check_gets_grad, {
        "requires_grad only": names_where(lambda t: t.requires_grad),
        "is_leaf only": names_where(lambda t: t.is_leaf),
        "no grad_fn": names_where(lambda t: t.grad_fn is None),
        "either": names_where(lambda t: t.is_leaf or t.requires_grad),
        "forgets retain_grad": names_where(lambda t: t.is_leaf and t.requires_grad),
        "retain_grad only": names_where(lambda t: t.retains_grad),
        "has the attribute": names_where(lambda t: hasattr(t, "grad")),
        "has a gradient now": names_where(lambda t: quiet_grad(t) is not None),
        "by name": lambda tensors: [n for n in tensors if n in ("w", "b") or "retain" in n],
        "one text": lambda tensors: ", ".join(names_where(lecture_2._is_filled)(tensors)),
        "tensors": lambda tensors: [t for t in tensors.values() if lecture_2._is_filled(t)],
    }),
    "one_result": (lecture_2.check_one_result, {
        "without an argument": row,
        "ones": lambda f, x, i: row(f, x, i, lambda leaf, y, i: torch.ones_like(y)),
        "picked from the sum": lambda f, x, i: row(
            f, x, i, lambda leaf, y, i: torch.ones_like(y), picked),
        "weights of x's shape": lambda f, x, i: row(
            f, x, i, lambda leaf, y, i: one_hot(leaf, leaf, i)),
        "always the first": lambda f, x, i: row(f, x, i, lambda leaf, y, i: one_hot(leaf, y, 0)),
        "one number": lambda f, x, i: row(f, x, i, one_hot, lambda leaf, i: leaf.grad[i].item()),
        "a tensor": lambda f, x, i: row(f, x, i, one_hot, lambda leaf, i: leaf.grad),
        "the values": lambda f, x, i: f(torch.tensor(x)).tolist(),
        "untracked": lambda f, x, i: f(torch.tensor(x)).backward(gradient=torch.ones(len(x))),
        "hard-coded": lambda f, x, i: [0.0, 4.0, 0.0],
    }),
    "is_twice": (lecture_2.check_is_twice, {
        "the source's": lambda first, second: second >= first * 1.9,
        "exactly": lambda first, second: second == 2 * first,
        "by division": lambda first, second: math.isclose(second / first, 2, rel_tol=1e-6),
        "sizes only": lambda first, second: math.isclose(
            abs(second), 2 * abs(first), rel_tol=1e-6),
        "sizes at least": lambda first, second: abs(second) >= 1.9 * abs(first),
        "roughly": lambda first, second: math.isclose(second, 2 * first, rel_tol=0.1),
        "half": lambda first, second: math.isclose(first, 2 * second, rel_tol=1e-6),
        "one part in a hundred thousand": lambda first, second: math.isclose(
            second, 2 * first, rel_tol=1e-5),
        "the default tolerance": lambda first, second: math.isclose(second, 2 * first),
        "a fixed tolerance": lambda first, second: abs(second - 2 * first) < 1e-6,
        "rounded": lambda first, second: round(second, 6) == round(2 * first, 6),
        "one side only": lambda first, second: second - 2 * first < 1e-6,
        "any second for a first of 0": lambda first, second: (
            first == 0 or math.isclose(second / first, 2, rel_tol=1e-6)),
        "always": lambda first, second: True,
        "as text": lambda first, second: "True",
    }),
    "train": (lecture_2.check_train, {
        "never reset": trained,
        "reset once": reset_once,
        "reset before each backward": lambda w, o, steps: trained(
            w, o, steps, before_loss=o.zero_grad),
        "reset after each step": lambda w, o, steps: trained(w, o, steps, after_step=o.zero_grad),
        "zeros": lambda w, o, steps: trained(w, o, steps, before_step=zeros(o)),
        "zero_ of None": lambda w, o, steps: trained(
            w, o, steps, before_step=lambda: w.grad.zero_()),
        "a step for each loss": step_for_each_loss,
        "without the optimizer": without_the_optimizer,
        "losses made beforehand": losses_made_beforehand,
        "detached losses": lambda w, o, steps: trained(
            w, o, [[lambda w, losses=losses: sum(make(w) for make in losses).detach() + 0 * w]
                   for losses in steps], before_step=o.zero_grad),
        "the tensor many times": keeps_the_tensor,
        "the last value only": lambda w, o, steps: trained(
            w, o, steps, before_step=o.zero_grad)[-1],
    }),
}  # fmt: skip


@pytest.mark.parametrize("name, wrong, said", [
    ("freeze", "the flag only", "Case 1 of 5, model = body, head, layer = 'body': the names are "
     "right, but a step of the optimizer moved body.weight; expected it to stay."),
    ("freeze", "zeros, not None", "Case 1 of 5, model = body, head, layer = 'body': the names are "
     "right, but a step of the optimizer moved body.weight; expected it to stay."),
    ("freeze", "by the beginning of the name", "Case 3 of 5, model = head, head2, layer = 'head': "
     "your function returned []; expected ['head2.weight', 'head2.bias']."),
    ("freeze", "right names, all frozen", "Case 1 of 5, model = body, head, layer = 'body': the "
     "names are right, but head.weight no longer learns; expected it to move."),
    ("gets_grad", "requires_grad only", "Case 2 of 6, tensors = w, h = w * 2: "
     "your function returned ['w', 'h = w * 2']; expected ['w']."),
    ("gets_grad", "forgets retain_grad", "Case 5 of 6, tensors = h = w * 3, which called "
     "retain_grad(), k = w * 4, x: your function returned []; "
     "expected ['h = w * 3, which called retain_grad()']."),
    ("one_result", "ones", "Case 1 of 5, f(x) = x**2, x = [1.0, 2.0, 3.0], i = 1: "
     "your function returned [2.0, 4.0, 6.0]; expected [0.0, 4.0, 0.0]."),
    ("is_twice", "the source's", "Case 1 of 9, first = -24.0, second = -48.0: "
     "your function returned False; expected True."),
    ("is_twice", "exactly", "Case 5 of 9, first = 0.1, second = 0.20000000298023224: "
     "your function returned False; expected True."),
    ("train", "reset before each backward", "Case 1 of 5, steps = one step, losses 1w, 2w, 3w: "
     "your function returned [1.7]; expected [1.4]."),
    ("train", "reset once", "Case 2 of 5, steps = two steps, losses 1w, 2w and then 3w: "
     "your function returned [1.7, 1.1]; expected [1.7, 1.4]."),
    ("train", "zeros", "Case 4 of 5, steps = momentum 0.5, losses 2w, then 3w, then none: "
     "your function returned [1.8, 1.4, 1.2]; expected [1.8, 1.4, 1.4]."),
])  # fmt: skip
def test_what_a_slip_is_told(name, wrong, said):
    check, wrongs = CHECKS[name]
    assert check(wrongs[wrong]).message == f"Not yet. {said}"


def failing_case(name, wrong):
    check, wrongs = CHECKS[name]
    return int(check(wrongs[wrong]).message.removeprefix("Not yet. Case ")[0])


@pytest.mark.parametrize("name, wrong, case", [
    ("freeze", "switches others on", 4), ("freeze", "weight and bias only", 5),
    ("gets_grad", "is_leaf only", 1), ("gets_grad", "by name", 6),
    ("gets_grad", "no grad_fn", 1), ("one_result", "picked from the sum", 2),
    ("one_result", "weights of x's shape", 4), ("is_twice", "sizes at least", 3),
    ("is_twice", "by division", 4), ("is_twice", "roughly", 6), ("is_twice", "sizes only", 7),
    ("is_twice", "the default tolerance", 5), ("is_twice", "one side only", 6),
    ("is_twice", "any second for a first of 0", 8), ("is_twice", "a fixed tolerance", 9),
    ("is_twice", "rounded", 9), ("train", "reset after each step", 3),
    ("train", "zero_ of None", 1), ("train", "without the optimizer", 4),
    ("train", "losses made beforehand", 5),
])  # fmt: skip
def test_a_hint_that_names_a_case_names_the_right_one(name, wrong, case):
    assert failing_case(name, wrong) == case
