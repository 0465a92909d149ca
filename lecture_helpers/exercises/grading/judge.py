"""The grader's part inside the learner's kernel: it checks answers with its own copies.

It is imported before the learner's first cell, with all modules of checks, and then taken
out of ``sys.modules``: what a notebook imports and changes is another copy.
"""

import builtins
import contextlib
import io
import json
import math
import os
import sys

import torch

from ...errors import told
from ..registry import exercises_of

PACKAGE = __name__.partition(".")[0]
# What a check calls besides. A notebook may have replaced a function there.
GUARDED = (builtins, math, torch, torch.autograd, torch.Tensor)
SOLVED, WRONG, NOT_ANSWERED, ERROR = "solved", "wrong", "not answered", "error"
STATUS = {True: SOLVED, False: WRONG, None: NOT_ANSWERED}
LONGEST = 2000  # characters of a message
ABSENT = object()


def begin(name: str, token: str, folder: str) -> None:
    """Put a judge at ``sys.modules[name]``, and hide the modules that it works with.

    token: goes with each verdict, so that the grader knows it from one that the notebook wrote.
    folder: where verdicts are written.
    """
    from IPython import get_ipython

    checks = {one.number: one.check for one in exercises_of()}
    own = {module: sys.modules.pop(module) for module in _of_package()}
    sys.stdout = sys.stderr = _Nowhere()
    sys.modules[name] = _Judge(token, folder, checks, own, get_ipython().user_ns)


class _Nowhere(io.TextIOBase):
    """Where prints go. Nobody reads them, and printing without end must not fill memory."""

    encoding = "utf-8"

    def write(self, text):
        return len(text)

    def __setattr__(self, name, value):
        """Keep ``write``: IPython would put one in its place that keeps all that is printed."""


class _Judge:
    def __init__(self, token, folder, checks, own, names):
        self._token, self._folder, self._checks = token, folder, checks
        self._own, self._names = own, names
        self._kept = [
            (owner, name, value)
            for owner in GUARDED
            for name in dir(owner)
            if callable(value := vars(owner).get(name, ABSENT)) or value is ABSENT  # inherited
        ]

    def judge(self, request, number, answer):
        """Check an answer, given as a Python expression; without a number only say that it can."""
        os.getcwd()  # a notebook may have deleted its folder
        said = self._verdict(number, answer) if number else {}
        text = json.dumps({"token": self._token, **said})
        path = os.path.join(self._folder, f"{request}.json")
        with open(path, "x", encoding="ascii") as file:
            file.write(text)

    def _verdict(self, number, answer) -> dict:
        try:
            given = eval(answer, self._names)
        except Exception as error:
            return _told(ERROR, told(error), unbound=isinstance(error, NameError))
        try:
            with self._own_modules(), _put_back(self._kept):
                verdict = self._checks[number](given)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return _told(ERROR, f"the check raised {told(error)}")
        return _told(STATUS[verdict.passed], verdict.message)

    @contextlib.contextmanager
    def _own_modules(self):
        """Let imports inside a check find the grader's modules."""
        theirs = {name: sys.modules.pop(name) for name in _of_package()}
        sys.modules.update(self._own)
        try:
            yield
        finally:
            self._own = {name: sys.modules.pop(name) for name in _of_package()}
            sys.modules.update(theirs)


@contextlib.contextmanager
def _put_back(kept):
    """Put functions back that the notebook replaced; after the block it has its own again."""
    changed = [
        (owner, name, vars(owner).get(name, ABSENT), right)
        for owner, name, right in kept
        if vars(owner).get(name, ABSENT) is not right
    ]
    for owner, name, _, right in changed:
        _set(owner, name, right)
    try:
        yield
    finally:
        for owner, name, theirs, _ in changed:
            _set(owner, name, theirs)


def _set(owner, name, value):
    delattr(owner, name) if value is ABSENT else setattr(owner, name, value)


def _of_package() -> list:
    return [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]


def _told(status, message, **more) -> dict:
    return {"status": status, "message": str(message)[:LONGEST], **more}
