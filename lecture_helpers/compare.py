"""Two graphs walked in step from their outputs: ``compare_graphs``."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from .graph import Graph, collect
from .names import callers_namespaces
from .shown import Shown


class Difference(NamedTuple):
    """One place where two graphs differ.

    a, b: ids of the nodes that stand there.
    what: ``"output"`` (a different number of outputs; both ids are None), ``"operation"``,
        ``"shape"``, ``"dtype"``, ``"inputs"`` (other inputs are tracked, or another output
        of the same node is used) or ``"sharing"`` (on one side the same node stands in
        two places, on the other side two nodes).
    """

    a: int | None
    b: int | None
    what: str


@dataclass(frozen=True, repr=False)
class GraphComparison(Shown):
    """Two graphs side by side: what ``compare_graphs`` returns.

    a, b: the two ``Graph``.
    pairs: tuple of (id in a, id in b) of the nodes that stand in the same place.
    differences: tuple of ``Difference``, in the order of a walk from the outputs.
    only_a, only_b: ids of the nodes that have no partner.
    called: what picture and text call the two graphs.
    """

    a: Graph
    b: Graph
    pairs: tuple
    differences: tuple
    only_a: tuple
    only_b: tuple
    called: tuple = ("a", "b")

    @property
    def same(self) -> bool:
        """Whether both graphs have the same nodes, shapes, dtypes and edges.

        False also where one of them was cut at the safe depth: the rest is not known.
        """
        return not (self.differences or self.a.cut or self.b.cut)

    def to_svg(self) -> str:
        """Return the picture of both graphs as one SVG document."""
        from .draw import picture_of

        return picture_of(self)


def compare_graphs(a, b) -> GraphComparison:
    """Draw two autograd graphs side by side and mark where they differ.

    Both are walked in step from their outputs towards the leaves. Two nodes in the same
    place are compared by operation, shape, dtype and inputs. Where their inputs cannot
    be put in step, the walk stops; what it did not reach has no partner, but for leaves
    of the same name and shape. Values, and constants such as an exponent, are not
    compared, nor are names.

    Args:
        a, b: each a tensor, a list, tuple, dict or dataclass of tensors, or a
            ``Graph`` from ``show_graph``.

    Raises:
        TypeError, ValueError, RuntimeError: as ``show_graph`` does.
    """
    namespaces = callers_namespaces(1)
    graphs = [
        side
        if isinstance(side, Graph)
        else collect((side,), {}, namespaces, helper="compare_graphs")
        for side in (a, b)
    ]
    return compared(*graphs)


def compared(a: Graph, b: Graph, called=("a", "b")) -> GraphComparison:
    """Compare two graphs that are there already; ``called`` is what they are called."""
    walk = _Walk(a, b)
    walk.run()
    walk.pair_leaves_by_name()
    partners = walk.partner_a, walk.partner_b
    only = [
        tuple(node.id for node in graph.nodes if node.id not in partner)
        for graph, partner in zip((a, b), partners)
    ]
    pairs = tuple(sorted(walk.partner_a.items()))
    return GraphComparison(a, b, pairs, tuple(walk.differences), *only, tuple(called))


class _Walk:
    """The walk in step; breadth first, so the difference nearest to the outputs comes first."""

    def __init__(self, left, right):
        self.graphs = left, right
        self.inputs = _inputs(left), _inputs(right)
        self.partner_a, self.partner_b = {}, {}
        self.differences = []

    def run(self):
        outputs = [[(out.node, out.output_nr) for out in graph.outputs] for graph in self.graphs]
        if len(outputs[0]) != len(outputs[1]):
            self.differences.append(Difference(None, None, "output"))
        waiting = deque()
        for left, right in zip(*outputs):
            self._note(left[0], right[0], left[1] != right[1] and "inputs")
            waiting.append((left[0], right[0]))
        while waiting:
            waiting += self._visit(*waiting.popleft())

    def _note(self, left, right, what):
        if what:
            self.differences.append(Difference(left, right, what))

    def _visit(self, left, right) -> list:
        """Pair two nodes and return the pairs of inputs to visit next."""
        known = self.partner_a.get(left), self.partner_b.get(right)
        if known != (None, None):
            self._note(left, right, known != (right, left) and "sharing")
            return []
        one, other = self.graphs[0].nodes[left], self.graphs[1].nodes[right]
        sources = self.inputs[0][left], self.inputs[1][right]
        in_step = sources[0].keys() == sources[1].keys() and one.is_leaf == other.is_leaf
        if one.grad_fn != other.grad_fn:
            self._note(left, right, "operation")
            if not in_step:
                return []
        elif not in_step or one.untracked != other.untracked:
            self._note(left, right, "inputs")
        elif one.shapes != other.shapes or one.dtypes != other.dtypes:
            self._note(left, right, "dtype" if one.shapes == other.shapes else "shape")
        self.partner_a[left], self.partner_b[right] = right, left
        common = sorted(sources[0].keys() & sources[1].keys())
        if any(sources[0][nr].output_nr != sources[1][nr].output_nr for nr in common):
            self._note(left, right, "inputs")
        return [(sources[0][nr].source, sources[1][nr].source) for nr in common]

    def pair_leaves_by_name(self):
        """Pair leaves that the walk did not reach on either side."""
        waiting = {
            (node.name, node.shapes, node.dtype): node.id
            for node in self.graphs[0].nodes
            if node.is_leaf and node.name and node.id not in self.partner_a
        }
        for node in self.graphs[1].nodes:
            key = node.name, node.shapes, node.dtype
            if node.is_leaf and node.id not in self.partner_b and key in waiting:
                left = waiting.pop(key)
                self.partner_a[left], self.partner_b[node.id] = node.id, left


def _inputs(graph) -> list:
    """Return for each node its edges by input number."""
    inputs = [{} for _ in graph.nodes]
    for edge in graph.edges:
        inputs[edge.target][edge.input_nr] = edge
    return inputs
