"""One step of backward in symbols and in numbers, from one formula for both.

A formula such as ``incoming × {other}`` becomes ``incoming × w`` and ``36 × 7 = 252``.
"""

import math
import re
from typing import NamedTuple

import torch

from ..brief import brief, fitted, is_plain
from .table import Missing

TOKEN = re.compile(
    r"(?P<sign>[-+×·/]\s?)?(?P<what>(?<!\w)incoming(?![a-z])|\{\w+\})(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻^])?"
)
MOST_INDICES = 8  # of an index without a name that are written out in the symbols
LINES = {0: "rows", 1: "columns"}  # of a matrix, by the dimension that was summed


class Line(NamedTuple):
    """How the gradient of one input was made.

    input_nr: position in ``next_functions``.
    symbols: the formula, such as ``incoming × 2 · y``.
    numbers: the formula with this step's numbers and what came out, such as
        ``1 × 2 × 7 = 14``; or ``no numbers:`` and why.
    """

    input_nr: int
    symbols: str
    numbers: str


def tell(rule, nr: int, grad_outputs: tuple, went_out) -> Line:
    """Return the ``Line`` of one input that got the gradient ``went_out``."""
    part, saved = rule._op.part(nr), rule._saved
    template = part.symbols(saved) if callable(part.symbols) else part.symbols
    template, turned = _turned_once(template, rule._symbols)
    known = {name: symbol[:-1] if name in turned else symbol
             for name, symbol in rule._symbols.items()}  # fmt: skip
    symbols = filled(template, known, lambda name: brief(getattr(saved, name)))
    shared = _shared(saved, nr) if rule._op.broadcasts else ""
    try:
        numbers = _numbers(rule, nr, template, turned, bool(shared), grad_outputs, went_out)
    except Missing as missing:
        numbers = f"no numbers: {missing}"
    except RuntimeError:  # a kind of tensor that torch's own functions refuse
        numbers = "no numbers: the rule cannot be computed for these tensors"
    return Line(nr, symbols + shared, numbers)


def _turned_once(template, symbols):
    """Return a formula without the ``ᵀ`` that undoes that of a symbol, and of which names.

    A linear layer saves ``weightᵀ``: what ``incoming @ {mat2}ᵀ`` needs is ``weight``.
    """
    turned = {
        name for name, symbol in symbols.items()
        if symbol.endswith("ᵀ") and f"{{{name}}}ᵀ" in template
    }  # fmt: skip
    for name in turned:
        template = template.replace(f"{{{name}}}ᵀ", f"{{{name}}}")
    return template, turned


def _numbers(rule, nr, template, turned, is_sum, grad_outputs, went_out):
    known = [grad for grad in grad_outputs if grad is not None]
    if not all(isinstance(one, torch.Tensor) for one in (*known, went_out)):
        raise Missing("the gradient is too large to write out")
    if not all(map(is_plain, (*known, went_out))):
        raise Missing("the gradient is no plain tensor")
    if not known:
        return f"nothing came in, yet {_changed(went_out)}"
    outcome = rule._gradient(nr, grad_outputs)
    incoming = rule._incoming(grad_outputs)
    saved, joint = rule._saved, rule._op.part(nr).joint

    def write(ends):
        def value(name):
            if name == "incoming":
                return _value(incoming, ends)
            held = getattr(saved, name)
            return _value(held.mT if name in turned else held, ends)

        formula = filled(template.replace("·", "×"), {}, value, numbers=True)
        formula = f"sum of {formula}" if is_sum else formula
        came = brief(outcome, ends)
        return came if formula == came else f"{formula}{joint}{came}"

    told = fitted(write)
    return told if _same(outcome, went_out) else f"{told}, but {_changed(went_out)}"


def _changed(went_out):
    wrote = fitted(lambda ends: brief(went_out, ends))
    return f"{wrote} went out: changed on the way, as by a hook"


def _value(value, ends):
    """Return a value as text; a list of them (indices, several gradients) without brackets."""
    if isinstance(value, tuple):
        return ", ".join(":" if one is None else brief(one, ends) for one in value)
    return brief(value, ends)


def filled(template: str, known: dict, value, numbers: bool = False) -> str:
    """Return a formula with its ``{name}`` filled in, and ``incoming`` too for the numbers.

    What begins with a minus gets parentheses after a sign and before a power.

    Args:
        known: texts by name.
        value: gives the text for a name that is not in ``known``.
    """

    def put(match):
        sign, power = match["sign"] or "", match["power"] or ""
        name = match["what"].strip("{}")
        if match["what"] == "incoming" and not numbers:
            return match[0]
        text = known[name] if name in known else value(name)
        if text.startswith("-") and (sign or power):
            text = f"({text})"
        return f"{sign}{text}{power}"

    return TOKEN.sub(put, template)


def _shared(saved, nr) -> str:
    """Return the phrase that says over what a gradient was summed, nothing if it was not."""
    made, shape = saved.made[0], saved.shapes[nr]
    ahead = len(made) - len(shape)
    summed = {
        dim for dim, size in enumerate(made)
        if size != 1 and (dim < ahead or shape[dim - ahead] == 1)
    }  # fmt: skip
    if not summed:
        return ""
    count = math.prod(made[dim] for dim in summed)
    matrix = len(made) == 2
    noun = LINES.get(min(summed)) if matrix and len(summed) == 1 else "elements"
    return f", summed over the {count:,} {noun} that share it"


def _same(one, other) -> bool:
    """Return whether two gradients agree within rounding of their dtype."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not one.numel():
        return True
    near = torch.finfo(one.dtype).eps ** 0.5
    largest = one.nan_to_num(0, 0, 0).abs().max().item()
    return torch.allclose(one, other, rtol=near, atol=near * largest, equal_nan=True)


def symbol_of(tensor, called: str, names) -> str:
    """Return what stands for a saved tensor in a formula.

    The caller's name where there is one; for the transpose or another shape of a named
    tensor that name with ``ᵀ`` or ``.view(...)``; the number for a constant; the numbers of
    a short index; else the plain word ``called``.
    """
    if isinstance(tensor, tuple):
        return ", ".join(":" if one is None else symbol_of(one, called, names) for one in tensor)
    if tensor is None:
        return called
    held = names.of(tensor) if names else None
    if held and held.name:
        return held.name
    viewed = _symbol_of_view(tensor, names) if names and tensor._is_view() else None
    if viewed:
        return viewed
    if tensor.requires_grad or tensor.numel() > MOST_INDICES:
        return called
    whole = not tensor.dtype.is_floating_point and tensor.dtype != torch.bool
    return brief(tensor) if whole or tensor.dim() == 0 else called


def _symbol_of_view(tensor, names):
    held = names.of(tensor._base)
    if not held or not held.name:
        return None
    base = held.tensor
    if tensor.dim() == 2 and base.shape == tensor.shape[::-1]:
        return f"{held.name}ᵀ" if base.stride() == tensor.stride()[::-1] else None
    if base.is_contiguous() and tensor.is_contiguous() and base.numel() == tensor.numel():
        return f"{held.name}.view{tuple(tensor.shape)}"
    return None
