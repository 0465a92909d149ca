"""Checks of lecture 2."""

import torch

from ..devices import device
from ..graph import Graph, show_graph
from .checking import (
    Case,
    Verdict,
    check_drawn,
    check_recording,
    check_sorting,
    leaf_of,
    tensor_of,
)
from .lecture_2_backward import check_gets_grad, check_one_result
from .lecture_2_resetting import (
    check_backward_twice,
    check_is_twice,
    check_own_gradients,
    check_train,
)
from .registry import exercise

__all__ = [
    "check_backward_twice",
    "check_flags",
    "check_freeze",
    "check_gets_grad",
    "check_is_twice",
    "check_one_result",
    "check_own_gradients",
    "check_same_graph",
    "check_train",
    "graph_to_write",
]

HOLDS = "which holds "
SORTED = (
    "w + 1",
    "0 * w",
    "w > 0",
    "w.argmax()",
    "w.detach() * x",
    "torch.ones_like(w)",
    "torch.nn.Parameter(x)",
    "torch.tensor([1, 2], requires_grad=True)",
    "(w * x).requires_grad_(False)",
)


@exercise("2.1 a", kind="predict")
def check_flags(flags) -> Verdict:
    """Check exercise 2.1 a: which results require grad, and which lines raise.

    ``flags`` is a dict from a line of code to ``"tracked"``, ``"untracked"`` or
    ``"raises"``. w requires grad, x does not.
    """
    return check_sorting(flags, {line: _flag_of(line) for line in SORTED})


def _flag_of(line: str) -> str:
    """Run a line of ``SORTED`` and say what came of it."""
    known = {"torch": torch, "w": leaf_of([2.0, -1.0]), "x": tensor_of([1.5, 3.0])}
    try:
        with torch.enable_grad():
            return "tracked" if eval(line, known).requires_grad else "untracked"
    except RuntimeError:
        return "raises"


@exercise("2.1 b", kind="compute")
def check_freeze(function) -> Verdict:
    """Check exercise 2.1 b: freeze one layer so that no optimizer step moves it.

    ``function(model, layer)`` takes a module and the name of one of its layers, and
    returns the names of the parameters of the model that still require grad. A step of
    SGD with weight decay must then leave the frozen parameters where they are, and move
    the others, whose ``.grad`` holds what it held before.
    """
    asked = [
        ("body, head", "body", ()),
        ("body, head", "head", ()),
        ("head, head2", "head", ()),
        ("body, middle, head", "body", ("middle.bias",)),
        ("body, which holds body.inner, head", "body", ()),
    ]
    cases = []
    for layers, layer, before in asked:
        model = _model(layers.split(", "), before)
        learning = [
            name
            for name, _ in model.named_parameters()
            if not name.startswith(f"{layer}.") and name not in before
        ]
        words = f"model = {layers}, layer = {layer!r}"
        if before:
            words += f", where {' and '.join(before)} was frozen before"
        cases.append(Case(words, (model, layer), learning, _looks_at_a_step(model, learning)))
    return check_recording(function, cases)


def _model(layers, frozen) -> torch.nn.Module:
    """Return a module of named layers; those not frozen hold an old gradient.

    A layer "which holds body.inner" is added to the layer ``body``, under the name ``inner``.
    """
    model = torch.nn.Module()
    for count, name in enumerate(layers):
        layer = torch.nn.Module()
        layer.weight = torch.nn.Parameter(torch.tensor([[count + 1.0, -1.0]], device=device))
        layer.bias = torch.nn.Parameter(torch.tensor([0.5], device=device))
        parent, _, own = name.removeprefix(HOLDS).rpartition(".")
        model.get_submodule(parent).add_module(own, layer)
    for name, parameter in model.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)
        else:
            parameter.grad = torch.ones_like(parameter)
    return model


def _looks_at_a_step(model, learning):
    """Return a look at a step of SGD with weight decay: what moved, and what should have."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.5)

    def look():
        held = {name: p.grad for name, p in model.named_parameters()}
        changed = [name for name in learning if held[name] is None or (held[name] != 1).any()]
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        tracked = [p.sum() for p in model.parameters() if p.requires_grad]
        if tracked:
            torch.stack(tracked).sum().backward()
        optimizer.step()
        for name, parameter in model.named_parameters():
            moved = not torch.equal(parameter, before[name])
            if moved and name not in learning:
                said = f"a step of the optimizer moved {name}; expected it to stay"
                return f"the names are right, but {said}"
            if not moved and name in learning:
                return f"the names are right, but {name} no longer learns; expected it to move"
        if changed:
            return f"the names are right, but {changed[0]}.grad has changed; expected it as it was"
        return None

    return look


def graph_to_write() -> Graph:
    """Return the graph of exercise 2.1 c, whose code the learner finds."""
    w, x, b = leaf_of([2.0]), leaf_of([1.0, 2.0, 4.0]), leaf_of(2.0)
    out = _written(w, x, b)
    return show_graph(out)


def _written(w, x, b) -> torch.Tensor:
    return ((w - x.detach()) / b - w).sum()


@exercise("2.1 c", kind="picture")
def check_same_graph(function) -> Verdict:
    """Check exercise 2.1 c: record the graph that ``graph_to_write`` draws.

    ``function(w, x, b)`` takes three leaves that require grad, of the shapes (1,), (n,)
    and (), and returns a scalar tensor. Their flags stay as they are.
    """
    asked = [([2.0], [1.0, 2.0, 4.0], 2.0), ([-1.0], [0.0, 3.0], 4.0), ([0.5], [1.0], -0.5)]
    cases = []
    for w, x, b in asked:
        leaves = leaf_of(w), leaf_of(x), leaf_of(b)
        words = f"w = {w}, x = {x}, b = {b}"
        cases.append(Case(words, leaves, _written(*leaves), _looks_at_flags(leaves)))
    return check_drawn(function, cases)


def _looks_at_flags(leaves):
    def look():
        off = [name for name, leaf in zip("wxb", leaves) if not leaf.requires_grad]
        if not off:
            return None
        return f"the graph is right, but {off[0]}.requires_grad is False now; expected True"

    return look
