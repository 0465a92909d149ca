"""Rules of smooth operations that work on each element alone.

The formulas are those of any table of derivatives.
"""

import math

import torch

from .table import TWO, Missing, Part, op, raised

FRACTION = {"self": "numerator", "other": "denominator"}
POWER = {"self": "base"}

PASSED = Part("incoming", lambda g, s: g)


def _times_alpha(sign=""):
    """Return the part of a term with a factor: ``x + alpha * y``."""

    def symbols(s):
        return f"{sign}incoming" if s.get("alpha") == 1 else f"{sign}incoming × {{alpha}}"

    return Part(symbols, lambda g, s: (-g if sign else g) * s.alpha)


def _power(s):
    exponent = s.exponent
    if exponent == 0:
        return "0"
    if exponent == 1:
        return "incoming × 1"
    return "incoming × {exponent} · {self}" + raised(exponent - 1)


def _power_code(g, s):
    if s.exponent == 0:  # also at base 0, where 0 × 0⁻¹ would be nan
        return torch.zeros_like(g)
    return g * (s.exponent * s.self ** (s.exponent - 1))


def _exponent_code(g, s):
    slope = s.result * torch.log(torch.as_tensor(s.self, dtype=g.dtype, device=g.device))
    zero = torch.as_tensor(s.self == 0, device=g.device) & (s.exponent >= 0)
    return g * torch.where(zero, torch.zeros_like(slope), slope)


def _to_true_quotient(symbols, code):
    """Return a part of a division that may be rounded; a rounded one has slope 0."""
    return Part(
        lambda s: symbols if s.get("rounding_mode") is None else "0",
        lambda g, s: code(g, s) if s.rounding_mode is None else torch.zeros_like(g),
    )


NUMERATOR = ("incoming / {other}", lambda g, s: g / s.other)
DENOMINATOR = (
    "-incoming × {self} / {other}²",
    lambda g, s: -g * ((s.self / s.other) / s.other),
)


def _silu_code(g, s):
    gate = torch.sigmoid(s.self)
    return g * (gate * (1 + s.self * (1 - gate)))


def _gelu_code(g, s):
    if s.approximate != "none":
        raise Missing("this rule knows only the exact gelu")
    below = 0.5 * (1 + torch.erf(s.self / math.sqrt(2)))
    density = torch.exp(-0.5 * s.self**2) / math.sqrt(2 * math.pi)
    return g * (below + s.self * density)


def _softplus_code(g, s):
    steep = s.beta * s.self
    return torch.where(steep > s.threshold, g, g * torch.sigmoid(steep))


LN2, LN10 = 0.6931471805599453, 2.302585092994046

