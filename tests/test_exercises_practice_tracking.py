"""Parts P.3 and P.4 of the practice notebook: solutions pass, wrong answers are told why."""

import pytest
import torch

from lecture_helpers.exercises import practice, practice_tracking

NOTEBOOK = "practice_autograd_by_hand.ipynb"

NEEDED = "calls that need retain_graph=True"
THREE_WALKS = {
    "x.grad after call 1": 10,
    "x.grad after call 2": 20,
    "x.grad after zero_()": 0,
    "x.grad after call 3": 10,
    NEEDED: [1, 2],
}
SAME_VALUE = {"b": 25, "db/da": 10, "d": 15, "L": 20, "dL/da": 1, "M": 20, "dM/da": 4}
CHANGES, STAYS, RAISES = "a changes", "a stays", "raises"
WRITES = {
    "c.fill_(100.0)": CHANGES,
    "c[()] = 100.0": CHANGES,
    "c[...] = 100.0": CHANGES,
    "c[0] = 100.0": RAISES,
    "c = torch.tensor(100.0)": STAYS,
    "c = c + 95.0": STAYS,
    "c += 95.0": CHANGES,
    "c.clone().fill_(100.0)": STAYS,
    "with torch.no_grad(): c.fill_(100.0)": CHANGES,
    "a.fill_(100.0)": RAISES,
}


def played(slope, saves, actions, adds=True, frees=True, late=True, cleared=None, revives=False,
           forward_clears=False, stops=False, heeds_saves=True):  # fmt: skip
    """Play autograd with a wrong idea about one thing."""
    grad, freed, held = None, False, []
    for action in actions:
        if action == "reset":
            grad, freed = cleared, freed and not revives
        elif action == "forward":
            grad, freed = None if forward_clears else grad, False
        elif freed and not (action == "keep" and not late):
            held.append("raises")
            if stops:
                return held
            continue
        else:
            grad = grad + slope if adds and grad is not None else slope
            freed = frees and (saves or not heeds_saves) and action == "backward"
        held.append(grad)
    return held


def played_by_torch(slope, saves, actions):
    return practice_tracking._played(slope, saves, actions)


def walked(x, y, times, keeps=lambda count, times: count < times - 1, before=lambda x: None):
    reads = []
    for count in range(times):
        before(x)
        y.backward(retain_graph=keeps(count, times))
        reads.append(x.grad.item())
    return reads


def walked_on_paper(x, y, times):
    y.backward()
    slope = x.grad.item()
    return [slope * (count + 1) for count in range(times)]


def walked_by_grad(x, y, times):
    reads, total = [], 0.0 if x.grad is None else x.grad.item()
    for count in range(times):
        total += torch.autograd.grad(y, x, retain_graph=count < times - 1)[0].item()
        reads.append(total)
    return reads


def walked_in_one(x, y, times):
    y.backward(gradient=torch.tensor(float(times)))
    return [x.grad.item() / times * (count + 1) for count in range(times)]


def clear(x):
    x.grad = None


def powers(a, n, m, slope=None):
    whole = (n + m) * a ** (n + m - 1)
    return [a ** (n + m), n * a ** (n + m - 1) if slope is None else slope, whole]


def powers_by_autograd(a, n, m):
    leaf = torch.tensor(a, requires_grad=True)
    result = leaf**n * leaf.detach() ** m
    result.backward()
    return powers(a, n, m, leaf.grad.item())


def first_only(a, value):
    c = a.detach().clone()
    c[0] = value
    return c


def in_block(a, value):
    with torch.no_grad():
        return a.fill_(value)


def put_back(a, value):
    old = a.detach().clone()
    filled = a.detach().fill_(value).clone()
    a.detach().copy_(old)
    return filled


