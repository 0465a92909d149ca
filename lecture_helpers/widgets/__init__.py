"""Widgets around ``draw/``. ``ipywidgets`` is loaded when the first one is made."""

from .predict import predict
from .press import press
from .stepper import watch_backward
from .what_if import what_if

__all__ = ["predict", "press", "watch_backward", "what_if"]
