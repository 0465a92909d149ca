"""How overwritten values look, and what is said of them."""

import xml.etree.ElementTree as ET

import pytest
import torch
from overwriting import Lines
from sound import SVG, assert_sound, leaf, words_of
from torch import nn

from lecture_helpers import compare_graphs, show_graph
from lecture_helpers.draw import ink
from lecture_helpers.draw.scene import LINE
from lecture_helpers.draw.versions import NOT_RECORDED, UNTOLD


def overwritten_exp():
    """The graph of a result that was changed after exp had saved it."""
    x = leaf(1.0, 2.0, 3.0)
    y = x.exp()
    y += 1
    loss = y.sum()
    return show_graph(loss, saved=True)


def box_of(graph, place):
    """Return (its rectangle, its words) of the box of a node."""
    group = ET.fromstring(graph.to_svg()).find(f"{SVG}g[@data-node='{place}']")
    return group.find(f"{SVG}rect"), [text.text for text in group.iter(f"{SVG}text")]


def is_marked(rectangle):
    return (rectangle.get("fill"), rectangle.get("stroke")) == (ink.SPOILT.fill, ink.SPOILT.stroke)


SAID = [
    "y was overwritten after exp #1 had saved it for backward.",
    "made by exp #1 (ExpBackward0)",
    "saved by exp #1 as result at version 0",
    "changed in place since, last by add #2 (AddBackward0): now at version 1",
    'backward raises at exp #1: "modified by an inplace operation"',
]


def test_the_box_and_the_panel_say_which_value_where_it_was_made_and_changed():
    graph = overwritten_exp()
    assert_sound_with_panel(graph, SAID)
    rectangle, words = box_of(graph, 1)
    assert is_marked(rectangle)
    assert words == [
        "exp #1",
        "ExpBackward0",
        "saves result (y) 12 bytes",
        "result (y) overwritten",
        "version 0, now 1",
    ]
    rectangle, words = box_of(graph, 2)
    assert not is_marked(rectangle)
    assert words[0] == "add #2" and words[-1] == "overwrites result of exp #1"


def test_the_text_and_the_description_say_the_same():
    graph = overwritten_exp()
    lines = str(graph).splitlines()
    assert lines[-6:-1] == SAID
    assert lines[2].endswith("saves result (y) 12 bytes, result (y) overwritten, version 0, now 1")
    assert lines[3].endswith("memory changed in place, version 1, overwrites result of exp #1")
    described = ET.fromstring(graph.to_svg()).find(f"{SVG}desc").text
    assert described == str(graph)


def assert_sound_with_panel(graph, said):
    """The panel stands below every box, holds what is said, and lies inside the picture."""
    assert_sound(graph)
    picture = ET.fromstring(graph.to_svg())
    panel = picture.find(f"{SVG}rect")
    left, top = float(panel.get("x")), float(panel.get("y"))
    right, bottom = left + float(panel.get("width")), top + float(panel.get("height"))
    assert right <= float(picture.get("width")) and bottom <= float(picture.get("height"))
    boxes = [group.find(f"{SVG}rect") for group in picture.findall(f"{SVG}g")]
    assert all(float(box.get("y")) + float(box.get("height")) <= top for box in boxes)
    inside = [
        text
        for text in picture.findall(f"{SVG}text")
        if top < float(text.get("y")) < bottom and float(text.get("x")) > left
    ]
    assert [text.text for text in inside] == said
    below = [text for text in picture.findall(f"{SVG}text") if float(text.get("y")) >= bottom]
    assert below and all(float(text.get("y")) - LINE >= bottom - 4 for text in below)
    for text in inside:
        wide = ink.text_width(text.text, float(text.get("font-size")))
        assert float(text.get("x")) + wide <= right
        assert text.get("fill") == ink.DARK


def test_without_the_option_and_without_a_change_nothing_is_said():
    x = leaf(1.0, 2.0)
    y = x.exp()
    loss = y.sum()
    assert "version" not in str(show_graph(loss, saved=True))
    y += 1
    assert "overwritten" not in str(show_graph(y)) + show_graph(y).to_svg()
    assert show_graph(y).overwritten == ()
    z = x * 1
    z.mul_(2)
    graph = show_graph(z * z, saved=True)
    assert "saves self (z) 8 bytes, version 1" in words_of(graph)
    assert ET.fromstring(graph.to_svg()).find(f"{SVG}rect") is None


