"""pyproject.toml, constraints.txt and environment.yml name the same packages."""

import re
import tomllib

import pytest
import yaml
from colab_rules import name_of
from colab_rules import stated as lines_of


@pytest.fixture
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def pins(root):
    lines = lines_of((root / "constraints.txt").read_text(encoding="utf-8"))
    return dict(line.split("==") for line in lines)


@pytest.fixture
def colab(root):
    """What the Colab-like leg installs: name -> pin, None where constraints.txt has it."""
    lines = lines_of((root / "tests" / "colab" / "requirements.txt").read_text(encoding="utf-8"))
    return {name_of(line): line.partition("==")[2] or None for line in lines}


def stated(project):
    """What everybody gets."""
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *extras["lab"], *extras["test"]]


def split(requirement):
    """A requirement's name, its lower bound and its marker, None where it has none."""
    parts = re.fullmatch(r"([\w.-]+)>=([\d.]+)(?:; (.+))?", requirement)
    assert parts, f"{requirement} states no lower bound"
    return name_of(parts[1]), parts[2], parts[3]


def numbers(version):
    return [int(part) for part in re.findall(r"\d+", version)]


def test_each_stated_package_is_pinned_within_its_bound(project, pins):
    by_name = {name_of(name): version for name, version in pins.items()}
    for requirement in [*stated(project), *project["optional-dependencies"]["tensorflow"]]:
        name, bound, _ = split(requirement)
        assert numbers(by_name[name]) >= numbers(bound)
    assert pins["torch"] == "2.13.0"


def test_each_platform_gets_one_tensorflow_of_one_version(project, pins):
    """Linux on x86-64 has one without CUDA. None of it reaches who does not ask for the extra."""
    small, plain = map(split, project["optional-dependencies"]["tensorflow"])
    assert (small[0], plain[0]) == ("tensorflow-cpu", "tensorflow") and small[1] == plain[1]
    assert pins["tensorflow"] == pins["tensorflow-cpu"]
    assert not any(split(requirement)[2] for requirement in stated(project))
    for system in ("linux", "darwin", "win32"):
        for machine in ("x86_64", "aarch64", "arm64", "AMD64"):
            here = {"sys_platform": system, "platform_machine": machine}
            is_small = eval(small[2], here)
            assert is_small == (here["sys_platform"] == "linux" and machine == "x86_64")
            assert is_small != eval(plain[2], here)


def test_environment_yml_names_the_same_packages_with_the_same_pins(root, project):
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    options = [line for line in pip["pip"] if line.startswith("--")]
    packages = [line for line in pip["pip"] if not line.startswith("--")]
    assert options == ["--constraint constraints.txt", "--editable ."]
    assert sorted(packages) == sorted(name_of(requirement) for requirement in stated(project))
    assert conda == ["python=3.11", "pip"]


def test_the_floors_admit_what_colab_has(project, colab):
    """The leg runs on another torch than Colab's 2.11.0, so that floor is tested here only."""
    floors = dict(requirement.split(">=") for requirement in project["dependencies"])
    assert colab["ipywidgets"] == "7.7.1" and colab["torch"] is None
    for name, version in {**colab, "torch": "2.11.0"}.items():
        if name in floors:
            assert numbers(floors[name]) <= numbers(version)


def test_what_the_colab_like_leg_does_not_pin_is_pinned_in_constraints(colab, pins):
    free = {name for name, pin in colab.items() if pin is None}
    assert free == {"torch", "nbval"} and free <= {name_of(name) for name in pins}


def test_the_package_imports_without_what_it_does_not_need_yet():
    import subprocess
    import sys

    heavy = ["matplotlib", "ipywidgets", "IPython", "fast_sugiyama", "numpy.testing", "tensorflow",
             "torch.utils.benchmark"]  # fmt: skip
    modules = "lecture_helpers, lecture_helpers.optional, lecture_helpers.exercises.appendix"
    code = f"import sys, {modules}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_wheel_ships_the_pictures(project, root):
    build = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    assert build["build"]["targets"]["wheel"]["force-include"] == {
        "images": "lecture_helpers/images"
    }
