"""Lecture 2.2: wrong answers, which test_solutions.py gives to the checks."""

import torch

from lecture_helpers.exercises import lecture_2
from lecture_helpers.exercises.lecture_2_backward import _is_filled
from lecture_helpers.grads import quiet_grad

NOTEBOOK = "02_working_with_gradients.ipynb"


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


def by_a_backward(tensors):
    """Run a backward through all of them and see what it filled."""
    torch.stack([tensor.sum() for tensor in tensors.values()]).sum().backward()
    return [name for name, tensor in tensors.items() if quiet_grad(tensor) is not None]


def one_backward_per_result(f, x, i):
    """Every row of the Jacobian, each by a backward of its own; then row i."""
    rows = []
    for place in range(len(f(torch.tensor(x)))):
        leaf = torch.tensor(x, requires_grad=True)
        y = f(leaf)
        y.backward(gradient=one_hot(leaf, y, place))
        rows.append(leaf.grad.tolist())
    return rows[i]


def of_the_element(f, x, i):
    leaf = torch.tensor(x, requires_grad=True)
    f(leaf)[i].backward()
    return leaf.grad.tolist()


def by_autograd_grad(f, x, i):
    leaf = torch.tensor(x, requires_grad=True)
    y = f(leaf)
    return torch.autograd.grad(y, leaf, one_hot(leaf, y, i))[0].tolist()


def of_the_weighted_sum(f, x, i):
    leaf = torch.tensor(x, requires_grad=True)
    y = f(leaf)
    (y * one_hot(leaf, y, i)).sum().backward()
    return leaf.grad.tolist()


CHECKS = {
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
        "by a backward": by_a_backward,
        "one text": lambda tensors: ", ".join(names_where(_is_filled)(tensors)),
        "tensors": lambda tensors: [t for t in tensors.values() if _is_filled(t)],
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
        "a backward for each result": one_backward_per_result,
        "from the element": of_the_element,
        "from a weighted sum": of_the_weighted_sum,
        "by autograd.grad": by_autograd_grad,
    }),
}  # fmt: skip
SLIPS = [
    ("gets_grad", "requires_grad only", "Case 2 of 6, tensors = w, h = w * 2: "
     "your function returned ['w', 'h = w * 2']; expected ['w']."),
    ("gets_grad", "forgets retain_grad", "Case 5 of 6, tensors = h = w * 3, which called "
     "retain_grad(), k = w * 4, x: your function returned []; "
     "expected ['h = w * 3, which called retain_grad()']."),
    ("one_result", "from the element", "Case 1 of 5, f(x) = x**2, x = [1.0, 2.0, 3.0], i = 1: "
     "the numbers are right, but backward started from another tensor; "
     "expected y.backward(gradient=...)."),
    ("one_result", "by autograd.grad", "Case 1 of 5, f(x) = x**2, x = [1.0, 2.0, 3.0], i = 1: "
     "the numbers are right, but backward was called 0 times; expected once, from y."),
    ("one_result", "a backward for each result", "Case 1 of 5, f(x) = x**2, "
     "x = [1.0, 2.0, 3.0], i = 1: the numbers are right, but f was called 4 times; expected once."),
    ("gets_grad", "by a backward", "Case 1 of 6, tensors = w, x, b: the names are right, but w has "
     "a gradient now; expected no backward."),
    ("one_result", "ones", "Case 1 of 5, f(x) = x**2, x = [1.0, 2.0, 3.0], i = 1: "
     "your function returned [2.0, 4.0, 6.0]; expected [0.0, 4.0, 0.0]."),
]  # fmt: skip
HINTED = [
    ("gets_grad", "is_leaf only", 1),
    ("gets_grad", "by name", 6),
    ("gets_grad", "no grad_fn", 1),
    ("one_result", "picked from the sum", 2),
    ("one_result", "weights of x's shape", 4),
]  # fmt: skip
