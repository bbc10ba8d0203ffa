"""What a route is told next, from what it was told before."""

from datetime import timedelta

from happened import at

from evergreen.decisions.alerts.incident import Incident
from evergreen.decisions.alerts.message import events_of
from evergreen.record.alerts.telling import LONGEST_WAIT, Try, due

HARM = Incident(model="visits", kind="harm", subject="v1", since=at("02-01"), evidence="")
SKEW = Incident(model="visits", kind="skew", subject="", since=at("02-02"), evidence="")
PAST = HARM.model_copy(update={"since": at("01-01"), "until": at("01-05"), "ended": "over"})
NOON = at("03-01T12:00")


def made(*outcomes, events=None, when=NOON):
    """Return tries, each "reached", "failed", "hung" or "cut off"."""
    keys = tuple(event.key for event in (events or events_of([HARM])))
    states = {
        "reached": {"reached": True, "doubtful": False, "over": True},
        "failed": {"reached": False, "doubtful": False},
        "hung": {"reached": False, "doubtful": True},
        "cut off": {},
    }
    return [
        Try(route="ops", n=n, at=when, events=keys, **states[outcome]) for n, outcome in enumerate(outcomes, start=1)
    ]


def told(found):
    return None if found is None else [event.key for event in found.events]


def test_what_lasts_is_told_at_first_and_what_is_over_by_then_is_not():
    found = due(events_of([PAST, HARM]), [], now=NOON)
    assert told(found) == [f"{HARM.key}:opened"]
    assert len(found.covers) == 3  # so that what is over is not told later either
    again = due(events_of([PAST, HARM]), made("failed", events=events_of([PAST, HARM])), now=NOON + LONGEST_WAIT)
    assert told(again) == told(found)
    assert due(events_of([PAST]), [], now=NOON) is None


def test_what_was_told_is_not_told_again_and_its_end_is():
    over = HARM.model_copy(update={"until": at("03-02"), "ended": "it is over"})
    assert due(events_of([HARM]), made("reached"), now=NOON) is None
    assert told(due(events_of([over]), made("reached"), now=NOON)) == [f"{HARM.key}:closed"]


def test_route_that_is_down_is_tried_after_a_minute_then_twice_as_long_and_at_most_a_day():
    waits = []
    for n in (1, 2, 3, 30):
        tries, wait = made(*["failed"] * n), timedelta()
        while due(events_of([HARM]), tries, now=NOON + wait) is None:
            wait += timedelta(minutes=1)
        waits.append(wait)
    assert waits == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4), LONGEST_WAIT]


def test_something_new_is_told_at_once_with_what_was_kept():
    found = due(events_of([HARM, SKEW]), made(*["failed"] * 30), now=NOON)
    assert told(found) == [f"{HARM.key}:opened", f"{SKEW.key}:opened"]
    assert not found.repeats


def test_what_was_cut_off_is_told_once_more_which_says_so_and_not_a_third_time():
    again = due(events_of([HARM]), made("cut off"), now=NOON)
    assert (told(again), again.repeats, again.n) == ([f"{HARM.key}:opened"], True, 2)
    given_up = due(events_of([HARM]), made("cut off", "cut off"), now=NOON)
    assert (told(given_up), given_up.given_up.n) == ([], 2)
    between = due(events_of([HARM]), made("cut off", "failed", "cut off"), now=NOON)
    assert (told(between), between.given_up.n) == ([], 3)
    new = due(events_of([HARM, SKEW]), made("cut off", "cut off"), now=NOON)
    assert told(new) == [f"{SKEW.key}:opened"]


def test_what_may_have_arrived_is_told_as_a_possible_repeat():
    later = NOON + LONGEST_WAIT
    assert due(events_of([HARM]), made("hung", "failed"), now=later).repeats
    assert not due(events_of([HARM]), made("failed", "failed"), now=later).repeats
    reached = made("hung", "reached")
    over = HARM.model_copy(update={"until": at("03-02"), "ended": "it is over"})
    assert not due(events_of([over]), reached, now=later).repeats
