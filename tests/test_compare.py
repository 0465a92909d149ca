"""compare_graphs: two graphs walked in step."""

import pytest
import torch
from sound import words_of
from torch import nn

from lecture_helpers import compare_graphs, show_graph
from lecture_helpers.walk import walk


def leaf(value):
    return torch.tensor(value, requires_grad=True)


def branch(x):
    return 3 * x if x > 0.5 else x - 2


def loop(x, steps):
    y = x
    for step in range(steps):
        y = y * 2 if step % 2 == 0 else y + 3
    return y


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


def test_graphs_that_were_cut_are_never_called_the_same(monkeypatch):
    monkeypatch.setattr("lecture_helpers.graph.walk", lambda roots: walk(roots, depth=5))
    a, b = torch.sin(leaf(1.0)), torch.cos(leaf(1.0))
    for _ in range(10):
        a, b = a + 1, b + 1
    compared = compare_graphs(a, b)
    assert compared.differences == () and not compared.same
    assert compared.to_text().startswith("no difference in the 6 nodes looked at; both go deeper")


class Pair(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, other, dtype):
        return x.clone(), x[:other].to(dtype)

    @staticmethod
    def backward(ctx, g, h):
        return g, None, None


@pytest.mark.parametrize(
    "other, what", [((2, torch.float16), "dtype"), ((1, torch.float64), "shape")]
)
def test_every_output_of_a_node_is_compared(other, what):
    x = leaf([1.0, 2.0])
    a, b = Pair.apply(x, 2, torch.float64), Pair.apply(x, *other)
    assert [tuple(d) for d in compare_graphs(a[0], b[0]).differences] == [(1, 1, what)]


def test_the_nearest_difference_comes_first_and_names_what_differs():
    x, c = leaf([1.0, 2.0]), torch.ones(2)
    compared = compare_graphs(torch.sin(x * 2) + x, torch.cos(x + 2) + x)
    assert [difference.a for difference in compared.differences] == [2, 1]
    near_left = torch.sin(x) + x.tanh().exp().exp()
    far_right = torch.cos(x) + x.sigmoid().exp().exp()
    compared = compare_graphs(near_left, far_right)
    assert compared.to_text().startswith("first difference: sin in a, cos in b")
    words = words_of(compared)
    assert (words.count("first difference"), words.count("differs")) == (2, 2)
    untracked = compare_graphs(x * 2, c)
    assert untracked.to_text().startswith(
        "first difference: mul in a, a tensor without a graph in b"
    )
    parts = x.unbind()
    compared = compare_graphs(parts[0], parts[1])
    assert compared.to_text().startswith("first difference: unbind in a, unbind in b: other inputs")
    later = compare_graphs(parts[0] * parts[1], parts[0] * parts[0])
    assert [difference.what for difference in later.differences] == ["inputs"]


def test_nodes_beyond_a_difference_are_not_paired_by_name():
    x = leaf(1.0)
    h = x * 2
    one, other = (h + 1).exp(), h.exp()
    compared = compare_graphs(show_graph(one, h=h), show_graph(other, h=h))
    assert compared.only_a == (1,)


def test_marked_nodes_inside_a_folded_part_are_counted():
    x = leaf(1.0)
    a = b = x
    for step in range(100):
        a, b = torch.sin(a), torch.cos(b) if 40 <= step < 44 else torch.sin(b)
    assert "4 nodes marked inside" in words_of(compare_graphs(a, b))


def test_a_comparison_of_folded_graphs_says_which_is_folded():
    x = leaf(1.0)
    y = x
    for _ in range(100):
        y = torch.sin(y)
    words = words_of(compare_graphs(y, x * 2))
    assert any(line.startswith("graph a: 97 of 101 nodes are folded away") for line in words)


def test_bad_input_names_this_helper():
    with pytest.raises(TypeError, match="^compare_graphs was given int"):
        compare_graphs(3, 4)
