"""Rules of matrix products, written with ``@`` and the transpose ``ᵀ``."""

import torch

from .table import TWO, Part, op

MATRICES = {"self": "left", "mat2": "right"}
PRODUCT_WORDS = (
    "The slope of a matrix product: the gradient of the left matrix is the incoming one "
    "times the right matrix transposed, that of the right one is the left matrix "
    "transposed times the incoming one."
)


def _scaled(name, formula):
    """Return a formula with a factor in front, left out where it is 1."""
    return lambda s: formula if s.get(name) == 1 else f"{{{name}}} · ({formula})"


def _term(formula):
    return lambda s: formula if s.get("beta") == 1 else f"{formula} × {{beta}}"


BIAS = Part(_term("incoming"), lambda g, s: g * s.beta)

FACTORS = (
    Part("incoming @ {mat2}ᵀ", lambda g, s: g @ s.mat2.mT),
    Part("{self}ᵀ @ incoming", lambda g, s: s.self.mT @ g),
)

MATRIX_PRODUCTS = {
    "MmBackward0": op(PRODUCT_WORDS, *FACTORS, called=MATRICES),
    "BmmBackward0": op(
        f"{PRODUCT_WORDS} For each matrix of the batch alone.", *FACTORS, called=MATRICES
    ),
    "AddmmBackward0": op(
        "A linear layer: the bias gets the incoming gradient, and each matrix the product of "
        "the incoming gradient with the other matrix transposed.",
        BIAS,
        Part(_scaled("alpha", "incoming @ {mat2}ᵀ"), lambda g, s: s.alpha * (g @ s.mat2.mT)),
        Part(_scaled("alpha", "{mat1}ᵀ @ incoming"), lambda g, s: s.alpha * (s.mat1.mT @ g)),
        called={"mat1": "left", "mat2": "right"}, broadcasts=True,
    ),
    "BaddbmmBackward0": op(
        "The term that is added gets the incoming gradient, and each matrix the product of "
        "the incoming gradient with the other matrix transposed.",
        BIAS,
        Part(_scaled("alpha", "incoming @ {batch2}ᵀ"), lambda g, s: s.alpha * (g @ s.batch2.mT)),
        Part(_scaled("alpha", "{batch1}ᵀ @ incoming"), lambda g, s: s.alpha * (s.batch1.mT @ g)),
        called={"batch1": "left", "batch2": "right"}, broadcasts=True,
    ),
    "MvBackward0": op(
        "A matrix times a vector: each row of the matrix gets the vector times that row's "
        "incoming gradient; the vector gets the matrix transposed times the incoming one.",
        Part("outer(incoming, {vec})", lambda g, s: torch.outer(g, s.vec)),
        Part("{self}ᵀ @ incoming", lambda g, s: s.self.mT @ g),
        called={"self": "matrix", "vec": "vector"},
    ),
    "AddmvBackward0": op(
        "The term that is added gets the incoming gradient; each row of the matrix gets the "
        "vector times that row's gradient, and the vector the matrix transposed times it.",
        BIAS,
        Part(
            _scaled("alpha", "outer(incoming, {vec})"),
            lambda g, s: s.alpha * torch.outer(g, s.vec),
        ),
        Part(_scaled("alpha", "{mat}ᵀ @ incoming"), lambda g, s: s.alpha * (s.mat.mT @ g)),
        called={"mat": "matrix", "vec": "vector"}, broadcasts=True,
    ),
    "DotBackward0": op(
        "The slope of a dot product: each vector's gradient is the incoming number times the "
        "other vector.",
        Part("incoming × {tensor}", lambda g, s: g * s.tensor),
        Part("incoming × {self}", lambda g, s: g * s.self),
        called={**TWO, "tensor": "right"},
    ),
}  # fmt: skip
