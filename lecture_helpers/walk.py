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
- Reading ``next_functions`` wraps all inputs of a node at once. A ``stack`` of more
  states than the bound is left unread; a ``cat`` does not tell how many it joins.
- A node must be held while it is a dictionary key; the ``Walk`` holds them all.
"""

import heapq
import itertools
import threading
from typing import NamedTuple

try:
    import resource
except ImportError:  # Windows has no such module
    resource = None

STACK_BYTES_PER_LEVEL = 210
SMALL_STACK_LEVELS = 600
MAIN_STACK_BYTES = 8 * 2**20
ACCUMULATE_GRAD = "AccumulateGrad"


class Walk(NamedTuple):
    """What a walk found. It keeps the engine's nodes alive: drop it soon.

    nodes: the engine's nodes in forward order, each leaf before its first use.
    inputs: per node its ``next_functions`` as read, or None where the walk stopped.
    """

    nodes: list
    inputs: list

    @property
    def cut(self) -> tuple:
        """The positions in ``nodes`` of those whose inputs were not read."""
        return tuple(place for place, inputs in enumerate(self.inputs) if inputs is None)


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
    count = itertools.count()
    level, inputs, heap, backward_order = {}, {}, [], []
    in_order = True

    def meet(node, at):
        if node not in level:
            if class_name(node) != ACCUMULATE_GRAD:
                heapq.heappush(heap, (-node._sequence_nr(), next(count), node))
            level[node] = at
        elif level[node] < at:
            level[node] = at

    for root in roots:
        meet(root, 0)
    while heap:
        minus_number, _, node = heapq.heappop(heap)
        at = level[node] if in_order else len(backward_order)
        backward_order.append(node)
        if at >= depth or _stacked(node) > depth:
            inputs[node] = None
            in_order = False
            continue
        inputs[node] = node.next_functions
        for source, _ in inputs[node]:
            if source is None:
                continue
            meet(source, at + 1)
            if class_name(source) != ACCUMULATE_GRAD and -source._sequence_nr() <= minus_number:
                in_order = False
    return _in_forward_order(level, backward_order, inputs)


def _stacked(node) -> int:
    """Return how many tensors a ``stack`` joins, 0 for any other node."""
    if class_name(node) != "StackBackward0":
        return 0
    shape = node._input_metadata[0].shape
    return shape[node._saved_dim - 2**64 if node._saved_dim >= 2**63 else node._saved_dim]


def _in_forward_order(seen, backward_order, inputs) -> Walk:
    nodes = {}  # a dict keeps the order and answers "is it there yet"
    for node in reversed(backward_order):
        for source, _ in inputs[node] or ():
            if source is not None and class_name(source) == ACCUMULATE_GRAD:
                nodes.setdefault(source)
        nodes.setdefault(node)
    for leaf in seen:  # roots that are leaves themselves
        nodes.setdefault(leaf)
    return Walk(list(nodes), [inputs.get(node, ()) for node in nodes])
