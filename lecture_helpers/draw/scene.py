"""What stands in the picture of a graph: boxes, arrows, notes, still without places.

The result pills, the stubs of untracked inputs and the boxes of folded parts are
decoration: they are made here and stand in no ``Graph``.
"""

from collections import Counter
from typing import NamedTuple

from ..graph import Graph
from . import ink
from .fold import folded
from .layout import Box
from .text import cut_note, details, made_by, saved_note
from .versions import marks_of, numbered, spoilt
from .words import label, number_of, shorten, size

FOLD_ABOVE = 40  # a graph of more nodes is searched for repeated parts
MOST_NODES = 72, 16  # boxes of a folded picture, leaves not counted; fewer where it is tangled
MOST_WHOLE = 1000  # nodes of a picture that is not to be folded
MOST_CROSSED = 2_500  # columns that its arrows pass, all together; layout time grows with it
MOST_RESULTS = 20
LEAVES_FIRST = 24  # up to this many boxes, all leaves stand in the left-most column
MOST_PARALLEL = 12  # arrows between the same two boxes, stubs and numbered outputs of one box
LINE = 16.0
PADDING = 13.0
PORT_GAP = 11.0
NUMBERED_GAP = 14.0  # between the numbered outputs of one box
NUMBER_WIDTH = 12.0
LONGEST_LINE = 48


class Shape(NamedTuple):
    """One thing to draw.

    look: its colours and border.
    lines: its lines of text as (words, size, colour, bold).
    mark: the ``data-`` attribute by which a test or a style sheet finds it.
    stubs: how many untracked inputs hang from it.
    outputs: the numbers of the outputs that arrows leave from, where it has several.
    narrowest: the width that it has at least.
    """

    look: ink.Look
    lines: tuple
    mark: str
    stubs: int = 0
    outputs: tuple = ()
    narrowest: float = 52.0

    @property
    def box(self) -> Box:
        """The size it wants."""
        widest = max(ink.text_width(words, points) for words, points, _, _ in self.lines)
        height = max(12.0 + LINE * len(self.lines), 8 + NUMBERED_GAP * len(self.outputs))
        return Box(max(widest + 2 * PADDING, self.narrowest) + self.margin, height)

    @property
    def margin(self) -> float:
        """The width kept free at the right for the numbers of its outputs."""
        return NUMBER_WIDTH if self.outputs else 0.0


class Link(NamedTuple):
    """One arrow between two shapes, given by their positions in the scene.

    input_nr orders the arrows that enter a shape; output_nr is the number written at
    the start of an arrow that leaves a shape with several outputs.
    """

    source: int
    target: int
    input_nr: int
    output_nr: int = 0


class Scene(NamedTuple):
    """A picture before anything has a place.

    leaves_first: whether all leaves stand in the left-most column.
    slots: for the id of each node the position of its shape; the nodes of a folded part
        have one shape together.
    """

    shapes: list
    links: list
    notes: list
    leaves_first: bool
    slots: dict


class _Spoils(NamedTuple):
    """Overwritten values: the ids of their nodes, the marks, and the nodes named by number."""

    nodes: set
    marks: dict
    numbered: set


def scene_of(graph: Graph, flags=None) -> Scene:
    """Return the scene of a graph.

    flags: words to write on nodes, by their id; such a node is drawn as active.
    """
    flags = flags or {}
    spoils = _Spoils(spoilt(graph), marks_of(graph), numbered(graph))
    shown, groups = _choose(graph)
    slots = {node.id: slot for slot, node in enumerate(shown)}
    for number, group in enumerate(groups):
        slots.update(dict.fromkeys(group.nodes, len(shown) + number))
    made = [out for out in graph.outputs if not graph.nodes[out.node].is_leaf][:MOST_RESULTS]
    leaving = _leaving(graph, made)
    results = {output.node: output.name for output in made}
    shapes = [
        _node_shape(
            graph, node, results.get(node.id), leaving.get(node.id, ()), flags.get(node.id), spoils
        )
        for node in shown
    ]
    shapes += [_group_shape(group, flags, spoils.nodes) for group in groups]
    links = _links(graph, slots, len(shown))
    for output in made:
        links.append(Link(slots[output.node], len(shapes), 0, output.output_nr))
        shapes.append(_result_shape(output))
    leaves_first = not groups and len(shapes) <= LEAVES_FIRST
    return Scene(shapes, links, _notes(graph, shown, groups), leaves_first, slots)


def _choose(graph) -> tuple:
    """Return (nodes to draw, groups)."""
    count = len(graph.nodes)
    if count <= FOLD_ABOVE:
        return graph.nodes, ()
    wanted_whole = not graph.options.fold and count <= MOST_WHOLE
    if wanted_whole and _crossed(graph, graph.nodes) <= MOST_CROSSED:
        return graph.nodes, ()
    for most in MOST_NODES:
        shown, groups = folded(graph, most)
        if _crossed(graph, shown) <= MOST_CROSSED:
            break
    return shown, groups


