"""expect_error: the block must raise, and say what was expected; raised_by: what it raised."""

import contextlib
import gc
import logging
import sys
import threading
import warnings
import weakref

import pytest
import torch

from lecture_helpers import expect_error, raised_by
from lecture_helpers.errors import quietly


def walk_twice():
    x = torch.tensor(2.0, requires_grad=True)
    y = x**2
    y.backward()
    y.backward()


def test_prints_class_and_phrase(capsys):
    with expect_error(RuntimeError, "BACKWARD through the graph a second time"):
        walk_twice()
    assert capsys.readouterr().out == (
        "RuntimeError: ... BACKWARD through the graph a second time ...\n"
    )


def test_without_a_phrase_prints_the_class_raised(capsys):
    with expect_error((TypeError, RuntimeError)):
        walk_twice()
    assert capsys.readouterr().out == "RuntimeError\n"


def test_a_block_that_raises_nothing_is_an_error():
    with (
        pytest.raises(
            AssertionError, match="expected to raise RuntimeError, but it raised nothing"
        ),
        expect_error(RuntimeError, "anything"),
    ):
        pass


def test_another_message_is_an_error_that_shows_the_message():
    with (
        pytest.raises(AssertionError, match="does not contain 'leaf'.*second time"),
        expect_error(RuntimeError, "leaf"),
    ):
        walk_twice()


def test_another_class_passes_through():
    with pytest.raises(RuntimeError, match="second time"), expect_error(ValueError, "second time"):
        walk_twice()


@pytest.mark.parametrize("arguments, said", [
    (("RuntimeError",), "pass the class of the error"), ((RuntimeError, 3), "pass a piece"),
])  # fmt: skip
def test_bad_arguments(arguments, said):
    with pytest.raises(TypeError, match=said):
        expect_error(*arguments)


def test_quiet_hides_what_the_block_says_and_nothing_after_it(capsys):
    logger = logging.getLogger("lecture-test")
    logging.disable(logging.INFO)
    try:
        with expect_error(RuntimeError, "a second time", quiet=True):
            print("noise", file=sys.stderr)
            warnings.warn("noise", stacklevel=1)
            logger.error("noise")
            walk_twice()
        assert logging.root.manager.disable == logging.INFO
        print("after", file=sys.stderr)
        assert capsys.readouterr() == ("RuntimeError: ... a second time ...\n", "after\n")
        with pytest.raises(KeyError), quietly():
            raise KeyError
        assert logging.root.manager.disable == logging.INFO
    finally:
        logging.disable(logging.NOTSET)


def test_the_error_stands_in_the_block_that_expected_it(capsys):
    caught = expect_error(RuntimeError, "a second time")
    assert caught.error is None
    with caught:
        walk_twice()
    assert type(caught.error) is RuntimeError and "a second time" in str(caught.error)
    with pytest.raises(AssertionError), caught:
        pass
    assert caught.error is None
    with pytest.raises(RuntimeError), expect_error(ValueError) as other:
        walk_twice()
    assert other.error is None


def test_raised_by_returns_the_error_and_none_where_there_is_none(capsys):
    x = torch.ones(2, requires_grad=True)
    assert raised_by(x.sum().backward) is None
    error = raised_by(torch.Tensor.backward, x)
    assert type(error) is RuntimeError and "only for scalar outputs" in str(error)
    assert type(raised_by(int, "x")) is ValueError and type(raised_by(int, [])) is TypeError
    assert raised_by(lambda: 3) is None

    def noisy():
        warnings.warn("noise", stacklevel=1)
        print("noise", file=sys.stderr)

    assert raised_by(noisy) is None and capsys.readouterr() == ("", "")


def test_raised_by_lets_an_interrupt_through():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        raised_by(interrupted)


def test_a_kept_error_keeps_no_tensor_of_the_frames_it_came_through():
    gone = []

    def fail():
        x = torch.ones(2)
        gone.append(weakref.ref(x))
        try:
            x.backward()
        except RuntimeError as cause:
            try:
                raise ValueError("mended")
            except ValueError:
                raise RuntimeError("at last") from cause

    error = raised_by(fail)
    with expect_error(RuntimeError) as caught:
        fail()
    gc.collect()
    assert [one() for one in gone] == [None, None]
    assert "does not require grad" in str(error.__cause__)
    assert type(error.__context__) is type(caught.error.__context__) is ValueError


def test_errors_are_told_apart_without_asking_them():
    class Alike(ValueError):
        def __eq__(self, other):
            raise TypeError("not compared")

    def fail():
        try:
            raise Alike
        except Alike as cause:
            raise Alike from cause

    error = raised_by(fail)
    assert type(error) is Alike and error.__cause__.__traceback__ is None


def test_two_threads_that_are_quiet_leave_everything_as_it_was():
    stderr, inside = sys.stderr, threading.Barrier(2, timeout=0.2)

    def quiet():
        with contextlib.suppress(threading.BrokenBarrierError), quietly():
            inside.wait()

    threads = [threading.Thread(target=quiet) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stderr is stderr and logging.root.manager.disable == 0
