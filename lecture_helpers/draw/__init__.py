"""Data to picture, table and text. Loaded when the first thing is shown."""

import os
from importlib import import_module
from typing import NamedTuple

from ..backward import BackwardRecord
from ..compare import GraphComparison
from ..curve import Plot
from ..grads import GradTable
from ..graph import Graph
from ..history import GradHistory
from ..memory import WatchedMemory
from ..pictures import Picture
from ..timing import Timing
from ..tracking import TrackingMap
from ..training import LossPlot, PathPlot
from ..weighed import SavedMemory

TEXT_VARIABLE = "LECTURE_TEXT"
_text_only = os.environ.get(TEXT_VARIABLE, "").strip() not in ("", "0")


class _Rendering(NamedTuple):
    mime: str
    picture: object
    words: object
    beside: object = None  # the words beside the picture, where they are not all of them


def _late(module, function):
    """Return a function of a module here, which is imported when it is first called."""

    def call(shown):
        return getattr(import_module(f".{module}", __name__), function)(shown)

    return call


def _rendering(mime, module, picture, text_module, words) -> _Rendering:
    return _Rendering(mime, _late(module, picture), _late(text_module, words))


SVG, HTML, PNG = "image/svg+xml", "text/html", "image/png"
_RENDERINGS = {
    BackwardRecord: _rendering(SVG, "steps", "record_svg", "steps_text", "record_text"),
    Graph: _rendering(SVG, "svg", "graph_svg", "text", "graph_text"),
    GraphComparison: _rendering(
        SVG, "comparison", "comparison_svg", "comparison", "comparison_text"
    ),
    GradTable: _rendering(HTML, "table", "table_html", "table", "table_text"),
    GradHistory: _rendering(HTML, "history", "history_html", "history", "history_text"),
    SavedMemory: _rendering(HTML, "memory", "memory_html", "memory", "memory_text"),
    WatchedMemory: _rendering(HTML, "memory", "watched_html", "memory", "watched_text"),
    TrackingMap: _rendering(HTML, "tracking", "tracking_html", "tracking", "tracking_text"),
    Plot: _rendering(SVG, "plots", "plot_svg", "plots", "plot_text"),
    LossPlot: _rendering(SVG, "losses", "losses_svg", "losses", "losses_text"),
    PathPlot: _rendering(SVG, "path", "path_svg", "path", "path_text"),
    Picture: _Rendering(SVG, lambda picture: picture.svg, lambda picture: picture.words),
    Timing: _rendering(PNG, "timing", "timing_png", "timing", "timing_text")._replace(
        beside=_late("timing", "words_beside")
    ),
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
    """Return the text form of anything that is ``Shown``."""
    return _RENDERINGS[type(shown)].words(shown)


def picture_of(shown) -> str:
    """Return the picture of anything that is ``Shown``: SVG, HTML, or PNG in base64."""
    return _RENDERINGS[type(shown)].picture(shown)


def bundle(shown) -> dict:
    """Return the MIME bundle of anything that is ``Shown``.

    A picture never stops the cell: where it cannot be drawn, the bundle holds the
    text with one line that says why.
    """
    rendering, words = _RENDERINGS[type(shown)], text_of(shown)
    if _text_only:
        return {"text/plain": words}
    try:
        picture = {rendering.mime: picture_of(shown)}
        return picture | {"text/plain": rendering.beside(shown) if rendering.beside else words}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the layout library is not an Exception
        return {"text/plain": f"{words}\n(no picture: {type(error).__name__}: {error})"}
