"""A ``Graph`` as an SVG document.

The result pills, the stubs of untracked inputs and the box for what was left out
are decoration: they are drawn here and stand in no ``Graph``.
"""

from collections import Counter
from typing import NamedTuple

from ..graph import Graph, Node
from . import ink
from .layout import Box, place
from .text import cut_note, graph_text, graph_title, label, made_by, shorten, size

MOST_NODES = 80  # a larger graph is drawn as its last operations and their leaves
LAST_OPERATIONS = 16
MOST_LEAVES = 24
MOST_RESULTS = 20
MOST_PARALLEL = 12  # arrows between the same two boxes, and stubs under one box
MARGIN = 12.0
LINE = 16.0
STUB = 10.0
PORT_GAP = 11.0
PADDING = 13.0
NOTE_SIZE = 12.5
LONGEST_LINE = 48


class _Shape(NamedTuple):
    """One thing to draw: its look, its lines of text (words, size, colour, bold), and the
    ``data-`` mark by which a test or a style sheet finds it."""

    look: ink.Look
    lines: tuple
    mark: str

    @property
    def box(self) -> Box:
        widest = max(ink.text_width(words, points) for words, points, _, _ in self.lines)
        return Box(max(widest + 2 * PADDING, 52.0), 12.0 + LINE * len(self.lines))


def graph_svg(graph: Graph) -> str:
    """Return the picture of a graph, left to right, leaves first."""
    shown, left_out = _nodes_to_draw(graph)
    slots = {node.id: slot for slot, node in enumerate(shown)}
    made = [out for out in graph.outputs if not graph.nodes[out.node].is_leaf][:MOST_RESULTS]
    results = {output.node: output.name for output in made}
    shapes = [_node_shape(node, results.get(node.id)) for node in shown]
    links = _links(graph, slots)
    for output in made:
        if output.node in slots:
            links.append((slots[output.node], len(shapes), 0))
            shapes.append(_result_shape(output))
    if left_out:
        more = len(shapes)
        shapes.append(_more_shape(left_out))
        missing = dict.fromkeys(
            slots[e.target] for e in graph.edges if e.target in slots and e.source not in slots
        )
        links += [(more, slot, -1) for slot in missing]
    stubs = {slots[node.id]: node.untracked for node in shown if node.untracked}
    return _draw(graph, shapes, links, stubs, left_out)


def _links(graph, slots) -> list:
    """Return (source, target, input_nr) of the edges to draw, by slot."""
    links, parallel = [], Counter()
    for edge in graph.edges:
        if edge.source in slots and edge.target in slots:
            pair = slots[edge.source], slots[edge.target]
            parallel[pair] += 1
            if parallel[pair] <= MOST_PARALLEL:
                links.append((*pair, edge.input_nr))
    return links


def _nodes_to_draw(graph):
    """Return the nodes to draw and how many are left out: the last made, then their leaves."""
    if len(graph.nodes) <= MOST_NODES:
        return graph.nodes, 0
    last = [node.id for node in graph.nodes if not node.is_leaf][-LAST_OPERATIONS:]
    ids = {*last, *(output.node for output in graph.outputs[:LAST_OPERATIONS])}
    leaves = dict.fromkeys(
        edge.source
        for edge in graph.edges
        if edge.target in ids and graph.nodes[edge.source].is_leaf
    )
    ids.update(list(leaves)[-MOST_LEAVES:])
    shown = tuple(node for node in graph.nodes if node.id in ids)
    return shown, len(graph.nodes) - len(shown)


def _node_shape(node: Node, result_name: str | None) -> _Shape:
    """Return how a node looks. The name of a result stands on its own pill, not here."""
    mark = f'data-node="{node.id}"'
    words = size(node.shape, node.value, node.dtype)
    name = (shorten(label(node)), 13, ink.DARK, True)
    if node.is_leaf:
        lines = (name, (words, 10.5, ink.SOFT, False))
        if node.grad_fn or node.requires_grad:
            return _Shape(ink.LEAF, lines, mark)
        flag = ("requires_grad=False", 10.5, ink.SOFT, False)
        return _Shape(ink.ALONE, (*lines, flag), mark)
    lines = (name, (shorten(node.grad_fn), 10.5, ink.SOFT, False))
    if node.name and node.name != result_name:
        lines += ((shorten(made_by(node), LONGEST_LINE), 11, ink.BLUE, True),)
    return _Shape(ink.OPERATION, lines, mark)


