"""Which nodes of a large graph are drawn, and what stands for the others.

A loop leaves the same operations in the graph again and again, one repetition after
the other in forward order. The first and the last of them are drawn, and one box
stands for those between. What is still too much is cut off at the left.

Groups are ranges in forward order, so no group can feed itself: what is drawn stays
free of cycles.
"""

from typing import NamedTuple

from ..graph import Graph
from .versions import spoilt
from .words import operation

FEWEST_REPEATS = 4
MOST_STARTS = 8  # lengths of a repetition that are tried at one place
NEAR = 64  # an input made fewer operations before must stand at the same distance
MANY_OUTPUTS = 12  # which output of an ``unbind`` of more it is does not count, nor how far
WORK_PER_NODE = 40
MOST_PASSES = 3  # loops inside loops
LAST_UNITS = 16
MOST_LEAVES = 24
MOST_NAMED = 4


class Group(NamedTuple):
    """Nodes that one box stands for.

    nodes: their ids, operations and the leaves that nothing else uses.
    words: lines of text, the most important first.
    """

    nodes: tuple
    words: tuple


class _Run(NamedTuple):
    start: int
    period: int
    count: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.count


def folded(graph: Graph, most: int) -> tuple:
    """Return (nodes to draw, groups): about ``most`` boxes at the most, and their leaves."""
    operations = [node for node in graph.nodes if not node.is_leaf]
    signs = _signs(graph, operations)
    runs = _runs(signs)
    units, groups = _fold(operations, signs, runs, keep_first=True)
    if runs and len(units) > most:
        units, groups = _fold(operations, signs, runs, keep_first=False)
    if len(units) > most:
        left_out = tuple(node for unit in units[:-LAST_UNITS] for node in unit)
        units = [left_out, *units[-LAST_UNITS:]]
        groups[left_out] = (f"{len(left_out):,} more operations", "not drawn")
    return _with_leaves(graph, [(unit, groups[unit]) for unit in units if unit in groups])


def _fold(operations, signs, runs, keep_first) -> tuple:
    """Return the units of forward order (tuples of ids) and the words of those that are groups."""
    names = {node.id: node.grad_fn for node in operations}
    units, groups = [(node.id,) for node in operations], {}
    for _ in range(MOST_PASSES):
        if not runs:
            break
        units, signs = _collapse(units, signs, runs, keep_first, groups, names)
        runs = _runs(signs)
    return units, groups


def _signs(graph, operations) -> list:
    """Return a number per operation; equal numbers mean: the same, in the same surroundings."""
    at = {node.id: place for place, node in enumerate(operations)}
    marked = spoilt(graph)  # one among many that are not stands by itself
    inputs = {node.id: [] for node in operations}
    for source, target, output_nr, input_nr in graph.edges:
        place = at.get(source)
        back = -1 if place is None else at[target] - place
        if back < NEAR and len(graph.nodes[source].shapes) <= MANY_OUTPUTS:
            inputs[target] += (input_nr, back, output_nr)
        else:
            inputs[target] += (input_nr, NEAR, 0)
    numbers = {}
    return [
        numbers.setdefault(
            (node.grad_fn, node.shapes, node.dtypes, node.id in marked, *inputs[node.id]),
            len(numbers),
        )
        for node in operations
    ]


def _runs(signs) -> list:
    """Return the repetitions, left to right, none overlapping."""
    following = _following(signs)
    work = WORK_PER_NODE * len(signs)
    runs, start = [], 0
    while start < len(signs) and work > 0:
        best, other = None, start
        for _ in range(MOST_STARTS):
            other = following[other]
            if other is None or FEWEST_REPEATS * (other - start) > len(signs) - start:
                break
            period = other - start
            if signs[other + period] != signs[start] or signs[start + 1] != signs[other + 1]:
                work -= 1  # most candidates end here
                continue
            same = _same_ahead(signs, start, period, work)
            work -= same + 1
            run = _Run(start, period, same // period + 1)
            if run.count >= FEWEST_REPEATS and (best is None or run.end > best.end):
                best = run
        if best:
            runs.append(best)
        start = best.end if best else start + 1
    return runs


def _following(signs) -> list:
    """Return for each place the next place of the same sign, or None."""
    following, last = [None] * len(signs), {}
    for place in range(len(signs) - 1, -1, -1):
        following[place] = last.get(signs[place])
        last[signs[place]] = place
    return following


def _same_ahead(signs, start, period, most) -> int:
    """Return how far the signs from ``start`` equal those one period later."""
    end = min(len(signs) - period, start + most)
    place = start
    while place < end and signs[place] == signs[place + period]:
        place += 1
    return place - start


def _collapse(units, signs, runs, keep_first, groups, names) -> tuple:
    """Put one unit in place of the repetitions of each run but the last, or the first and last."""
    new_units, new_signs, done = [], [], 0
    for run in runs:
        first = run.start + (run.period if keep_first else 0)
        last = run.end - run.period
        middle = tuple(node for unit in units[first:last] for node in unit)
        times = (last - first) // run.period
        groups[middle] = _words(times, [names[node] for node in middle[: len(middle) // times]])
        new_units += [*units[done:first], middle]
        new_signs += [*signs[done:first], ("run", *signs[first : first + run.period], times)]
        done = last
    return new_units + units[done:], new_signs + signs[done:]


def _words(times, names) -> tuple:
    distinct = [operation(name) for name in dict.fromkeys(names)]
    listed = ", ".join(distinct[:MOST_NAMED]) + (", ..." if len(distinct) > MOST_NAMED else "")
    what = "the same operation" if len(names) == 1 else f"the same {len(names):,} operations"
    return f"{times:,} × {what}", listed


def _with_leaves(graph, groups) -> tuple:
    """Return (nodes to draw, groups). A leaf that one group alone uses goes into it."""
    group_of = {node: number for number, (unit, _) in enumerate(groups) for node in unit}
    users = {node.id: set() for node in graph.nodes if node.is_leaf}
    for edge in graph.edges:
        if graph.nodes[edge.source].is_leaf:
            users[edge.source].add(group_of.get(edge.target))
    asked = {output.node for output in graph.outputs[:MOST_LEAVES]}
    inside = {
        leaf: next(iter(by))
        for leaf, by in users.items()
        if len(by) == 1 and None not in by and leaf not in asked
    }
    leaves = [leaf for leaf in users if leaf not in inside]
    surplus = set(leaves) - set(sorted(leaves, key=lambda leaf: None in users[leaf])[-MOST_LEAVES:])
    shown = tuple(
        node
        for node in graph.nodes
        if not (node.id in group_of or node.id in inside or node.id in surplus)
    )
    return shown, _groups(groups, inside, surplus)


def _groups(groups, inside, surplus) -> tuple:
    own = {}
    for leaf, number in inside.items():
        own.setdefault(number, []).append(leaf)
    made = []
    for number, (unit, words) in enumerate(groups):
        leaves = own.get(number, [])
        more = (f"and {_leaves(len(leaves))}",) if leaves else ()
        made.append(Group((*unit, *leaves), (*words, *more)))
    if surplus:
        made.append(Group(tuple(surplus), (_leaves(len(surplus), "more "), "not drawn")))
    return tuple(made)


def _leaves(count, more="") -> str:
    return f"{count:,} {more}{'leaf' if count == 1 else 'leaves'}"
