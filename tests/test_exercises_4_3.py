"""Section 4.3: plausible wrong answers to its exercises, and what each is told."""

import pytest
import torch

from lecture_helpers.exercises import lecture_4

NOTEBOOK = "04_training_loop.ipynb"


def parts(model, batches, divide, reset="first", together=False, value=float):
    """The gradient of micro-batches, with one thing done otherwise."""
    count, total, losses = sum(len(y) for _, y in batches), 0.0, []
    if reset == "first":
        model.zero_grad()
    for x, y in batches:
        if reset == "each":
            model.zero_grad()
        misses = (model(x) - y) ** 2
        loss = divide(misses, len(batches), count)
        if together:
            losses.append(loss)
        else:
            loss.backward()
        total = total + (loss.item() if value is float else loss)
    if together:
        torch.stack(losses).sum().backward()
    return total


def by_count(misses, k, count):
    return misses.sum() / count


def joined(model, batches):
    model.zero_grad()
    x, y = (torch.cat(one) for one in zip(*batches))
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    return loss.item()


def only_the_number(model, batches):
    model.zero_grad()
    total, count = 0.0, sum(len(y) for _, y in batches)
    for x, y in batches:
        loss = ((model(x) - y) ** 2).sum()
        loss.backward()
        total += loss.item() / count
    return total


def kept_for_later(model, batches):
    model.zero_grad()
    losses = [by_count((model(x) - y) ** 2, 0, sum(len(y) for _, y in batches)) for x, y in batches]
    for loss in losses:
        loss.backward()
    return sum(loss.item() for loss in losses)


def freezing(model, optimizer, name, flag=True, grad="None", mode=True, out=False, count=None):
    """Freeze a layer, with one thing done otherwise."""
    layer = model.get_submodule(name)
    for parameter in layer.parameters():
        if flag:
            parameter.requires_grad_(False)
        if grad == "None":
            parameter.grad = None
        elif grad == "zeros" and parameter.grad is not None:
            parameter.grad.zero_()
    if mode:
        layer.eval()
    if out:
        frozen = {id(parameter) for parameter in layer.parameters()}
        for group in optimizer.param_groups:
            group["params"] = [one for one in group["params"] if id(one) not in frozen]
    return sum(one.numel() for one in layer.parameters()) if count is None else count(layer)


def freeze_everything(model, optimizer, name):
    size = freezing(model, optimizer, name)
    model.requires_grad_(False)
    return size


def evaluate_everything(model, optimizer, name):
    size = freezing(model, optimizer, name)
    model.eval()
    return size


def weights_only(model, optimizer, name):
    layer = model.get_submodule(name)
    layer.eval()
    layer[0].weight.requires_grad_(False)
    layer[0].weight.grad = None
    return sum(one.numel() for one in layer.parameters())


def detached_parameters(model, optimizer, name):
    layer = model.get_submodule(name)
    layer.eval()
    for parameter in layer.parameters():
        parameter.detach().requires_grad_(False)
        parameter.grad = None
    return sum(one.numel() for one in layer.parameters())


def all_that_is_frozen(model, optimizer, name):
    freezing(model, optimizer, name)
    return sum(one.numel() for one in model.parameters() if not one.requires_grad)


def under_no_grad(model, optimizer, name):
    with torch.no_grad():
        return freezing(model, optimizer, name, flag=False)


CHECKS = {
    "accumulate": (
        lecture_4.check_accumulate,
        {
            "means as they are": lambda *given: parts(*given, lambda m, k, n: m.mean()),
            "means by the number of parts": lambda *given: parts(
                *given, lambda m, k, n: m.mean() / k
            ),
            "sums as they are": lambda *given: parts(*given, lambda m, k, n: m.sum()),
            "sums by the number of parts": lambda *given: parts(
                *given, lambda m, k, n: m.sum() / k
            ),
            "a reset in each part": lambda *given: parts(*given, by_count, reset="each"),
            "no reset": lambda *given: parts(*given, by_count, reset="never"),
            "one backward at the end": lambda *given: parts(*given, by_count, together=True),
            "backward after all forwards": kept_for_later,
            "the parts joined": joined,
            "only the number divided": only_the_number,
            "a tensor": lambda *given: parts(*given, by_count, value=None),
        },
    ),
    "freeze_layer": (
        lecture_4.check_freeze_layer,
        {
            "the flag only": lambda *given: freezing(*given, grad="", mode=False),
            "flag and mode, an old gradient": lambda *given: freezing(*given, grad=""),
            "zeros in place of None": lambda *given: freezing(*given, grad="zeros"),
            "the batch norm runs on": lambda *given: freezing(*given, mode=False),
            "out of the optimizer only": lambda *given: freezing(*given, flag=False, out=True),
            "no flag": lambda *given: freezing(*given, flag=False),
            "all frozen": freeze_everything,
            "all in evaluation mode": evaluate_everything,
            "the weight only": weights_only,
            "detached parameters": detached_parameters,
            "under no_grad": under_no_grad,
            "body, whatever the name": lambda *given: freezing(*given[:2], "body"),
            "all numbers that are frozen": all_that_is_frozen,
            "the number of parameters": lambda *given: freezing(
                *given, count=lambda layer: len(list(layer.parameters()))
            ),
        },
    ),
}


@pytest.mark.parametrize("wrong, said", [
    ("means as they are", "Case 2 of 6"),
    ("means by the number of parts", "Case 4 of 6"),
    ("a reset in each part", "the number is right, but the gradient of 0.weight is"),
    ("no reset", "Case 6 of 6"),
    ("backward after all forwards", "a forward came before the backward"),
    ("the parts joined", "the model was given [4] points; expected [2, 2]"),
    ("only the number divided", "the number is right, but the gradient of"),
    ("a tensor", "(a float, not a Tensor)"),
])  # fmt: skip
def test_what_a_slip_of_the_micro_batches_is_told(wrong, said):
    check, wrongs = CHECKS["accumulate"]
    assert said in check(wrongs[wrong]).message


@pytest.mark.parametrize("wrong, said", [
    ("flag and mode, an old gradient", "training changed body.0.weight; expected it to stay"),
    ("zeros in place of None", "training changed body.0.weight; expected it to stay"),
    ("the batch norm runs on", "Case 4 of 6"),
    ("the batch norm runs on", "training changed body.1.running_mean"),
    ("out of the optimizer only", "body.0.weight still gets a gradient or holds one"),
    ("all frozen", "nothing requires grad; expected head to learn"),
    ("all in evaluation mode", "head.0.running_mean stands still"),
    ("the number of parameters", "Case 1 of 6"),
    ("body, whatever the name", "Case 6 of 6"),
    ("all numbers that are frozen", "Case 6 of 6"),
    ("all numbers that are frozen", "your function returned 5; expected 4"),
])  # fmt: skip
def test_what_a_slip_of_the_freezing_is_told(wrong, said):
    check, wrongs = CHECKS["freeze_layer"]
    assert said in check(wrongs[wrong]).message


def test_a_layer_that_also_leaves_the_optimizer_is_frozen_as_well():
    check, _ = CHECKS["freeze_layer"]
    assert check(lambda *given: freezing(*given, out=True)).passed
