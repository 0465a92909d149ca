"""Whether autograd tracks what a call of torch returned, and why not."""

from typing import NamedTuple

import torch

from .calls import DATA_SET, Call
from .grads import or_instead, shape_of
from .names import tensors_in
from .walk import is_leaf

NO_GRAD = "no_grad: gradient mode is off"
INFERENCE = "inference_mode"
DETACH = "detach() leaves the graph"
DATA = ".data leaves the graph"
NO_INPUT = "no input requires grad"
NEW_LEAF = "a new leaf, made from values only"
NEW = "new, and not asked to require grad"
FROZEN = "requires_grad was set to False"
NO_CREATE_GRAPH = "gradients are tracked only with create_graph=True"
NUMBER = "a Python number, outside torch"
NUMBERS = "Python numbers, outside torch"
ARRAY = "a NumPy array, outside torch"
UNSEEN = "made where this map does not look"
NO_CALL = "no call was seen: compiled code, or another thread"
NOT_FOLLOWED = "its inside is not followed"
LEAF = "a leaf"
ONLY_SAID = "{}: a view says requires_grad=True as its base does, but is not recorded"
NOT_RECORDED = "written to, not recorded ({})"

LEAVES_TORCH = {
    "item": NUMBER, "__float__": NUMBER, "__int__": NUMBER, "__complex__": NUMBER,
    "__index__": NUMBER, "tolist": NUMBERS, "numpy": ARRAY, "__array__": ARRAY,
}  # fmt: skip
FROM_VALUES = {"tensor", "as_tensor", "asarray", "new_tensor", "scalar_tensor"}
SETS_FLAG = {"requires_grad_", ".requires_grad ="}
READS = {"__repr__", "__str__", "__format__", "__len__", "size", "dim", "numel"}
EACH_OF_ITS_OWN = {  # return a list, each tensor made of one of those given
    "broadcast_tensors", "meshgrid", "atleast_1d", "atleast_2d", "atleast_3d",
}  # fmt: skip
FROM_SHAPE = ("_like", "new_zeros", "new_ones", "new_empty", "new_full", "new_empty_strided")


class Outcome(NamedTuple):
    """What a call made of one tensor, or of a Python value in the place of one.

    name: how it is reached from the call's result: ``""``, ``[0]`` or ``.values``.
    id: of the tensor, to tell it while it lives; it is not held. 0 for another value.
    shape: None for what is no tensor.
    tracked: whether autograd tracks it.
    why: why not, or a remark where it does; None without one.
    flag: what its ``requires_grad`` says.
    cuts: whether a tracked tensor went in and this, untracked, came out.
    in_place: whether it is a tensor that was there before.
    """

    name: str
    id: int
    shape: tuple | None
    tracked: bool
    why: str | None
    flag: bool
    cuts: bool
    in_place: bool


def outcomes(call: Call) -> list[Outcome]:
    """Return what a call made. An empty list for one that made no tensor and no value."""
    if call.name in LEAVES_TORCH:
        return [Outcome("", 0, None, False, LEAVES_TORCH[call.name], False, call.tracked, False)]
    result = call.result
    if result is None:  # x.requires_grad = True, x[0] = 1, x.data = y
        result = call.given[0] if call.changed or call.name in SETS_FLAG else None
    return [_outcome(call, *held) for held in tensors_in(result)]


def _outcome(call, name, tensor) -> Outcome:
    flag = tensor.requires_grad
    was_there = any(tensor is one for one in call.given)
    only_said = flag and not was_there and not torch.is_grad_enabled() and tensor._is_view()
    tracked = flag and not only_said
    if only_said:
        why = ONLY_SAID.format(_mode())
    else:
        why = _remark(call, tensor, was_there) if tracked else why_not(call, tensor)
    cuts = call.tracked and not tracked
    return Outcome(name, id(tensor), shape_of(tensor), tracked, why, flag, cuts, was_there)


def _remark(call, tensor, was_there) -> str | None:
    """Return what is worth saying of a tracked result."""
    if is_leaf(tensor) and (not was_there or call.name in SETS_FLAG):
        return LEAF
    if any(tensor is one for one in call.changed) and not call.made:
        return NOT_RECORDED.format(_mode())
    return None


def _mode() -> str:
    return "inference_mode" if torch.is_inference_mode_enabled() else "no_grad"


def why_not(call: Call, tensor: torch.Tensor) -> str:
    """Return why autograd does not track a tensor that a call returned."""
    if call.name in ("detach", "detach_"):
        return DETACH
    if call.name == "data":
        return DATA
    if call.name in SETS_FLAG:
        return FROZEN
    known = of_value(tensor)
    if known is not None:
        return known
    if call.name in FROM_VALUES and (call.given or call.name != "tensor"):
        return NEW_LEAF
    if not call.given:
        return NEW
    if not torch.is_grad_enabled():
        return INFERENCE if torch.is_inference_mode_enabled() else NO_GRAD
    if call.name == DATA_SET or not call.tracked or call.name in EACH_OF_ITS_OWN:
        return NO_INPUT
    if call.name == "grad":
        return NO_CREATE_GRAPH
    if call.name.endswith(FROM_SHAPE):
        return NEW
    return f"torch has no derivative for {call.name}"


def of_value(tensor: torch.Tensor) -> str | None:
    """Return why a tensor could not be tracked whatever made it; None where it could."""
    if not (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
        return f"{str(tensor.dtype).removeprefix('torch.')} values have no gradient"
    return INFERENCE if or_instead(tensor.is_inference, False) else None
