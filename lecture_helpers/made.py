"""In which call an engine node was made, told by its sequence number, without any node.

A thread of torch numbers the nodes it makes one after the other
(``torch.autograd._get_sequence_nr()`` is the number that comes next). So the numbers
before and after a call are the range of the nodes that it made.
"""

import threading
from array import array
from bisect import bisect_right

LEAF_NUMBER = 2**64 - 1  # of every AccumulateGrad
MOST_RANGES = 200_000  # 32 bytes each


class Made:
    """Ranges of sequence numbers, each with the number of its call and its place."""

    def __init__(self):
        self._threads = {}

    def begins(self, number: int) -> None:
        """Note the sequence number at which this thread begins to be watched."""
        self._threads.setdefault(threading.get_ident(), _Ranges(number))

    def add(self, start: int, end: int, call: int, place) -> None:
        """Note that a call in this thread made the nodes from ``start`` up to before ``end``."""
        self._threads[threading.get_ident()].add(start, end, call, place)

    def last(self) -> int:
        """Return the number after the last that this thread is known to have made."""
        return self._threads[threading.get_ident()].end

    def place(self, node):
        """Return the place in whose call a node was made, or None.

        Numbers are counted per thread and a node does not tell its thread: where calls
        in several threads fit, the answer is None.
        """
        found = [ranges.find(node._sequence_nr()) for ranges in self._threads.values()]
        known = [place for _, place in filter(None, found) if place is not None]
        return known[0] if len(known) == 1 else None

    def call(self, node) -> int:
        """Return the number of the last call known not to come after a node was made.

        0 for a node that was made before any call. Of several threads the largest.
        """
        number = node._sequence_nr()
        return max((ranges.before(number) for ranges in self._threads.values()), default=0)


class _Ranges:
    """What one thread made, in rising order; of very many ranges the last."""

    def __init__(self, begin):
        self.begin = self.end = begin
        self._starts, self._ends, self._calls = array("q"), array("q"), array("q")
        self._places = []
        self._lost = 0  # the number of the last call whose range was dropped

    def add(self, start, end, call, place):
        self._starts.append(start)
        self._ends.append(end)
        self._calls.append(call)
        self._places.append(place)
        self.end = end
        if len(self._starts) > MOST_RANGES:
            self._drop(MOST_RANGES // 2)

    def _drop(self, count):
        self._lost = self._calls[count - 1]
        self.begin = self._ends[count - 1]
        for kept in (self._starts, self._ends, self._calls, self._places):
            del kept[:count]

    def find(self, number):
        """Return the call and the place of a node's number, None where it is not known."""
        at = bisect_right(self._starts, number) - 1
        if at < 0 or number >= self._ends[at]:
            return None
        return self._calls[at], self._places[at]

    def before(self, number) -> int:
        if number == LEAF_NUMBER:
            return 0
        at = bisect_right(self._starts, number) - 1
        return self._calls[at] if at >= 0 else self._lost
