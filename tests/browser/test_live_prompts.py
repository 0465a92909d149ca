"""Prompts, an exercise and the summary as a learner works them, by mouse and by keyboard."""

import pytest
from page import RUN_ALL, SCREENSHOTS, WAIT_MS, open_notebook, outputs_of, run_cells
from playwright.sync_api import expect
from practice import IDS, practice_notebook

pytestmark = pytest.mark.browser
expect.set_options(timeout=WAIT_MS)
FRESH = "Nothing answered yet: 7 predictions and 1 exercise to go."
MARKS = {True: "\N{HEAVY CHECK MARK} ", False: "\N{HEAVY BALLOT X} "}
RESTART = """async () =>
    await window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"""
FOCUS = "() => document.activeElement.textContent || document.activeElement.dataset.value"


@pytest.fixture(scope="module")
def page(browser, lab):
    """The notebook with every kind of prompt, run from top to bottom with nothing answered."""
    opened = open_notebook(browser, lab, practice_notebook(lab.notebooks))
    opened.evaluate(RUN_ALL)
    yield opened
    opened.close()


@pytest.fixture
def cell(page):
    """Return a cell of the notebook by its id."""
    return lambda cell_id: page.locator(".jp-Notebook .jp-Cell").nth(IDS.index(cell_id))


@pytest.fixture
def photograph(lab):
    """Keep a picture of a cell."""

    def shoot(cell, name):
        SCREENSHOTS.mkdir(exist_ok=True)
        cell.screenshot(path=SCREENSHOTS / f"prompt-{name}-{lab.theme}.png")

    return shoot


def press(prompt, name):
    prompt.get_by_role("button", name=name, exact=True).click()


def assert_said(prompt, right, words):
    """Wait for a verdict below a question, which its words and its mark tell."""
    note = prompt.locator("[data-right]")
    expect(note).to_have_attribute("data-right", str(right))
    expect(note).to_have_text(MARKS.get(right, "") + words)


def test_a_number_is_typed_and_committed_by_enter(page, cell, photograph):
    prompt, compared = cell("number"), "number-compare"
    assert outputs_of(page, compared) == (
        "No prediction yet. Answer the question above; the verdict then appears there.\n"
    )
    field = prompt.get_by_placeholder("a number, such as 4.5")
    field.press_sequentially("4,5")
    field.press("Enter")
    assert_said(prompt, None, "4,5 is not a number. Type one such as 4.5.")
    photograph(prompt, "no-number")
    field.fill("9")
    field.press("Enter")
    wrong = "You predicted 9. Not right. The computation gives 6.0. 9 is y itself, not its slope."
    assert_said(prompt, False, wrong)
    expect(field).to_be_disabled()
    photograph(prompt, "number-wrong")
    run_cells(page, compared)
    assert outputs_of(page, compared) == f"{wrong}\n"
    press(prompt, "Try again")
    expect(field).to_have_value("")
    expect(prompt.get_by_role("button", name="Commit")).to_be_disabled()
    field.press_sequentially("6.000")
    field.press("Enter")
    assert_said(prompt, True, "You predicted 6.000. Right.")
    photograph(prompt, "number-right")


def test_a_choice_is_made_by_keyboard_and_a_long_one_wraps(page, cell, photograph):
    prompt = cell("choice")
    commit = prompt.get_by_role("button", name="Commit").bounding_box()
    label = prompt.get_by_text("a long choice").last.bounding_box()
    assert label["height"] > 35 and label["y"] + label["height"] <= commit["y"]
    prompt.get_by_label("<AddBackward0>").press("Space")
    expect(prompt.get_by_role("button", name="Commit")).to_be_enabled()
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "Commit"
    page.keyboard.press("Enter")
    assert_said(prompt, False, "You predicted <AddBackward0>. Not right. The computation gives "
                "<MulBackward0>. x * x multiplies, it does not add.")  # fmt: skip
    photograph(prompt, "choice-wrong")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "Try again"
    page.keyboard.press("Space")
    expect(prompt.get_by_label("<AddBackward0>")).not_to_be_checked()
    prompt.get_by_label("<MulBackward0>").check()
    press(prompt, "Commit")
    assert_said(prompt, True, "You predicted <MulBackward0>. Right.")
    photograph(prompt, "choice-right")


def test_several_choices_are_ticked(cell, photograph):
    prompt = cell("several")
    for name in ("x", "y.detach()"):
        prompt.get_by_label(name, exact=True).check()
    press(prompt, "Commit")
    assert_said(prompt, False, "You predicted x, y.detach(). Not right. The computation gives x, "
                "x < y, y.detach(). Nothing tracked made x < y, so it is a leaf.")  # fmt: skip
    photograph(prompt, "several-wrong")
    press(prompt, "Try again")
    for name in ("x < y", "y.detach()", "x"):
        prompt.get_by_label(name, exact=True).check()
    press(prompt, "Commit")
    assert_said(prompt, True, "You predicted x, x < y, y.detach(). Right.")


