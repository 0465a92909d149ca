"""Widgets around ``draw/``. ``ipywidgets`` is loaded when the first one is made."""

from .bar import progress_bar
from .predict import predict
from .press import press
from .standing import reset_progress, show_progress
from .stepper import watch_backward
from .what_if import what_if

__all__ = [
    "predict",
    "press",
    "progress_bar",
    "reset_progress",
    "show_progress",
    "watch_backward",
    "what_if",
]
