"""Watches one backward through hooks on the engine's own nodes.

The hooks see every gradient in the order in which the engine works. They are removed
whatever happens: a hook left on a node can keep the whole graph alive for ever.
"""

from collections import defaultdict
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import GradientEdge

from .grads import shape_of
from .walk import AccumulateGrad

MOST_COPIED = 10_000  # elements of a gradient that is copied; of a larger one its norm is kept


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

    Each gradient is copied where it is seen. One that was sent is copied again where it
    arrives, since a hook may have changed it on the way without torch's notice (``.data``).

    ran: (position, gradients that arrived, gradients sent on, ``.grad`` before and after)
        for each node, in the order in which they ran. A list where two hooks fill it.
    """

    def __init__(self, whole: bool):
        self.ran = []
        self._most = float("inf") if whole else MOST_COPIED
        self._running = defaultdict(list)  # the steps that have begun, by position

    def copy(self, tensor):
        """Return a copy of a gradient, its ``Summary`` where it is large, None for None."""
        if tensor is None:
            return None
        if tensor.numel() > self._most:
            return Summary(shape_of(tensor), tensor.dtype, _norm(tensor))
        return tensor.detach().clone() if tensor.requires_grad else tensor.clone()

    def run(self, output, gradient, again, places) -> None:
        """Run the backward and add to the ``.grad`` of the leaves.

        again: ``retain_graph`` and ``create_graph``.
        """
        with self._hooked(places, self._around_leaf):
            output.backward(gradient, *again)

    def run_aside(self, output, gradient, again, places, names) -> None:
        """Run the backward as ``torch.autograd.grad`` does, which touches no ``.grad``.

        The engine then takes a leaf's gradient out where its ``AccumulateGrad`` would run,
        after the hooks on the leaf, so the leaf is noted by one of those. (The ``.grad``
        of an intermediate that retains it is filled all the same, and put back here where
        the caller holds the intermediate.)
        """
        leaves = {node: place for node, place in places.items() if type(node) is AccumulateGrad}
        edges = [GradientEdge(node, 0) for node in leaves]
        retained = [
            (held.tensor, held.tensor.grad) for held in names.all() if held.tensor.retains_grad
        ]
        try:
            with self._hooked(places, self._on_leaf):
                found = torch.autograd.grad(output, edges, gradient, *again, allow_unused=True)
        finally:
            for tensor, grad in retained:
                tensor.grad = grad
        noted = {step[0] for step in self.ran}
        for place, gradient in zip(leaves.values(), found):
            if place not in noted:
                self.ran.append((place, (self.copy(gradient),), (), None, None))

    @contextmanager
    def _hooked(self, places, hang_on_leaf):
        """Hang hooks on the nodes of ``places``, a dict of their positions, during a block."""
        handles = []
        try:
            for node, place in places.items():
                if type(node) is AccumulateGrad:
                    handles += hang_on_leaf(node, place)
                elif isinstance(node, BackwardCFunction):
                    handles += self._around(node, place)
                else:
                    handles.append(node.register_hook(self._note(place)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _note(self, place):
        ran, copy = self.ran, self.copy

        def note(grad_inputs, grad_outputs):
            sent = tuple(map(copy, grad_inputs))
            ran.append((place, tuple(map(copy, grad_outputs)), sent, None, None))

        return note

    def _around(self, node, place):
        """Hang hooks on a custom Function. What arrives is noted before it runs: it may change
        that in place, and a backward that it runs itself comes after its own beginning. What
        it returns for an untracked input is dropped by the engine."""

        tracked = [source is not None for source, _ in node.next_functions]

        def note_before(grad_outputs):
            self._begin(place, grad_outputs, None)

        def note_after(grad_inputs, _grad_outputs):
            sent = [gradient if used else None for gradient, used in zip(grad_inputs, tracked)]
            self._running[place].pop()[2] = tuple(map(self.copy, sent))

        return node.register_prehook(note_before), node.register_hook(note_after)

    def _around_leaf(self, node, place):
        leaf = node.variable

        def note_before(grad_outputs):
            self._begin(place, grad_outputs, leaf.grad)

        def note_after(_grad_inputs, _grad_outputs):
            self._running[place].pop()[4] = self.copy(leaf.grad)

        return node.register_prehook(note_before), node.register_hook(note_after)

    def _begin(self, place, grad_outputs, grad):
        step = [place, tuple(map(self.copy, grad_outputs)), (), self.copy(grad), None]
        self.ran.append(step)
        self._running[place].append(step)

    def _on_leaf(self, node, place):
        leaf = node.variable
        if not (leaf.is_leaf and leaf.requires_grad):  # no longer, so torch takes no hook
            return ()
        ran, copy = self.ran, self.copy

        def note(gradient):
            ran.append((place, (copy(gradient),), (), None, None))

        return (leaf.register_hook(note),)


def _norm(tensor) -> float | None:
    """Return the norm of all elements, None where torch cannot tell it."""
    try:
        values = tensor.detach().coalesce().values() if tensor.is_sparse else tensor.detach()
        wide = torch.promote_types(values.dtype, torch.float32)  # a half may overflow
        return torch.linalg.vector_norm(values, dtype=wide).item()
    except (RuntimeError, NotImplementedError, TypeError):  # meta, nested and fake tensors
        return None
