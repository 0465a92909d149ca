"""Property tests: the backward of any program of tensor operations is recorded as it is."""

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from recorded import a_gradient, assert_recorded, same
from test_random_graphs import programs

from lecture_helpers import record_backward

WEIGHTS = st.lists(st.sampled_from([0.0, 1.0, -2.0, 0.1, 1e30]), min_size=4, max_size=4)


def result_of(tensors, weights):
    """Return one tensor that every tracked tensor leads to, with a weight for each fourth."""
    tracked = [tensor for tensor in tensors if tensor.requires_grad]
    assume(tracked)
    return sum(tensor * weights[number % 4] for number, tensor in enumerate(tracked))


@settings(max_examples=80, deadline=None)
@given(programs(), WEIGHTS)
def test_random_backward(program, weights):
    assert_recorded(result_of(program[0], weights))


@settings(max_examples=80, deadline=None)
@given(programs(), WEIGHTS)
def test_every_tensor_of_a_random_program_by_itself(program, weights):
    """Each tensor is asked for in a backward of its own, as a learner would ask."""
    tensors = program[0]
    output = result_of(tensors, weights)
    gradient = a_gradient(output)
    record = record_backward(output, gradient, accumulate=False, retain_graph=True)
    for tensor in tensors:
        if not tensor.requires_grad:
            assert record.gradient(tensor) is None
            continue
        (wanted,) = torch.autograd.grad(
            output, tensor, gradient, retain_graph=True, allow_unused=True
        )
        assert same(record.gradient(tensor), wanted)


@settings(max_examples=40, deadline=None)
@given(programs(), WEIGHTS, st.integers(0, 20), st.sampled_from([0.0, -1.0, 3.0]))
def test_a_hook_anywhere_in_a_random_program(program, weights, pick, factor):
    """With a hook at one tensor the record still tells what torch computes with that hook."""
    output = result_of(program[0], weights)
    tracked = [tensor for tensor in program[0] if tensor.requires_grad]
    tracked[pick % len(tracked)].register_hook(lambda gradient: gradient * factor)
    leaves = [tensor for tensor in tracked if tensor.is_leaf]
    gradient = a_gradient(output)
    # one at a time: asked for with its inputs, torch hands out a gradient from before the hook
    wanted = [
        torch.autograd.grad(output, tensor, gradient, retain_graph=True, allow_unused=True)[0]
        for tensor in tracked
    ]
    record = record_backward(output, gradient)
    assert all(map(same, map(record.gradient, tracked), wanted))
    assert all(same(tensor.grad, record.gradient(tensor)) for tensor in leaves)
