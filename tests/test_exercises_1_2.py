"""Section 1.2: solutions pass, plausible wrong answers are rejected; what a check says."""

import math

import pytest
import torch

from lecture_helpers.exercises import lecture_1, lecture_1_graph

NOTEBOOK = "01_dynamic_computation_graphs.ipynb"
nodes_in = lecture_1_graph._nodes_back


def first_inputs_only(tensor):
    names, node = [], tensor.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    return names


def last_tracked_input(tensor):
    names, node = [], tensor.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        tracked = [source for source, _ in node.next_functions if source is not None]
        node = tracked[-1] if tracked else None
    return names


def without_leaf(tensor):
    return nodes_in(tensor)[:-1]


def slopes_at(x, inner=3.0, order=1):
    """The local slopes of sin((3x + 1)²), outermost first, and their product."""
    y = 3 * x + 1
    slopes = [math.cos(y**2), 2 * y, 1.0, inner]
    return slopes[::order], math.prod(slopes)


def all_at_x(x):
    slopes = [math.cos(x), 2 * x, 1.0, 3.0]
    return slopes, math.prod(slopes)


def by_autograd(x):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(torch.sin((3 * x + 1) ** 2), x)[0].item()


def sorting(runs, wrong=()):
    """Answers for 1.2 c: the operations that are said to run twice; all others raise."""
    known = lecture_1_graph.WALKED_TWICE
    words = {name: "runs twice" if name in runs else "raises" for name in known}
    return words | dict(wrong)


RUN = ("2 - x", "x + x", "x.mean()", "x.reshape(1).sum()", "(x + 1) - x")


def recorded(ratio, other=None):
    other = ratio if other is None else other
    return (ratio + 1) - torch.sqrt(other)


def detached_root(a, b):
    return recorded(a / b, (a / b).detach())


CHECKS = {
    "nodes_back": (lecture_1.check_nodes_back, {
        "hard-coded": lambda t: ["PowBackward0", "AddBackward0", "MulBackward0", "AccumulateGrad"],
        "forward order": lambda t: nodes_in(t)[::-1],
        "stops before the leaf": without_leaf,
        "first input, tracked or not": first_inputs_only,
        "last tracked input": last_tracked_input,
        "the nodes themselves": lambda t: [t.grad_fn],
        "printed nodes": lambda t: [str(t.grad_fn)],
        "one text": lambda t: " ".join(nodes_in(t)),
        "fails on a leaf": lambda t: [type(t.grad_fn).__name__, *without_leaf(t)[1:]],
    }),
    "slopes_by_hand": (lecture_1.check_slopes_by_hand, {
        "hard-coded": lambda x: ([math.cos(49), 14.0, 1.0, 3.0], 42 * math.cos(49)),
        "forward order": lambda x: slopes_at(x, order=-1),
        "inner slope forgotten": lambda x: slopes_at(x, inner=1.0),
        "outer slopes at x": all_at_x,
        "only the product": lambda x: slopes_at(x)[1],
        "only the slopes": lambda x: slopes_at(x)[0],
        "three slopes": lambda x: ([s for s in slopes_at(x)[0] if s != 1.0], slopes_at(x)[1]),
        "sum, not product": lambda x: (slopes_at(x)[0], sum(slopes_at(x)[0])),
        "by autograd": by_autograd,
        "the product by autograd, the slopes made up": lambda x: ([by_autograd(x), 1, 1, 1],
                                                                   by_autograd(x)),
        "as text": lambda x: str(slopes_at(x)),
    }),
    "second_backward": (lecture_1.check_second_backward, {
        "all raise": sorting(()),
        "all run": sorting(lecture_1_graph.WALKED_TWICE),
        "sums raise": sorting([name for name in RUN if "sum" not in name and "mean" not in name]),
        "the last operation decides": sorting([*RUN, "exp(x) - 5"]),
        "a number is no tensor to save": sorting([*RUN, "(x + 1) * 2"]),
        "a kink saves nothing": sorting([*RUN, "abs(x)"]),
        "other words": sorting((), {name: "runs" for name in RUN}),
    }),
    "recorded": (lecture_1.check_recorded, {
        "the value at a = 8, b = 2": lambda a, b: torch.tensor(3.0),
        "two divisions": lambda a, b: recorded(a / b, a / b),
        "the other way round": lambda a, b: torch.sqrt(a / b) - (a / b + 1),
        "the root first, then the sign turned": lambda a, b: -(torch.sqrt(r := a / b) - (r + 1)),
        "an equal sum": lambda a, b: (r := a / b) - torch.sqrt(r) + 1,
        "a tracked constant": lambda a, b: (
            (r := a / b) + torch.ones((), device=a.device, requires_grad=True)) - torch.sqrt(r),
        "a power for the root": lambda a, b: ((r := a / b) + 1) - r**0.5,
        "one path cut": detached_root,
        "the values only": lambda a, b: recorded(a.detach() / b.detach()),
        "numbers": lambda a, b: a.item() / b.item(),
    }),
}  # fmt: skip


@pytest.mark.parametrize("name, wrong, said", [
    ("slopes_by_hand", "only the product", "Case 1 of 4, x = 2.0: your function returned 12.6"),
    ("slopes_by_hand", "forward order", "Case 1 of 4, x = 2.0: your function returned ([3.0, 1.0,"),
    ("second_backward", "the last operation decides", "Case 10 of 10, exp(x) - 5: you wrote "
     "'runs twice', and that is not what happens. 9 of 10 are right."),
    ("second_backward", "other words", "Case 1 of 10, 2 - x: you wrote 'runs'; expected one of "
     "'raises', 'runs twice'. 5 of 10 are right."),
])  # fmt: skip
def test_what_a_slip_is_told(name, wrong, said):
    check, wrongs = CHECKS[name]
    assert check(wrongs[wrong]).message.startswith(f"Not yet. {said}")


@pytest.mark.parametrize("wrong", CHECKS["recorded"][1])
def test_the_first_case_is_enough_to_refuse_another_graph(wrong):
    said = lecture_1.check_recorded(CHECKS["recorded"][1][wrong]).message
    assert said.startswith("Not yet. Case 1 of 4, a = 8.0, b = 2.0: ")


def test_a_wrong_graph_is_shown_beside_the_right_one():
    shown = lecture_1.check_recorded(CHECKS["recorded"][1]["two divisions"]).shown
    assert [node.grad_fn for node in shown.a.nodes].count("DivBackward0") == 2
    assert [node.grad_fn for node in shown.b.nodes].count("DivBackward0") == 1


def test_the_picture_to_read_names_its_leaves_and_nothing_else():
    graph = lecture_1.show_recorded()
    assert [node.name for node in graph.nodes if node.is_leaf] == ["a", "b"]
    assert not any(node.name for node in graph.nodes if not node.is_leaf)
    assert [one.value for one in graph.outputs] == [3.0]
    paths = [node.grad_fn for node in graph.nodes if not node.is_leaf]
    assert paths == ["DivBackward0", "AddBackward0", "SqrtBackward0", "SubBackward0"]
    assert lecture_1.check_recorded(lambda a, b: recorded(a / b)).passed is True


def test_half_of_the_operations_can_be_walked_twice():
    assert lecture_1.check_second_backward(sorting(RUN)).passed is True
    assert len(lecture_1_graph.WALKED_TWICE) == 2 * len(RUN)
    assert (
        lecture_1.check_second_backward(dict.fromkeys(lecture_1_graph.WALKED_TWICE, ...)).passed
        is None
    )
