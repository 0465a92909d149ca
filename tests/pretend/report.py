"""What helpers return, as plain data, and which helpers there were."""

import contextlib
import dataclasses
import inspect
import io
import sys

import torch
from uses import PEAKS, USES

import lecture_helpers
from lecture_helpers import device
from lecture_helpers.draw import PNG, bundle
from lecture_helpers.shown import Shown
from lecture_helpers.widgets.live import WIDGET_MIME, Live

NOT_COMPARED = {WIDGET_MIME, PNG}
OF_THE_DEVICE = {"peak_bytes"}  # None on the CPU


class Plain:
    """Turns what a helper returned into plain data.

    met: the classes that were looked into.
    """

    def __init__(self):
        self.met = set()

    def __call__(self, thing):
        self.met.add(type(thing))
        if isinstance(thing, torch.Tensor):
            return [thing.tolist(), str(thing.dtype), thing.requires_grad, self(thing.device)]
        if isinstance(thing, torch.device):
            ours = thing.type == device.type and thing.index in (None, 0)
            return "the course's device" if ours else str(thing)
        if isinstance(thing, Live):
            page = getattr(thing, "_page", None)
            return [compared(thing.bundle()), page and page.value]
        if isinstance(thing, Shown):
            return [compared(bundle(thing)), self.fields(thing)]
        if isinstance(thing, dict):
            return {str(key): self(value) for key, value in thing.items()}
        if isinstance(thing, tuple) and hasattr(thing, "_fields"):
            return self.fields(thing)
        if isinstance(thing, (list, tuple)):
            return [self(one) for one in thing]
        if isinstance(thing, (str, int, float, bool, type(None))):
            return thing
        return str(thing) if isinstance(thing, torch.dtype) else type(thing).__name__

    def fields(self, thing):
        """Return the public fields of a dataclass, or what the properties of a class give."""
        if hasattr(thing, "_fields"):
            names = thing._fields
        elif dataclasses.is_dataclass(thing):
            names = [field.name for field in dataclasses.fields(thing)]
        else:
            names = [name for name, kind in vars(type(thing)).items() if type(kind) is property]
        public = [name for name in names if name[0] != "_" and name not in OF_THE_DEVICE]
        return {name: self(getattr(thing, name)) for name in public}


def compared(mime_bundle) -> dict:
    """Return what the tests of notebooks compare of a MIME bundle."""
    return {mime: data for mime, data in mime_bundle.items() if mime not in NOT_COMPARED}


def report(begin) -> dict:
    """Use every helper. Also tell which public functions ran and which classes were met.

    begin: told the name of each use before it runs.
    """
    plain, ran, given = Plain(), set(), {}

    def note(frame, event, _):
        if event == "call":
            ran.add(frame.f_code)

    for function in USES:
        begin(f"use {function.__name__}")
        printed = io.StringIO()
        sys.setprofile(note)
        try:
            with contextlib.redirect_stdout(printed):
                made = function()
        finally:
            sys.setprofile(None)
        given[function.__name__] = [plain(made), printed.getvalue()]
    public = {name: getattr(lecture_helpers, name) for name in lecture_helpers.__all__}
    used = [name for name, thing in public.items() if was_used(thing, ran, plain.met)]
    return {"given": given, "used": used, "peaks": PEAKS}


def was_used(thing, ran, met) -> bool:
    """Return whether a public function ran, or an object of a public class was made or met."""
    if isinstance(thing, type):
        makers = [getattr(maker, "__code__", None) for maker in (thing.__init__, thing.__new__)]
        return thing in met or not ran.isdisjoint(makers)
    return inspect.unwrap(thing).__code__ in ran if callable(thing) else type(thing) in met
