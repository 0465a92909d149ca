"""Rules of the clamps. What they pass at a bound depends on torch, so torch is asked.

Before torch 2.14 an element at a bound passed its gradient on. From 2.14 on it passes
nothing at a bound that is a number, and shares it equally with a bound that is a tensor.
"""

from functools import cache

import torch

from .table import Part, op


@cache
def passes_at_a_bound() -> bool:
    """Return whether an element that equals its bound gets the whole gradient."""
    with torch.inference_mode(False), torch.enable_grad():
        x = torch.zeros((), requires_grad=True, device="cpu")
        return torch.autograd.grad(x.clamp(min=0), x)[0].item() == 1


def _bounds(s):
    return s.optional("min"), s.optional("max")


def _inside(s):
    """Return where an element lies between its bounds, those that do not pass left out."""
    low, high = _bounds(s)
    inside = torch.ones_like(s.self, dtype=torch.bool)
    if low is not None:
        inside = inside & (s.self >= low if passes_at_a_bound() else s.self > low)
    if high is not None:
        inside = inside & (s.self <= high if passes_at_a_bound() else s.self < high)
    return inside


def _shares(s):
    """Return where an element and one bound, a tensor, share the gradient."""
    low, high = _bounds(s)
    if passes_at_a_bound():
        return torch.zeros_like(s.self, dtype=torch.bool)
    if low is None or high is None:
        return s.self == (high if low is None else low)
    return (low < high) & ((s.self == low) | (s.self == high))


def _element_code(g, s):
    if passes_at_a_bound():
        return torch.where(_inside(s), g, 0)
    low, high = _bounds(s)
    outside = torch.zeros_like(s.self, dtype=torch.bool)  # a NaN is on no side of a bound
    outside = outside if low is None else outside | (s.self < low)
    outside = outside if high is None else outside | (s.self > high)
    return torch.where(outside, 0, torch.where(_shares(s), g / 2, g))


def _low_code(g, s):
    low, high = _bounds(s)
    if high is None:
        gets = s.self < low if passes_at_a_bound() else ~(s.self > low)
    else:  # before torch 2.14 nothing gets the gradient at two equal bounds
        gets = (s.self < low) & (low < high if passes_at_a_bound() else low <= high)
    return torch.where(_shares(s) & (s.self == low), g / 2, torch.where(gets, g, 0))


def _high_code(g, s):
    low, high = _bounds(s)
    if low is None:
        gets = s.self > high if passes_at_a_bound() else ~(s.self < high)
    else:
        above = s.self > high
        gets = (above if passes_at_a_bound() else above & (low <= high)) | (high < low)
    return torch.where(_shares(s) & (s.self == high), g / 2, torch.where(gets, g, 0))


def _within(s):
    sign = "<=" if passes_at_a_bound() else "<"
    lower = f"{{min}} {sign} " if s.get("min") is not None else ""
    upper = f" {sign} {{max}}" if s.get("max") is not None else ""
    return f"incoming × ({lower}{{self}}{upper})"


def _told(symbols):
    """Return symbols that say so where an element and its bound share the gradient."""

    def tell(s):
        try:
            shared = bool(_shares(s).any())
        except Exception:  # a value is missing; the line says so itself
            shared = False
        return (symbols if isinstance(symbols, str) else symbols(s)) + ", half if equal" * shared

    return tell


WORDS = "The gradient passes where the element lies within the bounds, and is 0 outside."
BY_NUMBERS = op(WORDS, Part(_within, lambda g, s: torch.where(_inside(s), g, 0)))

CLAMPS = {
    "ClampBackward0": op(
        f"{WORDS} There it goes to the bound that was put in the element's place.",
        Part(_told(_within), _element_code),
        Part(_told("incoming × ({self} < {min})"), _low_code),
        Part(_told("incoming × ({self} > {max})"), _high_code),
        broadcasts=True,
    ),
    "ClampBackward1": BY_NUMBERS,
    "ClampMinBackward0": BY_NUMBERS,
    "ClampMaxBackward0": BY_NUMBERS,
}
