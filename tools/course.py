"""Set up the course in .venv, then open it or check it.

Usage:
    python3 tools/course.py open [OPTION ...]   open JupyterLab; options go to JupyterLab
    python3 tools/course.py test [OPTION ...]   run all tests; options go to pytest

Where CI is set, the tests also get TensorFlow, which one notebook needs, the appendix.
"""

import hashlib
import json
import os
import shlex
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
INTERPRETER = "Scripts/python.exe" if os.name == "nt" else "bin/python"
PYTHON = FOLDER / INTERPRETER
TASKS = ("open", "test")
EXTRAS = {  # what to install for a task; in order: each holds what those before it need
    "open": "lab",
    "test": "lab,test",
    "ci": "lab,test,tensorflow",
}
OLDEST = (3, 11)
# Two files at a time: a notebook's cells must stay together. The slowest files, which drive a
# browser, come first.
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
INTERRUPTED = 130


def set_up(task):
    """Make .venv and install the course with its pinned packages, unless that is done.

    ``task`` is one of EXTRAS.
    """
    wanted = digest()
    enough = list(EXTRAS)[list(EXTRAS).index(task) :]
    if PYTHON.exists() and any(done_for(one) == wanted for one in enough):
        return
    print(
        f"Setting up {FOLDER}. The first time this downloads PyTorch and takes some minutes.",
        flush=True,
    )
    if not is_usable(PYTHON):
        make_environment(FOLDER)
    packages = ["--constraint", "constraints.txt", "--editable", f".[{EXTRAS[task]}]"]
    install = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *packages]
    if subprocess.run([*install, "--quiet"], cwd=ROOT).returncode:
        sys.exit(f"The packages could not be installed. To see why, run: {shlex.join(install)}")
    marker(task).write_text(wanted)


def needs(task):
    """Return which of EXTRAS a task needs: in CI the tests run every notebook."""
    return "ci" if task == "test" and os.environ.get("CI") else task


def digest():
    """Return a digest of all that decides what an environment must hold."""
    import tomllib

    stated = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, build = stated["project"], stated["build-system"]
    packages = [project["dependencies"], project["optional-dependencies"], build]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    place = [str(ROOT), sys.version_info[:2]]
    return hashlib.sha256(json.dumps([packages, pins, place]).encode()).hexdigest()


def marker(task):
    """Return the file that says what was installed for a task."""
    return FOLDER / f"installed-for-{task}"


def done_for(task):
    """Return the digest of what was installed for a task, None where nothing was."""
    return marker(task).read_text() if marker(task).exists() else None


def is_usable(python):
    """Return whether an environment's Python is there, has pip, and is of this version."""
    if not python.exists():
        return False
    ask = "import pip, sys; print(list(sys.version_info[:2]))"
    asked = subprocess.run([python, "-c", ask], capture_output=True, text=True)
    return asked.returncode == 0 and asked.stdout.strip() == str(list(sys.version_info[:2]))


def make_environment(folder):
    """Make an empty virtual environment with pip in it; what was in the folder goes."""
    try:
        import ensurepip  # noqa: F401, Debian and Ubuntu ship it in a package of its own
    except ImportError:
        sys.exit(
            "This Python cannot make virtual environments. On Debian and Ubuntu run "
            "'apt-get install -y python3-venv', then this command again."
        )
    venv.create(folder, with_pip=True, clear=folder.exists())


def open_course(options):
    """Sign the notebooks, so that stored pictures show at once, and start JupyterLab.

    The server listens on this machine only and asks for its token. It is allowed to
    run as root only where root asks for it, and only this one server.
    """
    notebooks = sorted(str(path) for path in (ROOT / "notebooks").glob("*.ipynb"))
    sign = [PYTHON, "-m", "nbformat.sign", *notebooks]
    subprocess.run(sign, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    first_page = "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"
    command = [PYTHON, "-m", "jupyterlab", first_page, "--ip=127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return subprocess.run([*command, *options], cwd=ROOT).returncode


def check_course(options):
    """Run the tests, two files at a time."""
    command = [PYTHON, "-m", "pytest", *SIDE_BY_SIDE, *options]
    variables = environment_without("LECTURE_TEXT") | {"LECTURE_PROGRESS": "off"}
    return subprocess.run(command, cwd=ROOT, env=variables).returncode


def environment_without(*names):
    """Return the environment variables without those that would change what is compared."""
    return {name: value for name, value in os.environ.items() if name not in names}


def main(arguments):
    if sys.version_info < OLDEST:
        sys.exit(
            f"The course needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}. Run the command with a newer one."
        )
    if not arguments or arguments[0] not in TASKS:
        sys.exit(__doc__.strip())
    task, *options = arguments
    try:
        set_up(needs(task))
        return open_course(options) if task == "open" else check_course(options)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
