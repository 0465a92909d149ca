"""Every storage that a block of code makes, watched by weak references.

What is alive is asked of torch itself, so it needs no theory of what autograd keeps. Why
it is alive is then looked up: in the nodes, in the caller's variables, in what hooks and
custom Functions hold.
"""

import gc
import types
from typing import NamedTuple

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import TensorWeakRef

from .names import tensors_among
from .saved import PACKED, sizes, storages_of
from .walk import class_name, grad_fn_of

NODES, ON_CTX, YOURS, LEAVES = "nodes", "ctx", "yours", "leaves"
GRADIENT, INSIDE, UNKNOWN = "gradient", "inside", "unknown"
FRESH = {"aten::lift_fresh", "aten::lift"}  # what torch.tensor makes arrives through these
MOST_LOOKS = 5_000  # objects looked at in one search for a tensor
MOST_PACKED = 1_000_000  # the same for what hooks hold: a few for each saved tensor
PRUNE_AT = 20_000
CHECKPOINTS = "_NoopSaveInputsBackward"  # in torch 2.11 the inputs of one hang on this node
SavedTensor = torch._C._autograd.SavedTensor
OPAQUE = (
    type, types.ModuleType, types.FrameType, types.TracebackType, types.CodeType,
    types.BuiltinFunctionType, str, bytes, int, float, torch.dtype, torch.device, torch.Size,
)  # fmt: skip


class AlivePart(NamedTuple):
    """Part of what a block made and what is alive at its end, with the reason.

    why: ``nodes`` (a node saved it), ``yours`` (a variable of yours), ``ctx`` (a custom
        Function keeps it on its ctx), ``packed`` (what a hook or checkpoint holds in the
        place of saved tensors), ``gradient`` (the ``.grad`` of a leaf), ``inside`` (an
        object among your variables), ``leaves`` (a leaf whose ``.grad`` backward is to
        fill, which nothing else is known to hold), ``unknown``. The first that holds counts.
    nbytes: of its storages.
    names: who holds them: variables, attributes. Empty for ``nodes`` and ``leaves``, and
        where not known.
    """

    why: str
    nbytes: int
    names: tuple


class Watch(TorchDispatchMode):
    """Notes each storage that torch's operations make on this thread, weakly.

    A storage is made where an operation returns one that was neither among its inputs nor
    seen before; an in-place operation and a view make none.
    """

    def __init__(self):
        super().__init__()
        self._made, self._before, self._results = {}, {}, []
        self._gone = self._gone_bytes = 0
        self._prune_at = PRUNE_AT

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # else the first operation imports the compiler, for a second or two

    @classmethod
    def ignore_compile_internals(cls):
        return True  # a compiled function stays compiled, and its results are watched

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        results = function(*args, **(kwargs or {}))
        for result in tensors_among(results):
            self._note(result, function, args, kwargs)
        if len(self._results) > self._prune_at:
            self._prune()
        return results

    def _note(self, result, function, args, kwargs):
        self._results.append(TensorWeakRef(result))
        inputs = None
        for storage in storages_of(result):
            key = storage._cdata
            if key in self._made:
                self._made[key] = self._made[key][0], storage.nbytes()  # it may have grown
            elif key not in self._before:
                if inputs is None:
                    inputs = _keys((args, kwargs)) if function._schema.name not in FRESH else ()
                known = self._before if key in inputs else self._made
                known[key] = StorageWeakRef(storage), storage.nbytes()

    def _prune(self):
        """Forget what is gone, so that a long block does not fill the memory."""
        self._results = [one for one in self._results if one() is not None]
        for key, (storage, nbytes) in list(self._made.items()):
            if storage.expired():
                del self._made[key]
                self._gone += 1
                self._gone_bytes += nbytes
        self._prune_at = PRUNE_AT + 2 * len(self._results)

    @property
    def made(self) -> tuple:
        """How many storages were made, and their bytes."""
        return self._gone + len(self._made), self._gone_bytes + _sum(self._made)

    def has(self, key) -> bool:
        """Return whether a storage, by its key in ``sizes``, was made here."""
        return key in self._made

    def alive(self) -> dict:
        """Return the bytes of each storage that was made here and is alive now, by key."""
        return {
            key: nbytes for key, (storage, nbytes) in self._made.items() if not storage.expired()
        }

    def roots(self, most) -> tuple:
        """Return the nodes of the newest results that are alive, at most ``most``, and whether
        there may be more; forget the results."""
        nodes, results = {}, self._results
        self._results = []
        while results and len(nodes) < most:
            node = _grad_fn(results.pop()())
            if node is not None:
                nodes[node] = None
        return list(nodes), bool(results)


