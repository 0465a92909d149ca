"""Line by line, which results of a block autograd tracks: ``tracking_map``."""

import sys

from .calls import Calls


class TrackingMap:
    """What ``tracking_map`` wrote down; see there."""

    def __init__(self):
        self._calls = Calls(self._note)

    def __enter__(self):
        self._calls.open(sys._getframe(1))
        return self

    def __exit__(self, *raised):
        self._calls.close()

    def _note(self, call, frame):
        pass

    @property
    def changes(self) -> tuple:
        """Every change in place: a tuple of ``Change``, in order."""
        return self._calls.changes.all()

    def made(self, node) -> str | None:
        """Return the statement in whose call an engine node was made, None if not known."""
        place = self._calls.made.place(node)
        return None if place is None else place.source

    def changes_of(self, storage_cdata: int, after_node=None) -> tuple:
        """Return the changes of one storage, those after an engine node was made.

        Args:
            storage_cdata: ``tensor.untyped_storage()._cdata``.
            after_node: without it all changes of that storage.
        """
        call = -1 if after_node is None else self._calls.made.call(after_node)
        return self._calls.changes.after(call, storage_cdata)


def tracking_map() -> TrackingMap:
    """Follow a block line by line."""
    return TrackingMap()
