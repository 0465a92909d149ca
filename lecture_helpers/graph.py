"""The autograd graph of a tensor as plain data: ``show_graph`` collects a ``Graph``.

Nodes with a ``grad_fn`` and all edges are the engine's own, one to one. Nothing
is added to the graph and nothing is kept alive after the call.
"""

import contextlib
import gc
from dataclasses import dataclass
from typing import NamedTuple

import torch

from .asked import asked_for
from .grads import shape_of
from .names import callers_namespaces
from .nodes import NOT_CALLED, NodeReader, value_of
from .overwritten import overwrites
from .saved import SavedReader, bytes_of
from .shown import Shown
from .walk import ACCUMULATE_GRAD, class_name, walk

MOST_VALUES = 200  # reading a value waits for the GPU, so not in a graph of thousands
MOST_RESULT_VALUES = 16


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
    where the graph has more than 200 operations.
    """

    node: int
    output_nr: int
    name: str | None
    shape: tuple
    value: object


class Options(NamedTuple):
    """What ``show_graph`` was asked for: see its arguments of the same names."""

    saved: bool = False
    grad: bool = False
    fold: bool = True


PLAIN = Options()


@dataclass(frozen=True, repr=False)
class Graph(Shown):
    """An autograd graph: what ``show_graph`` returns. It holds no tensor.

    nodes: tuple of ``Node`` in forward order.
    edges: tuple of ``Edge``; an untracked input is no edge, ``x * x`` has two.
    outputs: tuple of ``Output``, the tensors that were asked for.
    cut: ids of nodes whose inputs were not looked at, because the graph is deeper
        than Python can walk safely; empty for a graph that is whole.
    options: what was asked for beyond the graph itself.
    overwritten: tuple of ``Overwrite``, the saved values that were changed in place since,
        in the order in which backward meets them; empty without ``saved=True``.
    """

    nodes: tuple
    edges: tuple
    outputs: tuple
    cut: tuple = ()
    options: Options = PLAIN
    overwritten: tuple = ()

    @property
    def saved_bytes(self) -> int:
        """Bytes that the nodes keep for backward, each storage counted once.

        Parameters and inputs among them are counted too. 0 without ``saved=True``.
        """
        return bytes_of(saved for node in self.nodes for saved in node.saved)

    def to_svg(self) -> str:
        """Return the picture as one SVG document, the same bytes for the same graph."""
        from .draw import picture_of

        return picture_of(self)


def show_graph(*outputs, saved=False, grad=False, fold=True, lines=None, **named) -> Graph:
    """Draw the autograd graph that leads to ``outputs``.

    Args:
        outputs: tensors, or lists, tuples, dicts or dataclasses of tensors, nested.
            A tensor without a graph is drawn alone. A module among them is not
            drawn; it names its parameters (``0.weight``).
        saved: also show which tensors each node keeps for backward, with their bytes. One
            that was changed in place since is marked, and what made and changed it is said,
            also after backward has raised. A change through ``.data`` slips past, since no
            version counter notices it, and so does one of what ``CopySlices`` keeps inside.
        grad: also show the ``.grad`` of each leaf, as it is now.
        fold: in a large picture draw a repeated part once. With False every node is
            drawn, up to 1,000.
        lines: a ``tracking_map()`` that was on during the forward: with ``saved=True`` the
            statements that made and changed a value are told, and those through ``.data``.
        named: more outputs, under a name of your choice, which wins over the name of
            the variable. A tensor that another drawn tensor depends on is only named;
            any other is drawn as one more output.

    Names come from your local, then your global variables.

    A graph deeper than Python can walk safely is cut, and picture and text say so: at
    9,986 levels on the main thread of Linux and macOS, at 600 elsewhere. Three things
    cannot be guarded against: a program that itself reads ``.grad_fn`` along a deeper
    chain, one ``torch.cat`` of thousands of states of one chain, and a graph drawn on
    a large stack that is dropped on a small one.

    Returns:
        A ``Graph``: the last line of a notebook cell shows it as a picture (elsewhere
        in a cell use ``display(show_graph(loss))``), ``print`` shows it as text.

    Raises:
        TypeError: an argument is neither a tensor nor holds one, or an option is
            neither True nor False.
        ValueError: more tensors are given than can be looked at safely, or ``lines``
            without ``saved=True``.
        RuntimeError: torch refuses to tell an output's ``grad_fn``.
    """
    options = Options(saved, grad, fold)
    return collect(outputs, named, callers_namespaces(1), options, lines=lines)


def collect(outputs, named, namespaces, options=PLAIN, helper="show_graph", lines=None) -> Graph:
    """Collect a ``Graph``: ``show_graph`` with the caller's namespaces given.

    helper: what the messages call the helper that was given the arguments.
    """
    _check(options, lines)
    with collector_paused(), torch._C.DisableTorchFunctionSubclass():
        return _collect(outputs, named, namespaces, options, helper, lines)


@contextlib.contextmanager
def collector_paused():
    """Keep Python's cyclic garbage collector out of a block, where it is on.

    Thousands of new objects would call it several times, each time for longer than the
    capture takes, since it looks at all that torch has imported. Nothing here makes a cycle.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _collect(outputs, named, namespaces, options, helper, lines) -> Graph:
    asked, by_name, names = asked_for(
        outputs, named, namespaces, helper, "whose graph you want to see"
    )
    if not asked:
        asked, by_name = by_name, []
    tensors = [held.tensor for held in asked + by_name]
    return capture(tensors, len(asked), names, options, lines)[0]


