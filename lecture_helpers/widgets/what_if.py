"""Sliders that run the learner's own function again and redraw what it gave."""

import io
import math
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from html import escape
from typing import NamedTuple

import torch

from ..brief import number
from ..curve import Plot, curve_of
from ..devices import device, random_numbers_kept
from ..draw.page import html_of, picture_in
from ..draw.words import listed
from ..errors import told
from ..grads import GradTable, row_of
from ..graph import Graph, collect
from .live import FROM_A_FUNCTION, Live

FEWEST_STEPS = 20
SIDE_BY_SIDE = "display: flex; flex-wrap: wrap; align-items: center; gap: 0 24px"


class Outcome(NamedTuple):
    """What the function gave at one setting: all that is shown there."""

    sentence: str
    graph: Graph
    table: GradTable
    plot: Plot


class WhatIf(Live):
    """A function, a slider and a checkbox for each of its inputs, and what it gives.

    sentence: what the function gave at this setting, or what it raised.
    graph, table, plot: the pictures of it, None where it raised.
    """

    def __init__(self, function, inputs):
        import ipywidgets

        self._function = function
        self._sliders = {name: _slider(name, *parts[:3]) for name, parts in inputs.items()}
        self._boxes = {
            name: ipywidgets.Checkbox(
                value=parts[3],
                description=f"{name} requires grad",
                indent=False,
                layout=ipywidgets.Layout(width="auto"),
            )
            for name, parts in inputs.items()
        }
        self._over = next(iter(inputs))
        self._curve_of = None, None
        for name, slider in self._sliders.items():
            slider.observe(partial(self._moved, name), "value")
            self._boxes[name].observe(self._changed, "value")
        pairs = zip(self._sliders.values(), self._boxes.values())
        wrapped = ipywidgets.Layout(flex_flow="row wrap")
        self._page = ipywidgets.HTML()
        rows = [ipywidgets.HBox(list(pair), layout=wrapped) for pair in pairs]
        self.widget = ipywidgets.VBox([*rows, self._page])
        self._redraw()

    def _moved(self, name, change):
        self._over = name
        self._changed(change)

    def _changed(self, _change):
        try:
            self._redraw()
        except FROM_A_FUNCTION as error:
            self.sentence = f"At this setting your function raised {told(error)}"
            self.graph = self.table = self.plot = None
            self._page.value = f"<b>{escape(self.sentence)}</b>"

    def _redraw(self):
        """Run the function at this setting and show what it gave."""
        self.sentence, self.graph, self.table, self.plot = self._look()
        beside = html_of(self.plot) + html_of(self.table)
        self._page.value = (
            f"{html_of(self.graph)}<div><b>{escape(self.sentence)}</b></div>"
            f'<div style="{SIDE_BY_SIDE}">{beside}</div>'
        )

    def _look(self) -> Outcome:
        inputs = self._inputs({})
        result = self._result(inputs)
        tracked = {name: tensor for name, tensor in inputs.items() if tensor.requires_grad}
        graph = collect((result,), {"result": result, **tracked}, ())
        for tensor in tracked.values():  # the function may have run a backward of its own
            tensor.grad = None
        if tracked and result.requires_grad:
            result.backward(inputs=list(tracked.values()))  # no tensor but these gets a .grad
        rows = [row_of(name, tensor) for name, tensor in (*inputs.items(), ("result", result))]
        plot = self._plot(result, inputs[self._over])
        return Outcome(_sentence(result, inputs), graph, GradTable(tuple(rows)), plot)

    def _inputs(self, instead) -> dict:
        """Return a fresh tensor for each input, at its slider's value or the one given."""
        return {
            name: torch.tensor(
                float(instead.get(name, slider.value)),
                device=device,
                requires_grad=self._boxes[name].value,
            )
            for name, slider in self._sliders.items()
        }

    def _result(self, inputs) -> torch.Tensor:
        result = self._function(**inputs)
        if not _is_one_real_number(result):
            raise TypeError(
                f"the function of what_if returned {type(result).__name__}; "
                f"it must return a tensor of one element that is a real number"
            )
        return result

    def _plot(self, result, moved) -> Plot:
        """Return the plot over the slider moved last; only another one changes its curve."""
        name, slider = self._over, self._sliders[self._over]
        others = tuple(one.value for key, one in self._sliders.items() if key != name)
        setting = name, others, tuple(box.value for box in self._boxes.values())
        if self._curve_of[0] != setting:
            with _unnoticed():
                curve = curve_of(partial(self._value_at, name), slider.min, slider.max)
            self._curve_of = setting, curve
        slope = None if moved.grad is None else moved.grad.item()
        point = slider.value, float(result.item()), slope
        return Plot(
            name, slider.min, slider.max, self._curve_of[1], *point, self._boxes[name].value
        )

    def _value_at(self, name, x):
        """Return what the function gives with one input changed, None where it raises."""
        try:
            return float(self._result(self._inputs({name: x})).item())
        except FROM_A_FUNCTION:
            return None

    def to_text(self) -> str:
        """Return what the function gave at this setting as text: the gradients, the
        table, the graph and the plot in words."""
        shown = [self.sentence, self.table, self.graph, self.plot]
        return "\n".join(str(part) for part in shown if part is not None)

    def picture(self) -> dict:
        """Return the graph at this setting, unless text is wanted."""
        return {} if self.graph is None else picture_in(self.graph)