def test_the_version_of_a_parameter_is_not_said_while_it_is_the_same():
    layer = nn.Linear(2, 1)
    assert layer.weight._version == 1  # it was filled in place
    x = torch.ones(3, 2, requires_grad=True)
    assert "version" not in str(show_graph(layer(x).sum(), saved=True))


def test_a_leaf_a_view_and_a_change_that_nothing_records():
    x = leaf(2.0, 3.0)
    loss = (x**2).sum()
    x.detach().add_(1)
    graph = show_graph(loss, saved=True)
    said = [
        "x, a leaf, was overwritten after pow #1 had saved it for backward.",
        "saved by pow #1 as self at version 0",
        "changed in place since: now at version 1",
        "by what is not recorded in this graph, as under no_grad or through detach()",
        'backward raises at pow #1: "modified by an inplace operation"',
    ]
    assert str(graph).splitlines()[-6:-1] == said
    assert_sound_with_panel(graph, said)  # here the panel is wider than the graph
    w = leaf([1.0, 2.0])
    loss = (torch.ones(1, 2, requires_grad=True) @ w.t()).sum()
    with torch.no_grad():
        w.mul_(2)
    words = str(show_graph(loss, saved=True))
    assert "\nmade by t #1 (TBackward0), as a view of w\n" in words


def test_nothing_is_said_of_a_change_that_nobody_is_left_to_tell_of():
    def recorded(x):
        y = x.exp()
        y += 1
        return y.sum()

    def recorded_by_copy_slices(x):
        y = x.exp()
        y[:1].mul_(2)
        return y.sum()

    def not_recorded(x):
        y = x.exp()
        z = y.sin()  # it saved y, which so tells
        y.detach().mul_(2)
        return z.sum()

    said = []
    for forward in (recorded, recorded_by_copy_slices, not_recorded):
        graph = show_graph(forward(leaf(1.0, 2.0)), saved=True)
        said += [line for line in str(graph).splitlines() if line.startswith("by ")]
        assert {one.changed_by for one in graph.overwritten} == {None}
    assert said == [UNTOLD, UNTOLD, NOT_RECORDED]


def test_a_value_without_a_name_and_a_change_in_another_graph():
    x = leaf(2.0, 3.0)
    h = x * 1
    loss = (h[:1] ** 2).sum()
    h[0] = 9
    said = str(show_graph(loss, saved=True)).splitlines()
    assert "h was overwritten after pow #3 had saved it for backward." in said
    assert (
        "changed in place since, last by CopySlices, whose node is not in this graph: "
        "now at version 1" in said
    )
    assert "not recorded" not in str(said)
    net = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.ReLU(inplace=True))
    said = str(show_graph(net(torch.ones(1, 2)).sum(), saved=True))
    assert "\nA value that no variable holds was overwritten after sigmoid #" in said


def test_one_value_saved_twice_by_a_node_is_said_once():
    x = leaf(2.0, 3.0)
    h = x * 1
    loss = (h * h).sum()
    h.add_(1)
    graph = show_graph(loss, saved=True)
    assert len(graph.overwritten) == 2
    assert box_of(graph, 2)[1][-2:] == ["self and other (h) overwritten", "version 0, now 1"]
    assert sum("was overwritten" in line for line in str(graph).splitlines()) == 1
    assert "also" not in str(graph)


def test_a_map_of_statements_is_quoted():
    lines = Lines()
    x = leaf(1.0, 2.0)
    y = x.exp()
    lines.statements[y.grad_fn] = "y = x.exp()"
    for source in ("y += 1", "y *= 2", "y *= 2"):
        y.add_(1)
        lines.note(y, source, "add_", "y", 0, 1, False)
    loss = y.sum()
    said = str(show_graph(loss, saved=True, lines=lines)).splitlines()
    assert said[-7:-2] == [
        "made by exp #1 (ExpBackward0): y = x.exp()",
        "saved by exp #1 as result at version 0",
        "changed by y += 1",
        "changed by y *= 2, 2 times",
        "now at version 3",
    ]
    for place in range(4):
        lines.note(y, f"line_{place}()" if place else None, "add_", None, 0, 1, False)
    said = str(show_graph(loss, saved=True, lines=lines)).splitlines()
    assert said[-5:-2] == [
        "changed by a call of add_",
        "changed by 3 more statements",
        "now at version 3",
    ]


