"""Line by line, which results of a block autograd tracks: ``tracking_map``."""

import sys
import threading
from typing import NamedTuple

import torch

from .calls import Calls
from .follow import Follower
from .names import namespaces_of
from .shown import Shown
from .source import assigned_once, callers_frame, place_of
from .untracked import NEW_LEAF, NO_CALL

FROM_VALUES = {"from_numpy", "frombuffer", "from_dlpack", "Tensor", "FloatTensor", "DoubleTensor"}


class TrackedLine(NamedTuple):
    """What one statement made.

    number: its line in the block, counted from the ``with``; None for one elsewhere.
    source: the statement on one line; None where there is no source.
    calls: the functions of torch that it called and that made or changed a tensor, each
        once. Those of a function that you wrote stand in its own lines.
    results: a tuple of ``TrackedResult``, each kind once with its count.
    function: the name of the function that it stands in; ``<module>`` for none.
    """

    number: int | None
    source: str | None
    calls: tuple
    results: tuple
    function: str


class TrackingMap(Shown):
    """Which results of a block autograd tracks, line by line; see ``tracking_map``."""

    def __init__(self):
        self._calls = Calls()
        self._follower = Follower(self._calls)
        self._threads = None
        self._running = self._left_threads = False

    @property
    def rows(self) -> tuple:
        """A ``TrackedLine`` for each statement that made a tensor, in the order they ran."""
        return tuple(
            TrackedLine(
                one.number,
                one.place.source,
                tuple(one.calls),
                tuple(one.results.values()),
                one.function,
            )
            for one in self._follower.statements.values()
            if one.results
        )

    @property
    def changes(self) -> tuple:
        """Every change in place: a tuple of ``Change``, in order.

        Of more than 1,000 those of one kind are summed up, see ``Change.times``.
        """
        return self._calls.changes.all()

    @property
    def notes(self) -> tuple:
        """What the map could not follow, in sentences."""
        statements = self._follower.statements.values()
        missed = self._calls.missed + self._follower.missed
        left_out = sum(one.left_out for one in statements)
        said = []
        if any(one.place.source is None for one in statements):
            said.append("The source is not known here, so lines have a number only.")
        if missed:
            said.append(f"Calls of torch that could not be followed: {missed:,}.")
        if left_out:
            said.append(f"Further results of these lines, left out: {left_out:,}.")
        if self._left_threads:
            said.append("A thread that the block started still runs: its calls are not followed.")
        return tuple(said)

    def made(self, node) -> str | None:
        """Return the statement in whose call an engine node was made.

        None where the map does not know: the node was made outside the block or in code
        that it does not follow, or it is an ``AccumulateGrad``. Nodes are told by their
        sequence number, which each thread counts for itself: a node that another thread
        made may be taken for one of this block.
        """
        place = self._calls.made.place(node)
        return None if place is None else place.source

    def changes_of(self, storage_cdata: int, after_node=None) -> tuple:
        """Return the changes of one storage, those after an engine node was made.

        Args:
            storage_cdata: ``tensor.untyped_storage()._cdata``.
            after_node: without it all changes of that storage.
        """
        call = -1 if after_node is None else self._calls.made.call(after_node)
        return self._calls.changes.after(call, storage_cdata)

    def __enter__(self):
        if self._running:
            raise RuntimeError(
                "this tracking_map is recording already; leave its block before you enter it again"
            )
        here = sys._getframe(1)
        frame = callers_frame(here) or here
        self._threads = set(threading.enumerate())
        self._follower.begin(place_of(frame))
        self._calls.open(frame, self._follower.see)
        self._running = True
        return self

    def __exit__(self, kind, error, traceback):
        self._calls.close()
        self._running = False
        here = sys._getframe(1)
        frame = callers_frame(here) or here
        try:
            with torch._C.DisableTorchFunctionSubclass():
                self._follower.finish(frame)
                if kind is None:
                    self._add_unseen(frame)
        except Exception:  # an odd object of the learner's; an error of the block goes first
            self._follower.missed += 1
        self._left_threads |= bool(set(threading.enumerate()) - self._threads)
        self._threads = None

    def _add_unseen(self, frame) -> None:
        """Add the lines that made a tensor without any call that was seen."""
        variables = namespaces_of(frame)[0]
        for place in assigned_once(frame, self._follower.block):
            if place.targets[0] in variables:
                why = NEW_LEAF if place.function in FROM_VALUES else NO_CALL
                value = variables[place.targets[0]]
                self._follower.add_unseen(place, frame.f_code.co_name, value, why)


def tracking_map() -> TrackingMap:
    """Follow a block line by line: what autograd tracks, what it does not, and why not.

    ::

        with tracking_map() as lines:
            h = 3 * x
            with torch.no_grad():
                p = h + 1
            d = h.detach()
        lines

    The map has a line for each statement that made a tensor, with what the statement calls
    it. Where no name is given, the part of the statement stands there. A statement that
    ran several times has one line; where the runs differ, it tells each kind. Of what a
    statement only passes on to its next call, the map tells where tracking ends, as at
    ``h.detach()`` in ``(h.detach() * 2).sum()``. A call of torch's own modules and
    optimizers is one result; a function of your own has lines of its own. ``changes``
    tells what was changed in place.

    It follows the calls of torch that Python makes in this thread. It does not look into a
    custom Function, what torch.func or torch.jit runs, and compiled code, and says so;
    a tensor that gets its name there is told by its ``requires_grad`` after the line.
    NumPy's writes to shared memory are not seen.

    Nothing is changed by it: no operation is added to the graph, no hook set, and no tensor
    kept alive. Where torch would take a fused path for speed, as ``nn.TransformerEncoderLayer``
    does in evaluation without tracking, it takes the plain one. A tiny operation takes about
    ten times as long, a warning that torch gives names this package's line as its place, and
    a traceback has two lines more.
    """
    return TrackingMap()
