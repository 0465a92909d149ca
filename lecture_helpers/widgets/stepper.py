"""A recorded backward to step through: Play, two buttons, a slider, the keyboard."""

from html import escape

from ..backward import BackwardRecord, How, record
from ..draw import is_text_only
from ..draw.page import picture_in
from ..names import callers_namespaces
from .live import Live

FIT = 'style="max-width: 100%; height: auto"'  # a wide graph shrinks to the page
MILLISECONDS = 1500  # that Play rests on a step


class Stepper(Live):
    """A recorded backward and a position in it: what ``watch_backward`` returns.

    record: the ``BackwardRecord``.
    """

    def __init__(self, recorded: BackwardRecord):
        import ipywidgets

        from ..draw.steps import Film  # brings the layout library with it

        self.record = recorded
        self._film = Film(recorded)
        last = self._film.last
        narrow = ipywidgets.Layout(width="auto", min_width="6em")
        self._play = ipywidgets.Play(min=0, max=last, interval=MILLISECONDS)
        self._previous = ipywidgets.Button(description="◀ previous", layout=narrow)
        self._next = ipywidgets.Button(description="next ▶", layout=narrow)
        self._slider = ipywidgets.IntSlider(
            min=0, max=last, description="step", layout=ipywidgets.Layout(width="26em")
        )
        self._page = ipywidgets.HTML()
        ipywidgets.link((self._play, "value"), (self._slider, "value"))
        self._previous.on_click(lambda _button: self.step_to(self.position - 1))
        self._next.on_click(lambda _button: self.step_to(self.position + 1))
        self._slider.observe(lambda _change: self._redraw(), "value")
        row = ipywidgets.HBox(
            [self._play, self._previous, self._next, self._slider],
            layout=ipywidgets.Layout(flex_flow="row wrap"),
        )
        self.widget = ipywidgets.VBox([row, self._page])
        self._redraw()

    @property
    def position(self) -> int:
        """Where it stands: 0 is before the backward, ``len(record.steps)`` the last step."""
        return self._slider.value

    def step_to(self, position: int) -> None:
        """Move to a position; one beyond either end stops there."""
        self._slider.value = min(max(position, 0), self._film.last)

    def _redraw(self):
        if is_text_only():
            title, words = self._film.told(self.position)
            self._page.value = f"<pre>{escape(title)}\n{escape(words)}</pre>"
        else:
            self._page.value = self._film.svg(self.position).replace("<svg ", f"<svg {FIT} ", 1)
        self._previous.disabled = self.position == 0
        self._next.disabled = self.position == self._film.last

    def to_text(self) -> str:
        """Return every step as text."""
        return self.record.to_text()

    def picture(self) -> dict:
        """Return the picture of the finished backward, unless text is wanted."""
        return picture_in(self.record)


def watch_backward(
    output,
    gradient=None,
    *,
    retain_graph=None,
    create_graph=False,
    accumulate=True,
    whole=False,
    **named,
) -> Stepper:
    """Run one backward from ``output`` and step through it.

    The backward is a real one and runs at once, as ``record_backward`` runs it; what you
    step through is its record. So ``.grad`` is filled before the first step is shown, and
    running the cell again needs the forward again.

    Args: those of ``record_backward``.

    Returns:
        A ``Stepper``: the last line of a notebook cell shows it. It has the graph with the
        node at work and its gradients in orange, what each leaf's ``.grad`` holds, and the
        local rule of the step with its numbers. Where there is no front end, or the
        notebook was only opened, a picture of the finished backward stands there, and
        ``print`` tells every step.

    Raises: what ``record_backward`` raises.
    """
    how = How(retain_graph, create_graph, accumulate, whole)
    return Stepper(record(output, gradient, how, named, callers_namespaces(1), "watch_backward"))
