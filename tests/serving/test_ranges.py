"""The expressions of numbers within bounds match just those texts, as Python's own numbers tell."""

import math
import random
import re

import pytest

from serving.ranges import integer_text, number_text

BOUNDS = [
    *((None, None), (0, None), (0, 30), (0, 1), (0.2, 0.8), (-5, 5), (-3.5, 1000.25), (10, None), (None, -2.5)),
    *((-90, 90), (100, 250), (0.001, 0.01), (1, 1), (7, 1234567), (-20.5, -3), (5, 5.5), (-0.5, 0.5), (None, 10)),
]


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_texts_match_where_the_number_lies_within_bounds(low, high):
    rng, near = random.Random(3), [bound for bound in (low, high, 0, 1, -1) if bound is not None]
    numbers = re.compile(f"(?:{number_text(low, high)})")
    has_integers = low is None or high is None or math.ceil(low) <= math.floor(high)
    integers = re.compile(f"(?:{integer_text(low, high)})") if has_integers else None
    for _ in range(2_000):
        value = rng.choice(near) + rng.choice((0, 1, -1, 0.1, -0.1, 1e-3, -1e-3, rng.uniform(-200, 200)))
        text = rng.choice((f"{value:.3f}", f"{value:.0f}", f"{value:.10f}", f"{int(value)}", f"{int(value)}."))
        inside = (low is None or float(text) >= low) and (high is None or float(text) <= high)
        if text.startswith("-") and float(text) == 0 and low != 0 and (low or 0) >= 0:
            continue
        assert bool(numbers.fullmatch(text)) == inside, text
        if integers is not None and not (text.startswith("-") and float(text) == 0):
            whole = re.fullmatch(r"[+-]?\d+(\.0*)?", text) is not None
            assert bool(integers.fullmatch(text)) == (inside and whole), text
