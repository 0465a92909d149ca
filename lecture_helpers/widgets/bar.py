"""A bar that fills while a loop runs."""

import time
from collections.abc import Iterable, Sized

from ..draw.words import shorten
from .live import Live

SECONDS_BETWEEN = 0.2  # two updates: more would flood the front end and slow the loop


class ProgressBar(Live):
    """What ``progress_bar`` returns: go through it once, with ``for``.

    done: how many things the loop has finished. total: how many there are.
    """

    def __init__(self, things, label):
        import ipywidgets

        self.done, self.total = 0, len(things)
        self._things, self._label = things, label
        self._bar = ipywidgets.IntProgress(min=0, max=max(self.total, 1), value=0)
        self._told = ipywidgets.Label(self.sentence)
        self.widget = ipywidgets.HBox([self._bar, self._told])

    @property
    def sentence(self) -> str:
        """How far the loop is, such as ``57 of 200 steps``."""
        return f"{self.done:,} of {self.total:,} {self._label}"

    def to_text(self) -> str:
        """Return how far the loop is."""
        return self.sentence

    def text_in_output(self) -> str:
        """Return what stands in the output from the start."""
        return f"a progress bar: {self.total:,} {self._label}"

    def __iter__(self):
        self._appear()
        self.done, last = 0, time.monotonic()
        is_whole = False
        try:
            for thing in self._things:
                yield thing
                self.done += 1
                if time.monotonic() - last >= SECONDS_BETWEEN:
                    self._show()
                    last = time.monotonic()
            is_whole = True
        finally:  # also where the loop was left by break or by an error
            self._bar.bar_style = "success" if is_whole else "warning"
            self._show()
        print(self.sentence)

    def _appear(self):
        from IPython import get_ipython

        if get_ipython():  # a script has no output to put it in
            self._ipython_display_()

    def _show(self):
        self._bar.value, self._told.value = self.done, self.sentence


def progress_bar(things, label: str = "steps") -> ProgressBar:
    """Go through a loop and show how far it is.

    ::

        for step in progress_bar(range(2000)):
            ...

    The bar is a live widget and moves at most five times a second. At the end of the loop
    one line is printed, ``2,000 of 2,000 steps``, which also stands where no widget can. A
    loop that is left early leaves the bar where it was, in another colour, and prints nothing.

    Args:
        things: what the loop goes through, with a length, such as a list or a ``range``.
        label: what the things are, in the plural.

    Raises:
        TypeError: ``things`` has no length or cannot be gone through.
    """
    if not (isinstance(things, Sized) and isinstance(things, Iterable)):
        raise TypeError(
            f"progress_bar was given {type(things).__name__}, whose length is not known; give a "
            f"list or a range"
        )
    return ProgressBar(things, shorten(str(label)))
