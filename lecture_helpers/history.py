"""``.grad`` over several backward calls: ``grad_history`` writes down who added what."""

import contextlib
import threading
from typing import NamedTuple

import torch
from torch import nn
from torch.autograd.graph import get_gradient_edge
from torch.utils.weak import TensorWeakRef

from .grads import given_tensors, or_instead, shortened
from .names import Held, callers_namespaces
from .shown import Shown
from .source import running_statement
from .walk import is_leaf

START, BACKWARD, RESET, CHANGED = "start", "backward", "reset", "changed"
_graph_task_id = getattr(torch._C, "_current_graph_task_id", None)  # private in torch


class HistoryRow(NamedTuple):
    """One thing that happened to the ``.grad`` of one tensor.

    kind: ``start`` (what was there), ``backward``, ``reset`` (to None, or filled with
        zeros) or ``changed`` (any other change that no backward made).
    number: which backward call, counted from 1; None for the other kinds.
    source: the caller's statement that ran the backward, None where it is not known.
    name: of the tensor.
    before, added, after: nested lists of numbers as in ``GradRow``. None stands for no
        gradient, and for what a kind does not have: only ``backward`` has ``added``,
        and ``start`` has no ``before``.
    """

    kind: str
    number: int | None
    source: str | None
    name: str
    before: object
    added: object
    after: object


class GradHistory(Shown):
    """A table that grows with each backward call in its block; see ``grad_history``."""

    def __init__(self, leaves: list[Held]):
        self._log = _Log(leaves)
        self._hooks = None

    @property
    def rows(self) -> tuple:
        """What was written down so far: a tuple of ``HistoryRow``."""
        return tuple(self._log.rows)

    @property
    def names(self) -> tuple:
        """The names of the tensors that are watched."""
        return tuple(held.name for held in self._log.leaves)

    def __enter__(self):
        if self._hooks is not None:
            raise RuntimeError(
                "this grad_history is recording already; leave its block before you enter it again"
            )
        _refuse_unwatchable(self._log.leaves)
        self._log.open()
        with contextlib.ExitStack() as hooks:
            for place, held in enumerate(self._log.leaves):
                _hook(held.tensor, place, self._log, hooks)
            self._hooks = hooks.pop_all()
        return self

    def __exit__(self, *raised):
        hooks, self._hooks = self._hooks, None
        hooks.close()
        self._log.close()

    def to_html(self) -> str:
        """Return the table as HTML."""
        from .draw import picture_of

        return picture_of(self)


def grad_history(*tensors, **named) -> GradHistory:
    """Watch ``.grad`` in a block: what each backward call added, and when it was reset.

    ::

        with grad_history(w) as history:
            ((w * 1 - 1) ** 2).backward()
            ((w * 3 - 1) ** 2).backward()
            w.grad = None
        history

    Args:
        tensors: leaves that require grad, modules (those of their parameters), or lists,
            tuples, dicts or dataclasses of leaves. A tensor is named as your variable is.
        named: the same, under a name of your choice.

    Entered again, with ``with history:``, it goes on. Tensors that one backward reached
    stand in the order given. ``added`` is the sum that backward
    brought to the tensor, after the tensor's hooks; ``after`` is read when the hooks that
    run after accumulation have run, so an optimizer step in such a hook shows.

    Nothing tells when ``.grad`` is reset or written to. It is noticed at the next backward
    call that reaches a watched tensor, or at the end of the block, so of several changes
    in between only the last state is seen. A large gradient is compared by its identity
    and version, not by its values: there a write through ``.data`` goes unnoticed. A
    reentrant checkpoint runs backward calls of its own, which are counted.

    Hooks stay only while the block runs.

    Raises:
        TypeError: an argument is neither a tensor nor holds one.
        ValueError: a tensor is computed, does not require grad, or has no values yet.
        RuntimeError: the block is entered while it runs.
    """
    frozen = {id(parameter) for thing in (*tensors, *named.values()) if isinstance(thing, nn.Module)
              for parameter in thing.parameters() if not parameter.requires_grad}  # fmt: skip
    leaves = {}
    for held in given_tensors("grad_history", tensors, named, callers_namespaces(1)):
        if id(held.tensor) not in frozen:
            leaves.setdefault(id(held.tensor), held)
    if not leaves:
        raise ValueError(
            "grad_history was given frozen parameters only, which backward leaves alone; pass a "
            "module with a parameter that requires grad"
        )
    _refuse_unwatchable(leaves.values())
    return GradHistory(list(leaves.values()))


def _refuse_unwatchable(leaves) -> None:
    """Raise ValueError for a tensor whose ``.grad`` backward would not fill."""
    for name, tensor in leaves:
        if not is_leaf(tensor):
            raise ValueError(
                f"grad_history was given {name}, which an operation made; backward fills the "
                f".grad of leaves, so pass the leaves that it was computed from"
            )
        if not tensor.requires_grad:
            raise ValueError(
                f"grad_history was given {name}, which does not require grad, so backward never "
                f"fills its .grad; make it with requires_grad=True or leave it out"
            )
        if nn.parameter.is_lazy(tensor):
            raise ValueError(
                f"grad_history was given {name}, a parameter of a lazy module that has no values "
                f"yet; run the module once before"
            )


