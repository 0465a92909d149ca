"""Numbers, shapes and names in words."""

import re
import unicodedata

import torch

from ..brief import number
from ..nodes import Node

MOST_LISTED = 8  # inputs or outputs of one node that are listed
LONGEST_NAME = 28


def printable(words: str) -> str:
    """Return text that a terminal and XML can hold, on one line.

    Control characters, line ends, lone surrogates and what Unicode has not assigned
    are replaced by U+FFFD.
    """
    return "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co", "Zl", "Zp") else c
        for c in words
    )


def shorten(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name of at most ``longest`` printable characters, cut in the middle."""
    name = printable(name)
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def operation(grad_fn: str) -> str:
    """Return the plain name of the operation behind a class of ``grad_fn``.

    ``MulBackward0`` is ``mul``, ``LogSoftmaxBackward0`` is ``log_softmax``. A custom
    Function keeps its own class name: ``CubeBackward`` is ``Cube``.
    """
    built_in = re.fullmatch(r"(.+)Backward\d+", grad_fn)
    if not built_in:
        return grad_fn.removesuffix("Backward") or grad_fn
    words = re.sub(
        r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=\d)(?=[A-Z][a-z])", "_", built_in[1]
    )
    return words.lower()


def size(shape, value=None, dtype=None) -> str:
    """Return a tensor's shape (not that of a 0-d tensor whose value is known), the
    value where it is one number, and the dtype where it is an unusual one."""
    words = "" if shape is None else _shape(shape) if shape or value is None else ""
    if value is not None:
        words += f" {number(value)}"
    if dtype is not None and dtype not in (torch.float32, torch.int64, torch.bool):
        words += f" {str(dtype).removeprefix('torch.')}"
    return words.strip()


def _shape(shape) -> str:
    return str(tuple(shape)) if len(shape) else "scalar"


def label(node: Node) -> str:
    """Return the name a node goes by: a leaf's own name, an operation's plain name."""
    if node.is_leaf:
        return node.name or "leaf"
    return operation(node.grad_fn)


def number_of(count: int, noun: str) -> str:
    """Return a count with its noun, ``1 node`` or ``2,000 nodes``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: list) -> str:
    """Return words joined by commas, at most eight of them."""
    more = len(words) - MOST_LISTED
    return ", ".join(words[:MOST_LISTED]) + (f", and {more:,} more" if more > 0 else "")
