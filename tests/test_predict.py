"""Questions from Python's side: what they keep, say and show."""

import asyncio
import re
import sys

import ipywidgets
import pytest
import torch
from pressed import buttons, press

from lecture_helpers import predict, use_text
from lecture_helpers.progress import PREDICTION
from lecture_helpers.widgets.live import WIDGET_MIME

module = sys.modules["lecture_helpers.widgets.predict"]  # the function hides it
NOT_YET = "No prediction yet. Answer the question above; the verdict then appears there.\n"
LETTERS = ["a", "b", "c"]


def said(asked):
    """What stands below the question, without its mark: (right, words)."""
    note = asked._said.value
    if not note:
        return None
    right, words = re.fullmatch(r'<div .*?data-right="(\w+)".*?>(.*)</div>', note).groups()
    mark = {"True": "<b>✔</b> ", "False": "<b>✘</b> ", "None": ""}[right]
    assert words.startswith(mark)
    return right, words.removeprefix(mark)


def shown(asked):
    """The buttons below the question: their words, and whether they can be pressed."""
    return [(one.description, not one.disabled) for one in buttons(asked.widget.children[2])]


def choose(asked, choice):
    asked._input.widget.value = choice


def tick(asked, *choices):
    for choice in choices:
        asked._input._boxes[choice].value = True


def enter(asked, words):
    """Type words into the number's field and press Enter."""
    asked._input.widget.value = words
    asked._input.widget._handle_custom_msg({"event": "submit"}, [])


def test_prediction_by_choice(capsys):
    asked = predict("What is c.grad?", ["0.0", "2.0", "None"])
    assert str(asked) == "Predict. What is c.grad?\n  ( ) 0.0\n  ( ) 2.0\n  ( ) None"
    assert shown(asked) == [("Commit", False)] and said(asked) is None
    asked.compare(None)
    choose(asked, "2.0")
    assert shown(asked) == [("Commit", True)] and asked.answer is None
    asked.compare(None)
    press(asked, "Commit")
    wrong = "You predicted 2.0. Not right. The computation gives None."
    assert said(asked) == ("False", wrong) and asked.answer == "2.0"
    asked.compare(None)
    assert shown(asked) == [("Try again", True)] and asked._input.widget.disabled
    press(asked, "Try again")
    assert (asked.answer, asked._input.draft, said(asked)) == (None, None, None)
    assert shown(asked) == [("Commit", False)] and not asked._input.widget.disabled
    choose(asked, "None")
    press(asked, "Commit")
    assert said(asked) == ("True", "You predicted None. Right.")
    asked.compare(None)
    assert capsys.readouterr().out == (
        f"{NOT_YET}{module.NOT_COMMITTED}\n{wrong}\nYou predicted None. Right.\n"
    )


def test_an_answer_can_be_changed_before_the_verdict(capsys):
    asked = predict("?", LETTERS)
    choose(asked, "a")
    press(asked, "Commit")
    assert said(asked) == ("None", "Committed: a. Now run the cells below.")
    assert shown(asked) == [("Change", True)]
    press(asked, "Change")
    assert (asked.answer, asked._input.draft, said(asked)) == (None, "a", None)
    choose(asked, "b")
    press(asked, "Commit")
    asked.compare("b", {"a": "Never."})
    assert capsys.readouterr().out == "You predicted b. Right.\n"
    assert shown(asked) == [("Try again", True)]


def test_a_number_is_committed_by_enter_and_by_the_button(capsys):
    asked = predict("?")
    for typed in ("8,0", "abc", "1/3"):
        enter(asked, typed)
        assert said(asked) == ("None", f"{typed} is not a number. Type one such as 4.5.")
        assert asked.answer is None and shown(asked) == [("Commit", True)]
    asked._input.widget.value = "8."
    assert said(asked) is None
    enter(asked, " 8.0 ")
    assert said(asked) == ("None", "Committed: 8.0. Now run the cells below.")
    assert asked._input.widget.value == "8.0" and asked._input.widget.disabled
    asked._input.widget._handle_custom_msg({"event": "something else"}, [])
    press(asked, "Change")
    asked._input.widget._handle_custom_msg({"event": "something else"}, [])
    assert asked.answer is None and asked._input.draft == "8.0"
    enter(asked, "")
    assert asked.answer is None and said(asked) is None
    asked._input.widget.value = "42"
    press(asked, "Commit")
    asked.compare(torch.tensor(42.0))
    assert capsys.readouterr().out == "You predicted 42. Right.\n"


