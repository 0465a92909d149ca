"""Packages that one notebook needs and the course itself does not."""

from importlib.util import find_spec

EXTRAS = {"tensorflow": "TensorFlow"}  # module -> what to call it; the extra is named as the module


class NotInstalledError(ModuleNotFoundError):
    """A package is missing: a notebook stops at this cell, with one sentence and no traceback."""

    def _render_traceback_(self):
        """Return the lines that IPython shows in place of a traceback."""
        return [str(self)]


def require(module: str) -> None:
    """Stop here, with one sentence on what to run, where an optional package is missing.

    Nothing is imported and nothing is installed. The command in the sentence is for a cell
    of a notebook in the course's own folder, and serves whatever Python the kernel runs on.

    Raises:
        NotInstalledError: the package is not installed.
        ValueError: it is none of the course's optional packages.
    """
    if module not in EXTRAS:
        raise ValueError(
            f"require was given {module!r}; the optional packages are {', '.join(EXTRAS)}"
        )
    if find_spec(module) is None:
        raise NotInstalledError(
            f"{EXTRAS[module]} is not installed here, so the cells below cannot run. To add it, "
            f'run %pip install --quiet --constraint ../constraints.txt --editable "..[{module}]" '
            f"in a new cell, then restart the kernel.",
            name=module,
        )
