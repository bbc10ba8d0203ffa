"""Which of two looks decides, whoever asks: what incidents follow from, and what pages show."""

from datetime import timedelta
from itertools import permutations
from types import SimpleNamespace

from happened import at, looked
from hypothesis import given
from hypothesis import strategies as st

from evergreen.record.windows import latest


def test_look_at_a_later_window_decides_and_of_one_window_the_later_look():
    old, again, new = looked("01", "02-01"), looked("01", "04-01"), looked("02", "03-01")
    for facts in permutations([old, again, new]):
        assert sorted(facts, key=lambda fact: fact.order) == [old, again, new]


@given(st.lists(st.tuples(st.integers(1, 11), st.integers(0, 500)), min_size=1, max_size=12, unique=True))
def test_the_look_that_decides_is_the_one_that_pages_take(made):
    facts = [looked(f"{month:02}", "12-01", at=at("01-01") + timedelta(days=days)) for month, days in made]
    pages = [SimpleNamespace(start=fact.start, end=fact.end, as_of=fact.at) for fact in facts]
    deciding, shown = max(facts, key=lambda fact: fact.order), latest(pages)[-1]
    assert (deciding.start, deciding.end, deciding.at) == (shown.start, shown.end, shown.as_of)
