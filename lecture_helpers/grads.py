"""The gradients of several tensors as plain data: ``grad_table`` collects a ``GradTable``."""

import sys
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from .names import Names, namespaces_of, parameters_in, tensors_in
from .shown import Shown
from .walk import class_name

FIRST, LAST = 3, 1  # what is kept of a dimension longer than FIRST + LAST + 1

MOST_IN_DEEP = 16


class GradRow(NamedTuple):
    """What autograd knows of one tensor at the time of the call.

    value and grad are nested lists of numbers (one number for a 0-d tensor), with
    ``...`` where a long dimension was shortened; grad is None where torch has none.
    grad_fn is the class name of the engine's node, None for a leaf.
    """

    name: str
    value: object
    shape: tuple
    requires_grad: bool
    is_leaf: bool
    grad_fn: str | None
    grad: object


@dataclass(frozen=True, repr=False)
class GradTable(Shown):
    """A table of tensors and their ``.grad``: what ``grad_table`` returns.

    rows: tuple of ``GradRow`` in the order of the arguments.
    """

    rows: tuple

    def to_html(self) -> str:
        """Return the table as HTML."""
        from .draw import picture_of

        return picture_of(self)


def grad_table(*tensors, **named) -> GradTable:
    """Tabulate what autograd knows of each tensor, its ``.grad`` included.

    Args:
        tensors: tensors, modules (one row per parameter), or lists, tuples, dicts
            or dataclasses of tensors. A tensor is named as your variable is.
        named: the same, under a name of your choice.

    Nothing is changed, and reading the missing ``.grad`` of a non-leaf does not warn.

    Raises:
        TypeError: an argument is neither a tensor nor holds one.
    """
    names = Names()
    for variables in namespaces_of(sys._getframe(1)):
        names.add_namespace(variables)
    found = [row for thing in tensors for row in _rows(thing, "", names)]
    found += [row for name, thing in named.items() for row in _rows(thing, name, names)]
    if not found:
        raise TypeError("grad_table was given no tensor; pass the tensors to tabulate")
    return GradTable(tuple(found))


def _rows(thing, name, names):
    if isinstance(thing, nn.Module):
        return [_row(held.name, held.tensor) for held in parameters_in(thing, name)]
    held_tensors = list(tensors_in(thing, name))
    if not held_tensors:
        raise TypeError(
            f"grad_table was given {type(thing).__name__}, which holds no tensor; pass a "
            f"torch tensor, a module, or a list, tuple, dict or dataclass of tensors"
        )
    if name:
        return [_row(held.name, held.tensor) for held in held_tensors]
    known = [names.of(held.tensor) or held for held in held_tensors]
    return [_row(held.name or "(no name)", held.tensor) for held in known]


def _row(name, tensor) -> GradRow:
    grad = quiet_grad(tensor)
    return GradRow(
        name,
        shortened(tensor),
        tuple(tensor.shape),
        tensor.requires_grad,
        tensor.is_leaf,
        None if tensor.grad_fn is None else class_name(tensor.grad_fn),
        None if grad is None else shortened(grad),
    )


def quiet_grad(tensor: torch.Tensor) -> torch.Tensor | None:
    """Return ``tensor.grad`` without torch's warning about non-leaf tensors."""
    if tensor.is_leaf or tensor.retains_grad:
        return tensor.grad
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tensor.grad


def shortened(tensor: torch.Tensor):
    """Return the values as nested lists, ``...`` in the middle of a long dimension.

    A tensor that keeps no readable values (meta, for one), and one of more than two
    dimensions and ``MOST_IN_DEEP`` elements, gives ``...`` alone.
    """
    if tensor.is_meta or (tensor.dim() > 2 and tensor.numel() > MOST_IN_DEEP):
        return ...
    tensor = tensor.detach()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.dim() == 0:
        return tensor.item()
    if len(tensor) <= FIRST + LAST + 1:
        return [shortened(part) for part in tensor]
    return [shortened(p) for p in tensor[:FIRST]] + [...] + [shortened(p) for p in tensor[-LAST:]]
