"""What saved_memory shows: a bounded table, its sums, and every difference in words."""

import xml.etree.ElementTree as ET

import pytest
import torch
from sound import leaf
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.checkpoint import checkpoint_sequential

from lecture_helpers import saved_memory
from lecture_helpers.draw.memory import MOST_CLASSES, MOST_SHOWN

pytestmark = pytest.mark.usefixtures("light_collector")


def cells(shown):
    """Return the rows of all tables of the HTML form, as lists of texts."""
    page = ET.fromstring(f"<page>{shown.to_html()}</page>")
    return [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]


def linear():
    layer = nn.Linear(64, 64)
    return layer, torch.ones(256, 64, requires_grad=True)


def test_the_text_of_a_small_graph():
    layer, x = linear()
    h = layer(x)
    loss = (h.pow(2) * h.detach()).mean()
    assert str(saved_memory(loss, inputs=x)).splitlines() == [
        "what the graph of loss keeps for backward: 4 saved tensors in 3 pieces of memory",
        "node                   saves   bytes  new bytes  which memory",
        "#4 AddmmBackward0 (h)  mat1   65,536     65,536  input x",
        "#4 AddmmBackward0 (h)  mat2   16,384     16,384  parameter layer.weight",
        "#5 PowBackward0        self   65,536     65,536  h, made by the forward",
        "#6 MulBackward0        other  65,536          0  h, made by the forward (counted at #5)",
        "147,456  held by the nodes, each piece of memory counted once",
        " 16,384    in parameters and other leaves that require grad: layer.weight",
        " 65,536    in inputs that you hold: x",
        " 65,536    made by the forward (of it 65,536 that you hold too: h)",
    ]


def test_the_text_of_a_block_goes_on_with_what_is_alive_and_why():
    layer, x = linear()
    with saved_memory() as memory:
        loss = layer(x).pow(2).mean()
    lines = str(memory).splitlines()
    assert lines[:-4] == str(saved_memory(loss)).splitlines()
    assert lines[-4:] == [
        "the block made 131,076 bytes in 3 pieces of memory; alive at its end, and why:",
        "65,540  alive of what the block made",
        "65,536    saved by the nodes (of the 147,456 above; the other 81,920 the block did not "
        "make)",
        "     4    in variables of yours: loss",
    ]  # fmt: skip


def test_html_and_text_say_the_same():
    layer, x = linear()
    with saved_memory() as memory:
        h = layer(x)
        loss = h.pow(2).mean()
    lines = str(memory).splitlines()
    found = cells(memory)
    assert found[0] == ["node", "saves", "bytes", "new bytes", "which memory"]
    assert [" ".join(row).split() for row in found[:4]] == [line.split() for line in lines[1:5]]
    for (words, nbytes, *_), line in zip(found[4:], [*lines[5:9], *lines[10:]]):
        assert line.split() == [nbytes, *words.split()]
    assert len(found) == 4 + 4 + 3 and loss.requires_grad


def test_names_are_text_and_not_markup():
    x = leaf(1.0)
    memory = saved_memory(**{"<b>": x.exp()})
    assert "<b>" not in memory.to_html() and "&lt;b&gt;" in memory.to_html()
    assert ["#1 ExpBackward0 (<b>)", "result", "4", "4", "<b>, made by the forward"] in cells(
        memory
    )


def test_many_saved_tensors_are_added_up_by_class_of_node():
    def result(count):
        x = leaf(*map(float, range(10)))
        for _ in range(count):
            x = x.exp()
        return x.sum()

    few, many = saved_memory(result(MOST_SHOWN)), saved_memory(result(MOST_SHOWN + 1))
    assert len(cells(few)) == 1 + MOST_SHOWN + 4
    assert cells(many)[:2] == [
        ["class of node", "nodes", "saved tensors", "new bytes"],
        ["ExpBackward0", "25", "25", "1,000"],
    ]
    assert len(many.rows) == 25
    assert "The rows are added up by class of node; .rows holds each node." in str(many)


