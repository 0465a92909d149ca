"""Honest timing: what the verdict rests on, and what is measured, without a real clock."""

import math
import random
from itertools import accumulate

import pytest
import torch
from simulated import World, coming_and_going, timing_of

from lecture_helpers import Timed, Timing
from lecture_helpers.stopwatch import FEW_ROUNDS, MOST_ROUNDS
from lecture_helpers.timing import fewest_rounds, median_interval

NO_DIFFERENCE = "no difference that this measurement can see"


# --- the interval of the median -------------------------------------------------------------


@pytest.mark.parametrize("count, error_rate, low, high", [
    (6, 0.05, 1, 6), (10, 0.05, 2, 9), (20, 0.05, 6, 15), (100, 0.05, 40, 61), (8, 0.01, 1, 8),
    (50, 0.01, 16, 35),
])  # fmt: skip
def test_the_interval_is_that_of_the_printed_tables(count, error_rate, low, high):
    ranks = list(range(1, count + 1))
    random.Random(0).shuffle(ranks)
    assert median_interval(ranks, error_rate) == (low, high)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 14, 33, 400, 1100])
@pytest.mark.parametrize("error_rate", [0.01, 0.002])
def test_the_interval_is_the_shortest_that_errs_seldom_enough(count, error_rate):
    ways = [math.comb(count, heads) for heads in range(count // 2)]
    rank = sum(2 * fewer / 2**count <= error_rate for fewer in accumulate(ways))
    interval = median_interval(range(1, count + 1), error_rate)
    assert interval == ((rank, count + 1 - rank) if rank else (None, None))
    assert (rank > 0) == (count >= fewest_rounds(error_rate))


def test_the_interval_holds_the_median_of_a_skewed_distribution():
    draw = random.Random(1).expovariate
    missed = 0
    for _ in range(2000):
        low, high = median_interval([draw(1) for _ in range(30)], 0.01)
        missed += not low <= math.log(2) <= high
    assert 2 <= missed <= 20  # 2000 * 0.0052 is what ranks 8 and 23 promise


# --- the verdict ----------------------------------------------------------------------------


def test_a_difference_is_told_as_the_median_of_the_paired_ratios():
    timing = timing_of(a=[1.0, 2.0, 4.0] * 5, b=[2.1, 4.2, 8.4] * 5)
    (ratio,) = timing.ratios
    assert (ratio.name, ratio.differs) == ("b", True)
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((2.1, 2.1, 2.1))
    assert timing.verdict == "b takes 2.10 times as long as a"


def test_a_faster_function_is_told_the_same_way_round():
    assert timing_of(a=[2.0] * 9, b=[1.0] * 9).verdict == "b takes 0.50 times as long as a"
    assert timing_of(a=[2.0] * 9, b=[0.01] * 9).verdict == "b takes 0.005 times as long as a"
    assert timing_of(a=[0.01] * 9, b=[20.0] * 9).verdict == "b takes 2,000 times as long as a"


@pytest.mark.parametrize("ratio, differs", [
    (1.0, False), (1.009, False), (1.011, True), (1 / 1.009, False), (1 / 1.011, True),
])  # fmt: skip
def test_less_than_one_per_cent_is_no_difference(ratio, differs):
    timing = timing_of(a=[1.0] * 50, b=[ratio] * 50)
    assert timing.ratios[0].differs is differs
    assert (timing.verdict == NO_DIFFERENCE) is not differs


def test_spreads_that_do_not_part_are_no_difference():
    slower, faster = [1.3] * 14 + [0.8] * 6, [1.3] * 19 + [0.8]
    assert timing_of(a=[1.0] * 20, b=slower).verdict == NO_DIFFERENCE
    assert timing_of(a=[1.0] * 20, b=faster).verdict == "b takes 1.30 times as long as a"


def test_the_risk_is_shared_out_among_several_functions():
    times = {"a": [1.0] * 20, "b": [1.3] * 17 + [0.8] * 3}
    assert timing_of(**times).ratios[0].differs
    more = {name: [1.0] * 20 for name in "cdefgh"}
    assert not timing_of(**times, **more).ratios[0].differs


def test_several_functions_are_told_apart():
    timing = timing_of(a=[1.0] * 12, b=[2.0] * 12, c=[1.0] * 12, d=[0.5] * 12, e=[1.001] * 12)
    assert timing.verdict == (
        "b takes 2.00 times as long as a; d takes 0.50 times as long as a; c, e: no difference "
        "from a that this measurement can see"
    )


def test_too_few_rounds_are_said_to_be_too_few():
    timing = timing_of(a=[1.0] * 3, b=[5.0] * 3)
    assert timing.verdict == "too few rounds to tell (3); measure longer, such as seconds=4"
    assert timing.is_too_short and timing.ratios[0] == ("b", 5.0, None, None)
    assert not timing.ratios[0].differs
    assert not timing_of(a=[1.0] * 8, b=[5.0] * 8).is_too_short
    three = {name: [1.0] * 8 for name in "abc"}
    assert timing_of(**three).is_too_short  # two ratios share the risk and need nine rounds


# --- the measurement, in a world whose clock is ours ------------------------------------------


def test_the_times_are_those_of_the_world():
    world = World()
    slow, fast = world.function(2e-3), world.function(1e-6)
    first, second = world.measure({"slow": slow, "fast": fast}, seconds=1.0)
    assert first.times == pytest.approx([2e-3] * len(first.times))
    assert second.times == pytest.approx([1e-6] * len(second.times), rel=1e-5)
    assert first.calls == 1 and 400 <= second.calls <= 600  # half a millisecond
    assert len(first.times) == len(second.times) >= FEW_ROUNDS
    assert first.median == pytest.approx(2e-3) and first.peak_bytes is None
    assert 1.0 <= world.now <= 1.1


def test_the_quartiles_are_those_of_torch():
    times = [5.0, 1.0, 2.0, 9.0, 4.0, 4.5]
    row = Timed("a", tuple(times), 1, None)
    sample = torch.tensor(times, dtype=torch.float64)
    wanted = [sample.quantile(place).item() for place in (0.25, 0.5, 0.75)]
    assert [row.quartiles[0], row.median, row.quartiles[1]] == pytest.approx(wanted)
    assert Timed("a", (3.0,), 1, None).quartiles == (3.0, 3.0)


def test_a_clock_that_is_slow_to_read_gets_longer_measurements():
    world = World(pause=1e-5)  # as a device whose queue has to be waited for
    (row, _) = world.measure({"a": world.function(1e-6), "b": world.function(1e-6)}, seconds=1.0)
    assert 4000 <= row.calls <= 6000
    assert row.median == pytest.approx(1e-6, rel=0.005)


def test_a_disturbed_measurement_does_not_count():
    world = World(disturb=lambda count: 100 if count // 3 % 3 == 0 else 1)
    function = world.function(1e-3)  # a measurement is three calls; of three, one is disturbed
    rows = world.measure({"a": function, "b": function}, seconds=2.0)
    assert all(row.times == pytest.approx([1e-3] * len(row.times)) for row in rows)


def test_slow_functions_get_few_rounds_and_the_seconds_named_are_enough():
    world = World()
    functions = {"a": world.function(0.08), "b": world.function(0.16)}
    short = Timing(tuple(world.measure(functions, seconds=1.0)), 1.0, 1)
    assert short.is_too_short and f"seconds={short.seconds_needed}" in short.verdict
    seconds = short.seconds_needed
    enough = Timing(tuple(world.measure(functions, seconds=seconds)), seconds, 1)
    assert enough.verdict == "b takes 2.00 times as long as a"


def test_a_function_slower_than_the_time_allowed_is_called_a_few_times_all_the_same():
    world = World()
    rows = world.measure({"a": world.function(3.0), "b": world.function(6.0)}, seconds=1.0)
    assert [row.times for row in rows] == [pytest.approx((3.0,)), pytest.approx((6.0,))]
    assert Timing(tuple(rows), 1.0, 1).is_too_short


def test_the_rounds_are_bounded_where_there_is_much_time():
    world = World()
    rows = world.measure({"a": world.function(0.1), "b": world.function(0.1)}, seconds=1e4)
    assert 0.8 * MOST_ROUNDS <= len(rows[0].times) <= MOST_ROUNDS


def test_a_load_in_step_with_a_fixed_order_gives_no_difference_when_the_order_is_drawn():
    def in_step():  # every second measurement meets the load, calls for warm-up counted
        return World(disturb=lambda count: 3 if count // 3 % 2 else 1)

    world = in_step()
    same = world.function(1e-3)
    fixed = world.measure({"a": same, "b": same}, 2.0, shuffle=lambda order: order.sort())
    assert "takes" in Timing(tuple(fixed), 2.0, 1).verdict
    world = in_step()
    same = world.function(1e-3)
    drawn = world.measure({"a": same, "b": same}, 2.0, shuffle=random.Random(0).shuffle)
    assert Timing(tuple(drawn), 2.0, 1).verdict == NO_DIFFERENCE


def test_false_alarms_are_rare_and_twice_the_time_is_always_seen_under_a_load_that_comes_and_goes():
    alarms = 0
    for seed in range(60):
        world = World(disturb=coming_and_going(seed))
        one, two = world.function(1e-3), world.function(2e-3)
        shuffle = random.Random(seed).shuffle
        rows = world.measure({"a": one, "b": one, "c": two}, seconds=1.0, shuffle=shuffle)
        same, other = Timing(tuple(rows), 1.0, 1).ratios
        alarms += same.differs
        assert other.differs and 1.7 < other.median < 2.4
    assert alarms <= 1


def test_the_order_is_drawn_anew_and_leaves_the_callers_random_numbers_alone():
    before, torch_before = random.getstate(), torch.get_rng_state()
    orders = []
    for _ in range(2):
        world, called = World(), []
        functions = {name: world.function(1e-3, called, name) for name in "abcd"}
        world.measure(functions, seconds=0.5, shuffle=None)
        orders.append(called)
    assert orders[0] != orders[1]
    assert random.getstate() == before and torch.equal(torch.get_rng_state(), torch_before)
