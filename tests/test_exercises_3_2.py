"""Lecture 3, section 3.2: solutions pass, plausible wrong answers are rejected and told why."""

import copy

import pytest
import torch

from lecture_helpers.exercises import lecture_3

NOTEBOOK = "03_controlling_tracking.ipynb"


def switched_off(a, k):
    a.requires_grad_(False)
    return a + k * a


def off_and_on_again(a, k):
    a.requires_grad_(False)
    product = k * a
    a.requires_grad_(True)
    return a + product


def in_a_block(a, k):
    with torch.no_grad():
        return a + k * a


def through_the_memory(a, k):
    return a + a.detach().mul_(k)


def backward_inside(a, k):
    (result := a + k * a.detach()).sum().backward(retain_graph=True)
    return result


def energy(w, inputs, halve, square=torch.square, add=torch.add):
    """The loop of the exercise, with each of its lines to be replaced."""
    state, total = torch.zeros_like(w), torch.zeros_like(w)
    for x in inputs:
        state = w * state + x
        total = add(total, square(state))
        state = halve(state)
    return total


def in_place(state):
    state *= 0.5
    return state


def in_a_block_in_place(state):
    with torch.no_grad():
        state *= 0.5
    return state


def through_data(state):
    state.data *= 0.5
    return state


def halved(state):
    return 0.5 * state


def halved_first(w, inputs):
    state, total = torch.zeros_like(w), torch.zeros_like(w)
    for x in inputs:
        state = 0.5 * (w * state + x)
        total = total + state**2
    return total


def inputs_changed(w, inputs):
    state, total = torch.zeros_like(w), torch.zeros_like(w)
    for x in inputs:
        state = w * state + x
        total = total + state**2
        state = 0.5 * state
        x.detach().zero_()
    return total


def tried(weights, step, loss, keep=lambda w: w.detach().clone(), put_back=None):
    """Try a step with a way to keep the values and a way to put them back."""
    before = [keep(w) for w in weights]
    step(weights)
    value = loss(weights).item()
    for nr, old in enumerate(before):
        (put_back or copied_back)(weights, nr, old)
    return value


def copied_back(weights, nr, old):
    with torch.no_grad():
        weights[nr].copy_(old)


def while_recording(weights, nr, old):
    weights[nr].copy_(old)


def in_the_list(weights, nr, old):
    weights[nr] = old.requires_grad_(weights[nr].requires_grad)


def other_memory(weights, nr, old):
    weights[nr].data = old


def uncounted(weights, nr, old):
    weights[nr].data.copy_(old)


def and_frozen(weights, nr, old):
    weights[nr].requires_grad_(False).copy_(old)


def all_tracked(weights, nr, old):
    weights[nr].requires_grad_(False).copy_(old)
    weights[nr].requires_grad_(True)


def without_grad(weights, nr, old):
    copied_back(weights, nr, old)
    weights[nr].grad = None


def with_a_backward(weights, step, loss):
    before = [w.detach().clone() for w in weights]
    step(weights)
    (value := loss(weights)).backward()
    for nr, old in enumerate(before):
        copied_back(weights, nr, old)
    return value.item()


def loss_too_early(weights, step, loss):
    value = loss(weights).item()
    tried(weights, step, loss)
    return value


def loss_too_late(weights, step, loss):
    tried(weights, step, loss)
    return loss(weights).item()


def on_copies(weights, step, loss):
    copies = copy.deepcopy(weights)
    step(copies)
    weights[:] = copies
    return loss(copies).item()


def step_on_copies(weights, step, loss):
    copies = copy.deepcopy(weights)
    step(copies)
    return loss(copies).item()


def list_cut_short(weights, step, loss):
    value = tried(weights, step, loss)
    del weights[1:]
    return value


def as_a_tensor(weights, step, loss):
    before = [w.detach().clone() for w in weights]
    step(weights)
    value = loss(weights)
    for nr, old in enumerate(before):
        copied_back(weights, nr, old)
    return value


