"""Checks of the practice notebook's parts P.3 and P.4; ``practice`` offers them all."""

from functools import partial
from itertools import product

import torch

from ..devices import device
from ..draw.words import number_of
from ..errors import raised_by
from .checking import Case, Verdict, check, check_recording, check_sorting, leaf_of
from .looks import grad_of, keep_result
from .on_paper import Step, by_hand, check_steps
from .registry import exercise

CHANGES, STAYS, RAISES = "a changes", "a stays", "raises"  # what a line of P.4 c may do
LINES = (
    "c.fill_(100.0)",
    "c[()] = 100.0",
    "c[...] = 100.0",
    "c[0] = 100.0",
    "c = torch.tensor(100.0)",
    "c = c + 95.0",
    "c += 95.0",
    "c.clone().fill_(100.0)",
    "with torch.no_grad(): c.fill_(100.0)",
    "a.fill_(100.0)",
)


@exercise("P.3 a", kind="compute")
def check_three_walks(answer) -> Verdict:
    """Check exercise P.3 a: what three walks over one graph leave in ``x.grad``."""
    reads = three_walks((True, True, False))
    kept = [plan for plan in product((False, True), repeat=3) if three_walks(plan)]
    needed = [nr for nr, keeps in enumerate(min(kept, key=sum), start=1) if keeps]
    late = "Too late: call 1 has freed what the graph saved."
    return check_steps(answer, [
        Step("x.grad after call 1", reads[0], [
            (25.0, "That is the value of y."),
            (2.0, "The slope of x² is no constant. Where does x stand?"),
        ]),
        Step("x.grad after call 2", reads[1], [
            (reads[0], "That is what call 2 brings. What stood there already?"),
        ]),
        Step("x.grad after zero_()", reads[2], [
            (None, "zero_() writes into the tensor; it does not take the tensor away."),
        ]),
        Step("x.grad after call 3", reads[3], [
            (reads[0] + reads[1], "What was cleared before call 3?"),
        ]),
        Step("calls that need retain_graph=True", needed, [
            ([1, 2, 3], "After the last call nobody needs what the graph saved."),
            ([1], "Then call 2 frees what call 3 needs."),
            ([2], late),
            ([2, 3], late),
            ([3], late),
            ([], late),
        ], any_order=True),
    ])  # fmt: skip


def three_walks(retained) -> list | None:
    """Walk the graph of x² at 5 three times, with ``zero_()`` before the third call.

    retained: for each call, whether it keeps the graph.

    Returns:
        What ``x.grad`` holds after each call and after ``zero_()``; None if a call raises.
    """
    x = leaf_of(5.0)
    y = x**2
    reads = []
    for number, keeps in enumerate(retained, start=1):
        if number == 3:
            reads.append(x.grad.zero_().item())
        if raised_by(lambda keeps=keeps: y.backward(retain_graph=keeps)):
            return None
        reads.append(x.grad.item())
    return reads


@exercise("P.3 b", kind="compute")
def check_reads(function) -> Verdict:
    """Check exercise P.3 b: play autograd, by hand.

    ``function(slope, saves, actions)`` takes dy/dx as a float, whether the graph of y saves
    anything, and a list of ``"backward"``, ``"keep"``, ``"reset"`` and ``"forward"``. It
    returns what ``x.grad`` holds after each: a float or None; ``"raises"`` where it raised.
    """
    asked = [
        (10.0, True, ["keep", "keep", "reset", "backward"]),
        (10.0, True, ["backward", "keep", "forward", "backward"]),
        (2.0, False, ["backward", "backward", "reset", "backward"]),
        (-3.0, True, ["keep", "backward", "backward", "reset", "keep"]),
        (4.0, True, ["reset", "forward", "keep", "forward", "backward", "reset", "backward"]),
    ]
    cases = []
    counted, look = by_hand(function)
    for slope, saves, actions in asked:
        words = f"slope = {slope}, saves = {saves}, actions = {actions}"
        right = _played(slope, saves, actions)
        cases.append(Case(words, (slope, saves, actions), right, look))
    return check(lambda given: counted(*given), cases)


