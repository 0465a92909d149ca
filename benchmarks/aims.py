"""What the project wants of the times, and whether a run met it."""

from statistics import median

from graphs import CASES

CAPTURE_PER_BARE = 15
SAVED_PER_BARE = 22
TORCHVIZ_PER_CAPTURE = 5
SVG_MS = {"lecture": 3, "repetitive": 15, "mixed": 15}
DRAWN_MS = {"lstm": 1000}
LARGE = ("mlp", "lstm", "chain", "residual", "ten", "two_hundred")  # where a ratio says something
SMALLER, LARGER = "ten", "two_hundred"
SLACK = 1.25  # "about" the ratio of the nodes
IMPORT_S = 0.15


def aims(results, import_times):
    """Yield a line of the table of aims for each aim that this run can judge.

    Args:
        results: what ``measure.py`` found, by graph.
        import_times: pairs of seconds, for torch and then for the package.
    """
    medians = {
        name: {subject: median(took) for subject, took in result["times"].items()}
        for name, result in results.items()
    }
    large = {name: medians[name] for name in LARGE if name in medians}
    yield from _beside_bare(large, "capture", "`show_graph(loss)`", CAPTURE_PER_BARE)
    yield from _beside_bare(large, "saved", "the same with saved bytes", SAVED_PER_BARE)
    yield from _beside_torchviz(medians)
    yield from _pictures(results, medians)
    yield from _scaling(results, medians)
    yield _imports(import_times)


def _imports(import_times):
    torch_s, extra = (median(seconds) for seconds in zip(*import_times))
    aim = f"`import lecture_helpers` at most {IMPORT_S} s beyond `import torch`"
    return line(aim, f"{extra:.3f} s; `import torch` {torch_s:.2f} s", extra <= IMPORT_S)


def line(aim, found, met) -> str:
    """Return a line of the table of aims."""
    return f"| {aim} | {found} | {'met' if met else '**missed**'} |"


def _beside_bare(medians, subject, words, most):
    for name, took in medians.items():
        if subject in took and "bare" in took:
            ratio = took[subject] / took["bare"]
            aim = f"{words} at most {most} times the bare walk: {CASES[name].title}"
            yield line(aim, f"{ratio:.1f} times", ratio <= most)


def _beside_torchviz(medians):
    """Judge every graph that torchviz survives, where need be with a higher limit."""
    for name, took in medians.items():
        survived = "torchviz" if "torchviz" in took else "torchviz_deep"
        if survived in took and "capture" in took:
            faster = took[survived] / took["capture"]
            note = " (its recursion limit raised)" if survived == "torchviz_deep" else ""
            aim = f"at least {TORCHVIZ_PER_CAPTURE} times faster than torchviz{note}"
            found = f"{faster:.1f} times"
            yield line(f"{aim}: {CASES[name].title}", found, faster >= TORCHVIZ_PER_CAPTURE)


def _pictures(results, medians):
    for name, most in SVG_MS.items():
        took = medians.get(name, {}).get("svg")
        if took is not None:
            aim = f"SVG alone under {most} ms, warm: {CASES[name].title}"
            boxes = f"{results[name]['drawn']} of {results[name]['nodes']} nodes drawn"
            yield line(aim, f"{took:.2f} ms, {boxes}", took < most)

    for name, most in DRAWN_MS.items():
        took = medians.get(name, {}).get("picture")
        if took is not None:
            aim = f"captured and drawn in under {most:,} ms: {CASES[name].title}"
            yield line(aim, f"{took:.0f} ms", took < most)


def _scaling(results, medians):
    """Judge whether the time grows as the nodes do; the bare walk's growth stands beside it."""
    if any(not {"bare", "capture"} <= medians.get(name, {}).keys() for name in (SMALLER, LARGER)):
        return
    nodes = results[LARGER]["nodes"] / results[SMALLER]["nodes"]
    grown = medians[LARGER]["capture"] / medians[SMALLER]["capture"]
    bare = medians[LARGER]["bare"] / medians[SMALLER]["bare"]
    aim = f"200,000 nodes in about {nodes:.0f} times (at most {nodes * SLACK:.0f}) that of 10,000"
    found = f"{grown:.1f} times; the bare walk {bare:.1f} times"
    yield line(aim, found, grown <= nodes * SLACK)
