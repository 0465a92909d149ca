"""A pretend accelerator: the device ``pretend``, whose memory is the host's.

torch reserves the dispatch key PrivateUse1 for devices that are not its own. Here every
operation that reaches that key is run by the CPU's kernel on the same memory, and its
result is a tensor of the device. So tensors, parameters and nodes are torch's own objects,
they report the device, views share memory and versions as anywhere, and the engine works on
the thread that it keeps for a device. What this cannot prove stands in the project's README
under "Devices".

Not here: sparse and nested tensors, convolutions, fused kernels (LSTM, GRU, attention), autocast,
``copy.deepcopy`` of a tensor that is no parameter. And a Python error that a hook raises during
backward ends the process: torch then asks our device guard, which is Python too, for its type.

Import this before ``lecture_helpers``, and only in a process of its own: a device stays for
as long as the process.
"""

import ctypes
import weakref
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
from torch.utils._pytree import tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "pretend"
HOST, EXTENSION = 1, 12  # kDLCPU and kDLExtDev of DLPack, which torch reads as PrivateUse1
DEVICE_FIELD = ctypes.sizeof(ctypes.c_void_p)  # a DLTensor begins with the data's address
MAY_MIX = {"index", "index_put", "index_put_", "_index_put_impl_"}  # positions may be the host's

aten = torch.ops.aten
STAND_INS = {aten._efficientzerotensor.default: aten.zeros.default}  # it has no memory to share
_pointer_in = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_in.restype, _pointer_in.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


class Module:
    """``torch.pretend``: what torch, and a helper, asks a device's module for.

    calls: how often each was asked for.
    """

    def __init__(self):
        self.calls = {"synchronize": 0, "reset_peak_memory_stats": 0, "max_memory_allocated": 0}
        self.generator = torch.Generator()
        self.allocated = self.peak = 0

    def is_available(self):
        return True

    def is_initialized(self):
        return True

    def _is_in_bad_fork(self):
        return False

    def device_count(self):
        return 1

    def current_device(self):
        return 0

    def get_amp_supported_dtype(self):
        return []

    def device(self, device):
        return nullcontext()

    def manual_seed_all(self, seed):
        self.generator.manual_seed(seed)

    def get_rng_state(self, device=None):
        return self.generator.get_state()

    def set_rng_state(self, state, device=None):
        self.generator.set_state(state)

    def synchronize(self, device=None):
        self.calls["synchronize"] += 1

    def reset_peak_memory_stats(self, device=None):
        self.calls["reset_peak_memory_stats"] += 1
        self.peak = self.allocated

    def max_memory_allocated(self, device=None):
        self.calls["max_memory_allocated"] += 1
        return self.peak

    def weigh(self, storage):
        """Count the bytes of a storage for as long as it lives."""
        self._add(storage.nbytes())
        weakref.finalize(storage, self._add, -storage.nbytes())

    def _add(self, nbytes):
        self.allocated += nbytes
        self.peak = max(self.peak, self.allocated)


module = Module()
_setup_privateuseone_for_python_backend(NAME, module)
device = torch.device(NAME, 0)


def labelled(tensor, kind):
    """Return a tensor on the same memory that reports the host or the device."""
    if tensor.is_conj():  # a mark on the tensor, which DLPack does not know
        return labelled(tensor.conj(), kind).conj()
    if tensor.is_neg():
        return labelled(tensor._neg_view(), kind)._neg_view()
    capsule = torch._C._to_dlpack(tensor)
    ctypes.c_int32.from_address(_pointer_in(capsule, b"dltensor") + DEVICE_FIELD).value = kind
    return torch._C._from_dlpack(capsule)


def is_ours(thing):
    return isinstance(thing, torch.Tensor) and thing.device.type == NAME


def on_host(thing):
    """Return an argument as the CPU's kernel takes it; what is not of the device as it is."""
    if isinstance(thing, torch.device):
        return torch.device("cpu") if thing.type == NAME else thing
    return labelled(thing, HOST) if is_ours(thing) else thing


def on_device(thing):
    """Return a result as a tensor of the device; what is no tensor as it is."""
    if not isinstance(thing, torch.Tensor):
        return thing
    tensor = labelled(thing, EXTENSION)
    module.weigh(tensor.untyped_storage())
    return tensor


