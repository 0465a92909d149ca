"""Execute notebooks in fresh kernels and normalise them; twice gives the same bytes.

A notebook that needs a package which is not here is left as it is, with a line that says so.

Usage: python tools/execute_notebooks.py [NOTEBOOK ...]     (default: all of notebooks/)
"""

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from needs import lack_of

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PNG = "image/png"
KEPT_CELL_METADATA = ("tags", "jupyter", "cellView", "nbval_reason")
CELL_TIMEOUT_SECONDS = 300


def execute(path: Path) -> None:
    """Execute one notebook in place. Nothing is written when a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_SECONDS,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute()
    normalise(notebook)
    write(notebook, path)


def write(notebook, path: Path) -> None:
    """Write a valid notebook whole or not at all, with the same line ends everywhere."""
    nbformat.validate(notebook)
    half_written = path.with_suffix(".ipynb.new")
    half_written.write_bytes(f"{nbformat.writes(notebook)}\n".encode())
    half_written.replace(path)


def normalise(notebook) -> None:
    """Drop what differs from run to run or that no reader needs."""
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        )
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if "metadata" in output:
                output.metadata = {}
            if "data" in output:
                # A stored view without its model reads "model not found"; without the
                # view the stored text or picture shows.
                output.data.pop(WIDGET_VIEW, None)
                # A chart of timings differs from run to run, and nothing compares a PNG.
                # The words beside it stay, which say that the chart shows after a run.
                if "text/plain" in output.data:
                    output.data.pop(PNG, None)
        cell.outputs = _joined(cell.outputs)


def is_compared(cell) -> bool:
    """Return whether nbval compares the outputs of a code cell: no comment or tag opts it out."""
    by_comment = re.search(r"NBVAL_(?!CHECK)|PYTEST_VALIDATE_IGNORE", cell.source)
    tags = cell.metadata.get("tags", [])
    return not by_comment and not any(tag.startswith(("nbval-", "raises")) for tag in tags)


def _joined(outputs) -> list:
    """Join neighbouring pieces of one stream, which arrive cut at random places."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def main(arguments) -> None:
    os.environ.pop("LECTURE_TEXT", None)  # a reader's own switch must not drop the pictures
    os.environ["LECTURE_PROGRESS"] = "off"  # nor may a reader's answers change what is printed
    for path in [Path(name) for name in arguments] or sorted(NOTEBOOKS.glob("*.ipynb")):
        lack = lack_of(path)
        if lack:
            print(f"left as it is: {lack}")
            continue
        execute(path)
        print(f"executed {path.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
