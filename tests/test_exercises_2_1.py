"""Lecture 2.1: solutions pass, plausible wrong answers are rejected and told why."""

import pytest
import torch

from lecture_helpers.exercises import lecture_2

NOTEBOOK = "02_working_with_gradients.ipynb"


def learning(model):
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def frozen(model, layer, each):
    """Do something to each parameter of the layer, then name what requires grad."""
    for parameter in getattr(model, layer).parameters():
        each(parameter)
    return learning(model)


def flag_only(parameter):
    parameter.requires_grad_(False)


def flag_and_zeros(parameter):
    parameter.requires_grad_(False)
    if parameter.grad is not None:
        parameter.grad.zero_()


def flag_and_none(parameter):
    parameter.requires_grad_(False)
    parameter.grad = None


def grad_only(parameter):
    parameter.grad = None


def by_prefix(model, layer):
    for name, parameter in model.named_parameters():
        if name.startswith(layer):
            flag_and_none(parameter)
    return learning(model)


def all_but_the_layer_switched_on(model, layer):
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(f"{layer}."))
        parameter.grad = parameter.grad if parameter.requires_grad else None
    return learning(model)


def everything(model, layer):
    model.requires_grad_(False)
    return learning(model)


def names_right_but_all_frozen(model, layer):
    names = frozen(model, layer, flag_and_none)
    for parameter in model.parameters():
        flag_and_none(parameter)
    return names


def frozen_ones(model, layer):
    frozen(model, layer, flag_and_none)
    return [name for name, parameter in model.named_parameters() if not parameter.requires_grad]


def weight_and_bias(model, layer):
    flag_and_none(getattr(model, layer).weight)
    flag_and_none(getattr(model, layer).bias)
    return learning(model)


def all_gradients_cleared(model, layer):
    getattr(model, layer).requires_grad_(False)
    model.zero_grad()
    return learning(model)


def all_gradients_zeroed(model, layer):
    names = frozen(model, layer, flag_and_none)
    model.zero_grad(set_to_none=False)
    return names


def switches_x_off(w, x, b):
    x.requires_grad_(False)
    return ((w - x) / b - w).sum()


def unrecorded(w, x, b):
    with torch.no_grad():
        return ((w - x) / b - w).sum()


FLAGS = {
    "w + 1": "tracked",
    "0 * w": "tracked",
    "w > 0": "untracked",
    "w.argmax()": "untracked",
    "w.detach() * x": "untracked",
    "torch.ones_like(w)": "untracked",
    "torch.nn.Parameter(x)": "tracked",
    "torch.tensor([1, 2], requires_grad=True)": "raises",
    "(w * x).requires_grad_(False)": "raises",
}


