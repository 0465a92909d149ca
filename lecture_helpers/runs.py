"""One run of one statement: what it made so far, and what names it has still to give."""

from typing import NamedTuple

from .lines import TrackedResult
from .names import namespaces_of


class Waiting(NamedTuple):
    """A result that may get a name yet; it stays without one if it ``cuts`` the graph."""

    result: TrackedResult
    part: object
    cuts: bool


class Run:
    """One run of a statement in a frame.

    waiting: what it made that has no name yet, by the id of the tensor.
    targets: the names that it gives to what is not known yet.
    """

    def __init__(self, frame, place, statement):
        self.place, self.last, self.statement = place, frame.f_lasti, statement
        self._frame = id(frame), id(frame.f_code)
        self.waiting = {}
        self.targets = set(place.targets)
        self._before = {name: id(value) for name, value in self._values(frame)}

    def is_of(self, frame) -> bool:
        """Tell whether it is a run in this frame."""
        return frame is not None and self._frame == (id(frame), id(frame.f_code))

    def bound(self, frame) -> list:
        """Return the targets that were bound since it began, each with its value."""
        return [
            (name, value)
            for name, value in self._values(frame)
            if id(value) != self._before.get(name) or id(value) in self.waiting
        ]

    def _values(self, frame) -> list:
        variables = namespaces_of(frame)[0] if self.targets else ()
        names = [name for name in self.place.targets if name in self.targets]
        return [(name, variables[name]) for name in names if name in variables]

    def wait(self, key, waiting) -> None:
        """Keep a result until a name turns up for the tensor with that id."""
        gone = self.waiting.pop(key, None)
        if gone is not None:  # its tensor is no more, and its id came again
            self.waiting["gone", len(self.waiting)] = gone
        self.waiting[key] = waiting

    def consume(self, tensor) -> bool:
        """Note that a call took a tensor, which so needs no name; return whether it cuts."""
        taken = self.waiting.pop(id(tensor), None)
        if taken is None or not taken.cuts:
            return False
        self.statement.add(taken.result, taken.part)
        return True

    def tell(self, only_cuts) -> None:
        """Write down what waits for a name no longer, all of it or only what cuts the graph."""
        for key, (result, part, cuts) in list(self.waiting.items()):
            if cuts or not only_cuts:
                del self.waiting[key]
                self.statement.add(result, part)
