"""Places for boxes and routes for edges, left to right, by ``fast_sugiyama``.

What the library does not do is done here: it is called once per connected
component (with several, its dummy ids clash), a box without an edge is placed by
hand, and parallel edges are given one route each.
"""

from collections import defaultdict
from itertools import pairwise
from statistics import median_high
from typing import NamedTuple

import fast_sugiyama

LAYER_GAP = 46.0
ROW_GAP = 20.0
PART_GAP = 26.0
TALL = 2.0  # a box higher than this many usual ones gets room of its own


class Box(NamedTuple):
    """The size of a box that wants a place, in pixels."""

    width: float
    height: float


class Layout(NamedTuple):
    """Where things are, in pixels from the top left corner.

    corners: the top left corner of each box.
    routes: for each edge the points between its two boxes, left to right.
    """

    corners: list
    routes: list
    width: float
    height: float


def place(boxes, edges, sources_first: bool, room=None) -> Layout:
    """Lay out boxes.

    Args:
        boxes: sequence of ``Box``; an edge names a box by its position here.
        edges: sequence of ``(source, target)``, acyclic; an edge may stand there twice.
        sources_first: put every source into the left-most layer; otherwise each stands
            just left of what it leads to, which keeps the edges of a large graph short.
        room: for an edge the pixels it wants free on the left of its target, where that is
            more than the usual gap.
    """
    centres, bends = [None] * len(boxes), {}
    top = 0.0
    width = 0.0
    for members, links in _components(len(boxes), edges):
        part = _lay_out_part(members, links, boxes, sources_first, room or {})
        for member, (x, y) in part.centres.items():
            centres[member] = (x, y + top)
        for link, points in part.bends.items():
            bends[link] = [(x, y + top) for x, y in points]
        width = max(width, part.width)
        top += part.height + PART_GAP
    corners = [(x - box.width / 2, y - box.height / 2) for (x, y), box in zip(centres, boxes)]
    routes = [bends.get(edge, []) for edge in edges]
    return Layout(corners, routes, width, max(top - PART_GAP, 0.0))


class _Part(NamedTuple):
    centres: dict
    bends: dict
    width: float
    height: float


def _components(count, edges):
    """Return the connected parts as (members, unique links), in order of first member."""
    neighbours = defaultdict(list)
    for source, target in edges:
        neighbours[source].append(target)
        neighbours[target].append(source)
    part_of, parts = {}, []
    for start in range(count):
        if start in part_of:
            continue
        members, queue = [], [start]
        part_of[start] = len(parts)
        while queue:
            member = queue.pop()
            members.append(member)
            for other in neighbours[member]:
                if other not in part_of:
                    part_of[other] = len(parts)
                    queue.append(other)
        parts.append((sorted(members), []))
    for link in dict.fromkeys(edges):
        parts[part_of[link[0]]][1].append(link)
    return parts


def _lay_out_part(members, links, boxes, sources_first, room) -> _Part:
    if not links:
        (only,) = members
        box = boxes[only]
        return _Part({only: (box.width / 2, box.height / 2)}, {}, box.width, box.height)
    heights = {member: boxes[member].height for member in members}
    usual = TALL * median_high(heights.values())
    pitch = max(height for height in heights.values() if height <= usual) + ROW_GAP
    raw, routed = _sugiyama(members, links, pitch, sources_first)
    if _is_upside_down(members, raw):
        raw = {vertex: (layer, -row) for vertex, (layer, row) in raw.items()}
    raw = _spread(raw, heights, pitch)
    layers = sorted({layer for layer, _ in raw.values()})
    widest = {layer: 0.0 for layer in layers}
    for vertex, (layer, _) in raw.items():
        if vertex in routed.real:
            widest[layer] = max(widest[layer], boxes[vertex].width)
    gaps = {layer: LAYER_GAP for layer in layers}
    for link in links:
        layer, _ = raw[link[1]]
        gaps[layer] = max(gaps[layer], room.get(link, 0.0))
    left, x = {}, -gaps[layers[0]]
    for layer in layers:
        left[layer] = x + gaps[layer]
        x = left[layer] + widest[layer]
    half = {v: boxes[v].height / 2 if v in routed.real else 0 for v in raw}
    lift = min(row - half[v] for v, (_, row) in raw.items())
    drop = max(row + half[v] for v, (_, row) in raw.items())
    centres = {
        vertex: (left[layer] + widest[layer] / 2, row - lift)
        for vertex, (layer, row) in raw.items()
        if vertex in routed.real
    }
    bends = {
        link: [
            point
            for dummy in dummies
            for layer, row in [raw[dummy]]
            for point in ((left[layer], row - lift), (left[layer] + widest[layer], row - lift))
        ]
        for link, dummies in routed.chains.items()
    }
    return _Part(centres, bends, x, drop - lift)


def _spread(raw, heights, pitch) -> dict:
    """Return ``raw`` with more room above and below each box that is higher than the others.

    Were all rows as far apart as the highest box needs, one ``stack`` of twenty tensors
    would make a picture of many pages. What is half a row or more away (a passing edge may
    come that near) moves by half of what the box is too high, what is nearer by less.
    """
    too_high = {}
    for vertex, (_, row) in raw.items():
        extra = heights.get(vertex, 0.0) + ROW_GAP - pitch
        if extra > 0:
            too_high[row] = max(too_high.get(row, 0.0), extra)

    def moved(row):
        shares = [extra * min(max(2 * (row - at) / pitch, -1), 1) for at, extra in too_high.items()]
        return row + sum(shares) / 2

    return {vertex: (layer, moved(row)) for vertex, (layer, row) in raw.items()}


def _is_upside_down(members, raw) -> bool:
    """Return whether neighbours in a layer mostly stand in reverse order of their numbers.

    Boxes are numbered in forward order, so what was made first belongs on top.
    """
    columns = defaultdict(list)
    for member in members:
        layer, row = raw[member]
        columns[layer].append((row, member))
    steps = [
        1 if below > above else -1
        for column in columns.values()
        for (_, above), (_, below) in pairwise(sorted(column))
    ]
    return sum(steps) < 0


class _Routed(NamedTuple):
    real: set
    chains: dict  # link -> the dummy vertices it passes, source first


def _sugiyama(members, links, pitch, sources_first):
    """Return ``{vertex: (layer, row)}`` for boxes and dummies, and the chains of dummies.

    The library puts a vertex as close to the sources as it can. For the other way
    round it is given the edges backward.
    """
    name = dict(enumerate(members))
    small = {member: number for number, member in name.items()}
    numbered = [(small[source], small[target]) for source, target in links]
    if not sources_first:
        numbered = [(target, source) for source, target in numbered]
    positions, _, _, routed_edges = fast_sugiyama.from_edges(
        numbered, dummy_vertices=True, ranking_type="up", vertex_spacing=pitch
    )[0]
    deepest = max(y for _, (_, y) in positions)
    raw = {
        name.get(v, ("dummy", v)): (round((deepest - y if sources_first else y) / pitch), x)
        for v, (x, y) in positions
    }
    if not sources_first:
        routed_edges = [(target, source) for source, target in routed_edges]
    following = {source: target for source, target in routed_edges if source not in name}
    chains = {link: [] for link in links}
    for source, target in routed_edges:
        if source in name and target not in name:
            passed = []
            while target not in name:
                passed.append(("dummy", target))
                target = following[target]
            chains[name[source], name[target]] = passed
    return raw, _Routed(set(members), chains)