def test_a_change_through_data_is_said_to_slip_past():
    lines = Lines()
    x = leaf(2.0, 3.0)
    loss = (x**2).sum()
    x.data.add_(1)
    lines.note(x, "x.data.add_(1)", "add_", None, 0, 1, True)
    graph = show_graph(loss, saved=True, lines=lines)
    said = [
        "x, a leaf, was changed through .data after pow #1 had saved it for backward.",
        "saved by pow #1 as self at version 0",
        "changed through .data by x.data.add_(1)",
        "backward will not raise for this, and its gradient will be wrong",
    ]
    assert str(graph).splitlines()[-5:-1] == said
    assert_sound_with_panel(graph, said)
    rectangle, words = box_of(graph, 1)
    assert is_marked(rectangle)
    assert words[-2:] == ["self (x) changed through .data", "no version tells"]


def state_in_place(steps):
    w = leaf(1.0, 2.0)
    state = w * 1
    for _ in range(steps):
        state.mul_(w)
        state.tanh_()
    return state.sum()


def test_of_many_values_the_first_is_told_and_the_others_are_counted():
    graph = show_graph(state_in_place(8), saved=True)
    said = [line for line in str(graph).splitlines() if not line.startswith("#")]
    assert said[1] == "A value that no variable holds was overwritten after tanh #15 had " + (
        "saved it for backward."
    )
    assert said[-6:-1] == [
        *(f"also result overwritten: version {place - 1}, now 16, saved by tanh #{place}"
          for place in (13, 11, 9, 7)),
        "and 2 more",
    ]  # fmt: skip
    assert box_of(graph, 17)[1][-3:] == [
        "overwrites result of tanh #15", "overwrites result of tanh #13", "and 5 more"]  # fmt: skip
    assert_sound(graph)


def test_a_folded_part_says_how_many_of_its_nodes_are_marked():
    graph = show_graph(state_in_place(30), saved=True)
    picture = ET.fromstring(graph.to_svg())
    (group,) = picture.findall(f"{SVG}g[@data-more]")
    words = [text.text for text in group.iter(f"{SVG}text")]
    assert words[-1] == "27 nodes inside: saved value overwritten"
    assert is_marked(group.find(f"{SVG}rect"))
    assert_sound(graph)


def test_one_marked_node_among_many_is_not_folded_away():
    w = leaf(1.0, 2.0)
    states = [w * 1]
    for _ in range(60):
        states.append(torch.tanh(states[-1] * w))
    states[30].detach().add_(1)
    loss = states[-1].sum()
    graph = show_graph(loss, saved=True)
    marked = [one.node for one in graph.overwritten]
    assert len(marked) == 2
    for place in marked:
        rectangle, words = box_of(graph, place)
        assert is_marked(rectangle) and words[-2].endswith("(states[30]) overwritten")
    assert ET.fromstring(graph.to_svg()).findall(f"{SVG}g[@data-more]")
    assert_sound(graph)


def test_both_graphs_of_a_comparison_keep_their_marks():
    graph = overwritten_exp()
    x = leaf(1.0, 2.0, 3.0)
    words = words_of(compare_graphs(graph, x.exp().sum()))
    assert "result (y) overwritten" in words and "first difference" in words


@pytest.mark.parametrize("name", ["<b>&", "x" * 200])
def test_odd_names_are_escaped_and_shortened(name):
    x = leaf(1.0, 2.0)
    y = x.exp()
    y += 1
    graph = show_graph(**{name: [y], "loss": y.sum()}, saved=True)
    assert graph.overwritten[0].tensor == f"{name}[0]"
    assert_sound(graph)
    assert all(len(line) < 120 for line in words_of(graph))
