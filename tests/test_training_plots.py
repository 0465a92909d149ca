"""Losses and paths of a training: the data, the words, and what stands where in the picture."""

import math
import re
import xml.etree.ElementTree as ET

import pytest
import torch
from sound import SVG, words_in

from lecture_helpers import LossCurve, device, plot_losses, plot_path, use_text
from lecture_helpers.draw import bundle, picture_of
from lecture_helpers.draw.axes import LINES, MOST_DRAWN, Scale
from lecture_helpers.training import GRID

FALLING = [9.0, 0.36, 0.0144]
X = torch.tensor([0.0, 1.0, 2.0, 3.0], device=device)
Y = torch.tensor([2.5, 2.5, 3.5, 5.5], device=device)


def parabola(w):
    return (2 * w - 5) ** 2


def bowl(w, b):
    return ((w * X + b - Y) ** 2).mean()


def inner(svg):
    """The nested documents of a picture, each cut off at its edge."""
    return ET.fromstring(svg).findall(f"{SVG}svg")


def lines_of(part):
    """The lines of a part of a picture: a list of points for each, and its colour."""
    found = []
    for path in part.findall(f"{SVG}path"):
        if path.get("fill") == "none":
            pairs = path.get("d")[1:].removesuffix("h0").split("L")
            found.append(([tuple(map(float, pair.split())) for pair in pairs], path.get("stroke")))
    return found


def dots_of(part):
    return [(float(dot.get("cx")), float(dot.get("cy"))) for dot in part.iter(f"{SVG}circle")]


def test_losses_are_kept_as_numbers_in_order():
    plot = plot_losses({"by hand": FALLING, "as tensors": [torch.tensor(9.0), 1]})
    assert plot.curves == (
        LossCurve("by hand", (9.0, 0.36, 0.0144)),
        LossCurve("as tensors", (9.0, 1.0)),
    )
    assert plot_losses(torch.tensor([2.0, 1.0])).curves == (LossCurve("", (2.0, 1.0)),)
    array = torch.tensor([2.5, 1.0]).numpy()
    assert plot_losses(array).curves == (LossCurve("", (2.5, 1.0)),)
    tracked = torch.tensor([3.0], requires_grad=True) * 2
    assert plot_losses([tracked]).curves[0].values == (6.0,)
    assert tracked.requires_grad and not plot.log


def test_losses_in_words():
    assert str(plot_losses({"a": FALLING, "b": [1.0]})) == (
        "loss over the steps of training\n"
        "a: 3 losses, first 9, last 0.0144, lowest 0.0144, highest 9\n"
        "b: 1 loss, first 1, last 1, lowest 1, highest 1"
    )
    assert str(plot_losses([4.0, 0.0, math.inf, math.nan], log=True)) == (
        "loss over the steps of training, on a logarithmic axis\n"
        "4 losses, first 4, last nan, lowest 0, highest 4; 3 left out of the picture"
    )
    assert len(str(plot_losses({"n" * 5000: [0.1] * 10_000}))) < 200


def test_each_loss_stands_over_its_step_at_its_height():
    (plot,) = inner(picture_of(plot_losses([8.0, 4.0, 0.0])))
    (line, colour), dots = *lines_of(plot), dots_of(plot)
    assert line == dots and colour == LINES[0].colour
    xs, ys = zip(*line)
    assert xs == (0.0, 230.0, 460.0)
    assert ys[2] == 190.0 and ys[1] - ys[0] == pytest.approx(ys[2] - ys[1], abs=0.11)
    assert ys[0] == pytest.approx(190 - 190 * 8 / 8.4, abs=0.06)


def test_on_a_logarithmic_axis_a_constant_factor_is_a_straight_line():
    plot = plot_losses([9.0 * 0.04**step for step in range(5)], log=True)
    ((line, _),) = lines_of(inner(picture_of(plot))[0])
    falls = [below[1] - above[1] for above, below in zip(line, line[1:])]
    assert falls == pytest.approx([falls[0]] * 4, abs=0.11) and falls[0] > 30
    gap = plot_losses([1.0, 0.1, 0.0, 0.01, 0.001], log=True)
    assert [len(line) for line, _ in lines_of(inner(picture_of(gap))[0])] == [2, 2]