def test_more_classes_than_fit_are_added_up_too():
    x = leaf(*[0.5] * 10)
    functions = [
        torch.exp, torch.sin, torch.cos, torch.tanh, torch.sigmoid, torch.sqrt, torch.log,
        torch.relu, torch.tan, torch.sinh, torch.cosh, torch.atan, torch.asin, torch.acos,
        torch.expm1, torch.log1p, torch.erf, torch.abs, torch.rsqrt, torch.exp2,
    ]  # fmt: skip
    memory = saved_memory(sum(function(x) for function in functions + functions[:5]).sum())
    rows = cells(memory)[1:-4]
    assert len(rows) == MOST_CLASSES + 1 and rows[-1][:3] == ["other classes (4)", "4", "4"]
    numbers = [[int(cell.replace(",", "")) for cell in row[1:]] for row in rows]
    assert [sum(column) for column in zip(*numbers)] == [25, 25, memory.total_bytes]


def test_what_is_not_weighed_is_said():
    x = leaf(1.0, 2.0)
    with saved_tensors_hooks(lambda t: t.tolist(), torch.tensor):
        packed = saved_memory(x.exp() * 2)
    assert "#1 ExpBackward0  result" in str(packed)
    assert "1 saved tensor: packed away by a hook or checkpoint, so not weighed." in str(packed)
    with saved_tensors_hooks(lambda t: t.double(), lambda t: t.float()):
        assert "what a hook or checkpoint made of it" in str(saved_memory(x.exp()))
    base = torch.zeros(2, 2)
    base[0].copy_(x)
    assert "1 CopySlices node (a change in place through a view): Python cannot see" in str(
        saved_memory(base)
    )
    with saved_memory() as memory:
        base = torch.zeros(2, 2)
        base[0].mul_(x)
    assert "8    held where Python cannot see, perhaps in CopySlices" in str(memory)
    y = x.exp()
    y.sum().backward()
    assert "freed by backward" in str(saved_memory(y))


def test_tensors_on_a_ctx_are_listed_and_many_are_added_up():
    net = nn.Sequential(*[nn.Linear(2, 2) for _ in range(5)])
    x = torch.ones(3, 2, requires_grad=True)
    memory = saved_memory(checkpoint_sequential(net, 5, x, use_reentrant=True))
    nbytes = torch.get_rng_state().nbytes
    said = [line for line in str(memory).splitlines() if "ctx." in line or "kept so" in line]
    assert said == [
        f"#{node} CheckpointFunctionBackward keeps ctx.fwd_cpu_state by itself: {nbytes:,} bytes "
        f"that no backward frees, not in the sum." for node in (1, 2)
    ] + [f"2 more tensors kept so: {2 * nbytes:,} bytes."]  # fmt: skip


def test_where_there_is_no_graph_that_is_said():
    x = torch.ones(3)
    assert str(saved_memory(x)).splitlines() == [
        "x: no graph, so nothing is kept for backward",
        "0  held by the nodes, each piece of memory counted once",
    ]
    with saved_memory() as memory:
        y = x + 1
    assert str(memory).splitlines() == [
        "the block: no graph, so nothing is kept for backward",
        "0  held by the nodes, each piece of memory counted once",
        "the block made 12 bytes in 1 piece of memory; alive at its end, and why:",
        "12  alive of what the block made",
        "12    in variables of yours: y",
    ]
    assert y.tolist() == [2.0, 2.0, 2.0]


def test_results_without_a_name_are_counted():
    x = leaf(1.0)
    assert "the graph of 1 unnamed tensor keeps" in str(saved_memory(x.exp()))
    y = x.sin()
    assert "the graph of y, 2 unnamed tensors keeps" in str(saved_memory([x.exp(), y, x.cos()]))

    class Hidden:
        results = []

    with saved_memory() as memory:
        Hidden.results += [x.exp() for _ in range(30)]
    assert "the graph of 30 unnamed tensors keeps" in str(memory)


def test_many_results_and_long_names_are_shortened():
    x = leaf(1.0)
    given = {f"{'a' * 100}{place}": x.exp() for place in range(20)}
    memory = saved_memory(**given)
    assert len(memory.results) == 20 and max(map(len, str(memory).splitlines())) < 400
    assert "and 12 more" in str(memory)
