"""The statement of the caller's program that is running, as its source says it."""

import ast
import functools
import linecache
import os
import sys
from typing import NamedTuple

NOT_THE_CALLERS = {"torch", "lecture_helpers"}
STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
SOURCES_KEPT = 4  # a notebook's backward calls stand in one or two cells


class Place(NamedTuple):
    """Where in the caller's program something is being evaluated.

    file, line: of the statement; the line is the statement's first.
    source: the statement on one line; None where there is no source.
    expression: the part of the statement that is evaluated, on one line; None where it
        is not known.
    binds: the names that the statement gives to the value of that part, in order: one, or
        several where it takes a sequence apart (None for what is no plain name).
    writes: what the caller calls the tensors that the part reads, by their place among
        the arguments of the call (-1 is the target of an assignment, a keyword its name).
    """

    file: str
    line: int
    source: str | None = None
    expression: str | None = None
    binds: tuple = ()
    writes: dict = {}


def running_statement(thread: int) -> str | None:
    """Return the innermost statement outside torch and this package that led here.

    Args:
        thread: the thread to look at where the running one has no such statement. The
            engine runs the hooks of a CUDA tensor on threads of its own.

    A statement over several lines comes back on one. None where there is no source, as
    under ``python -c``. No frame is kept.
    """
    frame = _callers(sys._getframe()) or _callers(sys._current_frames().get(thread))
    return None if frame is None else place_of(frame).source


def is_the_callers(frame) -> bool:
    """Tell whether a frame runs the caller's code: not torch's, this package's or Python's."""
    if str(frame.f_globals.get("__name__")).partition(".")[0] in NOT_THE_CALLERS:
        return False
    return not _is_installed(frame.f_code.co_filename)


@functools.lru_cache(maxsize=1000)
def _is_installed(filename) -> bool:
    if filename.startswith("<frozen "):
        return True
    return filename.startswith(STANDARD_LIBRARY) or any(part in filename for part in INSTALLED)


def _callers(frame):
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
        None if part is None else _on_one_line(source, part),
        _binds(found, part),
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
        return () if _starred(target.elts) else tuple(map(_path, target.elts))
    return (_path(target),)


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


@functools.lru_cache(maxsize=SOURCES_KEPT)
def _parsed(source) -> list:
    """Return the statements and the bodies of lambdas in a source, outer ones first."""
    nodes = list(ast.walk(ast.parse(source)))
    bodies = {id(node.body) for node in nodes if isinstance(node, ast.Lambda)}
    return [node for node in nodes if isinstance(node, ast.stmt) or id(node) in bodies]
