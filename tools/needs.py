"""Which notebooks need a package that the course itself does not, and whether it is here."""

from importlib.util import find_spec
from pathlib import Path

NEEDED = {"appendix_static_graphs_in_tensorflow.ipynb": "tensorflow"}  # notebook -> its extra


def lack_of(path: Path) -> str | None:
    """Return a sentence on what a notebook needs and this Python lacks, None where it can run."""
    package = NEEDED.get(path.name)
    if package is None or find_spec(package) is not None:
        return None
    return (
        f"{path.name} cannot run here: it needs the extra [{package}], which is not installed "
        f'(pip install --constraint constraints.txt --editable ".[{package}]")'
    )
