"""What the nodes of a graph keep for backward, read without disturbing it.

``_raw_saved_*.data`` (torch 2.10 and newer) gives a saved tensor without running an
unpack hook and without the version check. Hooks of our own would switch off
autograd's check for in-place changes, so none are used.

Not visible from Python: what ``CopySlices`` wraps, and what a custom Function keeps
on its ``ctx`` by other means than ``save_for_backward``.
"""

from typing import NamedTuple

import torch

from .names import Names

PREFIX = "_raw_saved_"
KEPT, FREED, PACKED = "kept", "freed", "packed"


class Saved(NamedTuple):
    """One tensor that a node saved for backward.

    name: what the node calls it: ``self`` or ``result`` for torch's ``_saved_self``
        and ``_saved_result``, ``tensors[0]`` in a custom Function.
    tensor: what the caller calls a tensor with the same storage, or None.
    shape, dtype: of the saved tensor; None where it is gone or packed.
    nbytes: bytes of its whole storage; None where it is gone, packed or cannot tell.
    storage: running number of its storage; the same number twice is the same memory.
    state: ``kept``; ``freed`` by a backward; ``packed``, that is a hook or a checkpoint
        holds something else in its place.
    """

    name: str
    tensor: str | None
    shape: tuple | None
    dtype: torch.dtype | None
    nbytes: int | None
    storage: int | None
    state: str


def bytes_of(saved) -> int:
    """Return the bytes behind several ``Saved``, each storage counted once."""
    sizes = {one.storage: one.nbytes for one in saved if one.nbytes is not None}
    return sum(sizes.values())


class SavedReader:
    """Reads what nodes saved, and numbers the storages in the order they are met.

    A storage is known by its address, so the graph must be held meanwhile.
    """

    def __init__(self, names: Names):
        self._attributes = {}
        self._storages = {}
        self._names = {}
        for held in names.all():
            self._names.setdefault(_storage_of(held.tensor)[0], held.name)
        self._names.pop(None, None)

    def add_name(self, tensor: torch.Tensor, name: str) -> None:
        """Remember what a leaf goes by."""
        self._names.setdefault(_storage_of(tensor)[0], name)

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
            if isinstance(raw, tuple):
                for nr, one in enumerate(raw):
                    self._read(found, node, name, one, f"{name}[{nr}]")
            else:
                self._read(found, node, name, raw, name)
        return tuple(found)

    def _read(self, found, node, name, raw, called):
        data = raw.data
        if isinstance(data, torch.Tensor):
            found.append(self._kept(called, data))
        elif data is not None or raw.unpack_hook is not None:
            found.append(_without_data(called, PACKED))
        elif _is_freed(node, name):
            found.append(_without_data(called, FREED))

    def _kept(self, name, tensor) -> Saved:
        address, nbytes = _storage_of(tensor)
        number = None
        if address is not None:
            number = self._storages.setdefault(address, len(self._storages))
        shape = tuple(tensor.shape)
        return Saved(name, self._names.get(address), shape, tensor.dtype, nbytes, number, KEPT)


def _without_data(name, state) -> Saved:
    return Saved(name, None, None, None, None, None, state)


def _is_freed(node, name) -> bool:
    """Return whether backward freed this one, or nothing was ever saved there."""
    try:
        getattr(node, f"_saved_{name}")
    except RuntimeError:
        return True
    except AttributeError:  # a custom Function, whose tensors are gone all at once
        return False
    return False


def _storage_of(tensor) -> tuple:
    """Return (address, bytes) of a tensor's storage; (None, None) where it has none.

    The address is that of torch's storage object, not of the data: an empty tensor and
    a meta tensor have no data.
    """
    try:
        if tensor.layout == torch.sparse_coo:
            storages = [tensor._values().untyped_storage(), tensor._indices().untyped_storage()]
        else:
            storages = [tensor.untyped_storage()]
        return storages[0]._cdata, sum(storage.nbytes() for storage in storages)
    except (RuntimeError, NotImplementedError):  # another sparse layout, opaque, functorch
        return None, None
