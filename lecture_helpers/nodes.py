"""One engine node as plain data: what torch, and the caller, know of it."""

from typing import NamedTuple

import torch

from .grads import quiet_grad, shape_of, shortened
from .names import Names
from .saved import SavedReader
from .versions import counter
from .walk import ACCUMULATE_GRAD, class_name

NO_NAME = (None,)
NOT_CALLED = ""  # a view whose base the caller does not hold

# Operations whose result is always a view of their input (torch's page "Tensor Views").
VIEWS = frozenset(
    f"{name}Backward{number}"
    for name, count in {
        "Alias": 1, "AsStrided": 1, "Conj": 1, "Diagonal": 1, "Expand": 1, "NegView": 1,
        "Permute": 1, "Select": 1,
        "Slice": 1, "Split": 1, "SplitWithSizes": 1, "Squeeze": 3, "T": 1, "Transpose": 1,
        "Unbind": 1, "Unfold": 1, "Unsqueeze": 1, "View": 1, "ViewAsComplex": 1,
        "ViewAsReal": 1, "ReshapeAlias": 1,
    }.items()
    for number in range(count)
)  # fmt: skip


class Node(NamedTuple):
    """One node of the graph, with the tensors it made.

    id: running number in forward order, from 0.
    grad_fn: class name of the engine's node, such as ``MulBackward0``; a tracked
        leaf has ``AccumulateGrad``; None for a tensor that has no node.
    name: the caller's variable; where several outputs are held, joined by commas;
        None where the caller holds none.
    shape, dtype: of the first output that the caller holds, else of the first.
    requires_grad: the tensor's flag; True for every operation.
    untracked: positions in ``next_functions`` that hold None, that is the inputs
        that autograd does not track.
    value: the number, where the node made one tensor of one element and the caller
        holds it; None elsewhere, and in a graph of more than 200 operations.
    shapes, dtypes, names: of each output; a name is None where the caller holds none.
    device: where the first output lives.
    view_of: for a view the name of the tensor whose memory it shares, ``""`` where the
        caller does not hold that; None for what is no view.
    version: how often the held tensor's memory was changed in place; 0 also where the
        caller does not hold the tensor.
    hooks: names of the functions registered on a leaf or a held tensor (``register_hook``
        and ``register_post_accumulate_grad_hook``). Python cannot see those of a tensor
        that nobody holds, nor those of a node.
    retains_grad: whether ``retain_grad()`` was called on a held tensor.
    grad: a leaf's ``.grad`` as nested lists, if asked for; None where there is none.
    saved: a ``Saved`` for each tensor kept for backward, if asked for.
    """

    id: int
    grad_fn: str | None
    name: str | None
    shape: tuple | None
    dtype: torch.dtype | None
    requires_grad: bool
    untracked: tuple
    value: object
    shapes: tuple
    dtypes: tuple
    names: tuple
    device: torch.device | None = None
    view_of: str | None = None
    version: int = 0
    hooks: tuple = ()
    retains_grad: bool = False
    grad: object = None
    saved: tuple = ()

    @property
    def is_leaf(self) -> bool:
        """True for a tensor that no recorded operation made."""
        return self.grad_fn is None or self.grad_fn == ACCUMULATE_GRAD


