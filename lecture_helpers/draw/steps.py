"""A recorded backward as pictures: the graph laid out once, drawn at any step.

Forward runs left to right in grey, backward right to left in orange. The node at work has
an orange box; its gradients stand on thick arrows, those of earlier steps on thin ones.
"""

from collections import Counter
from functools import cached_property
from typing import NamedTuple

from ..backward import BackwardRecord
from ..walk import ACCUMULATE_GRAD
from . import ink
from .scene import scene_of
from .steps_text import (
    gradient_words,
    record_text,
    record_title,
    result_lines,
    step_lines,
    step_title,
    sum_words,
)
from .svg import MARGIN, placed, shape_svg, stub_marks, with_notes

HEADING = 26.0
BELOW = 12.0  # from a forward arrow down to the backward arrow beside it
AT_NUMBER = 4.0  # the same where it ends at one of several numbered outputs
PORTS_APART = 32.0
BESIDE = 52.0  # pixels of an arrow that its label leaves free
LONGEST_ON_ARROW, LONGEST_IN_LEAF, LONGEST_SUM = 22, 24, 26  # characters
ROUNDED = 3  # significant digits on an arrow, where more find no room
LABEL_SIZE, SENTENCE_SIZE = 12.0, 13.0
LABEL_HEIGHT = 18.0
SENTENCE_LINE = 18.0
LIGHTER = 0.9  # the width of a sentence that is not bold, in units of the bold one's
NARROWEST = 620.0
MOST_MEASURED = 200  # steps whose sentences decide how high their panel is
PAST = "#cf4f14"  # the orange that has the same contrast with white and with near-black
PANEL = ink.Look("#fff7ed", "#fdba74", radius=6)
LABEL = ink.Look("#fff7ed", PAST, 1, 9)
LABEL_AT_WORK = ink.Look("#ffedd5", ink.ACTIVE.stroke, 2, 9)
FILLED = ink.Look("#bfdbfe", ink.LEAF.stroke, 2.5, 99)


class _Flow(NamedTuple):
    """A gradient on its way: the positions at which it is sent (0: it starts the backward)
    and received, its words, and the points of its arrow."""

    sent: int
    received: int
    words: str
    points: list


def record_svg(record: BackwardRecord) -> str:
    """Return the picture of a finished backward."""
    film = Film(record)
    return film.svg(film.finished)


