"""Practice, P.1 and P.2: wrong answers, which test_solutions.py gives to the checks."""

import torch

from lecture_helpers.exercises import practice

NOTEBOOK = "practice_autograd_by_hand.ipynb"

BROADCAST = {
    "w * x": [1, 2, 3],
    "L": 2,
    "dL/d(w * x)": [1 / 3, 1 / 3, 1 / 3],
    "what each use of w brings": [2 / 3, 4 / 3, 2],
    "dL/dw": [4],
}
THREE_STEPS = {"d": 6, "e": 10, "f": 20, "df/de": 2, "df/dd": 2, "df/da": 6, "df/db": 4,
               "c.grad": None}  # fmt: skip


def rows(w, x, use=lambda weight, value: 2 * weight * value**2, count=None):
    """Slopes row by row, from what one use brings and how many products are counted."""
    count = count or len(x) * len(x[0])
    return [sum(use(weight, value) for value in row) / count for weight, row in zip(w, x)]


def rows_by_autograd(w, x):
    column = torch.tensor(w, dtype=torch.float64).unsqueeze(1).requires_grad_()
    ((column * torch.tensor(x, dtype=torch.float64)) ** 2).mean().backward()
    return column.grad.squeeze(1).tolist()


def rows_by_func(w, x):
    def mean(column):
        return ((column[:, None] * torch.tensor(x, dtype=torch.float64)) ** 2).mean()

    return torch.func.grad(mean)(torch.tensor(w, dtype=torch.float64)).tolist()


def one_total(w, x):
    total = sum(rows(w, x))
    return [total for _ in w]


def paths(a, b, c, tracked, first=None, missing=None):
    slopes = {"a": 2 * a * b + c if first is None else first, "b": a * a, "c": a}
    return [slopes[name] if name in tracked else missing for name in "abc"]


def paths_by_autograd(a, b, c, tracked):
    leaves = {name: torch.tensor(value, requires_grad=name in tracked)
              for name, value in zip("abc", (a, b, c))}  # fmt: skip
    ((leaves["a"] * leaves["b"] + leaves["c"]) * leaves["a"]).backward()
    return [None if leaf.grad is None else leaf.grad.item() for leaf in leaves.values()]


CHECKS = {
    "broadcast": (practice.check_broadcast, {
        "the sum, not the mean": BROADCAST | {"L": 6},
        "the slope of a sum": BROADCAST | {"dL/d(w * x)": [1, 1, 1]},
        "the products' slopes alone": BROADCAST | {"what each use of w brings": [2, 4, 6]},
        "three parts, not one": BROADCAST | {"dL/dw": [2 / 3, 4 / 3, 2]},
        "a number, not a list": BROADCAST | {"dL/dw": 4},
        "without the mean": BROADCAST | {"dL/dw": [12]},
        "divided twice": BROADCAST | {"dL/dw": [4 / 3]},
        "two digits": BROADCAST | {"dL/d(w * x)": [0.33] * 3},
    }),
    "row_slopes": (practice.check_row_slopes, {
        "the sum, not the mean": lambda w, x: rows(w, x, count=1),
        "the mean of the row": lambda w, x: rows(w, x, count=len(x[0])),
        "the mean over the rows only": lambda w, x: rows(w, x, count=len(x)),
        "without the square's 2": lambda w, x: rows(w, x, lambda weight, v: weight * v**2),
        "without the product's slope": lambda w, x: rows(w, x, lambda weight, v: 2 * weight * v),
        "without the square": lambda w, x: rows(w, x, lambda weight, v: v),
        "one total for all": one_total,
        "by autograd": rows_by_autograd,
        "by torch.func": rows_by_func,
        "one number": lambda w, x: rows(w, x)[0],
        "hard-coded": lambda w, x: [18.6667],
    }),
    "three_steps": (practice.check_three_steps, {
        "the value, not the slope": THREE_STEPS | {"df/de": 10},
        "the addition's slope alone": THREE_STEPS | {"df/dd": 1},
        "the product's slope alone": THREE_STEPS | {"df/da": 3},
        "exchanged": THREE_STEPS | {"df/da": 4, "df/db": 6},
        "calculus for an untracked c": THREE_STEPS | {"c.grad": 2},
        "zero for None": THREE_STEPS | {"c.grad": 0.0},
        "the word None": THREE_STEPS | {"c.grad": "None"},
    }),
    "drawn_back": (practice.check_drawn_back, {
        "h * h": lambda a, b, c: (a - b) * (a - b) / c - a,
        "times 1 / c": lambda a, b, c: (a - b) ** 2 * (1 / c) - a,
        "b - a": lambda a, b, c: (b - a) ** 2 / c - a,
        "takes away b": lambda a, b, c: (a - b) ** 2 / c - b,
        "the other way round": lambda a, b, c: a - (a - b) ** 2 / c,
        "a detached at the end": lambda a, b, c: (a - b) ** 2 / c - a.detach(),
        "without a graph": lambda a, b, c: ((a - b) ** 2 / c - a).detach(),
        "another exponent": lambda a, b, c: (a - b) ** 3 / c - a,
        "the value of the picture": lambda a, b, c: torch.tensor(-3.0),
        "a number": lambda a, b, c: ((a - b) ** 2 / c - a).item(),
    }),
    "path_slopes": (practice.check_path_slopes, {
        "the last factor's path only": lambda a, b, c, t: paths(a, b, c, t, a * b + c),
        "the inner path only": lambda a, b, c, t: paths(a, b, c, t, a * b),
        "c does not matter": lambda a, b, c, t: paths(a, b, c, t, 2 * a * b + 4.0),
        "zero for None": lambda a, b, c, t: paths(a, b, c, t, missing=0.0),
        "None for zero": lambda a, b, c, t: [slope or None for slope in paths(a, b, c, t)],
        "all of them": lambda a, b, c, t: paths(a, b, c, "abc"),
        "by autograd": paths_by_autograd,
        "the tracked ones only": lambda a, b, c, t: [s for s in paths(a, b, c, t) if s is not None],
    }),
}  # fmt: skip
SLIPS = [
    ("broadcast", "three parts, not one", "Step 5 of 5, dL/dw: you wrote [0.6666666666666666, "
     "1.3333333333333333, 2]; expected something else. A gradient has the shape of its tensor, "
     "and w is one number. The 4 steps before it are right."),
    ("broadcast", "a number, not a list", "Step 5 of 5, dL/dw: you wrote 4; expected a list. The "
     "4 steps before it are right."),
    ("broadcast", "the sum, not the mean", "Step 2 of 5, L: you wrote 6; expected something else. "
     "That is the sum. How many are there? The step before it is right."),
    ("three_steps", "zero for None", "Step 8 of 8, c.grad: you wrote 0.0; expected something else. "
     "That would be an answer: that f does not move with c. It does. The 7 steps before it are "
     "right."),
    ("row_slopes", "by autograd", "Case 1 of 5, w = [0.5], x = [[2.0, 4.0, 6.0]]: what it returned "
     "is right, but autograd recorded 3 operations in your function; expected none, for this one "
     "is by hand."),
]  # fmt: skip
HINTED = [
    ("row_slopes", "the sum, not the mean", 1),
    ("row_slopes", "the mean of the row", 2),
    ("row_slopes", "without the product's slope", 1),
    ("path_slopes", "zero for None", 1),
    ("path_slopes", "the last factor's path only", 1),
    ("path_slopes", "c does not matter", 2),
    ("path_slopes", "None for zero", 4),
]  # fmt: skip