CHECKS = {
    "flags": (lecture_2.check_flags, {
        "all tracked": dict.fromkeys(FLAGS, "tracked"),
        "0 * w moves nothing": FLAGS | {"0 * w": "untracked"},
        "every result of w": FLAGS | {"w > 0": "tracked", "w.argmax()": "tracked"},
        "a whole number raises": FLAGS | {"w.argmax()": "raises"},
        "ones_like copies the flag": FLAGS | {"torch.ones_like(w)": "tracked"},
        "a Parameter of data is data": FLAGS | {"torch.nn.Parameter(x)": "untracked"},
        "integers are switched off": FLAGS | {
            "torch.tensor([1, 2], requires_grad=True)": "untracked"},
        "any flag may be set": FLAGS | {"(w * x).requires_grad_(False)": "untracked"},
        "other words": FLAGS | {"w + 1": True},
    }),
    "freeze": (lecture_2.check_freeze, {
        "the flag only": lambda m, layer: frozen(m, layer, flag_only),
        "zeros, not None": lambda m, layer: frozen(m, layer, flag_and_zeros),
        "the gradient only": lambda m, layer: frozen(m, layer, grad_only),
        "by the beginning of the name": by_prefix,
        "switches others on": all_but_the_layer_switched_on,
        "everything": everything,
        "right names, all frozen": names_right_but_all_frozen,
        "right names, all cleared": all_gradients_cleared,
        "right names, all zeroed": all_gradients_zeroed,
        "the frozen names": frozen_ones,
        "weight and bias only": weight_and_bias,
        "parameters, not names": lambda m, layer: [
            frozen(m, layer, flag_and_none), [p for p in m.parameters() if p.requires_grad]][1],
        "a method that a list lacks": lambda m, layer: [
            *getattr(m, layer).parameters()].requires_grad_(False),
    }),
    "same_graph": (lecture_2.check_same_graph, {
        "x tracked": lambda w, x, b: ((w - x) / b - w).sum(),
        "w untracked at first": lambda w, x, b: ((w.detach() - x.detach()) / b - w).sum(),
        "w untracked at last": lambda w, x, b: ((w - x.detach()) / b - w.detach()).sum(),
        "b untracked": lambda w, x, b: ((w - x.detach()) / b.detach() - w).sum(),
        "x switched off": switches_x_off,
        "the difference detached": lambda w, x, b: ((w - x).detach() / b - w).sum(),
        "x - w": lambda w, x, b: ((x.detach() - w) / b - w).sum(),
        "w - h": lambda w, x, b: (w - (w - x.detach()) / b).sum(),
        "b / h": lambda w, x, b: (b / (w - x.detach()) - w).sum(),
        "a mean": lambda w, x, b: ((w - x.detach()) / b - w).mean(),
        "w subtracted after the sum": lambda w, x, b: (((w - x.detach()) / b).sum() - w).sum(),
        "a product with 1 / b": lambda w, x, b: ((w - x.detach()) * (1 / b) - w).sum(),
        "another leaf added": lambda w, x, b: ((w - x.detach()) / b - w).sum() + 0 * b,
        "w stretched by hand": lambda w, x, b: (
            (w.expand(x.shape) - x.detach()) / b - w).sum(),
        "a number in place of x": lambda w, x, b: ((w - 1.0) / b - w).sum(),
        "one number": lambda w, x, b: ((w - x) / b - w).sum().item(),
        "a new leaf of the value": lambda w, x, b: torch.tensor(
            ((w - x) / b - w).sum().item(), requires_grad=True),
        "no graph": unrecorded,
    }),
}  # fmt: skip
SLIPS = [
    ("freeze", "the flag only", "Case 1 of 5, model = body, head, layer = 'body': the names are "
     "right, but a step of the optimizer moved body.weight; expected it to stay."),
    ("freeze", "zeros, not None", "Case 1 of 5, model = body, head, layer = 'body': the names are "
     "right, but a step of the optimizer moved body.weight; expected it to stay."),
    ("freeze", "by the beginning of the name", "Case 3 of 5, model = head, head2, layer = 'head': "
     "your function returned []; expected ['head2.weight', 'head2.bias']."),
    ("freeze", "right names, all frozen", "Case 1 of 5, model = body, head, layer = 'body': the "
     "names are right, but head.weight no longer learns; expected it to move."),
    ("freeze", "right names, all cleared", "Case 1 of 5, model = body, head, layer = 'body': the "
     "names are right, but head.weight.grad has changed; expected it as it was."),
    ("freeze", "right names, all zeroed", "Case 1 of 5, model = body, head, layer = 'body': the "
     "names are right, but head.weight.grad has changed; expected it as it was."),
    ("same_graph", "x switched off", "Case 1 of 3, w = [2.0], x = [1.0, 2.0, 4.0], b = 2.0: "
     "the graph is right, but x.requires_grad is False now; expected True."),
]  # fmt: skip
HINTED = [
    ("freeze", "switches others on", 4),
    ("freeze", "weight and bias only", 5),
]  # fmt: skip


def test_outcomes_of_the_sorting_are_what_torch_does():
    w, x = torch.tensor([2.0, -1.0], requires_grad=True), torch.tensor([1.5, 3.0])
    known = {"torch": torch, "w": w, "x": x}
    for line, word in FLAGS.items():
        if word == "raises":
            with pytest.raises(RuntimeError):
                eval(line, known)
        else:
            assert eval(line, known).requires_grad is (word == "tracked"), line


def test_graph_to_write_names_the_leaves_and_not_x():
    graph = lecture_2.graph_to_write()
    assert [node.name for node in graph.nodes if node.grad_fn == "AccumulateGrad"] == ["w", "b"]
    assert graph.nodes[graph.outputs[0].node].value == -6.5
    assert [node.name for node in graph.nodes][-1] == "out"