def test_none_of_them_unticks_the_others(cell):
    prompt = cell("none")
    prompt.get_by_label("x + 1").check()
    prompt.get_by_label("none of them").check()
    expect(prompt.get_by_label("x + 1")).not_to_be_checked()
    press(prompt, "Commit")
    assert_said(prompt, True, "You predicted none of them. Right.")


def test_an_order_is_pressed_by_keyboard(page, cell, photograph):
    prompt = cell("order")
    prompt.get_by_role("button", name="x", exact=True).press("Enter")
    prompt.get_by_role("button", name="1. x").press("Tab")
    page.keyboard.press("Space")
    prompt.get_by_role("button", name="2. y").press("Tab")
    page.keyboard.press("Space")
    expect(prompt.get_by_role("button", name="3. x - y")).to_be_visible()
    press(prompt, "Commit")
    assert_said(prompt, False, "You predicted x, then y, then x - y. Not right. The computation "
                "gives x - y, then x, then y. x - y is negative.")  # fmt: skip
    photograph(prompt, "order-wrong")
    press(prompt, "Try again")
    for place, name in enumerate(("x - y", "x", "y"), start=1):
        press(prompt, name)
        prompt.get_by_role("button", name=f"{place}. {name}", exact=True).wait_for()
    press(prompt, "Commit")
    assert_said(prompt, True, "You predicted x - y, then x, then y. Right.")


def test_an_answer_changes_before_the_verdict_and_comes_back_in_a_new_kernel(page, cell):
    """The cell of a question is run again, so that nothing was compared with it yet."""
    prompt = cell("truth")
    run_cells(page, "truth")
    prompt.get_by_label("False").check()
    press(prompt, "Commit")
    assert_said(prompt, None, "Committed: False. Now run the cells below.")
    press(prompt, "Change")
    prompt.get_by_label("True").check()
    press(prompt, "Commit")
    assert_said(prompt, None, "Committed: True. Now run the cells below.")
    run_cells(page, "truth-compare")
    assert_said(prompt, True, "You predicted True. Right.")
    page.evaluate(RESTART)
    run_cells(page, "set-up", "truth")
    assert_said(prompt, None, "Committed: True. Now run the cells below.")
    expect(prompt.get_by_label("True")).to_be_checked()
    run_cells(page, "truth-compare", "summary")
    assert outputs_of(page, "truth-compare") == "You predicted True. Right.\n"
    row = cell("summary").get_by_role("row", name="7.2")
    expect(row.get_by_role("cell").nth(1)).to_have_text("1 of 2")


def test_the_summary_follows_an_exercise_and_its_reset_empties_the_prompts(page, cell, photograph):
    """Hint, wrong and right; then all of it is forgotten, after a question."""
    page.evaluate(RUN_ALL)
    summary, prompt = cell("summary"), cell("raises")
    press(summary, "Start over")
    press(summary, "Yes, forget my answers")
    summary.get_by_text(FRESH).wait_for()
    expect(cell("truth").get_by_label("True")).not_to_be_checked()
    prompt.get_by_label("it runs").check()
    press(prompt, "Commit")
    assert_said(prompt, False, "You predicted that it runs. Not right. The computation raises "
                "RuntimeError. The first backward has freed the graph.")  # fmt: skip
    summary.get_by_text("0 of 7 predictions right, 6 still open; 0 of 1 exercise solved. "
                        "Look again at 7.2.").wait_for()  # fmt: skip
    press(prompt, "Try again")
    prompt.get_by_label("RuntimeError").check()
    press(prompt, "Commit")
    assert_said(prompt, True, "You predicted RuntimeError. Right.")

    run_cells(page, "wrong-stub", "check")
    wrong = "Not yet. Case 2 of 2, x = -1: your function returned 2.0; expected -2.0."
    cell("check").get_by_text(wrong).wait_for()
    summary.get_by_text("look again at exercise a").wait_for()
    hint = cell("card").locator("details")
    expect(hint).to_have_js_property("open", False)
    hint.locator("summary").click()
    expect(hint).to_have_js_property("open", True)
    photograph(cell("card"), "hint")
    photograph(cell("check"), "exercise-wrong")
    run_cells(page, "right-stub", "check")
    cell("check").get_by_text("Right, in all 2 cases.").wait_for()
    summary.get_by_text("0 of 7 predictions right, 1 more at a later try, 6 still open; "
                        "1 of 1 exercise solved.").wait_for()  # fmt: skip
    photograph(summary, "summary")
    press(summary, "Start over")
    photograph(summary, "reset")
    press(summary, "No, keep them")
    summary.get_by_text("1 more at a later try").wait_for()
    press(summary, "Start over")
    press(summary, "Yes, forget my answers")
    summary.get_by_text(FRESH).wait_for()
    expect(prompt.get_by_label("RuntimeError")).not_to_be_checked()
    expect(prompt.locator("[data-right]")).to_have_count(0)
