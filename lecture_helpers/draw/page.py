"""Anything that is shown, as a piece of a page: inside a widget, or below a verdict."""

from html import escape

from . import HTML, PNG, SVG, bundle
from .canvas import shown_size

LIKE_AN_OUTPUT = "jp-RenderedHTMLCommon rendered_html"  # a table gets a front end's own looks


def html_of(shown) -> str:
    """Return a graph, a table, a drawing or text as HTML."""
    rendered = _rendered(shown)
    picture = rendered.get(SVG) or rendered.get(HTML) or _image(rendered.get(PNG))
    if picture:
        return framed(picture)
    return f"<pre>{escape(rendered['text/plain'])}</pre>"


def framed(html: str) -> str:
    """Return HTML in a frame as wide as it is, where a table looks as in an output."""
    return f'<div class="{LIKE_AN_OUTPUT}" style="width: fit-content">{html}</div>'


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