@contextmanager
def metadata_only():
    """Let sizes, strides and storages of our tensors be handled without looking at the data."""
    before = torch._C._meta_in_tls_dispatch_include()
    torch._C._set_meta_in_tls_dispatch_include(True)
    try:
        yield
    finally:
        torch._C._set_meta_in_tls_dispatch_include(before)


def fill_in(empty, result):
    """Give an empty tensor, which is to be written to, the memory and size of a result."""
    with metadata_only():
        torch._functionalize_unsafe_set(empty, result)
        aten.as_strided_.default(empty, result.shape, result.stride(), 0)


def resize(tensor, size):
    """Change the size of a tensor in place, as ``resize_`` does on any device."""
    resized = torch.empty(size, dtype=tensor.dtype, device=device)
    room = tensor.untyped_storage().nbytes() // tensor.element_size() - tensor.storage_offset()
    if resized.numel() > room:
        on_host(resized).view(-1)[: tensor.numel()] = on_host(tensor).reshape(-1)
        return fill_in(tensor, resized)
    with metadata_only():
        aten.as_strided_.default(tensor, resized.shape, resized.stride(), tensor.storage_offset())


def refuse_other_devices(op, arguments):
    """Raise where tensors of two devices meet, but for a number in a tensor."""
    found = []
    tree_map(found.append, arguments)
    others = [t for t in found if isinstance(t, torch.Tensor) and not is_ours(t) and t.dim()]
    if others and op.overloadpacket.__name__ not in MAY_MIX:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{device} and {others[0].device}! (when checking arguments of {op})"
        )


def run(op, *args, **kwargs):
    """Run any operation of the device: the fallback of its dispatch key."""
    if op is aten._copy_from.default:
        source, target = args[:2]
        on_host(target).copy_(on_host(source))
        return target
    if op is aten.resize_.default:
        resize(*args[:2])
        return args[0]
    given = dict(zip([argument.name for argument in op._schema.arguments], args)) | kwargs
    refuse_other_devices(op, list(given.values()))
    aliases = [result.alias_info for result in op._schema.returns]
    if any(alias and not alias.is_write for alias in aliases):
        with metadata_only():
            return op(*args, **kwargs)
    return _compute(op, given, aliases)


def _compute(op, given, aliases):
    """Run the CPU's kernel. A result that an argument is to hold is that argument."""
    taken = tree_map(on_host, given)
    written, outs = {}, []
    for argument in op._schema.arguments:
        if argument.name == "generator" and given.get("generator") is None:
            taken["generator"] = module.generator
        if argument.alias_info and argument.alias_info.is_write:
            written |= dict.fromkeys(argument.alias_info.before_set, given[argument.name])
        if argument.is_out:  # a kernel may change its size, and our memory has no other size
            taken[argument.name] = torch.empty(0, dtype=given[argument.name].dtype)
            outs.append((given[argument.name], taken[argument.name]))
    made = STAND_INS.get(op, op)(**taken)
    for out, result in outs:
        put(result, out)
    results = made if len(aliases) > 1 else (made,)
    results = [
        written[next(iter(alias.before_set))] if alias else tree_map(on_device, result)
        for alias, result in zip(aliases, results)
    ]
    return tuple(results) if len(aliases) > 1 else results[0] if results else None


def put(result, out):
    """Write the result of a kernel to the tensor that is to hold it."""
    if out.shape == result.shape:
        on_host(out).copy_(result)
    else:
        fill_in(out, on_device(result))


every_operation = torch.library.Library("_", "IMPL")
every_operation.fallback(run, "PrivateUse1")
some_operations = torch.library.Library("aten", "IMPL")
# While a TorchDispatchMode is on, torch.tensor goes past it, and torch finds no fallback then.
for op in (aten.empty.memory_format, aten.empty_strided.default, aten._copy_from.default):
    some_operations.impl(op, partial(run, op), "PrivateUse1")
for key in ("Conjugate", "Negative"):  # a copy resolves the marks itself, as on CUDA
    some_operations.impl("_copy_from", torch.library.fallthrough_kernel, key)
