"""What must hold of the questions of a notebook that the robot has played."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat

ROBOT = Path(__file__).resolve().parent / "robot.py"
SECONDS = 600  # many times what it takes
HEADING = re.compile(r"^## (?:(\w\.\d+) )?", re.M)
ENOUGH = 4  # questions of one kind: from here on their right answers must not all look alike


def play(path, folder) -> dict:
    """Play a notebook in a process of its own and return the robot's report."""
    report = folder / f"{path.stem}.json"
    variables = os.environ | {"IPYTHONDIR": str(folder / "ipython"), "LECTURE_PROGRESS": "off"}
    command = [sys.executable, ROBOT, report, path]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, env=variables, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(report.read_text(encoding="utf-8"))


def problems_of(played, path) -> list:
    """Return what is wrong with the questions of a notebook, one sentence for each."""
    asked = played["predictions"]
    found = [f"{cell['id']}: {cell['wrong']}" for cell in played["cells"] if raised(cell)]
    found += [f"{one['cell']}: {problem}" for one in asked for problem in _of_one(one)]
    found += _of_sections(asked, path)
    for words, count in Counter(one["words"] for one in asked).items():
        if count > 1:
            found.append(f"asked {count} times: {words}")
    return [*found, *_of_places(asked)]


def raised(cell) -> bool:
    """Whether a cell raised; that its outputs are those stored is tested elsewhere."""
    return bool(cell["wrong"]) and not cell["wrong"].startswith(("fresh", "stored"))


def _of_one(one):
    """Yield what is wrong with one question."""
    if len(one["compared"]) != 1:
        yield f"compared in {one['compared'] or 'no cell'}, expected one"
        return
    if len(one["truths"]) != 1:
        yield f"{one['truths'] or 'no answer'} is judged right, expected one answer"
        return
    if one["strange"]:
        yield f"neither right nor wrong: {one['strange']}"
    if not one["tempting"]:
        yield "no tempting answer is explained"
    for key, explained in one["tempting"].items():
        if not explained:
            yield f"no wrong answer brings a whole sentence on the tempting {key}"
    if one["late"]:
        yield f"judged in another way after all cells ran: {one['late']}"


def _of_sections(asked, path):
    """Yield where a section is not that of the heading above the question."""
    headings, number = {}, None
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and (above := HEADING.findall(cell.source)):
            number = above[-1]
        headings[cell.id] = number
    for one in asked:
        expected = headings[one["cell"]] or f"{lecture_of(path)}.1"
        if one["section"] != expected:
            yield f"{one['cell']}: section {one['section']!r}, expected {expected!r}"


def lecture_of(path) -> str:
    """Return the lecture of a notebook: "2" of 02_..., "P" of practice_..., "A" of appendix_..."""
    first = path.name.partition("_")[0]
    return str(int(first)) if first.isdecimal() else first[0].upper()


def _of_places(asked):
    """Yield where the right answer could be guessed from how it looks."""
    places, flags = [], []
    for one in asked:
        if one["kind"] == "choice" and one["truths"]:
            places.append(one["choices"].index(one["truths"][0]))
        elif one["kind"] == "true or false" and one["truths"]:
            flags.append(one["truths"][0])
    if len(places) >= ENOUGH and len(set(places)) == 1:
        yield f"the right choice always stands at place {places[0] + 1}"
    if len(flags) >= ENOUGH and len(set(flags)) == 1:
        yield f"each of {len(flags)} questions true or false is {flags[0]}"
