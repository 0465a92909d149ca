"""The steps of a recorded backward in words."""

import torch

from ..backward import BackwardRecord, Part
from ..brief import brief, fitted
from ..grads import shortened
from ..recorder import Summary
from .text import MOST_LINES, graph_title, label, listed, number_of, printable, shorten

HOOKED = "A hook changed it on the way."
NO_RULE = "No rule is written down for this operation here; the numbers are the engine's own."
MOST_PARTS = 6  # parts of a sum that are listed
LONGEST = 76


def gradient_words(gradient, longest: int = LONGEST, digits: int | None = None) -> str:
    """Return a recorded gradient in at most about ``longest`` characters.

    digits: significant digits to round to before any element is left out.
    """
    if gradient is None:
        return "None"
    if isinstance(gradient, Summary):
        norm = "" if gradient.norm is None else f", norm {brief(gradient.norm)}"
        return f"{_shape(gradient)}{norm}"
    kept, words = gradient, brief(gradient)
    if len(words) > longest and digits:
        gradient = _rounded(shortened(gradient), digits)
    words = fitted(lambda ends: brief(gradient, ends), longest)
    tells = len(words) <= longest and any(letter.isalnum() for letter in words)
    return words if tells else _shape(kept)


def _rounded(nested, digits):
    if isinstance(nested, list):
        return [_rounded(part, digits) for part in nested]
    return float(f"{nested:.{digits}g}") if isinstance(nested, float) else nested


def _shape(gradient) -> str:
    return f"{' × '.join(map(str, gradient.shape))} values"


def record_title(record: BackwardRecord) -> str:
    """Return one line that says what was recorded."""
    of = graph_title(record.graph).removeprefix("autograd graph of ").split(":")[0]
    return f"backward from {of}: {number_of(len(record.steps), 'step')}"


def step_title(record: BackwardRecord, position: int) -> str:
    """Return what happens at a position: 0 is before the backward, then one for each step."""
    if position == 0:
        return "before the backward"
    node = record.steps[position - 1].node
    return f"step {position} of {len(record.steps)}: {shorten(node.grad_fn)}"


def step_lines(record: BackwardRecord, position: int) -> list:
    """Return the sentences for a position as (words, whether they tell a gradient sent on)."""
    if position == 0:
        root = record.graph.outputs[0]
        start = f"The backward starts at {root.name or 'the output'}"
        return [(f"{start} with the gradient {gradient_words(record.given)}.", False)]
    step = record.steps[position - 1]
    if not step.node.is_leaf:
        return _operation_lines(record, step)
    arrival, landed = _leaf_lines(record, step)
    return [(arrival, False), (landed, True)]


def _operation_lines(record, step) -> list:
    lines = [(_arrival(record, step, nr), False) for nr in range(len(step.grad_outputs))]
    if step.rule:
        lines.append((step.rule.words, False))
    told = {line.input_nr: line for line in _told(step)}
    receivers = {e.input_nr: e.source for e in record.graph.edges if e.target == step.node.id}
    for input_nr, receiver in sorted(receivers.items()):
        words = gradient_words(step.grad_inputs[input_nr])
        if input_nr in told:
            symbols, numbers = map(printable, told[input_nr][1:])
            words = f"{symbols} = {words if numbers.startswith('no numbers') else numbers}"
        lines.append((f"to {_called(record.graph.nodes[receiver])}: {words}", True))
    if step.rule is None:
        lines.append((NO_RULE, False))
    return lines


def _told(step) -> tuple:
    return step.rule.told(step.grad_outputs, step.grad_inputs) if step.rule else ()


def _called(node) -> str:
    """Return what a sentence calls the receiver of a gradient: its tensor, then its operation."""
    if node.is_leaf or not node.name:
        return shorten(label(node))
    return f"{shorten(node.name)} ({label(node)})"


def _arrival(record, step, output_nr) -> str:
    """Return the sentence that says what came in at one output of a node."""
    node, arrived = step.node, step.grad_outputs[output_nr]
    several = len(step.grad_outputs) > 1
    who = f"{shorten(label(node))} output {output_nr}" if several else shorten(label(node))
    if arrived is None:
        return f"{who} received nothing: None, not 0."
    parts = record.parts(node.id, output_nr)
    if len(parts) == 1:
        words = f"{who} received {gradient_words(arrived)}."
        return words if _equal(parts[0].gradient, arrived) else f"{words} {HOOKED}"
    words = sum_words(parts, arrived)
    if not _adds_up(parts, arrived):
        return f"{who} received {words}. {HOOKED}"
    return f"{who} received {words}: {_paths(parts)} meet here, and the engine adds."


