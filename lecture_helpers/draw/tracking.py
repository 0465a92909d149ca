"""A ``TrackingMap`` as HTML and as text."""

from collections import Counter
from html import escape
from itertools import groupby

from ..tracking import TrackingMap
from .table import LEFT, aligned, html_cell, two_ends
from .text import MOST_LINES
from .words import number_of, shorten, size

COLUMNS = ("line", "statement", "result", "tracked", "why not, or a remark")
CHANGES = ("changed in place by", "call", "tensor", "version", "remark")
LONGEST_SOURCE, LONGEST_RESULT, LONGEST_REASON = 60, 40, 90
MOST_CHANGES = 20
TRACKED = {True: "yes", False: "no", None: "-"}
SLIPS = "through .data: backward will not notice"
EXCHANGED = "the memory was exchanged: backward will not notice"
NOTHING = (
    "no line made a tensor; the lines to follow stand in a block, with tracking_map() as lines:"
)


def tracking_text(lines: TrackingMap) -> str:
    """Return the lines in aligned columns, then the changes in place, then the notes."""
    said = [] if lines.rows else [NOTHING]
    for columns, rows, ends in _tables(lines):
        first, last, note = ends
        cells = [list(cells) for _, cells in (*first, *last)]
        for place, (row, _) in enumerate(rows):
            if place and rows[place - 1][0] == row:  # what a line repeats
                cells[place][:2] = ["", ""]
        table = aligned([columns, *cells])
        said += ["", *table[: len(first) + 1], *note, *table[len(first) + 1 :]]
    said += ["", *lines.notes] if lines.notes else []
    return "\n".join(said).strip("\n")


def tracking_html(lines: TrackingMap) -> str:
    """Return the same as HTML tables; several results of one line share its cell."""
    said = [] if lines.rows else [f"<p>{escape(NOTHING)}</p>"]
    for columns, _, (first, last, note) in _tables(lines):
        head = "".join(f'<th scope="col"{LEFT}>{column}</th>' for column in columns)
        between = [f'<tr><td colspan="{len(columns)}"{LEFT}>{words}</td></tr>' for words in note]
        body = "".join([*_html_rows(first, columns), *between, *_html_rows(last, columns)])
        said.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    said += [f"<p>{escape(note)}</p>" for note in lines.notes]
    return "".join(said)


def _tables(lines) -> list:
    """Return the columns, the rows that are shown and their two ends, of each table."""
    tables = []
    for columns, rows, held, most in (
        (COLUMNS, _result_rows(lines), ".rows", MOST_LINES),
        (CHANGES, _change_rows(lines), ".changes", MOST_CHANGES),
    ):
        if rows:
            first, last, note = two_ends(rows, held, most)
            tables.append((columns, [*first, *last], (first, last, note)))
    return tables


def _result_rows(lines) -> list:
    """Return a row for each result: the place of its line, and its cells."""
    rows = []
    for place, line in enumerate(lines.rows):
        labels = Counter(map(_label, line.results))
        for result in line.results:
            several = result.times > 1 or labels[_label(result)] > 1
            rows.append((place, (*_head(line), *_result(result, several))))
    return rows


def _head(line) -> tuple:
    source = "(no source)" if line.source is None else shorten(line.source, LONGEST_SOURCE)
    elsewhere = "" if line.function == "<module>" else f"in {shorten(line.function)}"
    return elsewhere if line.number is None else str(line.number), source


def _label(result) -> str:
    return result.name or result.expression or result.call


def _result(result, several) -> tuple:
    """Return the cells of a result; with its count where a line has ``several``."""
    shape = "" if result.shape is None else f" {size(result.shape)}"
    counted = several and result.tracked is not None
    times = f" ({number_of(result.times, 'time')})" if counted else ""
    why = shorten(result.why or "", LONGEST_REASON)
    label = shorten(_label(result), LONGEST_RESULT)
    return f"{label}{shape}", f"{TRACKED[result.tracked]}{times}", why


def _change_rows(lines) -> list:
    """Return a row for each kind of change, with the first and the last version."""
    kinds = {}
    for change in lines.changes:
        kind = change.source, change.call, change.name, change.slips
        kinds.setdefault(kind, []).append(change)
    return [(place, _change(same)) for place, same in enumerate(kinds.values())]


def _change(same) -> tuple:
    first, last, times = same[0], same[-1], sum(one.times for one in same)
    source = shorten(first.source or "(no source)", LONGEST_SOURCE)
    many = f" ({number_of(times, 'time')})" if times > 1 else ""
    exchanged = first.slips and first.before == first.after
    version = "" if exchanged else f"{first.before} to {last.after}"
    remark = EXCHANGED if exchanged else SLIPS if first.slips else ""
    return f"{source}{many}", first.call, shorten(first.name or "", LONGEST_RESULT), version, remark


def _html_rows(rows, columns) -> list:
    """Return the rows as HTML; those of one line share its first two cells."""
    shared = 2 if columns is COLUMNS else 1
    code = shared - 1
    said = []
    for _, same in groupby(rows, lambda row: row[0]):
        same = [cells for _, cells in same]
        span = f' rowspan="{len(same)}"' if len(same) > 1 else ""
        heads = [escape(cell) for cell in same[0][:shared]]
        heads[code] = f"<code>{heads[code]}</code>"
        scope = "rowgroup" if span else "row"
        line = "".join(f'<th scope="{scope}"{span}{LEFT}>{head}</th>' for head in heads)
        cells = ["".join(html_cell(cell, LEFT) for cell in cells[shared:]) for cells in same]
        said.append(f"<tr>{line}{'</tr><tr>'.join(cells)}</tr>")
    return said
