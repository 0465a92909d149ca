"""Plays a notebook: runs its code cells in this process and answers every prediction in every way.

Usage: python tests/robot.py REPORT NOTEBOOK

Writes JSON: ``predictions``, a list of what ``Asked`` holds, and ``cells``, what running each
cell came to. It uses what a learner has: ``commit`` and the words that then stand there.
"""

import contextlib
import io
import itertools
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_LATE = 24  # answers given again after all cells ran


@dataclass
class Asked:
    """One question as it was played.

    cell: where it was asked. compared: the cells that told, one for each call of ``compare``.
    truths: the answers that were judged right. wrong: how many were judged wrong.
    strange: answers that were judged neither right nor wrong, or in another way where the
        cell that tells ran after the answer.
    tempting: for each key whether a wrong answer brings its sentence.
    late: answers whose verdict differs when they are given after all cells ran.
    """

    cell: str
    words: str
    kind: str
    section: str
    choices: list
    compared: list = field(default_factory=list)
    truths: list = field(default_factory=list)
    wrong: int = 0
    strange: list = field(default_factory=list)
    tempting: dict = field(default_factory=dict)
    late: list = field(default_factory=list)


class Robot:
    """Watches the predictions of one notebook, see ``Asked``."""

    def __init__(self):
        self.cell = None
        self.asked = {}  # prediction -> Asked
        self._verdicts = {}  # prediction -> {answer: words}

    def watch(self, kind) -> None:
        """Take note of every prediction that is made, and play each when it is compared."""
        make, compare, robot = kind.__init__, kind.compare, self

        def made(prediction, question, *more, **named):
            make(prediction, question, *more, **named)
            robot.asked[prediction] = Asked(
                robot.cell, question.words, question.kind, question.section, list(question.choices)
            )

        def compared(prediction, computed, *more, **named):
            def again():
                compare(prediction, computed, *more, **named)

            again()
            robot.play(prediction, computed, again)
            robot.tempt(prediction, [*more, named.get("tempting")][0] or {})

        kind.__init__, kind.compare = made, compared

    def play(self, prediction, computed, compare) -> None:
        """Give every possible answer and keep what is said to it."""
        one, verdicts = self.asked[prediction], {}
        one.compared.append(self.cell)
        for answer in possible(prediction.question, computed):
            verdicts[answer] = said_by(prediction.commit, answer)
            if said_by(compare) != verdicts[answer]:
                one.strange.append(answer)
        one.truths = [answer for answer, words in verdicts.items() if is_right(words)]
        one.wrong = sum(is_wrong(words) for words in verdicts.values())
        one.strange += [a for a, words in verdicts.items() if is_right(words) == is_wrong(words)]
        self._verdicts[prediction] = verdicts

    def tempt(self, prediction, tempting) -> None:
        """Note for each tempting answer whether some wrong answer brings its sentence."""
        words = list(self._verdicts[prediction].values())
        if prediction.question.kind == "number":
            words += [said_by(prediction.commit, key) for key in tempting]
        wrong = [said for said in words if is_wrong(said)]
        for key, sentence in tempting.items():
            explained = any(said.endswith(squeezed(sentence)) for said in wrong)
            self.asked[prediction].tempting[str(key)] = explained and sentence.endswith((".", "?"))

    def end(self) -> None:
        """After all cells ran, give answers again and compare the verdicts."""
        for prediction, verdicts in self._verdicts.items():
            for answer, words in list(verdicts.items())[:MOST_LATE]:
                if said_by(prediction.commit, answer) != words:
                    self.asked[prediction].late.append(answer)


def possible(question, computed) -> list:
    """Return every possible answer, or for a number some near the computed one."""
    if question.kind == "several":
        sizes = range(len(question.choices) + 1)
        return [some for size in sizes for some in itertools.combinations(question.choices, size)]
    if question.kind == "order":
        return list(itertools.permutations(question.choices))
    if question.kind != "number":
        return list(question.choices)
    plain = computed.tolist() if hasattr(computed, "tolist") else computed
    return [str(one) for one in (plain, *(other(plain, share) for share in (1, -0.5, 0.02)))]


def other(plain, share):
    """Return a number, or a list of numbers, with one of them off by a share."""
    if isinstance(plain, (list, tuple)):
        return [other(plain[0], share), *plain[1:]]
    return 1.0 if plain is None else plain + share * max(1, abs(plain))


def is_right(words) -> bool:
    return words.endswith("Right.") and "Thecomputation" not in words


def is_wrong(words) -> bool:
    return words.startswith("Youpredicted") and "Thecomputation" in words


def said_by(function, *arguments) -> str:
    """Return what a function prints, without white space: long lines are wrapped."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        function(*arguments)
    return squeezed(said.getvalue())


def squeezed(words) -> str:
    """Return words without white space."""
    return "".join(words.split())


def main(target, path):
    os.environ["LECTURE_PROGRESS"] = "off"
    os.environ.pop("LECTURE_TEXT", None)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "pretend")]
    sys.path.insert(0, str(ROOT / "tools"))
    import torch
    from lectures import run_lecture

    from lecture_helpers.progress import Progress
    from lecture_helpers.widgets.predict import Prediction

    Progress.note = lambda *_, **__: None  # thousands of answers, which nobody counts
    torch.set_num_threads(1)
    robot = Robot()
    robot.watch(Prediction)
    cells = run_lecture(Path(path), lambda name: setattr(robot, "cell", name.split()[-1]))
    robot.end()
    found = {"cells": cells, "predictions": [asdict(one) for one in robot.asked.values()]}
    Path(target).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
