"""The autograd graph of a tensor as plain data: ``show_graph`` collects a ``Graph``.

Nodes with a ``grad_fn`` and all edges are the engine's own, one to one. Nothing
is added to the graph and nothing is kept alive after the call.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from .names import Names, callers_namespaces, parameters_in, tensors_in
from .shown import Shown
from .walk import ACCUMULATE_GRAD, class_name, refuse_too_many, walk

MOST_VALUES = 200  # reading a value waits for the GPU, so not in a graph of thousands
MOST_RESULT_VALUES = 16


class Node(NamedTuple):
    """One node of the graph, with the tensors it made.

    id: running number in forward order, from 0.
    grad_fn: class name of the engine's node, such as ``MulBackward0``; a tracked
        leaf has ``AccumulateGrad``; None for a tensor that has no node.
    name: the caller's variable; where several outputs are held, joined by commas;
        None where the caller holds none.
    shape, dtype: of the first output that the caller holds, else of the first.
    requires_grad: the tensor's flag; True for every operation.
    untracked: positions in ``next_functions`` that hold None, that is the inputs
        that autograd does not track.
    value: the number, where the node made one tensor of one element and the caller
        holds it; None elsewhere, and in a graph of more than 200 nodes.
    shapes, names: the shape of each output, and what the caller calls it (or None).
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
    names: tuple

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
    """A tensor that was asked for: output ``output_nr`` of the node with id ``node``.

    value: the number, where it has one element; read for the first 16 outputs only
    where the graph has more than 200 nodes.
    """

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
            the variable. A tensor that another drawn tensor depends on is only named;
            any other is drawn as one more output.

    Names come from your local, then your global variables.

    Returns:
        A ``Graph``: the last line of a notebook cell shows it as a picture (elsewhere
        in a cell use ``display(show_graph(loss))``), ``print`` shows it as text.

    Raises:
        TypeError: an argument is neither a tensor nor holds one.
        ValueError: more tensors are given than can be looked at safely.
        RuntimeError: torch refuses to tell an output's ``grad_fn``.
    """
    return collect(outputs, named, callers_namespaces(1))


def collect(outputs, named, namespaces) -> Graph:
    """Collect a ``Graph``: ``show_graph`` with the caller's namespaces given."""
    by_name = [held for name, thing in named.items() for held in _take(thing, name)]
    asked = [held for thing in outputs for held in _take(thing, "")]
    if not asked and not by_name:
        raise TypeError(
            "show_graph was given no tensor; pass the tensor whose graph you want to see, "
            "such as show_graph(loss)"
        )
    refuse_too_many([held.tensor for held in asked + by_name], "show_graph")
    names = Names()
    modules = [(name, thing) for name, thing in named.items() if isinstance(thing, nn.Module)]
    modules += [("", thing) for thing in outputs if isinstance(thing, nn.Module)]
    for held in by_name:
        names.add(held)
    for name, module in modules:
        for held in parameters_in(module, name):
            names.add(held)
    names.add_namespaces(namespaces)
    if not asked:
        asked, by_name = by_name, []
    return _build([held.tensor for held in asked], [held.tensor for held in by_name], names)


def _take(thing, name) -> list:
    """Return the tensors of one argument; a module is not drawn."""
    if isinstance(thing, nn.Module):
        return []
    found = list(tensors_in(thing, name))
    if not found:
        raise TypeError(_refusal(thing))
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
    tensors = asked + by_name
    roots = [_node_of(tensor) for tensor in tensors]
    walked = walk([root for root in roots if root is not None])
    ids = {node: place for place, node in enumerate(walked.nodes)}
    read_values = len(ids) <= MOST_VALUES
    nodes, edges = _nodes_and_edges(walked, ids, names, read_values)
    used = {(edge.source, edge.output_nr) for edge in edges}
    leaves = _leaves(walked) if None in roots else {}
    results = {}
    for count, (tensor, root) in enumerate(zip(tensors, roots)):
        root = leaves.get(id(tensor)) if root is None else root
        slot = (id(tensor), 0) if root is None else (ids[root], tensor.output_nr)
        if slot in results or (count >= len(asked) and slot in used):
            continue
        read_value = read_values or len(results) < MOST_RESULT_VALUES
        place, output_nr = slot
        if root is None:
            place = len(nodes)
            nodes.append(_leaf(place, None, tensor, names, read_value))
        held = names.of(tensor)
        value = _value(tensor) if read_value else None
        results[slot] = Output(place, output_nr, held and held.name, _shape(tensor), value)
    return Graph(tuple(nodes), tuple(edges), tuple(results.values()), walked.cut)


def _nodes_and_edges(walked, ids, names, read_values):
    nodes, edges = [], []
    for place, (node, inputs) in enumerate(zip(walked.nodes, walked.inputs)):
        inputs = inputs or ()
        nodes.append(_node(place, node, inputs, names, read_values))
        for input_nr, (source, output_nr) in enumerate(inputs):
            if source is not None:
                edges.append(Edge(ids[source], place, output_nr, input_nr))
    return nodes, edges


def _leaves(walked) -> dict:
    """Return the ``AccumulateGrad`` nodes by the ``id`` of their leaf."""
    return {id(node.variable): node for node in walked.nodes if class_name(node) == ACCUMULATE_GRAD}


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
    held = [names.of_place(node, output_nr) for output_nr in range(len(made))]
    called = tuple(known and known.name for known in held)
    first = next((output_nr for output_nr, known in enumerate(held) if known), 0)
    name = ", ".join(filter(None, called)) or None
    shape, dtype = (shapes[first], made[first].dtype) if made else (None, None)
    value = _value(held[0].tensor) if read_values and len(made) == 1 and held[0] else None
    return Node(place, grad_fn, name, shape, dtype, True, untracked, value, shapes, called)


def _leaf(place, grad_fn, tensor, names, read_value) -> Node:
    held = names.of_leaf(tensor)
    name, shape = held and held.name, _shape(tensor)
    value = _value(tensor) if read_value else None
    flag = tensor.requires_grad
    return Node(place, grad_fn, name, shape, tensor.dtype, flag, (), value, (shape,), (name,))


def _shape(tensor) -> tuple | None:
    try:
        return tuple(tensor.shape)
    except RuntimeError:  # a nested tensor has none
        return None


def _value(tensor):
    """Return the number in a tensor of one element, None where there is none to read."""
    try:
        return tensor.detach().item() if tensor.numel() == 1 else None
    except Exception:  # meta, fake, functorch and nested tensors each raise their own
        return None
