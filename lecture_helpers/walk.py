"""Walk the engine's own graph from Python without endangering the interpreter.

Constraints, all measured on torch 2.6 to 2.14:

- From torch 2.13 on, a graph node that Python has once seen keeps its Python
  wrapper. Dropping a chain of about 40,000 such nodes overflows an 8 MiB stack
  and kills the process. It is depth that kills, never breadth. So a walk stops
  at a depth that the stack of the running thread can bear.
- The depth that counts is the longest path from an output. Visiting nodes in
  decreasing ``_sequence_nr()`` (the order in which the forward made them,
  reversed) gives that depth on the way, since every consumer comes first.
- Three things end that: an edge along which the number does not decrease (a view
  that was read after its base had changed in place, a graph built by several
  threads), and a node that was left unread, since it can no longer raise the depth
  of its inputs. From then on the walk bounds the *number* of nodes it reads, which
  bounds the depth too.
- Reading ``next_functions`` wraps all inputs of a node at once. A ``stack`` or a custom
  Function of more states than the bound is left unread; a ``cat`` does not tell how
  many it joins.
- A node must be held while it is a dictionary key; the ``Walk`` holds them all.
"""

import heapq
import itertools
import threading
from collections import Counter

import torch
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import get_gradient_edge

try:
    import resource
except ImportError:  # Windows has no such module
    resource = None

STACK_BYTES_PER_LEVEL = 210
SMALL_STACK_LEVELS = 600
MAIN_STACK_BYTES = 8 * 2**20
ACCUMULATE_GRAD = "AccumulateGrad"
AccumulateGrad = type(get_gradient_edge(torch.zeros((), requires_grad=True)).node)


class Walk:
    """What a walk found. It keeps the engine's nodes alive: drop it soon.

    places: the position of each node in forward order; filled by ``forward()``.
    unread: the nodes whose inputs were not read, because the walk stopped there.
    """

    def __init__(self, roots, backward_order, unread):
        self.places = {}
        self.unread = unread
        self._roots, self._backward_order = roots, backward_order

    def forward(self):
        """Yield (node, its ``next_functions``) in forward order, each leaf before its first use.

        The inputs are read again, not kept: a tuple or three for each node would make
        Python's garbage collector run several times in a walk of thousands.
        """
        places, unread = self.places, self.unread
        for node in reversed(self._backward_order):
            inputs = () if node in unread else node.next_functions
            for source, _ in inputs:
                if source is not None and source not in places:  # only a leaf can be new here
                    places[source] = len(places)
                    yield source, ()
            places[node] = len(places)
            yield node, inputs
        for root in self._roots:  # those that are leaves themselves
            if root not in places:
                places[root] = len(places)
                yield root, ()

    def cut(self) -> tuple:
        """Return the positions of the nodes whose inputs were not read."""
        return tuple(sorted(self.places[node] for node in self.unread))

    @property
    def operations(self) -> int:
        """The number of nodes that are no leaves."""
        return len(self._backward_order)


def safe_depth() -> int:
    """Return how many levels of a graph the running thread may look at.

    A quarter of the stack, at 210 bytes a level: 9,986 on the 8 MiB main thread
    of Linux and macOS, and 600 where the size of the stack is unknown (any
    other thread, and Windows).
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    if resource is None or not on_main_thread:
        return SMALL_STACK_LEVELS
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    if soft == resource.RLIM_INFINITY:
        soft = MAIN_STACK_BYTES
    return min(soft, MAIN_STACK_BYTES) // 4 // STACK_BYTES_PER_LEVEL


def refuse_too_many(tensors, helper: str) -> None:
    """Refuse to look at the nodes of more given tensors than ``safe_depth()``.

    They may all be states of one chain.

    Raises:
        ValueError: there are more.
    """
    most = safe_depth()
    if len(tensors) <= most:
        return
    computed = sum(not is_leaf(tensor) for tensor in tensors)
    if computed > most:
        raise ValueError(
            f"{helper} was given {computed:,} computed tensors; at most {most:,} can be looked "
            f"at safely on this thread, so pass fewer"
        )


def is_leaf(tensor) -> bool:
    """Return ``tensor.is_leaf``; False where torch refuses to tell.

    It refuses for a view whose base was changed in place, and a view is no leaf there.
    """
    try:
        return tensor.is_leaf
    except RuntimeError:
        return False


def grad_fn_of(tensor):
    """Return ``tensor.grad_fn``; None for a leaf, and where torch refuses to tell.

    It refuses for some views whose base was changed in place. The node gets its Python
    wrapper: see the head of this module.
    """
    try:
        return tensor.grad_fn
    except Exception:  # functorch and nested tensors may each raise their own
        return None


def class_name(node) -> str:
    """Return the class name of an engine node, such as ``MulBackward0``."""
    return type(node).__name__


def walk(roots, depth: int | None = None) -> Walk:
    """Walk from the nodes ``roots`` towards the leaves, each node once.

    Args:
        roots: engine nodes (``tensor.grad_fn``); the caller holds their tensors.
        depth: levels to visit; the default is ``safe_depth()``.
    """
    depth = safe_depth() if depth is None else depth
    level = {root: 0 for root in roots if type(root) is not AccumulateGrad}
    unread, backward_order = set(), []
    count = itertools.count()
    heap = [(-root._sequence_nr(), next(count), root) for root in level]
    heapq.heapify(heap)
    push, pop = heapq.heappush, heapq.heappop
    in_order = numbers_fall = True
    while heap:
        minus_number, _, node = pop(heap)
        at = level[node] if in_order else len(backward_order)
        backward_order.append(node)
        if at >= depth or _joined(node) > depth:
            unread.add(node)
            in_order = False
            continue
        at += 1
        for source, _ in node.next_functions:
            if source is None or type(source) is AccumulateGrad:
                continue
            minus_source = -source._sequence_nr()
            if minus_source <= minus_number:
                in_order = numbers_fall = False
            known = level.get(source)
            if known is None:
                level[source] = at
                push(heap, (minus_source, next(count), source))
            elif known < at:
                level[source] = at
    if not numbers_fall:
        backward_order = _consumers_first(dict.fromkeys(backward_order), unread)
    return Walk(roots, backward_order, unread)


def _joined(node) -> int:
    """Return how many inputs a ``stack`` or a custom Function has, 0 for any other node."""
    kind = type(node)
    if kind.__name__ != "StackBackward0":
        return sum(node.needs_input_grad) if issubclass(kind, BackwardCFunction) else 0
    shape = node._input_metadata[0].shape
    return shape[node._saved_dim - 2**64 if node._saved_dim >= 2**63 else node._saved_dim]


def _consumers_first(nodes, unread) -> list:
    """Return nodes so that each stands after all that use it, else as the numbers say.

    Needed where the numbers do not decrease along every edge.
    """
    inputs = {
        node: [source for source, _ in node.next_functions if source in nodes]
        for node in nodes if node not in unread
    }  # fmt: skip
    users = Counter(source for sources in inputs.values() for source in sources)
    place = {node: number for number, node in enumerate(nodes)}
    ready = [place[node] for node in nodes if not users[node]]
    heapq.heapify(ready)
    order, nodes = [], list(nodes)
    while ready:
        node = nodes[heapq.heappop(ready)]
        order.append(node)
        for source in inputs.get(node, ()):
            users[source] -= 1
            if not users[source]:
                heapq.heappush(ready, place[source])
    return order
