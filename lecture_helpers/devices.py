"""The device the course runs on: CUDA where torch finds it, else the CPU."""

import os

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
