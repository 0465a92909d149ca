"""What the caller calls its tensors.

A leaf is found by identity, a computed tensor by its place in the graph:
``(grad_fn, output_nr)``. So a name that was bound to something else since is
never put on the wrong node.
"""

import dataclasses
import inspect
import sys
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn

LONGEST_CONTAINER = 100
MOST_TENSORS = 1000  # reading grad_fn wraps a node, see walk.py
NOT_THE_CALLERS = {"In", "Out"}  # IPython's own history of results


class Held(NamedTuple):
    """A tensor that somebody holds, under the name they hold it."""

    name: str
    tensor: torch.Tensor


def namespaces_of(frame) -> tuple:
    """Return a frame's local and global variables.

    Up to Python 3.12 reading ``f_locals`` of a running function leaves a snapshot in
    the frame, which would keep every tensor alive until the function returns. So the
    variables are copied and the snapshot is emptied, unless somebody else holds it.
    """
    variables = frame.f_locals
    if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a module's or class's own namespace
        return variables, frame.f_globals
    copied = dict(variables)
    held_by_frame_and_here = 3  # the frame, this function, the argument of getrefcount
    if type(variables) is dict and sys.getrefcount(variables) == held_by_frame_and_here:
        variables.clear()
    return copied, frame.f_globals


def tensors_in(thing, name: str = ""):
    """Yield a ``Held`` for each tensor in nested lists, tuples, dicts, dataclasses.

    The name grows with the path: ``out`` gives ``out[0]``, ``out['loss']`` or
    ``out.logits``. Anything else inside is passed over.
    """
    open_containers = set()

    def visit(thing, name):
        if isinstance(thing, torch.Tensor):
            yield Held(name, thing)
            return
        children = _children(thing, name)
        if children is None or id(thing) in open_containers:
            return
        open_containers.add(id(thing))
        for child_name, child in children:
            yield from visit(child, child_name)
        open_containers.discard(id(thing))

    yield from visit(thing, name)


def _children(thing, name):
    if isinstance(thing, Mapping):
        return [(f"{name}[{key!r}]", value) for key, value in thing.items()]
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):
        return [(f"{name}.{field}", getattr(thing, field)) for field in thing._fields]
    if isinstance(thing, (list, tuple)):
        return [(f"{name}[{place}]", value) for place, value in enumerate(thing)]
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = dataclasses.fields(thing)
        return [(f"{name}.{field.name}", getattr(thing, field.name)) for field in fields]
    return None


def parameters_in(module: nn.Module, prefix: str = ""):
    """Yield a ``Held`` for each parameter, named as ``named_parameters()`` does."""
    for name, parameter in module.named_parameters():
        yield Held(f"{prefix}.{name}" if prefix else name, parameter)


class Names:
    """The names of tensors; the first name given to a tensor stays."""

    def __init__(self):
        self._leaves = {}
        self._places = {}

    def add(self, held: Held) -> None:
        """Remember a name. A tensor whose ``grad_fn`` cannot be read is passed over."""
        try:
            node = held.tensor.grad_fn
        except RuntimeError:
            return
        if node is None:
            self._leaves.setdefault(id(held.tensor), held)
        else:
            self._places.setdefault((node, held.tensor.output_nr), held)

    def add_namespace(self, variables: Mapping) -> None:
        """Remember the tensors of a frame's locals or globals.

        Plain variables come first, then the parameters of modules
        (``net.0.weight``), then what short lists and dicts hold (``params[0]``).
        """
        own = [
            (name, value)
            for name, value in variables.items()
            if not name.startswith("_") and name not in NOT_THE_CALLERS
        ]
        left = MOST_TENSORS
        for found in (
            (Held(name, value) for name, value in own if isinstance(value, torch.Tensor)),
            (h for name, value in own if isinstance(value, nn.Module)
             for h in parameters_in(value, name)),
            (h for name, value in own if _is_short_container(value)
             for h in tensors_in(value, name)),
        ):  # fmt: skip
            for held in found:
                if left == 0:
                    return
                left -= 1
                self.add(held)

    def of(self, tensor: torch.Tensor) -> Held | None:
        """Return the name of a tensor, or None."""
        try:
            node = tensor.grad_fn
        except RuntimeError:
            return None
        return self.of_leaf(tensor) if node is None else self.of_place(node, tensor.output_nr)

    def of_leaf(self, tensor: torch.Tensor) -> Held | None:
        """Return the name of a leaf, or None."""
        return self._leaves.get(id(tensor))

    def of_place(self, node, output_nr: int) -> Held | None:
        """Return the name of output ``output_nr`` of an engine node, or None."""
        return self._places.get((node, output_nr))


def _is_short_container(value) -> bool:
    return isinstance(value, (list, tuple, dict)) and len(value) <= LONGEST_CONTAINER
