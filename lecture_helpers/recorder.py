"""Watches one backward through hooks on the engine's own nodes.

The hooks see every gradient in the order in which the engine works. They are removed
whatever happens: a hook left on a node can keep the whole graph alive for ever.
"""

import weakref
from collections import Counter
from contextlib import contextmanager
from typing import NamedTuple

import torch

from .grads import shape_of
from .walk import AccumulateGrad

MOST_COPIED = 10_000  # elements of a gradient that is copied; of a larger one its norm is kept
NEVER_SENT = (lambda: None, None, None)


class Summary(NamedTuple):
    """What a record keeps of a large gradient.

    norm: the square root of the sum of its squared elements; NaN or infinite where one of
        them is; None where torch cannot tell (a meta tensor).
    """

    shape: tuple
    dtype: torch.dtype
    norm: float | None


class Recorder:
    """Collects copies of what its hooks see. It holds no node and no tensor of the graph.

    ran: (position, gradients sent on, gradients that arrived) for each node, as they ran.
    grads: for the position of a leaf its ``.grad`` before and after.
    """

    def __init__(self, whole: bool):
        self.ran, self.grads = [], {}
        self._whole = whole
        self._sent = {}  # id of a gradient just sent -> (weak reference, version, its copy)

    def copy(self, tensor):
        """Return a copy of a gradient, its ``Summary`` where it is large, None for None."""
        if tensor is None:
            return None
        if tensor.numel() > MOST_COPIED and not self._whole:
            return Summary(shape_of(tensor), tensor.dtype, _norm(tensor))
        return tensor.detach().clone() if tensor.requires_grad else tensor.clone()

    @contextmanager
    def hooked(self, places):
        """Hang hooks on the nodes of ``places``, a dict of their positions, during a block."""
        handles = []
        try:
            for node, place in places.items():
                if type(node) is AccumulateGrad:
                    before, after = self._leaf_hooks(place, node.variable)
                    handles += [node.register_prehook(before), node.register_hook(after)]
                else:
                    handles.append(node.register_hook(self._hook(place)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, place):
        ran, send, arrived = self.ran, self._send, self._arrived

        def note(grad_inputs, grad_outputs):
            came = arrived(grad_outputs)  # first: what is sent on may be the same tensor
            ran.append((place, tuple([g if g is None else send(g) for g in grad_inputs]), came))

        return note

    def _leaf_hooks(self, place, leaf):
        def note_before(grad_outputs):
            self.ran.append((place, (), self._arrived(grad_outputs)))
            self.grads[place] = self.copy(leaf.grad), None

        def note_after(_grad_inputs, _grad_outputs):
            self.grads[place] = self.grads[place][0], self.copy(leaf.grad)

        return note_before, note_after

    def _send(self, tensor):
        """Copy a gradient that a node sends on, and remember the copy for its receiver."""
        copy = self.copy(tensor)
        if not tensor.is_inference():
            self._sent[id(tensor)] = weakref.ref(tensor), tensor._version, copy
        return copy

    def _arrived(self, tensors):
        """Copy the gradients that arrive at a node. The copy made when one was sent serves
        where it is the same tensor and nobody changed it since."""
        copies, sent = [], self._sent
        for tensor in tensors:
            reference, version, copy = sent.pop(id(tensor), NEVER_SENT)
            if tensor is None or reference() is not tensor or version != tensor._version:
                copy = self.copy(tensor)
            copies.append(copy)
        return tuple(copies)

    def run_aside(self, output, gradient, again, places, edges, names) -> None:
        """Run the backward as ``torch.autograd.grad`` does, which touches no ``.grad``.

        again: ``retain_graph`` and ``create_graph``.

        The engine then takes a leaf's gradient out where its ``AccumulateGrad`` would run,
        that is as soon as the last part has come, so the leaf is noted there. (The ``.grad``
        of an intermediate that retains it is filled all the same, and put back here where
        the caller holds the intermediate.)
        """
        leaves = {places[node]: node.variable for node in places if type(node) is AccumulateGrad}
        retained = [
            (held.tensor, held.tensor.grad) for held in names.all() if held.tensor.retains_grad
        ]
        operations = {node: place for node, place in places.items() if place not in leaves}
        try:
            with self.hooked(operations):
                found = torch.autograd.grad(
                    output, list(leaves.values()), gradient, *again, allow_unused=True
                )
        finally:
            for tensor, grad in retained:
                tensor.grad = grad
        self.ran = _with_leaves(self.ran, dict(zip(leaves, map(self.copy, found))), edges)


def _with_leaves(ran, gradients, edges) -> list:
    """Return the steps ``ran`` with one for each leaf, after the last step that feeds it."""
    waiting_for = Counter(edge.source for edge in edges if edge.source in gradients)
    feeds = {}
    for edge in edges:
        if edge.source in gradients:
            feeds.setdefault(edge.target, []).append((edge.input_nr, edge.source))
    order = []
    for step in ran:
        order.append(step)
        for _, leaf in sorted(feeds.get(step[0], ())):
            waiting_for[leaf] -= 1
            if not waiting_for[leaf]:
                order.append((leaf, (), (gradients.pop(leaf),)))
    return order + [(leaf, (), (gradient,)) for leaf, gradient in gradients.items()]


def _norm(tensor) -> float | None:
    """Return the norm of all elements, None where torch cannot tell it."""
    try:
        values = tensor.detach().coalesce().values() if tensor.is_sparse else tensor.detach()
        wide = torch.promote_types(values.dtype, torch.float32)  # a half may overflow
        return torch.linalg.vector_norm(values, dtype=wide).item()
    except (RuntimeError, NotImplementedError, TypeError):  # meta, nested and fake tensors
        return None
