"""What counts as a right answer, from questions and values alone."""

import gc
import weakref
from decimal import Decimal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lecture_helpers.questions import ERRORS, NONE, NOT_COUNTED, RUNS, question_of
from lecture_helpers.typed import number_in, plain, same_number

LETTERS = list("abcdefgh")
CHOICES = st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=2, unique=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)


def judged(question, answer, computed, tempting=None):
    """Judge what a learner gave."""
    outcome = question.outcome_of(computed)
    return question.judge(question.answer_of(answer), outcome, tempting)


@pytest.mark.parametrize("answer, computed, right", [
    ("42", 42.0, True), (" 42.0 ", 42.0, True), ("41", 42.0, False), ("[4, 3]", [4.0, 3.0], True),
    ("[4, 3, 1]", [4.0, 3.0], False), ("0.3333", 1 / 3, True), ("0.33", 1 / 3, False),
    ("[4.0,3.0]", (4.0, 3.0), True), ("0", 0.0, True), ("nan", 1.0, False), ("5", 5, True),
    ("nan", float("nan"), True), ("42", torch.tensor(42.0), True), ("2+3j", 2 + 3j, True),
    ("1" * 400, 42.0, False), ("None", None, True), ("0", None, False), ("None", 0.0, False),
    ("1025", 1024, False), ("1025", 1024.0, False), ("1024.0", 1024, True), ("3", [3.0], False),
    ("\N{MINUS SIGN}3", -3.0, True), ("42", 41.99999, True), ("inf", float("inf"), True),
    ("[[1, 2], [3, 4]]", torch.tensor([[1.0, 2.0], [3.0, 4.0]]), True), ("[]", [], True),
    ("7", np.float32(7), True), ("[7, 8]", np.array([7, 8]), True), ("0.1", 0.0, False),
    ("[1, 2]", [torch.tensor(1.0), torch.tensor(2.0)], True), ("12345679", 12345678, True),
])  # fmt: skip
def test_a_number_is_right_when_it_is_the_computed_one(answer, computed, right):
    assert judged(question_of("?"), answer, computed).right is right


@pytest.mark.parametrize("typed", [
    "abc", "1/3", "4,5", "8,0", "", "[1, x]", "True", "'4'", "{1: 2}", "4x", "1or 2", "a b",
    "(" * 5000, torch, object,
])  # fmt: skip
def test_what_is_no_number_is_refused(typed):
    with pytest.raises(ValueError, match=r"is not a number. Type one such as 4\.5\."):
        question_of("?").answer_of(typed)


@given(NUMBERS, NUMBERS)
def test_a_typed_number_is_judged_as_python_compares_it(answer, truth):
    right = judged(question_of("?"), repr(answer), truth).right
    assert judged(question_of("?"), repr(truth), truth).right is True
    if abs(answer - truth) > 2e-3 * max(abs(answer), abs(truth)) + 2e-9:
        assert right is False


@given(st.lists(st.floats(-100, 100, width=32), max_size=5))
def test_a_tensor_is_judged_as_its_list_and_its_print_is_right(numbers):
    question, tensor = question_of("?"), torch.tensor(numbers)
    assert judged(question, repr(numbers), tensor).right is True
    assert judged(question, repr([*numbers, 1.0]), tensor).right is False
    assert plain(tensor) == tensor.tolist() == numbers


def test_numbers_in_texts():
    assert number_in("(4, 5)") == (4, 5) and number_in("4, 5") is None
    assert number_in("1e3") == 1000 and number_in("007") == 7 and number_in("1_000") == 1000
    assert number_in(None) is None and number_in(("4",)) is None
    assert not same_number(True, 1) and not same_number(1, None) and not same_number([1], 1)
    assert same_number(10**400, 10**400) and not same_number(10**400, 2.0)


@given(CHOICES, st.data())
def test_of_random_choices_the_computed_one_alone_is_right(choices, data):
    question = question_of("?", choices)
    truth = data.draw(st.sampled_from(choices))
    assert [one for one in choices if judged(question, one, truth).right] == [truth]


