"""The picture of a graph: escaped, deterministic, readable on both grounds, bounded."""

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sound import words_in
from torch import nn

from lecture_helpers import Graph, show_graph, use_text
from lecture_helpers.draw import ink
from lecture_helpers.draw.layout import Box, place
from lecture_helpers.walk import walk

GROUNDS = ("#ffffff", "#111111")  # JupyterLab's pages, light and dark
SVG = "{http://www.w3.org/2000/svg}"


def leaf(value):
    return torch.tensor(value, requires_grad=True)


def test_hostile_names_are_text():
    x = leaf(2.0)
    names = ["<script>alert(1)</script>", 'quote " & \' amp', "nul \x00 bell \x07", "\ud800 lone",
             "日本語", "a" * 500, "unassigned \ufffe", "two\nlines \x1b[31m"]  # fmt: skip
    for name in names:
        svg = show_graph(x * 2, **{name: x}).to_svg()
        assert "<script" not in svg
        root = ET.fromstring(svg.encode())
        assert root.get("role") == "img"
    assert "<script>alert(1)</script>" in words_in(show_graph(x * 2, **{names[0]: x}).to_svg())


def test_title_and_description_say_what_is_shown():
    x = leaf(2.0)
    y = 3 * x
    root = ET.fromstring(show_graph(y).to_svg())
    title, words = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == "autograd graph of y: 2 nodes, 1 edge"
    assert "MulBackward0" in words.text and "from x #0, untracked" in words.text
    assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"


def test_two_pictures_share_no_id_and_no_picture_holds_script_or_style():
    x = leaf(2.0)
    pictures = [show_graph(x * 2).to_svg(), show_graph(x + 2).to_svg()]
    first, second = (
        {e.get("id") for e in ET.fromstring(p).iter() if e.get("id")} for p in pictures
    )
    assert first and second and not first & second
    for picture in pictures:
        assert "<style" not in picture and " style=" not in picture and "<script" not in picture


PROGRAM = """
import torch
from torch import nn
from lecture_helpers import show_graph
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Linear(2, 1))
x = torch.ones(3, requires_grad=True)
a, b, c = (net(torch.ones(3)) * x).unbind()
graph = show_graph([a * b + c * c, x.sum()], net)
print(graph.to_svg())
print(graph)
"""


def test_same_bytes_in_every_process():
    outputs = {
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True,
                       env={**os.environ, "PYTHONHASHSEED": seed}).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(outputs) == 1
    assert b"SumBackward0" in outputs.pop()


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_on_white_and_on_near_black():
    """WCAG 2.2: 4.5:1 for text, 3:1 for lines; the mid tone cannot reach 4.5 on both."""
    assert all(contrast(ink.MID, ground) > 4.3 for ground in GROUNDS)
    looks = ink.LEAF, ink.OPERATION, ink.RESULT, ink.ALONE, ink.MORE, ink.ACTIVE, ink.SPOILT
    for look in looks:
        for colour in (ink.DARK, ink.SOFT, ink.BLUE):
            assert contrast(colour, look.fill) > 4.5
        for ground in GROUNDS:
            assert contrast(look.stroke, ground) > 3
    for look in (ink.SPOILT, ink.OPERATION, ink.MORE):  # the mark stands on each of them
        assert contrast(ink.SPOILT.stroke, look.fill) > 4.5


def test_a_result_is_named_once_and_parallel_arrows_end_apart():
    x = leaf(3.0)
    square = x * x
    svg = show_graph(square).to_svg()
    assert words_in(svg).count("square") == 1
    heads = {
        p.get("d") for p in ET.fromstring(svg).findall(f"{SVG}path") if p.get("fill") != "none"
    }
    assert len(heads) == 3  # two into mul, one into the result


def test_intermediate_names_and_values_stand_in_the_box():
    x = leaf(2.0)
    y = 3 * x
    assert "y = 6.0" in words_in(show_graph(y**2).to_svg())


