"""The base of our widgets: live where a front end listens, text and picture elsewhere."""

from html import escape

from ..draw import HTML, PNG, SVG, bundle
from ..draw.canvas import shown_size

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
LIKE_AN_OUTPUT = "jp-RenderedHTMLCommon rendered_html"  # a table gets a front end's own looks
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


def html_of(shown) -> str:
    """Return a graph, a table, a drawing or text as HTML for a page inside a widget."""
    rendered = _rendered(shown)
    picture = rendered.get(SVG) or rendered.get(HTML) or _image(rendered.get(PNG))
    if picture:
        return f'<div class="{LIKE_AN_OUTPUT}" style="width: fit-content">{picture}</div>'
    return f"<pre>{escape(rendered['text/plain'])}</pre>"


def _image(png) -> str:
    """Return a PNG in base64 as an image for a page; nothing for None."""
    if png is None:
        return ""
    size = " ".join(f'{side}="{pixels}"' for side, pixels in shown_size(png).items())
    return f'<img {size} alt="chart" src="data:{PNG};base64,{png}">'


def picture_in(shown) -> dict:
    """Return a graph or a drawing by its MIME type; empty for a table, text, or where
    text is wanted."""
    return {mime: data for mime, data in _rendered(shown).items() if mime == SVG}


def words_in(shown) -> str:
    """Return the text that stands in an output of a notebook."""
    return _rendered(shown)["text/plain"]


def _rendered(shown) -> dict:
    return {"text/plain": shown} if isinstance(shown, str) else bundle(shown)
