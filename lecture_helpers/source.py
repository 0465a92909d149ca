"""The statement of the caller's program that is running, as its source says it."""

import ast
import functools
import linecache
import os
import sys
from collections import Counter
from typing import NamedTuple

NOT_THE_CALLERS = {"torch", "lecture_helpers"}
STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
WITH = (ast.With, ast.AsyncWith)
SOURCES_KEPT = 4  # a notebook's backward calls stand in one or two cells


class Place(NamedTuple):
    """Where in the caller's program something is being evaluated.

    file, line: of the statement; the line is the statement's first.
    source: the statement on one line; None where there is no source.
    end_line: the statement's last line.
    expression: the part of the statement that is evaluated, on one line; None where it
        is not known.
    function: the last word of what the part calls (``exp`` of ``x.exp()``); None where the
        part is no call.
    binds: the names that the statement gives to the value of that part, in order: one, or
        several where it takes a sequence apart (None for what is no name).
    targets: all plain names that the statement gives to something.
    writes: what the caller calls the tensors that the part reads: by their place among
        the arguments of a call, by their keyword, and under -1 what a method, an index or
        an assignment in place is applied to.
    """

    file: str
    line: int
    source: str | None = None
    end_line: int = 0
    expression: str | None = None
    function: str | None = None
    binds: tuple = ()
    targets: tuple = ()
    writes: dict = {}

    @property
    def statement(self) -> tuple:
        """What tells statements apart."""
        return self.file, self.line, self.source


def running_statement(thread: int) -> str | None:
    """Return the innermost statement outside torch and this package that led here.

    Args:
        thread: the thread to look at where the running one has no such statement. The
            engine runs the hooks of a CUDA tensor on threads of its own.

    A statement over several lines comes back on one. None where there is no source, as
    under ``python -c``. No frame is kept.
    """
    frame = callers_frame(sys._getframe()) or callers_frame(sys._current_frames().get(thread))
    return None if frame is None else place_of(frame).source


def is_the_callers(frame) -> bool:
    """Tell whether a frame runs the caller's code: not torch's, this package's or Python's."""
    return package_of(frame) not in NOT_THE_CALLERS and not _is_installed(frame.f_code.co_filename)


def package_of(frame) -> str:
    """Return the top-level package of the module whose code a frame runs."""
    return str(frame.f_globals.get("__name__")).partition(".")[0]


@functools.lru_cache(maxsize=1000)
def _is_installed(filename) -> bool:
    if filename.startswith("<frozen "):
        return True
    return filename.startswith(STANDARD_LIBRARY) or any(part in filename for part in INSTALLED)


def callers_frame(frame):
    """Return the first frame, from here upwards, that is the caller's; None without one."""
    while frame is not None and not is_the_callers(frame):
        frame = frame.f_back
    return frame


