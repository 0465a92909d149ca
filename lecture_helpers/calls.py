"""Every call of torch in a block: where the caller made it, what it made and changed.

``Calls`` works through a ``TorchFunctionMode``, which changes no graph. It sees the calls
of the thread that entered it, and of those that torch's own Python functions make the
outermost only. It never reads a ``grad_fn``: a chain of 60,000 steps whose nodes Python
has all seen kills the interpreter when it is dropped (see walk.py).
"""

import sys
from typing import NamedTuple

import torch
from torch.overrides import TorchFunctionMode, handle_torch_function

from .changes import Change, Changes, version_of
from .made import Made
from .names import name_among, namespaces_of, tensors_in
from .source import Place, is_the_callers, place_of

MOST_PLACES = 5000  # a program that compiles code in a loop makes ever more
ELSEWHERE = Place("", 0)
DATA_SET = ".data ="
TENSOR_ATTRIBUTES = {"data", "T", "mT", "H", "mH", "real", "imag"}  # that give a new tensor
CUSTOM_FUNCTION, BACKWARD = "a custom Function", "a backward"
CLOSED = {
    id(torch.autograd.Function.apply.__func__.__code__): CUSTOM_FUNCTION,
    id(torch.autograd.function.BackwardCFunction.apply.__code__): BACKWARD,
    id(torch.autograd.graph._engine_run_backward.__code__): BACKWARD,
}
CLOSED_PACKAGES = {"torch._functorch": "torch.func", "torch.jit": "torch.jit"}
_OVERRIDES = id(handle_torch_function.__code__)
_sequence_nr = torch.autograd._get_sequence_nr


class Caller(NamedTuple):
    """Who makes a call.

    place: in the caller's program; ``ELSEWHERE`` where there is none.
    direct: whether that place calls torch's function itself, so that its value is the result.
    begins: whether the evaluation of that place begins with this call.
    closed: what hides the call from the caller ("a custom Function"); None where nothing.
    custom_functions: how many of them stand between.
    """

    place: Place
    direct: bool = False
    begins: bool = True
    closed: str | None = None
    custom_functions: int = 0


class Call(NamedTuple):
    """One call that was followed. It holds tensors: drop it soon.

    tracked: whether any tensor among its arguments requires grad.
    raised: the class of what it raised, None where it returned.
    """

    number: int
    caller: Caller
    name: str
    given: list
    tracked: bool
    result: object
    raised: str | None = None


