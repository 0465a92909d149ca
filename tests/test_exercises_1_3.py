"""Section 1.3: solutions pass, plausible wrong answers are rejected; what a check says."""

import torch

from lecture_helpers.exercises import lecture_1

NOTEBOOK = "01_dynamic_computation_graphs.ipynb"


def micro_batches(w, batches, weight=lambda batch, batches: 1, before=lambda w: None):
    """Accumulate the mean loss of each batch, scaled by a weight that may be wrong."""
    w.grad = None
    for batch in batches:
        before(w)
        loss = ((w * batch - 1) ** 2).mean()
        (loss * weight(batch, batches)).backward()
    return w.grad.item()


def share(batch, batches):
    return len(batch) / sum(map(len, batches))


def one_big_batch(w, batches):
    w.grad = None
    ((w * torch.cat(batches) - 1) ** 2).mean().backward()
    return w.grad.item()


def without_filling_grad(w, batches):
    loss = ((w * torch.cat(batches) - 1) ** 2).mean()
    return torch.autograd.grad(loss, w)[0].item()


def another_leaf(w, batches):
    return micro_batches(w.detach().clone().requires_grad_(), batches, share)


def without_clearing(w, batches):
    for batch in batches:
        (((w * batch - 1) ** 2).sum() / sum(map(len, batches))).backward()
    return w.grad.item()


def zero_of_none(w, batches):
    w.grad.zero_()
    return micro_batches(w, batches, share)


def read_after_each(p, scales, read):
    """Call backward for each scale, and read p.grad once before and once after it."""
    own = []
    for s in scales:
        before = 0.0 if p.grad is None else p.grad
        ((s * p) ** 2).backward()
        own.append(read(p.grad, before))
    return own


def walks_for_show(w, batches):
    """As many backward passes as wanted, each of an equal part of the right total."""
    w.grad = None
    total = without_filling_grad(w, batches)
    for _ in batches:
        (w * (total / len(batches))).backward()
    return w.grad.item()


def divided_in_the_end(w, batches):
    w.grad = None
    for batch in batches:
        ((w * batch - 1) ** 2).sum().backward()
    w.grad /= sum(map(len, batches))
    return w.grad.item()


def asked_beside(p, scales):
    """Each own gradient from autograd.grad, the total by backward."""
    own = []
    for s in scales:
        loss = (s * p) ** 2
        own.append(torch.autograd.grad(loss, p, retain_graph=True)[0].item())
        loss.backward()
    return own


def two_losses_at_once(p, scales):
    """The right numbers and the right total, by one backward of the sum and idle ones."""
    own = [2 * s * s * p.item() for s in scales]
    sum((s * p) ** 2 for s in scales).backward()
    for _ in scales[1:]:
        (0 * p).backward()
    return own


def cleared_each_time(p, scales):
    own = []
    for s in scales:
        p.grad = None
        ((s * p) ** 2).backward()
        own.append(p.grad.item())
    return own


def starts_at_nothing(p, scales):
    own, total = [], 0.0
    for s in scales:
        ((s * p) ** 2).backward()
        own.append(p.grad.item() - total)
        total = p.grad.item()
    return own


def as_text(p, scales):
    return str([2 * s * s * p.item() for s in scales])


CHECKS = {
    "accumulate": (lecture_1.check_accumulate, {
        "hard-coded": lambda w, batches: 16.0,
        "sum of the means": micro_batches,
        "mean of the means": lambda w, b: micro_batches(w, b, lambda batch, b: 1 / len(b)),
        "sum over all elements": lambda w, b: micro_batches(w, b, lambda batch, b: len(batch)),
        "weights of another loss": lambda w, b: micro_batches(w, b, lambda batch, b: 0.5),
        "reset in the loop": lambda w, b: micro_batches(
            w, b, share, before=lambda w: setattr(w, "grad", None)),
        "one big batch": one_big_batch,
        "without .grad": without_filling_grad,
        "walks for show": walks_for_show,
        "in another leaf": another_leaf,
        "old gradient not cleared": without_clearing,
        "zero_ of None": zero_of_none,
        "the tensor itself": lambda w, b: [micro_batches(w, b, share), w.grad][1],
    }),
    "own_gradients": (lecture_1.check_own_gradients, {
        "hard-coded": lambda p, scales: [4.0, 1.0],
        "running totals": lambda p, s: read_after_each(p, s, lambda now, before: now.item()),
        "one tensor many times": lambda p, s: read_after_each(p, s, lambda now, before: now),
        "difference with an alias": lambda p, s: read_after_each(
            p, s, lambda now, before: (now - before).item()),
        "cleared each time": cleared_each_time,
        "what was there counts as own": starts_at_nothing,
        "two losses at once": two_losses_at_once,
        "by formula": lambda p, scales: [2 * s * s * p.item() for s in scales],
        "as text": as_text,
        "the sum": lambda p, scales: sum(2 * s * s * p.item() for s in scales),
    }),
}  # fmt: skip
SLIPS = [
    ("accumulate", "sum of the means", "Case 1 of 5, w = 2.0, batches [[1.0], [3.0]]: "
     "your function returned 32.0; expected 16.0."),
    ("accumulate", "mean of the means", "Case 2 of 5, w = 2.0, batches [[1.0, 3.0], [2.0]]: "
     "your function returned 14.0; expected 14.6667."),
    ("accumulate", "one big batch", "Case 1 of 5, w = 2.0, batches [[1.0], [3.0]]: "
     "the numbers are right, but backward passes that reached w: 1; expected 2, one for each "
     "loss."),
    ("accumulate", "without .grad", "Case 1 of 5, w = 2.0, batches [[1.0], [3.0]]: "
     "what it returned is right, but w.grad then holds None; expected 16.0."),
    ("accumulate", "old gradient not cleared", "Case 5 of 5, w = 2.0, batches [[1.0], [3.0]], "
     "where w.grad already holds 100.0: your function returned 116.0; expected 16.0."),
    ("own_gradients", "running totals", "Case 1 of 4, p = 2.0, scales [1.0, 0.5]: "
     "your function returned [4.0, 5.0]; expected [4.0, 1.0]."),
    ("own_gradients", "cleared each time", "Case 1 of 4, p = 2.0, scales [1.0, 0.5]: "
     "what it returned is right, but p.grad then holds 1.0; expected 5.0."),
    ("accumulate", "walks for show", "Case 1 of 5, w = 2.0, batches [[1.0], [3.0]]: the numbers "
     "are right, but backward 1 brought 8.0 to w; expected 1.0."),
    ("own_gradients", "two losses at once", "Case 1 of 4, p = 2.0, scales [1.0, 0.5]: the numbers "
     "are right, but backward 1 brought 5.0 to p; expected 4.0."),
]  # fmt: skip


def test_other_ways_that_are_right_are_accepted():
    assert lecture_1.check_accumulate(divided_in_the_end).passed is True
    assert lecture_1.check_own_gradients(asked_beside).passed is True