def _check(options, lines):
    for name, value in options._asdict().items():
        if not isinstance(value, bool):
            raise TypeError(
                f"show_graph was given {name}={type(value).__name__}; {name} is an option and "
                f"takes True or False, so show a tensor under another name"
            )
    if lines is None:
        return
    if not hasattr(lines, "changes_of"):
        raise TypeError(
            f"show_graph was given lines={type(lines).__name__}; pass the map of a block that ran "
            f"under tracking_map(), or show a tensor under another name"
        )
    if not options.saved:
        raise ValueError(
            "show_graph was given lines= without saved=True; the statements stand beside what "
            "the nodes saved, so ask for both"
        )


def capture(tensors, asked, names, options=PLAIN, lines=None) -> tuple:
    """Return the graph of the first ``asked`` tensors, and of any other that none uses.

    The second thing returned is the ``Walk``, whose ``places`` tell which engine node is
    which ``Node``: drop it soon.
    """
    roots = [_node_of(tensor) for tensor in tensors]
    walked = walk([root for root in roots if root is not None])
    read_values = walked.operations <= MOST_VALUES
    saved = SavedReader(names) if options.saved else None
    reader = NodeReader(names, read_values, saved, options.grad)
    nodes, edges = _nodes_and_edges(walked, reader)
    used = {(edge.source, edge.output_nr) for edge in edges} if len(tensors) > asked else ()
    leaves = _leaves(walked) if None in roots else {}
    results = {}
    for count, (tensor, root) in enumerate(zip(tensors, roots)):
        root = leaves.get(id(tensor)) if root is None else root
        slot = (id(tensor), 0) if root is None else (walked.places[root], tensor.output_nr)
        if slot in results or (count >= asked and slot in used):
            continue
        read_value = read_values or len(results) < MOST_RESULT_VALUES
        place, output_nr = slot
        if root is None:
            place = len(nodes)
            nodes.append(reader.leaf(place, None, tensor, read_value))
        held = names.of(tensor)
        value = value_of(tensor) if read_value else None
        results[slot] = Output(place, output_nr, held and held.name, shape_of(tensor), value)
    changed = overwrites(nodes, walked, saved, lines) if saved else ()
    graph = Graph(
        tuple(nodes), tuple(edges), tuple(results.values()), walked.cut(), options, changed
    )
    return graph, walked


def _nodes_and_edges(walked, reader) -> tuple:
    places, nodes, edges = walked.places, [], []
    for node, inputs in walked.forward():
        place, untracked = len(nodes), []
        for input_nr, (source, output_nr) in enumerate(inputs):
            if source is None:
                untracked.append(input_nr)
            else:
                edges.append(Edge(places[source], place, output_nr, input_nr))
        nodes.append(reader.read(place, node, tuple(untracked)))
        if nodes[-1].view_of == NOT_CALLED and inputs and inputs[0][0] is not None:
            source, output_nr = inputs[0]
            nodes[-1] = nodes[-1]._replace(view_of=_base(nodes[places[source]], output_nr))
    return nodes, edges


def _base(source, output_nr) -> str:
    """Return what the caller calls the tensor that a view of this output shares memory with."""
    if source.view_of is not None:
        return source.view_of
    return source.names[output_nr] or NOT_CALLED


def _leaves(walked) -> dict:
    """Return the ``AccumulateGrad`` nodes by the ``id`` of their leaf."""
    return {
        id(node.variable): node for node in walked.places if class_name(node) == ACCUMULATE_GRAD
    }


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
