"""Curves as they are sampled, and the picture and the words of a plot."""

import logging
import math
import re
import warnings
import xml.etree.ElementTree as ET

import pytest
from sound import words_in

from lecture_helpers.curve import MOST_EXTRA, SAMPLES, Curve, Plot, curve_of
from lecture_helpers.draw import bundle
from lecture_helpers.draw.plots import HEADING, HEIGHT, LEFT, RIGHT, WIDTH, plot_svg, plot_text
from lecture_helpers.draw.words import shorten


def plot_of(function, low=0.0, high=3.0, at=2.0, slope=None, name="x", **options):
    curve = curve_of(function, low, high)
    return Plot(name, low, high, curve, at, function(at), slope, **options)


def parabola():
    return plot_of(lambda x: x * x, slope=4.0)


def test_a_smooth_curve_is_one_piece_through_its_samples():
    curve = curve_of(math.sin, 0.0, 3.0)
    (piece,) = curve.pieces
    assert [x for x, _ in piece] == pytest.approx([3 * k / 60 for k in range(SAMPLES)])
    assert [y for _, y in piece] == [math.sin(x) for x, _ in piece]
    assert piece[-1][0] == 3.0
    assert curve[1:] == ((), 0, 0)


@pytest.mark.parametrize("steep", [
    lambda x: math.exp(9 * x), lambda x: math.tanh(1000 * (x - 1)), lambda x: abs(x - 1) ** 0.5,
    lambda x: math.sin(40 * x), lambda x: 3.0, lambda x: max(0.0, x - 1) * 50,
])  # fmt: skip
def test_what_is_only_steep_is_not_broken(steep):
    curve = curve_of(steep, 0.0, 2.0)
    assert len(curve.pieces) == 1 and curve[1:] == ((), 0, 0)


def test_a_jump_breaks_the_line_where_it_is():
    curve = curve_of(lambda x: 3 * x if x > 0.53 else x - 2, 0.0, 1.0)
    left, right = curve.pieces
    assert curve.jumps == (pytest.approx(0.53, abs=1e-5),)
    assert left[-1] == pytest.approx((0.53, -1.47), abs=1e-5)
    assert right[0] == pytest.approx((0.53, 1.59), abs=1e-5)
    assert len(left) + len(right) == SAMPLES + 2
    assert [x for piece in curve.pieces for x, _ in piece] == sorted(
        x for piece in curve.pieces for x, _ in piece
    )


def test_a_jump_at_a_sample_adds_no_point_twice():
    curve = curve_of(lambda x: float(x >= 0.5), 0.0, 1.0)
    assert [len(piece) for piece in curve.pieces] == [31, 31]
    assert curve.pieces[1][0] == (0.5, 1.0)
    curve = curve_of(lambda x: float(x > 0.5), 0.0, 1.0)
    assert [len(piece) for piece in curve.pieces] == [31, 30 + 1]
    assert curve.pieces[0][-1] == (0.5, 0.0)
    assert len(set(curve.pieces[0])) == 31


def test_jumps_are_told_in_order_whichever_is_higher():
    curve = curve_of(lambda x: (x > 0.23) + 5.0 * (x > 0.61) + (x > 0.87), 0.0, 1.0)
    assert curve.jumps == pytest.approx((0.23, 0.61, 0.87), abs=1e-4)


def test_a_pole_and_a_hole_leave_gaps():
    pole = curve_of(lambda x: 1 / (x - 0.501), 0.0, 1.0)
    assert len(pole.pieces) == 2 and pole.jumps == (pytest.approx(0.501, abs=1e-4),)
    hole = curve_of(lambda x: None if x == 0.5 else 1.0, 0.0, 1.0)
    assert [len(piece) for piece in hole.pieces] == [30, 30] and hole.missing == 1
    never = curve_of(lambda x: math.nan if x < 0.5 else math.inf, 0.0, 1.0)
    assert never == Curve((), (), SAMPLES, 0)
    between = curve_of(lambda x: None if 0.505 < x < 0.511 else float(x > 0.5), 0.0, 1.0)
    assert len(between.pieces) == 2 and between[1:] == ((), 0, 1)