def _grad_fn(tensor):
    if tensor is None or not tensor.requires_grad:
        return None
    node = grad_fn_of(tensor)
    return None if class_name(node) == CHECKPOINTS else node  # in no graph of the caller's


def _keys(thing) -> set:
    return {key for tensor in tensors_among(thing) for key in sizes(tensor)}


def _sum(made) -> int:
    return sum(nbytes for _, nbytes in made.values())


def explain(watch, weighing, names, namespaces) -> tuple:
    """Return an ``AlivePart`` for each reason why what a block made is alive.

    Args:
        watch: the ``Watch`` over the block.
        weighing: the ``Weighing`` of the graphs that hang on what it made.
        names: what the caller calls its tensors.
        namespaces: the caller's variables.
    """
    left, parts = watch.alive(), []

    def part(why, found):
        nbytes, holders = 0, {}
        for key, holder in found:
            if key in left:
                nbytes += left.pop(key)
                holders[holder] = None
        if nbytes or holders:
            parts.append(AlivePart(why, nbytes, tuple(filter(None, holders))))

    part(NODES, [(key, None) for key in left if key in weighing.scales.numbers])
    part(YOURS, _pairs((held.tensor, held.name) for held in names.all()))
    part(ON_CTX, _pairs(weighing.kept_on_ctx))
    part(GRADIENT, _pairs(_gradients(weighing.leaves, names)))
    if left:
        packed = tensors_within(weighing.packed(), MOST_PACKED)
        part(PACKED, _pairs((tensor, None) for tensor in packed))
    if left:
        part(INSIDE, _pairs(_inside(namespaces)))
    part(LEAVES, _pairs((tensor, None) for tensor in weighing.leaves))
    part(UNKNOWN, [(key, None) for key in list(left)])
    return tuple(parts)


def _pairs(holders):
    """Yield (key of a storage, words) for tensors with the words on who holds them."""
    for tensor, words in holders:
        for key in sizes(tensor):
            yield key, words


def _gradients(leaves, names):
    held = [(tensor, names.of_leaf(tensor)) for tensor in leaves]
    held += [(one.tensor, one) for one in names.all()]
    for tensor, one in held:
        if tensor.is_leaf and isinstance(tensor.grad, torch.Tensor):
            yield tensor.grad, f"{one.name}.grad" if one else "the .grad of a leaf without a name"


def _inside(namespaces):
    """Yield the tensors inside objects among the caller's variables."""
    for variables in namespaces:
        for name, value in list(variables.items()):
            if isinstance(name, str) and not name.startswith("_"):
                for tensor in tensors_within([value]):
                    yield tensor, name


def tensors_within(things, most=MOST_LOOKS):
    """Yield the tensors that Python objects hold: in attributes, closures, arguments.

    Nothing of theirs is called: the garbage collector tells who refers to
    what. At most ``most`` objects are looked at.
    """
    waiting, met = list(things), {}
    while waiting and most:
        thing = waiting.pop()
        most -= 1
        kind = type(thing)  # isinstance would ask the object, which may lie or raise
        if issubclass(kind, OPAQUE) or id(thing) in met:
            continue
        met[id(thing)] = thing
        if issubclass(kind, torch.Tensor):
            yield thing
            node = grad_fn_of(thing)
            if class_name(node) == CHECKPOINTS:
                waiting += _saved_on(node)
        elif kind is types.FunctionType:  # its globals are not its own
            waiting += [thing.__closure__, thing.__defaults__, thing.__kwdefaults__]
        elif kind is SavedTensor:
            waiting += [thing.data, thing.unpack_hook]
        elif issubclass(kind, torch._C._FunctionBase):  # a custom Function's node
            waiting += [vars(thing), *_saved_on(thing)]
        else:
            waiting += gc.get_referents(thing)


def _saved_on(node) -> list:
    try:
        return list(node._raw_saved_tensors)
    except (RuntimeError, AttributeError):  # freed
        return []
