"""The bar over a loop: what it counts, how often it moves, what it leaves in the output."""

import pytest
import torch

from lecture_helpers import progress_bar
from lecture_helpers.widgets import bar as module
from lecture_helpers.widgets.live import WIDGET_MIME


class Clock:
    """Moves on by a fixed time at each look."""

    def __init__(self, seconds):
        self.now, self._seconds = 0.0, seconds

    def monotonic(self):
        self.now += self._seconds
        return self.now


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(module, "time", Clock(1.0))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "time", Clock(0.001))


def watched(bar):
    """The values and the words that a front end is sent from now on."""
    sent = []
    bar._bar.observe(lambda change: sent.append(change["new"]), "value")
    bar._told.observe(lambda change: sent.append(change["new"]), "value")
    return sent


def test_it_goes_through_the_things_in_order_and_prints_one_line_at_the_end(capsys, slow):
    bar = progress_bar(["a", "b", "c"], "letters")
    seen = []
    for thing in bar:
        seen.append((thing, bar.done, bar._bar.value))
    assert seen == [("a", 0, 0), ("b", 1, 1), ("c", 2, 2)]
    assert capsys.readouterr().out.strip() == "3 of 3 letters" == str(bar)
    assert (bar.done, bar._bar.value, bar._bar.max, bar._bar.bar_style) == (3, 3, 3, "success")
    assert bar._told.value == "3 of 3 letters"


def test_the_bar_moves_while_the_loop_runs(slow):
    bar = progress_bar(range(2000))
    steps = iter(bar)
    for _ in range(58):
        next(steps)
    assert (bar._bar.value, bar._told.value) == (57, "57 of 2,000 steps")


def test_a_fast_loop_does_not_flood_the_front_end(quick):
    bar = progress_bar(range(10_000))
    sent = watched(bar)
    for _ in bar:
        pass
    assert 2 * 10 < len(sent) <= 2 * 10_000 * 0.002 / 0.2 + 2
    assert sent[-2:] == [10_000, "10,000 of 10,000 steps"]


def test_the_output_is_the_same_however_long_the_loop_takes(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append((data, raw)))
    for _ in progress_bar(range(3)):
        assert not shown  # a script has no output for it
    monkeypatch.setattr("IPython.get_ipython", object)
    bar = progress_bar(range(2000))
    for _ in bar:
        pass
    ((data, raw),) = shown
    assert raw and data["text/plain"] == "a progress bar: 2,000 steps"
    assert set(data) == {WIDGET_MIME, "text/plain"}
    assert data[WIDGET_MIME]["model_id"] == bar.widget.model_id


def test_a_loop_that_is_left_early_prints_nothing_and_the_bar_says_where(capsys, slow):
    bar = progress_bar(range(10))
    for step in bar:
        if step == 4:
            break
    assert capsys.readouterr().out == ""
    assert (bar._bar.value, bar._told.value, bar._bar.bar_style) == (4, "4 of 10 steps", "warning")

    failing = progress_bar(range(10))
    with pytest.raises(ZeroDivisionError):
        for step in failing:
            1 / (2 - step)
    assert failing.done == 2


def test_no_things_are_done_at_once(capsys):
    bar = progress_bar([])
    assert list(bar) == [] and bar._bar.max == 1 and bar._bar.bar_style == "success"
    assert capsys.readouterr().out.strip() == "0 of 0 steps"


@pytest.mark.parametrize(
    "given", [7, None, iter([1, 2]), (step for step in range(3)), torch.nn.ReLU()]
)
def test_it_must_know_how_many(given):
    with pytest.raises(TypeError, match="progress_bar was given .*, whose length is not known"):
        progress_bar(given)
