"""Buttons that run the learner's own functions and show what they did."""

import io
from contextlib import redirect_stderr, redirect_stdout
from html import escape
from itertools import groupby

from ..asked import refuse_unless_callable
from ..draw.page import html_of, picture_in, words_in
from ..errors import told
from ..shown import Shown
from .live import FROM_A_FUNCTION, Live

MOST_TOLD = 6  # how many changes of the button the line below them recounts
MOST_PRINTED = 2000  # how many characters of a function's own output are shown


class Press(Live):
    """A button for each function, a line that says what was pressed, and what is shown."""

    def __init__(self, show, buttons):
        import ipywidgets

        self._show, self._functions = show, buttons
        self.pressed = []
        self._buttons = {
            name: ipywidgets.Button(
                description=_label(name), layout=ipywidgets.Layout(width="auto", min_width="6em")
            )
            for name in buttons
        }
        for name, button in self._buttons.items():
            button.on_click(lambda _button, name=name: self._press(name))
        row = ipywidgets.HBox(
            list(self._buttons.values()), layout=ipywidgets.Layout(flex_flow="row wrap")
        )
        self._page = ipywidgets.HTML()
        self.widget = ipywidgets.VBox([row, self._page])
        self.shown = self._look()
        self._redraw("")

    def _press(self, name):
        """Run one button's function, then look again, whatever the function did.

        A front end drops what a callback prints or raises, so both are shown here.
        """
        self.pressed.append(name)
        said, printed = [], io.StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            try:
                self._functions[name]()
            except FROM_A_FUNCTION as error:
                said.append(f"{_label(name)} raised {told(error)}")
            try:
                self.shown = self._look()
            except FROM_A_FUNCTION as error:
                self.shown = ""
                said.append(f"The function that shows raised {told(error)}")
        words = "".join(f"<div><b>{escape(sentence)}</b></div>" for sentence in said)
        if printed.getvalue():
            words += f"<pre>{escape(printed.getvalue()[-MOST_PRINTED:])}</pre>"
        self._redraw(words)

    def _look(self):
        shown = self._show()
        if not isinstance(shown, (Shown, str)):
            raise TypeError(
                f"the first function of press returned {type(shown).__name__}; it must return "
                f"what to show: a grad_table, a graph or text"
            )
        return shown

    def _redraw(self, said):
        self._page.value = f"<div>{escape(self.sentence)}</div>{said}{html_of(self.shown)}"

    @property
    def sentence(self) -> str:
        """What was pressed so far, in order."""
        runs = [(name, len(list(run))) for name, run in groupby(self.pressed)]
        counted = [_label(name) + _times(count) for name, count in runs[-MOST_TOLD:]]
        if not counted:
            return "Nothing pressed yet."
        if len(runs) > MOST_TOLD:
            counted.insert(0, "...")
        return f"Pressed: {', then '.join(counted)}."

    def to_text(self) -> str:
        """Return the buttons, what was pressed and what is shown, as text."""
        return self._told(str(self.shown))

    def text_in_output(self) -> str:
        """Return the same, without what differs from device to device, such as a peak."""
        return self._told(words_in(self.shown))

    def _told(self, shown) -> str:
        buttons = " ".join(f"[{_label(name)}]" for name in self._functions)
        return f"{buttons}\n{self.sentence}\n{shown}"

    def picture(self) -> dict:
        """Return the shown graph or drawing, unless it is a table or text is wanted."""
        return picture_in(self.shown)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _times(count: int) -> str:
    return "" if count == 1 else " twice" if count == 2 else f" {count} times"


def press(show, /, **buttons) -> Press:
    """Make a button for each function; a press runs it, then shows the new state.

    ::

        press(lambda: grad_table(w), backward=lambda: (w**2).backward(), zero=clear)

    Args:
        show: a function without arguments that returns what stands below the buttons:
            a grad_table, a graph or text. It runs once at the start and after each press.
        buttons: ``name=function``. The function takes no arguments; what it returns is
            not used. An underscore in the name is a space on the button.

    What a function prints or raises when its button is pressed is shown in place. To
    start afresh, make the state and the buttons in one cell and run that cell again.

    Raises:
        TypeError: there is no button, something given is no function without arguments,
            or ``show`` returns anything else.
    """
    if not buttons:
        raise TypeError("press was given no button; name one, such as zero=clear")
    refuse_unless_callable(show, "as its first argument", "press", "a button")
    for name, function in buttons.items():
        refuse_unless_callable(function, f"as {name}", "press", "a button")
    return Press(show, buttons)