def test_big_graph_says_what_it_left_out_and_is_quick():
    x = leaf(1.0)
    y = x
    for _ in range(1000):
        y = y * x  # one leaf, used in every step
    start = time.perf_counter()
    graph = show_graph(y)
    svg = graph.to_svg()
    seconds = time.perf_counter() - start
    assert len(graph.nodes) == 1001
    assert "997 of 1,001 nodes are folded away; .nodes and .edges hold them all" in words_in(svg)
    assert svg.count("data-node=") == 4
    assert "997 × the same operation" in words_in(svg)
    heads = re.findall(r'<path d="[^"]+z" fill', svg)
    assert (
        len(heads) == 2 + 3 + 3 + 1
    )  # x twice into the first, then x once each, the chain, the result
    assert seconds < 5  # a hang, not a speed, is what this guards against
    assert "941 nodes left out" in graph.to_text()
    assert len(graph.to_text().splitlines()) < 70


def test_wide_nodes_stay_small():
    x = leaf([1.0])
    for wide in (torch.cat([x] * 3000), torch.cat([x, *[torch.ones(1)] * 3000])):
        graph = show_graph(wide)
        assert len(graph.to_svg()) < 20_000 and len(graph.to_text()) < 1000
        root = ET.fromstring(graph.to_svg())
        right = max(float(g.find(f"{SVG}rect").get("x")) for g in root.findall(f"{SVG}g"))
        assert all(float(c.get("cx")) < right for c in root.iter(f"{SVG}circle"))
    results = torch.ones(500, requires_grad=True).unbind()
    svg = show_graph(results).to_svg()
    assert svg.count("data-result=") == 20
    assert "500 results; .outputs holds them all" in words_in(svg)


def test_text_only_from_the_environment():
    code = (
        "import torch; from lecture_helpers import show_graph; "
        "print(list(show_graph(torch.ones(1))._repr_mimebundle_()))"
    )
    for value, kinds in (("1", "['text/plain']"), ("0", "['image/svg+xml', 'text/plain']")):
        environment = {**os.environ, "LECTURE_TEXT": value}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        assert done.stdout.strip() == kinds


def test_a_picture_that_cannot_be_drawn_degrades_to_text(monkeypatch):
    def broken(*_):
        raise Panic("no room")

    x = leaf(2.0)
    graph = show_graph(x * 2)
    monkeypatch.setattr("lecture_helpers.draw.svg.place", broken)
    bundle = graph._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert bundle["text/plain"] == f"{graph.to_text()}\n(no picture: Panic: no room)"


class Panic(BaseException):
    """What a library written in Rust raises when it panics is no Exception."""


def test_bundle_and_text_switch():
    x = leaf(2.0)
    graph = show_graph(x * 2)
    assert isinstance(graph, Graph)
    assert graph._repr_mimebundle_() == {
        "image/svg+xml": graph.to_svg(), "text/plain": graph.to_text()}  # fmt: skip
    use_text()
    try:
        assert graph._repr_mimebundle_() == {"text/plain": graph.to_text()}
    finally:
        use_text(False)
    assert str(graph) == repr(graph) == graph.to_text()


@pytest.mark.parametrize("edges", [
    [], [(0, 1)], [(0, 1), (0, 1)], [(0, 2), (1, 2), (3, 4), (4, 5), (3, 5)],
])  # fmt: skip
def test_layout_keeps_sources_left_of_targets_and_parts_apart(edges):
    boxes = [Box(50 + 7 * n, 40 + 3 * n) for n in range(6)]
    layouts = place(boxes, edges, sources_first=True)
    for source, target in edges:
        assert layouts.corners[source][0] + boxes[source].width < layouts.corners[target][0]
    assert all(corner is not None for corner in layouts.corners)
    for route in layouts.routes:
        xs = [x for x, _ in route]
        assert xs == sorted(xs)
    lowest = max(y + box.height for (_, y), box in zip(layouts.corners, boxes))
    assert lowest <= layouts.height + 0.01


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_arrow_runs_through_a_box(data):
    count = data.draw(st.integers(2, 14))
    links = st.tuples(st.integers(0, count - 2), st.integers(1, count - 1))
    edges = [(a, b) for a, b in data.draw(st.lists(links, max_size=25)) if a < b]
    tall = data.draw(st.sets(st.integers(0, count - 1), max_size=2))
    boxes = [Box(40 + 9 * (n % 5), 300 if n in tall else 44 + 16 * (n % 2)) for n in range(count)]
    layouts = place(boxes, edges, sources_first=True)
    assert_apart(boxes, layouts.corners)
    for (source, target), route in zip(edges, layouts.routes):
        assert len(route) % 2 == 0  # one straight piece for each layer that is passed
        for (left, y), (right, also_y) in zip(route[::2], route[1::2]):
            assert y == also_y
            for number, (x, top) in enumerate(layouts.corners):
                inside = top <= y <= top + boxes[number].height
                beside = x >= right or x + boxes[number].width <= left
                assert beside or not inside, (source, target, number)


