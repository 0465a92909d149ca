"""Errors on purpose: a block that must raise, reported in words that do not move."""


class expect_error:
    """Run a block that must raise, and print the error's class and a stable phrase.

    ::

        with expect_error(RuntimeError, "backward through the graph a second time"):
            z.backward()

    prints ``RuntimeError: ... backward through the graph a second time ...``.
    Torch rewords its messages between releases, so only the phrase is printed, and
    only after it was found in the real message.

    Args:
        error: the class (or a tuple of classes) that the block must raise.
        phrase: text that the message must contain; upper and lower case are alike.

    Raises:
        AssertionError: the block raised nothing, or its message lacks the phrase.
        TypeError: ``error`` is not an exception class, or ``phrase`` no text.
    An error of another class passes through unchanged.
    """

    def __init__(self, error=Exception, phrase: str = ""):
        classes = error if isinstance(error, tuple) else (error,)
        if not all(isinstance(c, type) and issubclass(c, BaseException) for c in classes):
            raise TypeError(
                f"expect_error was given {error!r}; pass the class of the error to expect, "
                f"such as RuntimeError"
            )
        if not isinstance(phrase, str):
            raise TypeError(
                f"expect_error was given the phrase {phrase!r}; pass a piece of the message as text"
            )
        self._classes = classes
        self._phrase = phrase

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:
            wanted = " or ".join(c.__name__ for c in self._classes)
            raise AssertionError(
                f"this block was expected to raise {wanted}, but it raised nothing"
            )
        if not issubclass(kind, self._classes):
            return False
        if self._phrase.lower() not in str(error).lower():
            raise AssertionError(
                f"{kind.__name__} was raised as expected, but its message does not contain "
                f"{self._phrase!r}: {error}"
            )
        said = f": ... {self._phrase} ..." if self._phrase else ""
        print(f"{kind.__name__}{said}")
        return True
