"""A ``GradTable`` as HTML and as text."""

from html import escape

from ..brief import values
from ..grads import GradTable
from .text import MOST_LINES
from .words import listed, number_of, operation, shorten

COLUMNS = ("name", "value", "shape", "requires_grad", "is_leaf", "grad_fn", "grad")
LEFT = ' style="text-align: left; vertical-align: top"'


def table_text(table: GradTable) -> str:
    """Return the table in aligned columns."""
    return "\n".join(aligned([_columns(table), *_rows(table)]))


def aligned(rows, right=()) -> list:
    """Return one line for each row of cells, the columns aligned; those in ``right`` at their
    right end."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    sides = [str.rjust if place in right else str.ljust for place in range(len(widths))]
    return [
        "  ".join(side(*cell) for side, *cell in zip(sides, row, widths)).rstrip() for row in rows
    ]


def two_ends(rows, held: str, most: int = MOST_LINES) -> tuple:
    """Return the first and the last of many rows, and a note on those left out.

    Args:
        held: where all rows are, such as ``.rows``.
        most: how many rows are shown at the most.

    Returns:
        (first, last, note): of few rows all are first, and ``note`` is empty.
    """
    if len(rows) <= most:
        return rows, (), ()
    half = most // 2
    note = f"... {number_of(len(rows) - 2 * half, 'row')} left out; {held} holds them all ..."
    return rows[:half], rows[-half:], (note,)


def html_cell(cell: str, attributes: str = "") -> str:
    """Return one cell of data, None in italics."""
    return f"<td{attributes}>{'<i>None</i>' if cell == 'None' else escape(cell)}</td>"


def table_html(table: GradTable) -> str:
    """Return the table as HTML, its colours left to the page. None is set in italics."""
    head = "".join(f'<th scope="col">{column}</th>' for column in _columns(table))
    body = "".join(f"<tr>{_html_cells(*cells)}</tr>" for cells in _rows(table))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cells(name, *rest) -> str:
    return f'<th scope="row">{escape(name)}</th>{"".join(map(html_cell, rest))}'


def _columns(table) -> tuple:
    return (*COLUMNS, "_version") if table.versions else COLUMNS


def _rows(table) -> list:
    rows = [_cells(row) for row in table.rows]
    if not table.versions:
        return rows
    return [(*cells, _version(version)) for cells, version in zip(rows, table.versions)]


def _cells(row) -> tuple:
    return (
        shorten(row.name, 40),
        values(row.value),
        str(row.shape),
        str(row.requires_grad),
        str(row.is_leaf),
        str(row.grad_fn),
        "None" if row.grad is None else values(row.grad),
    )


def _version(version) -> str:
    saved = [f"{operation(grad_fn)} saved {at}" for grad_fn, at in version.saved]
    return listed([str(version.now), *saved])
