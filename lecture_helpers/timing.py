"""Honest timing as plain data: ``compare_speed`` collects a ``Timing``.

One run of each of two functions says next to nothing about which is faster: the first pays
for the cold start, and a busy machine slows whichever runs at that moment. So each function is
warmed up, all are measured in turns, many times, and each round gives one ratio to the first.
How a round is measured stands in ``stopwatch.py``.

**The verdict.** The j-th smallest and the j-th largest of n ratios enclose the median of
their distribution, except with twice the probability of fewer than j heads in n tosses of
a fair coin: the sign test read backwards (W. R. Thompson, Annals of Mathematical
Statistics 7, 1936). It asks nothing of the distribution, so the long tail of slow runs does
no harm. ``Timing`` takes the largest j whose probability is at most 1 % for all the ratios
together (1 % shared out among them). It sees a difference where that whole interval lies
further than 1 % from one; the place in memory where something happens to land can make
a smaller one.

**False alarms.** Who goes first is drawn by lot. Of two functions that are the same one,
the lot alone decides which has the quicker round; so the rounds that one of them wins are
heads in n tosses, whatever else the machine does and however long. That is what the
1 % rests on. Where the functions do differ, the interval also takes the rounds as
independent, which a load that comes and goes makes them less than they seem.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from timeit import default_timer
from typing import NamedTuple

import torch

from .asked import refuse_unless_callable
from .devices import device as course_device
from .devices import synchronise
from .shown import Shown
from .stopwatch import measured

ERROR_RATE = 0.01  # of a verdict that sees a difference where there is none
SMALLEST_DIFFERENCE = 0.01
MOST_FUNCTIONS = 8
MORE = 1.5  # time than it seems to need, for the warm-up


class Ratio(NamedTuple):
    """How many times as long as the first function another one took, round by round.

    median: of the ratios of all rounds.
    low, high: the interval that holds the true median; None where the rounds are too few.
    """

    name: str
    median: float
    low: float | None
    high: float | None

    @property
    def differs(self) -> bool:
        """Whether the measurement sees a difference from the first function."""
        if self.low is None:
            return False
        margin = 1 + SMALLEST_DIFFERENCE
        return self.low > margin or self.high < 1 / margin


@dataclass(frozen=True, repr=False)
class Timing(Shown):
    """The speed of several functions beside each other: what ``compare_speed`` returns.

    rows: tuple of ``Timed`` in the order given; the others are compared with the first.
    seconds: the time that was allowed.
    num_threads: the threads that torch was allowed.

    In a notebook it is a chart. Its text beside the chart holds no number, since every
    number here differs from run to run; ``print`` tells them all.
    """

    rows: tuple
    seconds: float
    num_threads: int

    def _repr_mimebundle_(self, include=None, exclude=None):
        from .draw import PNG
        from .draw.canvas import shown_size

        data = super()._repr_mimebundle_(include, exclude)
        return data, {PNG: shown_size(data[PNG])} if PNG in data else {}

    @property
    def rounds(self) -> int:
        """How many times each function was measured."""
        return len(self.rows[0].times)

    @property
    def ratios(self) -> tuple:
        """A ``Ratio`` to the first function for each of the others."""
        first, *others = self.rows
        error_rate = ERROR_RATE / len(others)
        return tuple(_ratio(row, first, error_rate) for row in others)

    @property
    def is_too_short(self) -> bool:
        """Whether the rounds are too few to tell anything."""
        return self.rounds < self._rounds_needed

    @property
    def seconds_needed(self) -> int:
        """About how many seconds give rounds enough, for one that is too short."""
        return math.ceil(self.seconds * self._rounds_needed / self.rounds * MORE)

    @property
    def _rounds_needed(self) -> int:
        return fewest_rounds(ERROR_RATE / (len(self.rows) - 1))

    @property
    def verdict(self) -> str:
        """What the measurement says, in words."""
        from .draw.timing import verdict

        return verdict(self)


def _ratio(row, first, error_rate) -> Ratio:
    ratios = [mine / its for mine, its in zip(row.times, first.times)]
    return Ratio(row.name, median(ratios), *median_interval(ratios, error_rate))


def median_interval(values, error_rate: float) -> tuple:
    """Return the order statistics that enclose the median of a distribution.

    Args:
        values: independent samples.
        error_rate: how often the median may lie outside.

    The j-th smallest and the j-th largest, for the largest j whose error is at most
    ``error_rate``; (None, None) where the samples are too few for any.
    Source: see the head of this module.
    """
    ordered, count = sorted(values), len(values)
    rank, fewer, ways = 0, 0, 1  # ways: of tossing ``rank`` heads; fewer: of up to that many
    while (fewer + ways) / 2 ** (count - 1) <= error_rate:
        fewer += ways
        ways = ways * (count - rank) // (rank + 1)
        rank += 1
    return (ordered[rank - 1], ordered[-rank]) if rank else (None, None)


def fewest_rounds(error_rate: float) -> int:
    """Return how many samples ``median_interval`` needs to give an interval at all."""
    return math.ceil(1 - math.log2(error_rate))


def compare_speed(functions, *, seconds: float = 1.0, num_threads: int = 1, device=None) -> Timing:
    """Measure functions against each other, in turns, and say whether they differ.

    ::

        compare_speed({"tracked": forward, "untracked": forward_under_no_grad})

    Args:
        functions: two to eight functions without arguments, each under its name. The
            others are compared with the first. What a function returns is dropped at once,
            and the time to free it, a graph included, counts.
        seconds: how long the whole comparison may take. A function that is slow against
            that is called a few times all the same.
        num_threads: the threads that torch may use meanwhile, as in
            ``torch.utils.benchmark.Timer``.
        device: the device whose queue each measurement waits for and whose peak of memory
            is reset and read; without it the course's own.

    Each measurement is one ``torch.utils.benchmark.Timer.timeit`` of so many calls that it
    lasts about a millisecond: it warms up with calls that are not timed, switches Python's
    garbage collector off while the clock runs, and gives the mean of the calls. A ``.grad``
    that the functions fill is filled as by any other call.

    Raises:
        TypeError: ``functions`` is no dict of functions without arguments.
        ValueError: there are fewer than two or more than eight, a time or a number of
            threads that is not positive, or a device that torch does not know.
        RuntimeError: a function raised an error; it is named, and its error is the cause.
    """
    functions = _checked(functions, seconds, num_threads)
    watched = course_device if device is None else _device(device)

    def clock():
        synchronise(watched)
        return default_timer()

    rows = measured(functions, seconds, num_threads, watched, clock)
    return Timing(tuple(rows), seconds, num_threads)


def _device(given) -> torch.device:
    try:
        return torch.device(given)
    except (RuntimeError, TypeError):
        raise ValueError(
            f"compare_speed was given device={given!r}; pass a torch.device or its name, such as "
            f"'cuda'"
        ) from None


def _checked(functions, seconds, num_threads) -> dict:
    if not isinstance(functions, Mapping):
        raise TypeError(
            f"compare_speed was given {type(functions).__name__}; pass a dict of functions, each "
            f'under its name, such as {{"with": f, "without": g}}'
        )
    for name, function in functions.items():
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"compare_speed was given {name!r} as a name; pass text")
        refuse_unless_callable(function, f"as {name!r}", "compare_speed", "the clock")
    if not 2 <= len(functions) <= MOST_FUNCTIONS:
        raise ValueError(
            f"compare_speed was given {len(functions)} function{'' if len(functions) == 1 else 's'}"
            f"; pass two to {MOST_FUNCTIONS} to compare with each other"
        )
    is_time = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_time or not 0 < seconds < math.inf:
        raise ValueError(f"compare_speed was given seconds={seconds!r}; pass a positive number")
    if type(num_threads) is not int or num_threads < 1:
        raise ValueError(
            f"compare_speed was given num_threads={num_threads!r}; pass a whole number from 1"
        )
    return dict(functions)
