"""What was graded as a table, as JSON and as JUnit XML."""

import json
import os
import tempfile
import textwrap
import xml.etree.ElementTree as ET
from dataclasses import asdict
from pathlib import Path

from ...draw.table import aligned
from ...draw.words import number_of, printable
from .grade import NOT_ANSWERED, SOLVED, WRONG

WIDTH = 100
NARROWEST = 40
TAGS = {WRONG: "failure", NOT_ANSWERED: "skipped"}  # any other that is not solved: error


def table(graded) -> str:
    """Return one notebook's results as text, the messages beside them."""
    if graded.problem:
        return f"Not graded: {graded.problem}."
    solved = f"{graded.counts[SOLVED]} of {number_of(len(graded.results), 'exercise')} solved"
    rows = [(one.number, one.kind, one.status) for one in graded.results]
    lines = [f"{printable(graded.path)}, lecture {graded.lecture}: {solved}"]
    starts = aligned(rows)
    width = max(map(len, starts))
    for start, one in zip(starts, graded.results):
        lines += _beside(f"  {start:{width}} ", one.message)
    lines += [line for note in graded.notes for line in _beside("  note:", note)]
    return "\n".join(lines)


def as_json(graded) -> str:
    """Return all notebooks' results as JSON."""
    notebooks = [asdict(one) | {"counts": dict(one.counts)} for one in graded]
    return json.dumps({"notebooks": notebooks}, indent=1) + "\n"


def as_junit(graded) -> str:
    """Return all notebooks' results as JUnit XML: a suite for each, a case for each exercise.

    A wrong answer is a failure, one that is not answered is skipped, and where there is no
    verdict that is an error. A notebook that could not be graded is a suite with one error.
    """
    root = ET.Element("testsuites")
    for one in graded:
        suite = ET.SubElement(root, "testsuite", name=printable(one.path), time=str(one.seconds))
        if one.problem:
            _case(suite, one, "notebook", 0, "error", one.problem)
        for result in one.results:
            tag = None if result.status == SOLVED else TAGS.get(result.status, "error")
            message = f"{result.status}: {result.message}" if tag == "error" else result.message
            _case(suite, one, result.number, result.seconds, tag, message)
        for name, tag in [("tests", "testcase"), ("failures", "failure"),
                          ("errors", "error"), ("skipped", "skipped")]:  # fmt: skip
            suite.set(name, str(sum(1 for _ in suite.iter(tag))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def write(text: str, path) -> None:
    """Write a file whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    path = Path(path)
    handle, half_written = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(half_written, path)
    except BaseException:
        os.unlink(half_written)
        raise


def _case(suite, graded, name, seconds, tag, message):
    stem = printable(Path(graded.path).stem)
    case = ET.SubElement(suite, "testcase", classname=stem, name=name, time=str(seconds))
    if tag:
        ET.SubElement(case, tag, message=message)


def _beside(start, message) -> list:
    """Return lines with a message to the right of their start, wrapped."""
    wide = max(WIDTH - len(start) - 1, NARROWEST)
    first, *rest = textwrap.wrap(message, wide) or [""]
    return [f"{start} {first}".rstrip(), *(f"{'':{len(start)}} {line}" for line in rest)]
