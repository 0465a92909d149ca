"""grad_table against the tensors themselves."""

import warnings
from html.parser import HTMLParser

import pytest
import torch
from torch import nn

from lecture_helpers import grad_table


def leaf(value):
    return torch.tensor(value, requires_grad=True)


def test_rows_say_what_the_tensors_say_without_a_warning():
    x = leaf([2.0, 3.0])
    c = torch.tensor(4.0)
    y = x * c
    z = y.sum()
    z.backward()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        table = grad_table(x, c, y, total=z)
    assert warned == []
    rows = {row.name: row for row in table.rows}
    assert list(rows) == ["x", "c", "y", "total"]
    assert rows["x"][1:] == ([2.0, 3.0], (2,), True, True, None, [4.0, 4.0])
    assert rows["c"][1:] == (4.0, (), False, True, None, None)
    assert rows["y"][1:] == ([8.0, 12.0], (2,), True, False, "MulBackward0", None)
    assert rows["total"].value == 20.0


def test_a_retained_gradient_of_a_non_leaf_is_shown():
    x = leaf(2.0)
    h = 3 * x
    h.retain_grad()
    (h**2).backward()
    (row,) = grad_table(h).rows
    assert (row.is_leaf, row.grad) == (False, 12.0)


def test_a_gradient_put_on_a_non_leaf_by_hand_is_shown_without_a_warning():
    x = leaf(2.0)
    h = 3 * x
    h.grad = torch.tensor(5.0)
    assert grad_table(h).rows[0].grad == 5.0


def test_modules_and_containers():
    net = nn.Sequential(nn.Linear(2, 1))
    pair = [leaf(1.0), leaf(2.0)]
    assert [row.name for row in grad_table(net).rows] == ["0.weight", "0.bias"]
    assert [row.name for row in grad_table(head=net).rows] == ["head.0.weight", "head.0.bias"]
    assert [row.name for row in grad_table(pair).rows] == ["pair[0]", "pair[1]"]
    assert [row.name for row in grad_table(torch.ones(1) * 2).rows] == ["(no name)"]


@pytest.mark.parametrize("tensor, value", [
    (torch.arange(100), [0, 1, 2, ..., 99]),
    (torch.arange(5), [0, 1, 2, 3, 4]),
    (torch.zeros(0), []),
    (torch.zeros(2, 3, 4), ...),
    (torch.ones(2, 2, 2, dtype=torch.bool), [[[True, True]] * 2] * 2),
    (torch.ones(3, device="meta"), ...),
    (torch.ones(3).to_sparse(), [1.0, 1.0, 1.0]),
], ids=str)  # fmt: skip
def test_long_and_unusual_tensors_are_shortened(tensor, value):
    assert grad_table(t=tensor).rows[0].value == value


class Cells(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.rows, self.tags = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        self.rows[-1].append((self.tags[-1], data))


def test_html_and_text_tell_none_from_zero():
    x, y = leaf(2.0), leaf(3.0)
    (x * 0).backward()
    table = grad_table(x, y)
    cells = Cells(table.to_html()).rows
    assert [data for _, data in cells[0]][-1] == "grad"
    assert cells[1][-1] == ("td", "0.0") and cells[2][-1] == ("i", "None")
    assert [line.split()[-1] for line in str(table).splitlines()] == ["grad", "0.0", "None"]
    assert table._repr_mimebundle_() == {"text/html": table.to_html(), "text/plain": str(table)}


def test_names_are_escaped():
    html = grad_table(**{"<b>bold</b>": leaf(1.0)}).to_html()
    assert "<b>" not in html and "&lt;b&gt;" in html


def test_a_tensor_that_cannot_tell_gets_a_row_all_the_same():
    x = leaf([1.0, 2.0])
    base = x * 1
    part = base.unbind()[0]
    base.add_(1)
    (row,) = grad_table(part).rows
    assert (row.value, row.grad_fn, row.is_leaf) == (2.0, "cannot be read", False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert row.grad is part.grad is None  # torch answers this one
    (lazy,) = grad_table(nn.LazyLinear(2, bias=False)).rows
    assert (lazy.value, lazy.shape) == (..., None)


def test_a_large_sparse_gradient_is_not_made_dense():
    table = nn.Embedding(20_000, 64, sparse=True)
    table(torch.tensor([1])).sum().backward()
    assert grad_table(table).rows[0].grad is ...


def test_bad_input_is_one_clear_sentence():
    with pytest.raises(TypeError, match="given float, which holds no tensor; pass a torch tensor"):
        grad_table(3.0)
    with pytest.raises(TypeError, match="given no tensor; pass the tensors"):
        grad_table()
