"""The five tiles: each the worst of its parts, and what is not known says what would tell."""

from datetime import timedelta

import pytest
import stood
from stood import at, look, looked, promote, week

from evergreen.record.registry.history import Reign
from evergreen.record.standing.rows import rows
from evergreen.record.standing.tiles import Asked, tiles, without_champion, without_ledger
from evergreen.record.standing.values import Answering

LIVE = Answering(version=1, source="ledger", ready=True, requests=1_200, failures=0, p50=0.001, p95=0.002, p99=0.005)
MONDAY = at("03-09T02:00")  # when the first week was looked at


@pytest.fixture
def ledger(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"))
    return ledger


def found(ledger, *, now=MONDAY, answering=None):
    known = rows(ledger, stood.MODEL, at=now)
    reign = known.reign(now)
    assert isinstance(reign, Reign)
    shown = tiles(Asked(reign=reign, rows=known, at=now, next_look=None, answering=answering))
    for tile in shown:
        assert all(part.resolve for part in tile.parts if part.state == "UNKNOWN"), tile
    return {tile.name: tile for tile in shown}


def after(ledger, **changes):
    """Return the tiles after a look at the first week that found something."""
    looked(ledger, look(*week(0), **changes))
    return found(ledger)


def test_healthy_model_is_ok_in_all_five(ledger):
    shown = after(ledger)
    assert [*shown] == ["Serving", "Data", "Harm", "Freshness", "Decisions"]
    assert {tile.state for tile in shown.values()} == {"OK"}
    assert shown["Freshness"].headline == "labels complete to 8 Mar 2026"


def test_before_the_first_look_all_that_looks_tell_is_unknown(ledger):
    shown = found(ledger)
    assert shown["Serving"].state == "OK"
    assert {shown[name].state for name in ("Data", "Harm", "Freshness", "Decisions")} == {"UNKNOWN"}
    assert "evergreen monitor" in shown["Data"].parts[0].resolve


def test_new_champion_is_not_judged_by_looks_at_the_one_before(ledger):
    looked(ledger, look(*week(0), harm=stood.BROKEN, faults=stood.broken_column("age")))
    promote(ledger, 2, MONDAY + timedelta(hours=1))
    shown = found(ledger, now=MONDAY + timedelta(hours=2))
    assert (shown["Harm"].state, shown["Harm"].headline) == ("UNKNOWN", "no look at version 2 yet")
    assert shown["Data"].state == "UNKNOWN"
    assert shown["Freshness"].state == "OK"  # labels and looks are of the model, whichever version answers


@pytest.mark.parametrize(
    ("changes", "name", "state", "says"),
    [
        ({"faults": stood.broken_column("age")}, "Data", "BAD", "broken: age"),
        ({"quarantined": 70}, "Data", "NOTE", "70 rows refused (10.0%)"),
        (
            {"shift": stood.shift(stood.column("age", verdict="shifted"), stood.column("city"), verdict="shifted")},
            "Data",
            "NOTE",
            "1 of 2 columns shifted",
        ),
        ({"shift": stood.shift(verdict="not enough data")}, "Data", "UNKNOWN", "not enough data"),
        ({"rows": 0}, "Data", "UNKNOWN", "no rows came in the last window"),
        ({"rows": 0, "source": "source"}, "Serving", "NOTE", "no rows came in the last window"),
        ({"source": "source"}, "Serving", "NOTE", "nothing served in the last window"),
        ({"harm": stood.BROKEN}, "Harm", "BAD", "brier above the promise since 2 Mar 2026"),
        ({"harm": stood.BROKEN.model_copy(update={"over": True})}, "Harm", "NOTE", "back under it now"),
        ({"harm": stood.KEPT.model_copy(update={"verdict": "not enough data"})}, "Harm", "UNKNOWN", "700 labels tell"),
        ({"estimated": stood.estimated(0.6, loss=0.2)}, "Harm", "NOTE", "estimated 0.200, promised at most 0.150"),
        ({"audit": stood.audited(0.2)}, "Harm", "BAD", "labels asked for at random say more than promised"),
        ({"decision": stood.DUE}, "Decisions", "NOTE", "retraining is due since 9 Mar 2026"),
    ],
)
def test_what_a_look_found_is_in_its_tile(ledger, changes, name, state, says):
    tile = after(ledger, **changes)[name]
    assert tile.state == state
    assert says in tile.headline
    assert tile.state == max((part.state for part in tile.parts), key=["OK", "NOTE", "UNKNOWN", "BAD"].index)


def test_bad_hides_no_note_among_the_parts(ledger):
    harm = after(ledger, harm=stood.BROKEN, estimated=stood.estimated(0.6, loss=0.2))["Harm"]
    assert [part.state for part in harm.parts] == ["BAD", "NOTE"]


def test_broken_promise_names_the_cause_that_a_look_named(ledger):
    looked(ledger, look(*week(0), harm=stood.BROKEN, causes=stood.cause("concept drift")))
    looked(ledger, look(*week(1), harm=stood.BROKEN, causes=stood.cause("unknown")))
    assert "concept drift" in found(ledger, now=at("03-16T02:00"))["Harm"].parts[0].resolve


def test_retraining_that_nobody_does_becomes_bad_after_a_day(ledger):
    looked(ledger, look(*week(0), decision=stood.DUE))
    assert found(ledger, now=MONDAY + timedelta(hours=23))["Decisions"].state == "NOTE"
    assert found(ledger, now=MONDAY + timedelta(hours=25))["Decisions"].state == "BAD"


def test_refusals_are_notes_and_the_third_in_a_row_is_bad(ledger):
    for n in range(3):
        one = looked(ledger, look(*week(n), decision=stood.DUE))
        stood.retrained(ledger, one, "refused")
        assert found(ledger, now=one.as_of)["Decisions"].state == ("BAD" if n == 2 else "NOTE")
    assert found(ledger, now=one.as_of)["Decisions"].headline == "the gate refused the last 3 retrainings"


def test_version_that_waits_for_a_person_is_a_note_until_somebody_answers(ledger):
    looked(ledger, look(*week(0)))
    stood.propose(ledger, 2)
    assert found(ledger)["Decisions"].headline == "version 2 passed the gate and waits for a person"
    ledger.record(stood.MODEL, "rejection", "2", {"by": "ann"})
    assert found(ledger)["Decisions"].state == "OK"


def test_open_circuit_is_bad(ledger):
    opened = stood.DUE.model_copy(update={"retrain": False, "circuit_open": True})
    assert after(ledger, decision=opened)["Decisions"].headline == "retraining has stopped: it did not help"


@pytest.mark.parametrize(("days", "state"), [(7, "OK"), (9, "NOTE"), (16, "BAD")])
def test_windows_that_nobody_looked_at_make_it_stale(ledger, days, state):
    looked(ledger, look(*week(0)))
    assert found(ledger, now=at("03-09") + timedelta(days=days))["Freshness"].state == state


def test_history_that_was_walked_is_told_from_neglect(ledger):
    looked(ledger, look(*week(0)), when=at("11-29"))
    freshness = found(ledger, now=at("11-29"))["Freshness"]
    assert (freshness.state, freshness.headline) == ("NOTE", "history, walked as of 9 Mar 2026")


@pytest.mark.parametrize(
    ("verdict", "given", "state"),
    [
        ("immature", {"coverage": None}, "OK"),
        ("immature", {"coverage": 0.95}, "OK"),
        ("immature", {"coverage": 0.5}, "NOTE"),
        ("none", {}, "UNKNOWN"),
        ("unknown", {}, "UNKNOWN"),
        ("no traffic", {}, "NOTE"),
    ],
)
def test_labels_that_are_not_due_yet_are_not_missed(ledger, verdict, given, state):
    one = look(*week(0), labels=stood.labels(verdict, at("03-09"), **given))
    looked(ledger, one)
    assert found(ledger)["Freshness"].state == state


@pytest.mark.parametrize(
    ("change", "state", "says"),
    [
        ({}, "OK", "1,200 requests since it started"),
        ({"version": 3}, "BAD", "the service answers with version 3"),
        ({"ready": False}, "BAD", "the service is not ready"),
    ],
)
def test_running_service_is_a_part_of_serving(ledger, change, state, says):
    looked(ledger, look(*week(0)))
    serving = found(ledger, answering=LIVE.model_copy(update=change))["Serving"]
    assert serving.state == state
    assert says in [part.says for part in serving.parts]


def test_tiles_without_champion_or_ledger_are_unknown_with_what_to_do():
    for shown in (without_champion(), without_ledger(LIVE, "DEP001: the ledger is not there")):
        assert {tile.state for tile in shown} == {"UNKNOWN"}
        assert all(part.resolve for tile in shown for part in tile.parts if part.state == "UNKNOWN")
    assert "DEP001" in without_ledger(LIVE, "DEP001: gone")[1].parts[0].resolve
