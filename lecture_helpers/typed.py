"""Numbers that a learner types, and when they agree with computed ones."""

import ast
import cmath
import warnings

from .brief import MOST_DIGITS

NUMBERS = (int, float, complex)
ROUNDED, EXACT = 1e-3, 1e-6  # relative: how far a typed number may be off


def number_in(words: str):
    """Return the number or the list of numbers that a text holds, None where it holds none.

    A list needs its brackets: ``4,5`` is no number.
    """
    if not isinstance(words, str):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of a text such as 1or 2
            value = ast.literal_eval(words.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        try:
            value = float(words)  # nan and inf
        except ValueError:
            return None
    bare = isinstance(value, tuple) and not words.strip().startswith("(")
    return value if _is_numeric(value) and not bare else None


def plain(value):
    """Return a tensor or an array as the numbers it holds, also inside of lists and tuples.

    Of a list it returns a new one, which no later change of the old one reaches.
    """
    if isinstance(value, (list, tuple)):
        parts = map(plain, value)
        return list(parts) if isinstance(value, list) else tuple(parts)
    try:
        return value.tolist()
    except Exception:  # no tensor, or one that holds no numbers to read
        return value


def same_number(answer, truth) -> bool:
    """Return whether two numbers, or two lists of numbers, agree.

    A whole number must be met, any other to one part in a thousand.
    """
    if isinstance(answer, (list, tuple)) and isinstance(truth, (list, tuple)):
        return len(answer) == len(truth) and all(map(same_number, answer, truth))
    if not (_is_number(answer) and _is_number(truth)):
        return False
    if answer != answer or truth != truth:
        return answer != answer and truth != truth
    tolerance = EXACT if _is_whole(truth) else ROUNDED
    try:
        return cmath.isclose(answer, truth, rel_tol=tolerance, abs_tol=1e-9)
    except OverflowError:  # an integer beyond every float
        return answer == truth


def _is_whole(number) -> bool:
    is_whole = isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    return is_whole and abs(number) < MOST_DIGITS


def _is_number(value) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def _is_numeric(value) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_numeric, value))
    return _is_number(value)
