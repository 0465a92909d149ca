"""What the caller calls its tensors."""

import torch
from torch import nn

from lecture_helpers.names import MOST_TENSORS, Names, namespaces_of, tensors_in


def leaf(value=1.0):
    return torch.tensor(value, requires_grad=True)


def test_underscored_and_ipython_names_are_passed_over():
    x = leaf()
    names = Names()
    names.add_namespace({"_": x, "_1": x, "Out": {1: x}, "In": [x]})
    assert names.of(x) is None
    names.add_namespace({"Out": [x], "x": x})
    assert names.of(x).name == "x"


def test_plain_variables_before_modules_before_containers():
    net = nn.Linear(1, 1)
    names = Names()
    names.add_namespace({"stuff": [net.bias, net.weight], "net": net, "w": net.weight})
    assert names.of(net.weight).name == "w"
    assert names.of(net.bias).name == "net.bias"


def test_a_computed_tensor_is_known_by_its_place_not_its_object():
    x = leaf([1.0, 2.0])
    first, second = x.unbind()
    names = Names()
    names.add_namespace({"first": first, "second": second})
    assert names.of_place(second.grad_fn, 1).name == "second"
    assert names.of_place(second.grad_fn, 2) is None


def test_a_tensor_whose_grad_fn_cannot_be_read_is_passed_over():
    x = leaf([1.0, 2.0])
    base = x * 1
    parts = base.unbind()
    base.add_(1)
    names = Names()
    names.add_namespace({"part": parts[0], "x": x})
    assert names.of(parts[0]) is None
    assert names.of(x).name == "x"


def test_long_lists_are_not_read_and_the_number_read_is_bounded():
    many = [leaf() for _ in range(101)]
    names = Names()
    names.add_namespace({"many": many})
    assert names.of(many[0]) is None
    crowd = {f"t{count}": leaf() for count in range(MOST_TENSORS + 5)}
    names.add_namespace(crowd)
    assert sum(names.of(t) is not None for t in crowd.values()) == MOST_TENSORS


def test_tensors_in_nested_containers_with_their_paths():
    a, b = leaf(), leaf()
    found = list(tensors_in({"k": (a, [b, 3, None])}, "out"))
    assert [held.name for held in found] == ["out['k'][0]", "out['k'][1][0]"]
    assert found[0].tensor is a and found[1].tensor is b


def test_reading_a_frame_leaves_the_callers_own_locals_dict_alone():
    import sys

    value = leaf()
    mine = locals()
    copied, _ = namespaces_of(sys._getframe())
    assert copied["value"] is value
    assert mine["value"] is value
