"""A ``SavedMemory`` as HTML and as text."""

from html import escape

from ..alive import GRADIENT, INSIDE, LEAVES, NODES, ON_CTX, UNKNOWN, YOURS
from ..saved import FREED, KEPT, PACKED
from ..weighed import GRAPH, INPUT, LEAF, PARAMETER
from .table import LEFT, aligned
from .text import cut_words
from .words import listed, number_of, shorten

MOST_SHOWN = 24  # saved tensors with a row each; more are added up by class of node
MOST_CLASSES = 16
MOST_ON_CTX = 2
COLUMNS = ("node", "saves", "bytes", "new bytes", "which memory")
FOLDED_COLUMNS = ("class of node", "nodes", "saved tensors", "new bytes")
NUMBERS = {"bytes", "new bytes", "nodes", "saved tensors"}
PART = ' style="text-align: left; font-weight: normal; padding-left: 2em"'
NAMES = {
    PARAMETER: "parameter {}",
    LEAF: "leaf {}, requires grad",
    INPUT: "input {}",
    GRAPH: "{}, made by the forward",
}
NAMELESS = {
    PARAMETER: "a parameter",
    LEAF: "a leaf, requires grad",
    INPUT: "an input",
    GRAPH: "made by the forward",
}
UNFINISHED = {
    "new": "nothing watched yet: the forward stands in a block, with saved_memory() as memory:",
    "open": "watching: what is kept is known when the block has ended",
    "raised": "the block ended with an error, so nothing was weighed",
}
WHY = {
    NODES: "saved by the nodes",
    YOURS: "in variables of yours",
    LEAVES: "leaves of the graph, whose .grad backward is to fill",
    ON_CTX: "kept by a custom Function on its ctx",
    PACKED: "kept by the hook or checkpoint that packed tensors away",
    GRADIENT: "in gradients",
    INSIDE: "inside objects of yours",
}


def memory_text(memory) -> str:
    """Return the table in aligned columns, then the sums and what else is to be said."""
    columns, rows = _table(memory)
    right = [place for place, column in enumerate(columns) if column in NUMBERS]
    lines = aligned([columns, *rows], right) if rows else []
    return "\n".join([_title(memory), *lines, *_sum_lines(_sums(memory)), *_notes(memory)])


def memory_html(memory) -> str:
    """Return the same as HTML; the sums stand under the column that they add up."""
    columns, rows = _table(memory)
    head = "".join(f'<th scope="col"{_side(column)}>{column}</th>' for column in columns)
    body = "".join(_html_row(columns, row) for row in rows)
    under = columns.index("new bytes")
    foot = _sum_rows(_sums(memory), under, len(columns) - under - 1)
    parts = ("thead", f"<tr>{head}</tr>"), ("tbody", body), ("tfoot", foot)
    table = "".join(f"<{part}>{inside}</{part}>" for part, inside in parts)
    said = "".join(f"<p>{escape(words)}</p>" for words in _notes(memory))
    return f"<p>{escape(_title(memory))}</p>{f'<table>{table}</table>' if rows else ''}{said}"


def _sum_lines(sums) -> list:
    """Return lines of text for a total and its parts, the parts set back."""
    cells = [(f"{nbytes:,}", words if not place else f"  {words}")
             for place, (words, nbytes) in enumerate(sums)]  # fmt: skip
    return aligned(cells, right=(0,))


def _sum_rows(sums, before=1, after=0) -> str:
    """Return rows of HTML for a total and its parts, the parts set back.

    before: columns that the words take.
    after: columns that stay empty.
    """
    return "".join(
        f'<tr><th scope="row" colspan="{before}"{PART if place else LEFT}>{escape(words)}</th>'
        f"<td>{nbytes:,}</td>{'<td></td>' * after}</tr>"
        for place, (words, nbytes) in enumerate(sums)
    )


def watched_text(memory) -> str:
    """Return what ``memory_text`` returns, then what is alive of what the block made, and why."""
    if memory.state in UNFINISHED:
        return UNFINISHED[memory.state]
    return "\n".join([memory_text(memory), _proof(memory), *_sum_lines(_alive(memory))])


def watched_html(memory) -> str:
    """Return the same as HTML."""
    if memory.state in UNFINISHED:
        return f"<p>{escape(UNFINISHED[memory.state])}</p>"
    rows = _sum_rows(_alive(memory))
    proof = f"<p>{escape(_proof(memory))}</p><table><tbody>{rows}</tbody></table>"
    return memory_html(memory) + proof


def _proof(memory) -> str:
    made = f"the block made {memory.made_bytes:,} bytes in {number_of(memory.made, 'piece')}"
    return f"{made} of memory; alive at its end, and why:"


def _alive(memory) -> list:
    """Return (words, bytes) of what is alive, then of the part that each reason explains."""
    sums = [("alive of what the block made", memory.alive_bytes)]
    for why, nbytes, names in memory.alive:
        words = _unknown(memory) if why == UNKNOWN else WHY[why]
        if why == NODES and memory.earlier_bytes:
            words += (
                f" (of the {memory.total_bytes:,} above; the other {memory.earlier_bytes:,} "
                f"the block did not make)"
            )
        sums.append((f"{words}{_of([shorten(name) for name in names])}", nbytes))
    return sums


def _unknown(memory) -> str:
    """Return where memory may be held that was found nowhere."""
    if memory.cut:
        return "held elsewhere, perhaps by nodes that were not looked at"
    if memory.hidden:
        return "held where Python cannot see, perhaps in CopySlices"
    if memory.more:
        return "held elsewhere, perhaps by graphs of older results, which were not looked at"
    return "held elsewhere, such as by another function's variables"