def test_two_losses_share_their_axes_and_the_row_above_names_them():
    svg = picture_of(plot_losses({"slow": [4.0, 3.0], "fast": [4.0, 1.0]}))
    (slow, blue), (fast, orange) = lines_of(inner(svg)[0])
    assert slow[0] == fast[0] and slow[1][0] == fast[1][0] and slow[1][1] < fast[1][1]
    assert blue != orange and words_in(svg)[-2:] == ["slow", "fast"]
    widths = [float(path.get("stroke-width")) for path in inner(svg)[0].findall(f"{SVG}path")]
    assert widths[0] > 2 * widths[1]  # the second may run over the first


def test_a_long_training_is_thinned_and_keeps_its_end():
    svg = picture_of(plot_losses([1 / (step + 1) for step in range(12_345)]))
    ((line, _),) = lines_of(inner(svg)[0])
    assert MOST_DRAWN / 2 < len(line) <= MOST_DRAWN + 1 and line[-1][0] == 460.0
    assert not dots_of(inner(svg)[0]) and len(svg) < 20_000


@pytest.mark.parametrize("values", [
    [1.0], [0.0], [math.nan], [math.inf, -math.inf], [1e300, -1e300], [5.0, 5.0], [1e-30, 3e-30],
    [1e308, -1e308], [1e308, 1.0], [1e-320, 1.0], [1e149, 1e-149],
])  # fmt: skip
@pytest.mark.parametrize("log", [False, True])
def test_any_losses_can_be_shown(values, log):
    svg = picture_of(plot_losses({"<b>": values}, log=log))
    assert ET.fromstring(svg).get("data-kind") == "losses"
    assert not re.search(r'="[^"]*(nan|inf)[ "]', svg) and "<b>" not in svg


@pytest.mark.parametrize("given, error, said", [
    (3.0, TypeError, "plot_losses was given float; give a list"),
    ("9, 4", TypeError, "plot_losses was given str"),
    (["9"], TypeError, "plot_losses was given str; a real number was expected"),
    ([torch.ones(2)], TypeError, "plot_losses was given Tensor; a real number"),
    ([True], TypeError, "plot_losses was given bool"),
    ([], ValueError, "given no loss"),
    ({}, ValueError, "given 0 lists; give one to 4"),
    ({name: [1.0] for name in "abcde"}, ValueError, "given 5 lists"),
])  # fmt: skip
def test_losses_bad_input(given, error, said):
    with pytest.raises(error, match=said):
        plot_losses(given)


def test_a_path_over_one_parameter_holds_the_curve_and_the_losses_of_its_points():
    plot = plot_path(parabola, [1.0, 2.2, torch.tensor(2.44)], w=(0, 5))
    (path,) = plot.paths
    assert plot.ranges == (("w", 0.0, 5.0),)
    assert path.points == ((1.0,), (2.2,), (pytest.approx(2.44),))
    assert path.losses == pytest.approx((9.0, 0.36, 0.0144), rel=1e-5)
    (piece,) = plot.ground.pieces
    assert all(y == pytest.approx((2 * x - 5) ** 2, abs=1e-4) for x, y in piece)
    assert str(plot) == (
        "path of training over the loss, for w from 0 to 5\n"
        "there the loss lies between 0 and 25\n"
        "3 points, from w = 1 with loss 9 to w = 2.44 with loss 0.0144"
    )


def test_the_points_of_a_path_lie_on_the_curve():
    curve, path = inner(picture_of(plot_path(parabola, [1.0, 4.0], w=(0, 5))))
    ((ground, _),), ((line, _),) = lines_of(curve), lines_of(path)
    assert [x for x, _ in line] == [80.0, 320.0] and line[0][1] == line[1][1]
    (height,) = [y for x, y in ground if x == 80.0]
    assert line[0][1] == height and dots_of(path) == [line[0], line[1]]


