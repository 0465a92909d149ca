"""Version counters: how often the memory of a tensor was changed in place.

All tensors that share a memory share its counter, but for those that ``.data`` gave. A
node notes the counter when it saves a tensor, and backward raises where it has moved on.
The number that was noted stands in no attribute; only torch's error tells it.
"""

import re

import torch

MISMATCH = re.compile(r"is at version (\d+); expected version (\d+)")


def counter(tensor: torch.Tensor) -> int | None:
    """Return the counter now, None for a tensor that has none (made in inference_mode)."""
    try:
        return tensor._version
    except Exception:  # functorch, nested and fake tensors may each raise their own
        return None


def version_saved(node, name: str, now: int) -> tuple:
    """Return the counter when a node saved a tensor, and whether an operation made that.

    The first is None where torch does not tell.

    Args:
        node: an engine node.
        name: what it calls the tensor, such as ``self``. No hook may have packed it, since
            reading would run the hook.
        now: the counter now, more than 0: at 0 there is nothing to ask.
    """
    try:
        tensor = getattr(node, f"_saved_{name}")
    except (RuntimeError, AttributeError) as error:
        at, version = _told(error)
        return (version, False) if at == now else (None, False)
    return now, _is_computed(tensor)


def versions_saved(node, name: str, raws: tuple) -> list:
    """Return the same for each of a list of saved tensors, and for those of a custom Function.

    ``unpack`` (torch 2.12 and newer) tells of each by itself, but of no output of the node.
    Reading the whole list raises for the first that was changed.
    """
    if any(raw.unpack_hook is not None for raw in raws):
        return [(None, False)] * len(raws)
    nows = [counter(raw.data) if isinstance(raw.data, torch.Tensor) else 0 for raw in raws]
    found = [_unpacked(raw, now) if now else (now, False) for raw, now in zip(raws, nows)]
    unsure = [place for place, now in enumerate(nows) if now and found[place][0] is None]
    if not unsure:
        return found
    try:
        whole = getattr(node, "saved_tensors" if name == "tensors" else f"_saved_{name}")
    except (RuntimeError, AttributeError) as error:
        at, version = _told(error)
        blamed = [place for place in range(len(raws)) if nows[place] == at and at]
        first = next((place for place in blamed if found[place][0] in (None, version)), None)
        if first is not None:
            found[first] = version, False
        return found
    for place in unsure:
        found[place] = nows[place], _is_computed(whole[place])
    return found


def is_output(raw, name: str) -> bool:
    """Return whether a saved tensor is an output of the node that saved it.

    Of such a one torch keeps a detached copy of the handle, which ``unpack`` cannot give
    back: its error is another one than that for a changed tensor.
    """
    if not hasattr(raw, "unpack"):
        return name.startswith("result")
    try:
        raw.unpack()
    except RuntimeError as error:
        return _told(error) == (None, None)
    return False


def _unpacked(raw, now) -> tuple:
    try:
        return now, _is_computed(raw.unpack())
    except (RuntimeError, AttributeError) as error:
        return _told(error)[1], False


def _told(error) -> tuple:
    """Return the counter now and when the tensor was saved, as torch's error tells them."""
    numbers = MISMATCH.search(str(error))
    return tuple(map(int, numbers.groups())) if numbers else (None, None)


def _is_computed(tensor) -> bool:
    if tensor.is_leaf:
        return False
    return not tensor._is_view() or not tensor._base.is_leaf
