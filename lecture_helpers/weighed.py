"""What the nodes of a graph hold, as plain data with its sums."""

from dataclasses import dataclass, field
from typing import NamedTuple

from .saved import FREED, KEPT, PACKED
from .shown import Shown

PARAMETER, LEAF, INPUT, GRAPH = "parameter", "leaf", "input", "graph"


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


class OnCtx(NamedTuple):
    """A tensor that a custom Function keeps on its ``ctx``, not by ``save_for_backward``.

    node, grad_fn: id and class name of its node.
    attribute: where it stands, such as ``big`` for ``ctx.big``.
    nbytes: of its memory, which no node saved. No backward frees it.
    """

    node: int
    grad_fn: str
    attribute: str
    nbytes: int


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
    on_ctx: an ``OnCtx`` for each tensor that a custom Function keeps by itself; not in the
        sums.
    hidden: how many nodes hold what Python cannot see (``CopySlices``, an in-place change
        through a view).
    cut: how many nodes have inputs that were not looked at, because the graph is deeper
        than Python can walk safely.
    peak_bytes: the most that tensors on the first result's device held at once since the
        device's counter was last reset; None on the CPU, which has none.
    """

    results: tuple
    nodes: int
    rows: tuple
    pieces: tuple
    on_ctx: tuple = ()
    hidden: int = 0
    cut: int = 0
    peak_bytes: int | None = field(default=None, compare=False)