def _side(column) -> str:
    return "" if column in NUMBERS else LEFT


def _html_row(columns, row) -> str:
    first, *rest = zip(columns, row)
    cells = "".join(f"<td{_side(column)}>{escape(cell)}</td>" for column, cell in rest)
    return f'<tr><th scope="row"{LEFT}>{escape(first[1])}</th>{cells}</tr>'


def _title(memory) -> str:
    names = [shorten(name) for name in memory.results if name]
    unnamed = len(memory.results) - len(names)
    of = listed([*names, *[number_of(unnamed, "unnamed tensor")] * bool(unnamed)])
    if not memory.nodes:
        return f"{of or 'the block'}: no graph, so nothing is kept for backward"
    pieces = number_of(len(memory.pieces), "piece")
    kept = f"{number_of(memory.tensors, 'saved tensor')} in {pieces} of memory"
    return f"what the graph of {of} keeps for backward: {kept if memory.tensors else 'nothing'}"


def _table(memory) -> tuple:
    """Return the columns and the rows of cells: a row for each saved tensor if they are few."""
    if sum(len(row.saved) for row in memory.rows) > MOST_SHOWN:
        return FOLDED_COLUMNS, _folded(memory.rows)
    met, rows = set(), []
    for row in memory.rows:
        node = f"#{row.node} {row.grad_fn}" + (f" ({shorten(row.name)})" if row.name else "")
        rows += [(node, *_cells(one, row.node, met, memory.pieces)) for one in row.saved]
    return COLUMNS, rows


def _cells(one, node, met, pieces) -> tuple:
    """Return name, bytes, bytes not counted before, and words on one saved tensor."""
    if not one.memory:
        words = {
            FREED: "freed by backward",
            PACKED: "packed by a hook or checkpoint, not weighed",
            KEPT: "does not tell its size",
        }
        return one.name, "-", "-", words[one.state]
    new = dict(piece for piece in one.memory if piece[0] not in met)
    met.update(new)
    piece = pieces[one.memory[0][0]]
    words = which(piece)
    if one.state == PACKED:
        words = "what a hook or checkpoint made of it"
    if not new:
        words += f" (counted at #{piece.node})"
    return one.name, f"{one.nbytes:,}", f"{sum(new.values()):,}", words


def which(piece) -> str:
    """Return what a piece of memory is, in words."""
    if piece.name is None:
        return NAMELESS[piece.kind]
    return NAMES[piece.kind].format(shorten(piece.name))


def _folded(rows) -> list:
    """Return a row of cells for each class of node, the last for all classes beyond sixteen."""
    by_class = {}
    for row in rows:
        count = by_class.setdefault(row.grad_fn, [0, 0, 0])
        for place, more in enumerate((1, len(row.saved), row.new_bytes)):
            count[place] += more
    first, others = list(by_class.items())[:MOST_CLASSES], list(by_class.values())[MOST_CLASSES:]
    if others:
        sums = [sum(column) for column in zip(*others)]
        first.append((f"other classes ({len(others)})", sums))
    return [(kind, *(f"{number:,}" for number in numbers)) for kind, numbers in first]


def _sums(memory) -> list:
    """Return (words, bytes) of the total and of its parts."""
    total = [("held by the nodes, each piece of memory counted once", memory.total_bytes)]
    if not memory.pieces:
        return total
    names = {kind: _names(memory, kind) for kind in (PARAMETER, LEAF, INPUT, GRAPH)}
    tracked = names[PARAMETER] + names[LEAF]
    yours = f" (of it {memory.held_bytes:,} that you hold too: {listed(names[GRAPH])})"
    return [
        *total,
        (f"in parameters and other leaves that require grad{_of(tracked)}", memory.parameter_bytes),
        (f"in inputs that you hold{_of(names[INPUT])}", memory.input_bytes),
        (f"made by the forward{yours if memory.held_bytes else ''}", memory.graph_bytes),
    ]


def _of(names) -> str:
    return f": {listed(names)}" if names else ""


def _names(memory, kind) -> list:
    names = (piece.name for piece in memory.pieces if piece.kind == kind and piece.name)
    return [shorten(name) for name in dict.fromkeys(names)]


def _notes(memory) -> list:
    """Return a sentence for each thing that the sums do not tell."""
    said = []
    if sum(len(row.saved) for row in memory.rows) > MOST_SHOWN:
        said.append("The rows are added up by class of node; .rows holds each node.")
    if memory.packed:
        tensors = number_of(memory.packed, "saved tensor")
        said.append(f"{tensors}: packed away by a hook or checkpoint, so not weighed.")
    if memory.freed:
        said.append("Backward has freed what was saved.")
    if memory.unknown:
        said.append(f"{number_of(memory.unknown, 'saved tensor')} of unknown size: not weighed.")
    said += [
        f"#{node} {grad_fn} keeps ctx.{attribute} by itself: {nbytes:,} bytes that no backward "
        f"frees, not in the sum."
        for node, grad_fn, attribute, nbytes in memory.on_ctx[:MOST_ON_CTX]
    ]
    if more := memory.on_ctx[MOST_ON_CTX:]:
        nbytes = sum(one.nbytes for one in more)
        said.append(f"{number_of(len(more), 'more tensor')} kept so: {nbytes:,} bytes.")
    if memory.hidden:
        nodes = number_of(memory.hidden, "CopySlices node")
        said.append(f"{nodes} (a change in place through a view): Python cannot see what is in it.")
    if memory.cut:
        said.append(cut_words(memory.cut))
    return said
