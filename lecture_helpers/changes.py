"""Changes in place: who wrote to a tensor, told by the version counters around each call."""

from dataclasses import dataclass, replace

from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils.weak import WeakTensorKeyDictionary

from .grads import or_instead

MOST_CHANGES = 1000  # more of one kind are summed up
MOST_KINDS = 1000


@dataclass(frozen=True)
class Change:
    """One change in place.

    source: the caller's statement, on one line; None where there is no source.
    call: such as ``add_``, ``__setitem__``, or ``.data =`` for memory that was exchanged.
    name: what the caller calls the tensor that was written to; None where nobody knows.
    before, after: its version counter around the call.
    slips: whether the write went through ``.data``. Then the memory changed, but the
        counters of the other tensors that share it did not, so that no backward notices.
    times: 1; of more than 1,000 changes in a block those of one kind are summed up,
        from the first ``before`` to the last ``after``.
    """

    source: str | None
    call: str
    name: str | None
    before: int
    after: int
    slips: bool
    times: int = 1


class Changes:
    """The changes in a block, in order. Holds no tensor, only weak references to storages."""

    def __init__(self):
        self._changes, self._calls, self._storages = [], [], []
        self._summed = {}  # of the many that came later: the kind -> a place in the lists
        self._alive = {}
        self._from_data = None  # the tensors whose counter .data has cut off

    def all(self) -> tuple:
        """Return every ``Change``, in order."""
        return tuple(self._changes)

    def add(self, change: Change, call: int, tensor) -> None:
        """Note a change that a call made to a tensor."""
        storage = or_instead(lambda: StorageWeakRef(tensor.untyped_storage()), None)
        cdata = None if storage is None else self._alive.setdefault(storage.cdata, storage).cdata
        if len(self._changes) >= MOST_CHANGES:
            kind = change.source, change.call, change.name, change.slips
            at = self._summed.setdefault(kind, len(self._changes))
            if at < len(self._changes):
                self._sum_up(at, change, call, cdata)
                return
            if len(self._summed) > MOST_KINDS:
                del self._summed[kind]
                return
        self._changes.append(change)
        self._calls.append(call)
        self._storages.append({cdata})

    def _sum_up(self, at, change, call, cdata):
        first = self._changes[at]
        self._changes[at] = replace(first, after=change.after, times=first.times + 1)
        self._calls[at] = call
        self._storages[at].add(cdata)
        if len(self._alive) > MOST_CHANGES:
            self._forget_the_dead()

    def _forget_the_dead(self):
        """Forget the memory that is gone: nobody can ask about it any more."""
        dead = {cdata for cdata, storage in self._alive.items() if storage.expired()}
        for cdata in dead:
            del self._alive[cdata]
        for storages in self._storages:
            storages -= dead

    def after(self, call: int, cdata: int) -> tuple:
        """Return the changes of one storage in calls that came after a call."""
        storage = self._alive.get(cdata)
        if storage is None or storage.expired():
            return ()
        return tuple(
            change
            for change, number, storages in zip(self._changes, self._calls, self._storages)
            if number > call and cdata in storages
        )

    def data_read(self, tensor) -> None:
        """Note a tensor that ``.data`` gave: its counter is its own."""
        if self._from_data is None:
            self._from_data = WeakTensorKeyDictionary()
        self._from_data[tensor] = True

    def passed_on(self, sources, results) -> None:
        """Note that views of a tensor that ``.data`` gave share its counter."""
        if not self._from_data:
            return
        memories = {_memory(source) for source in sources if self.slips(source)}
        for result in results if memories else ():
            if not any(result is source for source in sources) and _memory(result) in memories:
                self._from_data[result] = True

    def slips(self, tensor) -> bool:
        """Tell whether a write to a tensor leaves the counters of those it shares memory with."""
        return bool(self._from_data) and tensor in self._from_data


def _memory(tensor):
    return or_instead(lambda: tensor.untyped_storage()._cdata, None)


def written(pairs, out) -> list:
    """Return (tensor, version before, after) for each that a call wrote to, each write once.

    The counter of all that share it moves: in ``b.copy_(a)`` with two views that of ``a`` too.
    torch writes to ``out=``, without it to what stands first.
    """
    found = {}
    for tensor, old, new in pairs:
        if old not in (new, None):
            memory = _memory(tensor)
            kind = id(tensor) if memory is None else memory, old, new
            if kind not in found or tensor is out:
                found[kind] = tensor, old, new
    return list(found.values())
