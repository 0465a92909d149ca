"""The rules of a notebook's exercises: card, stub, check, hints and solution of each."""

import ast
import re
from dataclasses import dataclass
from importlib import import_module

from answers import PYTHON, binds

TITLE = re.compile(r"### Exercise (\w\.\d+(?: \w)?): \S")
FACTS = re.compile(
    r"\n\n\*Difficulty [123] of 3, about \d+ minutes\.(?: Fine to skip\.)?\*(?:\n\n|$)"
)
HINT = re.compile(r"<details><summary>Hint: \S.*?</summary>\n\n\S.*?\n</details>", re.S)
SOLUTION = re.compile(r"<details><summary>Solution</summary>\n\n.*</details>", re.S)
PARTS = ("stub", "check", "hints", "solution")  # after the card, in this order
FEWEST_HINTS = 2


@dataclass
class Card:
    """One exercise of a notebook: its number, and its cells by their part."""

    number: str
    cell: str
    parts: dict


def cards_of(cells) -> list:
    """Return the exercises of a notebook, in their order."""
    found = []
    for cell in cells:
        title = TITLE.match(cell.source) if cell.cell_type == "markdown" else None
        if title:
            found.append(Card(title[1], cell.id, {"card": cell}))
        elif found and cell.id.startswith(f"{found[-1].cell}-"):
            found[-1].parts[cell.id.removeprefix(f"{found[-1].cell}-")] = cell
    return found


def id_of(number) -> str:
    """Return the id of the card of an exercise: ``ex12-a`` for 1.2 a, ``exA1`` for A.1."""
    return "ex" + number.replace(".", "").replace(" ", "-")


def exercise_problems(cells, registered) -> list:
    """Return what is wrong with the exercises of a notebook, each with the id of its card.

    registered: ``{number: Exercise}`` of the course.
    """
    cards = cards_of(cells)
    found = [f"{card.cell}: {problem}" for card in cards for problem in _of_card(card, registered)]
    belongs = {cell.id for card in cards for cell in card.parts.values()}
    for cell in cells:
        loose = any(cell.id.endswith(f"-{part}") for part in PARTS[:1] + PARTS[2:])
        if cell.id not in belongs and (loose or "solution" in cell.metadata.get("tags", [])):
            found.append(f"{cell.id}: belongs to no exercise")
    return found


def _of_card(card, registered):
    if card.cell != id_of(card.number):
        yield f"the id of exercise {card.number} should be {id_of(card.number)}"
    if not FACTS.search(card.parts["card"].source):
        yield "no line such as *Difficulty 2 of 3, about 6 minutes.* below the title"
    given = [part for part in card.parts if part in PARTS]
    if given != list(PARTS):
        yield f"has the cells {given}, expected {list(PARTS)} in this order"
        return
    if card.number not in registered:
        yield f"no check is registered for exercise {card.number}"
        return
    one = registered[card.number]
    yield from _of_code(card.parts, one)
    if len(HINT.findall(card.parts["hints"].source)) < FEWEST_HINTS:
        yield f"has fewer than {FEWEST_HINTS} hints"
    solution = card.parts["solution"]
    if not SOLUTION.fullmatch(solution.source):
        yield "the solution is not folded in <details>"
    if solution.metadata.get("tags", []) != ["solution"]:
        yield f"the solution has the tags {solution.metadata.get('tags', [])}"
    if not any(binds(code, one.answer) for code in PYTHON.findall(solution.source)):
        yield f"the solution does not define {one.answer}"


def _of_code(parts, one):
    """Yield what is wrong with the stub and with the cell that checks it."""
    if not binds(parts["stub"].source, one.answer) or "..." not in parts["stub"].source:
        yield f"the stub does not hold {one.answer} with ... in the place of an answer"
    name = f"check_{one.answer}"
    imported, *calls = ast.parse(parts["check"].source).body
    names = [alias.name for alias in imported.names] if is_import(imported) else []
    if names != [name] or getattr(import_module(imported.module), name) is not one.check:
        yield f"the check does not import {name} of exercise {one.number} and nothing else"
    if [ast.unparse(call) for call in calls] != [f"{name}({one.answer})"]:
        yield f"the check is not {name}({one.answer}) and nothing else"


def is_import(line) -> bool:
    return isinstance(line, ast.ImportFrom)
