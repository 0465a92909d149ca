"""Lecture 2.3: wrong answers, which test_solutions.py gives to the checks."""

import math
import warnings

import torch

from lecture_helpers.exercises import lecture_2

NOTEBOOK = "02_working_with_gradients.ipynb"


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


def own(w, losses, begin=lambda w: torch.zeros_like(w), keep=lambda grad: grad.clone()):
    """Each loss's own gradient, with a beginning and a memory that may be wrong."""
    before, found = begin(w), []
    for loss in losses:
        loss(w).backward()
        found.append((w.grad - before).tolist())
        before = keep(w.grad)
    return found


def held(w):
    return torch.zeros_like(w) if w.grad is None else w.grad.clone()


def totals(w, losses):
    found = []
    for loss in losses:
        loss(w).backward()
        found.append(w.grad.tolist())
    return found


def reset_before_each(w, losses):
    found = []
    for loss in losses:
        w.grad = None
        loss(w).backward()
        found.append(w.grad.tolist())
    return found


def one_tensor_many_times(w, losses):
    found = []
    for loss in losses:
        loss(w).backward()
        found.append(w.grad)
    return [grad.tolist() for grad in found]


def without_backward(w, losses):
    return [torch.autograd.grad(loss(w), w)[0].tolist() for loss in losses]


def as_numbers(w, losses):
    return [torch.tensor(gradient).item() for gradient in own(w, losses, held)]


def walked(z, leaves, first=False, second=False, read=lambda leaf: leaf.grad.item()):
    """Two walks with the retain_graph given for each."""
    z.backward(retain_graph=first)
    z.backward(retain_graph=second)
    return [read(leaf) for leaf in leaves]


def doubled(z, leaves):
    z.backward()
    return [2 * leaf.grad.item() for leaf in leaves]


def doubled_in_place(z, leaves):
    z.backward()
    for leaf in leaves:
        leaf.grad *= 2
    return [leaf.grad.item() for leaf in leaves]


def started_with_two(z, leaves):
    z.backward(gradient=torch.full_like(z, 2.0))
    return [leaf.grad.item() for leaf in leaves]


def added_by_hand(z, leaves):
    once = torch.autograd.grad(z, leaves, retain_graph=True)
    again = torch.autograd.grad(z, leaves)
    return [(one + other).item() for one, other in zip(once, again)]


def with_create_graph(z, leaves):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        z.backward(create_graph=True)
    z.backward()
    return [leaf.grad.item() for leaf in leaves]


def reset_between(z, leaves):
    z.backward(retain_graph=True)
    for leaf in leaves:
        leaf.grad.zero_()
    z.backward()
    return [2 * leaf.grad.item() for leaf in leaves]


CHECKS = {
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
        "allclose as it is": lambda first, second: torch.allclose(
            torch.tensor(second), torch.tensor(2 * first), rtol=1e-6),
        "one part in ten million": lambda first, second: math.isclose(
            second, 2 * first, rel_tol=1e-7),
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
    "own_gradients": (lecture_2.check_own_gradients, {
        "running totals": totals,
        "a reset before each": reset_before_each,
        "an alias of w.grad": lambda w, losses: own(w, losses, held, lambda grad: grad),
        "a detached alias": lambda w, losses: own(w, losses, held, lambda grad: grad.detach()),
        "the first loss never subtracted": lambda w, losses: own(
            w, losses, held, lambda grad: torch.zeros_like(grad)),
        "what was there before is forgotten": own,
        "None is a number": lambda w, losses: own(w, losses, lambda w: w.grad),
        "one tensor many times": one_tensor_many_times,
        "without backward": without_backward,
        "one number each": as_numbers,
        "the last only": lambda w, losses: own(w, losses, held)[-1:],
        "hard-coded": lambda w, losses: [-2.0, 12.0],
    }),
    "backward_twice": (lecture_2.check_backward_twice, {
        "the source's": lambda z, leaves: walked(z, leaves, second=True),
        "kept nowhere": walked,
        "kept at both": lambda z, leaves: walked(z, leaves, first=True, second=True),
        "doubled": doubled,
        "doubled in place": doubled_in_place,
        "started with 2": started_with_two,
        "added by hand": added_by_hand,
        "create_graph": with_create_graph,
        "a reset between": reset_between,
        "one walk": lambda z, leaves: [z.backward(), *(leaf.grad.item() for leaf in leaves)][1:],
        "tensors": lambda z, leaves: walked(z, leaves, first=True, read=lambda leaf: leaf.grad),
        "hard-coded": lambda z, leaves: [24.0, 8.0],
    }),
}  # fmt: skip
SLIPS = [
    ("is_twice", "the source's", "Case 1 of 10, first = -24.0, second = -48.0: "
     "your function returned False; expected True."),
    ("is_twice", "exactly", "Case 5 of 10, first = 0.1, second = 0.20000000298023224: "
     "your function returned False; expected True."),
    ("train", "reset before each backward", "Case 1 of 5, steps = one step, losses 1w, 2w, 3w: "
     "your function returned [1.7]; expected [1.4]."),
    ("train", "reset once", "Case 2 of 5, steps = two steps, losses 1w, 2w and then 3w: "
     "your function returned [1.7, 1.1]; expected [1.7, 1.4]."),
    ("train", "zeros", "Case 4 of 5, steps = momentum 0.5, losses 2w, then 3w, then none: "
     "your function returned [1.8, 1.4, 1.2]; expected [1.8, 1.4, 1.4]."),
    ("own_gradients", "running totals", "Case 1 of 5, w = 2.0, losses (w - 3)² and (2w - 1)²: "
     "your function returned [-2.0, 10.0]; expected [-2.0, 12.0]."),
    ("own_gradients", "a reset before each", "Case 1 of 5, w = 2.0, losses (w - 3)² and (2w - 1)²: "
     "the gradients are right, but w.grad is 12.0; expected the running total 10.0."),
    ("backward_twice", "kept at both", "Case 1 of 4, z = x²·y, at [2.0, 3.0]: the numbers are "
     "right, but a third walk runs; expected the graph to be freed."),
    ("backward_twice", "started with 2", "Case 1 of 4, z = x²·y, at [2.0, 3.0]: the numbers are "
     "right, but z was walked 1 time(s); expected 2."),
    ("backward_twice", "added by hand", "Case 1 of 4, z = x²·y, at [2.0, 3.0]: the numbers are "
     "right, but a .grad is None; expected it to hold its number."),
    ("backward_twice", "create_graph", "Case 1 of 4, z = x²·y, at [2.0, 3.0]: the numbers are "
     "right, but a .grad has a graph of its own; expected none."),
]  # fmt: skip
HINTED = [
    ("is_twice", "sizes at least", 3), ("is_twice", "by division", 4), ("is_twice", "roughly", 6),
    ("is_twice", "sizes only", 7), ("is_twice", "the default tolerance", 5),
    ("is_twice", "one side only", 6), ("is_twice", "any second for a first of 0", 8),
    ("is_twice", "a fixed tolerance", 9), ("is_twice", "rounded", 9),
    ("is_twice", "allclose as it is", 9), ("is_twice", "one part in ten million", 10),
    ("own_gradients", "running totals", 1), ("own_gradients", "an alias of w.grad", 1),
    ("own_gradients", "what was there before is forgotten", 3),
    ("own_gradients", "one number each", 4), ("backward_twice", "hard-coded", 1),
    ("train", "reset after each step", 3), ("train", "zero_ of None", 1),
    ("train", "without the optimizer", 4), ("train", "losses made beforehand", 5),
]  # fmt: skip
