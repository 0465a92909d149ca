"""Widgets around ``draw/``. ``ipywidgets`` is loaded when the first one is made."""

from .predict import predict
from .what_if import what_if

__all__ = ["predict", "what_if"]
