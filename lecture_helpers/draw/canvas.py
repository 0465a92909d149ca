"""How matplotlib is used here: it draws into a string and does nothing else.

No pyplot, no backend chosen, no setting of the reader's read or changed.
"""

import base64
import contextlib
import io
import logging
import struct
import warnings

from . import ink

SHARPNESS = 2  # pixels of a PNG for each pixel that it is shown on
SETTINGS = {
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": ink.MID,
    "axes.edgecolor": ink.MID,
    "axes.labelcolor": ink.MID,
    "xtick.color": ink.MID,
    "ytick.color": ink.MID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
}


@contextlib.contextmanager
def own_settings(more: dict):
    """Run a block under matplotlib's own defaults, the course's looks and ``more``.

    matplotlib does not tell of its font cache or a missing glyph below the cell.
    """
    with _quietly():
        import matplotlib

        own = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
        with matplotlib.rc_context({**own, **SETTINGS, **more}):
            yield


def empty_figure(width, height):
    """Return a figure of so many pixels on a transparent ground."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    figure.patch.set_visible(False)
    return figure


def png_of(figure) -> str:
    """Return a figure as a PNG in base64, sharp on a fine screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    file = io.BytesIO()
    figure.set_dpi(72 * SHARPNESS)
    FigureCanvasAgg(figure).print_png(file)
    return base64.b64encode(file.getvalue()).decode()


def shown_size(png: str) -> dict:
    """Return the width and height in pixels at which a PNG of ours is to be shown."""
    width, height = struct.unpack(">II", base64.b64decode(png[:32])[16:24])  # behind "IHDR"
    return {"width": width // SHARPNESS, "height": height // SHARPNESS}


@contextlib.contextmanager
def _quietly():
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
