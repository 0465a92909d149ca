"""What the nodes of a graph keep for backward, read without disturbing it.

``_raw_saved_*.data`` (torch 2.10 and newer) gives a saved tensor without running an
unpack hook and without the version check. Hooks of our own would switch off
autograd's check for in-place changes, so none are used.

Where the memory was changed in place since, ``_saved_*`` is read too: its error tells at
which version it was saved.

Not visible from Python: what ``CopySlices`` wraps, and what a custom Function keeps
on its ``ctx`` by other means than ``save_for_backward``.
"""

from typing import NamedTuple

import torch

from .grads import shape_of
from .names import Names
from .versions import counter, version_saved, versions_saved

PREFIX = "_raw_saved_"
KEPT, FREED, PACKED = "kept", "freed", "packed"


class Saved(NamedTuple):
    """One tensor that a node saved for backward.

    name: what the node calls it: ``self`` or ``result`` for torch's ``_saved_self``
        and ``_saved_result``, ``tensors[0]`` in a custom Function.
    tensor: what the caller calls a tensor with the same storage, or None.
    shape, dtype: of the saved tensor; None where it is gone or packed into something else.
    memory: its storages as (running number, bytes); the same number in two places is the
        same memory. Empty where it is gone, packed into something else or cannot tell.
    state: ``kept``; ``freed`` by a backward (a custom Function does not tell how many
        it had); ``packed``, that is a hook or a checkpoint put something in its place.
    version: how often its memory had been changed in place when it was saved; None where
        torch does not tell, as where it is gone or packed.
    now: how often until now; None where there is no counter to read.
    computed: whether an operation made it. Only looked at where ``now`` is more than 0.
    """

    name: str
    tensor: str | None
    shape: tuple | None
    dtype: torch.dtype | None
    memory: tuple
    state: str
    version: int | None = None
    now: int | None = None
    computed: bool = False

    @property
    def overwritten(self) -> bool:
        """Whether its memory was changed in place since: then backward raises at this node."""
        return None not in (self.version, self.now) and self.version != self.now

    @property
    def nbytes(self) -> int | None:
        """Bytes of its whole memory, None where they are not known."""
        return sum(size for _, size in self.memory) if self.memory else None


def bytes_of(saved) -> int:
    """Return the bytes behind several ``Saved``, each storage counted once."""
    return sum(dict(piece for one in saved for piece in one.memory).values())


