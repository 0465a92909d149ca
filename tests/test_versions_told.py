"""The versions in a table, and what a map of statements adds to an overwritten value."""

import pytest
import torch
from overwriting import Lines, numbers_of_torch
from sound import leaf

from lecture_helpers import grad_table, show_graph, tracking_map


def test_an_inference_tensor_has_no_version():
    with torch.inference_mode():
        made = torch.ones(2)
    x = leaf(1.0, 2.0)
    table = grad_table(made, x, version=True)
    assert [version.now for version in table.versions] == [None, 0]


def test_a_table_tells_the_versions_and_who_saved_another():
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y * y
    y += 1
    loss = z.sum() + y.sum()
    table = grad_table(x, y, z, loss, version=True)
    assert table.rows == grad_table(x, y, z, loss).rows
    assert table.versions == (
        (0, ()), (1, (("MulBackward0", 0), ("ExpBackward0", 0))), (0, ()), (0, ()))  # fmt: skip
    head, *lines = str(table).splitlines()
    assert head.split()[-1] == "_version"
    assert lines[1].endswith("  1, mul saved 0, exp saved 0")
    assert "<td>1, mul saved 0, exp saved 0</td>" in table.to_html()
    assert "_version" not in str(grad_table(x, y)) + grad_table(x, y).to_html()
    alone = grad_table(x, y, version=True)  # mul is in no graph of these two
    assert alone.versions[1].saved == (("ExpBackward0", 0),)


def test_a_table_counts_views_and_data_as_torch_does():
    x = leaf(1.0, 2.0, 3.0)
    h = x * 1
    view, data = h[:2], h.data
    view.add_(1)
    data.add_(1)
    table = grad_table(h, view, data, version=True)
    assert [version.now for version in table.versions] == [h._version, view._version, 1]
    assert h._version == 1


def test_options_that_are_none_are_refused():
    x = leaf(1.0)
    with pytest.raises(TypeError, match="grad_table was given version=Tensor; version takes True"):
        grad_table(x, version=x)
    with pytest.raises(TypeError, match="show_graph was given lines=Tensor; pass the map of a"):
        show_graph(x, saved=True, lines=x)
    with pytest.raises(ValueError, match="lines= without saved=True"):
        show_graph(x, lines=Lines())


def test_a_map_tells_the_statements():
    lines = Lines()
    x = leaf(1.0, 2.0)
    y = x.exp()
    lines.statements[y.grad_fn] = "y = x.exp()"
    y += 1
    lines.note(y, "y += 1", "add_", "y", 0, 1, False)
    loss = y.sum()
    (one,) = show_graph(loss, saved=True, lines=lines).overwritten
    assert one.made == "y = x.exp()"
    assert [change.source for change in one.changes] == ["y += 1"] and not one.silent


def test_a_map_tells_what_was_changed_through_data():
    lines = Lines()
    x = leaf(2.0, 3.0)
    lines.note(x, "x.data.mul_(1)", "mul_", None, 0, 1, True)  # before it was saved
    loss = (x**2).sum()
    assert show_graph(loss, saved=True, lines=lines).overwritten == ()
    x.data.add_(1)
    lines.note(x, "x.data.add_(1)", "add_", None, 0, 1, True)
    graph = show_graph(loss, saved=True, lines=lines)
    (one,) = graph.overwritten
    assert (one.silent, one.saved, one.tensor, one.version, one.now) == (True, "self", "x", 0, 0)
    assert graph.nodes[one.maker].name == "x" and one.changer is None
    assert numbers_of_torch(loss) is None and x.grad.tolist() == [6.0, 8.0]  # not [4, 6]
    assert show_graph(loss, saved=True, lines=lines).overwritten == ()  # freed by now


def test_a_value_changed_both_ways_is_told_once_with_both_statements():
    lines = Lines()
    x = leaf(2.0, 3.0)
    y = x.exp()
    y.data.add_(1)
    lines.note(y, "y.data.add_(1)", "add_", None, 0, 1, True)
    y.add_(1)
    lines.note(y, "y.add_(1)", "add_", "y", 0, 1, False)
    loss = y.sum()
    (one,) = show_graph(loss, saved=True, lines=lines).overwritten
    assert not one.silent
    assert [change.source for change in one.changes] == ["y.data.add_(1)", "y.add_(1)"]


def test_a_map_alone_marks_only_what_slips_past():
    lines = Lines()
    x = leaf(2.0, 3.0)
    loss = (x**2).sum()
    lines.note(x, "x.add_(0)", "add_", "x", 0, 1, False)  # yet the counter has not moved
    assert show_graph(loss, saved=True, lines=lines).overwritten == ()


def test_values_that_backward_does_not_notice_stand_last():
    lines = Lines()
    x = leaf(2.0, 3.0)
    y = x.exp()
    z = y**2
    x.data.add_(1)
    y.detach().add_(1)
    z.data.add_(1)
    loss = z.exp().sum()
    w = z.exp()
    w.data.add_(1)
    lines.note(w, "w.data.add_(1)", "add_", None, 0, 1, True)
    graph = show_graph(loss + w.sum(), saved=True, lines=lines)
    found = [(graph.nodes[one.node].grad_fn, one.silent) for one in graph.overwritten]
    assert found == [("PowBackward0", False), ("ExpBackward0", False), ("ExpBackward0", True)]


def test_the_map_of_a_forward_tells_the_statements():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        y = x.exp()
        y += 1
        y.detach().mul_(2)
        loss = y.sum()
    (one,) = show_graph(loss, saved=True, lines=lines).overwritten
    assert (one.made, one.version, one.now) == ("y = x.exp()", 0, 2)
    assert [change.source for change in one.changes] == ["y += 1", "y.detach().mul_(2)"]


def test_the_map_of_a_forward_tells_what_slips_past():
    x = leaf(2.0, 3.0)
    with tracking_map() as lines:
        x.data.mul_(1)
        loss = (x**2).sum()
        x.data.add_(1)
    graph = show_graph(loss, saved=True, lines=lines)
    (one,) = graph.overwritten
    assert one.silent and [change.source for change in one.changes] == ["x.data.add_(1)"]
    assert "changed through .data by x.data.add_(1)" in str(graph).splitlines()
    assert numbers_of_torch(loss) is None and x.grad.tolist() == [6.0, 8.0]
