"""Errors on purpose: a block that must raise, reported in words that do not move."""

import contextlib
import io
import logging
import threading
import warnings

_one_at_a_time = threading.RLock()  # what quietly() changes belongs to the whole process


@contextlib.contextmanager
def quietly():
    """Run a block and show no warning, no log message and nothing it writes to stderr.

    Of several threads one after the other enters such a block.
    """
    with _one_at_a_time:
        disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
                warnings.simplefilter("ignore")
                yield
        finally:
            logging.disable(disabled)


def told(error) -> str:
    """Return class and message of an error, also where it cannot tell its message."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def raised_by(function, *arguments):
    """Call a function and return the error that it raises, None where it raises none.

    For ``prediction.compare`` of a prediction of the kind ``"raises"``. What the function
    warns of or writes to stderr is not shown.
    """
    with quietly():
        try:
            function(*arguments)
        except Exception as error:
            return _without_frames(error)
    return None


def _without_frames(error):
    """Return an error without the frames it came through: they keep a learner's graph alive."""
    chain = [error]
    for one in chain:
        one.__traceback__ = None
        beneath = one.__cause__, one.__context__
        chain += [other for other in beneath if all(other is not one for one in (None, *chain))]
    return error


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
        quiet: show no warning, log message or stderr text of the block; ``torch.export``
            writes pages of them before it raises.

    Raises:
        AssertionError: the block raised nothing, or its message lacks the phrase.
        TypeError: ``error`` is not an exception class, or ``phrase`` no text.
    An error of another class passes through unchanged.

    After the block, ``error`` holds what was raised, for ``prediction.compare``.
    """

    def __init__(self, error=Exception, phrase: str = "", quiet: bool = False):
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
        self._quiet = quiet
        self.error = None

    def __enter__(self):
        self.error = None
        self._silence = contextlib.ExitStack()
        if self._quiet:
            self._silence.enter_context(quietly())
        return self

    def __exit__(self, kind, error, traceback):
        self._silence.close()
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
        self.error = _without_frames(error)
        return True
