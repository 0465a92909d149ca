"""Every call of torch in a block: where the caller made it, what it made and changed.

``Calls`` works through a ``TorchFunctionMode``, which changes no graph. It sees the calls
of the thread that entered it, and of those that torch's own Python functions make the
outermost only. It never reads a ``grad_fn``: a chain of 60,000 steps whose nodes Python
has all seen kills the interpreter when it is dropped (see walk.py).
"""

import sys
from typing import NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from .callers import Caller, Callers
from .changes import Change, Changes, written
from .made import Made
from .names import name_among, namespaces_of, tensors_among
from .versions import counter

DATA_SET = ".data ="
TENSOR_ATTRIBUTES = {"data", "T", "mT", "H", "mH", "real", "imag"}  # that give a new tensor
_sequence_nr = torch.autograd._get_sequence_nr


class Call(NamedTuple):
    """One call that was followed. It holds tensors and frames: drop it soon.

    given: the tensors among its arguments, each once.
    tracked: whether any of them requires grad.
    changed: those that were written to.
    made: how many engine nodes were made.
    raised: the class of what it raised, None where it returned.
    """

    number: int
    caller: Caller
    name: str
    args: tuple
    kwargs: dict
    given: list
    tracked: bool
    changed: list
    made: int
    result: object
    raised: str | None = None


class Calls:
    """Follows the calls in a block; ``made`` and ``changes`` are what it wrote down."""

    def __init__(self):
        self.made, self.changes = Made(), Changes()
        self.count = self.missed = 0
        self._seen = self._mode = self.callers = None

    def open(self, frame, seen) -> None:
        """Begin to follow the calls of this thread, for a block in a frame of the caller's.

        Args:
            seen: is called with each ``Call``.
        """
        self._seen = seen
        self.callers = Callers(frame, __file__)
        self.made.begins(_sequence_nr())
        self._mode = _Mode(self)
        self._mode.__enter__()

    def close(self) -> None:
        """Follow no more."""
        mode, self._mode = self._mode, None
        mode.__exit__(None, None, None)
        mode.calls = None  # should it still be on torch's stack, it follows nothing
        self._seen = self.callers = None

    def run(self, frame, func, args, kwargs):
        """Run a call that was made below a frame; return what it returns."""
        __tracebackhide__ = True  # IPython and pytest leave this frame out of the learner's
        before = self._before(frame, func, args, kwargs)
        if before is None:
            return func(*args, **kwargs)
        result = raised = None
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            raised = type(error).__name__
            raise
        finally:
            self._after(before, args, kwargs, result, raised)
            del frame, before  # an exception keeps this frame, which would keep what they hold
        return result

    def _before(self, frame, func, args, kwargs):
        """Return what is to be known before a call; None for one that is not followed."""
        name = call_name(func)
        if name is None:
            return None
        try:
            caller = self.callers.of(frame)
            given = [] if caller is None else _given(args, kwargs)
            with torch._C.DisableTorchFunctionSubclass():
                versions = [counter(tensor) for tensor in given]
                tracked = any(tensor.requires_grad for tensor in given)
        except Exception:  # an odd object of the learner's
            self.missed += 1
            return None
        return None if caller is None else (caller, name, given, versions, tracked, _sequence_nr())

    def _after(self, before, args, kwargs, result, raised):
        """Write down what a call made and changed."""
        caller, name, given, versions, tracked, start = before
        end = _sequence_nr()
        self.count += 1
        try:
            with torch._C.DisableTorchFunctionSubclass():
                pairs = zip(given, versions, map(counter, given))
                changed = written(pairs, kwargs.get("out"))
                if name == DATA_SET and given and not changed:
                    changed = [(given[0], versions[0] or 0, versions[0] or 0)]
                tensors = [one for one, _, _ in changed]
                call = Call(self.count, caller, name, args, kwargs, given, tracked, tensors,
                            end - start, result, raised)  # fmt: skip
                self._note_made(call, start, end)
                self._note_changes(call, changed, args, kwargs)
                self._seen(call)
        except Exception:  # an odd tensor or object of the learner's
            self.missed += 1

    def _note_made(self, call, start, end):
        """Note the range of nodes that a call made.

        A custom Function takes its number before its inside runs: it stands in the gap
        before the first call inside.
        """
        if call.caller.custom_functions:
            start -= min(start - self.made.last(), call.caller.custom_functions)
        if end > start:
            self.made.add(start, end, call.number, call.caller.place)

    def _note_changes(self, call, changed, args, kwargs):
        if call.name == "data" and call.result is not None:
            self.changes.data_read(call.result)
        else:
            self.changes.passed_on(call.given, list(tensors_among(call.result)))
        for tensor, old, new in changed:
            name = written_name(call.caller, tensor, args, kwargs)
            if name is None and call.caller.frames:
                name = name_among(tensor, namespaces_of(call.caller.frames[0]))
            slips = call.name == DATA_SET or self.changes.slips(tensor)
            change = Change(call.caller.place.source, call.name, name, old, new, slips)
            self.changes.add(change, call.number, tensor)


class _Mode(TorchFunctionMode):
    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def __torch_function__(self, func, types, args=(), kwargs=None):
        __tracebackhide__ = True
        kwargs = kwargs or {}
        if torch.compiler.is_compiling() or self.calls is None:  # dynamo must trace nothing of ours
            return func(*args, **kwargs)
        return self.calls.run(sys._getframe(1), func, args, kwargs)


def call_name(func) -> str | None:
    """Return the plain name of a torch function; None for an attribute that is no tensor."""
    name = getattr(func, "__name__", None) or type(func).__name__
    if name not in ("__get__", "__set__", "__delete__"):
        return name
    owner = getattr(func, "__self__", None)
    attribute = getattr(owner, "__name__", None) or getattr(
        getattr(owner, "fget", None), "__name__", ""
    )
    if name == "__get__":
        return attribute if attribute in TENSOR_ATTRIBUTES else None
    return f".{attribute} =" if name == "__set__" else None


def _given(args, kwargs) -> list:
    """Return each tensor among the arguments of a call once."""
    found = {id(tensor): tensor for tensor in tensors_among((*args, *kwargs.values()))}
    return list(found.values())


def written_name(caller, tensor, args, kwargs) -> str | None:
    """Return what the caller's own statement calls an argument of a call."""
    told = caller.place.writes
    if not caller.direct or not told:
        return None
    for keyword, value in kwargs.items():
        if value is tensor:
            return told.get(keyword)
    place = next((nr for nr, value in enumerate(args) if value is tensor), None)
    if place is None:
        return None
    written = sum(isinstance(key, int) and key >= 0 for key in told)
    return told.get(place if len(args) == written else place - 1)
