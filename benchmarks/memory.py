"""Time ``saved_memory`` beside the forward whose graph it weighs: one table, then the aims.

Usage: python benchmarks/memory.py [CASE ...] [--repeats N]
"""

import gc
import random
import sys
from functools import partial
from statistics import median
from time import perf_counter

from aims import line
from graphs import CASES as GRAPHS
from measure import bare_walk
from peers import arguments, busy_setting, rows
from recording import CASES as RECORDED

from lecture_helpers import saved_memory, show_graph

CASES = {"mlp": RECORDED["wide"], "ten": GRAPHS["ten"]}
FUNCTION_PER_FORWARD = {"mlp": 0.5, "ten": 6}
BASES = (("forward",),)
LABELS = {
    "forward": "the forward alone",
    "function": "`saved_memory(loss)`, the forward not timed",
    "graph": "`show_graph(loss, saved=True)`, the forward not timed",
    "block": "the forward in `with saved_memory() as memory:`",
    "watch": "the same without its garbage collection",
}
HEAD = """\
| graph | nodes | what | median ms | least to most ms | / forward |
|---|--:|---|--:|--:|--:|"""


# Each takes the module and its inputs, and returns what is timed. Names are looked up among
# the caller's variables, so ``net`` stands there.


def _forward(net, inputs):
    return partial(net, *inputs)


def _function(net, inputs):
    return partial(_weigh, net, net(*inputs))


def _weigh(net, loss):
    return saved_memory(loss)


def _graph(net, inputs):
    return partial(_capture, net, net(*inputs))


def _capture(net, loss):
    return show_graph(loss, saved=True)


def _block(net, inputs):
    return partial(_in_block, net, inputs)


def _in_block(net, inputs):
    with saved_memory() as memory:
        loss = net(*inputs)
    return memory, loss


def _watch(net, inputs):
    """Freeze what is there, so that the collection at the end of the block takes no time."""
    gc.collect()
    gc.freeze()
    return partial(_in_block, net, inputs)


SUBJECTS = {
    "forward": _forward,
    "function": _function,
    "graph": _graph,
    "block": _block,
    "watch": _watch,
}


def measure(case, repeats) -> dict:
    """Return the times in ms of each subject, measured in shuffled turns."""
    net, inputs = case.build()
    times = {name: [] for name in SUBJECTS}
    names, shuffle = list(SUBJECTS), random.Random(0).shuffle
    for turn in range(repeats + 1):
        shuffle(names)
        for name in names:
            took = _took(SUBJECTS[name], net, inputs)
            if turn > 0:
                times[name].append(took)
    return {"times": times, "failed": {}, "nodes": bare_walk(net(*inputs))}


def _took(prepare, net, inputs):
    run = prepare(net, inputs)
    try:
        start = perf_counter()
        result = run()
        took = perf_counter() - start
    finally:
        gc.unfreeze()
    del result, run
    return took * 1000


def aims(results):
    """Yield a line of the table of aims for each aim that this run can judge."""
    for name, most in FUNCTION_PER_FORWARD.items():
        if name in results:
            times = results[name]["times"]
            ratio = median(times["function"]) / median(times["forward"])
            aim = f"`saved_memory(loss)` at most {most} times a forward: {CASES[name].title}"
            yield line(aim, f"{ratio:.2f} times", ratio <= most)


def main():
    given = arguments("Time saved_memory beside a forward.", CASES)
    print(f"{busy_setting(())}\n\n{HEAD}")
    results = {}
    for name in given.cases or CASES:
        print(f"{CASES[name].title} ...", file=sys.stderr)
        results[name] = measure(CASES[name], given.repeats or CASES[name].repeats)
        print(*rows(CASES[name].title, results[name], LABELS, BASES), sep="\n", flush=True)
    print("\n| aim | measured | |\n|---|---|---|")
    print(*aims(results), sep="\n")


if __name__ == "__main__":
    main()
