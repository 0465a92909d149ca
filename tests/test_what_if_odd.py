"""what_if with functions whose result or gradient is nothing to draw a tangent from."""

import pytest
import torch

from lecture_helpers import what_if


def test_a_gradient_of_the_function_s_own_backward_is_not_the_result_s():
    def own_backward(x):
        (x * x).backward()
        return x.grad

    lab = what_if(own_backward, x=(0, 2, 0.5))
    assert lab.sentence == "At x = 0.5 the result is 1.0, the gradient for x is None."
    assert lab.plot.slope is None
    assert str(lab.plot).endswith("no tangent: x has no gradient")


@pytest.mark.parametrize(
    "function, start, why",
    [
        (torch.sqrt, 0.0, "the slope is inf"),
        (torch.sqrt, -0.5, "the slope is nan"),
        (lambda x: x * 0 + float("inf"), 0.5, "the result is inf"),
    ],
)
def test_no_tangent_is_told_where_none_is_drawn(function, start, why):
    plot = what_if(function, x=(-1, 1, start)).plot
    assert f"no tangent: {why} at x = {start}" in str(plot)
    svg = plot._repr_mimebundle_()["image/svg+xml"]
    assert f"no tangent: {why}" in svg and "tangent with slope" not in svg
    assert svg.count("stroke-dasharray") == 0