def place_of(frame) -> Place:
    """Return where a frame of the caller's stands. Nothing of the frame is kept."""
    code = frame.f_code
    lines = _lines(frame)
    line, end_line, column, end_column = list(code.co_positions())[frame.f_lasti // 2]
    try:
        span = (line, column), (end_line, end_column)
        place = _place("".join(lines), code.co_filename, span)
    except Exception:  # a notebook's own syntax, a source that changed or nests too deep
        place = None
    if place is not None:
        return place
    here = lines[frame.f_lineno - 1].strip() if frame.f_lineno <= len(lines) else ""
    return Place(code.co_filename, frame.f_lineno, here or None)


def _lines(frame) -> list:
    linecache.checkcache(frame.f_code.co_filename)
    return linecache.getlines(frame.f_code.co_filename, frame.f_globals)


def _place(source, file, span) -> Place | None:
    """Return the innermost statement, or body of a lambda, around a place in a source.

    Columns count bytes, as ``ast`` does. A place is needed, not only a line: one
    line may hold several statements, and Python counts a call that is written over
    several lines to the line of its last part.
    """
    found = None
    for node in _parsed(source):
        if _start(node) <= span[0] < _end(node):
            found = node
    if found is None:
        return None
    part = _part(found, span)
    return Place(
        file,
        found.lineno,
        _on_one_line(source, found),
        found.end_lineno,
        _on_one_line(source, part) if _is_value(part) else None,
        _called(part),
        _binds(found, part),
        _targets(found),
        _writes(part),
    )


def _start(node) -> tuple:
    return node.lineno, node.col_offset


def _end(node) -> tuple:
    return node.end_lineno, node.end_col_offset


def _on_one_line(source, node) -> str | None:
    if node.lineno == node.end_lineno:
        return ast.get_source_segment(source, node)
    return ast.unparse(node).splitlines()[0]


def _part(statement, span):
    """Return the part of a statement that stands at a place; None where it is not found.

    Python 3.11 begins a call written over several lines at the name of its method, so
    there the end alone decides.
    """
    ends_here = [
        node for node in ast.walk(statement) if hasattr(node, "lineno") and _end(node) == span[1]
    ]
    exact = [node for node in ends_here if _start(node) == span[0]]
    calls = [node for node in ends_here if isinstance(node, ast.Call) and _start(node) < span[0]]
    return (exact or calls[-1:] or [None])[-1]


def _is_value(part) -> bool:
    """Tell whether a part has a value; a target of an assignment has none."""
    if isinstance(part, ast.AugAssign):
        return True
    return isinstance(part, ast.expr) and not isinstance(getattr(part, "ctx", None), ast.Store)


def _binds(statement, part) -> tuple:
    """Return the names that a statement gives to the value of one of its parts."""
    if isinstance(part, (ast.Tuple, ast.List)) and isinstance(part.ctx, ast.Store):
        return tuple(map(_path, part.elts))  # a tensor that is taken apart
    if isinstance(part, ast.AugAssign):
        return (_path(part.target),)
    for node in ast.walk(statement):
        if isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is part:
            return (_path(node.target),)
    if not isinstance(statement, ast.Assign) or statement.value is not part:
        return ()
    target = next((one for one in statement.targets if _path(one)), statement.targets[0])
    if isinstance(target, (ast.Tuple, ast.List)):
        whole = len(target.elts) > 1 and not _starred(target.elts)
        return tuple(map(_path, target.elts)) if whole else ()
    return (_path(target),)


def _targets(statement) -> tuple:
    """Return the plain names that a statement gives to something."""
    if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For)):
        return ()
    targets = getattr(statement, "targets", None) or [statement.target]
    names = (node.id for target in targets for node in ast.walk(target)
             if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))  # fmt: skip
    return tuple(dict.fromkeys(names))


def _called(part) -> str | None:
    """Return the last word of what a call calls."""
    if not isinstance(part, ast.Call):
        return None
    return getattr(part.func, "attr", None) or getattr(part.func, "id", "")


def _starred(nodes) -> bool:
    return any(isinstance(node, ast.Starred) for node in nodes)


def _writes(part) -> dict:
    """Return what the caller calls the tensors of a call, see ``Place``."""
    if isinstance(part, ast.AugAssign):
        return {-1: _path(part.target)}
    if isinstance(part, (ast.Subscript, ast.Attribute)):
        return {-1: _path(part.value)}
    if not isinstance(part, ast.Call):
        return {}
    told = {keyword.arg: _path(keyword.value) for keyword in part.keywords if keyword.arg}
    if not _starred(part.args):
        told.update(enumerate(map(_path, part.args)))
    if isinstance(part.func, ast.Attribute):
        told[-1] = _path(part.func.value)
    return told


def _path(node) -> str | None:
    """Return ``h``, ``self.h``, ``h[0]`` or ``h.data`` as text; None for what is no name."""
    inner = node
    while isinstance(inner, (ast.Attribute, ast.Subscript)):
        inner = inner.value
    return ast.unparse(node) if isinstance(inner, ast.Name) else None


def assigned_once(frame, block: Place) -> list:
    """Return the assignments of what a call returns that a ``with`` block always runs.

    A list of ``Place``, each with one name in ``targets`` that the block assigns nowhere
    else, so that after the block the name tells what the statement made.
    """
    source = "".join(_lines(frame))
    try:
        blocks = [node for node in _parsed(source)
                  if isinstance(node, WITH) and node.lineno == block.line]  # fmt: skip
    except Exception:  # a notebook's own syntax
        return []
    found = []
    for outer in blocks[:1]:
        count = Counter(
            node.id
            for node in ast.walk(outer)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )
        for node in _always_run(outer):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Name) and count[target.id] == 1 and _calls(node.value):
                said = _on_one_line(source, node)
                place = Place(block.file, node.lineno, said, node.end_lineno)
                found.append(place._replace(targets=(target.id,), function=_called(node.value)))
    return found


def _always_run(block):
    for node in block.body:
        if isinstance(node, WITH):
            yield from _always_run(node)
        else:
            yield node


def _calls(value) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(value))


@functools.lru_cache(maxsize=SOURCES_KEPT)
def _parsed(source) -> list:
    """Return the statements and the bodies of lambdas in a source, outer ones first."""
    nodes = list(ast.walk(ast.parse(source)))
    bodies = {id(node.body) for node in nodes if isinstance(node, ast.Lambda)}
    return [node for node in nodes if isinstance(node, ast.stmt) or id(node) in bodies]
