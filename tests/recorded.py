"""What every recorded backward must satisfy, whatever graph it ran through."""

import torch
from oracle import MOST_NODES, assert_is_engine_graph
from torch.autograd.graph import GradientEdge

from lecture_helpers import record_backward


def a_gradient(output):
    """Return a gradient for ``output``: numbers from 1/n to 1."""
    steps = torch.arange(1, output.numel() + 1, dtype=torch.float64) / max(output.numel(), 1)
    return steps.reshape(output.shape).to(device=output.device, dtype=output.dtype)


def assert_recorded(output, gradient=None, most_nodes=MOST_NODES):
    """Record the backward of ``output`` twice; each number must be the engine's own, bit for bit.

    The graph is kept (``retain_graph``) and every ``.grad`` is put back.
    """
    gradient = a_gradient(output) if gradient is None else gradient
    record = record_backward(output, gradient, retain_graph=True, accumulate=False, whole=True)
    pairs = assert_is_engine_graph(record.graph, output, most_nodes=most_nodes)
    leaves = [node.variable for node in pairs if hasattr(node, "variable")]
    held = [(leaf, leaf.grad) for leaf in leaves]
    assert_equals_torch(record, pairs, output, gradient)
    assert_engine_order(record, pairs)
    assert_parts_sum(record)
    for leaf in leaves:
        leaf.grad = None
    try:
        added = record_backward(output, gradient, retain_graph=True, whole=True)
        assert_same_steps(record, added)
        assert_landed(added, pairs)
    finally:
        for leaf, grad in held:
            leaf.grad = grad
    return record


def assert_equals_torch(record, pairs, output, gradient):
    """What arrived at each output of each node is what ``torch.autograd.grad`` says.

    The engine hands out what arrived, whether or not the node itself is run. (Where it
    runs, from before the hooks on the tensor: no graph with such hooks belongs here.)
    """
    steps = {step.node.id: step for step in record.steps}
    assert len(steps) == len(record.steps), "a node ran twice"
    slots = [
        (GradientEdge(node, nr), place, nr)
        for node, place in pairs.items()
        for nr in range(len(record.graph.nodes[place].shapes))
    ]
    edges = [edge for edge, _, _ in slots]
    wanted = torch.autograd.grad(output, edges, gradient, retain_graph=True, allow_unused=True)
    for want, (_, place, nr) in zip(wanted, slots):
        if place not in steps:
            assert want is None
            continue
        assert same(steps[place].grad_outputs[nr], want), (record.graph.nodes[place], nr)


def assert_engine_order(record, pairs):
    """Each node ran after all that send to it; operations from the youngest to the oldest."""
    place_of = {step.node.id: count for count, step in enumerate(record.steps)}
    for edge in record.graph.edges:
        if edge.target in place_of:
            assert place_of[edge.source] > place_of[edge.target]
    number = {place: node._sequence_nr() for node, place in pairs.items()}
    between = [
        (number[edge.source], number[edge.target])
        for edge in record.graph.edges
        if not record.graph.nodes[edge.source].is_leaf
    ]
    if all(source < target for source, target in between):
        ran = [number[step.node.id] for step in record.steps if not step.node.is_leaf]
        assert ran == sorted(ran, reverse=True)


def assert_parts_sum(record):
    """The parts that met at an output, added in the order they came, are what arrived."""
    slots = 0
    for step in record.steps:
        for nr, arrived in enumerate(step.grad_outputs):
            parts = record.parts(step.node.id, nr)
            total = parts[0].gradient if parts else None
            for part in parts[1:]:
                total = total + part.gradient
            assert same(arrived, total), (step.node, nr)
            slots += 1
    assert slots > 0


def assert_same_steps(one, other):
    """Two records tell of the same nodes in the same order, with the same gradients."""
    assert one.graph.edges == other.graph.edges
    assert [step.node.id for step in one.steps] == [step.node.id for step in other.steps]
    for mine, others in zip(one.steps, other.steps):
        for name in ("grad_outputs", "grad_inputs"):
            here, there = getattr(mine, name), getattr(others, name)
            assert len(here) == len(there) and all(map(same, here, there)), (mine.node, name)


def assert_landed(record, pairs):
    """Each leaf's ``.grad`` was None and is now what arrived; an operation has no ``.grad``."""
    leaves = {place: node.variable for node, place in pairs.items() if hasattr(node, "variable")}
    for step in record.steps:
        assert step.grad_before is None
        if step.node.is_leaf:
            assert same(step.grad_after, step.grad_outputs[0])
            assert same(step.grad_after, leaves[step.node.id].grad)
            assert same(record.gradient(leaves[step.node.id]), step.grad_after)
            assert step.grad_inputs == ()
        else:
            assert step.grad_after is None


def same(one, other):
    """Whether two gradients agree in every bit (a NaN is a NaN), or are both None."""
    if one is None or other is None:
        return one is other
    if (one.shape, one.dtype, one.device) != (other.shape, other.dtype, other.device):
        return False
    if one.layout != other.layout:
        return False
    if one.is_meta:
        return True
    one, other = (gradient.detach().to_dense() for gradient in (one, other))
    return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True) and signs(one, other)


def signs(one, other):
    """Whether zeros, too, have the same sign."""
    if one.is_complex():
        one, other = (
            torch.view_as_real(one.resolve_conj()),
            torch.view_as_real(other.resolve_conj()),
        )
    numbers = ~one.isnan()
    return torch.equal(one.signbit() & numbers, other.signbit() & numbers)
