"""Section 4.2: plausible wrong answers to its exercises, and what each is told."""

import pytest
import torch

from lecture_helpers.exercises import lecture_4

NOTEBOOK = "04_training_loop.ipynb"


def fitted(
    net, x, y, lr, steps, reset="before", shape=lambda p: p.squeeze(1), value=float, pick=None
):
    """A training loop over a layer, with one thing done otherwise."""
    losses = []
    for _ in range(steps):
        loss = ((shape(net(x)) - y) ** 2).mean()
        if reset == "before":
            net.zero_grad()
        loss.backward()
        if reset == "between":
            net.zero_grad()
        with torch.no_grad():
            for parameter in list(net.parameters())[:pick]:
                if parameter.grad is not None:
                    parameter -= lr * parameter.grad
        if reset == "after":
            net.zero_grad()
        losses.append(value(loss.detach()) if value is float else value(loss))
    return losses


def name_moved(net, x, y, lr, steps):
    losses = []
    for _ in range(steps):
        loss = ((net(x).squeeze(1) - y) ** 2).mean()
        net.zero_grad()
        loss.backward()
        for parameter in net.parameters():
            parameter = parameter - lr * parameter.grad
        losses.append(loss.item())
    return losses


def recorded_in_place(net, x, y, lr, steps):
    for _ in range(steps):
        ((net(x).squeeze(1) - y) ** 2).mean().backward()
        for parameter in net.parameters():
            parameter -= lr * parameter.grad
    return []


def new_parameters(net, x, y, lr, steps):
    losses = []
    for _ in range(steps):
        loss = ((net(x).squeeze(1) - y) ** 2).mean()
        net.zero_grad()
        loss.backward()
        net.weight = torch.nn.Parameter(net.weight.detach() - lr * net.weight.grad)
        net.bias = torch.nn.Parameter(net.bias.detach() - lr * net.bias.grad)
        losses.append(loss.item())
    return losses


def total_of(*given):
    return sum(fitted(*given))


CHECKS = {
    "mended_fit": (
        lecture_4.check_mended_fit,
        {
            "only the name moves": name_moved,
            "a recorded update": recorded_in_place,
            "no reset": lambda *given: fitted(*given, reset="never"),
            "the reset between backward and update": lambda *given: fitted(*given, reset="between"),
            "the reset after the update only": lambda *given: fitted(*given, reset="after"),
            "shapes that broadcast": lambda *given: fitted(*given, shape=lambda p: p),
            "graphs in the list": lambda *given: fitted(*given, value=lambda loss: loss),
            "tensors in the list": lambda *given: fitted(*given, value=torch.detach),
            "new parameters": new_parameters,
            "the weight only": lambda *given: fitted(*given, pick=1),
            "the sum of the losses": total_of,
            "the sum of the squares": lambda net, x, y, lr, steps: fitted(
                net, x, y, lr * len(y), steps
            ),
        },
    ),
}


@pytest.mark.parametrize("wrong, said", [
    ("only the name moves", "net.weight then holds [1.0]; expected [2.2]"),
    ("no reset", "Case 2 of 5"),
    ("the reset between backward and update", "net.weight then holds [1.0]; expected [2.2]"),
    ("the reset after the update only", "Case 5 of 5"),
    ("shapes that broadcast", "Case 3 of 5"),
    ("graphs in the list", "your list keeps graphs alive"),
    ("tensors in the list", "your list holds tensors; expected floats"),
    ("new parameters", "net.weight is another tensor now"),
])  # fmt: skip
def test_each_bug_has_its_own_symptom(wrong, said):
    check, wrongs = CHECKS["mended_fit"]
    assert said in check(wrongs[wrong]).message
