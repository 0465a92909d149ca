"""A scene as an SVG document: every box gets a place, every arrow a way."""

from collections import Counter
from typing import NamedTuple

from ..graph import Graph
from . import ink
from .layout import place
from .scene import LINE, NUMBERED_GAP, PADDING, PORT_GAP, Scene, scene_of
from .text import graph_text, graph_title
from .versions import overwritten_lines

MARGIN = 12.0
STUB = 10.0
NOTE_SIZE = 12.5
PANEL = ink.SPOILT._replace(width=1.5, radius=6)


def graph_svg(graph: Graph) -> str:
    """Return the picture of a graph, left to right, leaves first."""
    scene = scene_of(graph)
    drawing = with_panel(*drawn(scene), overwritten_lines(graph))
    parts, width, height = with_notes(*drawing, scene.notes)
    return ink.document(parts, width, height, graph_title(graph), graph_text(graph), "graph")


def with_panel(parts, width, height, lines) -> tuple:
    """Return (parts, width, height) with lines of text on a ground of their own below the rest."""
    if not lines:
        return parts, width, height
    heading, *others = [(line, NOTE_SIZE, ink.DARK, not place) for place, line in enumerate(lines)]
    wide = max(ink.text_width(line, NOTE_SIZE) for line in lines) + 2 * PADDING
    high = LINE * len(lines) + 12
    panel = [ink.box(MARGIN, height, wide, high, PANEL)]
    panel += [
        ink.text(MARGIN + PADDING, height + LINE * (place + 1) + 2, *line, anchor="start")
        for place, line in enumerate([heading, *others])
    ]
    return [*parts, *panel], max(width, wide + 2 * MARGIN), height + high + MARGIN


def with_notes(parts, width, height, notes) -> tuple:
    """Return (parts, width, height) with a line of text for each note below the rest."""
    parts = list(parts)
    for note in notes:
        height += LINE
        width = max(width, ink.text_width(note, NOTE_SIZE) + 2 * MARGIN)
        parts.append(
            ink.text(MARGIN, height - MARGIN + 4, note, NOTE_SIZE, ink.MID, anchor="start")
        )
    return parts, width, height


class Placed(NamedTuple):
    """Where everything in a scene stands.

    boxes, corners: size and top left corner of each shape.
    lines: for each link the points of its arrow, from source to target.
    """

    boxes: list
    corners: list
    lines: dict
    width: float
    height: float


def placed(scene, left=0.0, top=0.0, room=None, port_gap=PORT_GAP, below=0.0) -> Placed:
    """Give everything in a scene its place; its top left corner is at ``left, top``.

    room: pixels that a link, by its number, wants free on the left of its target.
    below: pixels that are kept free below the place where each arrow leaves or enters, for
    one that runs back beside it.
    A box grows where its arrows would not find room at ``port_gap`` from each other.
    """
    shapes, links = scene.shapes, scene.links
    boxes = [shape.box for shape in shapes]
    if port_gap > PORT_GAP:
        boxes = _grown(boxes, Counter(link.target for link in links), port_gap, below)
    wanted = {}
    for number, pixels in (room or {}).items():
        pair = links[number][:2]
        wanted[pair] = max(wanted.get(pair, 0.0), pixels)
    layout = place(boxes, [link[:2] for link in links], scene.leaves_first, wanted)
    x_0, y_0 = left + MARGIN, top + MARGIN
    corners = [(x + x_0, y + y_0) for x, y in layout.corners]
    routes = [[(x + x_0, y + y_0) for x, y in route] for route in layout.routes]
    lines = _lines(shapes, boxes, corners, links, routes, port_gap, below)
    width = layout.width + 2 * MARGIN
    height = layout.height + 2 * MARGIN + (STUB if any(shape.stubs for shape in shapes) else 0)
    return Placed(boxes, corners, lines, width, height)