def test_a_surface_is_the_loss_at_each_place_of_the_grid():
    plot = plot_path(bowl, [(0.0, 0.0), (1.0, 2.0)], w=(-1, 4), b=(-1, 4))
    assert len(plot.ground) == len(plot.ground[0]) == GRID
    at = {(row, column): -1 + 5 * column / (GRID - 1) for row in (0, 13) for column in (0, 24)}
    for (row, column), w in at.items():
        b = -1 + 5 * row / (GRID - 1)
        assert plot.ground[row][column] == pytest.approx(bowl(w, b).item(), rel=1e-5)
    assert plot.paths[0].losses == (13.75, 0.25)
    assert "for w from -1 to 4 and b from -1 to 4\nthere the loss lies between 0.25 " in str(plot)
    assert str(plot).endswith("from w = 0, b = 0 with loss 13.75 to w = 1, b = 2 with loss 0.25")


def test_a_path_over_a_surface_lies_where_its_numbers_say_and_the_bands_do_too():
    plot = plot_path(lambda u, v: u**2 + v**2, [(-2, 1), (0.0, 0.0)], u=(-2, 2), v=(-1, 1))
    surface, path = inner(picture_of(plot))
    ((line, _),) = lines_of(path)
    assert line == [(0.0, 0.0), (200.0, 135.0)] == dots_of(path)
    bands = surface.findall(f"{SVG}path")
    shades = [int(band.get("fill")[1:3], 16) for band in bands]
    assert shades == sorted(shades, reverse=True) and len(set(shades)) == 10
    lowest = [tuple(map(float, pair.split())) for pair in bands[0].get("d")[1:-1].split("L")]
    radius = math.sqrt(5 / 100)  # the lowest band ends at a hundredth of the height, 5
    for x, y in lowest:
        u, v = x / 100 - 2, 1 - y / 135
        assert math.hypot(u, v) == pytest.approx(radius, abs=0.03)


def test_what_leaves_the_picture_is_cut_off_and_told():
    plot = plot_path(parabola, {"far": [1.0, 40.0, -3.0], "near": [1.0]}, w=(0, 5))
    assert "far: 3 points, " in str(plot) and "; 2 outside of the picture\nnear: " in str(plot)
    ground, path = inner(picture_of(plot))
    assert lines_of(path)[0][0][1][0] == 40 / 5 * 400
    assert path.get("width") == "412.0"  # a nested document cuts off what lies beyond it
    nowhere = plot_path(parabola, [1.0, math.inf, math.nan], w=(0, 5))
    assert "; 2 outside" in str(nowhere) and "nan" not in picture_of(nowhere).split("</desc>")[1]


@pytest.mark.parametrize("path, told", [
    ([1.0, 4.0], "end"), ([1.0, 40.0, 4.0], "end"), ([1.0, 4.0, 40.0], "end: outside"),
    ({"near": [1.0, 4.0], "far": [1.0, 40.0]}, "end"),
])  # fmt: skip
def test_an_end_that_is_nowhere_to_be_seen_is_said_to_be_outside(path, told):
    words = words_in(picture_of(plot_path(parabola, path, w=(0, 5))))
    assert words[words.index("start") + 1] == told


@pytest.mark.parametrize("loss", [
    lambda a, b: 1.0, lambda a, b: math.nan, lambda a, b: a / 0 + b, lambda a, b: (a * b).log(),
    lambda a, b: a * 1e-30,
])  # fmt: skip
def test_any_surface_can_be_shown(loss):
    plot = plot_path(loss, [(0.5, 0.5)], a=(0, 1), b=(-1, 1))
    svg = picture_of(plot)
    assert ET.fromstring(svg).get("data-kind") == "path"
    assert "nan" not in svg.split("</desc>")[1] and "inf" not in svg.split("</desc>")[1]


