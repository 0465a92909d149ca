"""The steps of a recorded backward in words."""

import torch

from ..backward import BackwardRecord, Part
from ..brief import brief, fitted, is_plain
from ..grads import or_instead, shape_of, shortened
from ..graph import MOST_VALUES
from ..recorder import Summary
from ..rules import RULES
from .text import MOST_LINES, graph_title
from .words import MOST_LISTED, label, listed, number_of, printable, shorten

HOOKED = "A hook changed it on the way."
NO_RULE = "No rule is written down for this operation here; the numbers are the engine's own."
NOT_READ = (
    f"In a graph of more than {MOST_VALUES} operations no rules are read; the numbers are the "
    f"engine's own."
)
INSIDE = "A reentrant checkpoint runs a backward of its own, so this node runs more than once."
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
    shape = shape_of(gradient)
    if not shape:
        return "nested values" if shape is None else "1 value"
    return f"{' × '.join(map(str, shape))} values"


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
        start = f"The backward starts at {shorten(root.name or 'the output')}"
        return [(f"{start} with the gradient {gradient_words(record.given)}.", False)]
    step = record.steps[position - 1]
    if not step.node.is_leaf:
        return _operation_lines(record, step)
    arrival, landed = _leaf_lines(record, step)
    return [(arrival, False), (landed, True)]


def _operation_lines(record, step) -> list:
    lines = [(words, False) for words in _arrivals(record, step)]
    if step.rule:
        lines.append((step.rule.words, False))
    edges = record.receivers(step.node.id)
    shown = edges[:MOST_LISTED]
    told = {line.input_nr: line for line in _told(step, {edge.input_nr for edge in shown})}
    for edge in shown:
        words = gradient_words(step.grad_inputs[edge.input_nr])
        if edge.input_nr in told:
            symbols, numbers = map(printable, told[edge.input_nr][1:])
            words = numbers if not numbers.startswith("no numbers") else words
            words = f"{shorten(symbols, LONGEST)} = {words}"
        receiver = record.graph.nodes[edge.source]
        lines.append((f"to {_called(receiver, edge.output_nr)}: {words}", True))
    if len(edges) > len(shown):
        more = number_of(len(edges) - len(shown), "more input")
        lines.append((f"to {more}; grad_inputs of this step holds them all.", True))
    if step.rule is None:
        too_many = record.operations > MOST_VALUES and step.node.grad_fn in RULES
        lines.append((NOT_READ if too_many else NO_RULE, False))
    return lines


def _told(step, shown) -> tuple:
    """Return the lines of the rule for the inputs that are shown."""
    if step.rule is None:
        return ()
    sent = [gradient if nr in shown else None for nr, gradient in enumerate(step.grad_inputs)]
    return step.rule.told(step.grad_outputs, sent)


def _called(node, output_nr) -> str:
    """Return what a sentence calls the receiver of a gradient: its tensor, then its operation."""
    name = node.name if len(node.names) == 1 else node.names[output_nr]
    if node.is_leaf:
        return shorten(label(node))
    made_by = shorten(label(node))
    if len(node.names) > 1:
        made_by = f"{made_by} output {output_nr}"
    return f"{shorten(name)} ({made_by})" if name else made_by


def _arrivals(record, step) -> list:
    """Return a sentence for each output of a node, of very many only for the most telling."""
    count = len(step.grad_outputs)
    came_first = sorted(range(count), key=lambda nr: step.grad_outputs[nr] is None)
    shown, rest = sorted(came_first[:MOST_LISTED]), came_first[MOST_LISTED:]
    lines = [_arrival(record, step, nr) for nr in shown]
    if rest and step.grad_outputs[rest[0]] is None:
        lines.append(f"{number_of(len(rest), 'more output')} received nothing: None, not 0.")
    elif rest:
        more = number_of(len(rest), "more output")
        lines.append(f"{more} stand in grad_outputs of this step.")
    return lines


def _arrival(record, step, output_nr) -> str:
    """Return the sentence that says what came in at one output of a node."""
    node, arrived = step.node, step.grad_outputs[output_nr]
    several = len(step.grad_outputs) > 1
    who = f"{shorten(label(node))} output {output_nr}" if several else shorten(label(node))
    if arrived is None:
        return f"{who} received nothing: None, not 0."
    if record.runs(node.id) > 1:
        return f"{who} received {gradient_words(arrived)}. {INSIDE}"
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
    return not all(map(is_plain, gradients)) or _near(sum(gradients), total, 1e-3, 1e-6)


def _equal(part, arrived) -> bool:
    return _near(part, arrived, 0, 0)


def _near(one, other, relative, absolute) -> bool:
    """Return False only where two gradients plainly differ, by more than their dtypes do."""
    if not (is_plain(one) and is_plain(other)):
        return True
    return or_instead(
        lambda: torch.allclose(
            one.to(other.dtype), other, rtol=relative, atol=absolute, equal_nan=True
        ),
        True,
    )


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
    if not all(map(is_plain, [arrived, after])) or isinstance(before, Summary):
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
