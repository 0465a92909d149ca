"""What several looks at what a learner's function left behind share, see ``Case.left_behind``."""

import torch

STILL_OFF = "recording is still off after your function; expected it to be on, as before"


def first_slip(slips, right="") -> str | None:
    """Return what is said of the first slip that was made, None where none was.

    slips: pairs of whether the slip was made, and a sentence about it.
    right: words on what is right all the same, which stand before the sentence.
    """
    return next((right + said for is_made, said in slips if is_made), None)


def keep_result(function, came, given):
    """Call a learner's function, keep its result under ``came["result"]``, and give its values."""
    result = came["result"] = function(*given)
    return result.tolist() if isinstance(result, torch.Tensor) else result


def grad_of(leaf):
    """Return what ``.grad`` holds: a number, or lists of them; None where there is no gradient."""
    return None if leaf.grad is None else leaf.grad.tolist()


def rounded(tensor):
    """Return the value of a 0-d tensor, or those of a 1-d one as a list, to four places."""
    values = tensor.tolist()
    return [round(v, 4) for v in values] if isinstance(values, list) else round(values, 4)