def _crossed(graph, shown) -> int:
    """Return how many columns the arrows between ``shown`` nodes pass on their way.

    A leaf is taken to stand one column before the first that uses it.
    """
    column = {node.id: 0 for node in shown}
    drawn = [edge for edge in graph.edges if edge.source in column and edge.target in column]
    for edge in drawn:  # in forward order of their targets
        column[edge.target] = max(column[edge.target], column[edge.source] + 1)
    first_use = {}
    for edge in drawn:
        if graph.nodes[edge.source].is_leaf:
            use = first_use.get(edge.source, len(shown))
            first_use[edge.source] = min(use, column[edge.target])
    column.update((leaf, use - 1) for leaf, use in first_use.items())
    return sum(column[edge.target] - column[edge.source] for edge in drawn)


def _leaving(graph, made) -> dict:
    """Return the output numbers in use of each node that has several outputs."""
    numbers = {}
    for edge in graph.edges:
        if len(graph.nodes[edge.source].shapes) > 1:
            numbers.setdefault(edge.source, set()).add(edge.output_nr)
    for output in made:
        if len(graph.nodes[output.node].shapes) > 1:
            numbers.setdefault(output.node, set()).add(output.output_nr)
    return {node: tuple(sorted(used)[:MOST_PARALLEL]) for node, used in numbers.items()}


def _links(graph, slots, first_group) -> list:
    """Return the arrows. Between a group and another box there is one at the most."""
    links, parallel = [], Counter()
    for source, target, output_nr, input_nr in graph.edges:
        pair = slots[source], slots[target]
        if pair[0] == pair[1]:
            continue
        parallel[pair] += 1
        if parallel[pair] <= (1 if max(pair) >= first_group else MOST_PARALLEL):
            links.append(Link(*pair, input_nr, output_nr))
    return links


def _node_shape(graph, node, result_name, leaving, flag, spoils) -> Shape:
    """Return how a node looks. The name of a result stands on its own pill, not here."""
    mark = f'data-node="{node.id}"'
    number = f" #{node.id}" if node.id in spoils.numbered and not node.is_leaf else ""
    lines = [(f"{shorten(label(node))}{number}", 13, ink.DARK, True)]
    look = ink.SPOILT if node.id in spoils.nodes else ink.OPERATION
    if node.is_leaf:
        look = ink.LEAF if node.grad_fn or node.requires_grad else ink.ALONE
        lines.append((size(node.shape, node.value, node.dtype), 10.5, ink.SOFT, False))
        if look is ink.ALONE:
            lines.append(("requires_grad=False", 10.5, ink.SOFT, False))
    else:
        lines.append((shorten(node.grad_fn), 10.5, ink.SOFT, False))
        if node.name and node.name != result_name:
            lines.append((shorten(made_by(node), LONGEST_LINE), 11, ink.BLUE, True))
    lines += [
        (shorten(words, LONGEST_LINE), 10.5, ink.SOFT, False)
        for words in details(node, graph.options)
    ]
    lines += [
        (shorten(words, LONGEST_LINE), 11, ink.SPOILT.stroke, True)
        for words in spoils.marks.get(node.id, ())
    ]
    if flag:
        look = ink.ACTIVE._replace(radius=look.radius)
        lines.append((flag, 11, ink.ACTIVE.stroke, True))
    stubs = min(len(node.untracked), MOST_PARALLEL)
    return Shape(look, tuple(lines), mark, stubs, leaving)


def _result_shape(output) -> Shape:
    name = (shorten(output.name or "result"), 13, ink.DARK, True)
    words = (size(output.shape, output.value), 10.5, ink.SOFT, False)
    return Shape(ink.RESULT, (name, words), f'data-result="{output.node}.{output.output_nr}"')


def _group_shape(group, flags, spoilt_nodes) -> Shape:
    first, *others = group.words
    lines = [(first, 12, ink.DARK, True)]
    lines += [(shorten(words, LONGEST_LINE), 10.5, ink.SOFT, False) for words in others]
    look = ink.MORE
    flagged = sum(node in flags for node in group.nodes)
    if flagged:
        look = ink.ACTIVE
        lines.append((f"{number_of(flagged, 'node')} marked inside", 11, ink.ACTIVE.stroke, True))
    overwritten = sum(node in spoilt_nodes for node in group.nodes)
    if overwritten:
        look = ink.SPOILT
        words = f"{number_of(overwritten, 'node')} inside: saved value overwritten"
        lines.append((words, 11, look.stroke, True))
    return Shape(look, tuple(lines), f'data-more="{len(group.nodes)}"')


def _is_capped(node) -> bool:
    return max(len(node.untracked), len(node.shapes)) > MOST_PARALLEL


def _notes(graph, shown, groups) -> list:
    notes = []
    if any(node.untracked for node in shown):
        notes.append("open circle: an input that autograd does not track (None in next_functions)")
    if groups:
        notes.append(
            f"{len(graph.nodes) - len(shown):,} of {len(graph.nodes):,} nodes are folded away; "
            f".nodes and .edges hold them all"
        )
    if any(_is_capped(node) for node in shown):
        notes.append(f"at most {MOST_PARALLEL} circles or numbered outputs are drawn at one box")
    if len(graph.outputs) > MOST_RESULTS:
        notes.append(f"{len(graph.outputs):,} results; .outputs holds them all")
    if graph.options.saved:
        notes.append(saved_note(graph))
    if graph.cut:
        notes.append(cut_note(graph))
    return notes