class SavedReader:
    """Reads what nodes saved, and numbers the storages in the order they are met.

    A storage is known by its address, so the graph must be held meanwhile.

    numbers: the running number of each storage, by its key in ``sizes``.
    changed: for the number of a storage the (engine node, ``Saved``) that keep it, where its
        counter is more than 0.
    overwritten: the (engine node, ``Saved``) whose saved value was changed since.
    """

    def __init__(self, names: Names):
        self._attributes = {}
        self.numbers = {}
        self._by_address = {}
        self.changed, self.overwritten = {}, []
        for held in sorted(names.all(), key=_is_untracked):  # y wins over y.detach()
            for storage in storages_of(held.tensor)[:1]:
                self._by_address.setdefault(storage._cdata, []).append(held)

    def of(self, node) -> tuple:
        """Return a ``Saved`` for each tensor that an engine node saved."""
        kind = type(node)
        attributes = self._attributes.get(kind)
        if attributes is None:
            names = [name for name in dir(kind) if name.startswith(PREFIX)]
            names.sort(key=lambda name: (name != f"{PREFIX}self", name))
            attributes = [(name, name.removeprefix(PREFIX)) for name in names]
            self._attributes[kind] = attributes
        found = []
        for attribute, name in attributes:
            try:
                raw = getattr(node, attribute)
            except RuntimeError:  # what a custom Function saved is gone
                found.append(_without_data(name, FREED))
                continue
            if isinstance(raw, tuple):  # reading a freed list has raised
                versions = versions_saved(node, name, raw)
                for nr, (one, version) in enumerate(zip(raw, versions)):
                    self._read(found, node, None, one, f"{name}[{nr}]", version)
            else:
                self._read(found, node, name, raw, name)
        return tuple(found)

    def _read(self, found, node, name, raw, called, dated=None):
        data = raw.data
        packed = raw.unpack_hook is not None
        if isinstance(data, torch.Tensor):
            one = self._kept(called, data, PACKED if packed else KEPT)
            found.append(self._dated(one, node, dated) if one.now else one)
        elif packed or data is not None:
            found.append(_without_data(called, PACKED))
        elif name is not None and is_freed(node, name):
            found.append(_without_data(called, FREED))

    def _kept(self, name, tensor, state) -> Saved:
        storages = storages_of(tensor)
        memory = tuple(
            (self.numbers.setdefault(storage._cdata, len(self.numbers)), storage.nbytes())
            for storage in storages
        )
        held = self._by_address.get(storages[0]._cdata) if storages else None
        called = held and _name_of(tensor, held)
        now = counter(tensor) if state is KEPT else None
        return Saved(name, called, shape_of(tensor), tensor.dtype, memory, state, now, now)

    def _dated(self, one, node, dated) -> Saved:
        """Return a ``Saved`` whose counter has moved with the version when it was saved."""
        version, computed = dated or version_saved(node, one.name, one.now)
        one = one._replace(version=version, computed=computed)
        if one.memory:
            self.changed.setdefault(one.memory[0][0], []).append((node, one))
        if one.overwritten:
            self.overwritten.append((node, one))
        return one

    def held(self, address: int) -> list:
        """Return the ``Held`` tensors of the caller that share the storage at an address."""
        return self._by_address.get(address, [])

    def number(self, tensor) -> int | None:
        """Return the number of the storage of a tensor, None where no node saved that."""
        storages = storages_of(tensor)
        return self.numbers.get(storages[0]._cdata) if storages else None

    def addresses(self) -> list:
        """Return the address of the storage of each number."""
        return list(self.numbers)  # a dict keeps the order in which they were numbered


def raw_of(node, name: str):
    """Return torch's own handle of the tensor that a node calls ``name`` in ``Saved``."""
    name, _, place = name.partition("[")
    raw = getattr(node, PREFIX + name)
    return raw[int(place[:-1])] if place else raw


def _name_of(tensor, held) -> str:
    """Return the name of a tensor among those that share its memory, the first for a copy."""
    for name, one in held:
        if one is tensor:
            return name
    return held[0].name


def _is_untracked(held) -> bool:
    return not held.tensor.requires_grad


def _without_data(name, state) -> Saved:
    return Saved(name, None, None, None, (), state)


def is_freed(node, name) -> bool:
    """Return whether backward freed a saved tensor whose ``_raw_saved_*.data`` is None.

    Otherwise nothing was ever saved there. Only for one that no hook packed, and not for a
    list of tensors: reading ``_saved_*`` runs the unpack hooks.
    """
    try:
        getattr(node, f"_saved_{name}")
    except RuntimeError:
        return True
    except AttributeError:  # a custom Function, whose tensors are gone all at once
        return False
    return False


def sizes(tensor) -> dict:
    """Return the bytes of a tensor's storages, each under what tells it from any other."""
    return {storage._cdata: storage.nbytes() for storage in storages_of(tensor)}


def storages_of(tensor) -> list:
    """Return the storages of a tensor, none where it does not tell.

    A storage is known by the address of torch's storage object, not of the data: an empty
    tensor and a meta tensor have no data.
    """
    try:
        if tensor.layout == torch.sparse_coo:
            return [tensor._values().untyped_storage(), tensor._indices().untyped_storage()]
        return [tensor.untyped_storage()]
    except (RuntimeError, NotImplementedError):  # another sparse layout, opaque, functorch
        return []
