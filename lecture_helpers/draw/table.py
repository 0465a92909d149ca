"""A ``GradTable`` as HTML and as text."""

from html import escape

from ..grads import GradTable
from .text import shorten, values

COLUMNS = ("name", "value", "shape", "requires_grad", "is_leaf", "grad_fn", "grad")


def table_text(table: GradTable) -> str:
    """Return the table in aligned columns."""
    lines = [COLUMNS, *(_cells(row) for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    padded = ("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in lines)
    return "\n".join(padded)


def table_html(table: GradTable) -> str:
    """Return the table as HTML, its colours left to the page. None is set in italics."""
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    body = "".join(f"<tr>{_html_cells(row)}</tr>" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cells(row) -> str:
    name, *rest = (escape(cell) for cell in _cells(row))
    cells = "".join("<td><i>None</i></td>" if c == "None" else f"<td>{c}</td>" for c in rest)
    return f'<th scope="row">{name}</th>{cells}'


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
