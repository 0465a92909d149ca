"""A timing shown: a chart that no comparison looks at, and words that no timing decides."""

import base64
import io
import random
import re

import pytest
from simulated import timing_of

from lecture_helpers import Timed, Timing, use_text
from lecture_helpers.draw import picture_of
from lecture_helpers.draw.canvas import own_settings, shown_size
from lecture_helpers.draw.page import html_of, picture_in
from lecture_helpers.draw.timing import _drawn, words_beside

LONG = "a_function_with_a_very_long_name_indeed"


def noisy(names, peak=None, seed=0, rounds=40):
    """A timing with a spread; each function takes a millisecond longer than the one before."""
    gauss = random.Random(seed).gauss
    rows = [Timed(name, tuple((place + 2) * 1e-3 * gauss(1, 0.05) for _ in range(rounds)), 5, peak)
            for place, name in enumerate(names)]  # fmt: skip
    return Timing(tuple(rows), 1.0, 1)


def figure_of(timing):
    """The texts and the axes of the chart, each with its place in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with own_settings({"text.parse_math": False}):
        figure = _drawn(timing)
        FigureCanvasAgg(figure).draw()
        (axes,) = figure.axes
        places = [(text.get_text(), text.get_window_extent()) for text in figure.texts]
        return figure, places, axes.get_window_extent(), axes


# --- the words ------------------------------------------------------------------------------


def test_the_text_tells_everything():
    timing = timing_of(forward=[1.5e-4] * 9, both=[4.5e-4, 4e-4, 5e-4] * 3)
    assert (
        str(timing)
        == repr(timing)
        == (
            "times of 2 functions, 9 rounds in turns, 1 thread\n"
            "name     median  quartiles      times as long as forward\n"
            "forward  150 µs  150 to 150 µs  1\n"
            "both     450 µs  400 to 500 µs  3.00 (2.67 to 3.33)\n"
            "verdict: both takes 3.00 times as long as forward"
        )
    )


@pytest.mark.parametrize("seconds, words", [
    (2.0, "2.00 s"), (0.5, "500 ms"), (1.234e-5, "12.3 µs"), (3.21e-8, "32.1 ns"),
    (1e-9, "1.00 ns"), (9.99e-4, "999 µs"),
])  # fmt: skip
def test_times_have_three_digits_and_a_unit(seconds, words):
    line = str(timing_of(a=[seconds] * 8, b=[seconds] * 8)).splitlines()[2]
    assert re.split("  +", line)[1] == words


def test_all_times_share_the_unit_of_the_shortest():
    lines = str(timing_of(a=[5.4321] * 8, b=[0.002] * 8)).splitlines()
    assert "5,432 ms" in lines[2] and "2.00 ms" in lines[3]


def test_the_words_beside_the_chart_are_the_same_whatever_was_measured():
    one = timing_of(a=[1.0] * 9, b=[2.0] * 9)
    other = Timing(tuple(row._replace(peak_bytes=4096) for row in
                         timing_of(a=[3e-6] * 2, b=[1e-6] * 2).rows), 0.1, 4)  # fmt: skip
    beside = {timing._repr_mimebundle_()[0]["text/plain"] for timing in (one, other)}
    assert beside == {words_beside(one)}
    (words,) = beside
    assert words.startswith("speed of a, b, measured in turns") and "use_text()" in words
    assert not re.search(r"\d", words) and "difference" not in words and "takes" not in words


def test_where_text_is_wanted_it_is_the_whole_text():
    timing = noisy("ab")
    use_text()
    try:
        assert timing._repr_mimebundle_() == ({"text/plain": str(timing)}, {})
    finally:
        use_text(False)
    assert "image/png" in timing._repr_mimebundle_()[0]


def test_where_the_chart_cannot_be_drawn_the_whole_text_stands(monkeypatch):
    def broken(*_):
        raise RuntimeError("no room")

    monkeypatch.setattr("lecture_helpers.draw.timing._drawn", broken)
    timing = noisy("ab")
    words = f"{timing}\n(no picture: RuntimeError: no room)"
    assert timing._repr_mimebundle_() == ({"text/plain": words}, {})


# --- the chart ------------------------------------------------------------------------------


def test_the_png_is_twice_as_fine_as_it_is_shown():
    data, metadata = noisy("ab")._repr_mimebundle_()
    file = base64.b64decode(data["image/png"])
    assert file.startswith(b"\x89PNG\r\n\x1a\n")
    size = metadata["image/png"]
    assert size["width"] == 720 and size == shown_size(data["image/png"])
    from matplotlib import image

    pixels = image.imread(io.BytesIO(file))
    assert pixels.shape == (2 * size["height"], 2 * size["width"], 4)
    assert pixels[0, :, 3].max() == 0  # transparent ground
    assert pixels[..., 3].max() == 1


@pytest.mark.parametrize("names", [
    ["a", "b"], ["tracked", LONG], [f"function {n}" for n in range(8)], ["$x$", "名前" * 20, "_"],
])  # fmt: skip
@pytest.mark.parametrize("peak", [None, 12_345_678_901])
def test_nothing_leaves_the_chart_or_lies_on_something_else(names, peak):
    figure, texts, bars, _ = figure_of(noisy(names, peak))
    width, height = figure.bbox.width, figure.bbox.height
    for words, place in texts:
        assert place.x0 >= 0 and place.x1 <= width and place.y0 >= 0 and place.y1 <= height, words
        assert not place.overlaps(bars), words
    for count, (words, place) in enumerate(texts):
        for other, elsewhere in texts[:count]:
            assert not place.overlaps(elsewhere), (words, other)


def test_the_chart_tells_medians_ratios_and_the_verdict():
    timing = noisy(["one", "two", "three"])
    _, texts, _, axes = figure_of(timing)
    told = [words for words, _ in texts]
    lines = str(timing).splitlines()
    for row, line in zip(timing.rows, lines[2:]):
        cells = re.split("  +", line)
        assert row.name in told and cells[1] in told and cells[3] in told
    title = " ".join(told[: told.index("median")])
    assert title == timing.verdict
    assert axes.get_xlabel() == "ms per call; orange: the middle half of 40 rounds"


def test_the_bars_are_the_medians_and_the_lines_the_quartiles_from_zero():
    timing = noisy(["one", "two", "three"])
    _, _, _, axes = figure_of(timing)
    assert axes.get_xlim()[0] == 0
    for place, row in enumerate(timing.rows):
        bar, line = axes.patches[place], axes.lines[place]
        assert bar.get_width() == pytest.approx(row.median * 1e3) and bar.get_x() == 0
        assert list(line.get_xdata()) == pytest.approx([end * 1e3 for end in row.quartiles])
        assert bar.get_y() + bar.get_height() / 2 == pytest.approx(place)
    assert axes.yaxis_inverted()  # the first function stands on top


def test_peak_memory_stands_in_the_chart_where_there_is_one():
    told = [words for words, _ in figure_of(noisy("ab", peak=4096))[1]]
    assert told.count("peak 4,096 bytes") == 2
    assert not any("peak" in words for words, _ in figure_of(noisy("ab"))[1])


def test_a_name_is_text_even_where_matplotlib_would_read_a_broken_formula():
    assert "image/png" in noisy(["$\\frac$", "b"])._repr_mimebundle_()[0]


def test_the_chart_leaves_the_readers_matplotlib_alone():
    import matplotlib

    plain = picture_of(noisy("ab"))
    with matplotlib.rc_context({"text.color": "red", "axes.grid": True, "savefig.dpi": 30}):
        before = dict(matplotlib.rcParams)
        assert picture_of(noisy("ab")) == plain
        assert dict(matplotlib.rcParams) == before


def test_inside_a_widget_the_chart_is_an_image():
    timing = noisy("ab")
    assert 'src="data:image/png;base64,' in html_of(timing) and 'width="720"' in html_of(timing)
    assert picture_in(timing) == {}
