"""Bytes that a graph keeps alive for backward: ``saved_memory`` weighs them."""

import gc
from typing import NamedTuple

import torch
from torch.utils.weak import TensorWeakRef

from .alive import Watch, explain
from .asked import asked_for, tensors_of
from .devices import device, peak_bytes, reset_peak
from .graph import collector_paused
from .names import MOST_TENSORS, Names, callers_namespaces
from .shown import Shown
from .walk import safe_depth, walk
from .weighed import SavedMemory, Weighed
from .weighing import Weighing

HELPER = "saved_memory"
NEW, OPEN, ENDED, RAISED = "new", "open", "ended", "raised"  # states of a block


def saved_memory(*outputs, inputs=None, **named):
    """Weigh what a graph keeps alive for backward, to the byte.

    ``saved_memory(loss)`` reads the nodes of a graph after the forward. Each storage is
    counted once. Nothing is changed: no hook is used, so autograd's check for in-place
    changes stays on.

    Without a tensor it is the proof, a block that watches every storage made in it::

        with saved_memory() as memory:
            loss = net(x).pow(2).mean()
        memory

    It weighs the graphs that hang on what the block made, and says beside that how many
    bytes the block made, how many are alive at its end, and why; see ``WatchedMemory``.

    Args:
        outputs: tensors, or lists, tuples, dicts or dataclasses of tensors, nested. A
            module among them names its parameters.
        inputs: tensors to count as inputs whatever they are, such as an input that
            requires grad.
        named: more outputs, under a name of your choice.

    Names come from your local, then your global variables. A graph deeper than Python can
    walk safely is cut as ``show_graph`` cuts it, and the answer says so.

    Returns:
        A ``SavedMemory``, or a ``WatchedMemory`` for a block: a table in a notebook, text
        from ``print``, and numbers in ``total_bytes``, ``parameter_bytes``, ``input_bytes``
        and ``graph_bytes``.

    Raises:
        TypeError: an argument is neither a tensor nor holds one.
        ValueError: more tensors are given than can be looked at safely.
        RuntimeError: torch refuses to tell an output's ``grad_fn``.
    """
    given = [] if inputs is None else tensors_of(inputs, "inputs", HELPER)
    given = [held.tensor for held in given]
    if not outputs and not named:
        return WatchedMemory(given)
    return _weigh(outputs, named, given, callers_namespaces(1))


def _weigh(outputs, named, inputs, namespaces) -> SavedMemory:
    with collector_paused(), torch._C.DisableTorchFunctionSubclass():
        asked, by_name, names = asked_for(
            outputs, named, namespaces, HELPER, "whose graph you want to weigh"
        )
        asked += by_name
        called = [names.of(held.tensor) for held in asked]
        results = tuple(held and held.name for held in called)
        nodes = [held.tensor.grad_fn for held in asked]
        weighing = Weighing(walk([node for node in nodes if node is not None]), names, inputs)
        return _memory(results, weighing, peak_bytes(asked[0].tensor.device))


def _memory(results, weighing, peak) -> SavedMemory:
    return SavedMemory(
        results,
        weighing.nodes,
        weighing.rows,
        weighing.pieces,
        weighing.on_ctx,
        weighing.hidden,
        weighing.cut,
        peak,
    )


class _Found(NamedTuple):
    made: int
    made_bytes: int
    alive: tuple
    earlier_bytes: int
    more: bool


def _of(part, name):
    """Return a property that reads an attribute of a block's ``_memory`` or ``_found``."""

    def read(self):
        found = getattr(self, part)
        if found is None:
            raise RuntimeError(
                f"{name} of this saved_memory is known when its block has ended, without an error"
            )
        return getattr(found, name)

    return property(read)


