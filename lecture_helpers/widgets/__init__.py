"""Widgets around ``draw/``. ``ipywidgets`` is loaded when the first one is made."""

from .predict import predict
from .press import press
from .what_if import what_if

__all__ = ["predict", "press", "what_if"]
