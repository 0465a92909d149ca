"""Numbers, and small tensors in as few characters as they need: ``14``, not ``14.0``."""

import torch

from .grads import or_instead, shortened

MOST_LISTED = 1000  # elements of a tensor that are turned into numbers
LONGEST = 90
MOST_DIGITS = 1e7  # below it a whole number is shown, and so can be typed, in full
# How many elements stay at each end of a list, from the fullest text to the shortest.
ENDS = (None, (3, 1), (2, 1), (1, 1), (1, 0), (0, 0))


def brief(value, ends=None) -> str:
    """Return a number, a tensor or nested lists as text.

    A whole float loses its ``.0``, any other has at most five significant digits.

    Args:
        value: a number, a tensor of any shape, or nested lists of numbers, where ``...``
            stands for what was left out.
        ends: (first, last), the elements that stay at each end of a longer list, with
            ``…`` between them; None keeps all.
    """
    if isinstance(value, torch.Tensor):
        kept = is_plain(value) and value.numel() <= MOST_LISTED
        value = or_instead(value.detach().tolist, ...) if kept else shortened(value)
    if value is ...:
        return "…"
    if not isinstance(value, (list, tuple)):
        return number(value, point_zero=False)
    parts = list(value)
    if ends is not None and len(parts) > sum(ends):
        first, last = ends
        parts = [*parts[:first], ..., *parts[len(parts) - last :]]
    return "[" + ", ".join(brief(part, ends) for part in parts) + "]"


def is_plain(value) -> bool:
    """Return whether this is a tensor with numbers to read and compare: not a sparse, nested
    or meta one."""
    strided = isinstance(value, torch.Tensor) and value.layout == torch.strided
    return strided and not value.is_nested and not value.is_meta


def fitted(write, longest: int = LONGEST) -> str:
    """Return ``write(ends)`` for the fullest ``ends`` whose text is not too long.

    Args:
        write: makes a text; it hands ``ends`` on to ``brief``.
        longest: characters; where even the shortest text is longer, that one is returned.
    """
    text = ""
    for ends in ENDS:
        text = write(ends)
        if len(text) <= longest:
            break
    return text


def number(value, point_zero: bool = True) -> str:
    """Return a number as Python prints it, at most five significant digits.

    point_zero: whether a float that is whole keeps its ``.0``, so that it never looks like
        an integer.
    """
    if isinstance(value, float):
        if value.is_integer() and abs(value) < MOST_DIGITS:
            return f"{value:.1f}" if point_zero else str(int(value))
        return f"{value:.5g}"
    if isinstance(value, complex):
        real, imaginary = (number(part, point_zero) for part in (value.real, value.imag))
        return f"({real}{'' if value.imag < 0 else '+'}{imaginary}j)"
    return str(value)


def values(nested) -> str:
    """Return nested lists of numbers as text; ``...`` stands for what was left out."""
    if nested is ...:
        return "..."
    if isinstance(nested, list):
        return "[" + ", ".join(values(part) for part in nested) + "]"
    return number(nested)