class WatchedMemory(Weighed):
    """A block in which every storage is watched: what ``with saved_memory() as memory:`` gives.

    When the block has ended it has all that a ``SavedMemory`` has, of the graphs that hang
    on what the block made and what is still alive, and beside it:

    made: how many storages the block made.
    made_bytes: their bytes.
    alive_bytes: the bytes of those that were alive at the end of the block.
    alive: a tuple of ``AlivePart``, which add up to ``alive_bytes``: who holds them.
    earlier_bytes: the part of ``total_bytes`` that the block did not make (parameters and
        inputs from before, numbers in a formula). The rest of the total is in ``alive``.
    more: whether there are more results than the 1,000 newest, whose graphs are weighed (fewer
        where the stack is small). Graphs of older results that no newer one leads to are not.
    peak_bytes: the most that tensors held at once during the block on the course's device;
        None on the CPU.

    It holds no tensor and no node. What operations make on other threads is not seen. In
    the block each operation takes longer, and torch may give two nodes other names
    (``ViewBackward0`` for ``ReshapeAliasBackward0``). Python's garbage collector runs at the
    end of the block, so what waits for it is not counted as alive.

    Raises:
        RuntimeError: it is asked before its block has ended, or entered while it runs.
    """

    results, nodes, rows, pieces, on_ctx, hidden, cut, peak_bytes = (
        _of("_memory", name) for name in SavedMemory.__dataclass_fields__
    )
    made, made_bytes, alive, earlier_bytes, more = (_of("_found", name) for name in _Found._fields)

    def __init__(self, inputs):
        self._inputs = [TensorWeakRef(tensor) for tensor in inputs]
        self._watch = self._memory = self._found = None
        self.state = NEW

    def __enter__(self):
        if self.state == OPEN:
            raise RuntimeError(
                "this saved_memory is watching already; leave its block before you enter it again"
            )
        for other in _open:
            other._note_peak()
        reset_peak(device)
        self._peak = None
        self._watch, self._memory, self._found = Watch(), None, None
        self._watch.__enter__()
        self.state = OPEN
        _open.append(self)
        return self

    def __exit__(self, *raised):
        _open.remove(self)
        self._note_peak()
        self._watch.__exit__(*raised)
        self.state = RAISED
        if raised[0] is None:
            self._end(callers_namespaces(1))
            self.state = ENDED

    def _end(self, namespaces):
        """Weigh what the graphs hold and look up why the rest is alive.

        The first use of a part of torch leaves frames behind in cycles, with what they held.
        So Python's garbage collector runs first: the answer is the same each time.
        """
        gc.collect()
        with torch._C.DisableTorchFunctionSubclass():
            names = Names()
            names.add_namespaces(namespaces)
            nodes, more = self._watch.roots(min(MOST_TENSORS, safe_depth() // 2))
            walked = walk(nodes)
            inputs = [tensor for one in self._inputs if (tensor := one()) is not None]
            weighing = Weighing(walked, names, inputs)
            self._memory = _memory(_results(walked, names), weighing, self._peak)
            numbers = weighing.scales.numbers
            earlier = [number for key, number in numbers.items() if not self._watch.has(key)]
            self._found = _Found(
                *self._watch.made,
                explain(self._watch, weighing, names, namespaces),
                sum(self.pieces[number].nbytes for number in earlier),
                more,
            )

    @property
    def alive_bytes(self) -> int:
        """Bytes of what the block made and what was alive at its end."""
        return sum(part.nbytes for part in self.alive)

    @property
    def alive_now(self) -> int:
        """Bytes of what the block made and what is alive at this moment."""
        return 0 if self._watch is None else sum(self._watch.alive().values())

    def to_text(self) -> str:
        """Return the text form, with the device's peak where there is one."""
        return super().to_text() if self.state == ENDED else Shown.to_text(self)

    def _note_peak(self):
        """Note the device's peak so far, before a block inside this one resets it."""
        peak = peak_bytes(device)
        if peak is not None:
            self._peak = max(peak, self._peak or 0)


_open = []  # the blocks that are running, the outermost first


def _results(walked, names) -> tuple:
    """Return the names of the results at the ends of the graphs, None where none has one."""
    used = {source for node in walked.places if node not in walked.unread
            for source, _ in node.next_functions}  # fmt: skip
    ends = [node for node in walked.places if node not in used]
    called = [held.name for node in ends for held in names.of_node(node).values()]
    return tuple(called) or (None,) * len(ends)
