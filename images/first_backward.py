"""The README's second picture: what ``watch_backward`` shows where two paths meet."""

import torch

from lecture_helpers import record_backward
from lecture_helpers.draw.steps import Film

WHERE_TWO_PATHS_MEET = 4


def draw() -> str:
    """Return the fourth step of the backward of v * w, where both come from one u."""
    x = torch.tensor(2.0, requires_grad=True)
    u = 3 * x
    v = u + 1
    w = u**2
    out = v * w
    return Film(record_backward(out)).svg(WHERE_TWO_PATHS_MEET)