def _slider(name, low, high, start):
    import ipywidgets

    step = _round_step(high - low)
    return ipywidgets.FloatSlider(
        value=start,
        min=low,
        max=high,
        step=step,
        readout_format=_readout(step),
        description=name,
        layout=ipywidgets.Layout(width="34em", max_width="100%"),
    )


@contextmanager
def _unnoticed():
    """Let a function be sampled without its prints, its warnings, or a number drawn
    from torch's random generators that the learner's next call would miss."""
    silence = io.StringIO()
    prints = redirect_stdout(silence), redirect_stderr(silence)
    with prints[0], prints[1], random_numbers_kept(device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
    for name, tensor in inputs.items():
        if tensor.requires_grad:
            size = "None" if tensor.grad is None else number(tensor.grad.item())
            said.append(f"the gradient for {name} is {size}")
    return ", ".join(said) + "." + _untracked(result, inputs)


def _untracked(result, inputs) -> str:
    """Return what follows from the inputs that are not tracked, as a sentence more."""
    names = [name for name, tensor in inputs.items() if not tensor.requires_grad]
    if len(names) == len(inputs) and not result.requires_grad:
        return " No input is tracked, so the result has no graph and there is no gradient."
    if not names:
        return ""
    are = "is not tracked and gets" if len(names) == 1 else "are not tracked and get"
    return f" {listed(names)} {are} no gradient."


def what_if(function, /, **sliders) -> WhatIf:
    """Redraw what ``function`` gives while the learner moves sliders and ticks boxes.

    ::

        what_if(lambda x, w: (w * x - 1) ** 2, x=(0, 3, 2, False), w=(-1, 1, 0.5))

    Below the sliders stand the graph of the result, the gradients of a real backward
    from it, a table of the inputs and the result, and a plot: the result over the range
    of the slider moved last (the first one at the start), the others held where they
    are, with the tangent whose slope is the gradient just computed.

    Args:
        function: takes one 0-d float tensor per slider, by name, and returns a tensor
            of one element that is a real number.
        sliders: ``name=(low, high, start)``. A fourth entry, True or False, is the
            tensor's ``requires_grad`` at the start, True where it is left out; a
            checkbox beside the slider changes it.

    The tensors are new ones at each redraw; no ``.grad`` but theirs is filled. For the
    plot the function is called 61 times and, near jumps, up to 200 times more, whenever
    the curve changes: another slider took over, another value or checkbox changed. What
    it prints or warns then is dropped, and torch's random numbers go on as if it had not
    been called; but a function that keeps a count or draws random numbers gives a curve
    that does not repeat. A place where it raises or gives no finite number is left out.

    An error that the function raises later, while a slider moves, is shown in place.

    Raises:
        TypeError: no slider is given, one is not three numbers in order (and True or
            False), or the function returns anything but a tensor of one real number.
    """
    if not sliders:
        raise TypeError("what_if was given no slider; name one, such as x=(-3, 3, 1)")
    for name, slider in sliders.items():
        if not _is_slider(slider):
            raise TypeError(
                f"what_if was given {name}={slider!r}; a slider is three numbers "
                f"(low, high, start) with start between low and high, such as "
                f"{name}=(-3, 3, 1), and perhaps its requires_grad, such as "
                f"{name}=(-3, 3, 1, False)"
            )
    return WhatIf(function, {name: (*slider, True)[:4] for name, slider in sliders.items()})


def _is_slider(slider) -> bool:
    if not (isinstance(slider, tuple) and len(slider) in (3, 4)):
        return False
    return _is_in_order(*slider[:3]) and all(isinstance(flag, bool) for flag in slider[3:])


def _is_in_order(low, high, start) -> bool:
    numbers = all(isinstance(n, (int, float)) and math.isfinite(n) for n in (low, high, start))
    return numbers and low < high and low <= start <= high
