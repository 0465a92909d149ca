"""The widgets as a learner works them: by mouse, by keyboard, by Play."""

import pytest
from page import ROOT, SCREENSHOTS, open_notebook, outputs_of, run_cells

LECTURE_1 = ROOT / "notebooks" / "01_dynamic_computation_graphs.ipynb"
pytestmark = pytest.mark.browser


def test_a_prediction_of_a_lecture_answers_back_and_the_slider_redraws(browser, lab):
    page = open_notebook(browser, lab, LECTURE_1)
    run_cells(page, "set-up", "fan-predict")
    page.get_by_label("[2.0, 3.0]").check()
    page.get_by_role("button", name="Commit").click()
    page.get_by_text("Committed: [2.0, 3.0]. Now run the cells below.").wait_for()
    run_cells(page, "fan-run", "fan-compare")
    page.get_by_role("button", name="Try again").wait_for()
    assert outputs_of(page, "fan-compare").startswith(
        "You predicted [2.0, 3.0]. Not right. The computation gives [4.0, 3.0]."
    )

    run_cells(page, "branch-run", "branch-slider")
    page.get_by_text("At x = 2.0 the result is -0.54402").wait_for()
    picture = page.locator(".jupyter-widgets svg[data-kind=graph]")
    assert "SinBackward0" in picture.inner_html() and "MulBackward0" in picture.inner_html()
    handle = page.locator(".noUi-handle")
    handle.focus()
    for _ in range(6):
        handle.press("ArrowLeft")
    page.get_by_text("At x = 1.4 the result is 0.67546, the gradient for x is -0.73739.").wait_for()
    assert "AddBackward0" in picture.inner_html() and "MulBackward0" not in picture.inner_html()
    page.screenshot(path=SCREENSHOTS / f"slider-{lab.theme}.png")
    page.close()


def test_slider_and_checkbox_redraw_graph_table_and_plot(browser, lab):
    page = open_notebook(browser, lab, LECTURE_1)
    run_cells(page, "set-up", "branch-run", "branch-slider")
    page.get_by_text("At x = 2.0 the result is -0.54402").wait_for()
    graph, plot, row = (
        page.locator(f".jupyter-widgets {inner}")
        for inner in ("svg[data-kind=graph]", "svg[data-kind=plot] > g", "tbody tr >> nth=0")
    )
    assert plot.get_attribute("data-slope") == "-4.1954"
    assert row.inner_text().split() == ["x", "2.0", "()", "True", "True", "None", "-4.1954"]
    assert "tangent with slope -4.1954" in plot.text_content()
    wide = page.locator(".jupyter-widgets svg[data-kind=plot]").bounding_box()["width"]
    assert wide == 420
    row.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / f"what-if-{lab.theme}.png")

    handle = page.locator(".noUi-handle")
    handle.press("Home")
    page.get_by_text("At x = 0.0 the result is 0.84147, the gradient for x is 0.5403.").wait_for()
    assert (plot.get_attribute("data-at"), plot.get_attribute("data-slope")) == ("0.0", "0.5403")
    assert row.inner_text().split() == ["x", "0.0", "()", "True", "True", "None", "0.5403"]
    assert graph.locator("[data-node]").count() == 3 and "AddBackward0" in graph.inner_html()

    box = page.get_by_label("x requires grad")
    assert box.is_checked()
    box.press("Space")
    page.get_by_text("No input is tracked, so the result has no graph").wait_for()
    assert (plot.get_attribute("data-at"), plot.get_attribute("data-slope")) == ("0.0", "None")
    assert "no tangent: x is not tracked" in plot.text_content()
    assert row.inner_text().split() == ["x", "0.0", "()", "False", "True", "None", "None"]
    assert graph.locator("[data-node]").count() == 1 and "Backward" not in graph.inner_html()
    page.screenshot(path=SCREENSHOTS / f"what-if-untracked-{lab.theme}.png")

    box.press("Space")
    page.get_by_text("the gradient for x is 0.5403.").wait_for()
    assert "AddBackward0" in graph.inner_html() and plot.get_attribute("data-slope") == "0.5403"
    page.close()


