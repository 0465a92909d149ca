"""For each class of node that has a rule: expressions that make such a node, after a colon.

``a`` ``b`` ``c``: tracked tensors of shapes (3,), (3,), (2, 3); ``s`` tracked, 0-d; ``w`` (3, 4),
``u`` (2, 2, 3), ``k`` (2, 3, 2), ``one`` (1, 3): tracked; ``p`` (3,), ``q`` (2, 3): not tracked.
The values are between 0.5 and 2, ``z`` (5,) has both signs, a zero and equal values.
"""

import torch
from torch.nn import functional as F

from lecture_helpers.rules import read_rule
from lecture_helpers.walk import class_name

TEXT = """
AddBackward0: a + b; a + 1; 1 + a; torch.add(a, b, alpha=2); a + c; s + c; a + p; p + a;
    torch.add(p, a, alpha=-3); one + a; c + s.float()
AddBackward1: torch.ops.aten.add.Scalar(a, 1, 2)
SubBackward0: a - b; a - 1; torch.sub(a, b, alpha=3); c - a; s - c; p - a; a - p
SubBackward1: torch.ops.aten.sub.Scalar(a, 1, 2)
RsubBackward0: torch.rsub(a, b, alpha=2); torch.rsub(c, a); torch.rsub(p, a)
RsubBackward1: 1 - a; torch.rsub(a, 1, alpha=2)
MulBackward0: a * b; a * a; a * 2; -2 * a; a * p; p * a; c * a; s * c; a * one; s * s;
    a * torch.arange(3); a.float() * b
MulBackward1: torch.ops.aten.mul.Scalar(a, 2)
DivBackward0: a / b; a / 2; p / a; a / p; c / a; a / c; s / c; s / s
DivBackward1: torch.ops.aten.div.Scalar(a, 2)
DivBackward2: torch.div(a, b, rounding_mode='floor'); torch.div(c, a, rounding_mode='trunc');
    torch.div(a, c, rounding_mode=None)
NegBackward0: -a; s.neg()
PowBackward0: a**2; a**3; a**1; a**0; a**-1; a**0.5; a.square(); z**2; z**0; z**3; s**2.5; z**1
PowBackward1: a**b; s**a; c**a; p**a; a**p; a**torch.tensor([0, 1, 2]);
    torch.pow(torch.tensor([0., 2, 0]), a); torch.pow(torch.tensor([0., 2, 0]), z[2:] * 1);
    z**torch.tensor([0., 1, 2, 3, 0])
PowBackward2: 2**a; 0**a; 0**z; 0.5**z; 1**s
ReciprocalBackward0: a.reciprocal(); z.reciprocal()
ExpBackward0: a.exp(); s.exp(); z.exp()
Expm1Backward0: a.expm1()
LogBackward0: a.log(); z.log()
Log2Backward0: a.log2()
Log10Backward0: a.log10()
Log1PBackward0: a.log1p()
SqrtBackward0: a.sqrt(); z.sqrt()
RsqrtBackward0: a.rsqrt()
SinBackward0: a.sin(); s.sin()
CosBackward0: a.cos()
TanBackward0: a.tan()
TanhBackward0: a.tanh(); z.tanh()
SigmoidBackward0: a.sigmoid(); torch.special.expit(z)
SiluBackward0: F.silu(z)
ReluBackward0: z.relu(); F.relu(a); (z * 1).relu_(); (z / 0).relu()
LeakyReluBackward0: F.leaky_relu(z); F.leaky_relu(z, 0.5)
AbsBackward0: z.abs()
ClampBackward0: z.clamp(torch.zeros(5), None); z.clamp(max=s); a.clamp(b, a.detach().flip(0));
    c.clamp(a, b); a.clamp(p, b); p.clamp(a, b); z.clamp(s, -s)
ClampBackward1: z.clamp(0, 1); z.clamp(min=0); z.clamp(max=0); z.clamp(1, -1)
ClampMinBackward0: z.clamp_min(0)
ClampMaxBackward0: z.clamp_max(0)
MaximumBackward0: torch.maximum(a, b); torch.max(c, a); torch.maximum(z, z.detach().flip(0));
    torch.maximum(p, a); torch.maximum(a, a)
MinimumBackward0: torch.minimum(a, b); torch.min(c, a); torch.minimum(z, z.detach().flip(0))
WhereBackward0: torch.where(a > 1, a, b); torch.where(a > 1, a, 0.); torch.where(c > 1, a, s);
    torch.where(p > 1, p, a)
MaskedFillBackward0: z.masked_fill(z > 0, 0.); c.masked_fill(a > 1, -1)
MaskedFillBackward1: z.masked_fill(z > 0, s); c.masked_fill(a > 1, s)
GeluBackward0: F.gelu(z); F.gelu(a)
SoftplusBackward0: F.softplus(z); F.softplus(z, 2, 1)
LogSigmoidBackward0: F.logsigmoid(z)
HardtanhBackward0: F.hardtanh(z); F.relu6(z); F.hardtanh(z, -1, 2)
CloneBackward0: a.clone(); c.t().contiguous()
AliasBackward0: torch.ops.aten.alias(a)
ToCopyBackward0: a.float(); a.to(torch.bfloat16)
SignBackward0: z.sign()
RoundBackward0: a.round()
FloorBackward0: a.floor()
CeilBackward0: a.ceil()
TruncBackward0: a.trunc()
AccumulateGrad: a * 1
SumBackward0: a.sum(); c.sum(); s.sum(); c.float().sum(dtype=torch.float64)
SumBackward1: c.sum(0); c.sum(-1, keepdim=True); u.sum((0, -1)); u.sum((-2,), True); s.sum(0);
    c.sum((0, 1))
MeanBackward0: a.mean(); u.mean(); s.mean()
MeanBackward1: c.mean(-1); c.mean((0, 1), keepdim=True); u.mean((0, -1)); s.mean(0)
MaxBackward0: c.max(-1).values; c.max(0, keepdim=True).values; z.max(0).values; s.max(0).values
MinBackward0: c.min(-1).values; u.min(1, keepdim=True).values
MaxBackward1: a.max(); z.max(); s.max(); c.max()
MinBackward1: z.min(); u.min()
AmaxBackward0: c.amax(1); u.amax((0, -1)); z.amax(); z.amax(0, keepdim=True); s.amax();
    z.expand(2, 5).clone().amax(0)
AminBackward0: c.amin(0, keepdim=True); z.amin()
CumsumBackward0: a.cumsum(0); c.cumsum(-1); s.cumsum(0)
SortBackward0: z.sort().values; c.sort(0, descending=True).values; s.sort().values
TopkBackward0: z.topk(2).values; c.topk(1, 0).values
ProdBackward0: a.prod(); z.prod(); z[1:2].prod(); s.prod(); z[:3].prod()
LogsumexpBackward0: a.logsumexp(0); c.logsumexp((0, 1), True); c.logsumexp(-1)
VarBackward0: a.var(); c.var(0, unbiased=False); c.var(-1, keepdim=True);
    c.var((0, 1), correction=3)
StdBackward0: a.std(); c.std(0, unbiased=False); z[::4].std(); c.std(-1, keepdim=True)
LinalgVectorNormBackward0: a.norm(); c.norm(dim=-1); z.norm(1); (z * 0).norm(); s.norm();
    torch.linalg.norm(a); torch.linalg.vector_norm(c, 1, dim=0, keepdim=True)
ViewBackward0: c.view(6); c.view(-1); c.reshape(3, 2); u.flatten(1); s.view(1, 1)
UnsafeViewBackward0: c.t().reshape(6); u @ w
ReshapeAliasBackward0: torch.ops.aten._reshape_alias(c, [6], [1])
SqueezeBackward0: one.squeeze(); c.squeeze()
SqueezeBackward1: one.squeeze(0); one.squeeze(-1)
SqueezeBackward2: one.squeeze((0, 1))
SqueezeBackward3: one.clone().squeeze_()
SqueezeBackward4: one.clone().squeeze_(0)
SqueezeBackward5: one.clone().squeeze_((0, 1))
UnsqueezeBackward0: a.unsqueeze(0); a.unsqueeze(-1); a[None]; s.unsqueeze(0)
UnsqueezeBackward1: a.clone().unsqueeze_(1)
TBackward0: c.t(); a.t(); s.t()
TransposeBackward0: c.transpose(0, 1); u.transpose(0, -1); u.mT; s.transpose(0, -1)
PermuteBackward0: c.T; u.permute(2, 0, 1); u.permute(-1, -3, -2); s.permute(())
FlipBackward0: c.flip(0); u.flip(0, -1)
TrilBackward0: c.tril(); u.tril(-1)
TriuBackward0: c.triu(1)
ExpandBackward0: a.expand(2, 3); one.expand(2, -1); s.expand(2); one.expand(4, 5, 3)
RepeatBackward0: a.repeat(2); a.repeat(2, 2); c.repeat(1, 2, 3); s.repeat(3); s.repeat(());
    a.repeat(0)
SelectBackward0: c[0]; c[-1]; c.select(-1, -2); a[2]; u[1, 0]
SliceBackward0: c[1:]; c[:, 0:2]; z[::2]; z[1:-1]; z[-2:]; z[3:2]; u[..., :1]; c.narrow(1, 1, 2);
    z[10:]
IndexBackward0: c[[0, 1, 0]]; c[:, [0, 1]]; c[c > 1]; u[:, [0, 1], [2, 2]]; u[[0, 1], :, [2, 2]];
    a[torch.tensor([[0, 1], [1, 1]])]; a[torch.tensor([-1])]
GatherBackward0: c.gather(1, torch.tensor([[0], [1]]));
    c.gather(-2, torch.tensor([[0, 1, 1], [0, 0, 0]])); a.gather(0, torch.tensor([1, 1]))
IndexSelectBackward0: c.index_select(0, torch.tensor([1, 1]));
    c.index_select(-1, torch.tensor([0, 2])); s.index_select(0, torch.tensor([0]))
EmbeddingBackward0: F.embedding(torch.tensor([0, 1, 0]), c);
    F.embedding(torch.tensor([[0, 1], [1, 1]]), c, padding_idx=0);
    F.embedding(torch.tensor([0, 1, 0]), c, scale_grad_by_freq=True)
CatBackward0: torch.cat([a, b]); torch.cat([c, c], -1); torch.cat([p, a, b]);
    torch.cat([a, p, b], 0); torch.cat([c, q, one], 0);
    torch.cat([torch.zeros(0, requires_grad=True), c])
StackBackward0: torch.stack([a, b]); torch.stack([a, p, b], -1); torch.stack([s, s])
UnbindBackward0: c.unbind()[1]; c.unbind(-1)[0]; sum(u.unbind(1))
SplitBackward0: z.split(2)[1]; c.chunk(2)[0]; z.split(2)[2]; torch.cat(z.split(2)[:2])
SplitWithSizesBackward0: c.split([1, 2], -1)[0]; z.split([2, 0, 3])[2]
UnsafeSplitBackward0: torch.unsafe_split(c, 1)[0]
MmBackward0: c @ w; a @ w; q @ w; c @ torch.ones(3, 2); F.linear(c, w.t()); c.t() @ c;
    F.linear(u, w.t())
BmmBackward0: u @ k; torch.bmm(u, k.detach()); torch.bmm(u.detach(), k)
AddmmBackward0: F.linear(c, w.t(), torch.zeros(4, requires_grad=True)); F.linear(q, w.t(), w[0]);
    F.linear(a, w.t(), w[0]); F.linear(u, w.t(), w[0]); torch.addmm(w[:2], c, w, beta=2, alpha=3);
    torch.addmm(w[1].detach(), c, w)
BaddbmmBackward0: torch.baddbmm(torch.ones(2, 2, 2, requires_grad=True), u, k, beta=2, alpha=3);
    torch.baddbmm(torch.ones(2, 2, 2), u, k);
    torch.baddbmm(torch.ones(2, 1, requires_grad=True), u.detach(), k)
MvBackward0: c @ a; c.mv(p); q.mv(a)
AddmvBackward0: torch.addmv(c[:, 0], c, a, beta=2, alpha=3); torch.addmv(s, c, a)
DotBackward0: a @ b; torch.dot(a, p); p.dot(b); torch.dot(a, a)
SoftmaxBackward0: F.softmax(c, -1); a.softmax(0); u.softmax(1); s.softmax(0)
SafeSoftmaxBackward0: torch.ops.aten._safe_softmax(c, -1)
LogSoftmaxBackward0: F.log_softmax(c, -1); u.log_softmax(0); s.log_softmax(-1)
MseLossBackward0: F.mse_loss(a, b); F.mse_loss(c, q, reduction='sum'); F.mse_loss(p, b);
    F.mse_loss(a, b, reduction='none'); F.mse_loss(s, s * 2)
BinaryCrossEntropyBackward0: F.binary_cross_entropy(h, torch.ones(3));
    F.binary_cross_entropy(h, h.detach() / 2, reduction='sum');
    F.binary_cross_entropy(h, torch.ones(3), weight=p, reduction='none');
    F.binary_cross_entropy(h.detach(), h)
BinaryCrossEntropyWithLogitsBackward0: F.binary_cross_entropy_with_logits(a, torch.ones(3));
    F.binary_cross_entropy_with_logits(a, h, weight=p, pos_weight=p + 1);
    F.binary_cross_entropy_with_logits(p, h, reduction='none');
    F.binary_cross_entropy_with_logits(z, torch.zeros(5), reduction='sum')
NllLossBackward0: F.cross_entropy(c, torch.tensor([0, 2])); F.cross_entropy(a, torch.tensor(1));
    F.nll_loss(c, torch.tensor([0, 1]), reduction='sum');
    F.nll_loss(c, torch.tensor([0, 1]), reduction='none'); F.nll_loss(c, torch.tensor([0, -100]));
    F.nll_loss(c, torch.tensor([2, 1]), ignore_index=1, reduction='none');
    F.nll_loss(c, torch.tensor([2, 1]), weight=p);
    F.cross_entropy(c, torch.tensor([2, 1]), weight=p, label_smoothing=0.1)
NllLoss2DBackward0: F.cross_entropy(u, torch.tensor([[0, 1, 1], [0, 1, 0]]));
    F.cross_entropy(u, torch.tensor([[0, -100, 1], [0, 1, 0]]), weight=torch.tensor([1., 3.]))
"""

