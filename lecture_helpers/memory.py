"""Bytes that a graph keeps alive for backward: ``saved_memory`` weighs them."""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import nn

from .asked import names_for, tensors_of
from .devices import peak_bytes
from .graph import collector_paused
from .names import callers_namespaces
from .saved import FREED, KEPT, PACKED, Saved, SavedReader
from .shown import Shown
from .walk import ACCUMULATE_GRAD, class_name, refuse_too_many, walk

PARAMETER, LEAF, INPUT, GRAPH = "parameter", "leaf", "input", "graph"
STRENGTH = (INPUT, GRAPH, LEAF, PARAMETER)  # of several tensors in one memory the last wins


class Piece(NamedTuple):
    """One piece of memory (a storage) that at least one node holds.

    nbytes: all of it, also where a node saved a view of a few elements.
    kind: ``parameter`` (an ``nn.Parameter``, frozen or not), ``leaf`` (any other leaf that
        requires grad), ``input`` (an untracked tensor that the caller holds by name, or that
        was given as ``inputs=``), ``graph`` (all else: what the forward made).
    name: what the caller calls a tensor in it, None where the caller holds none.
    node: id of the first node, in forward order, that holds it.
    """

    nbytes: int
    kind: str
    name: str | None
    node: int


class MemoryRow(NamedTuple):
    """What one node saved for backward.

    node: its id, the number that ``show_graph`` gives it.
    grad_fn: class name of the engine's node, such as ``MulBackward0``.
    name: the caller's variable for what the node made, None where the caller holds none.
    saved: a ``Saved`` for each tensor; the numbers in its ``memory`` are places in
        ``SavedMemory.pieces``.
    new_bytes: bytes of the pieces that no earlier row holds, so that the rows add up to
        the total.
    """

    node: int
    grad_fn: str
    name: str | None
    saved: tuple
    new_bytes: int


class Weighed(Shown):
    """The sums over ``rows`` and ``pieces``, each piece of memory counted once."""

    @property
    def total_bytes(self) -> int:
        """Bytes that the nodes hold, parameters and inputs included."""
        return sum(piece.nbytes for piece in self.pieces)

    @property
    def parameter_bytes(self) -> int:
        """The part of the total in parameters and in other leaves that require grad."""
        return self._bytes(PARAMETER, LEAF)

    @property
    def input_bytes(self) -> int:
        """The part of the total in untracked tensors that no node of the graph made."""
        return self._bytes(INPUT)

    @property
    def graph_bytes(self) -> int:
        """The rest of the total: what the forward made and backward will need."""
        return self._bytes(GRAPH)

    @property
    def held_bytes(self) -> int:
        """The part of ``graph_bytes`` that the caller holds too, under a name."""
        return sum(piece.nbytes for piece in self.pieces if piece.kind == GRAPH and piece.name)

    @property
    def tensors(self) -> int:
        """How many saved tensors the nodes hold. Several may share one piece of memory."""
        return sum(one.state == KEPT or bool(one.memory) for one in self._saved())

    @property
    def packed(self) -> int:
        """How many saved tensors a hook or a checkpoint packed away; they are not weighed."""
        return sum(one.state == PACKED and not one.memory for one in self._saved())

    @property
    def unknown(self) -> int:
        """How many saved tensors do not tell their size; they are not weighed."""
        return sum(one.state == KEPT and not one.memory for one in self._saved())

    @property
    def freed(self) -> bool:
        """Whether a backward has freed what nodes of this graph had saved."""
        return any(one.state == FREED for one in self._saved())

    def to_text(self) -> str:
        """Return the text form, with the device's peak where there is one.

        In a notebook the peak is not shown: the stored outputs are the same on each device.
        """
        words = super().to_text()
        if self.peak_bytes is None:
            return words
        return f"{words}\npeak on the device: {self.peak_bytes:,} bytes"

    def _bytes(self, *kinds) -> int:
        return sum(piece.nbytes for piece in self.pieces if piece.kind in kinds)

    def _saved(self):
        return (one for row in self.rows for one in row.saved)

    def to_html(self) -> str:
        """Return the table as HTML."""
        from .draw import picture_of

        return picture_of(self)


@dataclass(frozen=True, repr=False)
class SavedMemory(Weighed):
    """What the nodes of a graph hold: what ``saved_memory(loss)`` returns.

    It holds no tensor and no node.

    results: what the caller calls the tensors that were asked for; None for one without a name.
    nodes: how many nodes the graph has.
    rows: a ``MemoryRow`` for each node that saved something, in forward order.
    pieces: a ``Piece`` for each storage that they hold.
    hidden: how many nodes hold what Python cannot see (``CopySlices``, an in-place change
        through a view).
    cut: how many nodes have inputs that were not looked at, because the graph is deeper
        than Python can walk safely.
    peak_bytes: the most that the tensors on the result's device held at once since the
        device's counter was last reset; None on the CPU, which has none.
    """

    results: tuple
    nodes: int
    rows: tuple
    pieces: tuple
    hidden: int = 0
    cut: int = 0
    peak_bytes: int | None = field(default=None, compare=False)