def test_of_several_choices_none_excludes_the_others():
    asked = predict("Which?", LETTERS, kind="several")
    assert str(asked) == "Predict. Which? Choose all that hold.\n  [ ] a\n  [ ] b\n  [ ] c"
    tick(asked, "c", "a")
    assert asked._input.draft == ("a", "c")
    tick(asked, "none of them")
    assert asked._input.draft == () and shown(asked) == [("Commit", True)]
    tick(asked, "b")
    assert asked._input.draft == ("b",) and not asked._input._boxes["none of them"].value
    asked._input._boxes["b"].value = False
    assert asked._input.draft is None and shown(asked) == [("Commit", False)]
    tick(asked, "none of them")
    press(asked, "Commit")
    assert said(asked) == ("None", "Committed: none of them. Now run the cells below.")
    asked.compare(["b"], {"b": "B holds."})
    assert said(asked) == (
        "False", "You predicted none of them. Not right. The computation gives b. B holds."
    )  # fmt: skip
    assert all(box.disabled for box in asked._input._boxes.values())
    press(asked, "Try again")
    assert not any(box.disabled or box.value for box in asked._input._boxes.values())


def test_an_order_is_pressed_and_taken_back():
    asked = predict("Which first?", LETTERS, kind="order")
    assert str(asked) == "Predict. Which first? Put them in order.\n    - a\n    - b\n    - c"
    press(asked, "c", "a")
    assert asked._input.draft is None and shown(asked) == [("Commit", False)]
    press(asked, "b")
    assert asked._input.draft == ("c", "a", "b")
    press(asked, "2. a")
    assert [one.description for one in buttons(asked._input.widget)] == ["a", "b", "1. c"]
    press(asked, "b", "a", "Commit")
    asked.compare(LETTERS, {"c": "C is last."})
    assert said(asked) == ("False", "You predicted c, then b, then a. Not right. The computation "
                           "gives a, then b, then c. C is last.")  # fmt: skip
    assert all(one.disabled for one in buttons(asked._input.widget))


@pytest.mark.parametrize("kind, choices, right", [
    ("true or false", ["True", "False"], True),
    ("raises", ["it runs", "RuntimeError", "TypeError", "ValueError", "IndexError",
                "AttributeError"], RuntimeError()),
])  # fmt: skip
def test_kinds_that_bring_their_choices(kind, choices, right):
    asked = predict("?", kind=kind)
    assert list(asked._input.widget.options) == choices
    choose(asked, choices[1])
    press(asked, "Commit")
    asked.compare(right)
    assert said(asked)[0] == str(kind == "raises")


def test_commit_in_a_cell_prints_what_comes_of_it(capsys):
    asked = predict("?", LETTERS)
    asked.commit("z")
    asked.commit("b")
    asked.compare("c", {"b": "Not b."})
    asked.commit("c")
    assert capsys.readouterr().out.splitlines() == [
        "z is not one of the choices: a, b, c.",
        "Committed: b. Now run the cells below.",
        "You predicted b. Not right. The computation gives c. Not b.",
        "You predicted c. Right.",
    ]
    assert said(asked) == ("True", "You predicted c. Right.") and asked._input.draft == "c"


def test_a_refused_answer_leaves_the_one_before(capsys):
    asked = predict("?")
    asked.commit(3)
    asked.commit("x")
    assert asked.answer == "3"
    asked.compare(3)
    assert capsys.readouterr().out.endswith("You predicted 3. Right.\n")


def test_long_words_wrap_and_lines_stay():
    asked = predict("word " * 40 + "\nsecond line")
    asked.commit("4")
    lines = str(asked).splitlines()
    assert max(map(len, lines)) <= 88 and lines[-1] == "second line"
    assert "white-space: pre-line" in asked.widget.children[0].value


def test_words_are_escaped():
    asked = predict("is a < b?", ["<b>", "a & b"], kind="several")
    assert "a &lt; b" in asked.widget.children[0].value
    asked.commit(["<b>"])
    asked.compare(["a & b"], {"<b>": "No <i>."})
    assert said(asked)[1] == (
        "You predicted &lt;b&gt;. Not right. The computation gives a &amp; b. No &lt;i&gt;."
    )