class Film:
    """Every picture of one recorded backward.

    Position 0 is before it, then comes one position for each step; ``finished`` shows what
    the whole has left behind.
    """

    def __init__(self, record: BackwardRecord):
        self.record = record
        self.last = len(record.steps)
        self.finished = self.last + 1
        self._at_work = {step.node.id: nr for nr, step in enumerate(record.steps, 1)}
        scene = scene_of(record.graph)
        self._nodes = _drawn_alone(scene.slots)
        self._bare = scene.shapes
        roomy = [self._with_sum(slot, self._with_grad(slot, shape))
                 for slot, shape in enumerate(scene.shapes)]  # fmt: skip
        sent = self._gradients(scene)
        room = {nr: ink.text_width(words, LABEL_SIZE) + BESIDE for nr, (*_, words) in sent.items()}
        self._at = placed(scene._replace(shapes=roomy), 0.0, HEADING, room, PORTS_APART, BELOW)
        self._flows = [
            _Flow(*sent[nr], _beside(points, scene.shapes[scene.links[nr].source].outputs))
            for nr in sent
            for points in [self._at.lines[nr]]
        ]
        size = self._at.width, HEADING + self._at.height + BELOW
        self._notes, self._width, self._panel_top = with_notes([], *size, scene.notes)
        self._width = max(self._width, NARROWEST)
        self._boxes, self._told = {}, {}

    def _gradients(self, scene) -> dict:
        """Return (sent, received, words) of what runs back along a link, by its number."""
        results = {slot for slot in range(len(scene.shapes)) if slot not in scene.slots.values()}
        steps, found = self.record.steps, {}
        for number, link in enumerate(scene.links):
            source, target = self._nodes.get(link.source), self._nodes.get(link.target)
            received = self._at_work.get(source)
            if link.target in results:
                sent, gradient = 0, self.record.given
            elif target in self._at_work and received:
                sent = self._at_work[target]
                gradient = steps[sent - 1].grad_inputs[link.input_nr]
            else:
                continue
            if received and gradient is not None:
                found[number] = sent, received, gradient_words(gradient, LONGEST_ON_ARROW, ROUNDED)
        return found

    def _with_grad(self, slot, shape, position=None):
        """Return the shape of a leaf with a line for its ``.grad`` at a position; where that
        is None, with the longest of its lines. Any other shape stays."""
        step = self._leaf_step(slot)
        if step is None:
            return shape
        before, after = self._grad_words(step)
        words, fill = before, (10.5, ink.SOFT, False)
        if position is None:
            words = f"  {max(before, after, key=len)}  "  # a leaf is round at its ends
            fill = (11.5, ink.SOFT, True)
        elif position >= self._at_work[step.node.id]:
            words, fill = after, (11.5, ink.ACTIVE.stroke, True)
        return shape._replace(lines=(*shape.lines, (words, *fill)))

    def _with_sum(self, slot, shape):
        """Return the shape as wide as the sum that stands above it in the end."""
        words = self._met.get(self._nodes.get(slot), "")
        return shape._replace(narrowest=max(shape.narrowest, ink.text_width(words, LABEL_SIZE)))

    def _leaf_step(self, slot):
        place = self._at_work.get(self._nodes.get(slot))
        step = place and self.record.steps[place - 1]
        return step if step and step.node.grad_fn == ACCUMULATE_GRAD else None

    def _grad_words(self, step) -> tuple:
        """Return what a leaf says of its gradient before and after its step."""
        if not self.record.accumulated:
            arrived = gradient_words(step.grad_outputs[0], LONGEST_IN_LEAF, ROUNDED)
            return "waits", f"received {arrived}"
        before, after = (
            gradient_words(grad, LONGEST_IN_LEAF, ROUNDED)
            for grad in (step.grad_before, step.grad_after)
        )
        return f"grad {before}", f"grad {after}"

    def svg(self, position: int) -> str:
        """Return the picture at a position, 0 to ``finished``."""
        parts = [self._forward, *self._arrows(position)]
        for slot in range(len(self._bare)):
            parts.append(self._box(slot, position))
        parts += self._sums(position)
        parts += [self._heading(position), *self._notes, self._panel(position)]
        height = self._panel_top + self._panel_height(position) + MARGIN
        title, words = self.told(position)
        marks = f' data-step="{position}" data-steps="{self.last}"'
        return ink.document(parts, self._width, height, title, words, "backward", marks)

    def told(self, position: int) -> tuple:
        """Return title and sentences for a position, as a screen reader gets them."""
        if position == self.finished:
            return record_title(self.record), record_text(self.record)
        title = f"{record_title(self.record)}; {step_title(self.record, position)}"
        return title, "\n".join(words for words, _ in self._sentences(position))

    def _sentences(self, position) -> list:
        """Return what is said at a position, as (words, strong)."""
        if position not in self._told:
            finished = position == self.finished
            lines = result_lines(self.record) if finished else step_lines(self.record, position)
            self._told[position] = lines
        return self._told[position]

    @cached_property
    def _forward(self) -> str:
        return "".join(map(ink.arrow, self._at.lines.values()))

    def _arrows(self, position) -> list:
        """Return what flows back by now: past gradients first, those at work on top, and
        the labels on top of every arrow."""
        parts = []
        by_now = [(position in flow[:2], flow) for flow in self._flows if flow.sent <= position]
        by_now.sort(key=lambda pair: pair[0])
        for active, flow in by_now:
            stroke, width = (ink.ACTIVE.stroke, 3.0) if active else (PAST, 1.5)
            parts.append(ink.arrow(flow.points, stroke, width, backward=True))
        return parts + [_label(flow.points[0], flow.words, active) for active, flow in by_now]

    def _box(self, slot, position) -> str:
        """Return one box with its marks, as it looks at a position."""
        place = self._at_work.get(self._nodes.get(slot), self.finished + 1)
        state = "waits" if position < place else "at work" if position == place else "done"
        leaf = self._leaf_step(slot) is not None
        known = self._boxes.get((slot, state))
        if known is None:
            shape = self._bare[slot]
            if leaf:
                shape = self._with_grad(slot, shape, position)
            if state == "at work" and slot in self._nodes:
                shape = shape._replace(look=ink.ACTIVE._replace(radius=shape.look.radius))
            elif state == "done" and leaf:
                shape = shape._replace(look=FILLED)
            shape = shape._replace(mark=f'{shape.mark} data-state="{state}"')
            where = self._at.boxes[slot], self._at.corners[slot]
            known = "".join([*stub_marks(shape, *where), shape_svg(shape, *where)])
            self._boxes[slot, state] = known
        return known

    def _sums(self, position) -> list:
        """Return the sum above each box where several gradients met by now."""
        found = []
        for slot, node in self._nodes.items():
            place = self._at_work.get(node, self.finished)
            if place <= position and node in self._met:
                (x, y), width = self._at.corners[slot], self._at.boxes[slot].width
                words = self._met[node]
                found.append(ink.text(x + width, y - 5, words, LABEL_SIZE, PAST, True, "end"))
        return found

    @cached_property
    def _met(self) -> dict:
        """Return the words of each sum that the engine made, by the id of the receiver."""
        return {
            step.node.id: sum_words(parts, step.grad_outputs[0], LONGEST_SUM)
            for step in self.record.steps
            if len(step.grad_outputs) == 1
            and self.record.runs(step.node.id) == 1
            and len(parts := self.record.parts(step.node.id)) > 1
            and step.grad_outputs[0] is not None
        }

    def _heading(self, position) -> str:
        left = ink.text(MARGIN, 17, "forward: left to right", 12, ink.MID, anchor="start")
        words = "backward: finished, right to left"
        if position < self.finished:
            title = step_title(self.record, position)
            words = f"backward, {title}" if position else title
        end = self._width - MARGIN
        return left + ink.text(end, 17, words, 13, PAST, True, anchor="end")

    def _panel(self, position) -> str:
        width = self._width - 2 * MARGIN
        height = self._panel_height(position)
        parts = [ink.box(MARGIN, self._panel_top, width, height, PANEL)]
        for count, (words, strong) in enumerate(self._lines(position), 1):
            y, fill = self._panel_top + SENTENCE_LINE * count, ink.DARK if strong else ink.SOFT
            parts.append(ink.text(MARGIN + 14, y + 4, words, SENTENCE_SIZE, fill, strong, "start"))
        return "".join(parts)

    def _panel_height(self, position) -> float:
        """Return a height that stays the same, unless one of very many steps needs more."""
        return 16 + SENTENCE_LINE * max(self._usual_lines, len(self._lines(position)))

    @cached_property
    def _usual_lines(self) -> int:
        positions = [*range(min(self.last, MOST_MEASURED) + 1), self.finished]
        return max(len(self._lines(position)) for position in positions)

    def _lines(self, position) -> list:
        """Return the lines of the panel as (words, strong), broken to its width."""
        width = self._width - 2 * MARGIN - 28
        return [
            (piece, strong)
            for words, strong in self._sentences(position)
            for piece in ink.broken(words, SENTENCE_SIZE, width if strong else width / LIGHTER)
        ]


def _drawn_alone(slots) -> dict:
    """Return the id of the node in each slot that holds no other."""
    crowd = Counter(slots.values())
    return {slot: node for node, slot in slots.items() if crowd[slot] == 1}


def _beside(points, numbered) -> list:
    """Return the way back beside a forward arrow, whose end belongs to its own output only."""
    (x, y), *before = points
    end = x, y + (AT_NUMBER if numbered else BELOW)
    return [*((x, y + BELOW) for x, y in reversed(before)), end]


def _label(tail, words, active) -> str:
    """Return a gradient's words at the tail of its arrow."""
    x, y = tail
    width = ink.text_width(words, LABEL_SIZE) + 12
    look = LABEL_AT_WORK if active else LABEL
    left = x - 10 - width
    fill = ink.ACTIVE.stroke if active else ink.SOFT
    box = ink.box(left, y - LABEL_HEIGHT / 2, width, LABEL_HEIGHT, look)
    return box + ink.text(left + width / 2, y + 4.2, words, LABEL_SIZE, fill, active)
