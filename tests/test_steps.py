"""A recorded backward as pictures and text: what stands there at every step."""

import re
import xml.etree.ElementTree as ET

import pytest
import torch
from sound import SVG, leaf, overlap, place_of, rectangle

from lecture_helpers import record_backward
from lecture_helpers.draw.ink import MID
from lecture_helpers.draw.steps import Film


def chain():
    x = leaf(2.0)
    y = 3 * x + 1
    z = y**2
    return record_backward(z)


def diamond(**options):
    x = leaf(2.0)
    u = 3 * x
    v = u + 1
    w = u**2
    out = v * w
    return record_backward(out, **options)


def pictures(record):
    film = Film(record)
    return [ET.fromstring(film.svg(position)) for position in range(film.finished + 1)]


def words_in(picture):
    return [text.text for text in picture.iter(f"{SVG}text")]


def at_work(picture):
    """Return the names of the boxes that are marked as being at work."""
    groups = picture.findall(f"{SVG}g")
    return [words_in(g)[0] for g in groups if g.get("data-state") == "at work"]


def loose(picture):
    """Return the texts that stand in no box: labels, headings and the panel."""
    return [text.text for text in picture.findall(f"{SVG}text")]


def numbers(picture):
    return sorted(float(words) for words in loose(picture) if re.fullmatch(r"-?[\d.]+", words))


def test_the_chain_step_by_step():
    shown = pictures(chain())
    assert [picture.get("data-step") for picture in shown] == ["0", "1", "2", "3", "4", "5"]
    assert [at_work(picture) for picture in shown] == [[], ["pow"], ["add"], ["mul"], ["x"], []]
    assert [numbers(picture) for picture in shown] == [
        [1], [1, 14], [1, 14, 14], [1, 14, 14, 42], [1, 14, 14, 42], [1, 14, 14, 42],
    ]  # fmt: skip
    grads = [words for picture in shown for words in words_in(picture) if words.startswith("grad")]
    assert [words.strip() for words in grads] == ["grad None"] * 4 + ["grad 42"] * 2


def test_the_diamond_shows_the_sum_where_two_paths_meet():
    shown = pictures(diamond())
    assert [at_work(p) for p in shown] == [[], ["mul"], ["pow"], ["add"], ["mul"], ["x"], []]
    assert [numbers(picture) for picture in shown[:5]] == [
        [1], [1, 7, 36], [1, 7, 36, 84], [1, 7, 36, 36, 84], [1, 7, 36, 36, 84, 360],
    ]  # fmt: skip
    assert ["84 + 36 = 120" in loose(picture) for picture in shown] == [False] * 4 + [True] * 3


def test_what_is_at_work_is_thick_and_what_is_past_is_thin():
    def widths(picture):
        """Return the width of each backward arrow's line, by the number on it."""
        lines = [path for path in picture.findall(f"{SVG}path") if path.get("fill") == "none"]
        widths = [float(line.get("stroke-width")) for line in lines if line.get("stroke") != MID]
        told = [words for words in loose(picture) if re.fullmatch(r"-?[\d.]+", words)]
        found = {}
        for words, width in zip(told, widths, strict=True):
            found.setdefault(words, []).append(width)
        return found

    shown = pictures(chain())
    assert widths(shown[1]) == {"1": [3], "14": [3]}
    assert widths(shown[2]) == {"1": [1.5], "14": [3, 3]}
    assert widths(shown[4]) == {"1": [1.5], "14": [1.5, 1.5], "42": [3]}
    assert widths(shown[5]) == {"1": [1.5], "14": [1.5, 1.5], "42": [1.5]}


def test_a_grad_that_is_not_touched_is_told():
    record = diamond(accumulate=False)
    assert "x.grad was not touched, as asked." in str(record)
    assert str(record).endswith("x received 360. No .grad was touched.")
    first, *_, last = pictures(record)
    assert "waits" in words_in(first) and "received 360" in words_in(last)


def test_a_large_gradient_is_told_by_shape_and_norm():
    x = torch.ones(200, 100, requires_grad=True)
    y = x.sum()
    record = record_backward(y)
    assert "each of 20,000 elements = 200 × 100 values, norm 141.42\n" in str(record)
    assert "200 × 100 values" in "".join(words_in(pictures(record)[-1]))