def _paths(parts) -> str:
    return "two paths" if len(parts) == 2 else f"{len(parts):,} paths"


def sum_words(parts, total, longest: int = LONGEST) -> str:
    """Return ``36 + 84 = 120``, or the sum alone where that is longer than ``longest``."""
    arrived = gradient_words(total, longest)
    if len(parts) <= MOST_PARTS:
        each = [gradient_words(part.gradient, longest) for part in parts]
        words = f"{' + '.join(each)} = {arrived}"
        if len(words) <= longest:
            return words
    return f"sum {arrived}"


def _adds_up(parts, total) -> bool:
    """Return False only where the recorded parts plainly do not add up to ``total``."""
    gradients = [part.gradient for part in parts]
    if not all(_is_plain(gradient) for gradient in [*gradients, total]):
        return True
    return torch.allclose(sum(gradients), total, rtol=1e-3, atol=1e-6, equal_nan=True)


def _equal(part, arrived) -> bool:
    return not (_is_plain(part) and _is_plain(arrived)) or torch.allclose(
        part, arrived, rtol=0, atol=0, equal_nan=True
    )


def _is_plain(gradient) -> bool:
    return isinstance(gradient, torch.Tensor) and gradient.layout == torch.strided


def _leaf_lines(record, step) -> tuple:
    """Return what arrived at a leaf, and what that did to its ``.grad``."""
    name = shorten(label(step.node))
    arrival = _arrival(record, step, 0)
    arrived, before, after = step.grad_outputs[0], step.grad_before, step.grad_after
    now, was = gradient_words(after, LONGEST // 2), gradient_words(before, LONGEST // 2)
    if not record.accumulated:
        return arrival, f"{name}.grad was not touched, as asked."
    if arrived is None:
        return arrival, f"{name}.grad stays {now}."
    if not _landed(arrived, before, after):
        return arrival, f"{name}.grad was {was}; now it is {now}. A hook changed it afterwards."
    if before is None:
        return arrival, f"{name}.grad was None; now it is {now}."
    added = f"{was} + {gradient_words(arrived, LONGEST // 2)} = {now}"
    return arrival, f"{name}.grad was {was}; the backward adds: {added}."


def _landed(arrived, before, after) -> bool:
    """Return False only where ``.grad`` is plainly not what it was plus what arrived."""
    if after is None:
        return False
    if not all(map(_is_plain, [arrived, after])) or isinstance(before, Summary):
        return True
    return _adds_up([Part(None, 0, g) for g in (before, arrived) if g is not None], after)


def result_lines(record: BackwardRecord) -> list:
    """Return what the whole backward left in each leaf."""
    words = [_left(record, step) for step in record.steps if step.node.is_leaf]
    where = "" if record.accumulated else " No .grad was touched."
    return [(f"Finished: {listed(words)}.{where}", True)]


def _left(record, step) -> str:
    name = shorten(label(step.node))
    arrived, now = (gradient_words(one, 40) for one in (step.grad_outputs[0], step.grad_after))
    received = f"{name} received {arrived}"
    return f"{received}, its .grad is {now}" if record.accumulated else received


def record_text(record: BackwardRecord, most_steps: int = MOST_LINES) -> str:
    """Return every step of a backward as text, the two ends of a long one."""
    count = len(record.steps)
    half = most_steps // 2
    cut = count > most_steps
    shown = range(1, count + 1)
    if cut:
        shown = [*shown[:half], *shown[-half:]]
    blocks = [record_title(record), *(words for words, _ in step_lines(record, 0))]
    for position in shown:
        if cut and position == count - half + 1:
            blocks.append(f"... {count - most_steps:,} steps left out; .steps holds them all ...")
        blocks.append(f"{step_title(record, position)}{_made(record.steps[position - 1].node)}")
        blocks += [f"  {words}" for words, _ in step_lines(record, position)]
    return "\n".join([*blocks, *(words for words, _ in result_lines(record))])


def _made(node) -> str:
    if node.is_leaf:
        return f" of {shorten(label(node))}"
    return f", which made {shorten(node.name)}" if node.name else ""
