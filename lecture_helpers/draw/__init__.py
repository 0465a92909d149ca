"""Data to picture, table and text. Loaded when the first thing is shown."""

import os
from typing import NamedTuple

from ..backward import BackwardRecord
from ..compare import GraphComparison
from ..grads import GradTable
from ..graph import Graph
from ..history import GradHistory
from ..pictures import Picture
from . import history, table, text

TEXT_VARIABLE = "LECTURE_TEXT"
_text_only = os.environ.get(TEXT_VARIABLE, "").strip() not in ("", "0")


class _Rendering(NamedTuple):
    mime: str
    picture: object
    words: object


def _graph_svg(graph):
    from .svg import graph_svg  # brings the layout library with it

    return graph_svg(graph)


def _comparison_svg(comparison):
    from .comparison import comparison_svg

    return comparison_svg(comparison)


def _comparison_text(comparison):
    from .comparison import comparison_text

    return comparison_text(comparison)


def _record_svg(record):
    from .steps import record_svg

    return record_svg(record)


def _record_text(record):
    from .steps_text import record_text

    return record_text(record)


_RENDERINGS = {
    BackwardRecord: _Rendering("image/svg+xml", _record_svg, _record_text),
    Graph: _Rendering("image/svg+xml", _graph_svg, text.graph_text),
    GraphComparison: _Rendering("image/svg+xml", _comparison_svg, _comparison_text),
    GradTable: _Rendering("text/html", table.table_html, table.table_text),
    GradHistory: _Rendering("text/html", history.history_html, history.history_text),
    Picture: _Rendering("image/svg+xml", lambda picture: picture.svg, lambda p: p.words),
}


def use_text(on: bool = True) -> None:
    """Show every picture as its text, for readers who use a screen reader.

    ``use_text(False)`` brings the pictures back. The environment variable
    ``LECTURE_TEXT=1`` does the same from the start.
    """
    global _text_only
    _text_only = bool(on)


def is_text_only() -> bool:
    """Return whether pictures are shown as text, see ``use_text``."""
    return _text_only


def text_of(shown) -> str:
    """Return the text form of a ``Graph``, a comparison, a table or a ``Picture``."""
    return _RENDERINGS[type(shown)].words(shown)


def picture_of(shown) -> str:
    """Return the SVG or HTML of a ``Graph``, a comparison, a table or a ``Picture``."""
    return _RENDERINGS[type(shown)].picture(shown)


def bundle(shown) -> dict:
    """Return the MIME bundle of a ``Graph``, a comparison, a table or a ``Picture``.

    A picture never stops the cell: where it cannot be drawn, the bundle holds the
    text with one line that says why.
    """
    words = text_of(shown)
    if _text_only:
        return {"text/plain": words}
    try:
        return {_RENDERINGS[type(shown)].mime: picture_of(shown), "text/plain": words}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the layout library is not an Exception
        return {"text/plain": f"{words}\n(no picture: {type(error).__name__}: {error})"}
