"""What the tests of every lecture's exercises share."""

import ast
import math
import re
from pathlib import Path

import nbformat
import torch

from lecture_helpers import device

ROOT = Path(__file__).resolve().parent.parent
PYTHON = re.compile(r"```python\n(.*?)```", re.S)
OF_A_FUNCTION = re.compile(r"Not yet\. Case \d+ of \d+, \w+(\(x\))? = ")
OF_A_SORTING = re.compile(
    r"Not yet\. Case \d+ of \d+, .+: "
    r"(you wrote .+, and that is not what happens|you wrote .+; expected one of .+"
    r"|it is not answered yet|it is gone from your answer; keep the names .+)"
    r"\. \d+ of \d+ are right\."
)
OF_A_DERIVATION = re.compile(
    r"Not yet\. Step \d+ of \d+, .+: you wrote .+; expected "
    r"(something else|a list|no list|numbers or None, without quotes)\..*"
)


def solution(root, notebook, name, **more):
    """What the folded solution of a notebook binds to ``name``, run as the learner would.

    ``more`` are further names that the notebook's cells know there.
    """
    for cell in nbformat.read(root / "notebooks" / notebook, as_version=4).cells:
        if "solution" in cell.metadata.get("tags", []):
            for code in PYTHON.findall(cell.source):
                if binds(code, name):
                    return run(code, more)[name]
    raise AssertionError(f"no solution of {notebook} holds {name}")


def stub(root, notebook, name, **more):
    """What the stub of an exercise binds to ``name`` while nobody has answered."""
    for cell in nbformat.read(root / "notebooks" / notebook, as_version=4).cells:
        if cell.id.endswith("-stub") and binds(cell.source, name):
            return run(cell.source, more)[name]
    raise AssertionError(f"no stub of {notebook} holds {name}")


def solved(lecture, name, root=ROOT):
    """The solution of one exercise of a test module; its ``KNOWN``, where it has one, are the
    further names that the notebook's cells know there."""
    return solution(root, lecture.NOTEBOOK, name, **getattr(lecture, "KNOWN", {}))


def binds(code, name) -> bool:
    """Whether a piece of code defines a function or assigns a variable of that name."""
    for line in ast.parse(code).body:
        targets = getattr(line, "targets", [getattr(line, "target", None)])
        stored = [one for target in targets if target for one in ast.walk(target)]
        names = {one.id for one in stored if isinstance(one, ast.Name) and stores(one)}
        if name in names | {getattr(line, "name", None)}:
            return True
    return False


def stores(name) -> bool:
    """Whether a name stands where something is bound to it."""
    return isinstance(name.ctx, ast.Store)


def run(code, more) -> dict:
    """The names after a piece of code ran."""
    space = {"device": device, "math": math, "torch": torch, **more}
    exec(code, space)
    return space


def assert_rejected(verdict):
    """A wrong answer is told which case it misses, what came and what was expected.

    A sorting is told the word instead, and how many are right: what is right stays untold.
    A derivation is told its first wrong step.
    """
    assert verdict.passed is False
    if any(form.fullmatch(verdict.message) for form in (OF_A_SORTING, OF_A_DERIVATION)):
        return
    assert OF_A_FUNCTION.match(verdict.message), verdict
    assert "expected" in verdict.message or "raised" in verdict.message