class Calls:
    """Follows the calls in a block; ``made`` and ``changes`` are what it wrote down.

    Args:
        seen: is called with each ``Call`` and the frame of its caller (or None).
    """

    def __init__(self, seen):
        self.made, self.changes = Made(), Changes()
        self.count = self.missed = 0
        self._seen = seen
        self._mode = self._block = None
        self._places, self._codes = {}, {}

    def open(self, frame) -> None:
        """Begin to follow the calls of this thread, for a block in a frame."""
        self._block = id(frame)  # compared while the block, and so the frame, is running
        self.made.begins(_sequence_nr())
        self._mode = _Mode(self)
        self._mode.__enter__()

    def close(self) -> None:
        """Follow no more."""
        mode, self._mode = self._mode, None
        mode.__exit__(None, None, None)

    def run(self, frame, func, args, kwargs):
        """Run a call that was made below a frame; return what it returns."""
        name = call_name(func)
        if name is None:
            return func(*args, **kwargs)
        given = _given(args, kwargs)
        with torch._C.DisableTorchFunctionSubclass():
            before = [version_of(tensor) for tensor in given]
            tracked = any(tensor.requires_grad for tensor in given)
        start = _sequence_nr()
        result = raised = call = callers = None
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            raised = type(error).__name__
            raise
        finally:
            end = _sequence_nr()
            self.count += 1
            try:
                with torch._C.DisableTorchFunctionSubclass():
                    caller, callers = self._caller(frame)
                    call = Call(self.count, caller, name, given, tracked, result, raised)
                    self._note_made(call, start, end)
                    self._note_changes(call, before, args, kwargs, callers)
                    self._seen(call, callers)
            except Exception:  # an odd tensor or object of the learner's
                self.missed += 1
            del frame, callers, call  # an exception keeps this frame, and it would keep them
        return result

    def _note_made(self, call, start, end):
        """Note the range of nodes that a call made.

        A custom Function takes its number before its inside runs: it stands in the gap
        before the first call inside.
        """
        gap = start - self.made.last()
        if call.caller.custom_functions:
            start -= min(gap, call.caller.custom_functions)
        if end > start:
            self.made.add(start, end, call.number, call.caller.place)

    def _note_changes(self, call, before, args, kwargs, frame):
        if call.name == "data" and call.result is not None:
            self.changes.data_read(call.result)
        else:
            self.changes.passed_on(call.given, list(_tensors(call.result)))
        for nr, tensor in enumerate(call.given):
            after = version_of(tensor)
            exchanged = call.name == DATA_SET and nr == 0
            if after == before[nr] and not exchanged or before[nr] is None:
                continue
            name = _written(call.caller, tensor, args, kwargs) or _looked_up(tensor, frame)
            slips = exchanged or self.changes.slips(tensor)
            source = call.caller.place.source
            change = Change(source, call.name, name, before[nr], after, slips)
            self.changes.add(change, call.number, tensor)

    def _caller(self, frame):
        """Return who called, and the frame of the caller's that did (or None)."""
        mine = closed = above = None
        between, custom_functions, below = [], 0, None
        while frame is not None:
            is_callers, closes = self._kind(frame)
            if closes:
                mine, closed = None, closes
                custom_functions += closes is CUSTOM_FUNCTION
            if mine is None and is_callers:
                mine, above = frame, below
            elif mine is None:
                between.append(id(frame.f_code))
            if id(frame) == self._block:
                break
            below, frame = frame, frame.f_back
        if mine is None:
            return Caller(ELSEWHERE, closed=closed, custom_functions=custom_functions), None
        direct = not between or (len(between) == 2 and between[0] == _OVERRIDES)
        begins = direct or _is_new(above)
        place = self._place(mine)
        return Caller(place, direct and not closed, begins, closed, custom_functions), mine

    def _kind(self, frame) -> tuple:
        """Tell whether a frame is the caller's, and what it closes to the caller's eyes."""
        code = frame.f_code
        known = self._codes.get(id(code))
        if known is None:
            if len(self._codes) > MOST_PLACES:
                self._codes.clear()
            known = self._codes[id(code)] = is_the_callers(frame), _closes(frame), code
        return known[:2]

    def _place(self, frame) -> Place:
        key = id(frame.f_code), frame.f_lasti
        if key not in self._places:
            if len(self._places) >= MOST_PLACES:
                return ELSEWHERE
            self._places[key] = place_of(frame), frame.f_code  # held, or its id comes again
        return self._places[key][0]


class _Mode(TorchFunctionMode):
    def __init__(self, calls):
        super().__init__()
        self._calls = calls

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if torch.compiler.is_compiling():  # what dynamo traces must hold nothing of ours
            return func(*args, **kwargs)
        return self._calls.run(sys._getframe(1), func, args, kwargs)


def _closes(frame) -> str | None:
    name = str(frame.f_globals.get("__name__"))
    package = next((one for one in CLOSED_PACKAGES if f"{name}.".startswith(f"{one}.")), None)
    return CLOSED.get(id(frame.f_code)) or CLOSED_PACKAGES.get(package)


def _is_new(frame) -> bool:
    """Tell whether a frame of a library is met for the first time, and remember it.

    A finished frame's address comes again, and to hold the frame would hold its tensors.
    So a flag of the frame itself is used that nothing but a debugger reads.
    """
    new = frame.f_trace_lines
    frame.f_trace_lines = False
    return new


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
    found = {id(tensor): tensor for tensor in _tensors((*args, *kwargs.values()))}
    return list(found.values())


def _tensors(thing):
    """Yield the tensors in what a call was given or returned."""
    if isinstance(thing, torch.Tensor):
        yield thing
    else:
        for held in tensors_in(thing):
            yield held.tensor


def _written(caller, tensor, args, kwargs) -> str | None:
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


def _looked_up(tensor, frame) -> str | None:
    return None if frame is None else name_among(tensor, namespaces_of(frame))
