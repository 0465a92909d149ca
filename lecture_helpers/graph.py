"""The autograd graph of a tensor as plain data: ``show_graph`` collects a ``Graph``.

Nodes with a ``grad_fn`` and all edges are the engine's own, one to one. Nothing
is added to the graph and nothing is kept alive after the call.
"""

import sys
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from .names import Names, namespaces_of, parameters_in, tensors_in
from .shown import Shown
from .walk import ACCUMULATE_GRAD, class_name, walk

MOST_VALUES = 200  # reading a value waits for the GPU, so not in a graph of thousands


class Node(NamedTuple):
    """One node of the graph, with the tensors it made.

    id: running number in forward order, from 0.
    grad_fn: class name of the engine's node, such as ``MulBackward0``; a tracked
        leaf has ``AccumulateGrad``; None for a tensor that has no node.
    name: the caller's variable; where several outputs are held, joined by commas;
        None where the caller holds none.
    shape, dtype: of the node's first output (of the leaf itself).
    requires_grad: False only for a tensor alone that autograd does not track.
    untracked: positions in ``next_functions`` that hold None, that is the inputs
        that autograd does not track.
    value: the number, where the caller holds a tensor of one element, else None.
    shapes: the shape of each output.
    """

    id: int
    grad_fn: str | None
    name: str | None
    shape: tuple | None
    dtype: torch.dtype | None
    requires_grad: bool
    untracked: tuple
    value: object
    shapes: tuple

    @property
    def is_leaf(self) -> bool:
        """True for a tensor that no recorded operation made."""
        return self.grad_fn is None or self.grad_fn == ACCUMULATE_GRAD


class Edge(NamedTuple):
    """One edge in forward direction: output ``output_nr`` of node ``source`` is
    input ``input_nr`` of node ``target`` (both node ids)."""

    source: int
    target: int
    output_nr: int
    input_nr: int


class Output(NamedTuple):
    """A tensor that was asked for: output ``output_nr`` of the node with id ``node``."""

    node: int
    output_nr: int
    name: str | None
    shape: tuple
    value: object


@dataclass(frozen=True, repr=False)
class Graph(Shown):
    """An autograd graph: what ``show_graph`` returns. It holds no tensor.

    nodes: tuple of ``Node`` in forward order.
    edges: tuple of ``Edge``; an untracked input is no edge, ``x * x`` has two.
    outputs: tuple of ``Output``, the tensors that were asked for.
    cut: ids of nodes whose inputs were not looked at, because the graph is deeper
        than Python can walk safely; empty for a graph that is whole.
    """

    nodes: tuple
    edges: tuple
    outputs: tuple
    cut: tuple = ()

    def to_svg(self) -> str:
        """Return the picture as one SVG document, the same bytes for the same graph."""
        from .draw import picture_of

        return picture_of(self)


def show_graph(*outputs, **named) -> Graph:
    """Draw the autograd graph that leads to ``outputs``.

    Args:
        outputs: tensors, or lists, tuples, dicts or dataclasses of tensors, nested.
            A tensor without a graph is drawn alone. A module among them is not
            drawn; it names its parameters (``0.weight``).
        named: the same, under a name of your choice, which wins over the name of
            the variable. A tensor that ``outputs`` depend on is only named; any
            other is drawn as one more output.

    Names come from your local, then your global variables.

    Returns:
        A ``Graph``: a notebook shows it as a picture, ``print`` as text.

    Raises:
        TypeError: an argument is neither a tensor nor holds one.
        RuntimeError: torch refuses to tell an output's ``grad_fn``.
    """
    return collect(outputs, named, namespaces_of(sys._getframe(1)))


def collect(outputs, named, namespaces) -> Graph:
    """Collect a ``Graph``: ``show_graph`` with the caller's namespaces given."""
    names = Names()
    by_name = [held for name, thing in named.items() for held in _take(thing, name, names)]
    asked = [held for thing in outputs for held in _take(thing, "", names)]
    if not asked and not by_name:
        raise TypeError(
            "show_graph was given no tensor; pass the tensor whose graph you want to see, "
            "such as show_graph(loss)"
        )
    for variables in namespaces:
        names.add_namespace(variables)
    if not asked:
        asked, by_name = by_name, []
    return _build(asked, by_name, names)


