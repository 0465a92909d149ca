"""What the caller calls its tensors."""

import dataclasses
import time
from collections.abc import Mapping

import pytest
import torch
from torch import nn

from lecture_helpers import show_graph
from lecture_helpers.names import MOST_TENSORS, Names, callers_namespaces, tensors_in


def leaf(value=1.0):
    return torch.tensor(value, requires_grad=True)


def test_underscored_and_ipython_names_are_passed_over():
    x = leaf()
    names = Names()
    names.add_namespaces([{"_": x, "_1": x, "Out": {1: x}, "In": [x]}])
    assert names.of(x) is None
    names.add_namespaces([{"@py_assert1": x, 7: x}])
    assert names.of(x) is None
    names.add_namespaces([{"Out": [x], "x": x}])
    assert names.of(x).name == "x"


def test_plain_variables_before_modules_before_containers():
    net = nn.Linear(1, 1)
    names = Names()
    names.add_namespaces([{"stuff": [net.bias, net.weight], "net": net, "w": net.weight}])
    assert names.of(net.weight).name == "w"
    assert names.of(net.bias).name == "net.bias"


def test_a_computed_tensor_is_known_by_its_place_not_its_object():
    x = leaf([1.0, 2.0])
    first, second = x.unbind()
    names = Names()
    names.add_namespaces([{"first": first, "second": second}])
    assert names.of_node(second.grad_fn)[1].name == "second"
    assert 2 not in names.of_node(second.grad_fn)


def test_a_tensor_whose_grad_fn_cannot_be_read_is_passed_over():
    x = leaf([1.0, 2.0])
    base = x * 1
    parts = base.unbind()
    base.add_(1)
    names = Names()
    names.add_namespaces([{"part": parts[0], "x": x}])
    assert names.of(parts[0]) is None
    assert names.of(x).name == "x"


def test_long_lists_are_not_read_and_the_number_read_is_bounded():
    many = [leaf() for _ in range(101)]
    names = Names()
    names.add_namespaces([{"many": many}])
    assert names.of(many[0]) is None
    crowd = {f"t{count}": leaf() for count in range(MOST_TENSORS + 5)}
    names.add_namespaces([crowd])
    assert sum(names.of(t) is not None for t in crowd.values()) == MOST_TENSORS


def test_tensors_in_nested_containers_with_their_paths():
    a, b = leaf(), leaf()
    found = list(tensors_in({"k": (a, [b, 3, None])}, "out"))
    assert [held.name for held in found] == ["out['k'][0]", "out['k'][1][0]"]
    assert found[0].tensor is a and found[1].tensor is b


def test_reading_a_frame_leaves_the_callers_own_locals_dict_alone():
    value = leaf()
    mine = locals()
    copied, _ = callers_namespaces(0)
    assert copied["value"] is value
    assert mine["value"] is value


class Hostile:
    """Stands for a proxy, a half-made object, a container with ideas of its own."""

    def __init__(self, error):
        object.__setattr__(self, "error", error)

    def __getattribute__(self, name):
        raise object.__getattribute__(self, "error")


class HalfMade(nn.Module):
    def __init__(self):
        pass


class BadLength(list):
    def __len__(self):
        raise OSError("no length")


@dataclasses.dataclass
class Unset:
    later: object = dataclasses.field(init=False)
    __hash__ = object.__hash__


def deeply_nested():
    nested = [leaf()]
    for _ in range(3000):
        nested = [nested]
    return nested


def doubled():
    nested = [1]
    for _ in range(40):
        nested = [nested, nested]
    return nested


ODD = {
    "proxy": lambda: Hostile(ReferenceError("gone")),
    "half-made module": HalfMade,
    "half-made module in a list": lambda: [HalfMade()],
    "list without a length": lambda: BadLength([1]),
    "list without a length in a list": lambda: [BadLength([1])],
    "dataclass with an unset field": lambda: [Unset()],
    "deeply nested": deeply_nested,
    "doubled forty times": doubled,
    "long": lambda: {"train": list(range(10**6))},
    "odd key": lambda: [{Unset: 1}],
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_object_among_the_variables_never_stops_a_helper(kind):
    odd = ODD[kind]()
    x = leaf()
    y = x * 2
    start = time.perf_counter()
    names = Names()
    names.add_namespaces([{"odd": odd, 3: x, "y": y, "pair": [x]}])
    assert names.of(x).name == "pair[0]" and names.of(y).name == "y"
    assert time.perf_counter() - start < 5  # a hang, not a speed, is what this guards against


def test_a_key_that_prints_its_address_is_named_by_its_class():
    keyed = {Unset(): leaf(), 3: leaf(), "k": leaf()}
    assert [held.name for held in tensors_in(keyed, "d")] == ["d[<Unset>]", "d[3]", "d['k']"]


def test_what_exec_put_into_a_functions_variables_is_still_there():
    exec("planted = 5")
    show_graph(leaf() * 2)
    assert eval("planted") == 5


class Fresh(Mapping):
    """A mapping that makes its values anew each time they are asked for."""

    def __init__(self, tensors):
        self.tensors = tensors

    def __getitem__(self, key):
        held = self.tensors[key]
        return [held] if isinstance(held, torch.Tensor) else Fresh(held)

    def __iter__(self):
        return iter(range(len(self.tensors)))

    def __len__(self):
        return len(self.tensors)


def test_no_tensor_is_lost_in_containers_that_are_made_anew():
    tensors = [leaf() for _ in range(50)]
    nested = Fresh([[tensor] for tensor in tensors])
    assert [id(held.tensor) for held in tensors_in(nested)] == list(map(id, tensors))
