"""What is made ahead is what would have been made, and ends with its consumer."""

import threading
from itertools import count

import pytest
from projects import wait_for

from evergreen.base.ahead import MOST_AHEAD, ahead


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_items_are_the_same_in_the_same_order():
    assert list(ahead(iter(range(1_000)))) == list(range(1_000))
    assert list(ahead(iter([None, 0, ""]))) == [None, 0, ""]
    assert list(ahead(iter(()))) == []


def test_no_more_is_made_than_asked_for_and_a_few():
    made = []
    items = ahead(made.append(n) or n for n in count())
    assert next(items) == 0
    wait_for(lambda: len(made) == MOST_AHEAD + 2, "one taken, the queue full, one in hand")
    items.close()
    assert len(made) == MOST_AHEAD + 2
    assert "evergreen-ahead" not in threads()


def test_maker_is_closed_with_its_consumer():
    closed = []

    def made():
        try:
            yield from count()
        finally:
            closed.append(True)

    items = ahead(ahead(made()))
    next(items)
    items.close()
    assert closed == [True]
    assert "evergreen-ahead" not in threads()


def test_error_reaches_the_consumer_after_the_items_before_it():
    def made():
        yield 1
        raise ValueError("two")

    items = ahead(made())
    assert next(items) == 1
    with pytest.raises(ValueError, match="two"):
        next(items)