def test_the_function_gets_tensors_of_the_device_and_nothing_is_recorded():
    w = torch.tensor(2.0, device=device, requires_grad=True)
    seen = []

    def loss(a):
        seen.append((a.dtype, a.shape, a.device, torch.is_grad_enabled()))
        return a * w

    plot_path(loss, [1.0], a=(0, 1))
    assert set(seen) == {
        (torch.float32, torch.Size([]), torch.ones(1, device=device).device, False)
    }
    assert w.grad is None and torch.is_grad_enabled()


@pytest.mark.parametrize("loss, path, ranges, error, said", [
    (parabola, [1.0], {}, ValueError, "given 0 ranges; name one parameter or two"),
    (bowl, [1.0], {"w": (0, 1), "b": (0, 1), "c": (0, 1)}, ValueError, "given 3 ranges"),
    (parabola, [1.0], {"w": (1, 0)}, TypeError, r"the range w must be \(low, high\)"),
    (parabola, [1.0], {"w": 3}, TypeError, "the range w must be"),
    (parabola, [1.0], {"w": (0, math.inf)}, TypeError, "the range w must be"),
    (parabola, [], {"w": (0, 1)}, ValueError, "a path without a point"),
    (parabola, 3.0, {"w": (0, 1)}, TypeError, "plot_path was given float"),
    (parabola, ["1"], {"w": (0, 1)}, TypeError, "plot_path was given str"),
    (bowl, [(1, 2, 3)], {"w": (0, 1), "b": (0, 1)}, TypeError, "length 3; give one number"),
    (bowl, [1.0], {"w": (0, 1), "b": (0, 1)}, TypeError, "length 1; give one number for each"),
    (lambda w: "x", [1.0], {"w": (0, 1)}, TypeError, "the function of plot_path returned str"),
    (lambda w: None, [1.0], {"w": (0, 1)}, TypeError, "returned NoneType; a real number"),
    (lambda v: v, [1.0], {"w": (0, 1)}, TypeError, "unexpected keyword argument 'w'"),
])  # fmt: skip
def test_path_bad_input(loss, path, ranges, error, said):
    with pytest.raises(error, match=said):
        plot_path(loss, path, **ranges)


def test_pictures_are_the_same_bytes_each_time_and_described():
    def both():
        return [
            plot_losses({"a": FALLING, "b": [3.0]}, log=True),
            plot_path(bowl, [(0, 0), (1, 2)], w=(-1, 4), b=(-1, 4)),
            plot_path(parabola, {"a": [1, 2], "b": [4]}, w=(0, 5)),
        ]

    for one, other in zip(both(), both()):
        svg = picture_of(one)
        assert svg == picture_of(other) and len(svg) < 60_000
        root = ET.fromstring(svg)
        assert root[0].text == str(one).splitlines()[0] and root[1].text == str(one)
        assert "style=" not in svg and not re.search(r'="[^"]*\d\.\d{2,}', svg)
        assert bundle(one) == {"image/svg+xml": svg, "text/plain": str(one)}
    use_text()
    try:
        assert bundle(one) == {"text/plain": str(one)}
    finally:
        use_text(False)


def test_ticks_are_few_round_numbers_between_the_ends():
    assert Scale(0.0, 5.0).ticks() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert Scale(0.0, 3.0, whole=True).ticks() == [0.0, 1.0, 2.0, 3.0]
    assert Scale(-0.4, 0.7).ticks() == pytest.approx([-0.4, -0.2, 0.0, 0.2, 0.4, 0.6])
    assert Scale(0.005, 20.0, log=True).ticks() == pytest.approx([0.01, 0.1, 1.0, 10.0])
    assert len(Scale(1e-60, 9.0, log=True).ticks()) <= 6
    assert Scale(2.0, 5.0, log=True).ticks() == [2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]
    assert Scale(0.01, 1.0, log=True).part(0.1) == pytest.approx(0.5)
