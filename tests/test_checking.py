"""What the checks share: drawn graphs, sortings, and a verdict that brings a picture."""

import math
import xml.etree.ElementTree as ET

import pytest
import torch

from lecture_helpers import device, show_graph, use_text
from lecture_helpers.exercises.checking import (
    KEEP_THE_NAMES,
    NOT_ANSWERED,
    NOT_SORTED,
    Case,
    Verdict,
    check,
    check_drawn,
    check_sorting,
    leaf_of,
)


def right(x, w):
    return (x * w + 1) ** 2


def cases():
    for x, w in ((2.0, 3.0), (-1.0, 0.5)):
        given = leaf_of(x), leaf_of(w)
        yield Case(f"x = {x}, w = {w}", given, right(*given))


WRONG = {
    "another operation": (
        lambda x, w: (x * w - 1) ** 2,
        "another graph was expected; first difference: sub in yours, add in expected",
    ),
    "one node more": (
        lambda x, w: right(x, w) * 1,
        "another graph was expected; first difference: mul in yours, pow in expected",
    ),
    "a square by itself": (
        lambda x, w: (x * w + 1) * (x * w + 1),
        "another graph was expected; first difference: mul in yours, pow in expected",
    ),
    "cut": (
        lambda x, w: (x.detach() * w + 1) ** 2,
        "another graph was expected; first difference: mul in yours, mul in expected: "
        "other inputs are tracked, or another output is used",
    ),
    "the number alone": (
        lambda x, w: torch.tensor(right(x, w).item(), device=device),
        "another graph was expected; first difference: a tensor without a graph in yours, "
        "pow in expected",
    ),
    "another exponent": (
        lambda x, w: (x * w + 1) ** 3,
        "the graph is right, but its value is 343; expected 49",
    ),
    "no tensor": (
        lambda x, w: right(x, w).item(),
        "your function returned float; expected a tensor",
    ),
    "a list of tensors": (
        lambda x, w: [right(x, w)],
        "your function returned list; expected a tensor",
    ),
    "a typo": (lambda x, w: x @ w, "your function raised RuntimeError: both arguments to matmul"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_graph_that_is_another_one_is_told_and_shown_where_both_are_there(wrong):
    function, said = WRONG[wrong]
    verdict = check_drawn(function, cases())
    assert verdict.passed is False
    assert verdict.message.startswith(f"Not yet. Case 1 of 2, x = 2.0, w = 3.0: {said}")
    assert (verdict.shown is not None) == ("another graph" in said)
    assert "tensor(" not in repr(verdict) and device.type not in repr(verdict)


def test_the_graph_as_drawn_passes_however_it_is_written():
    def step_by_step(x, w):
        product = x * w
        total = product + 1
        return total.pow(2)

    for answer in (right, step_by_step, lambda *given: right(*given), lambda a, b: right(a, b)):
        verdict = check_drawn(answer, cases())
        assert verdict == Verdict(True, "Right, in all 2 cases.")


def test_a_lucky_first_case_fails_at_the_second_and_shows_nothing_where_the_graph_is_right():
    def lucky(x, w):
        return (x * w + (1 if x > 0 else 2)) ** 2

    verdict = check_drawn(lucky, cases())
    assert verdict.message == (
        "Not yet. Case 2 of 2, x = -1.0, w = 0.5: the graph is right, but its value is 2.25; "
        "expected 0.25."
    )
    assert verdict.shown is None


def test_a_graph_of_an_earlier_case_is_not_shown_where_the_function_raises_later():
    def raises_later(x, w):
        return right(x, w) if x > 0 else x.no_such_thing

    verdict = check_drawn(raises_later, cases())
    assert "Case 2 of 2" in verdict.message and "AttributeError" in verdict.message
    assert verdict.shown is None


@pytest.mark.parametrize("nothing", [None, ...])
def test_an_unanswered_drawing_says_so(nothing):
    assert check_drawn(lambda x, w: nothing, cases()) == Verdict(None, NOT_ANSWERED)


def test_the_picture_calls_the_graphs_yours_and_expected_and_the_leaves_as_the_function_does():
    def mine(first, second):
        return first + second

    shown = check_drawn(mine, cases()).shown
    assert shown.called == ("yours", "expected") and not shown.same
    lines = shown.to_text().splitlines()
    assert lines[0] == "first difference: add in yours, pow in expected"
    assert "yours: autograd graph of yours: 3 nodes, 2 edges" in lines
    assert "expected: autograd graph of expected: 5 nodes, 4 edges" in lines
    words = [text.text for text in ET.fromstring(shown.to_svg()).iter() if text.text]
    assert {"yours: 3 nodes, 2 edges", "expected: 5 nodes, 4 edges"} <= set(words)
    assert words.count("first") == words.count("second") == 2
    assert "first difference: add in yours, pow in expected" in words
    unnamed = check_drawn(lambda *given: sum(given), cases()).shown.to_text()
    assert "given" not in unnamed and "only in yours: leaf #0" in unnamed


def test_what_a_function_does_besides_is_looked_at_after_a_right_graph():
    x = leaf_of(2.0)
    looks = ["must not write to x", None]
    asked = [Case("x = 2.0", (x,), x * 2, lambda: looks.pop(0))]
    verdict = check_drawn(lambda x: x * 2, asked)
    assert verdict.message == "Not yet. Case 1 of 1, x = 2.0: must not write to x."
    assert check_drawn(lambda x: x * 2, asked).passed is True


def test_a_drawn_check_leaves_nothing_behind():
    x = leaf_of(2.0)

    def switches_off(x):
        y = x * 2
        torch.set_grad_enabled(False)
        return y

    assert check_drawn(switches_off, [Case("x = 2.0", (x,), x * 2)]).passed is True
    assert torch.is_grad_enabled()
    with torch.no_grad():
        assert check_drawn(lambda x: x * 2, [Case("x = 2.0", (x,), x * 2)]).passed is False
        assert not torch.is_grad_enabled()  # the expected graph had to be made outside
    assert x.grad is None and not x._backward_hooks and x._version == 0


class Hostile:
    """Raises whatever it is asked."""

    def __getattribute__(self, name):
        raise SystemExit("no")

    def __repr__(self):
        raise GeneratorExit

    __eq__ = __hash__ = __bool__ = __float__ = __repr__


class NoWords(Exception):
    def __str__(self):
        raise RuntimeError


def raises(error):
    def function(*given):
        raise error

    return function


@pytest.mark.parametrize("function", [
    lambda *given: Hostile(), raises(SystemExit), raises(GeneratorExit("x")), raises(NoWords()),
    lambda: 1, "no function",
])  # fmt: skip
def test_a_learners_objects_may_raise_anything(function):
    for verdict in (check(function, [Case("x = 1", 1.0, 1.0)]), check_drawn(function, cases())):
        assert verdict.passed is False and verdict.message.startswith("Not yet. Case 1 of ")
        assert verdict.shown is None and repr(verdict)


@pytest.mark.parametrize("checks", [
    lambda function: check(function, [Case("x = 1", 1.0, 1.0)]),
    lambda function: check_drawn(function, cases()),
])  # fmt: skip
def test_the_learner_can_still_interrupt(checks):
    with pytest.raises(KeyboardInterrupt):
        checks(raises(KeyboardInterrupt))


def test_a_function_that_tells_no_names_is_compared_all_the_same():
    x = leaf_of(2.0)
    verdict = check_drawn(torch.sin, [Case("x = 2.0", (x,), torch.cos(x))])
    assert verdict.message.endswith("first difference: sin in yours, cos in expected.")
    assert check_drawn(torch.sin, [Case("x = 2.0", (x,), torch.sin(x))]).passed is True


OUTCOMES = {"x + 1": "runs", "x * x": "raises", "-x": "runs"}


@pytest.mark.parametrize("answers, said", [
    ({}, "Case 1 of 3, x + 1: it is gone from your answer; " + KEEP_THE_NAMES + ". 0 of 3"),
    ({"x + 1": "runs", "-x": "runs"}, "Case 2 of 3, x * x: it is gone from your answer; "
     + KEEP_THE_NAMES + ". 2 of 3 are right."),
    ({"x + 1": "runs", "x*x": "raises", "-x": "runs"}, "'x*x' is none of the cases; "),
    ({"x + 1": ..., "x * x": "runs", "-x": "runs"},
     "Case 1 of 3, x + 1: it is not answered yet. 1 of 3 are right."),
    ({"x + 1": "runs", "x * x": "runs", "-x": "runs"},
     "Case 2 of 3, x * x: you wrote 'runs', and that is not what happens. 2 of 3 are right."),
    ({"x + 1": "runs", "x * x": "breaks", "-x": "raises"},
     "Case 2 of 3, x * x: you wrote 'breaks'; expected one of 'raises', 'runs'. 1 of 3 are"),
    ({"x + 1": True, "x * x": "raises", "-x": "runs"},
     "Case 1 of 3, x + 1: you wrote True; expected one of 'raises', 'runs'. 2 of 3 are right."),
    ({"x + 1": None, "x * x": None, "-x": None},
     "Case 1 of 3, x + 1: you wrote None; expected one of 'raises', 'runs'. 0 of 3 are right."),
    ([], "list came; expected the dict above."), (lambda: None, "function came; expected the"),
    ({"x + 1": Hostile(), "x * x": "raises", "-x": "runs"}, "Reading your answer raised "),
])  # fmt: skip
def test_a_wrong_sorting_is_told_the_first_wrong_case_and_never_the_answer(answers, said):
    verdict = check_sorting(answers, OUTCOMES)
    assert verdict.passed is False and verdict.message.startswith(f"Not yet. {said}")


def test_a_sorting_that_is_right_so_far_is_not_answered():
    verdict = check_sorting(OUTCOMES | {"x * x": ..., "-x": ...}, OUTCOMES)
    assert verdict.passed is None
    assert verdict.message == "Right so far: 1 of 3. Case 2 of 3, x * x: it is not answered yet."


def test_a_sorting_passes_unanswered_says_so_and_case_and_spaces_do_not_count():
    assert check_sorting(OUTCOMES, OUTCOMES) == Verdict(True, "Right, in all 3 cases.")
    spoken = {thing: f" {word.upper()}" for thing, word in OUTCOMES.items()}
    assert check_sorting(spoken, OUTCOMES).passed is True
    stub = dict.fromkeys(OUTCOMES, ...)
    for unanswered in (stub, ..., None):
        assert check_sorting(unanswered, OUTCOMES) == Verdict(None, NOT_SORTED)
    flags = {"x": True, "y": False}
    assert check_sorting(dict(flags), flags).passed is True
    assert check_sorting({"x": 1, "y": 0}, flags).passed is False


def test_a_word_that_the_card_allows_is_no_unknown_word_though_it_never_happens():
    answers = OUTCOMES | {"-x": "warns"}
    said = check_sorting(answers, OUTCOMES, words=("warns",)).message
    assert "you wrote 'warns', and that is not what happens" in said
    said = check_sorting(OUTCOMES | {"-x": "?"}, OUTCOMES, words=("warns",)).message
    assert said.endswith("expected one of 'raises', 'runs', 'warns'. 2 of 3 are right.")


def test_words_and_picture_come_as_one_output(monkeypatch):
    x = leaf_of(1.0)
    verdict = Verdict(False, "Not yet. a < b.", show_graph(torch.sin(x)))
    found = verdict._repr_mimebundle_()
    assert list(found) == ["text/plain", "text/html"]
    assert found["text/html"].startswith("<p>Not yet. a &lt; b.</p>\n<div")
    assert found["text/html"].count("<svg") == 1 and "SinBackward0" in found["text/html"]
    assert found["text/plain"] == f"Not yet. a < b.\n{verdict.shown}"
    use_text()
    try:
        assert verdict._repr_mimebundle_() == {"text/plain": found["text/plain"]}
    finally:
        use_text(False)
    assert list(Verdict(True, "Right.")._repr_mimebundle_()) == ["text/plain"]


def test_a_picture_that_cannot_be_drawn_leaves_its_text(monkeypatch):
    verdict = check_drawn(lambda x, w: x + w, cases())

    def broken(shown):
        raise OSError("no layout")

    monkeypatch.setattr("lecture_helpers.draw.comparison.comparison_svg", broken)
    html = verdict._repr_mimebundle_()["text/html"]
    assert "<svg" not in html and "<pre>first difference: add in yours" in html
    assert "(no picture: OSError: no layout)" in html


def test_values_are_compared_as_numbers():
    asked = [Case("x = 1", 1.0, [1.0, math.nan])]
    assert check(lambda given: [1.0, 2.0], asked).passed is False
    assert check(lambda given: 2, [Case("x = 1", 1.0, 3)], lambda came, expected: None).passed
