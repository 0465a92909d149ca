"""What to say of saved values that were overwritten: in a box, and below the graph."""

from collections import Counter

from ..graph import Graph
from .words import label, number_of, operation, shorten

LONGEST_STATEMENT = 72
MOST_MARKS = 2  # values that are marked in one box
MOST_ALSO = 4  # further values that are listed, each on one line
MOST_CHANGES = 3  # statements that are listed
UNTOLD = "by what the graph does not tell; lines=, a tracking_map() of the forward, may"
NOT_RECORDED = "by what is not recorded in this graph, as under no_grad or through detach()"


def marks_of(graph: Graph) -> dict:
    """Return what to write on the nodes of overwritten values, by their id.

    Each has a tuple of phrases; the node that changed a value has one too.
    """
    marks = {}
    for same in _grouped(graph):
        one = same[0]
        marks.setdefault(one.node, []).append(_mark(same))
        if one.changer is not None:
            words = f"overwrites {_saved(same)} of {_called(graph, one.node)}"
            marks.setdefault(one.changer, []).append((words,))
    return {node: _first_few(phrases) for node, phrases in marks.items()}


def spoilt(graph: Graph) -> set:
    """Return the ids of the nodes whose saved value was overwritten."""
    return {one.node for one in graph.overwritten}


def numbered(graph: Graph) -> set:
    """Return the ids of the nodes that the sentences speak of by number."""
    told = _told(graph)
    places = [place for same, _ in told for place in (same[0].node, same[0].maker)]
    places += [one.changer for one in graph.overwritten] + [one.node for one in graph.overwritten]
    return {place for place in places if place is not None}


def overwritten_lines(graph: Graph) -> list:
    """Return lines on the overwritten values: which, where made, saved and changed, and then what.

    The first that backward meets is told in full, and the first that it does not notice.
    """
    lines, also = [], []
    for same, in_full in _told(graph):
        if in_full:
            lines += _in_full(graph, same)
        else:
            also.append(f"also {': '.join(_mark(same))}, saved by {_called(graph, same[0].node)}")
    more = len(also) - MOST_ALSO
    return [*lines, *also[:MOST_ALSO], *([f"and {more:,} more"] if more > 0 else [])]


def _told(graph) -> list:
    """Return (values that are one, whether to tell them in full)."""
    told, met = [], set()
    for same in _grouped(graph):
        told.append((same, same[0].silent not in met))
        met.add(same[0].silent)
    return told


def _grouped(graph) -> list:
    """Return lists of what is one value, saved by one node under several names."""
    groups = {}
    for one in graph.overwritten:
        groups.setdefault(one._replace(saved=""), []).append(one)
    return list(groups.values())


def _mark(same) -> tuple:
    one = same[0]
    name = f" ({shorten(one.tensor)})" if one.tensor else ""
    if one.silent:
        return (f"{_saved(same)}{name} changed through .data", "no version tells")
    return (f"{_saved(same)}{name} overwritten", f"version {one.version}, now {one.now}")


def _saved(same) -> str:
    return " and ".join(sorted((one.saved for one in same), key=lambda name: name != "self"))


def _first_few(phrases) -> tuple:
    more = len(phrases) - MOST_MARKS
    counted = [(f"and {more:,} more",)] if more > 0 else []
    return tuple(words for phrase in [*phrases[:MOST_MARKS], *counted] for words in phrase)


def _called(graph, place, in_full=False) -> str:
    node = graph.nodes[place]
    if node.is_leaf:
        return f"the leaf {shorten(node.name)}" if node.name else "a leaf"
    grad_fn = f" ({node.grad_fn})" if in_full else ""
    return f"{shorten(label(node))} #{place}{grad_fn}"


def _in_full(graph, same) -> list:
    one = same[0]
    name = shorten(one.tensor) if one.tensor else "A value that no variable holds"
    at = _called(graph, one.node)
    how = "was changed through .data" if one.silent else "was overwritten"
    leaf = ", a leaf," if _is_leaf(graph, one) else ""
    lines = [f"{name}{leaf} {how} after {at} had saved it for backward.", *_made(graph, one)]
    version = "" if one.version is None else f" at version {one.version}"
    lines.append(f"saved by {at} as {_saved(same)}{version}")
    lines += _changed(graph, one)
    if one.silent:
        return [*lines, "backward will not raise for this, and its gradient will be wrong"]
    return [*lines, f'backward raises at {at}: "modified by an inplace operation"']


def _made(graph, one) -> list:
    maker = [] if one.maker is None or _is_leaf(graph, one) else [_maker(graph, one.maker)]
    by = [*maker, *([_statement(one.made)] if one.made else [])]
    return [f"made by {': '.join(by)}"] if by else []


def _maker(graph, place) -> str:
    view_of = graph.nodes[place].view_of
    view = f", as a view of {shorten(view_of)}" if view_of else ""
    return f"{_called(graph, place, in_full=True)}{view}"


def _is_leaf(graph, one) -> bool:
    return one.maker is not None and graph.nodes[one.maker].is_leaf


def _changed(graph, one) -> list:
    """Return lines on who changed a value: the statements where they are known."""
    if not one.changes:
        lines = [f"changed in place since{_changer(graph, one)}: now at version {one.now}"]
        if one.changed_by is None:
            lines.append(NOT_RECORDED if one.unrecorded else UNTOLD)
        return lines
    times = Counter(map(_change, one.changes))
    said = [
        f"changed {words}" + (f", {count:,} times" if count > 1 else "")
        for words, count in list(times.items())[:MOST_CHANGES]
    ]
    more = len(times) - MOST_CHANGES
    said += [f"changed by {number_of(more, 'more statement')}"] if more > 0 else []
    return said if one.silent else [*said, f"now at version {one.now}"]


def _change(change) -> str:
    by = _statement(change.source) if change.source else f"a call of {change.call}"
    return f"{'through .data ' if change.slips else ''}by {by}"


def _changer(graph, one) -> str:
    if one.changer is not None:
        return f", last by {_called(graph, one.changer, in_full=True)}"
    if one.changed_by is not None:
        return f", last by {operation(one.changed_by)}, whose node is not in this graph"
    return ""


def _statement(source) -> str:
    return shorten(source, LONGEST_STATEMENT)