def test_the_samples_are_bounded_and_what_was_not_looked_at_is_told():
    calls = []

    def noisy(x):
        calls.append(x)
        return float(len(calls) % 2)

    curve = curve_of(noisy, 0.0, 1.0)
    assert len(calls) == SAMPLES + MOST_EXTRA
    assert curve.unsure > 0 and len(curve.jumps) + curve.unsure == len(curve.pieces) - 1
    assert f"broken at {curve.unsure} more steep places" in plot_text(
        Plot("x", 0.0, 1.0, curve, 0.0, 0.0, None)
    )


def test_the_words_tell_range_jumps_gaps_and_slope():
    assert str(parabola()) == (
        "plot of the result over x from 0.0 to 3.0; lowest 0.0, highest 9.0; "
        "tangent with slope 4.0 at x = 2.0"
    )
    assert "; jumps at x = 0.53; " in str(plot_of(lambda x: float(x > 0.53), 0.0, 1.0, 0.2))
    assert "; jumps at x = 120.0; " in str(plot_of(lambda x: float(x > 120), 0.0, 1000.0, 0.2))
    holes = plot_of(lambda x: None if x < 0.1 else x, 0.0, 1.0, 1.0)
    assert "; no number at 6 of 61 places; no tangent: x has no gradient" in str(holes)
    assert str(plot_of(float, tracked=False)).endswith("; no tangent: x is not tracked")


def test_the_range_is_told_as_far_as_samples_can_tell():
    assert "; lowest -1.0, highest 2.0; " in str(plot_of(lambda x: 0.99999 * (x - 1)))
    assert "; lowest 0.000123, highest 123000.0; " in str(
        plot_of(lambda x: 123456.0 if x else 0.000123456)
    )


def test_the_picture_is_one_sound_document_that_says_what_it_shows():
    svg = plot_svg(parabola())
    root = ET.fromstring(svg)
    assert root.get("role") == "img" and root.get("data-kind") == "plot"
    assert root[0].text == "plot of the result over x from 0.0 to 3.0"
    assert root[1].text == str(parabola())
    assert [(root[2].get(f"data-{key}")) for key in ("over", "at", "slope")] == ["x", "2.0", "4.0"]
    assert words_in(svg)[:2] == ["result", "tangent with slope 4.0"] and words_in(svg)[-1] != ""
    assert "x" in words_in(svg)
    for foreign in ("<style", "<?xml", "<!DOCTYPE", "<metadata", "xlink", "#000000", "<script"):
        assert foreign not in svg


def test_the_tangent_runs_through_the_point_with_the_slope():
    """In the picture's own coordinates, against the ends of the axes."""
    svg = plot_svg(parabola())
    tangent, point = _dashed(svg), _point(svg)
    (x_0, y_0), (x_1, y_1) = tangent
    (left, right), (bottom, top) = (LEFT, WIDTH - RIGHT), (HEIGHT - 42, 8)
    x_scale = (right - left) / (3.0 + 2 * 3.0 / 50)
    y_scale = (bottom - top) / (9.0 * 1.16)
    assert (y_0 - y_1) / y_scale / ((x_1 - x_0) / x_scale) == pytest.approx(4.0, rel=1e-3)
    assert point == pytest.approx(
        (left + (2.0 + 0.06) * x_scale, bottom - (4.0 + 0.72) * y_scale), abs=0.01
    )
    on_line = y_0 + (point[0] - x_0) * (y_1 - y_0) / (x_1 - x_0)
    assert point[1] == pytest.approx(on_line, abs=0.05)