@pytest.mark.parametrize("choices, computed, right", [
    (["42", "42.0"], 42.0, "42.0"), (["42", "42.0"], 42, "42"), (["None", "0.0"], None, "None"),
    ([1 / 3, 2 / 3], 1 / 3, "0.33333"), (["0.333", "0.667"], 1 / 3, "0.333"),
    (["0.3", "0.30000000000000004"], 0.1 + 0.2, "0.30000000000000004"), (["2", "3"], 3.0, "3"),
    (["[4.0, 3.0]", "[2.0, 3.0]"], torch.tensor([4.0, 3.0]), "[4.0, 3.0]"),
    (["True", "False"], torch.tensor(True), "True"), ([True, False, None], False, "False"),
    (["(1.0, 2.0)", "[1.0, 2.0]"], (1.0, 2.0), "(1.0, 2.0)"), ([" a ", "b"], "a", "a"),
    ([2.0, 3.0], torch.tensor(3.0), "3.0"), (["<a>", "<b>"], "<b>", "<b>"),
])  # fmt: skip
def test_a_choice_is_right_as_it_reads_or_as_the_only_one_of_its_value(choices, computed, right):
    question = question_of("?", choices)
    assert [one for one in question.choices if judged(question, one, computed).right] == [right]
    assert judged(question, computed, computed).right is True


@pytest.mark.parametrize("computed", [5.0, "c", None, torch.ones(2), Decimal(3), object(), {}])
def test_a_value_that_is_no_choice_is_told_and_counts_neither_way(computed):
    judgement = judged(question_of("?", ["a", "b"]), "a", computed)
    assert judgement.right is None and judgement.words.startswith("You predicted a. The comp")
    assert judgement.words.endswith(f", which is none of the choices. {NOT_COUNTED}")


def test_of_two_choices_of_one_value_neither_is_taken():
    assert judged(question_of("?", ["0.333", "0.3333"]), "0.333", 1 / 3).right is None


@pytest.mark.parametrize("kind", ["several", "order"])
def test_the_keys_of_a_dict_are_not_what_holds(kind):
    computed = {"a": False, "b": True}
    judgement = judged(question_of("?", ["a", "b"], kind), ["a", "b"], computed)
    assert judgement.right is None and f"gives {computed}, which is none" in judgement.words


class Sulky:
    """Raises whatever it is asked."""

    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __iter__ = __eq__ = __hash__ = __str__


@pytest.mark.parametrize("kind", ["number", "choice", "several", "order", "raises"])
@pytest.mark.parametrize("computed", [
    Sulky(), [Sulky()], torch.ones(2, device="meta"), torch.ones(2).to_sparse(), object, print,
    3, "z", {"z": 1}, "x" * 10_000, float("nan"), b"\xff", (x for x in "zz"),
], ids=range(13))  # fmt: skip
def test_no_value_makes_a_judgement_raise(kind, computed):
    choices = ["a", "b"] if kind != "number" else []
    question = question_of("?", choices, kind)
    answer = {"number": "4.5", "several": ["a"], "order": ["a", "b"]}.get(kind, "a")
    outcome = question.outcome_of(computed)
    judgement = question.judge(question.answer_of(answer), outcome)
    if kind == "number" and isinstance(computed, (int, float)):
        said = f"The computation gives {computed}."
        assert judgement == (False, f"You predicted 4.5. Not right. {said}")
    else:
        assert judgement.right is None and judgement.words.endswith(NOT_COUNTED)
    assert len(judgement.words) < 400


@given(st.sets(st.sampled_from(LETTERS)), st.sets(st.sampled_from(LETTERS)))
def test_several_are_right_as_a_set(answer, truth):
    question = question_of("?", LETTERS, "several")
    judgement = judged(question, sorted(answer, reverse=True), list(truth))
    assert judgement.right is (answer == truth)
    if not judgement.right:
        assert (f"gives {', '.join(sorted(truth)) or NONE}.") in judgement.words


