"""One real backward as plain data: ``record_backward`` runs it and collects a record.

Where the results of a fan-out are added, no node runs: the engine adds them on the way.
So the parts stand in the ``grad_inputs`` of the steps before, the sum in ``grad_outputs``.
"""

import weakref
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch

from .asked import names_for, refuse_unfollowable, refuse_unrunnable, tensors_of
from .grads import shape_of
from .graph import MOST_VALUES, Graph, capture, collector_paused
from .names import callers_namespaces
from .nodes import Node
from .recorder import Recorder
from .rules import read_rule
from .shown import Shown
from .walk import AccumulateGrad, class_name, refuse_too_many

FREED = "backward through the graph a second time"  # the phrase in torch's message


class How(NamedTuple):
    """How a backward is to be run: see ``record_backward``'s arguments of the same names."""

    retain_graph: bool | None = None
    create_graph: bool = False
    accumulate: bool = True
    whole: bool = False


class Step(NamedTuple):
    """One node at work during a backward.

    A gradient is a tensor of its own, a ``Summary`` where it was too large to copy, or None
    where none came.

    node: the ``Node`` of ``record.graph`` that ran.
    grad_outputs: the gradients that arrived, one per output that the node made in the
        forward; where several steps sent a part, their sum; after the hooks on the tensor.
    grad_inputs: the gradients that the node sent on, one per entry of its
        ``next_functions``; None for an untracked input; empty for a leaf.
    grad_before, grad_after: of a leaf, its ``.grad`` before and after this step.
    rule: the local rule of the node, see ``lecture_helpers.rules``; None where there is
        none, and in graphs of more than 200 operations.
    """

    node: Node
    grad_outputs: tuple
    grad_inputs: tuple
    grad_before: object = None
    grad_after: object = None
    rule: object = None


class Part(NamedTuple):
    """One of the gradients that met at an output of a node.

    sender: the id of the node that sent it as its ``grad_inputs[input_nr]``; None for the
        gradient that the backward was started with.
    """

    sender: int | None
    input_nr: int
    gradient: object


@dataclass(frozen=True, repr=False, eq=False)
class BackwardRecord(Shown):
    """One backward, recorded: what ``record_backward`` returns. It holds no graph of yours.

    graph: the ``Graph`` that was walked.
    steps: tuple of ``Step`` in the order in which the engine worked.
    given: the gradient that the backward was started with.
    accumulated: whether the gradients were added to the ``.grad`` of the leaves.
    """

    graph: Graph
    steps: tuple
    given: object
    accumulated: bool
    _leaves: dict  # the place of each, by its id, with a weak reference
    _numbers: tuple  # of each operation, where it stands in the graph

    def gradient(self, tensor: torch.Tensor):
        """Return the gradient that arrived at ``tensor``, a leaf or an intermediate.

        For a leaf that is what this backward added to ``.grad``. A large one is a
        ``Summary``, see ``whole`` of ``record_backward``. None where none arrived, as for a
        tensor that does not require grad. (Where a backward inside this one, of a reentrant
        checkpoint, also came to a leaf, it is what arrived first.)

        Raises:
            TypeError: the argument is no tensor.
            ValueError: the tensor requires grad but is not part of the recorded graph.
        """
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(
                f"gradient was given {type(tensor).__name__}; pass a tensor of the recorded graph"
            )
        if not tensor.requires_grad:
            return None
        place = self._place(tensor)
        if place is None:
            raise ValueError(
                "gradient was given a tensor that is not part of the recorded graph; pass a leaf "
                "or an intermediate that led to the output of this backward"
            )
        step = next((step for step in self.steps if step.node.id == place), None)
        arrived = step and step.grad_outputs[0 if step.node.is_leaf else tensor.output_nr]
        return arrived.clone() if isinstance(arrived, torch.Tensor) else arrived

    def _place(self, tensor) -> int | None:
        reference, place = self._leaves.get(id(tensor), (None, None))
        if reference is not None and reference() is tensor:
            return place
        try:
            node = tensor.grad_fn
        except RuntimeError:  # a view whose base was changed in place since
            return None
        if node is None:
            return None
        number, kind = node._sequence_nr(), class_name(node)
        shape, nr = shape_of(tensor), tensor.output_nr
        found = [
            known.id
            for known, other in zip(self.graph.nodes, self._numbers)
            if other == number and known.grad_fn == kind and known.shapes[nr:][:1] == (shape,)
        ]
        return found[0] if len(found) == 1 else None  # each thread counts from 0

    @property
    def operations(self) -> int:
        """The number of nodes that are no leaves."""
        return len(self.graph.nodes) - len(self._leaves)

    def runs(self, node_id: int) -> int:
        """Return how often a node ran: once, or more where a backward ran inside this one."""
        return self._runs[node_id]

    def parts(self, node_id: int, output_nr: int = 0) -> tuple:
        """Return the ``Part``s that met at an output of a node, in the order they came.

        Their sum is what arrived there, unless a hook changed it.
        """
        return tuple(self._parts.get((node_id, output_nr), ()))

    def receivers(self, node_id: int) -> list:
        """Return the edges along which a node sends gradients, by the number of its input."""
        return self._receivers.get(node_id, [])

    @cached_property
    def _receivers(self) -> dict:
        found = {}
        for edge in sorted(self.graph.edges, key=lambda edge: edge.input_nr):
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def _runs(self) -> Counter:
        return Counter([step.node.id for step in self.steps])

    @cached_property
    def _parts(self) -> dict:
        """The ``Part``s of each (node id, output_nr) where any came."""
        root = self.graph.outputs[0]
        found = {(root.node, root.output_nr): [Part(None, 0, self.given)]}
        slots = {
            (edge.target, edge.input_nr): (edge.source, edge.output_nr) for edge in self.graph.edges
        }
        for step in self.steps:
            for input_nr, gradient in enumerate(step.grad_inputs):
                slot = slots.get((step.node.id, input_nr))
                if slot is not None and gradient is not None:
                    part = Part(step.node.id, input_nr, gradient)
                    found.setdefault(slot, []).append(part)
        return found