POINTWISE = {
    "AddBackward0": op(
        "A sum passes the gradient on to both terms.", PASSED, _times_alpha(), broadcasts=True
    ),
    "AddBackward1": op("Adding a number passes the gradient on.", PASSED),
    "SubBackward0": op(
        "A difference passes the gradient on to the first term, and with the sign turned "
        "to the second.",
        PASSED, _times_alpha("-"), broadcasts=True,
    ),
    "SubBackward1": op("Subtracting a number passes the gradient on.", PASSED),
    "RsubBackward0": op(
        "A difference passes the gradient on to its first term, and with the sign turned "
        "to the term that is subtracted.",
        _times_alpha("-"), PASSED, broadcasts=True,
    ),
    "RsubBackward1": op(
        "What is subtracted gets the gradient with the sign turned.", _times_alpha("-")
    ),
    "MulBackward0": op(
        "The slope of a product: each factor's gradient is the incoming one times the "
        "other factor.",
        Part("incoming × {other}", lambda g, s: g * s.other),
        Part("incoming × {self}", lambda g, s: g * s.self),
        called=TWO, broadcasts=True,
    ),
    "MulBackward1": op(
        "The slope of a multiple is the number that multiplies.",
        Part("incoming × {other}", lambda g, s: g * s.other),
    ),
    "DivBackward0": op(
        "The slope of a fraction: 1 over the denominator for what is divided, minus the "
        "numerator over the squared denominator for what divides.",
        Part(*NUMERATOR), Part(*DENOMINATOR), called=FRACTION, broadcasts=True,
    ),
    "DivBackward1": op("Dividing by a number divides the gradient by it.", Part(*NUMERATOR)),
    "DivBackward2": op(
        "A quotient rounded to whole numbers is a staircase: its slope is 0 wherever it has one.",
        _to_true_quotient(*NUMERATOR), _to_true_quotient(*DENOMINATOR),
        called=FRACTION, broadcasts=True,
    ),
    "NegBackward0": op("The slope of a negative is -1.", Part("-incoming", lambda g, s: -g)),
    "PowBackward0": op(
        "The slope of a power: exponent times base to the exponent less one.",
        Part(_power, _power_code), called=POWER,
    ),
    "PowBackward1": op(
        "The slope of a power: for the base, exponent times base to the exponent less one; "
        "for the exponent, the power itself times the natural logarithm of the base.",
        Part(
            "incoming × {exponent} · {self}^({exponent} - 1)",
            lambda g, s: torch.where(
                s.exponent == 0, 0, g * (s.exponent * s.self ** (s.exponent - 1))
            ),
        ),
        Part("incoming × {result} · log({self})", _exponent_code),
        called=POWER, broadcasts=True,
    ),
    "PowBackward2": op(
        "The slope of a fixed base raised to x: the result times the natural logarithm "
        "of the base.",
        Part("incoming × {result} · log({self})", _exponent_code),
    ),
    "ReciprocalBackward0": op(
        "The slope of 1 / x is minus the square of the result.",
        Part("-incoming × {result}²", lambda g, s: -g * s.result**2),
    ),
    "ExpBackward0": op(
        "The slope of exp is exp itself, so the result is used again.",
        Part("incoming × {result}", lambda g, s: g * s.result),
    ),
    "Expm1Backward0": op(
        "The slope of exp(x) - 1 is exp(x), the result plus 1.",
        Part("incoming × ({result} + 1)", lambda g, s: g * (s.result + 1)),
    ),
    "LogBackward0": op(
        "The slope of the natural logarithm is 1 over its input.",
        Part("incoming / {self}", lambda g, s: g / s.self),
    ),
    "Log2Backward0": op(
        "The slope of the logarithm to base 2 is 1 over its input times log(2).",
        Part("incoming / ({self} · log(2))", lambda g, s: g / (s.self * LN2)),
    ),
    "Log10Backward0": op(
        "The slope of the logarithm to base 10 is 1 over its input times log(10).",
        Part("incoming / ({self} · log(10))", lambda g, s: g / (s.self * LN10)),
    ),
    "Log1PBackward0": op(
        "The slope of log(1 + x) is 1 over 1 + x.",
        Part("incoming / ({self} + 1)", lambda g, s: g / (s.self + 1)),
    ),
    "SqrtBackward0": op(
        "The slope of a square root is 1 over twice the root.",
        Part("incoming / (2 · {result})", lambda g, s: g / (2 * s.result)),
    ),
    "RsqrtBackward0": op(
        "The slope of 1 over a square root is minus half the cube of the result.",
        Part("-incoming × 0.5 · {result}³", lambda g, s: -0.5 * g * s.result**3),
    ),
    "SinBackward0": op(
        "The slope of a sine is the cosine.",
        Part("incoming × cos({self})", lambda g, s: g * s.self.cos()),
    ),
    "CosBackward0": op(
        "The slope of a cosine is minus the sine.",
        Part("-incoming × sin({self})", lambda g, s: -g * s.self.sin()),
    ),
    "TanBackward0": op(
        "The slope of a tangent is 1 plus the square of the result.",
        Part("incoming × (1 + {result}²)", lambda g, s: g * (1 + s.result**2)),
    ),
    "TanhBackward0": op(
        "The slope of tanh is 1 less the square of the result; near 0 where it saturates.",
        Part("incoming × (1 - {result}²)", lambda g, s: g * (1 - s.result**2)),
    ),
    "SigmoidBackward0": op(
        "The slope of a sigmoid is the result times 1 less the result; never above 0.25.",
        Part("incoming × {result} · (1 - {result})", lambda g, s: g * (1 - s.result) * s.result),
    ),
    "SiluBackward0": op(
        "silu is x times sigmoid(x), so its slope follows from the rule of a product.",
        Part(
            "incoming × sigmoid({self}) · (1 + {self} · (1 - sigmoid({self})))", _silu_code
        ),
    ),
    "GeluBackward0": op(
        "gelu is x times Φ(x), the share of a normal distribution below x, so its slope follows "
        "from the rule of a product; φ is the density of that distribution.",
        Part("incoming × (Φ({self}) + {self} · φ({self}))", _gelu_code),
    ),
    "SoftplusBackward0": op(
        "The slope of softplus is the sigmoid.",
        Part("incoming × sigmoid({beta} · {self})", _softplus_code),
    ),
    "LogSigmoidBackward0": op(
        "The slope of log(sigmoid(x)) is 1 less the sigmoid.",
        Part(
            "incoming × (1 - sigmoid({self}))", lambda g, s: g * (1 - torch.sigmoid(s.self))
        ),
    ),
    "CloneBackward0": op("A copy passes the gradient on.", PASSED),
    "AliasBackward0": op("The same values under a new name: the gradient passes on.", PASSED),
    "ToCopyBackward0": op(
        "The gradient passes on, turned back into the dtype and device of the input.", PASSED
    ),
    "AccumulateGrad": op("The gradient that arrives is added to the leaf's .grad."),
}  # fmt: skip
