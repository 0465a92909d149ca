"""Measure functions in turns, many times each, by ``torch.utils.benchmark``.

What disturbs a measurement makes it longer, hardly ever shorter: another program had the
processor. So a measurement is short, about half a millisecond, and the time of a round is the
least of three. In each turn the order of the functions is drawn by lot. A fixed order can
fall in step with whatever else the machine does, and one function then pays for all of
it (seen here: one that took three times as long as itself).
"""

import math
import random
from statistics import median, quantiles
from typing import NamedTuple

from .devices import peak_bytes, reset_peak, synchronise
from .errors import quietly, told

SHORTEST = 5e-4  # seconds that a measurement lasts at the least
CLOCKS = 500  # and how many times as long as it takes to read the clock, which waits
MOST_ROUNDS = 1000  # where there is time for more, the measurements are longer
MOST_CALLS = 10**7  # in one measurement
TRIES = 3  # in each round, unless the functions are so slow that few rounds fit
FEW_ROUNDS = 20
WARM_UP = 2  # calls that Timer.timeit makes first, at the least


class Timed(NamedTuple):
    """How long one function took.

    times: seconds per call, one number for each round: the least of its measurements.
    calls: how many calls one measurement is the mean of.
    peak_bytes: the most that one call held on the device beyond what was there before;
        None where the device keeps no count, as the CPU.
    """

    name: str
    times: tuple
    calls: int
    peak_bytes: int | None

    @property
    def median(self) -> float:
        """The median of the times, in seconds."""
        return median(self.times)

    @property
    def quartiles(self) -> tuple:
        """The times between which the middle half lies, in seconds."""
        if len(self.times) == 1:
            return self.times * 2
        low, _, high = quantiles(self.times, n=4, method="inclusive")
        return low, high


def measured(functions: dict, seconds, num_threads, device, clock, shuffle=None) -> list:
    """Return a ``Timed`` for each function.

    Args:
        functions: callables without arguments, each under its name.
        seconds: how long all of it may take; there is one round at the least.
        num_threads: the threads that torch may use.
        device: whose peak of memory is read.
        clock: returns the time in seconds; it waits for the device's queue first.
        shuffle: puts a list in a random order, in place; without it one of our own, so that
            the caller's random numbers stay as they are.

    Raises:
        RuntimeError: a function raised an error; it is named, and its error is the cause.
    """
    begun = clock()
    most = len(functions) * TRIES * MOST_ROUNDS  # measurements
    length = max(SHORTEST, CLOCKS * _pause(clock), seconds / most)
    timers = {name: _Timer(name, function, num_threads, clock)
              for name, function in functions.items()}  # fmt: skip
    pace = {name: timer.pace(length) for name, timer in timers.items()}
    peaks = {name: timer.peak(device) for name, timer in timers.items()}
    turn = sum((calls + WARM_UP) * took for calls, took in pace.values())
    tries = TRIES if turn * TRIES * FEW_ROUNDS <= seconds else 1
    shuffle, rounds = shuffle or random.Random().shuffle, []
    while not rounds or clock() - begun < seconds:
        rounds.append(_round(timers, pace, tries, shuffle))
    return [Timed(name, tuple(times[name] for times in rounds), pace[name][0], peaks[name])
            for name in functions]  # fmt: skip


def _round(timers, pace, tries, shuffle) -> dict:
    """Return the least time of each function in a few turns."""
    order, least = list(timers), dict.fromkeys(timers, math.inf)
    for _ in range(tries):
        shuffle(order)
        for name in order:
            least[name] = min(least[name], timers[name].seconds_per_call(pace[name][0]))
    return least


def _pause(clock) -> float:
    """Return how long it takes to read the clock."""
    readings = [clock() for _ in range(2 * TRIES)]
    return min(after - before for before, after in zip(readings, readings[1:]))


class _Timer:
    """Times one function."""

    def __init__(self, name, function, num_threads, clock):
        with quietly():  # a CUDA build of torch says so here where there is no GPU
            from torch.utils.benchmark import Timer  # when first used: it is slow to load

        self._name, self._function = name, function
        self._timer = Timer(
            "function()", timer=clock, globals={"function": function}, num_threads=num_threads
        )

    def seconds_per_call(self, calls) -> float:
        return self._guarded(lambda: self._timer.timeit(calls).median)

    def pace(self, length) -> tuple:
        """Return how many calls last about ``length`` seconds, and one. It warms up, too."""
        calls = 1
        while True:
            took = min(self.seconds_per_call(calls) for _ in range(TRIES))
            wanted = max(1, min(round(length / took), MOST_CALLS))
            if wanted <= calls * 2:
                return wanted, took
            calls = min(wanted, calls * 10)

    def peak(self, device) -> int | None:
        """Return the most that one call held on the device beyond what was there before."""
        synchronise(device)
        reset_peak(device)
        before = peak_bytes(device)
        if before is None:
            return None
        self._guarded(self._function)
        synchronise(device)
        return peak_bytes(device) - before

    def _guarded(self, run):
        try:
            return run()
        except Exception as error:
            raise RuntimeError(
                f"compare_speed called {self._name!r}, which raised {told(error)}; each function "
                f"must run on its own, again and again"
            ) from error