def _played(slope, saves, actions) -> list:
    """Return what torch does at each action, on a y with that slope."""
    x = leaf_of(5.0)

    def forward():
        if saves:
            return slope * x
        several = x.expand(int(abs(slope))).sum()  # saves nothing
        return -several if slope < 0 else several

    y, reads = forward(), []
    for action in actions:
        error = None
        if action == "forward":
            y = forward()
        elif action == "reset":
            x.grad = None
        else:
            error = raised_by(lambda y=y, keeps=action == "keep": y.backward(retain_graph=keeps))
        reads.append("raises" if error else grad_of(x))
    return reads


@exercise("P.3 c", kind="repair")
def check_walk(function) -> Verdict:
    """Check exercise P.3 c: walk one graph several times, and free it at the end.

    ``function(x, y, times)`` takes a leaf, a 0-d tensor computed from it, and a number. It
    calls ``y.backward`` that many times and returns what ``x.grad`` holds after each.
    """
    asked = [
        ("y = x**2 at x = 5.0, times = 3", lambda x: x**2, 5.0, 3, None),
        ("y = x**3 at x = 2.0, times = 2", lambda x: x**3, 2.0, 2, None),
        ("y = x**2 at x = 5.0, times = 1", lambda x: x**2, 5.0, 1, None),
        ("y = x**2 at x = 3.0, times = 2, where x.grad already holds 100.0", lambda x: x**2,
         3.0, 2, 100.0),
    ]  # fmt: skip
    cases = []
    for words, make, value, times, stale in asked:
        x = leaf_of(value, stale)
        y = make(x)
        (slope,) = torch.autograd.grad(y, x, retain_graph=True)
        right = [(stale or 0.0) + slope.item() * (count + 1) for count in range(times)]
        cases.append(Case(words, (x, y, times), right, _looks_at_walks(x, y, times)))
    return check_recording(function, cases)


def _looks_at_walks(x, y, times):
    """Return a look at how often backward reached x, and whether y was freed by the last."""
    passes = []
    x.register_post_accumulate_grad_hook(lambda _leaf: passes.append(1))

    def look():
        if len(passes) != times:
            return (
                f"the numbers are right, but backward reached x {number_of(len(passes), 'time')}; "
                f"expected {times}"
            )
        if raised_by(torch.autograd.grad, y, x) is None:
            return (
                "the numbers are right, but y still keeps what it saved; expected the last "
                "call to free it"
            )
        return None

    return look


@exercise("P.4 a", kind="compute")
def check_same_value(answer) -> Verdict:
    """Check exercise P.4 a: one value with and without a detached path, and both slopes."""
    a = leaf_of(5.0)
    b = a**2
    d = 3 * a.detach()
    stopped, whole = a + d, a + 3 * a
    slopes = [torch.autograd.grad(result, a)[0].item() for result in (b, stopped, whole)]
    dead = "That is the slope of the other path. Which one has the detach?"
    return check_steps(answer, [
        Step("b", b.item()),
        Step("db/da", slopes[0], [(b.item(), "That is the value of b.")]),
        Step("d", d.item(), [
            (None, "detach() cuts the history. The value stays."),
            (0.0, "detach() cuts the history. The value stays."),
        ]),
        Step("L", stopped.item(), [(a.item(), "detach() takes no part of the value away.")]),
        Step("dL/da", slopes[1], [
            (slopes[2], "So it would be if both paths were in the graph. Is 3a?"),
            (slopes[2] - slopes[1], dead),
            (0.0, "One path is left."),
            (None, "One path is left."),
        ]),
        Step("M", whole.item()),
        Step("dM/da", slopes[2], [
            (slopes[1], "Here nothing is detached. How many paths lead to a?"),
            (slopes[2] - slopes[1], "Here nothing is detached. How many paths lead to a?"),
        ]),
    ])  # fmt: skip


