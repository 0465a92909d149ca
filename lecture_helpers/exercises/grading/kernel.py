"""A fresh kernel for one learner's notebook: bounded in time and memory, alone in its folder.

Outputs are not read at all: nobody listens on the kernel's channel for them. Verdicts come
in files, see ``judge``.
"""

import json
import os
import queue
import secrets
import site
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

from ...progress import OFF
from ...progress import VARIABLE as PROGRESS
from . import judge

MARK = "LECTURE_GRADING"  # in the environment of all that a notebook starts
START_SECONDS = 120
GRACE_SECONDS = 3  # for a cell that was interrupted to end
POLL_SECONDS = 0.1
MOST_BYTES = 100_000  # of one verdict
GIB = 2**30
RAN, RAISED, TIMED_OUT, ENDED = "ran", "raised", "timed out", "ended"


@dataclass(frozen=True)
class Outcome:
    """How a cell ended.

    kind: ``RAN``, ``RAISED``, ``TIMED_OUT`` (it was interrupted) or ``ENDED`` (it ended
        the kernel, or had to be ended with it).
    words: what is to be said of it, such as ``"NameError: name 'x' is not defined"``.
    late: whether it took too long.
    """

    kind: str
    words: str = ""
    late: bool = False


class KernelError(Exception):
    """No kernel could be started; the message says why."""


class _Manager(KernelManager):
    """Starts the Python of the grader, whatever kernels are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


class Kernel:
    """A running kernel. As a context manager it is killed at the end with all it started.

    memory: bytes that it and its child processes may hold.

    Raises:
        KernelError: it does not start.
    """

    def __init__(self, memory: int):
        self._memory = memory
        self._folder = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
        base = Path(self._folder.name).resolve()
        self._mark = str(base)
        self._token, self._name = secrets.token_hex(16), f"_{secrets.token_hex(8)}"
        self._verdicts = base / secrets.token_hex(8)
        for folder in (self._verdicts, base / "work", base / "temporary", base / "ipython"):
            folder.mkdir()
        self._asked = 0
        self._manager = _Manager(connection_file=str(base / "kernel.json"))
        self._client = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error):
        self.close()

    def run(self, code: str, seconds: float, silent: bool = False) -> Outcome:
        """Execute code. One that takes more than ``seconds`` is interrupted, then killed."""
        wanted = self._client.execute(
            code, silent=silent, store_history=not silent, allow_stdin=False, stop_on_error=False
        )
        began = time.monotonic()
        late = False
        while True:
            reply = self._reply(wanted)
            if reply is not None:
                return _outcome(reply, late, seconds)
            now = time.monotonic() - began
            if not self._manager.is_alive():
                return Outcome(ENDED, "ended the kernel", late)
            if self._held() > self._memory:
                return Outcome(ENDED, f"took more than {self._memory / GIB:g} GiB of memory")
            if late and now > seconds + GRACE_SECONDS:
                words = f"took more than {seconds:.3g} s and could not be interrupted"
                return Outcome(ENDED, words, late=True)
            if now > seconds and not late:
                late = True
                self._manager.interrupt_kernel()

    def ask(self, seconds: float, number: str = "", answer: str = "") -> tuple:
        """Let the judge in the kernel check an answer, or with no number only tell that it can.

        Returns:
            (outcome, told): what the judge told as a dict, None where it told nothing.
        """
        self._asked += 1
        code = f"__import__('sys').modules[{self._name!r}].judge{self._asked, number, answer!r}"
        outcome = self.run(code, seconds, silent=True)
        return outcome, self._told(self._verdicts / f"{self._asked}.json")

    def close(self):
        """Kill the kernel and all processes that it started, and remove its folder."""
        if self._client is not None:
            self._client.stop_channels()
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        while self._kill_leftovers():
            time.sleep(POLL_SECONDS)
        self._folder.cleanup()

    def _start(self):
        nowhere = subprocess.DEVNULL
        self._manager.start_kernel(
            cwd=str(Path(self._mark) / "work"),
            env=_environment(Path(self._mark)),
            stdout=nowhere,
            stderr=nowhere,
        )
        self._client = self._manager.client()
        self._client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        arguments = self._name, self._token, str(self._verdicts)
        begin = f"__import__('importlib').import_module({judge.__name__!r}).begin{arguments}"
        outcome = self.run(begin, START_SECONDS, silent=True)
        if outcome.kind != RAN:
            raise KernelError(f"no kernel could be prepared for it: {outcome.words}")

    def _reply(self, wanted):
        """Return the content of the reply that is waited for, None while it is not there."""
        try:
            message = self._client.get_shell_msg(timeout=POLL_SECONDS)
        except queue.Empty:
            return None
        except Exception:  # not signed, or no message at all: the learner's code can send such
            return None
        is_it = message["parent_header"].get("msg_id") == wanted
        return message["content"] if is_it else None

    def _told(self, path):
        try:
            with path.open("rb") as file:
                told = json.loads(file.read(MOST_BYTES))
            return told if told["token"] == self._token else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _held(self) -> int:
        try:
            kernel = psutil.Process(self._manager.provisioner.pid)
            family = [kernel, *kernel.children(recursive=True)]
            return sum(one.memory_info().rss for one in family)
        except psutil.Error:  # it ended in between
            return 0

    def _kill_leftovers(self) -> int:
        """Kill what left the kernel's process group; all of it has the mark. Return how many."""
        found = 0
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self._mark:
                    process.kill()
                    found += 1
            except psutil.Error:
                continue
        return found


def _environment(base) -> dict:
    """Return the environment: this package, no progress, no installing, nothing kept."""
    temporary = str(base / "temporary")
    set_here = {
        MARK: str(base),
        PROGRESS: OFF,
        "IPYTHONDIR": str(base / "ipython"),
        "PIP_NO_INDEX": "1",  # a cell with %pip must not change the grader's Python
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary),
    }
    package = str(Path(__file__).resolve().parents[3])
    if package not in site.getsitepackages():
        paths = [package, os.environ.get("PYTHONPATH", "")]
        set_here["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return {**os.environ, **set_here}


def _outcome(reply, late, seconds) -> Outcome:
    if late:
        return Outcome(TIMED_OUT, f"took more than {seconds:.3g} s", late=True)
    if any(one.get("source") == "ask_exit" for one in reply.get("payload", ())):
        return Outcome(ENDED, "ended the kernel")
    if reply.get("status") == "ok":
        return Outcome(RAN)
    return Outcome(RAISED, f"{reply.get('ename')}: {reply.get('evalue')}")
