"""The base of our widgets: live where a front end listens, text and picture elsewhere."""

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
FROM_A_FUNCTION = (Exception, SystemExit)  # what a learner's own function may raise


class Live:
    """Wraps one core widget of ipywidgets.

    The output carries the widget and, for front ends without widgets (GitHub,
    nbconvert, a notebook opened but not run), the text form and perhaps a picture.
    It is always sent as ``display_data``, which is all that Colab's manager sees.

    A subclass sets ``self.widget`` and gives ``to_text``; ``picture`` is optional.
    """

    widget = None

    def to_text(self) -> str:
        """Return what stands here where no widget can."""
        raise NotImplementedError

    def text_in_output(self) -> str:
        """Return the text of the output, the same on each device and in each run."""
        return self.to_text()

    def picture(self) -> dict:
        """Return the picture that stands here where no widget can, by its MIME type."""
        return {}

    def bundle(self) -> dict:
        """Return the MIME bundle of the output."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {WIDGET_MIME: view, "text/plain": self.text_in_output(), **self.picture()}

    def _ipython_display_(self):
        from IPython.display import display

        display(self.bundle(), raw=True)

    def __str__(self):
        return self.to_text()

    __repr__ = __str__


def button(description, press, style=""):
    """Return a button as wide as its words, which calls ``press()``."""
    import ipywidgets

    made = ipywidgets.Button(
        description=description, button_style=style, layout=ipywidgets.Layout(width="auto")
    )
    made.on_click(lambda _button: press())
    return made