def drawn(scene: Scene, left: float = 0.0, top: float = 0.0) -> tuple:
    """Return (parts, width, height) of a scene whose top left corner is at ``left, top``."""
    at = placed(scene, left, top)
    parts = [ink.arrow(points) for points in at.lines.values()]
    for shape, box, corner in zip(scene.shapes, at.boxes, at.corners):
        parts += stub_marks(shape, box, corner)
        parts.append(shape_svg(shape, box, corner))
    return parts, at.width, at.height


def _grown(boxes, entering, port_gap, below) -> list:
    """Return boxes high enough for the arrows that enter them, by their number."""
    needed = [10 + below + port_gap * (entering[slot] - 1) for slot in range(len(boxes))]
    return [box._replace(height=max(box.height, height)) for box, height in zip(boxes, needed)]


def _lines(shapes, boxes, corners, links, routes, port_gap, below) -> dict:
    """Return the points of each arrow, by the number of its link. Each input of a box has a
    port of its own on its left side, and each of several outputs one on its right side."""
    starts = [
        dict(zip(shape.outputs or (None,), _starts(shape, box, corner, below)))
        for shape, box, corner in zip(shapes, boxes, corners)
    ]
    entering = {}
    for number, link in enumerate(links):
        start = _start(starts, link)
        before = routes[number][-1] if routes[number] else start
        entering.setdefault(link.target, []).append((before[1], link.input_nr, number))
    lines = {}
    for target, arriving in entering.items():
        x, top = corners[target]
        ports = _ports(top, boxes[target].height - below, len(arriving), port_gap)
        for port, (_, _, number) in zip(ports, sorted(arriving)):
            lines[number] = [_start(starts, links[number]), *routes[number], (x, port)]
    return lines


def _starts(shape, box, corner, below=0.0) -> list:
    """Return where arrows leave a box, one point per numbered output, at its number."""
    x, y = corner
    height = box.height if shape.outputs else box.height - below
    ports = _ports(y, height, max(len(shape.outputs), 1), NUMBERED_GAP)
    return [(x + box.width, port) for port in ports]


def _start(starts, link) -> tuple:
    points = starts[link.source]
    if None in points:
        return points[None]
    return points.get(link.output_nr) or points[max(points)]  # not every number has a port


def _ports(top, height, count, most) -> list:
    gap = min(most, (height - 10) / max(count - 1, 1))
    first = top + height / 2 - gap * (count - 1) / 2
    return [first + gap * place for place in range(count)]


def stub_marks(shape, box, corner) -> list:
    """Return the marks of untracked inputs, hanging from the lower edge of their box."""
    x, y = corner[0] + 16, corner[1] + box.height
    gap = min(12.0, (box.width - 32) / max(shape.stubs - 1, 1))
    return [
        f'<path d="M{x + gap * nr:.1f} {y:.1f}V{y + STUB - 3.5:.1f}" fill="none" '
        f'stroke="{ink.MID}" stroke-width="2"/>'
        f'<circle cx="{x + gap * nr:.1f}" cy="{y + STUB:.1f}" r="3.5" fill="none" '
        f'stroke="{ink.MID}" stroke-width="2"/>'
        for nr in range(shape.stubs)
    ]


def shape_svg(shape, box, corner) -> str:
    x, y = corner
    middle = x + (box.width - shape.margin) / 2
    top = y + (box.height - 12.0 - LINE * len(shape.lines)) / 2
    lines = [
        ink.text(middle, top + LINE * (count + 1) + 2.5, words, points, colour, bold)
        for count, (words, points, colour, bold) in enumerate(shape.lines)
    ]
    lines += [
        ink.text(end - 5, port + 3.5, str(output_nr), 10, ink.SOFT, True, "end")
        for output_nr, (end, port) in zip(shape.outputs, _starts(shape, box, corner))
    ]
    return f"<g {shape.mark}>{ink.box(x, y, box.width, box.height, shape.look)}{''.join(lines)}</g>"