def test_a_long_backward_is_cut_in_the_text_and_folded_in_the_picture():
    x = leaf(1.0)
    y = x
    for _ in range(300):
        y = y * 1.0 + 0.0
    record = record_backward(y)
    lines = str(record).splitlines()
    assert "... 541 steps left out; .steps holds them all ..." in lines
    assert sum(line.startswith("step") for line in lines) == 60
    picture = pictures(record)[300]
    assert any("folded away" in words for words in loose(picture))


PROGRAMS = {
    "chain": chain,
    "diamond": diamond,
    "tensors": lambda: tensors(),
    "several outputs": lambda: several(),
    "matrices": lambda: matrices(),
    "a leaf alone": lambda: record_backward(leaf(2.0)),
}


def tensors():
    w, b = leaf(0.5, -1.0, 2.0), leaf(1.0)
    h = torch.relu(w * torch.tensor([1.0, 2.0, 3.0]) + b)
    loss = (h**2 + 3 * h).mean()
    return record_backward(loss)


def several():
    x = leaf(1.0, 2.0, 3.0)
    a, b, c = x.unbind()
    out = a * b + torch.stack([c, a]).max()
    return record_backward(out)


def matrices():
    a = torch.tensor([[2.0, 3.0], [1.0, 4.0]], requires_grad=True)
    b = torch.tensor([[1.0, 2.0], [3.0, 1.0]], requires_grad=True)
    total = (a @ b).sum()
    return record_backward(total)


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=list(PROGRAMS))
def test_every_picture_is_sound(make):
    record = make()
    film = Film(record)
    for position in range(film.finished + 1):
        svg = film.svg(position)
        assert svg == Film(record).svg(position)
        picture = ET.fromstring(svg)
        width, height = float(picture.get("width")), float(picture.get("height"))
        boxes = [rectangle(group) for group in picture.findall(f"{SVG}g")]
        labels = [place_of(mark) for mark in picture.findall(f"{SVG}rect")]
        for left, top, right, bottom in boxes + labels:
            assert left >= 0 and right <= width and top >= 0 and bottom <= height
        for label in labels:
            assert not any(overlap(label, box) for box in boxes), label
        for count, label in enumerate(labels):
            assert not any(overlap(label, other) for other in labels[:count]), label


def test_boxes_stay_where_they_are():
    for make in (chain, diamond, tensors):
        places = [[rectangle(g) for g in p.findall(f"{SVG}g")] for p in pictures(make())]
        assert all(place == places[0] for place in places)


def test_an_odd_name_stays_text_on_one_line():
    x = leaf(2.0)
    y = x * x
    record = record_backward(y, **{"<b>\nx": x})
    assert "to <b>\ufffdx: incoming × <b>\ufffdx = 1 × 2 = 2" in str(record)
    assert "to <b>\ufffdx: incoming × <b>\ufffdx = 1 × 2 = 2" in loose(pictures(record)[1])


def test_three_thirds_are_written_out():
    x = leaf(1.0, 2.0, 3.0)
    record = record_backward(x.mean())
    assert "x.grad was None; now it is [0.33333, 0.33333, 0.33333]." in str(record)
    assert "grad [0.333, 0.333, 0.333]" in words_in(pictures(record)[-1])


@pytest.mark.parametrize("make", [diamond, tensors, matrices, several])
def test_a_gradient_leaves_and_reaches_its_box_between_top_and_bottom(make):
    for picture in pictures(make()):
        boxes = [rectangle(group) for group in picture.findall(f"{SVG}g")]
        for path in picture.findall(f"{SVG}path"):
            if path.get("fill") != "none" or path.get("stroke") not in ("#c2410c", "#cf4f14"):
                continue
            numbers = [float(n) for n in re.findall(r"[-\d.]+", path.get("d"))]
            x, y = numbers[:2]
            assert any(left == x and top < y < bottom for left, top, _, bottom in boxes), (x, y)


def test_the_heading_tells_where_the_backward_stands():
    headings = ["before the backward", "backward, step 1 of 4: PowBackward0",
                "backward, step 2 of 4: AddBackward0", "backward, step 3 of 4: MulBackward0",
                "backward, step 4 of 4: AccumulateGrad",
                "backward: finished, right to left"]  # fmt: skip
    for heading, picture in zip(headings, pictures(chain()), strict=True):
        assert heading in loose(picture)
