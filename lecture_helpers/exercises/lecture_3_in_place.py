"""Checks of section 3.2 of lecture 3; ``lecture_3`` offers them all."""

from functools import partial

import torch

from ..devices import device
from .checking import Case, Verdict, check_recording, leaf_of
from .looks import grad_of, keep_result
from .registry import exercise


@exercise("3.2 a", kind="compute")
def check_stop(function) -> Verdict:
    """Check exercise 3.2 a: a value goes on and its gradient stops.

    ``function(a, k)`` takes a float tensor that requires grad and a number. It returns a
    tensor with the value a + k·a, whose gradient for a is 1, and leaves a as it is.
    """
    asked = [
        ("a = 5.0, k = 3", 5.0, 3, False),
        ("a = [2.0, -1.0], k = 3", [2.0, -1.0], 3, False),
        ("a = 5.0, k = -2", 5.0, -2, False),
        ("a = [1.0, 4.0], which was computed from w, k = 2", [1.0, 4.0], 2, True),
    ]
    cases = []
    for words, values, k, computed in asked:
        leaf = leaf_of(values)
        a = leaf * 1 if computed else leaf
        expected = (a + k * a).tolist()
        came = {}
        look = _looks_at_slopes(came, {"a": leaf}, {"a": torch.ones_like(leaf).tolist()})
        cases.append(Case(words, (came, (a, k)), expected, look))
    return check_recording(partial(keep_result, function), cases)


@exercise("3.2 d", kind="repair")
def check_mended(function) -> Verdict:
    """Check exercise 3.2 d: the values of ``broken``, with a backward that runs.

    ``function(w, inputs)`` takes a 1-d tensor and a list of such tensors. It returns the sum
    of the squares of the states, with the right gradients, and leaves w and the inputs as
    they are.
    """
    asked = [
        ("w = [1.0, 2.0], one input", [1.0, 2.0], [[2.0, -4.0]], False),
        ("w = [1.0, 2.0], two inputs", [1.0, 2.0], [[2.0, -4.0], [1.0, 3.0]], False),
        ("w = [-1.0, 0.5], three inputs", [-1.0, 0.5], [[4.0, 2.0], [5.0, -3.0], [5.0, 4.0]],
         False),
        ("w = [2.0, 1.0], three inputs that require grad", [2.0, 1.0],
         [[1.0, 2.0], [-1.0, 3.0], [2.0, -8.0]], True),
    ]  # fmt: skip
    cases = []
    for words, weights, rows, tracked in asked:
        w = leaf_of(weights)
        inputs = [leaf_of(row).requires_grad_(tracked) for row in rows]
        right = _energy(w, inputs)
        leaves = {"w": w} | {f"inputs[{nr}]": x for nr, x in enumerate(inputs)}
        given = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
        slopes = torch.autograd.grad(right.sum(), list(given.values()))
        expected = {name: slope.tolist() for name, slope in zip(given, slopes)}
        came = {}
        look = _looks_at_slopes(came, leaves, expected)
        cases.append(Case(words, (came, (w, inputs)), right.tolist(), look))
    return check_recording(partial(keep_result, function), cases)


def _energy(w, inputs) -> torch.Tensor:
    state = energy = torch.zeros_like(w)
    for x in inputs:
        state = w * state + x
        energy = energy + state**2
        state = 0.5 * state
    return energy


def _looks_at_slopes(came, leaves, expected):
    """Return a look at what a function did besides its values.

    came: holds the function's result when the look is called.
    leaves: its inputs by name, which must be as they were.
    expected: for each of them that requires grad, the gradient of the sum of the result.
    """
    before = {name: (leaf.tolist(), leaf.requires_grad) for name, leaf in leaves.items()}

    def look():
        result = came["result"]
        for name, leaf in leaves.items():
            values, tracked = before[name]
            if leaf.tolist() != values:
                return f"{name} was changed to {leaf.tolist()}; expected it to stay {values}"
            if leaf.requires_grad != tracked:
                return f"{name}.requires_grad is {leaf.requires_grad} now; expected {tracked}"
            if leaf.grad is not None:
                return f"{name}.grad was filled; expected it to stay None"
        if not isinstance(result, torch.Tensor):
            return f"your function returned a {type(result).__name__}; expected a tensor"
        if not result.requires_grad:
            return (
                "the values are right, but the result does not require grad; expected a "
                "gradient to flow"
            )
        return _wrong_slope(result, {name: leaves[name] for name in expected}, expected)

    return look


