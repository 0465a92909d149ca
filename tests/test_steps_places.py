"""Where things stand in the pictures of a recorded backward: arrows, labels, sums, sentences."""

import re
import xml.etree.ElementTree as ET

import pytest
import torch
from sound import SVG, SendsNothing, leaf, overlap, place_of, rectangle
from torch.utils.checkpoint import checkpoint

from lecture_helpers import record_backward
from lecture_helpers.draw import ink
from lecture_helpers.draw.steps import Film


def wide_sums():
    a, b, c = leaf(1.234567), leaf(2.345678), leaf(-3.456789)
    u, v, t = a * b, b * c, a * c
    z = u * v * t + u / v - t * u + v * t
    return record_backward(z)


def vectors():
    a, b, c = leaf(1.234567, 2.0), leaf(2.345678, 1.0), leaf(-3.456789, 0.1)
    u, v, t = a * b, b * c, a * c
    z = (u * v * t + u / v - t * u + v * t).sum()
    return record_backward(z)


def hooked():
    x = leaf(1.0, 2.0)
    x.register_hook(torch.zeros_like)
    z = (x * x).sum()
    return record_backward(z)


def crossed():
    x = leaf([[1.2, 2.5], [3.1, 4.7], [5.5, 6.6], [7.1, 8.2]])
    a, b, c, d = x.unbind()
    z = (a * b * 2.2 + c * d * 1.1 + a * d).sum()
    return record_backward(z)


def wide_names():
    first = leaf(2.0)
    z = first * first
    return record_backward(z, **{"重" * 28: first, "W" * 28: z})


PROGRAMS = [wide_sums, vectors, hooked, crossed, wide_names]


def finished(record):
    film = Film(record)
    return ET.fromstring(film.svg(film.last))


def boxes_in(picture):
    return [rectangle(group) for group in picture.findall(f"{SVG}g")]


def backward_arrows(picture):
    """Return (start, end) of each backward arrow; it starts where its gradient is sent."""
    paths = picture.findall(f"{SVG}path")
    found = []
    for line, head in zip(paths[::2], paths[1::2]):
        if line.get("stroke") != ink.MID:
            points = [re.findall(r"-?[\d.]+", path.get("d"))[:2] for path in (line, head)]
            found.append([tuple(map(float, point)) for point in points])
    return found


@pytest.mark.parametrize("make", PROGRAMS)
def test_every_backward_arrow_starts_and_ends_at_a_box(make):
    picture = finished(make())
    boxes, arrows = boxes_in(picture), backward_arrows(picture)
    assert arrows
    for (x, y), (end_x, end_y) in arrows:
        assert any(near(left, x) and top < y < bottom for left, top, _, bottom in boxes)
        assert any(near(right, end_x) and top < end_y < bottom for _, top, right, bottom in boxes)


def near(one, other):
    return abs(one - other) < 0.2  # coordinates have one decimal


def test_a_gradient_arrives_beside_the_number_of_its_own_output():
    picture = finished(crossed())
    (unbind,) = [g for g in picture.findall(f"{SVG}g") if g.find(f"{SVG}text").text == "unbind"]
    right = rectangle(unbind)[2]
    digits = {
        t.text: float(t.get("y")) - 3.5 for t in unbind.iter(f"{SVG}text") if t.text in "0123"
    }
    ends = [y for _, (x, y) in backward_arrows(picture) if near(x, right)]
    nearest = [min(digits, key=lambda number: abs(digits[number] - y)) for y in ends]
    assert sorted(nearest) == ["0", "0", "1", "2", "3", "3"]  # a and d have two users each


@pytest.mark.parametrize("make", PROGRAMS)
def test_sums_and_sentences_stay_inside_and_cover_nothing(make):
    film = Film(make())
    for position in range(film.finished + 1):
        picture = ET.fromstring(film.svg(position))
        width, height = float(picture.get("width")), float(picture.get("height"))
        *labels, panel = [place_of(mark) for mark in picture.findall(f"{SVG}rect")]
        assert panel[3] <= height
        for words in picture.findall(f"{SVG}text"):
            room = ink.text_width(words.text, float(words.get("font-size")))
            x, y = float(words.get("x")), float(words.get("y"))
            if words.get("fill") == "#cf4f14" and y > 20:  # a sum
                place = x - room, y - 10, x, y
                assert place[0] >= 0
                assert not any(overlap(place, other) for other in labels + boxes_in(picture))
            elif y > panel[1]:
                lighter = 1 if words.get("font-weight") else 0.9
                assert x + room * lighter <= panel[2] and y < panel[3]
            assert x <= width


def test_no_arrow_is_drawn_over_a_label():
    marks = [mark.tag for mark in finished(wide_sums())]
    assert f"{SVG}path" not in marks[marks.index(f"{SVG}rect") :]


