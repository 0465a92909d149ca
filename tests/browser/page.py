"""A notebook in the browser: opened, run cell by cell, photographed."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCREENSHOTS = ROOT / "screenshots"
WAIT_MS = 90_000
WINDOW = {"width": 1200, "height": 900}
TALLEST = 8_000  # Chromium's limit for a screenshot's side is 16,384; a taller notebook is scrolled

READY = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    return Boolean(panel?.context?.isReady && panel.content?.model?.cells?.length);
}"""
KERNEL_READY = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.isReady"
RUN_ALL = "async () => await window.jupyterapp.commands.execute('notebook:run-all-cells')"
MODEL = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON()"


def open_notebook(browser, lab, path):
    """Open a notebook and wait until it and its kernel are ready."""
    page = browser.new_page(viewport=WINDOW)
    page.set_default_timeout(WAIT_MS)
    page.goto(lab.notebook(path.name))
    page.wait_for_function(READY)
    page.wait_for_function(KERNEL_READY)
    return page


SCROLL_TO = """top => document.querySelectorAll('.jp-Notebook, .jp-WindowedPanel-outer').forEach(
    node => node.scrollTo(0, top))"""
HEIGHT = """() => Math.max(...[...document.querySelectorAll(
    '.jp-NotebookPanel .jp-Notebook, .jp-NotebookPanel .jp-WindowedPanel-outer')].map(
    node => node.scrollHeight))"""
AROUND = 160  # the menu and the toolbar


def grow(page):
    """Make the window as tall as the notebook, or as tall as a screenshot can be.

    Returns the height of the notebook, and of what one screenshot shows of it.
    """
    page.set_viewport_size(WINDOW)
    page.evaluate(SCROLL_TO, 0)
    height = page.evaluate(HEIGHT)
    shown = min(height, TALLEST)
    page.set_viewport_size({**WINDOW, "height": shown + AROUND})
    return height, shown


IN_THEME = """async theme => {
    await window.jupyterapp.commands.execute('apputils:change-theme', {theme});
}"""


def put_in_theme(page, lab, theme):
    """Show the page in the light or the dark theme from here on, and so what is opened later."""
    page.evaluate(IN_THEME, f"JupyterLab {theme.title()}")
    light = str(theme == "light").lower()
    page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")
    page.wait_for_selector("#jupyterlab-splash", state="detached")  # it dims what lies below
    lab.theme = theme


def shoot(page, lab, path, when):
    """Take screenshots of a whole notebook, from its top to its end."""
    SCREENSHOTS.mkdir(exist_ok=True)
    height, shown = grow(page)
    for number, top in enumerate(range(0, height, shown), start=1):
        page.evaluate(SCROLL_TO, top)
        page.screenshot(path=SCREENSHOTS / f"{path.stem}-{lab.theme}-{when}-{number}.png")


def run_cells(page, *wanted):
    """Run code cells by id, in order, as a learner with Shift+Enter would."""
    for cell_id in wanted:
        done = page.evaluate(RUN_CELL, cell_id)
        assert done is True, cell_id


RUN_CELL = """async id => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const at = notebook.widgets.findIndex(cell => cell.model.id === id);
    notebook.deselectAll();
    notebook.activeCellIndex = at;
    await window.jupyterapp.commands.execute('notebook:run-cell');
    return notebook.widgets[at].model.executionCount !== null;
}"""


def outputs_of(page, cell_id):
    """Return the text that a cell has printed."""
    (cell,) = [cell for cell in page.evaluate(MODEL)["cells"] if cell["id"] == cell_id]
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])