CHECKS = {
    "three_walks": (practice.check_three_walks, {
        "the value": THREE_WALKS | {"x.grad after call 1": 25},
        "overwrites": THREE_WALKS | {"x.grad after call 2": 10},
        "takes the tensor away": THREE_WALKS | {"x.grad after zero_()": None},
        "goes on adding": THREE_WALKS | {"x.grad after call 3": 30},
        "at every call": THREE_WALKS | {NEEDED: [1, 2, 3]},
        "at the call that would raise": THREE_WALKS | {NEEDED: [2, 3]},
        "at the first only": THREE_WALKS | {NEEDED: [1]},
        "nowhere": THREE_WALKS | {NEEDED: []},
    }),
    "reads": (practice.check_reads, {
        "overwrites": lambda *given: played(*given, adds=False),
        "never frees": lambda *given: played(*given, frees=False),
        "keep revives": lambda *given: played(*given, late=False),
        "reset leaves zero": lambda *given: played(*given, cleared=0.0),
        "reset revives the graph": lambda *given: played(*given, revives=True),
        "forward clears the gradient": lambda *given: played(*given, forward_clears=True),
        "stops at the error": lambda *given: played(*given, stops=True),
        "saves or not is all the same": lambda *given: played(*given, heeds_saves=False),
        "by autograd": played_by_torch,
        "the last one only": lambda *given: played(*given)[-1],
    }),
    "walk": (practice.check_walk, {
        "never keeps": lambda *given: walked(*given, lambda count, times: False),
        "keeps always": lambda *given: walked(*given, lambda count, times: True),
        "keeps too late": lambda *given: walked(*given, lambda count, times: count > 0),
        "keeps at the first only": lambda *given: walked(*given, lambda count, times: count == 0),
        "resets": lambda *given: walked(*given, before=clear),
        "one walk, the rest on paper": walked_on_paper,
        "by autograd.grad": walked_by_grad,
        "one walk with a larger start": walked_in_one,
        "computed anew": lambda x, y, times: [((x**2).backward(), x.grad.item())[1]
                                              for _ in range(times)],
        "the tensor": lambda x, y, times: [(y.backward(retain_graph=True), x.grad)[1]
                                           for _ in range(times)],
    }),
    "same_value": (practice.check_same_value, {
        "the value of b": SAME_VALUE | {"db/da": 25},
        "a detached value is gone": SAME_VALUE | {"d": 0},
        "only a is left of L": SAME_VALUE | {"L": 5},
        "the slope of 4a": SAME_VALUE | {"dL/da": 4},
        "the detached path": SAME_VALUE | {"dL/da": 3},
        "no gradient at all": SAME_VALUE | {"dL/da": None},
        "one path": SAME_VALUE | {"dM/da": 1},
    }),
    "power_slopes": (practice.check_power_slopes, {
        "the slope of the curve": lambda a, n, m: powers(a, n, m, (n + m) * a ** (n + m - 1)),
        "without the detached factor": lambda a, n, m: powers(a, n, m, n * a ** (n - 1)),
        "the detached factor's slope": lambda a, n, m: powers(a, n, m, m * a ** (n + m - 1)),
        "nothing comes": lambda a, n, m: powers(a, n, m, 0.0),
        "by autograd": powers_by_autograd,
        "without the exponent": lambda a, n, m: powers(a, n, m, a ** (n + m - 1)),
        "two numbers": lambda a, n, m: powers(a, n, m)[:2],
    }),
    "writes": (practice.check_writes, {
        "an index is an index": WRITES | {"c[0] = 100.0": CHANGES},
        "dots raise": WRITES | {"c[...] = 100.0": RAISES},
        "a name is memory": WRITES | {"c = torch.tensor(100.0)": CHANGES},
        "+ writes": WRITES | {"c = c + 95.0": CHANGES},
        "+= makes a new tensor": WRITES | {"c += 95.0": STAYS},
        "a clone shares": WRITES | {"c.clone().fill_(100.0)": CHANGES},
        "the block protects": WRITES | {"with torch.no_grad(): c.fill_(100.0)": STAYS},
        "a leaf may be written to": WRITES | {"a.fill_(100.0)": CHANGES},
        "a detached tensor is a copy": {line: STAYS for line in WRITES},
    }),
    "filled": (practice.check_filled, {
        "the index": first_only,
        "detached only": lambda a, value: a.detach().fill_(value),
        "in a block": in_block,
        "cloned only": lambda a, value: a.clone().fill_(value),
        "put back": put_back,
        "through .data": lambda a, value: a.data.fill_(value).clone(),
        "the flag off": lambda a, value: torch.full_like(a.requires_grad_(False), value),
        "plain numbers": lambda a, value: torch.full(a.shape, value).tolist(),
        "another shape": lambda a, value: torch.tensor([value]),
        "ones": lambda a, value: torch.ones_like(a),
        "computed from a": lambda a, value: (a * 0 + value).detach(),
    }),
}  # fmt: skip
SLIPS = [
    ("three_walks", "at the call that would raise", "Step 5 of 5, calls that need "
     "retain_graph=True: you wrote [2, 3]; expected something else. Too late: call 1 has freed "
     "what the graph saved. The 4 steps before it are right."),
    ("same_value", "the slope of 4a", "Step 5 of 7, dL/da: you wrote 4; expected something else. "
     "So it would be if both paths were in the graph. Is 3a? The 4 steps before it are right."),
    ("walk", "keeps always", "Case 1 of 4, y = x**2 at x = 5.0, times = 3: the numbers are right, "
     "but y still keeps what it saved; expected the last call to free it."),
    ("walk", "one walk, the rest on paper", "Case 1 of 4, y = x**2 at x = 5.0, times = 3: the "
     "numbers are right, but backward reached x 1 time; expected 3."),
    ("filled", "through .data", "Case 1 of 5, a = 5.0, value = 100.0: a was changed to 100.0; "
     "expected it to stay 5.0."),
    ("filled", "the flag off", "Case 1 of 5, a = 5.0, value = 100.0: a.requires_grad is False now; "
     "expected True."),
    ("filled", "plain numbers", "Case 1 of 5, a = 5.0, value = 100.0: your function returned a "
     "float; expected a tensor."),
    ("filled", "put back", "Case 1 of 5, a = 5.0, value = 100.0: a has its value again, but it was "
     "written to; expected no write."),
]  # fmt: skip
HINTED = [
    ("reads", "overwrites", 1),
    ("reads", "reset leaves zero", 1),
    ("reads", "keep revives", 2),
    ("reads", "forward clears the gradient", 2),
    ("reads", "saves or not is all the same", 3),
    ("reads", "reset revives the graph", 4),
    ("walk", "resets", 1),
    ("walk", "computed anew", 1),
    ("power_slopes", "the slope of the curve", 1),
    ("filled", "detached only", 1),
    ("filled", "computed from a", 5),
]  # fmt: skip


@pytest.mark.parametrize("also_right", [
    lambda a, value: torch.full_like(a, value),
    lambda a, value: torch.full(a.shape, value),
    lambda a, value: a.clone().detach().fill_(value),
])  # fmt: skip
def test_other_ways_to_fill_are_right(also_right):
    assert practice.check_filled(also_right).passed is True
