"""The histories that a refit is tried on: all, and what came since the harm began or else the last month."""

from datetime import date

import pytest

from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from flows.probing import history_of

MAY = date(2024, 5, 1)
MONTH = date(2024, 3, 17)  # 30 days before the embargo and the 14 days of the gate
PROMISE = Promise(loss="brier", at_gate=0.1, at_most=0.2, tolerance=0.02, evidence="")
KEPT = Harm(verdict="kept", evidence="", promise=PROMISE, limit=20.0)
BROKEN = KEPT.model_copy(update={"verdict": "broken", "since": date(2024, 4, 3), "over": False})
OVER = BROKEN.model_copy(update={"over": True})


@pytest.mark.parametrize(("harm", "since"), [(KEPT, MONTH), (BROKEN, date(2024, 4, 3)), (OVER, MONTH)])
def test_recent_is_what_came_since_the_harm_began_or_else_the_last_month(visited, harm, since):
    assert history_of(visited, harm, MAY) == (("all", "recent"), since)


@pytest.mark.parametrize(("window", "tried"), [("all", (("all",), None)), ("60", (("recent",), date(2024, 3, 2)))])
def test_history_that_was_asked_for_is_the_only_one(visited, window, tried):
    asked = type(visited).open(overrides=[f"retrain.window={window}"])
    assert history_of(asked, KEPT, MAY) == tried


def test_nothing_is_recent_where_the_data_begins_later(visited):
    short = type(visited).open(overrides=["ingest.start=2024-03-20", "ingest.end=2024-05-01"])
    assert history_of(short, KEPT, MAY) == (("all",), None)
    assert history_of(short, BROKEN, MAY) == (("all", "recent"), date(2024, 4, 3))