class NodeReader:
    """Reads engine nodes into ``Node``.

    names: what the caller calls its tensors.
    values: whether numbers are read (on a GPU each one waits for the device).
    saved: reads what nodes saved; None where nobody asked.
    grad: whether the ``.grad`` of leaves is read.
    """

    def __init__(self, names: Names, values: bool, saved: SavedReader | None, grad: bool):
        self.names, self.values, self.saved, self.grad = names, values, saved, grad
        self._sizes = {}

    def read(self, place: int, node, untracked: tuple) -> Node:
        """Return the ``Node`` of an engine node at position ``place``."""
        grad_fn = class_name(node)
        if grad_fn == ACCUMULATE_GRAD:
            return self.leaf(place, grad_fn, node.variable, self.values)
        made = node._input_metadata  # one entry per output of the forward operation
        held = self.names.of_node(node)
        saved = self.saved.of(node) if self.saved else ()
        if held or len(made) != 1:
            return self._held(place, grad_fn, untracked, made, held, saved)
        (only,) = made
        dtype = only.dtype
        shape, shapes, dtypes = self._size(shape_of(only), dtype)
        view_of = NOT_CALLED if grad_fn in VIEWS else None
        return Node(
            place, grad_fn, None, shape, dtype, True, untracked, None, shapes, dtypes, NO_NAME,
            only.device, view_of, 0, (), False, None, saved,
        )  # fmt: skip

    def _size(self, shape, dtype) -> tuple:
        """Return shape, shapes and dtypes of one output, the same objects for the same size.

        Thousands of new tuples would make the garbage collector run again and again.
        """
        known = self._sizes.get((shape, dtype))
        if known is None:
            known = self._sizes[shape, dtype] = shape, (shape,), (dtype,)
        return known

    def _held(self, place, grad_fn, untracked, made, held, saved) -> Node:
        """Return a node of which the caller holds an output, or that has several."""
        tensors = [held[nr].tensor for nr in held]
        names = tuple(held[nr].name if nr in held else None for nr in range(len(made)))
        first = min(held, default=0)
        about = made[first] if made else None
        one = held[0].tensor if len(made) == 1 and held else None
        view_of = _view_of(tensors, self.names)
        return Node(
            place,
            grad_fn,
            ", ".join(filter(None, names)) or None,
            shape_of(about) if about else None,
            about.dtype if about else None,
            True,
            untracked,
            value_of(one) if self.values and one is not None else None,
            tuple(map(shape_of, made)),
            tuple(entry.dtype for entry in made),
            names,
            about.device if about else None,
            NOT_CALLED if view_of is None and grad_fn in VIEWS else view_of,
            max((counter(tensor) or 0 for tensor in tensors), default=0),
            tuple(hook for tensor in tensors for hook in _hooks(tensor)),
            any(tensor.retains_grad for tensor in tensors),
            None,
            saved,
        )

    def leaf(self, place: int, grad_fn: str | None, tensor: torch.Tensor, value: bool) -> Node:
        """Return the ``Node`` of a leaf, or of a tensor that has no graph."""
        held = self.names.of_leaf(tensor)
        name, shape = held and held.name, shape_of(tensor)
        grad = None
        if self.grad and tensor.is_leaf:
            grad = quiet_grad(tensor)
            grad = None if grad is None else shortened(grad)
        return Node(
            place, grad_fn, name, shape, tensor.dtype, tensor.requires_grad, (),
            value_of(tensor) if value else None, (shape,), (tensor.dtype,), (name,),
            tensor.device, None,
            counter(tensor) or 0, _hooks(tensor), False, grad, (),
        )  # fmt: skip


def value_of(tensor):
    """Return the number in a tensor of one element, None where there is none to read."""
    if type(tensor).__name__ == "FakeTensor":  # it would make a symbol up
        return None
    try:
        return tensor.detach().item() if tensor.numel() == 1 else None
    except Exception:  # meta, fake, functorch and nested tensors each raise their own
        return None


def _view_of(tensors, names) -> str | None:
    """Return the name of the tensor whose memory the first view among ``tensors`` shares."""
    for tensor in tensors:
        if tensor._is_view():
            base = tensor._base
            held = None if base is None else names.of(base)
            return held.name if held else NOT_CALLED
    return None


def _hooks(tensor) -> tuple:
    registered = [tensor._backward_hooks, getattr(tensor, "_post_accumulate_grad_hooks", None)]
    functions = [hook for hooks in registered if hooks for hook in hooks.values()]
    names = [(getattr(hook, "__name__", None), type(hook).__name__) for hook in functions]
    return tuple(name if isinstance(name, str) else kind for name, kind in names)
