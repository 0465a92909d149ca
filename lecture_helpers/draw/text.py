"""Numbers, shapes and graphs in words."""

import re
import unicodedata

import torch

from ..graph import Graph, Node
from ..walk import ACCUMULATE_GRAD

MOST_LINES = 60  # a text form longer than this shows its two ends
MOST_LISTED = 8  # inputs or outputs of one node that are listed
LONGEST_NAME = 28


def number(value) -> str:
    """Return a number as Python prints it, at most five significant digits.

    A float that is whole keeps its ``.0``, so it never looks like an integer.
    """
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e7:
            return f"{value:.1f}"
        return f"{value:.5g}"
    if isinstance(value, complex):
        return f"({number(value.real)}{'' if value.imag < 0 else '+'}{number(value.imag)}j)"
    return str(value)


def values(nested) -> str:
    """Return nested lists of numbers as text; ``...`` stands for what was left out."""
    if nested is ...:
        return "..."
    if isinstance(nested, list):
        return "[" + ", ".join(values(part) for part in nested) + "]"
    return number(nested)


def printable(words: str) -> str:
    """Return text that a terminal and XML can hold, on one line.

    Control characters, line ends, lone surrogates and what Unicode has not assigned
    are replaced by U+FFFD.
    """
    return "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co", "Zl", "Zp") else c
        for c in words
    )


def shorten(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name of at most ``longest`` printable characters, cut in the middle."""
    name = printable(name)
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def operation(grad_fn: str) -> str:
    """Return the plain name of the operation behind a class of ``grad_fn``.

    ``MulBackward0`` is ``mul``, ``LogSoftmaxBackward0`` is ``log_softmax``. A custom
    Function keeps its own class name: ``CubeBackward`` is ``Cube``.
    """
    built_in = re.fullmatch(r"(.+)Backward\d+", grad_fn)
    if not built_in:
        return grad_fn.removesuffix("Backward") or grad_fn
    words = re.sub(
        r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=\d)(?=[A-Z][a-z])", "_", built_in[1]
    )
    return words.lower()


def size(shape, value=None, dtype=None) -> str:
    """Return a tensor's shape (not that of a 0-d tensor whose value is known), the
    value where it is one number, and the dtype where it is an unusual one."""
    words = "" if shape is None else _shape(shape) if shape or value is None else ""
    if value is not None:
        words += f" {number(value)}"
    if dtype is not None and dtype not in (torch.float32, torch.int64, torch.bool):
        words += f" {str(dtype).removeprefix('torch.')}"
    return words.strip()


def _shape(shape) -> str:
    return str(tuple(shape)) if len(shape) else "scalar"


def label(node: Node) -> str:
    """Return the name a node goes by: a leaf's own name, an operation's plain name."""
    if node.is_leaf:
        return node.name or "leaf"
    return operation(node.grad_fn)


def graph_title(graph: Graph) -> str:
    """Return one line that says what a graph is of."""
    names = [output.name or "an unnamed tensor" for output in graph.outputs]
    of = ", ".join(shorten(name) for name in names[:4]) + (", ..." if len(names) > 4 else "")
    nodes, edges = len(graph.nodes), len(graph.edges)
    return f"autograd graph of {of}: {_count(nodes, 'node')}, {_count(edges, 'edge')}"


def _count(number_of: int, noun: str) -> str:
    return f"{number_of:,} {noun}{'' if number_of == 1 else 's'}"


def graph_text(graph: Graph, most_lines: int = MOST_LINES) -> str:
    """Return a graph as a list of its nodes in forward order, two ends if it is long."""
    count = len(graph.nodes)
    if count <= most_lines:
        shown = graph.nodes
    else:
        half = most_lines // 2
        shown = graph.nodes[:half] + graph.nodes[-half:]
    kept = {node.id for node in shown}
    sources, results = {}, {}
    for edge in graph.edges:
        if edge.target in kept:
            sources.setdefault(edge.target, {})[edge.input_nr] = edge
    for output in graph.outputs:
        results.setdefault(output.node, []).append(output)
    cut = set(graph.cut)
    rows = [_row(node, graph, sources.get(node.id, {}), node.id in results, node.id in cut)
            for node in shown]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0])).rstrip()
             for row in rows]  # fmt: skip
    if len(shown) < count:
        left_out = f"... {count - len(shown):,} nodes left out; .nodes and .edges hold them all ..."
        lines.insert(len(shown) // 2, left_out)
    note = [cut_note(graph)] if graph.cut else []
    return "\n".join([graph_title(graph), *lines, *note])


def _row(node, graph, sources, is_result, is_cut):
    mark = "  <- result" if is_result else ""
    if node.is_leaf:
        kind = "leaf" if node.grad_fn == ACCUMULATE_GRAD or node.requires_grad else "no graph"
        size_words = size(node.shape, node.value, node.dtype)
        about = f"{size_words}, requires_grad={node.requires_grad}"
        return f"#{node.id}", shorten(label(node)), kind, about
    inputs = {nr: _input(graph, edge) for nr, edge in sources.items()}
    inputs.update({nr: "untracked" for nr in node.untracked})
    came = listed([inputs[nr] for nr in sorted(inputs)]) or "nothing"
    if is_cut:
        came = "nodes beyond the safe depth"
    return f"#{node.id}", label(node), node.grad_fn, f"from {came}, makes {made_by(node)}{mark}"


def listed(words: list) -> str:
    """Return words joined by commas, at most eight of them."""
    more = len(words) - MOST_LISTED
    return ", ".join(words[:MOST_LISTED]) + (f", and {more:,} more" if more > 0 else "")


def made_by(node: Node) -> str:
    """Return what an operation made: the named outputs with their size, else the first."""
    if not node.name:
        return size(node.shape, node.value, node.dtype)
    return listed(
        [
            f"{shorten(name)} = {size(shape, node.value, node.dtype)}"
            for name, shape in zip(node.names, node.shapes)
            if name
        ]
    )


def _input(graph, edge) -> str:
    source = graph.nodes[edge.source]
    which = f" output {edge.output_nr}" if len(source.shapes) > 1 else ""
    return f"{shorten(label(source))} #{source.id}{which}"


def cut_note(graph: Graph) -> str:
    """Return the sentence that says where a deep graph was cut, and why."""
    return (
        f"This graph goes deeper than Python can walk safely on this thread: "
        f"{_count(len(graph.cut), 'node')} shown here "
        f"{'has' if len(graph.cut) == 1 else 'have'} inputs that were not looked at."
    )
