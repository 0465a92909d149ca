"""A ``TrackingMap`` as HTML and as text."""

from html import escape
from itertools import groupby

from ..tracking import TrackingMap
from .table import aligned, html_cell, two_ends
from .text import MOST_LINES
from .words import number_of, shorten, size

COLUMNS = ("line", "statement", "result", "tracked", "why not, or a remark")
CHANGES = ("changed in place by", "call", "tensor", "version", "remark")
LONGEST_SOURCE, LONGEST_RESULT, LONGEST_REASON = 60, 40, 90
MOST_CHANGES = 20
TRACKED = {True: "yes", False: "no", None: "-"}
SLIPS = "through .data: no other tensor's version tells"
EXCHANGED = "the memory was exchanged, and no version tells"
NOTHING = (
    "no line made a tensor; the lines to follow stand in a block, with tracking_map() as lines:"
)
LEFT = ' style="text-align: left; vertical-align: top"'


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
    return [
        (place, (*_head(row), *_result(result, row)))
        for place, row in enumerate(lines.rows)
        for result in row.results
    ]


def _head(row) -> tuple:
    source = "(no source)" if row.source is None else shorten(row.source, LONGEST_SOURCE)
    times = f" ({number_of(row.times, 'time')})" if row.times > 1 else ""
    elsewhere = "" if row.function == "<module>" else f"in {shorten(row.function)}"
    return elsewhere if row.number is None else str(row.number), f"{source}{times}"


def _result(result, row) -> tuple:
    what = shorten(result.name or result.expression or result.call, LONGEST_RESULT)
    shape = "" if result.shape is None else f" {size(result.shape)}"
    some = result.tracked is not None and result.times < row.times
    times = f" ({result.times:,} of {row.times:,})" if some else ""
    why = shorten(result.why or "", LONGEST_REASON)
    return f"{what}{shape}", f"{TRACKED[result.tracked]}{times}", why


def _change_rows(lines) -> list:
    """Return a row for each change, those of one kind that follow each other in one."""
    rows = []
    for _, same in groupby(lines.changes, lambda one: (one.source, one.call, one.name)):
        same = list(same)
        first, last, times = same[0], same[-1], sum(one.times for one in same)
        source = shorten(first.source or "(no source)", LONGEST_SOURCE)
        version = f"{first.before} to {last.after}" if first.before != last.after else ""
        exchanged = last.slips and last.before == last.after
        remark = EXCHANGED if exchanged else SLIPS if last.slips else ""
        many = f" ({number_of(times, 'time')})" if times > 1 else ""
        name = shorten(first.name or "(no name)", LONGEST_RESULT)
        rows.append((len(rows), (f"{source}{many}", first.call, name, version, remark)))
    return rows


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
        cells = ["".join(map(html_cell, cells[shared:])) for cells in same]
        said.append(f"<tr>{line}{'</tr><tr>'.join(cells)}</tr>")
    return said
