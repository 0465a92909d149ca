"""The course's device follows torch, and LECTURE_DEVICE overrides it."""

from types import SimpleNamespace

import pytest
import torch

from lecture_helpers import choose_device, device
from lecture_helpers.devices import peak_bytes, random_numbers_kept, reset_peak, synchronise

NO_COUNTERS = ["cpu", torch.device("cpu"), "meta"]


def test_default_follows_torch():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device({}).type == choose_device({"LECTURE_DEVICE": " "}).type == expected


def test_the_variable_wins():
    assert choose_device({"LECTURE_DEVICE": "cpu"}) == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:99", "meta"])
def test_an_impossible_value_is_one_clear_sentence(wanted):
    with pytest.raises(ValueError, match=f"LECTURE_DEVICE is '{wanted}'.*set it to 'cpu'"):
        choose_device({"LECTURE_DEVICE": wanted})


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_is_taken_where_there_is_one():
    assert torch.ones(1, device=device).is_cuda


@pytest.fixture
def pretended(monkeypatch):
    """A module that counts what it is asked, where torch looks for that of a device."""
    asked = []
    module = SimpleNamespace(
        synchronize=lambda *which: asked.append(("synchronize", *which)),
        reset_peak_memory_stats=lambda *which: asked.append(("reset", *which)),
        max_memory_allocated=lambda *which: asked.append(("peak", *which)) or 4096.0,
    )
    monkeypatch.setattr(torch, "get_device_module", lambda device: module)
    return module, asked


@pytest.mark.parametrize("name, which", [("cuda", ()), ("cuda:1", (torch.device("cuda:1"),))])
def test_an_accelerator_is_asked_through_its_own_module(name, which, pretended):
    _, asked = pretended
    for of in (name, torch.device(name)):
        synchronise(of)
        reset_peak(of)
        assert peak_bytes(of) == 4096 and type(peak_bytes(of)) is int
        assert asked == [(what, *which) for what in ("synchronize", "reset", "peak", "peak")]
        asked.clear()


def test_a_module_without_the_functions_has_nothing_to_wait_for_or_to_count(pretended):
    module, asked = pretended
    for name in list(vars(module)):
        delattr(module, name)
    synchronise("cuda")
    reset_peak("cuda")
    assert peak_bytes("cuda") is None and asked == []


@pytest.mark.parametrize("name, which", [("cuda", ()), ("cuda:1", (torch.device("cuda:1"),))])
def test_the_random_numbers_of_host_and_device_are_put_back(name, which, pretended):
    module, asked = pretended
    module.get_rng_state = lambda *which: asked.append(("get", *which)) or "the state"
    module.set_rng_state = lambda *given: asked.append(("set", *given))
    torch.manual_seed(0)
    wanted = torch.rand(1)
    torch.manual_seed(0)
    with pytest.raises(KeyError), random_numbers_kept(name):
        torch.rand(3)
        asked.append("the block")
        raise KeyError
    assert asked[-3:] == [("get", *which), "the block", ("set", "the state", *which)]
    assert torch.equal(torch.rand(1), wanted)


def test_a_device_without_generator_draws_from_the_hosts():
    before = torch.get_rng_state()
    for name in ("cpu", "meta"):
        with random_numbers_kept(name):
            torch.rand(3)
        assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", NO_COUNTERS, ids=str)
def test_the_cpu_and_a_device_without_a_module_have_no_peak(name):
    synchronise(name)
    reset_peak(name)
    assert peak_bytes(name) is None


@pytest.mark.parametrize("function", [synchronise, reset_peak, peak_bytes])
def test_an_error_of_the_device_itself_is_not_hidden(function, monkeypatch):
    def failing(*_):
        raise RuntimeError("the device is lost")

    names = ("synchronize", "reset_peak_memory_stats", "max_memory_allocated")
    module = SimpleNamespace(**dict.fromkeys(names, failing))
    monkeypatch.setattr(torch, "get_device_module", lambda device: module)
    with pytest.raises(RuntimeError, match="the device is lost"):
        function("cuda")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_peak_of_cuda_starts_anew_and_counts_what_was_dropped():
    torch.empty(2**20, device="cuda")
    reset_peak("cuda")
    before = peak_bytes("cuda")
    del_me = torch.empty(2**20, dtype=torch.uint8, device="cuda")
    synchronise("cuda")
    del del_me
    assert peak_bytes("cuda") - before == 2**20
