"""Time ``record_backward`` beside a plain backward: one table, then the aims.

Usage: python benchmarks/recording.py [CASE ...] [--repeats N]
"""

import argparse
import gc
import json
import random
import subprocess
import sys
from functools import partial
from statistics import median
from time import perf_counter

import torch
from aims import line
from graphs import Case, Chains, prepared
from measure import NotThere, bare_walk, reason
from peers import arguments, busy_setting, rows
from torch import nn

from lecture_helpers import record_backward

PEER = "torchlens"
LONGEST_PROCESS_S = 900
SLOWEST_MS = 1_000  # a peer that takes longer in the first round runs in two more rounds only
PEER_CASES = ("square", "thousand", "wide")  # it takes seconds for each 1,000 nodes
RECORDED_PER_PLAIN = {"thousand": 4, "wide": 1.5}
BASES = (("plain",),)
HEAD = """\
| graph | nodes | what | median ms | least to most ms | / plain backward |
|---|--:|---|--:|--:|--:|"""


class Square(nn.Module):
    """The course's first backward: ``z = (3x + 1)**2``."""

    def __init__(self):
        super().__init__()
        self.x = nn.Parameter(torch.tensor(2.0))

    def forward(self, one):
        return (3 * self.x + one) ** 2


class Wide(nn.Module):
    """Layers of one width: its square is the size of a weight's gradient."""

    def __init__(self, layers, width):
        super().__init__()
        parts = [part for _ in range(layers) for part in (nn.Linear(width, width), nn.ReLU())]
        self.body = nn.Sequential(*parts)

    def forward(self, x):
        return self.body(x).pow(2).mean()


def _square():
    return Square(), [torch.tensor(1.0)]


def _wide():
    torch.manual_seed(0)
    return Wide(10, 256), [torch.rand(512, 256)]


CASES = {
    "square": Case("z = (3x + 1)**2", _square, 201),
    "thousand": Case("chain, 1,000 nodes", prepared(Chains, 1, 997), 25),
    "deep": Case("chain, 9,000 nodes", prepared(Chains, 1, 8997), 9, deep=True),
    "ten": Case("20 chains, 10,000 nodes", prepared(Chains, 20, 500), 9),
    "wide": Case("MLP, 10 layers of 256, batch 512", _wide, 25),
}


# Each takes the module and its inputs, and returns what is timed. Its graph is fresh.


def _plain(net, inputs):
    return net(*inputs).backward


def _recorded(net, inputs, **options):
    return partial(record_backward, net(*inputs), **options)


def _peer(net, inputs):
    try:
        import torchlens
    except ModuleNotFoundError as error:
        raise NotThere("not installed") from error
    capture = torchlens.options.CaptureOptions(backward_ready=True, save_grads=True)
    trace = torchlens.trace(net, *inputs, capture=capture)
    loss = trace[trace.output_layers[0]].out
    return partial(trace.log_backward, loss)


OURS = {
    "plain": _plain,
    "recorded": _recorded,
    "aside": partial(_recorded, accumulate=False),
    "whole": partial(_recorded, whole=True),
}
PEERS = {"plain": _plain, PEER: _peer}  # in a process of its own: it wraps torch's functions
LABELS = {
    "plain": "`loss.backward()`",
    "recorded": "`record_backward(loss)`",
    "aside": "the same with `accumulate=False`",
    "whole": "the same with `whole=True`",
    PEER: "torchlens `log_backward`, its trace of the forward not timed",
}


def measure(case, subjects, repeats) -> dict:
    """Return the times in ms of each subject, measured in shuffled turns, and the failures."""
    net, inputs = case.build()
    times, failed, slow = {name: [] for name in subjects}, {}, set()
    shuffle = random.Random(0).shuffle
    for turn in range(repeats + 1):
        running = [name for name in subjects if name not in failed]
        running = [name for name in running if name not in slow or turn <= 2]
        shuffle(running)
        for name in running:
            try:
                took = _took(subjects[name], net, inputs)
            except Exception as error:
                failed[name] = reason(error)
                continue
            if turn > 0:
                times[name].append(took)
            elif took > SLOWEST_MS:
                slow.add(name)
    nodes = bare_walk(net(*inputs))
    return {"times": {name: took for name, took in times.items() if took}, "failed": failed,
            "nodes": nodes}  # fmt: skip


def _took(prepare, net, inputs):
    net.zero_grad()
    run = prepare(net, inputs)
    gc.collect()
    start = perf_counter()
    result = run()
    took = perf_counter() - start
    del result, run
    return took * 1000


def measured(name, which, repeats) -> dict:
    """Return what a process of its own found for one graph."""
    command = [sys.executable, __file__, name, "--only", which, "--repeats", str(repeats or 0)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LONGEST_PROCESS_S)
        return json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, json.JSONDecodeError) as end:
        return {"times": {}, "failed": {PEER: f"no result: {type(end).__name__}"}, "nodes": 0}


def aims(results):
    """Yield a line of the table of aims for each aim that this run can judge."""
    for name, most in RECORDED_PER_PLAIN.items():
        if name in results:
            times = results[name]["times"]
            ratio = median(times["recorded"]) / median(times["plain"])
            aim = f"`record_backward(loss)` at most {most} times a plain backward"
            yield line(f"{aim}: {CASES[name].title}", f"{ratio:.2f} times", ratio <= most)


def main():
    only = {"choices": ("ours", "peers"), "help": argparse.SUPPRESS}
    given = arguments("Time record_backward beside a plain backward.", CASES, "--only", **only)
    if given.only:
        case, subjects = CASES[given.cases[0]], {"ours": OURS, "peers": PEERS}[given.only]
        print(json.dumps(measure(case, subjects, given.repeats or case.repeats)))
        return
    print(f"{busy_setting((PEER,))}\n\n{HEAD}")
    results = {}
    for name in given.cases or CASES:
        print(f"{CASES[name].title} ...", file=sys.stderr)
        results[name] = measured(name, "ours", given.repeats)
        print(*rows(CASES[name].title, results[name], LABELS, BASES), sep="\n", flush=True)
        if name in PEER_CASES:
            beside = measured(name, "peers", given.repeats)
            if PEER not in beside["times"]:
                beside["times"] = {}  # nothing to divide
            print(*rows(CASES[name].title, beside, LABELS, BASES), sep="\n", flush=True)
    print("\n| aim | measured | |\n|---|---|---|")
    print(*aims(results), sep="\n")


if __name__ == "__main__":
    main()