def _wrong_slope(result, leaves, expected) -> str | None:
    """Return what is wrong with the gradients of the sum of a result, None where nothing is."""
    try:
        slopes = torch.autograd.grad(result.sum(), list(leaves.values()), allow_unused=True)
    except RuntimeError as error:
        said = str(error).partition(": [")[0].partition(". ")[0]
        return f"the values are right, but backward raised RuntimeError: {said}"
    for (name, right), slope in zip(expected.items(), slopes):
        if slope is None or not torch.allclose(slope, torch.tensor(right, device=device)):
            came = None if slope is None else slope.tolist()
            return f"the values are right, but the gradient for {name} is {came}; expected {right}"
    return None


@exercise("3.2 e", kind="compute")
def check_try_step(function) -> Verdict:
    """Check exercise 3.2 e: try a step on some weights, and put everything back.

    ``function(weights, step, loss)`` takes a list of leaf tensors, a function that changes
    them in place, and one that computes a loss. It returns the loss after the step as a
    float. The step must get the tensors themselves. The list, its tensors, their memory,
    values, flags and ``.grad`` must then be as they were, and the version counters must
    have noticed that the values were put back.
    """
    asked = [
        ("weights = [w], with w = [2.0, 3.0]", [[2.0, 3.0]], ()),
        ("weights = [w, b], where w has two elements and b is one number", [[1.0, -1.0], 4.0], ()),
        ("weights = [w, v, b], where v is frozen", [[1.0, 2.0], [5.0], 3.0], (1,)),
        ("weights = [w, b], where both hold a .grad", [[0.0, -2.0], 1.0], ()),
    ]
    cases = []
    for count, (words, values, frozen) in enumerate(asked):
        weights = [
            leaf_of(value).requires_grad_(nr not in frozen) for nr, value in enumerate(values)
        ]
        if count == len(asked) - 1:
            for w in weights:
                w.grad = torch.ones_like(w)
        after = {}
        expected = sum((torch.tensor(value) + 1).square().sum().item() for value in values)
        given = (weights, _step_that_notes(after), _sum_of_squares)
        cases.append(Case(words, given, expected, _looks_at_weights(weights, after)))
    return check_recording(function, cases)


def _step_that_notes(after):
    """Return a step that adds 1 to each weight, and notes the versions by their ids."""

    def step(weights):
        with torch.no_grad():
            for w in weights:
                w.add_(1.0)
        after.update((id(w), w._version) for w in weights)

    return step


def _sum_of_squares(weights) -> torch.Tensor:
    return torch.stack([w.square().sum() for w in weights]).sum()


def _looks_at_weights(weights, after):
    """Return a look at whether every weight is as it was when this was called."""
    tensors = list(weights)
    before = [(w.data_ptr(), w.tolist(), w.requires_grad, grad_of(w)) for w in tensors]

    def look():
        if len(weights) != len(tensors):
            return f"the list has length {len(weights)} now; expected {len(tensors)}"
        for nr, (w, tensor, (address, values, tracked, grad)) in enumerate(
            zip(weights, tensors, before)
        ):
            name = f"weights[{nr}]"
            if w is not tensor:
                return f"{name} is another tensor than before; expected the same one"
            if w.tolist() != values:
                return f"{name} is {w.tolist()} now; expected it to be {values} again"
            if w.data_ptr() != address:
                return f"{name} lies in other memory than before; expected the same memory"
            if not w.is_leaf or w.requires_grad != tracked:
                return (
                    f"{name} has is_leaf={w.is_leaf} and requires_grad={w.requires_grad} now; "
                    f"expected True and {tracked}, as before"
                )
            if grad_of(w) != grad:
                return f"{name}.grad was changed; expected it to be {grad}"
            if id(w) not in after:
                return f"step got a copy of {name}; expected the tensor itself"
            if w._version <= after[id(w)]:
                return (
                    f"{name} has its values again, but its version counter did not notice the "
                    f"write; expected it to go up"
                )
        return None

    return look
