"""What the caller calls its tensors.

A leaf is found by identity, a computed tensor by its place in the graph:
``(grad_fn, output_nr)``. So a name that was bound to something else since is
never put on the wrong node.

A name is a nicety: whatever stands among the caller's variables, however large or
odd, looking through it never fails and never takes long.
"""

import dataclasses
import inspect
import sys
from collections.abc import Mapping
from types import FunctionType, MappingProxyType
from typing import NamedTuple

import torch
from torch import nn

from .walk import safe_depth

LONGEST_CONTAINER = 100  # a longer list or dict among the variables is passed over
MOST_LOOKS = 10_000  # things looked at inside one container among the variables
MOST_TENSORS = 1000  # reading grad_fn wraps a node, see walk.py
NOT_THE_CALLERS = {"In", "Out"}  # IPython's own history of results
NOTHING = MappingProxyType({})
CONTAINERS = (list, tuple, dict)
PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None), type, FunctionType})


class Held(NamedTuple):
    """A tensor that somebody holds, under the name they hold it."""

    name: str
    tensor: torch.Tensor


def callers_namespaces(levels_up: int) -> tuple:
    """Return the local and global variables of the function ``levels_up`` frames above.

    Up to Python 3.12 reading ``f_locals`` of a running function leaves a snapshot in
    the frame, which would keep every tensor alive until the function returns. So the
    variables are copied and taken out of the snapshot, unless somebody else holds it.
    """
    try:
        return namespaces_of(sys._getframe(levels_up + 1))
    except ValueError:  # called from C, without a Python caller
        return ()


def namespaces_of(frame) -> tuple:
    """Return the local and global variables of a frame, see ``callers_namespaces``."""
    variables = frame.f_locals
    if variables is frame.f_globals:
        return (variables,)
    if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a class's own namespace
        return variables, frame.f_globals
    copied = dict(variables)
    held_by_frame_and_here = 3  # the frame, this function, the argument of getrefcount
    if type(variables) is dict and sys.getrefcount(variables) == held_by_frame_and_here:
        code = frame.f_code
        for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
            variables.pop(name, None)  # what exec put there stays
    return copied, frame.f_globals


def tensors_in(thing, name: str = "", quick: bool = False):
    """Yield a ``Held`` for each tensor in nested lists, tuples, dicts, dataclasses.

    The name grows with the path: ``out`` gives ``out[0]``, ``out['loss']`` or
    ``out.logits``. Anything else inside is passed over, and so is a container that
    was met before. ``quick`` bounds the work, for containers that nobody asked about:
    no long container, no mapping but a dict, and 10,000 looks in all.
    """
    met = {}  # the containers themselves, since the id of a dropped one may come again
    looks = 0
    waiting = [(name, thing)]
    while waiting and not (quick and looks == MOST_LOOKS):
        name, thing = waiting.pop()
        looks += 1
        if isinstance(thing, torch.Tensor):
            yield Held(name, thing)
        elif id(thing) not in met:
            children = _children(thing, name, quick)
            if children:
                met[id(thing)] = thing
                waiting += reversed(children)


def tensors_among(thing):
    """Yield the tensors in what a call was given or returned."""
    if isinstance(thing, torch.Tensor):
        yield thing
    elif isinstance(thing, (list, tuple)):
        for part in thing:
            yield from tensors_among(part)
    elif isinstance(thing, dict):
        yield from tensors_among(list(thing.values()))


def _children(thing, name, quick):
    if isinstance(thing, dict if quick else Mapping):
        if quick and len(thing) > LONGEST_CONTAINER:
            return []
        values = ((key, thing[key]) for key in thing)
        return [(f"{name}[{_key(key)}]", value) for key, value in values if _may_hold(value)]
    if isinstance(thing, (list, tuple)):
        if quick and len(thing) > LONGEST_CONTAINER:
            return []
        fields = getattr(type(thing), "__match_args__", None)  # named, as x.topk(2) is
        if isinstance(fields, tuple) and len(fields) == len(thing):
            values = zip(fields, thing)
            return [(f"{name}.{field}", value) for field, value in values if _may_hold(value)]
        values = enumerate(thing)
        return [(f"{name}[{place}]", value) for place, value in values if _may_hold(value)]
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        names = [field.name for field in dataclasses.fields(thing)]
        return [(f"{name}.{field}", getattr(thing, field, None)) for field in names]
    return []


