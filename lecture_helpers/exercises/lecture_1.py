"""Checks of lecture 1."""

import math

import torch

from ..devices import device
from ..errors import quietly
from .checking import NOT_ANSWERED, Case, Verdict, check, check_recording, leaf_of, tensor_of

POINTS = (2.0, 0.0, -1.0, 0.5)
JUMP_POINTS = (1.0, 0.0, 0.5, 0.75, -4.0)


def check_value_and_slope(function) -> Verdict:
    """Check exercise 1.1 a: double x, then add 1 if x > 0 else subtract 1, then square.

    ``function(x)`` takes a float and returns the result and its slope, two floats.
    """
    cases = []
    for point in (*POINTS, -3.0):
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        y = (2 * x + (1 if point > 0 else -1)) ** 2
        (slope,) = torch.autograd.grad(y, x)
        cases.append(Case(f"x = {point}", point, [y.item(), slope.item()]))
    return check(function, cases)


def check_static_jump(function) -> Verdict:
    """Check exercise 1.1 b: ``torch.export`` captures the function once, at x = 1.

    ``function(x)`` takes and returns a 0-d tensor: 3x where x > 0.5, else x - 2. The
    captured graph, not the function, is then called at several points.
    """

    class Captured(torch.nn.Module):
        def forward(self, x):
            return function(x)

    example = torch.tensor(JUMP_POINTS[0], device=device)
    doing = "your function"
    try:
        came = function(example)
        if came is None or came is ...:
            return Verdict(None, NOT_ANSWERED)
        doing = "the capture of your function"
        with quietly():
            replay = torch.export.export(Captured(), (example,)).module()
    except Exception as error:  # the learner's own code may raise anything
        where = f"Case 1 of {len(JUMP_POINTS)}, x = {JUMP_POINTS[0]}"
        first_line = str(error).strip().split("\n")[0].rstrip(".")
        said = f"Not yet. {where}: {doing} raised {type(error).__name__}: {first_line}."
        return Verdict(False, said)
    cases = [
        Case(f"x = {point} in the captured graph", point, 3 * point if point > 0.5 else point - 2)
        for point in JUMP_POINTS
    ]

    def replayed(point):
        came = replay(torch.tensor(point, device=device))
        return came.item() if isinstance(came, torch.Tensor) and came.numel() == 1 else came

    return check(replayed, cases)


def check_nodes_back(function) -> Verdict:
    """Check exercise 1.2 a: the node names from a tensor's ``grad_fn`` back to a leaf.

    ``function(tensor)`` returns the class names as a list of text; at each node it
    follows the first input that autograd tracks.
    """
    x = torch.tensor(2.0, device=device, requires_grad=True)
    constant = torch.tensor(4.0, device=device)
    looped = x
    for _ in range(3):
        looped = torch.sin(looped * 2)
    asked = {
        "t = (3 * x + 1) ** 2": (3 * x + 1) ** 2,
        "t = sin(5 * x)": torch.sin(5 * x),
        "t = constant * x, where the first input is not tracked": constant * x,
        "t = sin(2 * t), three times over": looped,
        "t = sin(x) * (x + 1), where two inputs are tracked": torch.sin(x) * (x + 1),
        "t = x, a leaf": x,
    }
    return check(function, [Case(words, t, _nodes_back(t)) for words, t in asked.items()])


def _nodes_back(tensor) -> list:
    names, node = [], tensor.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        node = next((source for source, _ in node.next_functions if source is not None), None)
    return names


def check_slope(function) -> Verdict:
    """Check exercise 1.2 b: the derivative of ``sin((3x + 1) ** 2)`` as a product of slopes.

    ``function(x)`` takes and returns a float.
    """
    cases = []
    for point in POINTS:
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(torch.sin((3 * x + 1) ** 2), x)
        cases.append(Case(f"x = {point}", point, slope.item()))
    return check(function, cases)


def check_accumulate(function) -> Verdict:
    """Check exercise 1.3 a: micro-batches whose gradients add up to the big batch's mean.

    ``function(w, batches)`` takes a 0-d leaf and a list of 1-d tensors, calls backward
    once for each batch, leaves the gradient of the mean of ``(w * x - 1) ** 2`` over all
    elements in ``w.grad`` and returns it as a float.
    """
    asked = [
        (2.0, [[1.0], [3.0]], None),
        (2.0, [[1.0, 3.0], [2.0]], None),
        (2.0, [[2.0]], None),
        (-1.0, [[0.5], [2.0, -1.0], [3.0, 1.0, 4.0]], None),
        (2.0, [[1.0], [3.0]], 100.0),
    ]
    cases = []
    for start, batches, stale in asked:
        w = leaf_of(start, stale)
        (mean,) = torch.autograd.grad(((w * tensor_of(sum(batches, [])) - 1) ** 2).mean(), w)
        words = f"w = {start}, batches {batches}{_holding('w', stale)}"
        argument = w, [tensor_of(batch) for batch in batches]
        right = round(mean.item(), 4)
        looks = _looks_at(w, "w", right, len(batches))
        cases.append(Case(words, argument, right, looks))
    return check_recording(function, cases)


def check_own_gradients(function) -> Verdict:
    """Check exercise 1.3 b: each loss's own gradient, read while ``p.grad`` accumulates.

    ``function(p, scales)`` takes a 0-d leaf and a list of floats, calls backward on
    ``(s * p) ** 2`` for each s, adds all of them to ``p.grad`` and returns the own
    gradients as a list of floats.
    """
    asked = [(2.0, [1.0, 0.5], None), (2.0, [3.0], None), (-1.0, [0.5, 2.0, 1.0, 2.0], None),
             (2.0, [1.0, 0.5], 100.0)]  # fmt: skip
    cases = []
    for start, scales, stale in asked:
        p = leaf_of(start, stale)
        own = [torch.autograd.grad((s * p) ** 2, p)[0].item() for s in scales]
        words = f"p = {start}, scales {scales}{_holding('p', stale)}"
        looks = _looks_at(p, "p", sum(own) + (stale or 0.0), len(scales))
        cases.append(Case(words, (p, scales), own, looks))
    return check_recording(function, cases)


def _holding(name, grad) -> str:
    return "" if grad is None else f", where {name}.grad already holds {grad}"


def _looks_at(leaf, name, expected, backwards):
    """Return a look at what a function left in a leaf: its ``.grad``, and how it came there."""
    passes = []
    leaf.register_post_accumulate_grad_hook(lambda _leaf: passes.append(1))

    def look():
        grad = None if leaf.grad is None else leaf.grad.item()
        if grad is None or not math.isclose(grad, expected, rel_tol=1e-4):
            was = f"{name}.grad then holds {grad}; expected {expected}"
            return f"what it returned is right, but {was}"
        if len(passes) != backwards:
            was = f"backward passes that reached {name}: {len(passes)}; expected {backwards}"
            return f"the numbers are right, but {was}, one for each loss"
        return None

    return look
