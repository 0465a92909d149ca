"""Sliders that run the learner's own function again and redraw its graph."""

import math
from html import escape

import torch

from ..devices import device
from ..draw import bundle
from ..draw.text import number
from ..graph import collect
from .live import Live

FEWEST_STEPS = 20
SVG = "image/svg+xml"


class WhatIf(Live):
    """A function, a slider for each of its inputs, and the graph of its result."""

    def __init__(self, function, sliders):
        import ipywidgets

        self._function = function
        self._sliders = {
            name: ipywidgets.FloatSlider(
                value=start,
                min=low,
                max=high,
                step=_round_step(high - low),
                readout_format=_readout(_round_step(high - low)),
                description=name,
                layout=ipywidgets.Layout(width="34em", max_width="100%"),
            )
            for name, (low, high, start) in sliders.items()
        }
        for slider in self._sliders.values():
            slider.observe(self._moved, "value")
        self._page = ipywidgets.HTML()
        self.widget = ipywidgets.VBox([*self._sliders.values(), self._page])
        self._redraw()

    def _moved(self, _change):
        try:
            self._redraw()
        except Exception as error:  # the learner's own function may raise anything
            said = f"At this setting your function raised {type(error).__name__}: {error}"
            self._page.value = f"<b>{escape(said)}</b>"

    def _redraw(self):
        """Run the function at the sliders' values and show graph and gradients."""
        inputs = {
            name: torch.tensor(float(slider.value), device=device, requires_grad=True)
            for name, slider in self._sliders.items()
        }
        result = self._function(**inputs)
        if not _is_one_real_number(result):
            raise TypeError(
                f"the function of what_if returned {type(result).__name__}; "
                f"it must return a tensor of one element that is a real number"
            )
        graph = collect((result,), {"result": result, **inputs}, ())
        self.graph, self.sentence = graph, _sentence(result, inputs)
        picture = self.picture().get(SVG) or f"<pre>{escape(self.graph.to_text())}</pre>"
        self._page.value = f"<div>{picture}</div><div><b>{escape(self.sentence)}</b></div>"

    def to_text(self) -> str:
        """Return the sliders' values, the gradients and the graph as text."""
        return f"{self.sentence}\n{self.graph.to_text()}"

    def picture(self) -> dict:
        """Return the graph at the sliders' values, unless text is wanted."""
        return {mime: data for mime, data in bundle(self.graph).items() if mime == SVG}


def _is_one_real_number(result) -> bool:
    return isinstance(result, torch.Tensor) and result.numel() == 1 and not result.is_complex()


def _round_step(span: float) -> float:
    """Return the largest power of ten that divides a slider into 20 steps or more."""
    return 10.0 ** math.floor(math.log10(span / FEWEST_STEPS))


def _readout(step: float) -> str:
    """Return the format that shows a slider's value to the digit that a step changes."""
    return f".{max(0, -math.floor(math.log10(step)))}f"


def _sentence(result, inputs) -> str:
    at = ", ".join(f"{name} = {number(tensor.item())}" for name, tensor in inputs.items())
    said = [f"At {at} the result is {number(result.item())}"]
    gradients = [None] * len(inputs)
    if result.requires_grad:
        gradients = torch.autograd.grad(
            result, list(inputs.values()), allow_unused=True, retain_graph=True
        )
    for name, gradient in zip(inputs, gradients):
        size = "None" if gradient is None else number(gradient.item())
        said.append(f"the gradient for {name} is {size}")
    return ", ".join(said) + "."


def what_if(function, /, **sliders) -> WhatIf:
    """Redraw the graph of ``function`` while the learner moves sliders.

    Args:
        function: takes one 0-d float tensor per slider, by name, and returns a tensor
            of one element that is a real number.
        sliders: ``name=(low, high, start)``.

    An error that the function raises later, while a slider moves, is shown in place.

    Raises:
        TypeError: no slider is given, one is not three numbers in order, or the function
            returns anything but a tensor of one real number.
    """
    if not sliders:
        raise TypeError("what_if was given no slider; name one, such as x=(-3, 3, 1)")
    for name, slider in sliders.items():
        if not (isinstance(slider, tuple) and len(slider) == 3 and _is_in_order(*slider)):
            raise TypeError(
                f"what_if was given {name}={slider!r}; a slider is three numbers "
                f"(low, high, start) with start between low and high, such as {name}=(-3, 3, 1)"
            )
    return WhatIf(function, sliders)


def _is_in_order(low, high, start) -> bool:
    numbers = all(isinstance(n, (int, float)) and math.isfinite(n) for n in (low, high, start))
    return numbers and low < high and low <= start <= high