def test_a_choice_reads_as_it_is_where_the_front_end_takes_html(monkeypatch):
    monkeypatch.setattr(ipywidgets, "__version__", "7.7.1")
    asked = predict("?", ["<b>", "a & b"], kind="several")
    assert [box.description for box in asked._input._boxes.values()] == [
        "&lt;b&gt;", "a &amp; b", "none of them"]  # fmt: skip
    tick(asked, "<b>")
    press(asked, "Commit")
    assert asked.answer == ("<b>",)


def test_nothing_is_cut_off():
    number, choice, several, order = (
        predict("?", choices, kind=kind)
        for choices, kind in [([], None), (LETTERS, None), (LETTERS, "several"), (LETTERS, "order")]
    )
    everywhere = [*buttons(order.widget), *several._input._boxes.values(), choice._input.widget]
    everywhere += buttons(number.widget)
    assert {one.layout.width for one in everywhere} == {"auto"}
    for asked in (choice, several, order):
        assert "lecture-answer" in asked._input.widget._dom_classes
        assert ".lecture-answer .widget-radio-box label" in asked.widget.children[0].value


def test_text_alone_says_how_to_answer():
    asked = predict("?", LETTERS)
    assert set(asked.bundle()) == {WIDGET_MIME, "text/plain"}
    try:
        use_text()
        assert asked.bundle()["text/plain"].splitlines()[-1] == module.IN_A_CELL
    finally:
        use_text(False)
    assert module.IN_A_CELL not in asked.bundle()["text/plain"]


def test_twenty_choices_and_many_digits():
    asked = predict("?", [count / 7 for count in range(20)])
    assert len(asked._input.widget.options) == 20
    asked.commit(3 / 7)
    asked.compare(torch.tensor(3.0) / 7)
    assert said(asked) == ("True", "You predicted 0.42857. Right.")


def test_a_value_that_fits_no_choice_is_told_and_not_counted(kept, capsys):
    asked = predict("?", LETTERS, section="2.1")
    asked.commit("a")
    asked.compare(object)
    assert said(asked)[0] == "None" and said(asked)[1].endswith("this prediction does not count.")
    assert kept.meet(PREDICTION, "2.1", "?").tries == 0
    asked.compare("a")
    assert said(asked)[0] == "True" and kept.standing("2")[0].right == 1
    with pytest.raises(ValueError, match="compare was given a tempting answer: z is not one"):
        asked.compare("a", {"z": "No."})


def test_a_later_change_of_the_computed_value_changes_no_verdict():
    asked, tensor = predict("?"), torch.tensor(3.0)
    asked.compare(tensor)
    tensor.add_(1)
    asked.commit(3)
    assert said(asked) == ("True", "You predicted 3. Right.")


def test_the_first_judged_answer_counts(kept):
    asked = predict("?", LETTERS, section="2.1")
    assert kept.standing("2")[0].open == 1
    asked.compare("c")
    for answer in "aabc":
        choose(asked, answer)
        press(asked, "Commit", "Try again")
    record = kept.meet(PREDICTION, "2.1", "?")
    assert (record.first, record.right, record.tries) == (False, True, 3)
    right = predict("!", LETTERS, section="2.1")
    right.compare("c")
    right.commit("c")
    right.compare("c")
    right.commit("b")
    record = kept.meet(PREDICTION, "2.1", "!")
    assert (record.first, record.right, record.tries) == (True, True, 2)
    (one,) = kept.standing("2")
    assert (one.right, one.later, one.wrong, one.open) == (1, 1, 0, 0)


@pytest.mark.parametrize("kind, choices, answer, computed", [
    (None, [], "4.5", 4.5), (None, LETTERS, "b", "b"), ("several", LETTERS, ("a", "c"), ["c", "a"]),
    ("several", LETTERS, (), []), ("order", LETTERS, ("c", "a", "b"), ["c", "a", "b"]),
    ("true or false", [], "True", True), ("raises", [], "it runs", None),
])  # fmt: skip
def test_an_answer_is_found_again_and_judged_without_being_counted_again(
    kept, capsys, kind, choices, answer, computed
):
    def ask():
        return predict("?", choices, kind=kind, section="2.1")

    ask().commit(answer)
    again = ask()
    assert again.answer == again._input.draft == answer and shown(again) == [("Change", True)]
    assert said(again)[1].startswith("Committed: ")
    again.compare(computed)
    lines = kept._file("2").read_text()
    kept.__init__(kept.folder)  # as in a new kernel
    later = ask()
    assert later.answer == answer and shown(later) == [("Change", True)]
    capsys.readouterr()
    later.compare(computed)
    assert capsys.readouterr().out.endswith(" Right.\n") and shown(later) == [("Try again", True)]
    assert kept.meet(PREDICTION, "2.1", "?").tries == 1 and kept._file("2").read_text() == lines