def _is_the_callers(name) -> bool:
    """Return False for IPython's and Python's own names, and for pytest's ``@py_assert1``."""
    if not isinstance(name, str) or name in NOT_THE_CALLERS:
        return False
    return name[:1] != "_" and name.isidentifier()


def _may_hold(value) -> bool:
    """Return False for a value that is plainly neither a tensor nor a container."""
    return type(value) not in PLAIN


def _key(key) -> str:
    """Return a dict key as text; one whose ``repr`` may differ from run to run, by its class."""
    return repr(key) if isinstance(key, (str, int, type(None))) else f"<{type(key).__name__}>"


def parameters_in(module: nn.Module, prefix: str = ""):
    """Yield a ``Held`` for each parameter, named as ``named_parameters()`` does."""
    for name, parameter in module.named_parameters():
        yield Held(f"{prefix}.{name}" if prefix else name, parameter)


def buffers_in(module: nn.Module, prefix: str = ""):
    """Yield a ``Held`` for each buffer, named as ``named_buffers()`` does."""
    for name, buffer in module.named_buffers():
        yield Held(f"{prefix}.{name}" if prefix else name, buffer)


def name_among(tensor: torch.Tensor, namespaces) -> str | None:
    """Return the name of the very tensor among a caller's variables, or None.

    Unlike ``Names`` it reads no ``grad_fn``, so it may be asked in every step of a loop.
    """
    for variables in namespaces:
        for name, thing in list(variables.items()):
            if thing is tensor and _is_the_callers(name):
                return name
        for held in _held_by_modules(variables):
            if held.tensor is tensor:
                return held.name
    return None


def _held_by_modules(variables):
    """Yield a ``Held`` for each parameter and buffer of the modules among the variables."""
    for name, thing in list(variables.items()):
        if issubclass(type(thing), nn.Module) and _is_the_callers(name):
            try:
                yield from parameters_in(thing, name)
                yield from buffers_in(thing, name)
            except Exception:  # the learner's own module raised, and a name is only a nicety
                continue


class Names:
    """The names of tensors; the first name given to a tensor stays."""

    def __init__(self):
        self._leaves = {}
        self._places = {}
        self._left = min(MOST_TENSORS, safe_depth() // 2)

    def add(self, held: Held) -> None:
        """Remember a name. A tensor whose ``grad_fn`` cannot be read is passed over."""
        try:
            node = held.tensor.grad_fn
        except RuntimeError:
            return
        if node is None:
            self._leaves.setdefault(id(held.tensor), held)
        else:
            self._places.setdefault(node, {}).setdefault(held.tensor.output_nr, held)

    def add_namespaces(self, namespaces) -> None:
        """Remember the tensors among a caller's variables.

        In each namespace plain variables come first, then the parameters of modules
        (``net.0.weight``), then what short lists and dicts hold (``params[0]``), then the
        buffers of modules.
        """
        for variables in namespaces:
            modules, containers = [], []
            for name, value in list(variables.items()):
                if not _is_the_callers(name):
                    continue
                kind = type(value)  # isinstance would ask the object, which may lie or raise
                if issubclass(kind, torch.Tensor):
                    self._add_found([Held(name, value)])
                elif issubclass(kind, nn.Module):
                    modules.append((name, value))
                elif kind in CONTAINERS or kind.__module__ == "torch.return_types":
                    containers.append((name, value))
            for name, value in modules:
                self._add_found(parameters_in(value, name))
            for name, value in containers:
                self._add_found(tensors_in(value, name, quick=True))
            for name, value in modules:
                self._add_found(buffers_in(value, name))

    def _add_found(self, found):
        try:
            for held in found:
                if self._left == 0:
                    return
                self._left -= 1
                self.add(held)
        except Exception:  # the learner's own object raised, and a name is only a nicety
            return

    def of(self, tensor: torch.Tensor) -> Held | None:
        """Return the name of a tensor, or None."""
        try:
            node = tensor.grad_fn
        except RuntimeError:
            return None
        return self.of_leaf(tensor) if node is None else self.of_node(node).get(tensor.output_nr)

    def of_leaf(self, tensor: torch.Tensor) -> Held | None:
        """Return the name of a leaf, or None."""
        return self._leaves.get(id(tensor))

    def of_node(self, node) -> dict:
        """Return what is held of the outputs of an engine node, by output number."""
        return self._places.get(node, NOTHING)

    def all(self):
        """Yield every ``Held``, leaves first."""
        yield from self._leaves.values()
        for outputs in self._places.values():
            yield from outputs.values()
