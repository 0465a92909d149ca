"""The summary of a lecture: what it says, that it follows each answer, and its reset."""

import pytest
from pressed import buttons, press

from lecture_helpers import predict, reset_progress, show_progress
from lecture_helpers.exercises.lecture_1 import check_value_and_slope
from lecture_helpers.exercises.registry import exercises_of
from lecture_helpers.progress import EXERCISE, PREDICTION
from lecture_helpers.widgets.live import WIDGET_MIME
from lecture_helpers.widgets.standing import NOTHING_MET, sentence_of

HEAD = "section  predictions right  right later  exercises solved  still to do"


def fill(kept, section, right=0, later=0, wrong=0, open_=0, solved="", failing="", untried=""):
    """Meet and answer as many questions and exercises of a section."""
    for number in range(right + later + wrong + open_):
        name = f"question {number}"
        kept.meet(PREDICTION, section, name)
        if number < right + later + wrong:
            kept.note(PREDICTION, section, name, number < right, "a")
        if right <= number < right + later:
            kept.note(PREDICTION, section, name, True, "b")
    for letter in solved + failing + untried:
        kept.meet(EXERCISE, section, f"{section} {letter}")
        if letter not in untried:
            kept.note(EXERCISE, section, f"{section} {letter}", letter in solved)


def test_before_anything_was_asked(kept):
    assert str(show_progress("7")) == NOTHING_MET
    assert "<table>" not in show_progress("7")._page.value


def test_the_table_is_framed_apart_from_the_longer_sentences_around_it(kept):
    """A front end centres a table in its frame, which a long path would widen."""
    fill(kept, "7.1", open_=1)
    page = show_progress("7")._page.value
    frame, table = page.rsplit("<table>", 1)[0].rsplit("<div", 1)[1], page.split("<table>")[1]
    assert "fit-content" in frame and "<p>" not in frame
    assert table.split("</table>")[1].startswith("</div>")


def test_a_fresh_lecture(kept):
    fill(kept, "7.1", open_=4, untried="ab")
    fill(kept, "7.2", open_=1)
    fill(kept, "7.10", untried="a")
    fill(kept, "8.1", right=1)
    assert str(show_progress("7")).splitlines() == [
        "Nothing answered yet: 5 predictions and 3 exercises to go.",
        HEAD,
        "7.1      0 of 4                          0 of 2            "
        "open: 4 predictions and exercises a, b",
        "7.2      0 of 1                                            open: 1 prediction",
        "7.10                                     0 of 1            open: exercise a",
    ]


def test_exercises_whose_check_never_ran_are_known(kept):
    check_value_and_slope(lambda f, x: None)
    fill(kept, "1.1", open_=1)
    numbers = [one.number for one in exercises_of("1")]
    by_section = {one.section: one for one in show_progress("1").sections}
    assert sorted(by_section) == sorted({one.section for one in exercises_of("1")})
    assert [name for one in by_section.values() for name in one.untried] == numbers
    assert f"1 prediction and {len(numbers)} exercises to go" in show_progress("1").sentence


def test_a_lecture_half_done(kept):
    fill(kept, "7.1", right=3, later=1, solved="a")
    fill(kept, "7.2", right=5, later=1, wrong=1, solved="a", failing="c", untried="b")
    fill(kept, "7.3", open_=2, solved="a", untried="b")
    summary = show_progress("7")
    assert str(summary).splitlines() == [
        "8 of 13 predictions right, 2 more at a later try, 2 still open; 3 of 6 exercises solved. "
        "Look again at 7.2.",
        HEAD,
        "7.1      3 of 4             1            1 of 1",
        "7.2      5 of 7             1            1 of 3            "
        "look again at 1 prediction and exercise c; open: exercise b",
        "7.3      0 of 2                          1 of 2            "
        "open: 2 predictions and exercise b",
    ]
    assert summary.bundle()["text/plain"] == str(summary) and WIDGET_MIME in summary.bundle()