def _dashed(svg):
    """Return the two ends of the dashed line inside the axes."""
    (path,) = re.findall(r'<path d="([^"]*)"[^>]*style="[^"]*dasharray[^"]*"', svg)
    return [tuple(map(float, pair)) for pair in re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", path)]


def _point(svg):
    """Return the centre of the marker that is drawn last."""
    x, y = re.findall(r'<use href="#[^"]*" x="([-\d.]+)" y="([-\d.]+)"', svg)[-1]
    return float(x), float(y)


def test_a_lone_sample_is_a_dot_and_the_point_is_never_cut_off():
    lone = plot_of(lambda x: 1.0 if x == 1.5 else None, at=1.5)
    assert [len(piece) for piece in lone.curve.pieces] == [1]
    nothing = Plot("x", 0.0, 3.0, Curve((), ()), 1.5, 1.0, None)
    assert plot_svg(lone).count("<use") == plot_svg(nothing).count("<use") + 1

    outside = Plot("x", 0.0, 3.0, curve_of(float, 0.0, 3.0), 3.0, 90.0, None)
    svg = plot_svg(outside)
    assert _point(svg) == pytest.approx((58 + 350 * 3.06 / 3.12, 8 + 170 * 0.08 / 1.16), abs=0.01)
    before = svg[: svg.rindex("<use")]
    assert "clip-path" not in before[before.rindex("<defs") :]


def test_without_a_slope_no_tangent_is_drawn():
    svg = plot_svg(plot_of(lambda x: x * x, tracked=False))
    assert "dasharray" not in svg and 'data-slope="None"' in svg
    assert words_in(svg)[1] == "no tangent: x is not tracked"
    assert svg.count("<use") == plot_svg(parabola()).count("<use")  # ticks and the point


@pytest.mark.parametrize("value, slope", [
    (math.nan, 1.0), (math.inf, math.nan), (1.0, math.inf), (1e300, 1e300), (0.0, 0.0),
])  # fmt: skip
def test_any_number_can_be_shown(value, slope):
    for curve in (Curve((), ()), curve_of(float, 0.0, 3.0), curve_of(lambda x: 1e300, 0.0, 3.0)):
        svg = plot_svg(Plot("x", 0.0, 3.0, curve, 2.0, value, slope))
        assert ET.fromstring(svg).get("data-kind") == "plot" and "nan" not in _paths(svg)
        assert f'height="{HEADING + HEIGHT}"' in svg


def _paths(svg):
    return "".join(re.findall(r' d="[^"]*"', svg))


def test_two_plots_on_one_page_share_no_id_and_one_plot_has_the_same_bytes():
    one, other = plot_svg(parabola()), plot_svg(plot_of(lambda x: x * x + 1, slope=4.0))
    ids = [set(re.findall(r' id="([^"]*)"', svg)) for svg in (one, other)]
    used = [set(re.findall(r'(?:href="|url\()#([^")]*)', svg)) for svg in (one, other)]
    assert ids[0] and not ids[0] & ids[1]
    assert all(uses and uses <= given for uses, given in zip(used, ids))
    assert one == plot_svg(parabola())


def test_a_name_is_text_whatever_it_holds():
    names = ["<b>", "$x$", "$", "_x", "φ", "名前", "a\x00b", "very_long_name" * 9]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in names:
            svg = plot_svg(plot_of(float, slope=1.0, name=name))
            assert ET.fromstring(svg) is not None and "<b>" not in svg
            assert words_in(svg)[6] == shorten(name)  # after the heading and the ticks


def test_a_plot_reads_and_leaves_nothing_of_the_readers_matplotlib():
    import matplotlib

    plain = plot_svg(parabola())
    log = logging.getLogger("matplotlib")
    log.setLevel(logging.INFO)
    with matplotlib.rc_context({"lines.linewidth": 9, "text.color": "red", "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        assert plot_svg(parabola()) == plain
        assert dict(matplotlib.rcParams) == before
    assert log.level == logging.INFO
    log.setLevel(logging.NOTSET)


def test_where_matplotlib_fails_the_words_stand(monkeypatch):
    def broken(*_):
        raise RuntimeError("no room")

    monkeypatch.setattr("lecture_helpers.draw.plots._fill", broken)
    assert bundle(parabola()) == {
        "text/plain": f"{parabola()}\n(no picture: RuntimeError: no room)"
    }