def assert_apart(boxes, corners):
    for count, (box, (x, y)) in enumerate(zip(boxes, corners)):
        for other, (left, top) in zip(boxes[:count], corners):
            beside = x >= left + other.width or left >= x + box.width
            assert beside or y >= top + other.height or top >= y + box.height


def test_one_high_box_does_not_drive_all_rows_apart():
    boxes = [Box(60, 44)] * 20 + [Box(60, 600)]
    layouts = place(boxes, [(number, 20) for number in range(20)], sources_first=True)
    assert_apart(boxes, layouts.corners)
    assert layouts.height < 20 * (44 + 20) + 600
    tops = sorted(y for _, y in layouts.corners[:20])
    gaps = sorted(round(low - high) for high, low in zip(tops, tops[1:]))
    assert gaps[0] == 44 + 20 and gaps[-2] < 2 * gaps[0] + 300


def test_what_was_made_first_stands_on_top():
    x = leaf(3.0)
    for y, order in ((x**2 + 2 * x, "pow mul"), (2 * x + x**2, "mul pow")):
        svg = ET.fromstring(show_graph(y).to_svg())
        boxes = [g for g in svg.findall(f"{SVG}g") if g.find(f"{SVG}text").text in ("pow", "mul")]
        boxes.sort(key=lambda group: float(group.find(f"{SVG}rect").get("y")))
        assert " ".join(group.find(f"{SVG}text").text for group in boxes) == order


def test_layout_of_a_network_with_every_leaf_left_of_its_use():
    net = nn.Sequential(*[nn.Linear(2, 2) for _ in range(12)])
    graph = show_graph(net(torch.ones(1, 2)), net, fold=False)
    svg = ET.fromstring(graph.to_svg())
    left = {int(g.get("data-node")): float(g.find(f"{SVG}rect").get("x"))
            for g in svg.findall(f"{SVG}g") if g.get("data-node")}  # fmt: skip
    assert len(left) == len(graph.nodes) == 48
    assert all(left[edge.source] < left[edge.target] for edge in graph.edges)


def test_numbered_outputs_stand_in_order_and_each_arrow_leaves_from_its_own():
    a, b, c = torch.tensor([1.0, 2.0, 3.0], requires_grad=True).unbind()
    svg = ET.fromstring(show_graph(c * 2, b * 2, a * 2).to_svg())
    (box,) = [g for g in svg.findall(f"{SVG}g") if g.find(f"{SVG}text").text == "unbind"]
    numbers = {t.text: float(t.get("y")) for t in box.findall(f"{SVG}text") if t.text in "012"}
    assert numbers["0"] < numbers["1"] < numbers["2"]
    right = float(box.find(f"{SVG}rect").get("x")) + float(box.find(f"{SVG}rect").get("width"))
    starts = {path.get("d").split("C")[0].split("H")[0] for path in svg.findall(f"{SVG}path")}
    assert len([start for start in starts if start.startswith(f"M{right:.1f} ")]) == 3


def test_the_stub_of_an_untracked_input_makes_room_for_itself():
    x = torch.ones(2, requires_grad=True)
    heights = [float(ET.fromstring(show_graph(y).to_svg()).get("height")) for y in (x.sin(), x * 2)]
    note = 16
    assert heights[1] - heights[0] == 10 + note


def test_the_note_of_a_cut_graph_stands_in_the_picture_itself(monkeypatch):
    monkeypatch.setattr("lecture_helpers.graph.walk", lambda roots: walk(roots, depth=2))
    x = torch.ones(2, requires_grad=True)
    svg = show_graph(x.sin().sin().sin().sin()).to_svg()
    assert any("deeper than Python can walk safely" in words for words in words_in(svg))
