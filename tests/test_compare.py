"""compare_graphs: two graphs walked in step."""

import xml.etree.ElementTree as ET

import pytest
import torch
from torch import nn

from lecture_helpers import compare_graphs, show_graph


def leaf(value):
    return torch.tensor(value, requires_grad=True)


def branch(x):
    return 3 * x if x > 0.5 else x - 2


def loop(x, steps):
    y = x
    for step in range(steps):
        y = y * 2 if step % 2 == 0 else y + 3
    return y


def words_of(comparison):
    return [text.text for text in ET.fromstring(comparison.to_svg()).iter() if "text" in text.tag]


def test_two_calls_of_one_function_give_two_graphs_that_are_the_same():
    x = leaf(1.0)
    looped, written_out = loop(x, 3), ((x * 2) + 3) * 2
    assert looped.grad_fn is not written_out.grad_fn
    compared = compare_graphs(looped, written_out)
    assert compared.same and compared.pairs == ((0, 0), (1, 1), (2, 2), (3, 3))
    assert "the same graph twice: 4 nodes, 3 edges" in words_of(compared)
    assert not {"first difference", "differs", "only here"} & set(words_of(compared))


def test_the_branch_that_ran_is_the_difference_and_the_leaf_keeps_its_partner():
    at_one, at_zero = branch(leaf(1.0)), branch(leaf(0.0))
    compared = compare_graphs(at_one, at_zero)
    assert [tuple(difference) for difference in compared.differences] == [(1, 1, "operation")]
    assert (compared.only_a, compared.only_b, compared.same) == ((), (), False)
    assert words_of(compared).count("first difference") == 2
    assert compared.to_text().startswith("first difference: mul in a, sub in b\n")


def test_what_the_walk_does_not_reach_has_no_partner():
    x = leaf(1.0)
    three, five = loop(x, 3), loop(x, 5)
    compared = compare_graphs(three, five)
    assert compared.differences[0][2] == "operation"
    assert (compared.only_a, compared.only_b) == ((), (1, 2))
    assert "only in b: mul #1, add #2" in compared.to_text()
    assert words_of(compared).count("only here") == 1  # the other is the first difference


@pytest.mark.parametrize("swapped", [False, True])
def test_one_node_used_twice_is_not_two_nodes(swapped):
    x, other = leaf(2.0), leaf(2.0)
    pair = [x * x, x * other]
    compared = compare_graphs(*(pair[::-1] if swapped else pair))
    assert [difference.what for difference in compared.differences] == ["sharing"]
    assert len(compared.only_a) + len(compared.only_b) == 1


def unbound(x, first, second):
    parts = x.unbind()
    return parts[first] - parts[second]


def differing():
    x, c = leaf([1.0, 2.0]), torch.ones(2)
    a, b = leaf(1.0), leaf(2.0)
    return {
        "shape": (x.sum(), leaf([1.0, 2.0, 3.0]).sum()),
        "dtype": (x.sum(), x.detach().double().requires_grad_().sum()),
        "inputs": (x + c, c + x),
        "inputs of another number": (torch.stack([a, b]).sum(), torch.stack([a]).sum()),
        "inputs from another output": (unbound(x, 0, 1), unbound(x, 1, 0)),
        "output": ([a * 2, b * 2], a * 2),
    }


@pytest.mark.parametrize("kind", differing())
def test_every_kind_of_difference_is_named(kind):
    compared = compare_graphs(*differing()[kind])
    whats = {difference.what for difference in compared.differences}
    assert kind.split()[0] in whats and not compared.same
    assert compared.to_text().splitlines()[0] in words_of(compared)


def test_names_values_and_constants_are_not_compared():
    x, y = leaf(1.0), leaf(5.0)
    assert compare_graphs(x**2, y**3).same


def test_graphs_and_modules_in_large():
    def net(layers):
        return nn.Sequential(*[nn.Linear(3, 3) for _ in range(layers)])(torch.ones(1, 3))

    same = compare_graphs(show_graph(net(40)), net(40))
    assert same.same and len(same.pairs) == len(same.a.nodes) == 160
    longer = compare_graphs(net(40), net(41))
    assert longer.differences and len(longer.to_svg()) < 100_000


def test_a_node_marked_inside_a_folded_part_is_counted_there():
    x = leaf(1.0)
    a = b = x
    for step in range(100):
        a = torch.sin(a)
        b = torch.sin(b + 0 if step == 50 else b)
    compared = compare_graphs(a, b)
    assert any("marked inside" in words for words in words_of(compared))


def test_bad_input_is_refused_as_show_graph_does():
    with pytest.raises(TypeError, match="was given int, which holds no tensor"):
        compare_graphs(leaf(1.0), 3)