def _hook(leaf, place, log, hooks: contextlib.ExitStack) -> None:
    """Put two hooks on the node that writes ``leaf.grad``; ``hooks`` takes them away.

    Tensor hooks, whenever they were registered, run before the first; hooks that run
    after accumulation run before the second. ``hooks`` also keeps the node: the engine
    makes another one when nobody holds it. The hooks themselves refer to the log, which
    knows no node; a hook that held its own node would keep it for ever.
    """
    node = get_gradient_edge(leaf).node
    before = node.register_prehook(lambda gradients: log.arrives(place, gradients[0]))
    after = node.register_hook(lambda _, __: log.arrived(place))
    hooks.callback(_remove, node, (before, after))


def _remove(_node, handles) -> None:
    for handle in handles:
        handle.remove()


class _Seen(NamedTuple):
    """A ``.grad`` when it was last looked at, without keeping it alive."""

    shown: object
    grad: TensorWeakRef | None
    version: int | None

    def same(self, now: "_Seen") -> bool:
        """Tell whether nothing changed; exactly where all values are shown, NaN included."""
        if repr(self.shown) != repr(now.shown):
            return False
        if "Ellipsis" not in repr(self.shown):
            return True
        return self.grad() is now.grad() and self.version == now.version


def _look(leaf) -> _Seen:
    grad = leaf.grad
    if grad is None:
        return _Seen(None, None, None)
    version = or_instead(lambda: grad._version, None)  # a gradient of inference mode has none
    return _Seen(shortened(grad), TensorWeakRef(grad), version)


class _Log:
    """What the hooks write. It knows the leaves and no node, see ``_hook``."""

    def __init__(self, leaves):
        self.leaves, self.rows = leaves, []
        self._places = []  # of each row's tensor among the leaves
        self._seen = [_Seen(None, None, None)] * len(leaves)
        self._calls = {}  # the engine's number of a backward call -> ours, its source
        self._met = set()
        self._arriving = {}
        self._lock = threading.RLock()  # the engine has a thread for each CUDA device

    def open(self) -> None:
        """Note what is there the first time, and what has changed since the last time."""
        self._thread = threading.get_ident()
        if self.rows:
            self._notice(range(len(self.leaves)))
            return
        for place, (name, leaf) in enumerate(self.leaves):
            self._seen[place] = _look(leaf)
            row = HistoryRow(START, None, None, name, None, None, self._seen[place].shown)
            self._write(place, row)

    def close(self) -> None:
        """Note what has changed; what a failed backward began is forgotten."""
        self._arriving.clear()
        self._notice(range(len(self.leaves)))

    def arrives(self, place, gradient) -> None:
        """Note a gradient that is about to be accumulated into a leaf."""
        with self._lock:
            task = self._task(place)
            if task not in self._calls:
                self._notice(range(len(self.leaves)))  # a reset of several stands together
                self._calls[task] = len(self._calls) + 1, running_statement(self._thread)
            else:
                self._notice([place])
            added = None if gradient is None else shortened(gradient)
            self._arriving[place, threading.get_ident()] = (*self._calls[task], added)

    def arrived(self, place) -> None:
        """Write the row of a gradient that was accumulated."""
        with self._lock:
            arriving = self._arriving.pop((place, threading.get_ident()), None)
            if arriving is None:  # the block was entered in the middle of a backward
                return
            number, source, added = arriving
            name, leaf = self.leaves[place]
            before, now = self._seen[place], _look(leaf)
            self._seen[place] = now
            row = HistoryRow(BACKWARD, number, source, name, before.shown, added, now.shown)
            self._write(place, row)

    def _write(self, place, row) -> None:
        """Add a row. Those of one backward stand in the order of the leaves, since the
        order in which the engine takes leaves that are ready at once is nowhere promised."""
        at = len(self.rows)
        while (
            at and self.rows[at - 1][:2] == (BACKWARD, row.number) and self._places[at - 1] > place
        ):
            at -= 1
        self.rows.insert(at, row)
        self._places.insert(at, place)

    def _notice(self, places) -> None:
        """Write a row for each ``.grad`` that changed since it was last looked at."""
        for place in places:
            name, leaf = self.leaves[place]
            before, now = self._seen[place], _look(leaf)
            if before.same(now):
                continue
            self._seen[place] = now
            cleared = before.shown is not None and _is_clear(leaf.grad)
            kind = RESET if cleared else CHANGED
            row = HistoryRow(kind, None, None, name, before.shown, None, now.shown)
            self._write(place, row)

    def _task(self, place):
        """Return what tells backward calls apart.

        Where torch cannot tell, a leaf that is met again starts another call.
        """
        if _graph_task_id is not None:
            return _graph_task_id()
        if place in self._met:
            self._met.clear()
        if not self._met:
            self._guessed = object()
        self._met.add(place)
        return self._guessed


def _is_clear(grad) -> bool:
    return grad is None or or_instead(lambda: not grad.any(), False)
