"""Grades learners' notebooks: each runs in a fresh kernel, its checks are the grader's own.

This runs the learner's code with your user's rights, on your machine. It is for teaching, not
for exams: it takes care that an endless, broken or careless notebook costs only its own marks,
and that a notebook which replaces the checks or prints "Right" gains nothing. It is no
sandbox. A notebook can read and delete your files, and one that replaces torch itself, or
reaches into the running check, can still fool it. For strangers' notebooks, run it in a
container.
"""
