"""Time everything on one graph, in this process: ``python measure.py CASE``.

``peers.py`` starts one such process per graph, because a peer may kill the interpreter.
The lines on stdout are JSON: the name of each thing as its turn comes (so that the last
line names the culprit of a crash), then the result.
"""

import argparse
import gc
import inspect
import json
import random
import sys
from functools import partial
from time import perf_counter

from graphs import CASES

from lecture_helpers import show_graph

PEERS = ("torchviz", "torchview")
HIGH_RECURSION_LIMIT = 100_000
SLOWEST_MS = 10_000  # what takes longer in the round that is not counted is left out
LONGEST_REASON = 90


class NotThere(Exception):
    """What is to be timed does not exist in this environment."""


def bare_walk(loss):
    """Visit each node once and keep nothing: the least that any tool has to do."""
    seen = {loss.grad_fn}
    waiting = [loss.grad_fn]
    while waiting:
        for source, _ in waiting.pop().next_functions:
            if source is not None and source not in seen:
                seen.add(source)
                waiting.append(source)
    return len(seen)


# The helpers look for names among the caller's variables, so ``net`` stands there.


def capture(net, loss):
    return show_graph(loss)


def capture_saved(net, loss):
    return show_graph(loss, saved=True)


def capture_and_draw(net, loss):
    return show_graph(loss).to_svg()


def _forward(net, inputs):
    return partial(net, *inputs)


def _bare(net, inputs):
    return partial(bare_walk, net(*inputs))


def _capture(net, inputs):
    return partial(capture, net, net(*inputs))


def _saved(net, inputs):
    if "saved" not in inspect.signature(show_graph).parameters:
        raise NotThere("not there")
    return partial(capture_saved, net, net(*inputs))


def _capture_and_draw(net, inputs):
    return partial(capture_and_draw, net, net(*inputs))


def _draw(net, inputs):
    return capture(net, net(*inputs)).to_svg


def _torchviz(net, inputs):
    from torchviz import make_dot

    return partial(make_dot, net(*inputs), params=dict(net.named_parameters()))


def _torchviz_deep(net, inputs):
    sys.setrecursionlimit(HIGH_RECURSION_LIMIT)  # _took() puts it back
    return _torchviz(net, inputs)


def _torchview(net, inputs):
    from torchview import draw_graph

    return partial(draw_graph, net, input_data=inputs)


# Each takes the module and its inputs and returns what is timed. Its graph is fresh.
SUBJECTS = {
    "forward": _forward,
    "bare": _bare,
    "capture": _capture,
    "saved": _saved,
    "picture": _capture_and_draw,
    "svg": _draw,
    "torchviz": _torchviz,
    "torchviz_deep": _torchviz_deep,
    "torchview": _torchview,
}


def measure(case, repeats, without=(), settle=False) -> dict:
    """Return the times in ms and the failures of each subject, measured in turns.

    The turns are shuffled: the garbage collector runs when enough has been allocated, so
    in a fixed order one subject would always pay for what its forerunner left behind.
    """
    net, inputs = case.build()
    names = [name for name in SUBJECTS if name not in without]
    if not case.deep and "torchviz_deep" in names:
        names.remove("torchviz_deep")
    times, failed = {name: [] for name in names}, {}
    shuffle = random.Random(0).shuffle
    for turn in range(repeats + 1):
        running = [name for name in names if name not in failed]
        shuffle(running)
        for name in running:
            print(json.dumps({"next": name}), flush=True)
            took = _attempt(name, net, inputs, settle, failed)
            if turn > 0 and name not in failed:
                times[name].append(took)
            elif name not in failed and took > SLOWEST_MS:
                failed[name] = f"left out: one run took {took / 1000:.0f} s"
    print(json.dumps({"next": "facts"}), flush=True)
    facts = _facts(net, inputs)
    return {"times": {name: times[name] for name in names if times[name]}, "failed": failed} | facts


def _attempt(name, net, inputs, settle, failed):
    """Return the time of one run in ms; where it fails, write down why."""
    try:
        return _took(SUBJECTS[name], net, inputs, settle)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a Rust library is not an Exception
        failed[name] = reason(error)


def _took(prepare, net, inputs, settle):
    limit = sys.getrecursionlimit()
    try:
        run = prepare(net, inputs)
        if settle:
            gc.collect()
        start = perf_counter()
        result = run()
        took = perf_counter() - start
    finally:
        sys.setrecursionlimit(limit)
    del result, run  # dropping the graph is not timed, but a crash there is its own
    return took * 1000


def reason(error) -> str:
    """Return in one line why a subject failed, from the error that started it."""
    if isinstance(error, NotThere):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name in PEERS:
        return "not installed"
    while error.__cause__ is not None:
        error = error.__cause__
    first = str(error).split("\n", 1)[0]
    return f"{type(error).__name__}: {first}"[:LONGEST_REASON]


def _facts(net, inputs) -> dict:
    svg = capture(net, net(*inputs)).to_svg()
    return {"nodes": bare_walk(net(*inputs)), "drawn": svg.count('data-node="')}


def main():
    parser = argparse.ArgumentParser(description="Time everything on one graph.")
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--settle", action="store_true")
    given = parser.parse_args()
    case = CASES[given.case]
    result = measure(case, given.repeats or case.repeats, given.without, given.settle)
    print(json.dumps({"result": result}))


if __name__ == "__main__":
    main()