def test_the_panel_grows_for_a_late_step_that_has_more_to_tell():
    x = leaf(1.0)
    y = sum((x * torch.ones(12)).unbind())
    for _ in range(230):
        y = y * 1.0
    film = Film(record_backward(y))
    late = next(nr for nr, step in enumerate(film.record.steps, 1) if len(step.grad_outputs) > 1)
    assert late > 200
    heights = []
    for position in (1, late):
        picture = ET.fromstring(film.svg(position))
        panel = place_of(picture.findall(f"{SVG}rect")[-1])
        lowest = max(float(t.get("y")) for t in picture.findall(f"{SVG}text"))
        assert lowest < panel[3] <= float(picture.get("height"))
        heights.append(panel[3] - panel[1])
    assert heights[1] > heights[0]


def test_a_stack_of_very_many_makes_no_endless_picture():
    record = record_backward(torch.stack([leaf(float(count)) for count in range(100)]).sum())
    for position in (0, 2, 103):
        assert float(ET.fromstring(Film(record).svg(position)).get("height")) < 4000


def test_a_sentence_is_broken_to_a_width():
    assert ink.broken("one two three", 10, ink.text_width("one two", 10)) == ["one two", "three"]
    assert ink.broken("", 10, 50) == [""]
    pieces = ink.broken("WWWW ii", 10, 25)
    assert pieces == ["WW", "WW", "ii"]
    assert ink.broken("WW", 10, 1) == ["W", "W"]


def fills(picture):
    """Return the fill of each box, by its first line."""
    groups = picture.findall(f"{SVG}g")
    return {g.find(f"{SVG}text").text: g.find(f"{SVG}rect").get("fill") for g in groups}


def test_only_what_is_at_work_is_orange_and_only_a_leaf_fills_up():
    x = leaf(2.0)
    z = (x * 3) ** 2
    film = Film(record_backward(z))
    at = [fills(ET.fromstring(film.svg(position))) for position in range(film.finished + 1)]
    plain, orange, leaf_blue = ink.OPERATION.fill, ink.ACTIVE.fill, ink.LEAF.fill
    assert [picture["pow"] for picture in at] == [plain, orange, plain, plain, plain]
    assert [picture["mul"] for picture in at] == [plain, plain, orange, plain, plain]
    assert [picture["x"] for picture in at] == [leaf_blue] * 3 + [orange, "#bfdbfe"]
    assert {picture["z"] for picture in at} == {ink.RESULT.fill}


def test_what_is_at_work_is_drawn_over_what_is_past():
    film = Film(wide_sums())
    for position in range(film.finished + 1):
        paths = ET.fromstring(film.svg(position)).findall(f"{SVG}path")
        lines = [p for p in paths if p.get("fill") == "none" and p.get("stroke") != ink.MID]
        widths = [float(line.get("stroke-width")) for line in lines]
        assert widths == sorted(widths)


def test_no_arrow_for_a_gradient_that_is_none():
    x = leaf(2.0)
    y = SendsNothing.apply(x * 3)
    picture = finished(record_backward(y))
    assert len(backward_arrows(picture)) == 1  # the 1 that it was started with
    assert "None" not in [text.text for text in picture.findall(f"{SVG}text")]


@pytest.mark.parametrize("before", [None, [123.456, 0.0, -9.87654]])
@pytest.mark.parametrize("accumulate", [True, False])
def test_a_leaf_has_room_for_its_longest_words(before, accumulate):
    w = leaf(2.5, -3.25, 1e-7)
    w.grad = None if before is None else torch.tensor(before)
    film = Film(
        record_backward((w * torch.tensor([-123.4, 1.0, 5.678])).sum(), accumulate=accumulate)
    )
    for position in range(film.finished + 1):
        for group in ET.fromstring(film.svg(position)).findall(f"{SVG}g"):
            left, _, right, _ = rectangle(group)
            for text in group.iter(f"{SVG}text"):
                assert ink.text_width(text.text, float(text.get("font-size"))) <= right - left


def test_a_folded_part_is_never_at_work():
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = torch.tanh(y * 1.5)
    film = Film(record_backward(y))
    for position in (1, 40, film.last, film.finished):
        picture = ET.fromstring(film.svg(position))
        folded = [g for g in picture.findall(f"{SVG}g") if g.get("data-more")]
        assert folded and {group.get("data-state") for group in folded} == {"waits"}


def test_no_sum_is_drawn_where_a_leaf_also_gets_gradients_from_a_backward_inside():
    w, x = leaf(3.0), leaf(2.0)
    y = checkpoint(lambda a: a * w, x, use_reentrant=True) + w * 5 + w * 7
    picture = finished(record_backward(y))
    assert not [t.text for t in picture.findall(f"{SVG}text") if " + " in t.text]


@pytest.mark.parametrize("make", PROGRAMS)
def test_the_picture_keeps_its_size_from_step_to_step(make):
    film = Film(make())
    pictures = [ET.fromstring(film.svg(position)) for position in range(film.finished + 1)]
    assert len({(picture.get("width"), picture.get("height")) for picture in pictures}) == 1
    assert float(pictures[0].get("width")) >= 620  # room for sentences beside a small graph