@given(st.permutations(LETTERS), st.permutations(LETTERS))
def test_an_order_is_right_in_each_place(answer, truth):
    question = question_of("?", LETTERS, "order")
    assert judged(question, answer, truth).right is (answer == truth)
    why = {letter: f"because of {letter}" for letter in LETTERS}
    if answer != truth:
        wrong = next(mine for mine, right in zip(answer, truth) if mine != right)
        assert judged(question, answer, truth, why).words.endswith(f" because of {wrong}")


def test_a_choice_made_of_words_is_quoted():
    question = question_of("?", ["it rests", "[1.0, 2.0]", "x.detach()"])
    assert judged(question, "it rests", "[1.0, 2.0]").words == (
        'You predicted "it rests". Not right. The computation gives [1.0, 2.0].'
    )
    assert judged(question, "x.detach()", "it rests").words == (
        'You predicted x.detach(). Not right. The computation gives "it rests".'
    )


def test_what_is_said_of_several():
    question = question_of("?", ["a", "b", "c, d"], "several")
    why = {"a": "A holds.", "b": "B does not.", NONE: "One holds."}
    assert judged(question, ["b", "a"], ["a"], why).words == (
        "You predicted a; b. Not right. The computation gives a. B does not."
    )
    why["c, d"] = "So does the last."
    assert judged(question, ["b"], ["c, d", "a"], why).words == (
        "You predicted b. Not right. The computation gives a; c, d. B does not. A holds."
    )
    assert judged(question, ["a"], ["a", "c, d"], why).words.endswith(" a; c, d. So does the last.")
    assert judged(question, [], ["a", "c, d"], why).words == (
        "You predicted none of them. Not right. The computation gives a; c, d. One holds."
    )
    assert judged(question, "b", (), why).words.endswith("gives none of them. B does not.")
    assert question.answer_of(NONE) == question.answer_of([NONE]) == ()
    assert judged(question, ["c, d"], "c, d").right is True
    assert judged(question, ["a"], ["a", "z"]).right is None


@pytest.mark.parametrize("given", [["a"], ["a", "a"], ["a", "b", "b"], "a", [], None])
def test_an_order_takes_each_choice_once(given):
    question = question_of("?", ["a", "b"], "order")
    with pytest.raises(ValueError, match="Put each choice in its place once|not one of the choi"):
        question.answer_of(given)
    judgement = question.judge(("a", "b"), question.outcome_of(given))
    assert judgement.right is None and judgement.words.endswith(NOT_COUNTED)


class Deep(NotImplementedError):
    pass


@pytest.mark.parametrize("raised, right, words", [
    (None, RUNS, "The computation runs."), (TypeError, "TypeError", "raises TypeError."),
    (RuntimeError("x"), "RuntimeError", "raises RuntimeError."),
    (Deep(), "RuntimeError", "raises Deep, a kind of RuntimeError."),
    ("IndexError", "IndexError", "raises IndexError."),
])  # fmt: skip
def test_what_a_line_raises(raised, right, words):
    question = question_of("?", kind="raises")
    assert question.choices == (RUNS, *ERRORS)
    assert [one for one in question.choices if judged(question, one, raised).right] == [right]
    assert words in judged(question, "ValueError", raised).words
    judgement = judged(question, "ValueError", KeyError("k"))
    assert (judgement.right, "raises KeyError, which is none" in judgement.words) == (None, True)


def test_that_nothing_raises_reads_as_a_sentence():
    question = question_of("?", kind="raises")
    assert judged(question, None, None).words == "You predicted that it runs. Right."
    said = judged(question, RUNS, TypeError, {None: "It reads so."}).words
    assert said == (
        "You predicted that it runs. Not right. The computation raises TypeError. It reads so."
    )
    why = {RuntimeError: "No gradient is asked for."}
    assert judged(question, RuntimeError, None, why).words.endswith(
        "The computation runs. No gradient is asked for."
    )


