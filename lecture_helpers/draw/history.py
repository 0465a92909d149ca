"""A ``GradHistory`` as HTML and as text."""

from html import escape
from itertools import groupby

from ..brief import values
from ..history import BACKWARD, CHANGED, RESET, START, GradHistory
from .table import LEFT, aligned, html_cell, two_ends
from .words import shorten

LONGEST_SOURCE = 60
NOTHING_YET = (
    "nothing recorded yet: the backward calls to record stand in a block, "
    "with grad_history(...) as history:"
)


def history_text(history: GradHistory) -> str:
    """Return the history in aligned columns, its two ends if it is long."""
    if not history.rows:
        return NOTHING_YET
    first, last, note = two_ends(history.rows, ".rows")
    cells = [[cell or "-" for cell in _cells(row, history)] for row in (*first, *last)]
    lines = aligned([_columns(history), *cells])
    return "\n".join([*lines[: len(first) + 1], *note, *lines[len(first) + 1 :]])


def history_html(history: GradHistory) -> str:
    """Return the history as an HTML table, what happened to several tensors in one cell."""
    if not history.rows:
        return f"<p>{escape(NOTHING_YET)}</p>"
    first, last, note = two_ends(history.rows, ".rows")
    columns = _columns(history)
    head = f'<th scope="col"{LEFT}>{columns[0]}</th>'
    head += "".join(f'<th scope="col">{column}</th>' for column in columns[1:])
    between = [f'<tr><td colspan="{len(columns)}"{LEFT}>{words}</td></tr>' for words in note]
    groups = [*_html_groups(first, history), *between, *_html_groups(last, history)]
    apart = "</tbody><tbody>" if len(history.names) > 1 else ""  # what scope="rowgroup" spans
    return f"<table><thead><tr>{head}</tr></thead><tbody>{apart.join(groups)}</tbody></table>"


def _html_groups(rows, history) -> list:
    """Return the rows as HTML; those of one event, to several tensors, in one string."""
    if len(history.names) == 1:
        return [_html_group([row], history) for row in rows]
    events = groupby(rows, lambda row: (_what_happened(row), row.number))
    return [_html_group(list(together), history) for _, together in events]


def _html_group(rows, history) -> str:
    span = f'scope="rowgroup" rowspan="{len(rows)}"' if len(rows) > 1 else 'scope="row"'
    cells = ["".join(map(html_cell, _cells(row, history)[1:])) for row in rows]
    return f"<tr><th {span}{LEFT}>{_html_happened(rows[0])}</th>{'</tr><tr>'.join(cells)}</tr>"


def _html_happened(row) -> str:
    words = _what_happened(row)
    if row.kind != BACKWARD or row.source is None:
        return escape(words)
    call, _, source = words.partition(": ")
    return f"{escape(call)}: <code>{escape(source)}</code>"


def _columns(history) -> list:
    return ["what happened", *_name(history, "name"), ".grad before", "added", ".grad after"]


def _cells(row, history) -> list:
    """Return the cells of one row; an empty one stands for what its kind does not have."""
    return [
        _what_happened(row),
        *_name(history, shorten(row.name, 40)),
        "" if row.kind == START else _grad(row.before),
        _grad(row.added) if row.kind == BACKWARD else "",
        _grad(row.after),
    ]


def _name(history, name) -> list:
    """Return the cell with a tensor's name; none where only one tensor is watched."""
    return [name] if len(history.names) > 1 else []


def _what_happened(row) -> str:
    if row.kind == BACKWARD:
        source = "" if row.source is None else f": {shorten(row.source, LONGEST_SOURCE)}"
        return f"backward {row.number}{source}"
    if row.kind == RESET:
        return f"reset: .grad {'= None' if row.after is None else 'filled with zeros'}"
    return ".grad changed" if row.kind == CHANGED else row.kind


def _grad(nested) -> str:
    return "None" if nested is None else values(nested)
