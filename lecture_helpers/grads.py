"""The gradients of several tensors as plain data: ``grad_table`` collects a ``GradTable``."""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from .names import Held, Names, callers_namespaces, parameters_in, tensors_in
from .shown import Shown
from .walk import class_name, is_leaf, refuse_too_many

FIRST, LAST = 3, 1  # what is kept of a dimension longer than FIRST + LAST + 1

MOST_IN_DEEP = 16
MOST_TO_DENSIFY = 10_000
UNREADABLE = "cannot be read"


class GradRow(NamedTuple):
    """What autograd knows of one tensor at the time of the call.

    value and grad are nested lists of numbers (one number for a 0-d tensor), with
    ``...`` where a long dimension was shortened or nothing can be read; grad is None
    where torch has none. shape is None where the tensor has none to tell.
    grad_fn is the class name of the engine's node, None for a leaf, and "cannot be
    read" where torch refuses to tell (a view whose base was changed in place).
    """

    name: str
    value: object
    shape: tuple | None
    requires_grad: bool
    is_leaf: bool
    grad_fn: str | None
    grad: object


class RowVersion(NamedTuple):
    """How often the memory of one tensor was changed in place.

    now: its version counter; None where torch keeps none (a tensor made in inference_mode).
    saved: a (class of node, version) for each node that saved that memory at another
        version, in the order in which backward meets them: there it raises.
    """

    now: int | None
    saved: tuple


@dataclass(frozen=True, repr=False)
class GradTable(Shown):
    """A table of tensors and their ``.grad``: what ``grad_table`` returns.

    rows: tuple of ``GradRow`` in the order of the arguments.
    versions: a ``RowVersion`` for each row; empty without ``version=True``.
    """

    rows: tuple
    versions: tuple = ()

    def to_html(self) -> str:
        """Return the table as HTML."""
        from .draw import picture_of

        return picture_of(self)


def grad_table(*tensors, version=False, **named) -> GradTable:
    """Tabulate what autograd knows of each tensor, its ``.grad`` included.

    Args:
        tensors: tensors, modules (one row per parameter), or lists, tuples, dicts
            or dataclasses of tensors. A tensor is named as your variable is.
        version: also show how often the memory of each tensor was changed in place, and which
            nodes in the graphs of the given tensors had saved it before the last change. A
            change through ``.data`` is not counted.
        named: the same, under a name of your choice.

    Nothing is changed, and reading the missing ``.grad`` of a non-leaf does not warn.
    (To keep torch silent Python's filters are set for a moment; Python then forgets
    which once-only warnings it has shown.)

    Raises:
        TypeError: an argument is neither a tensor nor holds one, or ``version`` is neither
            True nor False.
        ValueError: more tensors are given than can be looked at safely.
    """
    if not isinstance(version, bool):
        raise TypeError(
            f"grad_table was given version={type(version).__name__}; version takes True or "
            f"False, so show a tensor under another name"
        )
    found = given_tensors("grad_table", tensors, named, callers_namespaces(1))
    rows = tuple(row_of(*held) for held in found)
    if not version:
        return GradTable(rows)
    from .overwritten import row_versions  # it reads graphs, and those read values from here

    return GradTable(rows, row_versions([held.tensor for held in found]))


def given_tensors(helper: str, tensors, named, namespaces) -> list[Held]:
    """Return the tensors among a helper's arguments, each under its name.

    A name from a keyword or a module wins, then the caller's own variable, then the
    place in a container; "(no name)" stands for none.

    Raises:
        TypeError: an argument is neither a tensor nor holds one, or there is none.
        ValueError: more tensors are given than can be looked at safely.
    """
    found = [(held, isinstance(thing, nn.Module))
             for thing in tensors for held in _held(helper, thing, "")]  # fmt: skip
    found += [(held, True) for name, thing in named.items() for held in _held(helper, thing, name)]
    if not found:
        raise TypeError(f"{helper} was given no tensor; pass the tensors to tabulate")
    refuse_too_many([held.tensor for held, _ in found], helper)
    names = Names()
    names.add_namespaces(namespaces)
    known = [held if explicit else names.of(held.tensor) or held for held, explicit in found]
    return [Held(held.name or "(no name)", held.tensor) for held in known]


def _held(helper, thing, name) -> list[Held]:
    """Return the tensors of one argument."""
    inside = parameters_in if isinstance(thing, nn.Module) else tensors_in
    found = list(inside(thing, name))
    if not found:
        raise TypeError(
            f"{helper} was given {type(thing).__name__}, which holds no tensor; pass a "
            f"torch tensor, a module, or a list, tuple, dict or dataclass of tensors"
        )
    return found


def row_of(name: str, tensor: torch.Tensor) -> GradRow:
    """Return what autograd knows of one tensor, under the name given."""
    grad = or_instead(lambda: quiet_grad(tensor), ...)
    return GradRow(
        name,
        shortened(tensor),
        shape_of(tensor),
        tensor.requires_grad,
        is_leaf(tensor),
        or_instead(
            lambda: None if tensor.grad_fn is None else class_name(tensor.grad_fn), UNREADABLE
        ),
        shortened(grad) if isinstance(grad, torch.Tensor) else grad,
    )


def or_instead(read, instead):
    """Return what ``read()`` gives, ``instead`` where the tensor refuses."""
    try:
        return read()
    except Exception:  # nested, functorch, fake and lazy tensors each raise their own
        return instead


def shape_of(thing) -> tuple | None:
    """Return the shape of a tensor or of a node's output, None where it has none to tell."""
    try:
        return tuple(thing.shape)
    except Exception:  # a nested tensor has none
        return None


def quiet_grad(tensor: torch.Tensor) -> torch.Tensor | None:
    """Return ``tensor.grad`` without torch's warning about non-leaf tensors."""
    if is_leaf(tensor) or tensor.retains_grad:
        return tensor.grad
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tensor.grad


def shortened(tensor: torch.Tensor):
    """Return the values as nested lists, ``...`` in the middle of a long dimension.

    ``...`` alone stands for a tensor that keeps no readable values (meta, for one), for
    one of more than two dimensions and 16 elements, and for a large sparse one.
    """
    return or_instead(lambda: _shortened(tensor.detach()), ...)


def _shortened(tensor):
    if tensor.layout != torch.strided:
        return _shortened(tensor.to_dense()) if tensor.numel() <= MOST_TO_DENSIFY else ...
    if tensor.dim() == 0:
        return tensor.item()
    if tensor.dim() > 2 and tensor.numel() > MOST_IN_DEEP:
        return ...
    if len(tensor) <= FIRST + LAST + 1:
        return [_shortened(part) for part in tensor]
    first, last = tensor[:FIRST], tensor[-LAST:]
    return [*map(_shortened, first), ..., *map(_shortened, last)]
