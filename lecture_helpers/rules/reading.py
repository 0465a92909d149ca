"""Read the local derivative rule of one engine node, with small copies of what it saved.

``_raw_saved_*.data`` gives a saved tensor without running an unpack hook and without the
version check. A ``Rule`` holds copies only, never the node nor the caller's tensors.
"""

from dataclasses import dataclass

import torch

from ..names import Names
from ..saved import PREFIX, is_freed
from ..walk import class_name
from .clamps import CLAMPS
from .kinks import KINKS
from .losses import LOSSES
from .matrices import MATRIX_PRODUCTS
from .pointwise import POINTWISE
from .reductions import REDUCTIONS
from .shapes import SHAPES
from .table import Missing, Op, Saved
from .telling import symbol_of, tell

RULES = {**POINTWISE, **KINKS, **CLAMPS, **REDUCTIONS, **SHAPES, **MATRIX_PRODUCTS, **LOSSES}

MOST_COPIED = 1000  # elements of a saved tensor
PLAIN = (torch.Tensor, torch.nn.Parameter)
SCALAR = "_saved_"
_attributes = {}  # of each class of node: (saved tensors, saved numbers)


@dataclass(frozen=True, repr=False, eq=False)
class Rule:
    """The derivative rule of one node, with this step's numbers.

    grad_fn: class name of the node.
    words: the rule in one or two plain sentences.
    """

    grad_fn: str
    words: str
    _saved: Saved
    _symbols: dict

    @property
    def _op(self) -> Op:
        return RULES[self.grad_fn]

    def apply(self, grad_outputs) -> tuple:
        """Return what the rule sends on, computed from the copies by its own formula.

        Args:
            grad_outputs: the gradient of each forward output, as torch hands them to a
                node: a tensor of that output's shape, or None for an unused output.

        Returns:
            One tensor per ``next_functions`` entry, of that input's shape and dtype; None
            for an untracked input, and everywhere if no gradient came in.

        Raises:
            ValueError: a saved value that is needed was freed, packed by a hook or too
                large to copy.
        """
        try:
            return tuple(self._gradient(nr, grad_outputs) for nr in range(len(self._saved.shapes)))
        except Missing as missing:
            raise ValueError(
                f"the rule of {self.grad_fn} has no numbers: {missing}; read a rule before its "
                f"backward, and from small tensors"
            ) from None

    def told(self, grad_outputs, grad_inputs) -> tuple:
        """Return a ``Line`` for each input that got a gradient.

        Args:
            grad_outputs: what came in, as for ``apply``.
            grad_inputs: what went out, per ``next_functions`` entry: a tensor or None.
                Where it differs from the rule's own outcome, the line says so.
                Anything but a tensor, here and above, leaves the line without numbers.
        """
        return tuple(
            tell(self, nr, tuple(grad_outputs), went_out)
            for nr, went_out in enumerate(grad_inputs)
            if went_out is not None and self._saved.shapes[nr] is not None and self._op.part(nr)
        )

    def _gradient(self, nr, grad_outputs):
        """Return the gradient of one input, None where it has none."""
        part, shape = self._op.part(nr), self._saved.shapes[nr]
        if part is None or shape is None or all(grad is None for grad in grad_outputs):
            return None
        with torch.no_grad():
            raw = part.code(self._incoming(grad_outputs), self._saved)
            return raw.sum_to_size(shape).to(self._saved.dtypes[nr])

    def _incoming(self, grad_outputs):
        if not self._op.gathers:
            return grad_outputs[0]
        known = next(grad for grad in grad_outputs if grad is not None)
        made = self._saved.made
        return tuple(
            known.new_zeros(shape) if grad is None else grad
            for grad, shape in zip(grad_outputs, made)
        )

    def __repr__(self) -> str:
        return f"Rule({self.grad_fn}: {self.words})"