def _result_shape(output) -> _Shape:
    name = (shorten(output.name or "result"), 13, ink.DARK, True)
    words = (size(output.shape, output.value), 10.5, ink.SOFT, False)
    return _Shape(ink.RESULT, (name, words), f'data-result="{output.node}.{output.output_nr}"')


def _more_shape(left_out) -> _Shape:
    name = (f"{left_out:,} more nodes", 12, ink.DARK, True)
    return _Shape(ink.MORE, (name, ("not drawn", 10.5, ink.SOFT, False)), 'data-more="true"')


def _draw(graph, shapes, links, stubs, left_out) -> str:
    boxes = [shape.box for shape in shapes]
    layout = place(boxes, [link[:2] for link in links])
    corners = [(x + MARGIN, y + MARGIN) for x, y in layout.corners]
    routes = [[(x + MARGIN, y + MARGIN) for x, y in route] for route in layout.routes]
    parts = _edges(boxes, corners, links, routes)
    for slot, untracked in stubs.items():
        x, y = corners[slot]
        count = min(len(untracked), MOST_PARALLEL)
        gap = min(12.0, (boxes[slot].width - 32) / max(count - 1, 1))
        parts += [_stub(x + 16 + gap * nr, y + boxes[slot].height) for nr in range(count)]
    for shape, box, corner in zip(shapes, boxes, corners):
        parts.append(_shape_svg(shape, box, corner))
    notes = _notes(graph, stubs, left_out)
    width = layout.width + 2 * MARGIN
    height = layout.height + 2 * MARGIN + (STUB if stubs else 0)
    for note in notes:
        height += LINE
        width = max(width, ink.text_width(note, NOTE_SIZE) + 2 * MARGIN)
        parts.append(
            ink.text(MARGIN, height - MARGIN + 4, note, NOTE_SIZE, ink.MID, anchor="start")
        )
    return ink.document(parts, width, height, graph_title(graph), graph_text(graph), "graph")


def _edges(boxes, corners, links, routes) -> list:
    """Return the arrows. Each input of a box has a port of its own on its left side."""
    entering = {}
    for number, (source, target, input_nr) in enumerate(links):
        before = routes[number][-1][1] if routes[number] else _middle(boxes, corners, source)
        entering.setdefault(target, []).append((before, input_nr, number))
    parts = []
    for target, arriving in entering.items():
        x, top = corners[target]
        ports = _ports(top, boxes[target].height, len(arriving))
        for port, (_, _, number) in zip(ports, sorted(arriving)):
            source = links[number][0]
            start = (corners[source][0] + boxes[source].width, _middle(boxes, corners, source))
            parts.append(ink.arrow([start, *routes[number], (x, port)]))
    return parts


def _middle(boxes, corners, slot) -> float:
    return corners[slot][1] + boxes[slot].height / 2


def _ports(top, height, count) -> list:
    gap = min(PORT_GAP, (height - 10) / max(count - 1, 1))
    first = top + height / 2 - gap * (count - 1) / 2
    return [first + gap * place for place in range(count)]


def _stub(x, y) -> str:
    """Return the mark of an untracked input, hanging from the lower edge of its box."""
    return (
        f'<path d="M{x:.1f} {y:.1f}V{y + STUB - 3.5:.1f}" fill="none" stroke="{ink.MID}" '
        f'stroke-width="2"/>'
        f'<circle cx="{x:.1f}" cy="{y + STUB:.1f}" r="3.5" fill="none" stroke="{ink.MID}" '
        f'stroke-width="2"/>'
    )


def _shape_svg(shape, box, corner) -> str:
    x, y = corner
    lines = [
        ink.text(x + box.width / 2, y + LINE * (count + 1) + 2.5, words, points, colour, bold)
        for count, (words, points, colour, bold) in enumerate(shape.lines)
    ]
    return f"<g {shape.mark}>{ink.box(x, y, box.width, box.height, shape.look)}{''.join(lines)}</g>"


def _notes(graph, stubs, left_out) -> list:
    notes = []
    if stubs:
        notes.append("open circle: an input that autograd does not track (None in next_functions)")
    if left_out:
        notes.append(
            f"{left_out:,} of {len(graph.nodes):,} nodes are not drawn; "
            f".nodes and .edges hold them all"
        )
    if len(graph.outputs) > MOST_RESULTS:
        notes.append(f"{len(graph.outputs):,} results; .outputs holds them all")
    if graph.cut:
        notes.append(cut_note(graph))
    return notes
