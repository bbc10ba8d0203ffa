"""How a model stands at a time: the sentence, the past, and what decisions cost and gained."""

import pytest
import stood
from stood import at, look, looked, promote, week

from evergreen.record.standing.assemble import health, standing, unread
from evergreen.record.standing.tiles import tile
from evergreen.record.standing.values import Answering, Part

MONDAY = at("03-09T02:00")
LIVE = Answering(version=1, source="ledger", ready=True, requests=0, failures=0, p50=None, p95=None, p99=None)


@pytest.fixture
def ledger(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"), reason="requested: better than the prior")
    return ledger


def test_one_sentence_says_who_answers_how_well_until_when_and_what_is_next(ledger):
    looked(ledger, look(*week(0)))
    found = standing(ledger, stood.MODEL, at=at("03-09T20:00"), next_look=at("03-10T02:00"))
    assert found.sentence == (
        "Version 1 answers since 1 Mar 2026, healthy; labels complete to 8 Mar 2026; next look tonight 02:00."
    )
    assert found.state == "OK"


def test_sentence_names_what_is_wrong():
    def part(state):
        return Part(name="p", state=state, says="the promise is broken", resolve="r")

    harm, data, fine = tile("Harm", part("BAD")), tile("Data", part("NOTE")), tile("Serving", part("OK"))
    assert health([fine]) == "healthy"
    assert health([fine, data]) == "healthy, with a note on data"
    assert health([tile("Harm", part("UNKNOWN")), data]) == "not known to be healthy: harm cannot be told"
    assert health([harm, data]) == "not healthy: harm (the promise is broken)"


def test_past_is_drawn_from_rows_of_before_that_time_only(ledger):
    first = looked(ledger, look(*week(0)))
    then = standing(ledger, stood.MODEL, at=at("03-12"), past=True)
    late = look(*week(0), as_of=at("03-16"), harm=stood.BROKEN, faults=stood.broken_column("age"))
    looked(ledger, late)
    looked(ledger, look(*week(1), decision=stood.DUE))
    promote(ledger, 2, at("03-17"))
    assert standing(ledger, stood.MODEL, at=at("03-12"), past=True) == then
    now = standing(ledger, stood.MODEL, at=at("03-17T01:00"))
    assert (then.champion.version, now.champion.version) == (1, 2)
    assert [window.as_of for window in then.windows] == [first.as_of]
    assert now.windows[0].as_of == late.as_of  # the look that was made later decides
    assert then.state == "OK"
    assert "had answered" in then.sentence
    assert "next look" not in then.sentence


def test_time_before_the_first_promotion_has_no_champion_and_says_what_to_do(ledger):
    found = standing(ledger, stood.MODEL, at=at("02-01"), past=True)
    assert (found.champion, found.windows, found.provenance) == (None, (), ())
    assert found.state == "UNKNOWN"
    assert "evergreen run" in found.tiles[0].parts[0].resolve
    assert standing(ledger, "never trained", at=MONDAY).sentence.startswith("Nobody answers yet")


def test_inputs_stand_by_effect_with_broken_ones_first(ledger):
    columns = (stood.column("age", effect=0.01), stood.column("city", effect=0.3), stood.column("height", effect=0.0))
    looked(ledger, look(*week(0), shift=stood.shift(*columns), faults=stood.broken_column("height")))
    found = standing(ledger, stood.MODEL, at=MONDAY)
    assert [(one.name, one.state) for one in found.inputs] == [("height", "BAD"), ("city", "OK"), ("age", "OK")]
    assert found.inputs_of == "2 to 8 Mar 2026"
    looked(ledger, look(*week(1), rows=0, shift=stood.shift(verdict="no traffic")))
    assert standing(ledger, stood.MODEL, at=at("03-16T02:00")).inputs == found.inputs  # of the last window with rows


def test_latency_is_unknown_without_a_service_and_before_its_first_request(ledger):
    assert "/status" in standing(ledger, stood.MODEL, at=MONDAY).latency.resolve
    assert standing(ledger, stood.MODEL, at=MONDAY, answering=LIVE).latency.state == "UNKNOWN"
    fast = LIVE.model_copy(update={"requests": 9, "p50": 0.001, "p95": 0.0025, "p99": 0.005})
    latency = standing(ledger, stood.MODEL, at=MONDAY, answering=fast).latency
    assert (latency.state, latency.says) == ("OK", "half of the requests within 1 ms, 99 % within 5 ms")


def test_ledger_that_does_not_answer_leaves_what_the_service_says():
    found = unread("visits", "DEP001: gone", at=MONDAY, answering=LIVE)
    assert found.sentence.startswith("Version 1 answers; how well is not known")
    assert found.state == "UNKNOWN"
