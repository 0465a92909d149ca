"""The bytes of saved_memory beside two truths that know nothing of nodes.

One is what torch itself says is alive: every storage that operations made, by weak
reference. The other is the profiler's list of what the allocator gave out and took back.
"""

import gc
from functools import partial

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from lecture_helpers import saved_memory

pytestmark = pytest.mark.usefixtures("light_collector")

LAYERS, WIDTH, BATCH = 10, 256, 512
ONE = BATCH * WIDTH * 4  # bytes of one activation: 512 KiB
WEIGHT = WIDTH * WIDTH * 4
LOSS = 4
RNG = torch.get_rng_state().nbytes  # a checkpoint keeps one for each of its parts


class Storages(TorchDispatchMode):
    """Collects every storage that operations return and that was not there before."""

    def __init__(self, before):
        super().__init__()
        self.before = {tensor.untyped_storage()._cdata for tensor in before}
        self.seen = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        results = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(results):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.before:
                    self.seen[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        return results

    def alive_bytes(self):
        return sum(nbytes for storage, nbytes in self.seen.values() if not storage.expired())


def alive_after(forward, before):
    """Return what the forward gives, and how many bytes are alive that were not before."""
    with Storages(before) as storages:
        kept = forward()
    gc.collect()  # the first use of a part of torch leaves frames behind, in cycles
    return kept, storages.alive_bytes()


def net_of_allocator(forward):
    """Return what the forward gives, and bytes given out less bytes taken back meanwhile."""
    how = dict(profile_memory=True, acc_events=True)  # else torch 2.11 warns that it clears
    with profile(activities=[ProfilerActivity.CPU], **how) as profiler:
        kept = forward()
        gc.collect()
    events = profiler.profiler.kineto_results.events()
    return kept, sum(event.nbytes() for event in events if event.name() == "[memory]")


def assert_weighs(forward, before, nodes, alive=None, packed=0, allocator=0):
    """Weigh a forward by four means.

    Args:
        nodes: bytes that nodes hold of what the forward made.
        alive: bytes alive of what the forward made; the result's own are added. None where
            it is all that the nodes hold.
        packed: saved tensors that were packed away.
        allocator: bytes beyond what operations made (states of random numbers).
    """
    alive = nodes if alive is None else alive
    result, truth = alive_after(forward, before)
    assert truth == alive + own_bytes(result, before)
    del result
    result, truth = net_of_allocator(forward)
    assert truth == alive + own_bytes(result, before) + allocator
    memory = saved_memory(result, inputs=before[0])
    assert memory.graph_bytes == nodes
    assert memory.packed == packed
    saved_before = memory.total_bytes - memory.graph_bytes
    assert memory.parameter_bytes + memory.input_bytes == saved_before
    del result
    with saved_memory() as memory:
        result = forward()
    assert memory.alive_bytes == alive + own_bytes(result, before)
    assert memory.graph_bytes == nodes and memory.earlier_bytes == saved_before
    by_why = {part.why: part.nbytes for part in memory.alive}
    assert sum(by_why.values()) == memory.alive_bytes
    assert by_why.get("nodes", 0) == nodes
    assert by_why.get("yours", 0) == own_bytes(result, before)
    return by_why


def own_bytes(result, before):
    """Bytes of a result that is no view of what was there before."""
    storage = result.untyped_storage()
    return 0 if storage._cdata in {one.untyped_storage()._cdata for one in before} else LOSS


def mlp(activation):
    torch.manual_seed(0)
    parts = [part for _ in range(LAYERS) for part in (nn.Linear(WIDTH, WIDTH), activation())]
    net = nn.Sequential(*parts)
    x = torch.ones(BATCH, WIDTH)
    return net, x, [x, *net.parameters()]


@pytest.mark.parametrize("activation, kept", [
    (nn.ReLU, LAYERS), (nn.Sigmoid, LAYERS), (partial(nn.ReLU, inplace=True), LAYERS),
    (nn.GELU, 2 * LAYERS - 1), (nn.SiLU, 2 * LAYERS - 1), (nn.Dropout, 2 * LAYERS - 1),
], ids=["relu", "sigmoid", "relu in place", "gelu", "silu", "dropout"])  # fmt: skip
def test_ten_layers(activation, kept):
    """An activation whose result is the next layer's input is kept once; others keep two."""
    net, x, before = mlp(activation)
    assert_weighs(lambda: net(x).sum(), before, kept * ONE)
    memory = saved_memory(net(x).sum(), net)
    assert (memory.parameter_bytes, memory.input_bytes) == ((LAYERS - 1) * WEIGHT, ONE)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_untracked(mode):
    net, x, before = mlp(nn.ReLU)

    def forward():
        with mode():
            return net(x).sum()

    assert_weighs(forward, before, 0)


def test_detached_input_and_output():
    net, x, before = mlp(nn.ReLU)
    assert_weighs(lambda: net(x.detach()).sum(), before, LAYERS * ONE)
    assert_weighs(lambda: net(x).sum().detach(), before, 0)
    x.requires_grad_()
    assert_weighs(lambda: net(x).sum(), before, LAYERS * ONE)
    assert saved_memory(net(x).sum()).total_bytes == (LAYERS + 1) * ONE + LAYERS * WEIGHT
    assert saved_memory(net(x.detach()).sum()).total_bytes == 11 * ONE + 9 * WEIGHT


def test_detached_in_the_middle():
    """What five layers made before the detach is gone, all but the value that went on."""
    net, x, before = mlp(nn.ReLU)
    assert_weighs(lambda: net[10:](net[:10](x).detach()).sum(), before, 6 * ONE)


def test_frozen_layers():
    net, x, before = mlp(nn.ReLU)
    net[:18].requires_grad_(False)
    assert_weighs(lambda: net(x).sum(), before, 2 * ONE)
    net.requires_grad_(False)
    assert_weighs(lambda: net(x).sum(), before, 0)
    x.requires_grad_()
    assert_weighs(lambda: net(x).sum(), before, LAYERS * ONE)
    memory = saved_memory(net(x).sum(), inputs=x)
    assert (memory.parameter_bytes, memory.input_bytes) == (LAYERS * WEIGHT, 0)


def test_checkpoints():
    net, x, before = mlp(nn.ReLU)
    kept = (4 - 1 + 1 + 2) * ONE  # inputs of four parts but x itself, of the last, its two results
    found = assert_weighs(
        lambda: checkpoint_sequential(net, 5, x, use_reentrant=False).sum(),
        before, nodes=3 * ONE, alive=kept, packed=23, allocator=4 * RNG,
    )  # fmt: skip
    assert found["packed"] == kept - 3 * ONE
    assert_weighs(
        lambda: checkpoint(net, x, use_reentrant=False).sum(),
        before, nodes=0, packed=29, allocator=RNG,
    )  # fmt: skip
    x.requires_grad_()
    assert_weighs(
        lambda: checkpoint_sequential(net, 5, x, use_reentrant=True).sum(),
        before, nodes=6 * ONE, allocator=4 * RNG,
    )  # fmt: skip
    memory = saved_memory(checkpoint_sequential(net, 5, x, use_reentrant=True).sum())
    kept = [(one.grad_fn, one.attribute, one.nbytes) for one in memory.on_ctx]
    assert kept == [("CheckpointFunctionBackward", "fwd_cpu_state", RNG)] * 4


def test_autocast():
    net, x, before = mlp(nn.ReLU)

    def forward():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return net(x).sum()

    halves = LAYERS * ONE // 2 + ONE // 2 + (LAYERS - 1) * WEIGHT // 2
    result = forward()
    memory = saved_memory(result)
    assert memory.graph_bytes == halves == 3968 * 1024
    kept, truth = alive_after(forward, before)
    own = kept.untyped_storage().nbytes()
    assert truth - own == halves
    kept, truth = net_of_allocator(forward)
    assert truth - own == halves
    with saved_memory() as memory:
        result = forward()
    assert memory.alive_bytes - own == halves == memory.graph_bytes == memory.total_bytes


class Hides(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.big = x * 2
        return x.sum()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.big


def test_a_custom_function_that_hides_a_tensor():
    x = torch.ones(BATCH, WIDTH, requires_grad=True)
    found = assert_weighs(lambda: Hides.apply(x), [x], nodes=0, alive=ONE)
    assert found == {"ctx": ONE, "yours": LOSS}
    memory = saved_memory(Hides.apply(x))
    assert memory.on_ctx == ((1, "HidesBackward", "big", ONE),)
    with saved_memory() as memory:
        loss = Hides.apply(x)
    assert [part.names for part in memory.alive if part.why == "ctx"] == [
        ("ctx.big of HidesBackward",)
    ]
    loss.backward()
    assert saved_memory(loss).on_ctx == ((1, "HidesBackward", "big", ONE),)  # never freed


def test_a_change_in_place_through_a_view():
    """CopySlices hides a copy of the row, which only the truths see."""
    a = torch.ones(WIDTH, requires_grad=True)
    row = WIDTH * 4

    def forward():
        base = torch.zeros(WIDTH, WIDTH)
        base[0].copy_(a.exp())
        base[1].mul_(a)
        return base.sum()

    found = assert_weighs(forward, [a], nodes=row, alive=2 * row)
    assert found["unknown"] == row
    assert saved_memory(forward()).hidden == 2


def test_a_view_keeps_the_whole_memory_and_an_expanded_tensor_one_number():
    a = torch.ones(BATCH, WIDTH, requires_grad=True)
    assert_weighs(lambda: (a + 1)[3].exp().sum(), [a], nodes=WIDTH * 4)
    assert_weighs(lambda: (a + 1)[3].pow(2).sum(), [a], nodes=ONE)
    one = torch.ones(1, requires_grad=True)
    assert_weighs(lambda: (one + 1).expand(BATCH, WIDTH).pow(2).sum(), [one], nodes=4)


def test_what_backward_frees_and_what_it_makes():
    net, x, before = mlp(nn.ReLU)
    gradients = sum(parameter.nbytes for parameter in net.parameters())
    with saved_memory() as memory:
        loss = net(x).sum()
        loss.backward()
    assert memory.total_bytes == 0 and memory.freed
    assert {part.why: part.nbytes for part in memory.alive} == {
        "yours": LOSS, "gradient": gradients,
    }  # fmt: skip
    net.zero_grad()
    with saved_memory() as memory:
        loss = net(x).sum()
        loss.backward(retain_graph=True)
    assert memory.graph_bytes == LAYERS * ONE and not memory.freed
    assert memory.alive_bytes == LAYERS * ONE + gradients + LOSS
    net.zero_grad()
    assert memory.alive_now == LAYERS * ONE + LOSS
    del loss
    assert memory.alive_now == 0
