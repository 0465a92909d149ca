"""Rules of softmax and of the losses. ``cross_entropy`` is log_softmax followed by nll_loss."""

import torch

from .table import Part, moved, op, zeros_of_input

NONE, MEAN = 0, 1  # what torch saves for reduction="none" and "mean"
PREDICTED = {"self": "input"}


def _dim(s):
    """Return the dimension of a softmax counted from the front."""
    return s.dim % len(s.shape) if s.shape else 0


def _softmax_code(g, s):
    return s.result * (g - (g * s.result).sum(_dim(s), keepdim=True))


def _log_softmax_code(g, s):
    return g - s.result.exp() * g.sum(_dim(s), keepdim=True)


def _count(s):
    return s.self.numel() if s.reduction == MEAN else 1


def _divided(s, formula) -> str:
    """Return a formula, divided by the number of elements for a mean."""
    held = s.get("self")
    count = "number of elements" if held is None else f"{held.numel():,}"
    return f"{formula} / {count}" if s.get("reduction") == MEAN else formula


def _over(formula, code):
    """Return a part of a loss; ``formula`` is a text or a function of ``s`` that gives it."""

    def symbols(s):
        return _divided(s, formula(s) if callable(formula) else formula)

    return Part(symbols, lambda g, s: code(g, s) / _count(s))


def _weighted(g, s):
    return g if s.weight is None else g * s.weight


def _bce_code(g, s):
    spread = ((1 - s.self) * s.self).clamp(min=1e-12)  # as torch bounds it
    return _weighted(g, s) * (s.self - s.target) / spread


def _logits_code(g, s):
    guess = torch.sigmoid(s.self)
    if s.pos_weight is None:
        return _weighted(g, s) * (guess - s.target)
    hit = s.pos_weight * s.target
    return _weighted(g, s) * ((hit + 1 - s.target) * guess - hit)


def _logits(s):
    if s.get("pos_weight") is None:
        return "incoming × (sigmoid({self}) - {target})" + _weight(s)
    hit = "{pos_weight} · {target}"
    return f"incoming × (({hit} + 1 - {{target}}) · sigmoid({{self}}) - {hit}){_weight(s)}"


def _logits_target_code(g, s):
    if s.pos_weight is None:
        return -_weighted(g, s) * s.self
    logsigmoid = torch.nn.functional.logsigmoid
    return _weighted(g, s) * (logsigmoid(-s.self) - s.pos_weight * logsigmoid(s.self))


def _logits_target(s):
    if s.get("pos_weight") is None:
        return "-incoming × {self}" + _weight(s)
    log_sides = "log(1 - sigmoid({self})) - {pos_weight} · log(sigmoid({self}))"
    return f"incoming × ({log_sides}){_weight(s)}"


def _weight(s):
    return "" if s.get("weight") is None else " × {weight}"


def _weighting(formula):
    return lambda s: formula + _weight(s)


def _bce_target_code(g, s):
    return _weighted(g, s) * ((1 - s.self).log() - s.self.log())


def _nll(s):
    ignored = s.get("target") is not None and bool((s.target == s.ignore_index).any())
    weight = "" if s.get("weight") is None else " × its weight"
    over = " / {total_weight}" if s.get("reduction") == MEAN else ""
    where = "at each target class {target}, 0 elsewhere"
    left_out = " and for target {ignore_index}" if ignored else ""
    return f"-incoming{over}{weight} {where}{left_out}"


def _nll_code(g, s):
    """Put -1 at the class of each target, times its weight, over their sum for a mean."""
    dim = 1 if len(s.shape) > 1 else 0
    counted = s.target != s.ignore_index
    target = torch.where(counted, s.target, 0)
    share = -g / s.total_weight if s.reduction == MEAN else -g
    share = share if s.weight is None else share * s.weight[target]
    share = torch.where(counted, share, 0)
    return zeros_of_input(g, s).scatter(dim, target.unsqueeze(dim), share.unsqueeze(dim))


BCE = "incoming × ({self} - {target}) / ({self} · (1 - {self}))"
BCE_TARGET = "incoming × (log(1 - {self}) - log({self}))"
NLL = op(
    "The negative log-likelihood looks only at the log-probability of the target class: "
    "that one gets minus the incoming gradient, divided by the number of samples (or the "
    "sum of their weights) for a mean; all others get 0.",
    moved(_nll, _nll_code),
)
SQUARED_WORDS = (
    "The slope of a squared difference is twice the difference, divided by the number of "
    "elements for a mean; the target's has the sign turned."
)

SOFTMAX = op(
    "The probabilities sum to 1, so a gradient that is the same for all of them moves "
    "nothing: each gets its probability times what its gradient exceeds the average by.",
    Part("{result} · (incoming - sum(incoming · {result}))", _softmax_code),
)

LOSSES = {
    "SoftmaxBackward0": SOFTMAX,
    "SafeSoftmaxBackward0": SOFTMAX,  # within scaled_dot_product_attention
    "LogSoftmaxBackward0": op(
        "Each input gets its own gradient less its probability times the sum of all of them.",
        Part("incoming - exp({result}) · sum(incoming)", _log_softmax_code),
    ),
    "MseLossBackward0": op(
        SQUARED_WORDS,
        _over("incoming × 2 · ({self} - {target})", lambda g, s: g * 2 * (s.self - s.target)),
        _over("incoming × 2 · ({target} - {self})", lambda g, s: g * 2 * (s.target - s.self)),
        called=PREDICTED,
    ),
    "BinaryCrossEntropyBackward0": op(
        "The slope of the binary cross entropy: probability less target, over probability "
        "times its complement, divided by the number of elements for a mean.",
        _over(_weighting(BCE), _bce_code),
        _over(_weighting(BCE_TARGET), _bce_target_code),
        called=PREDICTED,
    ),
    "BinaryCrossEntropyWithLogitsBackward0": op(
        "The slope of the binary cross entropy of logits: probability less target, divided by "
        "the number of elements for a mean.",
        _over(_logits, _logits_code),
        _over(_logits_target, _logits_target_code),
        called=PREDICTED,
    ),
    "NllLossBackward0": NLL,
    "NllLoss2DBackward0": NLL,
}  # fmt: skip
