"""From calls to lines: what each statement of the caller's made, and what it is called.

Each call comes with the caller's frames that led to it. In each frame one run of a
statement is under way; when the frame goes on to another statement, or comes back to the
same one, that run is over, and what it made has got its name. A frame is told by its id
while it is running, and never held.
"""

from .calls import Call, Calls, written_name
from .grads import shape_of
from .lines import Statement, TrackedResult, common_shape, of_module
from .names import tensors_in
from .runs import Run, Waiting
from .untracked import LEAF, NOT_FOLLOWED, READS, UNSEEN, of_value, outcomes
from .walk import is_leaf

MOST_STATEMENTS = 2000
MOST_UNNAMED = 100
MOST_LISTED = 4  # tensors of one list that are told one by one
MOST_RECENT = 500


class Follower:
    """Writes down what each statement made. Holds no tensor, no node and no frame."""

    def __init__(self, calls: Calls):
        self._calls, self.block = calls, None
        self.statements = {}
        self.missed = 0
        self._runs = []
        self._recent = {}

    def begin(self, block) -> None:
        """Begin with a block at a ``Place``: its lines are numbered."""
        self.block = block

    def see(self, call: Call) -> None:
        """Take down one call."""
        if not call.caller.frames:
            self.missed += 1
            return
        self._keep_up(call)
        run, caller = self._runs[-1], call.caller
        if run.statement is None:
            self.missed += 1
        elif caller.closed:
            run.tell(only_cuts=True)
            inside = TrackedResult(None, None, caller.closed, None, None, NOT_FOLLOWED)
            run.statement.add(inside, caller.closed)
        elif call.raised:
            self._consume(call)
            run.tell(only_cuts=True)
            raised = TrackedResult(None, caller.place.expression, call.name, None, None,
                                   f"raised {call.raised}")  # fmt: skip
            run.statement.add(raised, caller.part)
        else:
            self._take_down(call, run)

    def finish(self, frame) -> None:
        """Take down what the last statements made; the block ends in a frame."""
        self._end(0, frame)
        self._recent.clear()

    def add_unseen(self, place, function, value, why) -> None:
        """Take down what a statement of the block made without any call that was seen.

        Args:
            why: what is said of tensors that nothing is known of.
        """
        known = self.statements.get(place.statement)
        if known is not None and known.results:
            return
        statement = Statement(place, self._number(place), function)
        named = self._named(place.targets[0], value, {}, why)
        if not named:
            return
        self._add_named(statement, named)
        before = {key: one for key, one in self.statements.items()
                  if one.number is None or one.number < statement.number}  # fmt: skip
        self.statements = before | {place.statement: statement} | self.statements

    def _named(self, name, value, waiting, why=None) -> list:
        """Return the results that a statement gave a name to; none where it holds no tensor."""
        results = of_module(name, value)
        return self._of_tensors(name, value, waiting, why) if results is None else results

    def _add_named(self, statement, results) -> None:
        for result in results:
            statement.add(result, ("named", result.name))

    def statement(self, place, function) -> Statement | None:
        """Return what is known of a statement; None where there are too many."""
        known = self.statements.get(place.statement)
        if known is None and place.file and len(self.statements) < MOST_STATEMENTS:
            known = Statement(place, self._number(place), function)
            self.statements[place.statement] = known
        return known

    def _number(self, place) -> int | None:
        block = self.block
        end = block.end_line or place.line  # without a source the end is not known
        inside = place.file == block.file and block.line <= place.line <= end
        return max(1, place.line - block.line) if inside else None

    def _keep_up(self, call) -> None:
        """End the runs that are over, and begin those that led to a call."""
        frames = call.caller.frames[::-1]
        for depth, frame in enumerate(frames):
            place = self._calls.callers.place(frame)
            if depth < len(self._runs) and self._goes_on(depth, frames, place, call):
                self._runs[depth].last = frame.f_lasti
                continue
            self._end(depth, frame)
            statement = self.statement(place, frame.f_code.co_name)
            self._runs.append(Run(frame, place, statement))
        self._end(len(frames), None)

    def _goes_on(self, depth, frames, place, call) -> bool:
        """Tell whether a frame is still in the run of the statement that it was last seen in."""
        run, frame = self._runs[depth], frames[depth]
        if not run.is_of(frame) or run.place.statement != place.statement:
            return False
        again = frame.f_lasti < run.last
        if frame.f_lasti == run.last:
            again = self._may_be_again(depth, frames, call)
        return not again or bool(run.targets) and not run.bound(frame)

    def _may_be_again(self, depth, frames, call) -> bool:
        """Tell whether a frame that stands where it stood may have been elsewhere since."""
        if depth + 1 == len(frames):
            return call.caller.begins and call.caller.part[0] == id(frames[depth].f_code)
        if not self._runs[depth].targets:
            return False
        below = frames[depth + 1]
        known = self._runs[depth + 1] if depth + 1 < len(self._runs) else None
        return known is None or not known.is_of(below) or below.f_lasti <= known.last

    def _end(self, depth, frame) -> None:
        """End the runs from a depth on; the frame at that depth tells what names are bound to."""
        while len(self._runs) > depth:
            run = self._runs.pop()
            if run.statement is None:
                continue
            here = len(self._runs) == depth and run.is_of(frame)
            named = [
                result
                for name, value in (run.bound(frame) if here else ())
                for result in self._named(name, value, run.waiting)
            ]
            run.tell(only_cuts=bool(named))
            self._add_named(run.statement, named)

    def _take_down(self, call, run) -> None:
        """Note what a call made: under its name, or until a name turns up."""
        found = outcomes(call)
        taken = self._consume(call)
        place, part = call.caller.place, call.caller.part
        direct = call.caller.direct and _is_value(place, call.name)
        if found or call.changed:
            run.statement.calls[call.name] += 1
        if direct:
            if run.targets.intersection(place.binds):  # in a = b = x * 2 all get the same
                run.targets.clear()
        else:  # only the last call in a library may have made what the statement gets
            run.waiting = {key: one for key, one in run.waiting.items() if one.part[0] != part}
        for nr, outcome in enumerate(found):
            self._remember(outcome)
            if outcome.in_place and outcome.id in taken and not place.binds:
                continue  # x.data[0] = 1: what x.data is was just said
            name = _name(call, outcome, nr, len(found)) if direct else None
            expression = place.expression and place.expression + outcome.name
            result = TrackedResult(name, expression, call.name, *outcome[2:5])
            own_part = part, outcome.name
            cuts = outcome.cuts and call.caller.direct
            if name or len(run.waiting) == MOST_UNNAMED:
                run.tell(only_cuts=True)
                run.statement.add(result, own_part)
            elif direct or not outcome.in_place:
                run.wait(outcome.id or part, Waiting(result, own_part, cuts))

    def _consume(self, call) -> set:
        """Note that a call took its tensors; return the ids of those that cut the graph."""
        given = () if call.name in READS else call.given
        return {id(one) for one in given if any([run.consume(one) for run in self._runs])}

    def _remember(self, outcome) -> None:
        self._recent.pop(outcome.id, None)
        self._recent[outcome.id] = outcome
        if len(self._recent) > MOST_RECENT:
            del self._recent[next(iter(self._recent))]

    def _of_tensors(self, name, value, waiting, why) -> list:
        """Return what is known of the tensors in a value that was found under a name."""
        found = tensors_in(value, name, quick=True)
        results = [self._of_tensor(*held, waiting, why) for held in found]
        if len(results) <= MOST_LISTED:
            return results
        kinds = {}
        for result in results:
            kinds.setdefault((result.tracked, result.why), []).append(result)
        return [
            same[0]._replace(name=f"{name} ({len(same)} tensors)", shape=common_shape(same))
            for same in kinds.values()
        ]

    def _of_tensor(self, name, tensor, waiting, why) -> TrackedResult:
        known = waiting.pop(id(tensor), None)
        if known is not None:
            return known.result._replace(name=name)
        shape, flag = shape_of(tensor), tensor.requires_grad
        recent = self._recent.get(id(tensor))
        if recent is not None and (recent.shape, recent.flag) == (shape, flag):
            return TrackedResult(name, None, "", *recent[2:5])
        if not flag:
            why = of_value(tensor) or why or UNSEEN
        elif is_leaf(tensor):
            why = LEAF
        return TrackedResult(name, None, "", shape, flag, why)


def _is_value(place, call) -> bool:
    """Tell whether the part of a statement at a place is the call itself.

    ``sum(tensors)`` is not: it calls ``add`` several times.
    """
    return place.function is None or place.function.strip("_") == call.strip("_")


def _name(call, outcome, nr, count) -> str | None:
    """Return what the caller's statement calls one of the results of a call."""
    binds = call.caller.place.binds
    if len(binds) == 1 and binds[0]:
        return binds[0] + outcome.name
    if len(binds) > 1 and len(binds) == count:
        return binds[nr]
    if outcome.in_place:
        given = next(one for one in call.given if id(one) == outcome.id)
        return written_name(call.caller, given, call.args, call.kwargs)
    return None