def test_buttons_run_functions_and_redraw(browser, lab):
    page = open_notebook(browser, lab, LECTURE_1)
    run_cells(page, "set-up", "total-run", "zero-press")
    page.get_by_text("Nothing pressed yet.").wait_for()
    grad = page.locator(".jupyter-widgets table td").last
    assert grad.inner_text() == "None"
    page.get_by_role("button", name="zero", exact=True).click()
    page.get_by_text("zero raised AttributeError").wait_for()
    for name, sentence, total in [
        ("backward at 1", "Pressed: zero, then backward at 1.", "2.0"),
        ("backward at 3", "Pressed: zero, then backward at 1, then backward at 3.", "32.0"),
        ("zero", "then backward at 3, then zero.", "0.0"),
    ]:
        page.get_by_role("button", name=name, exact=True).press("Enter")
        page.get_by_text(sentence).wait_for()
        assert grad.inner_text() == total
    assert "raised" not in page.locator(".jupyter-widgets table").locator("../..").inner_text()
    page.screenshot(path=SCREENSHOTS / f"buttons-{lab.theme}.png")
    page.close()


def stepper(page, lab, name):
    """Return the stepper's picture and what to ask it, with a way to photograph it."""
    picture = page.locator(".jupyter-widgets svg[data-kind=backward]")

    def at(position, at_work, *gradients):
        """Wait for a position; assert which box is at work and which gradients stand there."""
        page.locator(f".jupyter-widgets svg[data-step='{position}']").wait_for()
        boxes = picture.locator("g[data-state='at work']")
        assert [words.split()[0] for words in boxes.all_text_contents()] == at_work
        numbers = [words for words in picture.locator("> text").all_text_contents()
                   if words.removeprefix("-").replace(".", "").isdigit()]  # fmt: skip
        assert sorted(map(float, numbers)) == sorted(gradients)
        page.screenshot(path=SCREENSHOTS / f"stepper-{name}-{lab.theme}-{position}.png")

    return picture, at


def test_the_stepper_is_moved_by_key_by_drag_and_by_play(browser, lab):
    page = open_notebook(browser, lab, LECTURE_1)
    run_cells(page, "set-up", "chain-watch")
    picture, at = stepper(page, lab, "chain")
    picture.scroll_into_view_if_needed()
    at(0, [], 1)
    handle = page.locator(".noUi-handle")
    handle.press("ArrowRight")
    at(1, ["powPowBackward0"], 1, 14)
    handle.press("ArrowRight")
    at(2, ["addAddBackward0y"], 1, 14, 14)
    handle.press("ArrowRight")
    at(3, ["mulMulBackward0"], 1, 14, 14, 42)
    handle.press("ArrowRight")
    at(4, ["x2.0grad"], 1, 14, 14, 42)
    assert "grad 42" in picture.text_content()

    drag(page, handle, -2000)
    at(0, [], 1)
    assert "grad None" in picture.text_content()
    drag(page, handle, 2000)
    at(4, ["x2.0grad"], 1, 14, 14, 42)

    page.get_by_role("button", name="previous").press("Enter")
    at(3, ["mulMulBackward0"], 1, 14, 14, 42)
    page.get_by_role("button", name="next").press("Space")
    at(4, ["x2.0grad"], 1, 14, 14, 42)

    handle.press("Home")
    at(0, [], 1)
    page.locator(".jupyter-widgets .widget-play button, .jupyter-widget-play button").first.click()
    for position, at_work, gradients in [
        (1, "powPowBackward0", [1, 14]), (2, "addAddBackward0y", [1, 14, 14]),
        (3, "mulMulBackward0", [1, 14, 14, 42]), (4, "x2.0grad", [1, 14, 14, 42]),
    ]:  # fmt: skip
        at(position, [at_work], *gradients)
    page.close()


def drag(page, handle, pixels):
    """Drag a slider's handle sideways with the mouse."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + pixels, y, steps=8)
    page.mouse.up()


def test_the_stepper_shows_36_and_84_becoming_120(browser, lab):
    page = open_notebook(browser, lab, LECTURE_1)
    run_cells(page, "set-up", "diamond-steps")
    picture, at = stepper(page, lab, "diamond")
    handle = page.locator(".noUi-handle")
    for position, at_work, gradients in [
        (1, "mulMulBackward0", [1, 36, 7]), (2, "powPowBackward0w", [1, 36, 7, 84]),
        (3, "addAddBackward0v", [1, 36, 7, 84, 36]),
        (4, "mulMulBackward0u", [1, 36, 7, 84, 36, 360]),
    ]:  # fmt: skip
        assert "84 + 36 = 120" not in picture.text_content()
        handle.press("ArrowRight")
        at(position, [at_work], *gradients)
    assert "84 + 36 = 120" in picture.text_content()
    page.close()
