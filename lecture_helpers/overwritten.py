"""Which saved values were changed in place, what made them, and what changed them.

The graph tells who changed a tensor last where autograd recorded it: the node that stands
at the tensor now is newer than the node that saved it. A ``TrackingMap`` of the forward
tells the statements, and also the changes through ``.data``, which no counter notices.
"""

from typing import NamedTuple

import torch

from .grads import RowVersion, or_instead, shape_of
from .names import Names
from .saved import KEPT, SavedReader, raw_of
from .versions import counter, is_output
from .walk import ACCUMULATE_GRAD, class_name, grad_fn_of, is_leaf, walk

MOST_STEPS = 50  # in-place changes of one tensor that are followed back to what made it


class Overwrite(NamedTuple):
    """One saved value that was changed in place after it was saved.

    node: id of the node that saved it, where backward raises.
    saved: what that node calls it, such as ``result``.
    tensor: what the caller calls it, or None.
    version, now: its version counter when it was saved, and now.
    maker: id of the node that made it, or of its leaf; None where the graph does not tell.
    changer: id of the node that changed it last; None where that is not in this graph.
    changed_by: the class of that node; None where it is not known.
    unrecorded: whether autograd recorded no change, as under no_grad. Only known where
        somebody still holds a tracked tensor of that memory.
    made: the statement that made it, and
    changes: a ``Change`` for each that changed it, where a ``TrackingMap`` tells.
    silent: whether its counter did not move, because all was done through ``.data``: then
        backward does not raise and computes with what stands there now.
    """

    node: int
    saved: str
    tensor: str | None
    version: int | None
    now: int | None
    maker: int | None = None
    changer: int | None = None
    changed_by: str | None = None
    unrecorded: bool = False
    made: str | None = None
    changes: tuple = ()
    silent: bool = False


def overwrites(nodes, walked, reader, lines=None) -> tuple:
    """Return an ``Overwrite`` for each saved value that was changed, in backward's order.

    Those that backward does not notice stand last.

    Args:
        nodes: the ``Node`` of each engine node, by its place in ``walked``.
        reader: the ``SavedReader`` that read them.
        lines: a ``TrackingMap`` of the forward, or None.
    """
    look = _Look(walked, reader, lines)
    found = [look.at(node, one) for node, one in reader.overwritten]
    if lines is not None:
        found += look.silent(nodes)
    return tuple(sorted(found, key=_when_met))


def _when_met(one) -> tuple:
    """Sort as backward meets them. A node asks for its inputs by their names, then its outputs."""
    is_made = one.maker == one.node or one.saved.startswith("result")
    return one.silent, -one.node, is_made, one.saved.partition("[")[0]