def read_rule(node, names: Names | None = None) -> Rule | None:
    """Return the derivative rule of an engine node, None where there is none.

    There is none for a custom Function, for ``CopySlices``, for an operation that is not in
    ``RULES``, and for complex tensors. Nothing is changed, no hook runs, and it never raises.

    Args:
        node: ``tensor.grad_fn``, before its backward ran. Its inputs' nodes get Python
            wrappers, so only read nodes of a graph that may be walked (see ``walk.py``).
        names: what the caller calls its tensors, for the symbols.

    A saved tensor of more than 1,000 elements, one that a hook packed and one that backward
    freed leave a rule with words and symbols, without numbers.
    """
    grad_fn = class_name(node)
    found = RULES.get(grad_fn)
    if found is None:
        return None
    try:
        return _read(node, grad_fn, found, names)
    except Exception:  # nested, functorch and other odd tensors each refuse in their own way
        return None


def _read(node, grad_fn, found, names):
    inputs = [
        None if source is None else source._input_metadata[nr] for source, nr in node.next_functions
    ]
    saved = Saved(inputs, node._input_metadata)
    if any(dtype is not None and dtype.is_complex for dtype in saved.dtypes + saved.made_dtypes):
        return None
    symbols = {}
    tensors, numbers = _attributes_of(type(node))
    for name in numbers:
        _read_number(node, name, saved)
    for name in tensors:
        called = found.called.get(name) or ("input" if name == "self" else name)
        tensor = _read_tensor(node, name, called, saved)
        if name == "result":
            held = names.of_node(node).get(0) if names else None
            symbols[name] = held.name if held and held.name else called
        else:
            symbols[name] = symbol_of(tensor, called, names)
    return Rule(grad_fn, found.words, saved, symbols)


def _attributes_of(kind) -> tuple:
    """Return the names of the saved tensors and of the saved numbers of a class of node."""
    found = _attributes.get(kind)
    if found is None:
        there = dir(kind)
        tensors = [name.removeprefix(PREFIX) for name in there if name.startswith(PREFIX)]
        others = [name.removeprefix(SCALAR) for name in there if name.startswith(SCALAR)]
        numbers = [name for name in others if name not in tensors and "_sym_" not in name]
        found = _attributes[kind] = (tensors, numbers)
    return found


def _read_number(node, name, saved) -> None:
    try:
        saved.hold(name, _signed(getattr(node, SCALAR + name)))
    except RuntimeError:
        saved.miss(name, "backward has freed what was saved")


def _signed(value):
    """Return a saved value with the negative integers that torch hands out as uint64."""
    if isinstance(value, tuple):
        return tuple(map(_signed, value))
    return value - 2**64 if type(value) is int and value >= 2**63 else value


def _read_tensor(node, name, called, saved):
    """Copy a saved tensor into ``saved``. Return the tensor itself, a tuple for a list of
    them, None where there is none to be read."""
    try:
        raw = getattr(node, PREFIX + name)
    except RuntimeError:  # a list of saved tensors is gone all at once
        return saved.miss(name, "backward has freed what was saved")
    several = isinstance(raw, tuple)
    handles = raw if several else (raw,)
    if any(handle.unpack_hook is not None for handle in handles):
        return saved.miss(name, f"a hook packed {called}")
    found = tuple(handle.data for handle in handles)
    if not several and found[0] is None and is_freed(node, name):
        return saved.miss(name, "backward has freed what was saved")
    why = next(filter(None, (_why_not(one, called) for one in found)), None)
    if why:
        saved.miss(name, why)
    else:
        copies = tuple(None if one is None else one.detach().clone() for one in found)
        saved.hold(name, copies if several else copies[0])
    return found if several else found[0]


def _why_not(tensor, called) -> str | None:
    """Return why a saved tensor is not copied, None if it is."""
    if tensor is None:
        return None
    if type(tensor) not in PLAIN or tensor.layout != torch.strided or tensor.is_meta:
        return f"{called} is no plain tensor"
    count = tensor.numel()
    return f"{called} has {count:,} elements" if count > MOST_COPIED else None
