"""Rules of operations that make one number of many: sums, means, largest, smallest."""

import math

import torch

from .table import Missing, Part, Saved, moved, op, zeros_of_input


def dims_of(s: Saved) -> tuple:
    """Return the dimensions that were reduced, none below 0; all where none was named."""
    dims = s.optional("dim")
    count = len(s.shape)
    if dims is None or dims == ():
        return tuple(range(count))
    return tuple(dim % count for dim in ((dims,) if isinstance(dims, int) else dims) if count)


def unreduced(g, s: Saved) -> torch.Tensor:
    """Return ``g`` with the reduced dimensions put back as dimensions of 1."""
    dims = dims_of(s)
    return g.reshape([1 if dim in dims else size for dim, size in enumerate(s.shape)])


def summed_count(s: Saved) -> int:
    """Return how many elements of the input made one element of the result."""
    return math.prod(s.shape[dim] for dim in dims_of(s))


def _to_each(s):
    count = summed_count(s)
    noun = "element" if count == 1 else "elements"
    return f" to each of {count:,} {noun}" if s.made[0] == () else f", each to {count:,} {noun}"


def _sum(s):
    return f"incoming{_to_each(s)}"


def _mean(s):
    return f"incoming / {summed_count(s)}{_to_each(s)}"


def _sum_code(g, s):
    return unreduced(g, s).expand(s.shape)


def _mean_code(g, s):
    return unreduced(g, s).expand(s.shape) / summed_count(s)


SUM = op(
    "A sum passes the same gradient on to every element that went into it.",
    moved(_sum, _sum_code),
)
MEAN = op(
    "A mean of n elements passes an n-th of the gradient on to each of them.",
    moved(_mean, _mean_code),
)


def _chosen(s):
    return f"incoming at index {{indices}} of dimension {dims_of(s)[0]}, 0 elsewhere"


def _chosen_code(g, s):
    if not s.shape:
        return g
    (dim,) = dims_of(s)
    where = s.indices if s.keepdim else s.indices.unsqueeze(dim)
    return zeros_of_input(g, s).scatter(dim, where, unreduced(g, s))


def _indexed(which):
    return op(
        f"Only the {which} element of each group decides, so it alone gets the gradient.",
        moved(lambda s: _chosen(s) if s.shape else "incoming", _chosen_code),
    )


def _hits(s):
    """Return which elements equal the result; for one largest of all, which are nan if it is."""
    if s.optional("keepdim") is None and bool(s.result.isnan()):
        return s.self.isnan()
    return s.self == unreduced(s.result, s)


def _shared(which):
    def symbols(s):
        held = s.get("self") is not None and s.get("result") is not None
        if held and bool((_hits(s).sum(dims_of(s)) > 1).any()):
            return f"incoming, shared equally by the {which} elements, 0 elsewhere"
        return f"incoming at the {which} element, 0 elsewhere"

    def code(g, s):
        hits = _hits(s)
        count = hits.sum(dims_of(s), keepdim=True) if s.shape else 1
        return hits * (unreduced(g, s) / count)  # nan everywhere where nothing equals a nan

    return op(
        f"Only the {which} element decides, so it alone gets the gradient; equals share it.",
        moved(symbols, code),
    )


def _cumsum_code(g, s):
    if not s.shape:
        return g
    (dim,) = dims_of(s)
    return g.flip(dim).cumsum(dim).flip(dim)


def _sorted_code(g, s):
    if not s.shape:
        return g
    return zeros_of_input(g, s).scatter(dims_of(s)[0], s.indices, g)


def _sorted_words(s):
    return f"incoming put back to index {{indices}} of dimension {dims_of(s)[0] if s.shape else 0}"


def _logsumexp_code(g, s):
    return unreduced(g, s) * torch.exp(s.self - unreduced(s.result, s))


def _freedom(s) -> float:
    """Return what a variance divides by: the count less the correction, but never below 0."""
    return max(0, summed_count(s) - (1 if s.correction is None else s.correction))


def _spread_of(s):
    return s.self - s.self.mean(dims_of(s), keepdim=True) if s.shape else s.self - s.self


def _var_code(g, s):
    return unreduced(g, s) * 2 * _spread_of(s) / _freedom(s)


def _std_code(g, s):
    result = unreduced(s.result, s)
    share = torch.where(result == 0, 0, unreduced(g, s) / result)  # 0 where all are equal
    return share * _spread_of(s) / _freedom(s)


def _norm_symbols(s):
    return "incoming × sign({self})" if s.get("ord") == 1 else "incoming × {self} / {result}"


def _norm_code(g, s):
    if s.ord == 1:
        return unreduced(g, s) * s.self.sign()
    if s.ord != 2:
        raise Missing("this rule knows only the norms of order 1 and 2")
    result = unreduced(s.result, s)
    return torch.where(result == 0, 0, unreduced(g, s) * s.self / result)


def _prod_code(g, s):
    """Divide the product by each element; where one is 0, multiply what stands before and
    after each. The gradient is 0 where two are 0, as torch has it, also beside a nan."""
    flat = s.self.flatten()
    zeros = int((flat == 0).sum())
    if zeros == 0:
        return g * (s.result / s.self)
    if zeros > 1:
        return torch.zeros_like(s.self)
    one = flat.new_ones(1)
    before = torch.cat([one, flat[:-1]]).cumprod(0)
    after = torch.cat([one, flat.flip(0)[:-1]]).cumprod(0).flip(0)
    return g * (before * after).reshape(s.shape)


SORTED = op(
    "The values were put in order: each gradient goes back to where its value came from.",
    moved(_sorted_words, _sorted_code),
)

REDUCTIONS = {
    "SumBackward0": SUM,
    "SumBackward1": SUM,
    "MeanBackward0": MEAN,
    "MeanBackward1": MEAN,
    "MaxBackward0": _indexed("largest"),
    "MinBackward0": _indexed("smallest"),
    "MaxBackward1": _shared("largest"),
    "MinBackward1": _shared("smallest"),
    "AmaxBackward0": _shared("largest"),
    "AminBackward0": _shared("smallest"),
    "SortBackward0": SORTED,
    "TopkBackward0": SORTED,
    "ProdBackward0": op(
        "The slope of a product with respect to one factor is the product of all others.",
        Part("incoming × product of the other elements of {self}", _prod_code, ": "),
    ),
    "LogsumexpBackward0": op(
        "The slope of logsumexp is the softmax of its input.",
        Part("incoming × exp({self} - {result})", _logsumexp_code),
    ),
    "VarBackward0": op(
        "The slope of a variance: twice the distance from the mean, over the count less the "
        "correction (1 where none was named).",
        Part(
            lambda s: f"incoming × 2 · ({{self}} - mean({{self}})) / {_freedom(s)}", _var_code
        ),
    ),
    "StdBackward0": op(
        "The slope of a standard deviation: the distance from the mean, over the deviation "
        "times the count less the correction; 0 where all are equal.",
        Part(
            lambda s: f"incoming × ({{self}} - mean({{self}})) / ({_freedom(s)} · {{result}})",
            _std_code,
        ),
    ),
    "LinalgVectorNormBackward0": op(
        "The slope of a length: each element over the length, 0 where the length is 0; of the "
        "sum of absolute values: the sign.",
        Part(_norm_symbols, _norm_code),
    ),
    "CumsumBackward0": op(
        "An element goes into every running sum from its own place on, so it gets the sum "
        "of their gradients.",
        Part(lambda s: f"running sum of incoming from the end, along dimension "
                       f"{dims_of(s)[0] if s.shape else 0}", _cumsum_code, ": "),
    ),
}  # fmt: skip