class _Look:
    """Looks around in the engine's graph for what made and what changed a saved value."""

    def __init__(self, walked, reader, lines):
        self.walked, self.reader, self.lines = walked, reader, lines
        self.addresses = reader.addresses()
        self._newest = {}

    def at(self, node, one) -> Overwrite:
        """Return what is known of a saved value whose counter has moved."""
        places = self.walked.places
        maker = self._maker(node, one)
        changer = self._changer(node, one)
        return Overwrite(
            places[node], one.name, one.tensor, one.version, one.now,
            places.get(maker), places.get(changer), changer and class_name(changer),
            changer is None and self._is_witnessed(one),
            self._statement(maker), self._changes(node, one),
        )  # fmt: skip

    def silent(self, nodes):
        """Yield the saved values that were changed through ``.data`` alone."""
        for node, place in self.walked.places.items():
            for one in nodes[place].saved:
                if one.state != KEPT or one.overwritten:
                    continue
                changes = tuple(change for change in self._changes(node, one) if change.slips)
                if changes:
                    maker = self._maker(node, one)
                    yield Overwrite(
                        place, one.name, one.tensor, one.version, one.now,
                        self.walked.places.get(maker), made=self._statement(maker),
                        changes=changes, silent=True,
                    )  # fmt: skip

    def _statement(self, maker):
        return None if maker is None or self.lines is None else self.lines.made(maker)

    def _changes(self, node, one) -> tuple:
        if self.lines is None:
            return ()
        return tuple(
            change
            for number, _ in one.memory
            for change in self.lines.changes_of(self.addresses[number], after_node=node)
        )

    def _maker(self, node, one):
        """Return the engine node that made a saved value, or that of its leaf."""
        raw = raw_of(node, one.name)
        if is_output(raw, one.name):
            return node
        tensor = raw.data
        if not tensor.requires_grad or node in self.walked.unread:
            return None
        inputs = [(source, nr) for source, nr in node.next_functions if source is not None]
        if is_leaf(tensor):
            return next((source for source, _ in inputs if _variable(source) is tensor), None)
        shape = shape_of(tensor)
        sources = dict.fromkeys(
            source for source, nr in inputs if shape_of(source._input_metadata[nr]) == shape
        )
        if len(sources) == 1:
            return next(iter(sources))
        return _first_met(tensor, sources)

    def _changer(self, node, one):
        """Return the newest node that wrote to the memory after ``node`` saved it, or None."""
        if not one.memory:
            return None
        number = one.memory[0][0]
        if number not in self._newest:
            writers = [writer for writer in self._writers(number) if writer is not None]
            self._newest[number] = max(writers, key=_number, default=None)
        newest = self._newest[number]
        return newest if newest is not None and _number(newest) > _number(node) else None

    def _is_witnessed(self, one) -> bool:
        """Return whether a tracked tensor of a memory is there that would tell of a recorded write.

        Torch's own copy of a result would not: it stays as it was saved.
        """
        numbers = {number for number, _ in one.memory[:1]}
        held = [held.tensor for number in numbers
                for held in self.reader.held(self.addresses[number])]  # fmt: skip
        saved = [raw_of(node, other.name).data for number in numbers
                 for node, other in self.reader.changed.get(number, ())]  # fmt: skip
        return any(tensor.requires_grad for tensor in (*held, *saved))

    def _writers(self, number):
        """Yield the nodes that stand at a memory now, or saved what they had written there."""
        for held in self.reader.held(self.addresses[number]):
            yield _node_at(held.tensor)
        for node, one in self.reader.changed.get(number, ()):
            raw = raw_of(node, one.name)
            yield node if is_output(raw, one.name) else _node_at(raw.data)


def _number(node) -> int:
    return node._sequence_nr()


def row_versions(tensors) -> tuple:
    """Return a ``RowVersion`` for each tensor.

    The nodes that saved it are searched for in the graphs of all of them, as far as ``walk``
    goes.
    """
    reader, saved_at = SavedReader(Names()), {}
    with torch._C.DisableTorchFunctionSubclass():
        roots = [root for root in map(grad_fn_of, tensors) if root is not None]
        found = walk(dict.fromkeys(roots))
        for node, _ in found.forward():
            reader.of(node)
        for node, one in reversed(reader.overwritten):  # in the order in which backward goes
            for number, _ in one.memory[:1]:
                saved_at.setdefault(number, {})[node] = class_name(node), one.version
        return tuple(
            RowVersion(counter(tensor), tuple(saved_at.get(reader.number(tensor), {}).values()))
            for tensor in tensors
        )


def _node_at(tensor):
    """Return the node that stands at the whole of a tensor's memory; None where there is none.

    A view is passed over for its base: reading a view after its base was changed makes a node.
    """
    return or_instead(lambda: grad_fn_of(tensor._base if tensor._is_view() else tensor), None)


def _variable(node):
    """Return the leaf that an ``AccumulateGrad`` belongs to, None for any other node."""
    return node.variable if class_name(node) == ACCUMULATE_GRAD else None


def _first_met(tensor: torch.Tensor, sources):
    """Return the first of ``sources`` on the way back through the changes of a tensor."""
    node = grad_fn_of(tensor)
    for _ in range(MOST_STEPS):
        if node is None or node in sources:
            return node
        inputs = node.next_functions
        node = inputs[0][0] if inputs else None
    return None