CHECKS = {
    "stop": (lecture_3.check_stop, {
        "both paths": lambda a, k: a + k * a,
        "the wrong path": lambda a, k: a.detach() + k * a,
        "the sum detached": lambda a, k: (a + k * a).detach(),
        "in a no_grad block": in_a_block,
        "flag switched off": switched_off,
        "flag switched off and on": off_and_on_again,
        "a new leaf": lambda a, k: (a + k * a).detach().requires_grad_(),
        "a number": lambda a, k: a.item() + k * a.item(),
        "one element only": lambda a, k: a + k * a.item(),
        "k forgotten": lambda a, k: a + a.detach(),
        "written through the detached": through_the_memory,
        "a backward of its own": backward_inside,
    }),
    "mended": (lecture_3.check_mended, {
        "as it was": lambda w, xs: energy(w, xs, in_place, add=torch.Tensor.add_),
        "the wrong line mended": lambda w, xs: energy(w, xs, in_place),
        "in a no_grad block": lambda w, xs: energy(w, xs, in_a_block_in_place),
        "through data": lambda w, xs: energy(w, xs, through_data),
        "state detached": lambda w, xs: energy(w, xs, lambda s: 0.5 * s.detach()),
        "square detached": lambda w, xs: energy(w, xs, halved, lambda s: s.detach() ** 2),
        "a copy without history": lambda w, xs: energy(w, xs, lambda s: s.detach().clone() * 0.5),
        "energy detached": lambda w, xs: energy(w, xs, halved).detach(),
        "not halved": lambda w, xs: energy(w, xs, lambda s: s),
        "halved before the square": halved_first,
        "inputs detached": lambda w, xs: energy(w, [x.detach() for x in xs], halved),
        "last square only": lambda w, xs: energy(w, xs, halved, add=lambda total, square: square),
        "inputs changed": inputs_changed,
    }),
    "try_step": (lecture_3.check_try_step, {
        "kept by detach": lambda *given: tried(*given, keep=torch.Tensor.detach),
        "kept as they are": lambda *given: tried(*given, keep=lambda w: w),
        "not put back": lambda *given: tried(*given, put_back=lambda *_: None),
        "put back while recording": lambda *given: tried(*given, put_back=while_recording),
        "put into the list": lambda *given: tried(*given, put_back=in_the_list),
        "put into other memory": lambda *given: tried(*given, put_back=other_memory),
        "put back through data": lambda *given: tried(*given, put_back=uncounted),
        "left frozen": lambda *given: tried(*given, put_back=and_frozen),
        "all switched on": lambda *given: tried(*given, put_back=all_tracked),
        ".grad dropped": lambda *given: tried(*given, put_back=without_grad),
        "a backward of its own": with_a_backward,
        "loss before the step": loss_too_early,
        "loss after putting back": loss_too_late,
        "on copies": on_copies,
        "the step on copies": step_on_copies,
        "list cut short": list_cut_short,
        "a tensor": as_a_tensor,
    }),
}  # fmt: skip


@pytest.mark.parametrize("right", [
    lambda a, k: k * a.detach() + a,
    lambda a, k: a + (k * a).detach(),
    lambda a, k: a + k * a.detach().clone(),
    lambda a, k: a.clone().add_(a.detach(), alpha=k),
])  # fmt: skip
def test_other_ways_to_stop_a_gradient_pass(right):
    assert lecture_3.check_stop(right).passed is True


@pytest.mark.parametrize("halve, square", [
    (halved, torch.square),
    (lambda state: in_place(state.clone()), torch.square),
    (lambda state: state / 2, lambda state: state * state),
    (in_place, lambda state: state.clone() ** 2),
])  # fmt: skip
@pytest.mark.parametrize("add", [torch.add, torch.Tensor.add_])
def test_other_ways_to_mend_pass(halve, square, add):
    verdict = lecture_3.check_mended(lambda w, xs: energy(w, xs, halve, square, add))
    assert verdict.passed is True, verdict


def through_detach(weights, nr, old):
    weights[nr].detach().copy_(old)


@pytest.mark.parametrize("keep", [lambda w: w.detach().clone(), copy.deepcopy, torch.clone])
@pytest.mark.parametrize("put_back", [copied_back, through_detach])
def test_other_ways_to_put_back_pass(keep, put_back):
    def right(*given):
        return tried(*given, keep=keep, put_back=put_back)

    assert lecture_3.check_try_step(right).passed is True


@pytest.mark.parametrize("name, wrong, said", [
    ("stop", "both paths", "Case 1 of 4, a = 5.0, k = 3: the values are right, but the gradient "
     "for a is 4.0; expected 1.0."),
    ("stop", "one element only", "Case 2 of 4, a = [2.0, -1.0], k = 3: your function raised"),
    ("stop", "written through the detached", "your function returned 30.0; expected 20.0."),
    ("stop", "flag switched off", "a.requires_grad is False now; expected True."),
    ("stop", "a backward of its own", "a.grad was filled; expected it to stay None."),
    ("stop", "a number", "your function returned a float; expected a tensor."),
    ("stop", "a new leaf", "the gradient for a is None; expected 1.0."),
    ("stop", "flag switched off and on", "Case 4 of 4, a = [1.0, 4.0], which was computed from w"),
    ("stop", "in a no_grad block", "but the result does not require grad"),
    ("mended", "as it was", "backward raised RuntimeError: one of the variables needed for "
     "gradient computation has been modified by an inplace operation."),
    ("mended", "through data", "the gradient for w is [2.0, 2.0]; expected [4.0, 4.0]."),
    ("mended", "state detached", "for w is [22.5, -13.4375]; expected [15.5, -11.75]."),
    ("mended", "inputs detached", "Case 4 of 4, w = [2.0, 1.0], three inputs that require grad"),
    ("mended", "inputs changed", "inputs[0] was changed to [0.0, 0.0]; expected it to stay"),
    ("mended", "energy detached", "but the result does not require grad"),
    ("try_step", "kept by detach", "weights[0] is [3.0, 4.0] now; expected it to be [2.0, 3.0]"),
    ("try_step", "put into the list", "weights[0] is another tensor than before"),
    ("try_step", "put into other memory", "weights[0] lies in other memory than before"),
    ("try_step", "put back through data", "its version counter did not notice the write"),
    ("try_step", "the step on copies", "step got a copy of weights[0]; expected the tensor itself"),
    ("try_step", "list cut short", "the list has length 1 now; expected 2."),
    ("try_step", "left frozen", "requires_grad=False now; expected True and True"),
    ("try_step", "all switched on", "requires_grad=True now; expected True and False"),
    ("try_step", "a backward of its own", "weights[0].grad was changed; expected it to be None."),
])  # fmt: skip
def test_a_wrong_answer_is_told_what_its_hint_is_keyed_to(name, wrong, said):
    check, wrongs = CHECKS[name]
    assert said in check(wrongs[wrong]).message
