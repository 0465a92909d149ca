"""Answers to the appendix's exercise, checked in a process of its own; prints the verdicts.

TensorFlow changes the process that imports it (its log handler, its threads), so the tests
do not import it themselves. Usage: python tests/answers_in_tensorflow.py
"""

import json
import os
import sys
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = "appendix_static_graphs_in_tensorflow.ipynb"


def answers(tf) -> dict:
    """Return wrong answers by what is wrong with them, each of which looks plausible."""

    def taped(f, points, watch=True, read=lambda g: g.numpy().item(), once=tf.function,
              each=lambda f: f):  # fmt: skip
        captured = once(f)
        found = []
        for point in points:
            x = tf.constant(point)
            with tf.GradientTape() as tape:
                if watch:
                    tape.watch(x)
                y = each(captured)(x)
            found.append(read(tape.gradient(y, x)))
        return found

    def as_they_are(f):
        return f

    return {
        "nothing is captured": lambda f, points: taped(f, points, once=as_they_are),
        "captured in the loop": lambda f, points: taped(
            f, points, once=as_they_are, each=tf.function
        ),
        "a constant that nobody watches": lambda f, points: taped(f, points, watch=False),
        "the same, and None is returned": lambda f, points: taped(
            f, points, watch=False, read=lambda g: g
        ),
        "Python numbers": lambda f, points: [taped_number(tf, f, point) for point in points],
        "tensors": lambda f, points: taped(f, points, read=lambda g: g),
        "the first slope for all": lambda f, points: taped(f, points[:1]) * len(points),
        "values, not slopes": lambda f, points: [
            tf.function(f)(tf.constant(point)).numpy().item() for point in points
        ],
        "one loop in the graph, f in it again and again": lambda f, points: unrolled(tf, f, points),
    }


def taped_number(tf, f, point):
    captured = tf.function(f)
    with tf.GradientTape() as tape:
        y = captured(point)
    x = tf.Variable(point)
    return tape.gradient(y, x)


def unrolled(tf, f, points):
    @tf.function
    def together(xs):
        return [f(x) for x in xs]

    xs = [tf.Variable(point) for point in points]
    with tf.GradientTape() as tape:
        ys = together(xs)
    return [slope.numpy().item() for slope in tape.gradient(ys, xs)]


def right(tf) -> dict:
    """Return further right answers: the check leaves the way open."""

    def a_variable_for_each_point(f, points):
        captured = tf.function(f)
        found = []
        for point in points:
            x = tf.Variable(point)
            with tf.GradientTape() as tape:
                y = captured(x)
            found.append(float(tape.gradient(y, x)))
        return found

    def one_variable(f, points):
        captured, x = tf.function(f), tf.Variable(0.0)
        found = []
        for point in points:
            x.assign(point)
            with tf.GradientTape() as tape:
                y = captured(x)
            found.append(tape.gradient(y, x).numpy())
        return found

    def tape_inside(f, points):
        @tf.function
        def slope(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = f(x)
            return tape.gradient(y, x)

        return [slope(tf.constant(point)).numpy() for point in points]

    return {
        "a variable for each point": a_variable_for_each_point,
        "one variable": one_variable,
        "the tape inside the graph": tape_inside,
    }


def main():
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]
    import tensorflow as tf
    from answers import solution

    from lecture_helpers.exercises.appendix import check_slopes

    asked = {
        "solution": {"of the notebook": solution(ROOT, NOTEBOOK, "slopes", tf=tf)} | right(tf),
        "wrong": answers(tf),
    }
    verdicts = {
        kind: {name: [(told := check_slopes(f)).passed, told.message] for name, f in of.items()}
        for kind, of in asked.items()
    }
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
