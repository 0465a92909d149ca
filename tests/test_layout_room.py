"""The room that a backward's labels and arrows get in the layout."""

import pytest
import torch
from sound import leaf

from lecture_helpers import show_graph
from lecture_helpers.draw.layout import LAYER_GAP, Box, place
from lecture_helpers.draw.scene import scene_of
from lecture_helpers.draw.svg import placed


def test_an_edge_gets_the_room_it_wants_on_the_left_of_its_target():
    boxes, edges = [Box(60, 44), Box(70, 44), Box(80, 44)], [(0, 1), (1, 2)]
    for room, gaps in (({(0, 1): 150.0}, [150, LAYER_GAP]), ({(1, 2): 10.0}, [LAYER_GAP] * 2)):
        corners = place(boxes, edges, True, room).corners
        assert corners[0][0] == 0
        lefts = [x for x, _ in corners]
        free = [lefts[n + 1] - lefts[n] - boxes[n].width for n in (0, 1)]
        assert free == pytest.approx(gaps)


def test_of_parallel_arrows_the_widest_label_counts():
    x = leaf(2.0)
    scene = scene_of(show_graph(x * x))
    first, second = [nr for nr, link in enumerate(scene.links) if link.source == 0]
    for wide, narrow in ((first, second), (second, first)):
        at = placed(scene, room={wide: 200.0, narrow: 90.0})
        assert at.corners[1][0] - at.corners[0][0] - at.boxes[0].width == pytest.approx(200)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_box_grows_as_high_as_its_arrows_need_and_no_higher(count):
    scene = scene_of(show_graph(torch.stack([leaf(1.0)] * count)))
    slot = scene.links[0].target
    usual, grown = placed(scene), placed(scene, port_gap=32.0, below=12.0)
    assert usual.boxes[slot].height == scene.shapes[slot].box.height
    needed = 10 + 12 + 32 * (count - 1)
    assert grown.boxes[slot].height == max(usual.boxes[slot].height, needed)
    ports = sorted(grown.lines[nr][-1][1] for nr in range(count))
    assert [low - high for high, low in zip(ports, ports[1:])] == pytest.approx([32] * (count - 1))


def test_an_edge_passes_above_or_below_a_high_box():
    boxes = [Box(40, 44), Box(49, 300), Box(58, 44)]
    layout = place(boxes, [(0, 1), (0, 2), (1, 2)], sources_first=True)
    (_, top), ((_, passed), _) = layout.corners[1], layout.routes[1]
    assert not top <= passed <= top + 300
