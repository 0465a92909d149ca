"""The saved tensors of a walked graph, weighed: each piece of memory once, and whose it is."""

import torch
from torch import nn
from torch.autograd.function import BackwardCFunction

from .names import tensors_in
from .saved import PACKED, PREFIX, Saved, SavedReader, sizes
from .walk import ACCUMULATE_GRAD, class_name
from .weighed import GRAPH, INPUT, LEAF, PARAMETER, MemoryRow, OnCtx, Piece

STRENGTH = (INPUT, GRAPH, LEAF, PARAMETER)  # of several tensors in one memory the last wins


class Weighing:
    """What the nodes of a walk hold. It keeps nodes and tensors alive itself: drop it soon.

    nodes, rows, pieces, on_ctx, hidden, cut: as in ``SavedMemory``.
    leaves: the tensors of the graph's ``AccumulateGrad`` nodes.
    packing: the nodes for which a hook or checkpoint packed something away.
    kept_on_ctx: (tensor, words) for each tensor on a ``ctx``.
    scales: the reader, which knows each memory by its running number.
    """

    def __init__(self, walked, names, inputs=()):
        self.scales = _Scales(names)
        self.leaves, self.kept_on_ctx, self.packing, self.hidden = [], [], [], 0
        rows, met, on_ctx = [], {}, []
        for place, (node, _) in enumerate(walked.forward()):
            grad_fn = class_name(node)
            if grad_fn == ACCUMULATE_GRAD:
                self.leaves.append(node.variable)
                continue
            self.hidden += grad_fn == "CopySlices"
            if isinstance(node, BackwardCFunction):
                on_ctx += [(place, grad_fn, held) for held in _on_ctx(node)]
            saved = self.scales.of(node)
            if saved:
                if any(one.state == PACKED for one in saved):
                    self.packing.append(node)
                name = _joined(names.of_node(node))
                rows.append(MemoryRow(place, grad_fn, name, saved, _new(saved, met, place)))
        kinds = self.scales.kinds(self.leaves, inputs)
        self.nodes, self.cut, self.rows = len(walked.places), len(walked.unread), tuple(rows)
        self.pieces = tuple(
            Piece(nbytes, *kinds.get(number, (GRAPH, None)), place)
            for number, (nbytes, place) in sorted(met.items())
        )
        self.on_ctx = tuple(self._beside(on_ctx))

    def packed(self):
        """Yield torch's ``SavedTensor`` for each place where a hook packed something."""
        for node in self.packing:
            for name in dir(node):
                if name.startswith(PREFIX):
                    raw = getattr(node, name)
                    yield from raw if isinstance(raw, tuple) else (raw,)

    def _beside(self, on_ctx):
        """Yield an ``OnCtx`` for each memory on a ``ctx`` that no node saved."""
        met = set()
        for place, grad_fn, (attribute, tensor) in on_ctx:
            self.kept_on_ctx.append((tensor, f"ctx.{attribute} of {grad_fn}"))
            nbytes = 0
            for key, size in sizes(tensor).items():
                if key not in met and key not in self.scales.numbers:
                    met.add(key)
                    nbytes += size
            if nbytes:
                yield OnCtx(place, grad_fn, attribute, nbytes)


def _on_ctx(node):
    """Yield a ``Held`` for each tensor among the attributes of a custom Function's ``ctx``.

    The node is the ``ctx``. What ``save_for_backward`` took is not among them.
    """
    for attribute, value in vars(node).items():
        yield from tensors_in(value, attribute, quick=True)


def _joined(held) -> str | None:
    """Return the names of a node's outputs, joined by commas."""
    return ", ".join(held[nr].name for nr in sorted(held)) if held else None


def _new(saved, met, place) -> int:
    """Return the bytes of the memory that was not met before, and note where it was met."""
    new = 0
    for number, nbytes in (piece for one in saved for piece in one.memory):
        if number not in met:
            met[number] = nbytes, place
            new += nbytes
    return new


class _Scales(SavedReader):
    """A ``SavedReader`` that can tell what kind of memory each running number is."""

    def __init__(self, names):
        super().__init__(names)
        self._held, self._made, self._known = names, set(), {}

    def _kept(self, name, tensor, *more) -> Saved:
        saved = super()._kept(name, tensor, *more)
        if name.startswith("result"):  # so torch calls what the operation itself made
            self._made.update(number for number, _ in saved.memory)
        elif not tensor.requires_grad and _is_parameter(tensor):  # the others are leaves
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
            for number in self._numbers_of(tensor):
                known[number] = INPUT, held.name if held else known.get(number, (None, None))[1]
        return known

    def _add(self, tensor, name):
        """Note what is known of a tensor's memory; the stronger kind and its name win."""
        kind = _kind(tensor)
        for number in self._numbers_of(tensor):
            before, called = self._known.get(number, (INPUT, None))
            stronger = STRENGTH.index(kind) > STRENGTH.index(before)
            self._known[number] = (kind, name or called) if stronger else (before, called or name)

    def _numbers_of(self, tensor) -> list:
        return [self.numbers[key] for key in sizes(tensor) if key in self.numbers]


def _is_parameter(tensor) -> bool:
    """Return whether this is an ``nn.Parameter`` or a view of one."""
    if type(tensor) is torch.Tensor:
        tensor = tensor._base
    return tensor is not None and isinstance(tensor, nn.Parameter)


def _kind(tensor) -> str:
    """Return what a tensor that somebody holds makes of its memory."""
    if isinstance(tensor, nn.Parameter):
        return PARAMETER
    if not tensor.requires_grad:
        return INPUT
    return GRAPH if tensor.grad_fn is not None else LEAF
