"""The device the course runs on: CUDA where torch finds it, else the CPU.

What a device can do beyond holding tensors (wait for its queue, count its memory) is asked
of its own module, ``torch.get_device_module(device)``. So CUDA and any other accelerator,
a pretend one of a test included, take the same branch. A module without such a function,
as the CPU's, is one that has nothing to wait for or to count.
"""

import os
from contextlib import contextmanager

import torch

VARIABLE = "LECTURE_DEVICE"


def choose_device(environ=os.environ) -> torch.device:
    """Return the device for the course's tensors.

    The environment variable ``LECTURE_DEVICE`` wins; without it the answer is
    ``cuda`` where ``torch.cuda.is_available()``, else ``cpu``.

    Raises:
        ValueError: ``LECTURE_DEVICE`` names a device that torch cannot use here.
    """
    wanted = environ.get(VARIABLE, "").strip()
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(wanted)
        torch.empty(1, device=chosen).tolist()  # a device that keeps no values fails here
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ValueError(
            f"{VARIABLE} is {wanted!r}, which torch cannot use on this machine; "
            f"set it to 'cpu', or to 'cuda' where there is a GPU, or unset it"
        ) from None
    return chosen


device = choose_device()


def synchronise(device) -> None:
    """Wait until a device has done all that was queued on it; the CPU queues nothing.

    Args:
        device: a ``torch.device`` or its name.

    A timing that does not wait measures how long it takes to queue the work.
    """
    wait = _function(device, "synchronize")
    if wait is not None:
        wait(*_which(device))


def reset_peak(device) -> None:
    """Let the device's peak of memory start anew, from what is in use now.

    Args:
        device: a ``torch.device`` or its name. One without the counter, as the CPU, is
            left as it is.
    """
    reset = _function(device, "reset_peak_memory_stats")
    if reset is not None:
        reset(*_which(device))


def peak_bytes(device) -> int | None:
    """Return the most bytes that tensors held on a device since ``reset_peak``.

    Args:
        device: a ``torch.device`` or its name.

    None for a device that keeps no such count, as the CPU.
    """
    peak = _function(device, "max_memory_allocated")
    return None if peak is None else int(peak(*_which(device)))


@contextmanager
def random_numbers_kept(device):
    """Put the random generators of the host and of a device back after a block.

    Args:
        device: a ``torch.device`` or its name. One without a generator of its own, as the
            CPU, draws from the host's.
    """
    state, put_back = _function(device, "get_rng_state"), _function(device, "set_rng_state")
    before = None if state is None else state(*_which(device))
    try:
        with torch.random.fork_rng([]):
            yield
    finally:
        if before is not None:
            put_back(before, *_which(device))


def _function(device, name):
    """Return a function of a device's module, None where there is none."""
    try:
        module = torch.get_device_module(device)
    except RuntimeError:  # a device without a module, such as meta
        return None
    return getattr(module, name, None)


def _which(device) -> tuple:
    """Return the argument that picks a device by its number; some modules take none."""
    return () if torch.device(device).index is None else (torch.device(device),)
