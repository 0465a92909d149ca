"""coverage.md: every belief is shown by a stored output and asked, and so is every mistake."""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from exercise_rules import cards_of, id_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "tests" / "coverage.md"
BELIEFS, FEWEST_MISTAKES = 25, 15
NUMBER = re.compile(r"\w\.\d+ \w")
ASKS = {"predict(": "a prediction", "check_": "the check of an exercise"}


def tables(text) -> list:
    """Return the rows of each table, a row as a dict from heading to cell."""
    found, headings = [], None
    for line in text.splitlines():
        if not line.startswith("|"):
            headings = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if headings is None:
            headings = cells
            found.append([])
        elif set(line) - set("|-: "):
            found[-1].append(dict(zip(headings, cells, strict=True)))
    return found


@cache
def cells_of(name) -> dict:
    """Return the cells of a notebook by their ids; none where there is no such notebook."""
    path = ROOT / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4) if path.exists() else {"cells": []}
    return {cell["id"]: cell for cell in notebook["cells"]}


def output_of(cell) -> str:
    """Return the text of a cell's stored outputs."""
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "")
             for output in cell.get("outputs", [])]  # fmt: skip
    return "\n".join(texts)


def problems_of(beliefs, mistakes):
    """Yield what is wrong with the two tables."""
    numbers = [row["No."] for row in beliefs]
    if numbers != [str(count) for count in range(1, BELIEFS + 1)]:
        yield f"the beliefs have the numbers {numbers}"
    if [row["No."] for row in mistakes] != [str(n) for n in range(1, len(mistakes) + 1)]:
        yield "the mistakes are not numbered from 1 on"
    if len(mistakes) < FEWEST_MISTAKES:
        yield f"{len(mistakes)} mistakes, expected {FEWEST_MISTAKES} at least"
    for row in beliefs:
        cells = cells_of(row["Notebook"])
        problems = [*_of_showing(row, cells), *_of_asking(row["Asked in"], cells)]
        yield from (f"belief {row['No.']}: {problem}" for problem in problems)
        if not row["Many believe"]:
            yield f"belief {row['No.']}: says nothing"
    for row in mistakes:
        for place in row["Worked on in"].split(", "):
            for problem in _of_work(place, cells_of(row["Notebook"])):
                yield f"mistake {row['No.']}: {problem}"


def _of_showing(row, cells):
    cell = cells.get(row["Shown in"])
    if cell is None or cell["cell_type"] != "code":
        yield f"{row['Notebook']} has no code cell {row['Shown in']}"
        return
    if cell["execution_count"] is None or not output_of(cell).strip():
        yield f"{row['Shown in']} has no stored output"
    pieces = re.findall(r"`([^`]+)`", row["By"])
    if not pieces:
        yield "names nothing that is shown"
    for piece in pieces:
        if piece not in cell["source"] and piece not in output_of(cell):
            yield f"{row['Shown in']} does not show {piece}"
    if not any(piece in output_of(cell) for piece in pieces):
        yield f"nothing of {row['By']} stands in the output of {row['Shown in']}"


def _of_asking(place, cells):
    cell = cells.get(place)
    if cell is None or cell["cell_type"] != "code":
        yield f"there is no code cell {place}"
    elif not any(word in cell["source"] for word in ASKS):
        yield f"{place} is neither {' nor '.join(ASKS.values())}"


def _of_work(place, cells):
    if not NUMBER.fullmatch(place):
        yield from _of_asking(place, cells)
        return
    cards = {card.number: card for card in cards_of(list(cells.values()))}
    if place not in cards:
        yield f"there is no exercise {place}"
    else:
        yield from _of_asking(f"{id_of(place)}-check", cells)


def test_every_belief_and_every_mistake_is_shown_and_asked():
    assert list(problems_of(*tables(PAGE.read_text(encoding="utf-8")))) == []


def test_the_page_has_two_tables_and_no_row_repeats_another():
    found = tables(PAGE.read_text(encoding="utf-8"))
    assert len(found) == 2
    for rows, heading in zip(found, ("Many believe", "The mistake")):
        said = [row[heading] for row in rows]
        assert len(set(said)) == len(said)


@pytest.mark.parametrize("old, new, said", [
    ("| 7 |", "| 6 |", "the beliefs have the numbers"),
    (r"\| 25 \|.*\n", "", "the beliefs have the numbers"),
    (r"\| 3 \| backward is.*\n", "", "the mistakes are not numbered"),
    (r"\| 1[2-6] \| [^`]*?_tracking \| [3w][^|]*\|\n", "", "mistakes, expected 15 at least"),
    ("keep-warns", "keep-warned", "belief 1: 02_working_with_gradients has no code cell"),
    ("keep-warns", "keep", "belief 1: 02_working_with_gradients has no code cell keep"),
    ("| 02_working_with_gradients | keep-warns", "| 05_gone | keep-warns", "belief 1: 05_gone"),
    ("keep-warns", "leaf-make", "belief 1: leaf-make has no stored output"),
    ("`not a leaf Tensor`", "`a leaf Tenser`", "belief 1: keep-warns does not show a leaf Tenser"),
    ("`h.grad = None` and `not a leaf Tensor`", "h.grad", "belief 1: names nothing"),
    ("`h.grad = None` and `not a leaf Tensor`", "`h = 3 * w`", "belief 1: nothing of"),
    ("failed-predict", "failing-predict", "belief 1: there is no code cell failing-predict"),
    ("failed-predict", "keep-run", "belief 1: keep-run is neither a prediction nor the check"),
    ("1.1 b |", "1.1 z |", "mistake 1: there is no exercise 1.1 z"),
    ("trap-predict,", "trap-run,", "mistake 3: trap-run is neither"),
])  # fmt: skip
def test_a_planted_hole_is_found(old, new, said):
    text = PAGE.read_text(encoding="utf-8")
    changed = text.replace(old, new, 1) if old in text else re.sub(old, new, text)
    assert changed != text
    found = list(problems_of(*tables(changed)))
    assert any(one.startswith(said) or said in one for one in found), found