def record_backward(
    output,
    gradient=None,
    *,
    retain_graph=None,
    create_graph=False,
    accumulate=True,
    whole=False,
    **named,
) -> BackwardRecord:
    """Run one backward from ``output`` and record every gradient on its way.

    The backward is a real one: it adds to the ``.grad`` of the leaves, frees what the nodes
    saved and calls your hooks, as ``output.backward()`` does.

    Args:
        output: the tensor to start from.
        gradient: the gradient to start with, of the shape of ``output``; 1 where None. Then
            ``output`` must have exactly one element.
        retain_graph: keep what the nodes saved, for another backward; None keeps it where
            ``create_graph`` is True, as torch does.
        create_graph: let autograd record the backward too, for second derivatives.
        accumulate: with False the gradients are computed as ``torch.autograd.grad`` does and
            no ``.grad`` is touched; hooks that run after an accumulation do not run. (Only
            the ``.grad`` of an intermediate that called ``retain_grad()`` and is not among
            your variables changes.)
        whole: copy gradients of more than 10,000 elements too, instead of their norm.
        named: names of your choice for tensors, or for the parameters of modules.

    Returns:
        A ``BackwardRecord``: the last line of a notebook cell shows it as a picture of the
        finished backward; ``print`` tells every step.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: ``output`` has no graph, or one too deep to follow, or ``gradient`` is
            missing or has another shape. Nothing has run then.
        Whatever the backward itself raises, a hook or a custom Function of yours included.
    """
    how = How(retain_graph, create_graph, accumulate, whole)
    return record(output, gradient, how, named, callers_namespaces(1), "record_backward")


def record(output, gradient, how, named, namespaces, helper) -> BackwardRecord:
    """Record a backward: ``record_backward`` with the caller's namespaces given."""
    refuse_unrunnable(output, gradient, how, helper)
    with collector_paused():
        return _record(output, gradient, how, named, namespaces, helper)


def _record(output, gradient, how, named, namespaces, helper) -> BackwardRecord:
    with torch._C.DisableTorchFunctionSubclass():
        by_name = [held for name in named for held in tensors_of(named[name], name, helper)]
        refuse_too_many([held.tensor for held in by_name], helper)
        names = names_for((), named, by_name, namespaces)
        graph, walked = capture([output], 1, names)
        refuse_unfollowable(graph, how.accumulate, helper)
        rules = {}
        if walked.operations <= MOST_VALUES:
            rules = {place: read_rule(node, names) for node, place in walked.places.items()}
    recorder = Recorder(how.whole)
    given = recorder.copy(torch.ones_like(output) if gradient is None else gradient)
    again = how.retain_graph, how.create_graph
    try:
        if how.accumulate:
            recorder.run(output, gradient, again, walked.places)
        else:
            recorder.run_aside(output, gradient, again, walked.places, names)
    except RuntimeError as error:
        if FREED in str(error):
            error.add_note(
                f"{helper} runs a backward, and an earlier one has freed what this graph saved: "
                f"run the forward again, in the same cell as {helper}."
            )
        raise
    nodes = graph.nodes
    steps = tuple([Step(nodes[place], *seen, rules.get(place)) for place, *seen in recorder.ran])
    leaves = {
        id(node.variable): (weakref.ref(node.variable), place)
        for node, place in walked.places.items()
        if type(node) is AccumulateGrad
    }
    numbers = tuple([node._sequence_nr() for node in walked.places])
    return BackwardRecord(graph, steps, given, how.accumulate, leaves, numbers)