ROWS = TEXT.strip().replace("\n    ", " ").splitlines()
EVERY = {
    kind: [text.strip() for text in texts.split(";")]
    for kind, texts in (row.split(":", 1) for row in ROWS)
}
CASES = [(kind, text) for kind, texts in EVERY.items() for text in texts]


def tensors(dtype=torch.float64) -> dict:
    """Return the tensors that the expressions use, with the same values in every test."""
    generator = torch.Generator().manual_seed(1)

    def made(*shape):
        values = torch.rand(shape, generator=generator, dtype=torch.float64) * 1.5 + 0.5
        return values.to(dtype)

    found = {name: made(3) for name in "abp"}
    found |= {"c": made(2, 3), "q": made(2, 3), "s": made(), "w": made(3, 4), "u": made(2, 2, 3)}
    found |= {"k": made(2, 3, 2), "one": made(1, 3), "h": made(3) / 3}
    found["z"] = torch.tensor([-1.0, 2.0, 0.0, 2.0, -1.0], dtype=dtype)
    for name, tensor in found.items():
        tensor.requires_grad_(name not in "pq")
    return found


def made(text: str, dtype=torch.float64) -> torch.Tensor:
    """Return what an expression makes, with tensors and new numbers of a dtype."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return eval(text, {"torch": torch, "F": F, **tensors(dtype)})
    finally:
        torch.set_default_dtype(default)


def node_of(output, kind: str):
    """Return the first node of a class behind a tensor, breadth first."""
    waiting = [output.grad_fn]
    for node in waiting:
        if class_name(node) == kind:
            return node
        waiting += [source for source, _ in node.next_functions if source is not None]
    raise AssertionError(f"no {kind} behind the output")


def stepped(output, kind: str, names=None, gradient=None):
    """Return the rule of a node, and what the engine hands in and takes out of that node.

    What a node computes for an input that is not tracked goes nowhere: it is left out.
    """
    node = node_of(output, kind)
    rule = read_rule(node, names)
    seen = []
    handle = node.register_hook(lambda sent, came: seen.append((sent, came)))
    if gradient is None:
        generator = torch.Generator().manual_seed(2)
        gradient = torch.rand(output.shape, generator=generator, dtype=torch.float64) + 0.5
    try:
        output.backward(gradient.to(output.dtype), retain_graph=True)
    finally:
        handle.remove()
    ((grad_inputs, grad_outputs),) = seen
    tracked = [source is not None for source, _ in node.next_functions]
    sent = tuple(one if used else None for one, used in zip(grad_inputs, tracked))
    return rule, grad_outputs, sent
