"""The statement of the caller's program that is running, as its source says it."""

import ast
import functools
import linecache
import sys

NOT_THE_CALLERS = {"torch", "lecture_helpers"}
SOURCES_KEPT = 4  # a notebook's backward calls stand in one or two cells


def running_statement(thread: int) -> str | None:
    """Return the innermost statement outside torch and this package that led here.

    Args:
        thread: the thread to look at where the running one has no such statement. The
            engine runs the hooks of a CUDA tensor on threads of its own.

    A statement over several lines comes back on one. None where there is no source, as
    under ``python -c``. No frame is kept.
    """
    frame = _callers(sys._getframe()) or _callers(sys._current_frames().get(thread))
    if frame is None:
        return None
    lines = _lines(frame)
    line, _, column, _ = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    try:
        said = _statement("".join(lines), line, column)
    except Exception:  # a notebook's own syntax, a source that changed or nests too deep
        said = None
    here = lines[frame.f_lineno - 1].strip() if frame.f_lineno <= len(lines) else ""
    return said or here or None


def _callers(frame):
    """Return the first frame, from here upwards, that is the caller's; None without one."""
    while frame is not None and _package(frame) in NOT_THE_CALLERS:
        frame = frame.f_back
    return frame


def _package(frame) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _lines(frame) -> list:
    linecache.checkcache(frame.f_code.co_filename)
    return linecache.getlines(frame.f_code.co_filename, frame.f_globals)


def _statement(source, line, column) -> str | None:
    """Return the innermost statement, or body of a lambda, around a place in a source.

    ``column`` counts bytes, as ``ast`` does. A place is needed, not only a line: one
    line may hold several statements, and Python counts a call that is written over
    several lines to the line of its last part.
    """
    found = None
    for node in _parsed(source):
        start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
        if start <= (line, column) < end:
            found = node
    if found is None:
        return None
    if found.lineno == found.end_lineno:
        return ast.get_source_segment(source, found)
    return ast.unparse(found).splitlines()[0]


@functools.lru_cache(maxsize=SOURCES_KEPT)
def _parsed(source) -> list:
    """Return the statements and the bodies of lambdas in a source, outer ones first."""
    nodes = list(ast.walk(ast.parse(source)))
    bodies = {id(node.body) for node in nodes if isinstance(node, ast.Lambda)}
    return [node for node in nodes if isinstance(node, ast.stmt) or id(node) in bodies]