def saved_memory(*outputs, inputs=None, **named) -> SavedMemory:
    """Weigh what the graph of ``outputs`` keeps alive for backward, to the byte.

    The nodes are read after the forward, each storage is counted once, and nothing is
    changed: no hook is used, so autograd's check for in-place changes stays on.

    Args:
        outputs: tensors, or lists, tuples, dicts or dataclasses of tensors, nested. A
            module among them names its parameters.
        inputs: tensors to count as inputs whatever they are, such as an input that
            requires grad.
        named: more outputs, under a name of your choice.

    Names come from your local, then your global variables. A graph deeper than Python can
    walk safely is cut as ``show_graph`` cuts it, and the answer says so.

    Returns:
        A ``SavedMemory``: a table in a notebook, text from ``print``, and numbers in
        ``total_bytes``, ``parameter_bytes``, ``input_bytes`` and ``graph_bytes``.

    Raises:
        TypeError: an argument is neither a tensor nor holds one.
        ValueError: more tensors are given than can be looked at safely.
        RuntimeError: torch refuses to tell an output's ``grad_fn``.
    """
    namespaces = callers_namespaces(1)
    with collector_paused(), torch._C.DisableTorchFunctionSubclass():
        by_name = [held for name, thing in named.items()
                   for held in tensors_of(thing, name, "saved_memory")]  # fmt: skip
        asked = [held for thing in outputs for held in tensors_of(thing, "", "saved_memory")]
        asked += by_name
        if not asked:
            raise TypeError(
                "saved_memory was given no tensor; pass the tensor whose graph you want to "
                "weigh, such as saved_memory(loss)"
            )
        refuse_too_many([held.tensor for held in asked], "saved_memory")
        names = names_for(outputs, named, by_name, namespaces)
        given = [] if inputs is None else tensors_of(inputs, "inputs", "saved_memory")
        results = [(names.of(held.tensor) or held).name or None for held in asked]
        nodes = [held.tensor.grad_fn for held in asked]
        walked = walk([node for node in nodes if node is not None])
        weighed = weigh(walked, names, [held.tensor for held in given])
        return SavedMemory(tuple(results), *weighed, peak_bytes(asked[0].tensor.device))


def weigh(walked, names, inputs=()) -> tuple:
    """Return ``nodes``, ``rows``, ``pieces``, ``hidden`` and ``cut`` of a ``SavedMemory``.

    Args:
        walked: the ``Walk`` over the graph; its ``places`` are filled here.
        names: what the caller calls its tensors.
        inputs: tensors to count as inputs whatever they are.
    """
    scales = _Scales(names)
    rows, leaves, hidden, met = [], [], 0, {}
    for place, (node, _) in enumerate(walked.forward()):
        grad_fn = class_name(node)
        if grad_fn == ACCUMULATE_GRAD:
            leaves.append(node.variable)
            continue
        hidden += grad_fn == "CopySlices"
        saved = scales.of(node)
        if not saved:
            continue
        new_bytes = 0
        for number, nbytes in (piece for one in saved for piece in one.memory):
            if number not in met:
                met[number] = nbytes, place
                new_bytes += nbytes
        rows.append(MemoryRow(place, grad_fn, _name(names.of_node(node)), saved, new_bytes))
    kinds = scales.kinds(leaves, inputs)
    pieces = [Piece(nbytes, *kinds.get(number, (GRAPH, None)), place)
              for number, (nbytes, place) in sorted(met.items())]  # fmt: skip
    return len(walked.places), tuple(rows), tuple(pieces), hidden, len(walked.unread)


def _name(held) -> str | None:
    """Return the names of a node's outputs, joined by commas."""
    return ", ".join(held[nr].name for nr in sorted(held)) or None


class _Scales(SavedReader):
    """A ``SavedReader`` that can tell what kind of memory each running number is."""

    def __init__(self, names):
        super().__init__(names)
        self._held = names
        self._made, self._known = set(), {}

    def _kept(self, name, tensor, *more) -> Saved:
        saved = super()._kept(name, tensor, *more)
        if name.startswith("result"):  # so torch calls what the operation itself made
            self._made.update(number for number, _ in saved.memory)
        elif isinstance(tensor, nn.Parameter) or isinstance(tensor._base, nn.Parameter):
            self._known.update((number, (PARAMETER, None)) for number, _ in saved.memory)
        return saved

    def kinds(self, leaves, inputs) -> dict:
        """Return (kind, name) by running number; one that is missing is the graph's own.

        Args:
            leaves: the tensors of the graph's ``AccumulateGrad`` nodes.
            inputs: tensors that the caller gave as inputs.
        """
        known = self._known
        for tensor in leaves:
            self._add(tensor, None)
        for held in self._held.all():
            self._add(held.tensor, held.name)
        for number in self._made & known.keys():
            kind, name = known[number]
            known[number] = GRAPH if kind == INPUT else kind, name
        for tensor in inputs:
            held = self._held.of(tensor)
            for number in self.numbers(tensor):
                known[number] = INPUT, held.name if held else known.get(number, (None, None))[1]
        return known

    def _add(self, tensor, name):
        """Note what is known of a tensor's memory; the stronger kind and its name win."""
        kind = _kind(tensor)
        for number in self.numbers(tensor):
            before, called = self._known.get(number, (INPUT, None))
            stronger = STRENGTH.index(kind) > STRENGTH.index(before)
            self._known[number] = (kind, name or called) if stronger else (before, called or name)


def _kind(tensor) -> str:
    """Return what a tensor that somebody holds makes of its memory."""
    if isinstance(tensor, nn.Parameter):
        return PARAMETER
    if not tensor.requires_grad:
        return INPUT
    return GRAPH if tensor.grad_fn is not None else LEAF
