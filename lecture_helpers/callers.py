"""Who makes a call of torch: a place in the caller's program, and the frames that led there."""

from typing import NamedTuple

import torch
from torch.overrides import handle_torch_function

from .source import Place, is_the_callers, package_of, place_of

MOST_PLACES = 5000  # a program that compiles code in a loop makes ever more
ELSEWHERE = Place("", 0)
CALLERS, HELPERS, LIBRARY = "the caller's", "a helper's", "a library's"
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}
CUSTOM_FUNCTION, TORCH_FUNC, TORCH_JIT = "a custom Function", "torch.func", "torch.jit"
COMPILED = "compiled code"
CLOSED_PACKAGES = {"torch._functorch": TORCH_FUNC, "torch.jit": TORCH_JIT}
# From torch 2.14 on it is built in: no frame of its own stands above what it runs.
_APPLY = getattr(getattr(torch.autograd.Function.apply, "__func__", None), "__code__", None)
_RUN_BY_APPLY = "forward", "setup_context", "jvp"
_OVERRIDES = id(handle_torch_function.__code__)
_transforms_active = getattr(torch._C, "_are_functorch_transforms_active", lambda: True)


class Caller(NamedTuple):
    """Who makes a call.

    place: in the caller's program; ``ELSEWHERE`` where there is none.
    part: what tells the places of a program apart that a call comes from.
    direct: whether that place calls torch's function itself, so that its value is the result.
    begins: whether the evaluation of that place begins with this call.
    frames: the caller's frames, the innermost first, up to that of the block. A
        comprehension counts to the frame that it stands in.
    closed: what hides the call from the caller ("a custom Function"); None where nothing.
    custom_functions: how many of them stand between.
    """

    place: Place = ELSEWHERE
    part: tuple = ()
    direct: bool = False
    begins: bool = True
    frames: list = []
    closed: str | None = None
    custom_functions: int = 0


class Callers:
    """Finds who makes a call, for a block in a frame of the caller's.

    transparent: the file of the code that stands around the calls and is nobody's.
    """

    def __init__(self, frame, transparent):
        self._block = id(frame)  # compared while the block, and so the frame, is running
        self._transparent = transparent
        self._places, self._codes = {}, {}

    def of(self, frame) -> Caller | None:
        """Return who called; None where it was a helper of this package."""
        innermost = closed = below = above = None
        frames, between, custom_functions = [], [], 0
        transforms = _transforms_active()
        while frame is not None:
            kind, closes = self._kind(frame)
            if closes and (closes != TORCH_FUNC or transforms):
                innermost, frames, closed = None, [], closes
                custom_functions += closes == CUSTOM_FUNCTION
            if kind is CALLERS:
                if innermost is None:
                    innermost, above = frame, below
                if frame.f_code.co_name not in COMPREHENSIONS:
                    frames.append(frame)
            elif innermost is None and kind is HELPERS:
                return None
            elif innermost is None and kind is LIBRARY:
                between.append(id(frame.f_code))
            if id(frame) == self._block:
                break
            below, frame = frame, frame.f_back
        if innermost is None:
            return Caller(closed=closed, custom_functions=custom_functions)
        place = self.place(innermost)
        wrapped = len(between) == 2 and between[0] == _OVERRIDES
        direct = not closed and (not between or wrapped)
        begins = direct or above is None or _is_new(above)
        part = id(innermost.f_code), innermost.f_lasti
        return Caller(place, part, direct, begins, frames, closed, custom_functions)

    def place(self, frame) -> Place:
        """Return where a frame of the caller's stands."""
        key = id(frame.f_code), frame.f_lasti
        if key not in self._places:
            if len(self._places) >= MOST_PLACES:
                return ELSEWHERE
            self._places[key] = place_of(frame), frame.f_code  # held, or its id comes again
        return self._places[key][0]

    def _kind(self, frame) -> tuple:
        """Tell whose a frame is, and what it closes to the caller's eyes."""
        code = frame.f_code
        known = self._codes.get(id(code))
        if known is None:
            if len(self._codes) > MOST_PLACES:
                self._codes.clear()
            closes = _closes(frame)
            whose = LIBRARY if closes == CUSTOM_FUNCTION else self._whose(frame)
            known = self._codes[id(code)] = whose, closes, code
        return known[:2]

    def _whose(self, frame) -> str | None:
        if frame.f_code.co_filename == self._transparent:
            return None
        if is_the_callers(frame):
            return CALLERS
        return HELPERS if package_of(frame) == __package__ else LIBRARY


def _closes(frame) -> str | None:
    if frame.f_code is _APPLY or (_APPLY is None and _is_run_by_apply(frame.f_code)):
        return CUSTOM_FUNCTION
    if frame.f_code.co_filename.startswith("<eval_with_key>"):  # what torch.fx wrote
        return COMPILED
    name = f"{frame.f_globals.get('__name__')}."
    if name == "torch._dynamo.eval_frame." and frame.f_code.co_name == "compile_wrapper":
        return COMPILED
    closed = (what for package, what in CLOSED_PACKAGES.items() if name.startswith(f"{package}."))
    return next(closed, None)


def _is_run_by_apply(code) -> bool:
    """Tell whether this is the code of a method that ``apply`` of a custom Function runs.

    The class of a method that is running is alive, so all classes alive are asked.
    """
    waiting = [torch.autograd.Function]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        methods = (getattr(kind, name, None) for name in _RUN_BY_APPLY)
        if any(getattr(method, "__code__", None) is code for method in methods):
            return True
    return False


def _is_new(frame) -> bool:
    """Tell whether a frame of a library is met for the first time, and remember it.

    A finished frame's address comes again, and to hold the frame would hold its tensors.
    So a flag of the frame itself is used that nothing but a debugger reads.
    """
    new = frame.f_trace_lines
    frame.f_trace_lines = False
    return new
