"""The shape that every operation has in the tables of rules.

One row is one class of engine node::

    "SinBackward0": op(
        "The slope of a sine is the cosine.",
        Part("incoming × cos({self})", lambda g, s: g * s.self.cos()),
    )

with one ``Part`` per input. ``g`` is the gradient that comes in, ``s`` what the node
saved (``Saved`` below). Where an operation made several outputs, ``g`` is the tuple of
their gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
TWO = {"self": "left", "other": "right"}  # what two inputs without a name are called


class Missing(Exception):
    """A saved value is not there; the argument says why, in a few words."""


class Part(NamedTuple):
    """How the gradient of one input is made.

    symbols: the formula, with ``incoming`` for the gradient that comes in and ``{name}``
        for what the node saved under that name; or a function of ``s`` that gives it.
    code: the formula as a function of ``g`` and ``s``. It may leave the sum over
        broadcast elements and the cast to the input's dtype to ``Rule.apply``.
    joint: what stands between the formula and its outcome: `` = ``, or ``: `` after a
        formula that ends in words.
    """

    symbols: str | Callable
    code: Callable
    joint: str = " = "


def moved(symbols, code) -> Part:
    """Return a ``Part`` whose formula is words: the gradient is moved, not multiplied."""
    return Part(symbols, code, ": ")


@dataclass(frozen=True)
class Op:
    """The rule of one operation.

    words: the rule in one or two sentences.
    parts: a tuple with a ``Part`` per input, or a function that gives the ``Part`` of
        an input number (for operations on a list of tensors).
    called: what a saved tensor without a name is called, by its saved name.
    broadcasts: whether an input may have been stretched, so that its gradient is a sum.
    gathers: whether ``g`` is the gradients of all outputs, those that nobody used as zeros.
    """

    words: str
    parts: tuple | Callable
    called: dict = field(default_factory=dict)
    broadcasts: bool = False
    gathers: bool = False

    def part(self, input_nr: int) -> Part | None:
        """Return the ``Part`` of an input, None where it has no gradient."""
        if callable(self.parts):
            return self.parts(input_nr)
        return self.parts[input_nr] if input_nr < len(self.parts) else None


def op(words, *parts, **others) -> Op:
    """Return an ``Op`` with one ``Part`` per input."""
    return Op(words, parts, **others)


class Saved:
    """What an engine node saved, as small copies; ``s`` in the tables.

    Attributes have the names that torch gives them: ``s.self``, ``s.result``, ``s.dim``.
    Reading one that was freed, packed by a hook or too large raises ``Missing``.

    shapes, dtypes: of each input, None for an untracked one.
    made, made_dtypes, devices: shape, dtype and device of each output.
    """

    def __init__(self, inputs, outputs):
        self.shapes = tuple(meta and tuple(meta.shape) for meta in inputs)
        self.dtypes = tuple(meta and meta.dtype for meta in inputs)
        self.made = tuple(tuple(meta.shape) for meta in outputs)
        self.made_dtypes = tuple(meta.dtype for meta in outputs)
        self.devices = tuple(meta.device for meta in outputs)
        self._held, self._missing = {}, {}

    @property
    def shape(self) -> tuple:
        """The shape of the first input."""
        return self.shapes[0]

    def hold(self, name: str, value) -> None:
        """Keep a saved value."""
        self._held[name] = value

    def miss(self, name: str, why: str) -> None:
        """Remember why a saved value is not there."""
        self._missing[name] = why

    def get(self, name: str):
        """Return a saved value, None where it is missing."""
        return self._held.get(name)

    def optional(self, name: str):
        """Return a saved value, None where this kind of node has no such value."""
        return getattr(self, name) if name in self._held or name in self._missing else None

    def __getattr__(self, name):
        if not name.startswith("_"):
            if name in self._held:
                return self._held[name]
            raise Missing(self._missing.get(name, f"torch does not tell its {name}"))
        raise AttributeError(name)


def zeros_of_input(g, s: Saved) -> torch.Tensor:
    """Return zeros of the first input's shape."""
    return g.new_zeros(s.shape)


def raised(power) -> str:
    """Return a power as it stands after its base: ``²``, ``⁻¹``, ``^0.5``; nothing for 1."""
    if power == 1:
        return ""
    if power == int(power):
        return str(int(power)).translate(str.maketrans("0123456789-", SUPERSCRIPTS))
    return f"^{power:.5g}" if power > 0 else f"^({power:.5g})"