def test_true_or_false_brings_its_choices():
    question = question_of("?", kind="true or false")
    assert question.choices == ("True", "False")
    for computed in (True, torch.tensor(True), np.bool_(True)):
        assert judged(question, "True", computed).right is True
        assert judged(question, False, computed, {False: "No."}).words == (
            "You predicted False. Not right. The computation gives True. No."
        )


def test_a_tempting_number_is_found_by_its_value():
    why = {9: "It is y.", 0.3333: "A third.", "[1, 2]": "A list.", None: "Nothing."}
    question = question_of("?")
    for answer, sentence in [("9.0", "It is y."), ("0.333", "A third."), ("[1.0, 2.0]", "A list.")]:
        assert judged(question, answer, 6.0, why).words == (
            f"You predicted {answer}. Not right. The computation gives 6.0. {sentence}"
        )
    assert judged(question, "8", 6.0, why).words.endswith("gives 6.0.")


@pytest.mark.parametrize("kind, choices, key", [
    (None, ["a", "b"], "c"), ("several", ["a", "b"], "c"), ("order", ["a", "b"], ("a", "b")),
    (None, [], "abc"), ("raises", [], KeyError), ("true or false", [], "yes"),
])  # fmt: skip
def test_a_tempting_answer_that_nobody_can_give_is_refused(kind, choices, key):
    question = question_of("?", choices, kind)
    with pytest.raises(ValueError, match="compare was given a tempting answer: .* is not "):
        question.refuse_strange({key: "Why."})


def test_each_kind_takes_the_tempting_answers_that_it_documents():
    question_of("?", ["a", "b"], "several").refuse_strange({"a": "", NONE: ""})
    question_of("?", ["a", "b"], "order").refuse_strange({"a": ""})
    question_of("?", kind="raises").refuse_strange({None: "", RuntimeError: "", "TypeError": ""})
    question_of("?").refuse_strange({3: "", "4.5": "", "[1, 2]": "", None: ""})
    question_of("?", kind="true or false").refuse_strange({True: ""})


@pytest.mark.parametrize("arguments, message", [
    ((["a"],), "the choices \\('a',\\); give two or more, all different"),
    ((["a", "b", "a "],), "give two or more, all different"),
    (([0.1 + 0.2, 0.3],), "give two or more, all different"),
    ((["a", "b"], "number"), "choices for the kind 'number'; leave out"),
    ((["yes", "no"], "true or false"), "choices for the kind 'true or false'; leave out"),
    (([], "choice"), "the choices \\(\\); give two or more"),
    ((["a", "b"], "many"), "the kind 'many'; choose one of 'number', 'choice', 'several'"),
    ((["a", NONE], "several"), "the choice 'none of them'; leave it out"),
    ((["a", "b"], None, "2"), "the section '2'; give one such as '2.2'"),
    ((["a", "b"], None, 2.1), "the section 2.1; give one such as '2.2'"),
    ((["a", "b"], None, "../x.1"), "the section '../x.1'; give one such as '2.2'"),
])  # fmt: skip
def test_a_question_that_cannot_be_asked_is_refused(arguments, message):
    with pytest.raises(ValueError, match=f"predict was given .*{message}"):
        question_of("?", *arguments)


def test_nothing_of_a_computed_value_is_kept():
    tensor, numbers, parts = torch.ones(2), [1.0, 2.0], (one for one in "ab")
    gone = weakref.ref(tensor)
    outcomes = [question_of("?").outcome_of(value) for value in (tensor, numbers)]
    several = question_of("?", ["a", "b", "c"], "several").outcome_of(parts)
    tensor.fill_(7)
    numbers.append(3.0)
    del tensor
    gc.collect()
    assert gone() is None
    assert [outcome.answer for outcome in outcomes] == ["[1.0, 1.0]", "[1.0, 2.0]"]
    assert [outcome.value for outcome in outcomes] == [[1.0, 1.0], [1.0, 2.0]]
    assert several.answer == ("a", "b")
