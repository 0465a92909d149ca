"""What every drawn graph must satisfy, whatever program made it."""

import re
import xml.etree.ElementTree as ET

import torch
from oracle import MOST_NODES as MOST_ENGINE_NODES
from oracle import assert_is_engine_graph
from recorded import assert_recorded

from lecture_helpers.draw.scene import FOLD_ABOVE
from lecture_helpers.draw.text import MOST_LINES
from lecture_helpers.draw.words import LONGEST_NAME, MOST_LISTED

SVG = "{http://www.w3.org/2000/svg}"


def assert_drawn(graph, *tensors, most_nodes=MOST_ENGINE_NODES, unrecorded=""):
    """The graph is the engine's own, in forward order; picture and text are sound and tell it.

    Then a backward from each of its tensors is recorded.

    unrecorded: why none can be, where that is so.
    """
    assert_is_engine_graph(graph, *tensors, most_nodes=most_nodes)
    assert all(edge.source < edge.target for edge in graph.edges)
    assert_sound(graph)
    assert_told_in_the_picture(graph)
    assert_told_in_the_text(graph)
    for tensor in tensors if not unrecorded else ():
        if tensor.requires_grad:
            assert_recorded(tensor, most_nodes=most_nodes)


def assert_sound(graph):
    """The SVG parses, draws every node once, boxes apart, every label inside and escaped."""
    picture = ET.fromstring(graph.to_svg())
    groups = picture.findall(f"{SVG}g")
    drawn = [int(group.get("data-node")) for group in groups if group.get("data-node")]
    if len(graph.nodes) <= FOLD_ABOVE:
        assert sorted(drawn) == [node.id for node in graph.nodes]
    results = [out for out in graph.outputs if not graph.nodes[out.node].is_leaf]
    assert sum(group.get("data-result") is not None for group in groups) == len(results)
    boxes = [rectangle(group) for group in groups]
    width, height = float(picture.get("width")), float(picture.get("height"))
    for count, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0 and right <= width and top >= 0 and bottom <= height
        for other_left, other_top, other_right, other_bottom in boxes[:count]:
            apart = left >= other_right or other_left >= right
            assert apart or top >= other_bottom or other_top >= bottom
    for group in groups:
        assert {child.tag for child in group} == {f"{SVG}rect", f"{SVG}text"}


def rectangle(group):
    """Return left, top, right, bottom of a group's box."""
    return place_of(group.find(f"{SVG}rect"))


def place_of(mark):
    """Return left, top, right, bottom of a ``rect``."""
    x, y, width, height = (float(mark.get(key)) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def overlap(one, other):
    """Return whether two places overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def assert_told_in_the_picture(graph):
    """The picture is of bounded size, and each box of an operation names its ``grad_fn``."""
    svg = graph.to_svg()
    assert len(svg) < 100_000
    for group in ET.fromstring(svg).findall(f"{SVG}g"):
        if group.get("data-node"):
            node = graph.nodes[int(group.get("data-node"))]
            words = [text.text for text in group.iter(f"{SVG}text")]
            told = node.is_leaf or len(node.grad_fn) > LONGEST_NAME or node.grad_fn in words
            assert told, (node.grad_fn, words)


def assert_told_in_the_text(graph):
    """The text is of bounded length; each line tells its node's ``grad_fn`` and inputs."""
    lines = str(graph).splitlines()
    assert lines[0].endswith(f"{count(graph.nodes, 'node')}, {count(graph.edges, 'edge')}")
    told = {int(line.split()[0][1:]): line for line in lines if re.match(r"#\d+ ", line)}
    if len(graph.nodes) <= MOST_LINES:
        assert list(told) == [node.id for node in graph.nodes]
    else:
        assert len(told) == MOST_LINES and len(lines) <= MOST_LINES + 3
    inputs = {place: dict.fromkeys(graph.nodes[place].untracked) for place in told}
    for edge in graph.edges:
        if edge.target in told:
            inputs[edge.target][edge.input_nr] = edge.source
    for place, line in told.items():
        node = graph.nodes[place]
        if node.is_leaf:
            assert f"requires_grad={node.requires_grad}" in line
            continue
        first = [inputs[place][nr] for nr in sorted(inputs[place])][:MOST_LISTED]
        came = re.search(rf" {node.grad_fn} +from (.*), makes ", line)[1]
        wanted = [source for source in first if source is not None]
        assert [int(number) for number in re.findall(r" #(\d+)", came)] == wanted


def count(things, noun):
    return f"{len(things):,} {noun}{'' if len(things) == 1 else 's'}"


def leaf(*values):
    """Return a tracked tensor: a number or nested list as given, several numbers as a vector."""
    data = values[0] if len(values) == 1 else list(values)
    return torch.tensor(data, requires_grad=True)


def words_in(svg):
    """Return the texts of a picture, in order."""
    return [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]


def words_of(shown):
    """Return the texts of the picture of a graph or a comparison, in order."""
    return words_in(shown.to_svg())


def the(graph, grad_fn):
    """Return the only node of a class."""
    (node,) = [node for node in graph.nodes if node.grad_fn == grad_fn]
    return node


def outputs_used(graph, node):
    """Return which outputs of a node are used, one number for each edge that leaves it."""
    return sorted(edge.output_nr for edge in graph.edges if edge.source == node.id)


def operations(graph):
    """Return the classes of all nodes but the leaves, in forward order."""
    return [node.grad_fn for node in graph.nodes if not node.is_leaf]


class SendsNothing(torch.autograd.Function):
    """Passes its input on, and sends no gradient back."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, gradient):
        return None


class Cube(torch.autograd.Function):
    """x³, without a rule of ours."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 3 * ctx.saved_tensors[0] ** 2


class Double(torch.autograd.Function):
    """Works in place."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2
