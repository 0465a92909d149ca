"""A ``GraphComparison`` as one SVG document and as text."""

from ..compare import GraphComparison
from . import ink
from .scene import scene_of
from .svg import MARGIN, drawn, with_notes
from .text import graph_text, graph_title
from .words import label, listed, number_of, shorten, size

WIDEST = 900.0  # wider than this the two graphs stand one below the other
HEADING = 26.0
GAP = 24.0
FIRST, DIFFERS, ONLY = "first difference", "differs", "only here"


def comparison_svg(comparison: GraphComparison) -> str:
    """Return both graphs as one picture, beside or below each other."""
    flags = _flags(comparison)
    graphs = comparison.a, comparison.b
    one, other = comparison.called
    scenes = [scene_of(graph, marks) for graph, marks in zip(graphs, flags)]
    verdict = verdict_of(comparison)
    parts = [ink.text(MARGIN, 20, verdict, 13, ink.MID, bold=True, anchor="start")]
    left, width, height = _side(one, graphs[0], scenes[0], 0.0, HEADING)
    right, other_width, other_height = _side(other, graphs[1], scenes[1], 0.0, 0.0)
    if width + GAP + other_width <= WIDEST:
        corner = width + GAP, HEADING
        width, height = width + GAP + other_width, max(height, other_height)
    else:
        corner = 0.0, HEADING + height
        width, height = max(width, other_width), height + other_height
    right, _, _ = _side(other, graphs[1], scenes[1], *corner)
    width = max(width, ink.text_width(verdict, 13) + 2 * MARGIN)
    notes = dict.fromkeys(
        f"graph {side}: {note}" if note[0].isdigit() else note
        for side, scene in zip(comparison.called, scenes)
        for note in scene.notes
    )
    drawing = with_notes([*parts, *left, *right], width, HEADING + height, notes)
    return ink.document(*drawing, verdict, comparison_text(comparison), "comparison")


def _side(side, graph, scene, left, top) -> tuple:
    """Return (parts, width, height) of one graph under its heading."""
    words = graph_title(graph).removeprefix("autograd graph of ")
    if not words.startswith(f"{side}: ") or side in "ab":
        words = f"graph {side}: {words}"
    parts, width, height = drawn(scene, left, top + HEADING)
    heading = ink.text(left + MARGIN, top + 20, words, 12.5, ink.MID, anchor="start")
    width = max(width, ink.text_width(words, 12.5) + 2 * MARGIN)
    return [heading, *parts], width, height + HEADING


def _flags(comparison) -> tuple:
    """Return what to write on the nodes of each side, by their id."""
    flags = dict.fromkeys(comparison.only_a, ONLY), dict.fromkeys(comparison.only_b, ONLY)
    for place, difference in enumerate(comparison.differences):
        for marks, node in zip(flags, difference[:2]):
            if node is not None and marks.get(node) in (None, ONLY):
                marks[node] = DIFFERS if place else FIRST
    return flags


def verdict_of(comparison: GraphComparison) -> str:
    """Return one sentence: the same, or what the first difference is."""
    left, right = comparison.a, comparison.b
    one, other = comparison.called
    if not comparison.differences:
        nodes, edges = number_of(len(left.nodes), "node"), number_of(len(left.edges), "edge")
        if comparison.same:
            return f"the same graph twice: {nodes}, {edges}"
        return f"no difference in the {nodes} looked at; both go deeper than Python can walk safely"
    first = comparison.differences[0]
    if first.what == "output":
        outputs = number_of(len(left.outputs), "different output")
        return f"{outputs} in {one}, {len(right.outputs):,} in {other}"
    sides = [graph.nodes[node] for graph, node in zip((left, right), first[:2])]
    return f"first difference: {_difference(first.what, sides, comparison.called)}"


def _difference(what, sides, called) -> str:
    left, right = sides
    one, other = called
    if what == "shape":
        return f"{_called(left)} makes {size(left.shape)} in {one}, {size(right.shape)} in {other}"
    if what == "dtype":
        said = f"{_called(left)} makes {left.dtype} in {one}, {right.dtype} in {other}"
        return said.replace("torch.", "")
    said = f"{_called(left)} in {one}, {_called(right)} in {other}"
    if what == "operation":
        return said
    if what == "sharing":
        return f"{said}: one of them stands in two places, its partner does not"
    return f"{said}: other inputs are tracked, or another output is used"


def _called(node) -> str:
    if node.grad_fn is None:
        return "a tensor without a graph"
    if node.is_leaf:
        return f"the leaf {shorten(node.name)}" if node.name else "a leaf"
    return shorten(label(node))


def comparison_text(comparison: GraphComparison) -> str:
    """Return the verdict, what has no partner, and both graphs."""
    lines = [verdict_of(comparison)]
    one, other = comparison.called
    for words, graph, only in (
        (one, comparison.a, comparison.only_a),
        (other, comparison.b, comparison.only_b),
    ):
        if only:
            nodes = [f"{shorten(label(graph.nodes[node]))} #{node}" for node in only]
            lines.append(f"only in {words}: {listed(nodes)}")
    lines += [f"{one}: {graph_text(comparison.a)}", f"{other}: {graph_text(comparison.b)}"]
    return "\n".join(lines)