def test_an_answer_that_is_no_longer_one_is_not_taken_up(kept):
    kept.note(PREDICTION, "2.1", "?", True, "gone")
    asked = predict("?", LETTERS, section="2.1")
    assert asked.answer is None and shown(asked) == [("Commit", False)]
    kept.note(PREDICTION, "2.1", "!", True, {"odd": [1]})
    assert predict("!", section="2.1").answer is None


def test_a_reset_empties_the_questions_of_its_lecture_alone(kept):
    judged, committed, open_, other = (
        predict(words, LETTERS, section=section)
        for words, section in [("1", "2.1"), ("2", "2.2"), ("3", "2.2"), ("1", "3.1")]
    )
    judged.compare("c")
    for asked in (judged, committed, other):
        asked.commit("a")
    choose(open_, "a")
    kept.forget("2")
    for asked in (judged, committed, open_):
        assert (asked.answer, asked._input.draft, said(asked)) == (None, None, None)
        assert shown(asked) == [("Commit", False)] and not asked._input.widget.disabled
    assert other.answer == "a"
    judged.commit("c")
    assert said(judged) == ("True", "You predicted c. Right.")
    assert kept.standing("2")[0].right == 1


def test_without_a_section_nothing_is_kept(kept):
    asked = predict("?", LETTERS)
    asked.commit("a")
    asked.compare("a")
    assert predict("?", LETTERS).answer is None and not kept.folder.exists()


def test_a_disk_that_refuses_stops_no_verdict(kept, tmp_path):
    kept.folder = tmp_path / "file" / "in the way"
    (tmp_path / "file").write_text("")
    asked = predict("?", LETTERS, section="2.1")
    asked.compare("b")
    asked.commit("b")
    assert said(asked) == ("True", "You predicted b. Right.")
    assert predict("?", LETTERS, section="2.1").answer == "b"


def in_a_kernel(monkeypatch, act):
    """Run ``act`` in a loop, as a kernel does, and wait as long as a commit may wait."""
    monkeypatch.setattr(module, "LATE_SECONDS", 0.05)

    async def run():
        act()
        await asyncio.sleep(0.1)

    asyncio.run(run())


def test_what_was_typed_last_is_committed_though_it_comes_after_enter(monkeypatch):
    """A front end may hold back a text, but not the key that was pressed after it."""
    asked = predict("?")

    def type_quickly():
        enter(asked, "4")
        assert asked.answer is None
        asked._input.widget.value = "42"

    in_a_kernel(monkeypatch, type_quickly)
    assert asked.answer == "42"


def test_a_double_click_commits_once_and_a_late_one_does_no_harm(monkeypatch, kept):
    asked = predict("?", LETTERS, section="2.1")
    asked.compare("b")

    def click_twice():
        choose(asked, "a")
        press(asked, "Commit", "Commit")

    in_a_kernel(monkeypatch, click_twice)
    assert asked.answer == "a" and kept.meet(PREDICTION, "2.1", "?").tries == 1


def test_a_choice_that_has_stood_for_a_while_is_committed_at_once(monkeypatch):
    asked = predict("?", LETTERS)

    def wait_then_click():
        choose(asked, "a")
        asked._changed_at -= 1
        press(asked, "Commit")
        assert asked.answer == "a"

    in_a_kernel(monkeypatch, wait_then_click)


def test_commit_is_grey_until_there_is_something_to_commit():
    asked = predict("?", ["a", "b"])
    assert (asked._commit.disabled, asked._commit.button_style) == (True, "")
    asked._input.show("a")
    assert (asked._commit.disabled, asked._commit.button_style) == (False, "primary")
    asked._input.clear()
    assert (asked._commit.disabled, asked._commit.button_style) == (True, "")