@exercise("P.4 b", kind="compute")
def check_power_slopes(function) -> Verdict:
    """Check exercise P.4 b: value, gradient and slope of a product with a detached factor.

    ``function(a, n, m)`` takes a float and two whole numbers from 1 on. For
    ``L = a**n * a.detach()**m`` it returns the value, what ``a.grad`` holds after a backward,
    and the slope of the curve a**(n + m): a list of floats, by hand.
    """
    asked = [(5.0, 2, 1), (2.0, 3, 2), (-2.0, 1, 3), (0.5, 2, 2), (-1.0, 4, 1)]
    cases = []
    counted, look = by_hand(function)
    for value, n, m in asked:
        a = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        stopped, whole = a**n * a.detach() ** m, a ** (n + m)
        slopes = [torch.autograd.grad(result, a)[0].item() for result in (stopped, whole)]
        words = f"a = {value}, n = {n}, m = {m}"
        cases.append(Case(words, (value, n, m), [stopped.item(), *slopes], look))
    return check(lambda given: counted(*given), cases)


@exercise("P.4 c", kind="predict")
def check_writes(answer) -> Verdict:
    """Check exercise P.4 c: ten lines, as a dict from each line to what it does to a."""
    return check_sorting(answer, {line: what_a_line_does(line) for line in LINES})


def what_a_line_does(line: str) -> str:
    """Run one line where c is ``a.detach()`` and a a leaf of one number; say what it does."""
    a = leaf_of(5.0)
    space = {"torch": torch, "a": a, "c": a.detach()}
    if raised_by(exec, line, space):
        return RAISES
    return STAYS if a.item() == 5.0 else CHANGES


@exercise("P.4 d", kind="repair")
def check_filled(function) -> Verdict:
    """Check exercise P.4 d: a tensor like a, filled with a value, that leaves a alone.

    ``function(a, value)`` takes a tensor that requires grad and a float. It returns an
    untracked tensor of the same shape that holds the value everywhere.
    """
    asked = [
        ("a = 5.0, value = 100.0", lambda: leaf_of(5.0), 100.0),
        ("a = [2.0, 3.0], value = 100.0", lambda: leaf_of([2.0, 3.0]), 100.0),
        ("a = [[1.0, 2.0], [3.0, 4.0]], value = -1.0",
         lambda: leaf_of([[1.0, 2.0], [3.0, 4.0]]), -1.0),
        ("a = 6.0, which was computed from w, value = 0.0", lambda: leaf_of(2.0) * 3, 0.0),
        ("a = [inf, 2.0], value = 100.0", lambda: leaf_of([float("inf"), 2.0]), 100.0),
    ]  # fmt: skip
    cases = []
    for words, make, value in asked:
        a, came = make(), {}
        right = torch.full(a.shape, value, device=device).tolist()
        cases.append(Case(words, (came, (a, value)), right, _looks_at_filled(a, came)))
    return check_recording(partial(keep_result, function), cases)


def _looks_at_filled(a, came):
    """Return a look at whether a was left alone, and whether the result is a tensor apart."""
    values, tracked, version = a.tolist(), a.requires_grad, a._version

    def look():
        result = came["result"]
        if a.tolist() != values:
            return f"a was changed to {a.tolist()}; expected it to stay {values}"
        if a.requires_grad != tracked:
            return f"a.requires_grad is {a.requires_grad} now; expected {tracked}"
        if a._version != version:
            return "a has its value again, but it was written to; expected no write"
        if not isinstance(result, torch.Tensor):
            return f"your function returned a {type(result).__name__}; expected a tensor"
        if result.requires_grad:
            return "the values are right, but the result requires grad; expected no history"
        return None

    return look