@pytest.mark.parametrize("given, sentence", [
    ({"right": 3, "solved": "ab"}, "All 3 predictions right; all 2 exercises solved."),
    ({"right": 1, "solved": "a"}, "1 of 1 prediction right; 1 of 1 exercise solved."),
    ({"right": 2}, "All 2 predictions right."),
    ({"solved": "ab"}, "All 2 exercises solved."),
    ({"later": 1}, "0 of 1 prediction right, 1 more at a later try."),
    ({"open_": 1}, "Nothing answered yet: 1 prediction to go."),
    ({"untried": "ab"}, "Nothing answered yet: 2 exercises to go."),
    ({"failing": "a", "open_": 1}, "0 of 1 prediction right, 1 still open; 0 of 1 exercise solved. "
                                   "Look again at 7.1."),
    ({"wrong": 1}, "0 of 1 prediction right. Look again at 7.1."),
    ({"solved": "a", "open_": 2},
     "0 of 2 predictions right, 2 still open; 1 of 1 exercise solved."),
])  # fmt: skip
def test_one_sentence_says_it(kept, given, sentence):
    fill(kept, "7.1", **given)
    assert sentence_of(kept.standing("7")) == show_progress(7).sentence == sentence


def test_the_sections_to_look_at_are_listed(kept):
    for section in ("7.1", "7.2", "7.10"):
        fill(kept, section, wrong=1)
    assert show_progress("7").sentence.endswith(". Look again at 7.1, 7.2 and 7.10.")


def test_the_summary_follows_each_answer(kept):
    summary = show_progress("7")
    asked = predict("?", ["a", "b"], section="7.1")
    asked.compare("b")
    asked.commit("a")
    assert "<b>0 of 1 prediction right. Look again at 7.1.</b>" in summary._page.value
    press(asked, "Try again")
    asked.commit("b")
    assert "<b>0 of 1 prediction right, 1 more at a later try.</b>" in summary._page.value
    before = summary._page.value
    fill(kept, "8.1", wrong=1)
    assert summary._page.value == before
    kept.note(EXERCISE, "7.2", "7.2 <a>", False)
    assert "look again at exercise &lt;a&gt;</td>" in summary._page.value
    assert summary.sections == kept.standing("7") and len(summary.sections) == 2


def test_it_says_where_the_answers_are(kept, monkeypatch):
    where = f"Your answers are kept in {kept.folder}, where this notebook runs, and sent nowhere."
    assert where in show_progress("7")._page.value and str(kept.folder) not in str(
        show_progress("7")
    )
    kept.folder = None
    assert "Your answers are kept until this kernel stops." in show_progress("7")._page.value


def shown(summary):
    return [button.description for button in buttons(summary.widget)]


def test_the_reset_asks_first(kept):
    fill(kept, "7.1", right=2, solved="a")
    fill(kept, "8.1", right=1)
    summary = show_progress("7")
    assert shown(summary) == ["Start over"] and summary._sure.layout.display == "none"
    press(summary, "Start over")
    assert shown(summary) == ["Yes, forget my answers", "No, keep them"]
    assert summary._sure.value == "This deletes all your answers to lecture 7."
    assert summary._sure.layout.display == ""
    press(summary, "No, keep them")
    assert shown(summary) == ["Start over"] and summary.sentence.startswith("All 2 predictions")
    press(summary, "Start over", "Yes, forget my answers")
    assert shown(summary) == ["Start over"]
    assert "<b>Nothing answered yet: 2 predictions and 1 exercise to go.</b>" in summary._page.value
    assert [file.name for file in kept.folder.iterdir()] == ["lecture-8.jsonl"]


def test_a_reset_in_a_cell(kept):
    asked = predict("?", ["a", "b"], section="7.1")
    asked.commit("a")
    summary = show_progress("7")
    reset_progress(7)
    assert asked.answer is None and not list(kept.folder.iterdir())
    assert summary.sentence == "Nothing answered yet: 1 prediction to go."


@pytest.mark.parametrize("given", ["7.1", "", "a b", None.__class__, "../2"])
@pytest.mark.parametrize("function", [show_progress, reset_progress])
def test_what_is_no_lecture_is_refused(function, given):
    with pytest.raises(ValueError, match=f"{function.__name__} was given .*; give a lecture"):
        function(given)