def _take(thing, name, names):
    """Return the tensors of one argument, and add the names that it gives."""
    if isinstance(thing, nn.Module):
        for held in parameters_in(thing, name):
            names.add(held)
        return []
    found = list(tensors_in(thing, name))
    if not found:
        raise TypeError(_refusal(thing))
    if name:
        for held in found:
            names.add(held)
    return found


def _refusal(thing) -> str:
    kind = type(thing).__name__
    if thing is None:
        return (
            "show_graph was given None; pass a tensor (a call such as loss.backward() "
            "returns None, the graph belongs to loss)"
        )
    if hasattr(thing, "next_functions"):
        return f"show_graph was given a node ({kind}); pass the tensor, not its grad_fn"
    return (
        f"show_graph was given {kind}, which holds no tensor; pass a torch tensor, "
        f"or a list, tuple, dict or dataclass of tensors"
    )


def _build(asked, by_name, names) -> Graph:
    """Build the graph of ``asked``, and of those ``by_name`` that no other tensor uses."""
    tensors = [held.tensor for held in asked + by_name]
    roots = [_node_of(tensor) for tensor in tensors]
    walked = walk([root for root in roots if root is not None])
    ids = {node: place for place, node in enumerate(walked.nodes)}
    read_values = len(ids) <= MOST_VALUES
    nodes, edges, cut = [], [], []
    for place, (node, inputs) in enumerate(zip(walked.nodes, walked.inputs)):
        if inputs is None:
            cut.append(place)
            inputs = ()
        nodes.append(_node(place, node, inputs, names, read_values))
        for input_nr, (source, output_nr) in enumerate(inputs):
            if source is not None:
                edges.append(Edge(ids[source], place, output_nr, input_nr))
    used = {(edge.source, edge.output_nr) for edge in edges}
    results = {}
    for count, (tensor, root) in enumerate(zip(tensors, roots)):
        slot = (id(tensor), 0) if root is None else (ids[root], tensor.output_nr)
        if slot in results or (count >= len(asked) and slot in used):
            continue
        place, output_nr = slot
        if root is None:
            place = len(nodes)
            nodes.append(_leaf(place, None, tensor, names, read_value=True))
        held = names.of(tensor)
        results[slot] = Output(
            place, output_nr, held and held.name, tuple(tensor.shape), _value(tensor)
        )
    return Graph(tuple(nodes), tuple(edges), tuple(results.values()), tuple(cut))


def _node_of(tensor):
    """Return the engine's node of a tensor; None where it has none."""
    if not tensor.requires_grad:
        return None
    if tensor.grad_fn is not None:
        return tensor.grad_fn
    try:
        return torch.autograd.graph.get_gradient_edge(tensor).node
    except (RuntimeError, AttributeError):  # inside inference_mode torch makes none
        return None


def _node(place, node, inputs, names, read_values) -> Node:
    grad_fn = class_name(node)
    if grad_fn == ACCUMULATE_GRAD:
        return _leaf(place, grad_fn, node.variable, names, read_values)
    untracked = tuple(nr for nr, (source, _) in enumerate(inputs) if source is None)
    made = node._input_metadata  # one entry per output of the forward operation
    shapes = tuple(tuple(entry.shape) for entry in made)
    held = [known for nr in range(len(made)) if (known := names.of_place(node, nr))]
    name = ", ".join(known.name for known in held) or None
    value = _value(held[0].tensor) if len(held) == len(made) == 1 and read_values else None
    shape, dtype = (shapes[0], made[0].dtype) if made else (None, None)
    return Node(place, grad_fn, name, shape, dtype, True, untracked, value, shapes)


def _leaf(place, grad_fn, tensor, names, read_value) -> Node:
    held = names.of_leaf(tensor)
    shape = tuple(tensor.shape)
    value = _value(tensor) if read_value else None
    return Node(place, grad_fn, held and held.name, shape, tensor.dtype,
                tensor.requires_grad, (), value, (shape,))  # fmt: skip


def _value(tensor):
    """Return the number in a tensor of one element, None where there is none to read."""
    if tensor.numel() != 1 or tensor.is_meta:
        return None
    try:
        return tensor.detach().item()
    except (RuntimeError, NotImplementedError, ValueError, TypeError):
        return None
