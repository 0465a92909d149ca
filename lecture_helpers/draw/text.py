"""Graphs in words."""

import torch

from ..brief import values
from ..devices import device
from ..graph import Graph, Options
from ..nodes import Node
from ..saved import FREED, KEPT, PACKED
from ..walk import ACCUMULATE_GRAD
from .versions import marks_of, overwritten_lines
from .words import label, listed, number_of, shorten, size

MOST_LINES = 60  # a text form longer than this shows its two ends
MOST_SAVED = 4  # saved tensors of one node that are listed


def graph_title(graph: Graph) -> str:
    """Return one line that says what a graph is of."""
    names = [output.name or "an unnamed tensor" for output in graph.outputs]
    of = ", ".join(shorten(name) for name in names[:4]) + (", ..." if len(names) > 4 else "")
    nodes, edges = len(graph.nodes), len(graph.edges)
    return f"autograd graph of {of}: {number_of(nodes, 'node')}, {number_of(edges, 'edge')}"


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
    marks = marks_of(graph)
    rows = [_row(node, graph, sources.get(node.id, {}), node.id in results, node.id in cut,
                 marks.get(node.id, ()))
            for node in shown]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0])).rstrip()
             for row in rows]  # fmt: skip
    if len(shown) < count:
        left_out = f"... {count - len(shown):,} nodes left out; .nodes and .edges hold them all ..."
        lines.insert(len(shown) // 2, left_out)
    notes = overwritten_lines(graph)
    notes += [saved_note(graph)] if graph.options.saved else []
    notes += [cut_note(graph)] if graph.cut else []
    return "\n".join([graph_title(graph), *lines, *notes])


def _row(node, graph, sources, is_result, is_cut, marks):
    mark = "  <- result" if is_result else ""
    if node.is_leaf:
        kind = "leaf" if node.grad_fn == ACCUMULATE_GRAD or node.requires_grad else "no graph"
        size_words = size(node.shape, node.value, node.dtype)
        about = ", ".join(
            [
                size_words,
                f"requires_grad={node.requires_grad}",
                *details(node, graph.options),
                *marks,
            ]
        )
        return f"#{node.id}", shorten(label(node)), kind, about
    inputs = {nr: _input(graph, edge) for nr, edge in sources.items()}
    inputs.update({nr: "untracked" for nr in node.untracked})
    came = listed([inputs[nr] for nr in sorted(inputs)]) or "nothing"
    if is_cut:
        came = "nodes beyond the safe depth"
    said = [*details(node, graph.options), *marks]
    about = ", ".join([f"from {came}", f"makes {made_by(node)}", *said])
    return f"#{node.id}", label(node), node.grad_fn, f"{about}{mark}"


def made_by(node: Node) -> str:
    """Return what an operation made: the named outputs with their size, else all sizes."""
    outputs = zip(node.names, node.shapes, node.dtypes)
    return listed(
        [
            f"{shorten(name)} = {size(shape, node.value, dtype)}" if name
            else size(shape, node.value, dtype)
            for name, shape, dtype in outputs
            if name or not node.name
        ]
    )  # fmt: skip


def details(node: Node, options: Options) -> list:
    """Return what else is worth saying of a node, in short phrases."""
    said = []
    if node.device is not None and not _is_the_courses(node.device):
        said.append(f"on {node.device}")
    if node.view_of is not None:
        said.append(f"view of {shorten(node.view_of)}" if node.view_of else "a view")
    through_view = node.grad_fn == "CopySlices"
    if through_view or (node.version and not node.is_leaf):
        version = f", version {node.version}" if node.version else ""
        words = "changed in place through a view" if through_view else "memory changed in place"
        said.append(f"{words}{version}")
    if node.hooks:
        hooks = listed([shorten(hook) for hook in node.hooks])
        said.append(f"{'hook' if len(node.hooks) == 1 else 'hooks'}: {hooks}")
    if node.retains_grad:
        said.append("retains grad")
    if options.grad and node.is_leaf:
        said.append(f"grad {values(node.grad)}")
    more = len(node.saved) - MOST_SAVED
    said += [_saved(one) for one in node.saved[:MOST_SAVED]]
    return [*said, f"saves {more} more"] if more > 0 else said


def _is_the_courses(where: torch.device) -> bool:
    return where.type == device.type and where.index in (None, device.index, 0)


def _saved(one) -> str:
    if one.state == FREED:
        return f"saved {one.name}: freed"
    if one.state == PACKED:
        weight = "" if one.nbytes is None else f" into {one.nbytes:,} bytes"
        return f"saves {one.name}, packed by a hook{weight}"
    of = f" ({shorten(one.tensor)})" if one.tensor else ""
    weight = "size unknown" if one.nbytes is None else f"{one.nbytes:,} bytes"
    version = f", version {one.version}" if one.computed and not one.overwritten else ""
    return f"saves {one.name}{of} {weight}{version}"


def saved_note(graph: Graph) -> str:
    """Return the sentence that sums up what a graph keeps for backward."""
    saved = [one for node in graph.nodes for one in node.saved]
    freed = any(one.state == FREED for one in saved)
    packed = sum(one.state == PACKED and one.nbytes is None for one in saved)
    unknown = sum(one.state == KEPT and one.nbytes is None for one in saved)
    memories = len({number for one in saved for number, _ in one.memory})
    pieces = f"{memories:,} piece{'' if memories == 1 else 's'} of memory"
    said = [f"{graph.saved_bytes:,} bytes in {pieces}" if memories else "nothing"]
    said += ["backward has freed what was saved"] if freed else []
    said += [f"{packed:,} packed by a hook or checkpoint, not weighed"] if packed else []
    said += [f"{unknown:,} of unknown size"] if unknown else []
    return f"kept for backward: {'; '.join(said)}"


def _input(graph, edge) -> str:
    source = graph.nodes[edge.source]
    which = f" output {edge.output_nr}" if len(source.shapes) > 1 else ""
    return f"{shorten(label(source))} #{source.id}{which}"


def cut_note(graph: Graph) -> str:
    """Return the sentence that says where a deep graph was cut, and why."""
    return cut_words(len(graph.cut))


def cut_words(nodes: int) -> str:
    """Return the sentence that says why a number of nodes have inputs that nobody looked at."""
    return (
        f"This graph goes deeper than Python can walk safely on this thread: "
        f"{number_of(nodes, 'node')} shown here "
        f"{'has' if nodes == 1 else 'have'} inputs that were not looked at."
    )
