"""Timings without a real clock: a world whose time passes only as its functions say."""

import random

from lecture_helpers import Timed, Timing
from lecture_helpers.stopwatch import measured


class World:
    """Time, and functions that let it pass.

    Args:
        pause: seconds that pass when the clock is read.
        disturb: takes the number of a call, returns how many times as long it lasts.
    """

    def __init__(self, pause=1e-9, disturb=lambda count: 1):
        self.now, self.count = 0.0, 0
        self._pause, self._disturb = pause, disturb

    def clock(self):
        self.now += self._pause
        return self.now

    def function(self, seconds, called=None, name=""):
        """Return a function that lasts so long; it writes its name into ``called``."""

        def run():
            self.now += seconds * self._disturb(self.count)
            self.count += 1
            if called is not None:
                called.append(name)

        return run

    def measure(self, functions, seconds, shuffle=None):
        """Return the rows of a measurement in this world."""
        self.now = 0.0
        return measured(functions, seconds, 1, "cpu", self.clock, shuffle)


def coming_and_going(seed):
    """Return a load for a ``World``: gone for many calls, then there for many, at random."""
    lots, busy = random.Random(seed), False

    def disturb(count):
        nonlocal busy
        if lots.random() < (0.06 if busy else 0.02):
            busy = not busy
        return 1 + lots.expovariate(10) + (lots.expovariate(0.5) if busy else 0)

    return disturb


def timing_of(**times) -> Timing:
    """Return a timing of one second with these times of each function."""
    return Timing(tuple(Timed(name, tuple(ones), 1, None) for name, ones in times.items()), 1.0, 1)
