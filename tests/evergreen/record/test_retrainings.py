"""What the ledger tells the next decision: how long ago, how many, how much was lost, and how many in a row failed."""

from datetime import date
from types import SimpleNamespace

import pytest
from remembered import MODEL, facts, make_champion

from evergreen.decisions.retrain.ladder import Probed
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.looks import Look
from evergreen.record.retrainings import is_repair, past, rung_of_version


def first_of(month: int) -> date:
    return date(2024, month, 1)


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    make_champion(opened, 1)
    yield opened
    opened.close()


def look(month: int, harm: str = "broken", *, gain: float | None = None, version: int = 1, rows: int = 100) -> Look:
    return Look.model_construct(
        version=version,
        start=first_of(month),
        end=first_of(month + 1),
        harm=SimpleNamespace(verdict=harm),
        rows=rows,
        probed=None if gain is None else Probed(evidence="tried", gain=gain),
    )


def retrained(ledger, month: int, verdict: str = "promoted", *, harm: str = "kept", version: int = 1, **more) -> None:
    """Record a retraining that followed the look at a month, and a champion where it was promoted."""
    key = f"v{version}:{first_of(month)}:{first_of(month + 1)}"
    ledger.record(MODEL, "look", f"{key}:look", {"harm": {"verdict": harm}})
    if verdict == "promoted":
        make_champion(ledger, version + 1)
    payload = {"window_end": first_of(month + 1), "look": f"{key}:look", "triggers": [], "training": True}
    outcome = {"verdict": verdict, "version": None if verdict == "refused" else version + 1}
    ledger.record(MODEL, "retraining", key, {**payload, "outcome": outcome, **more})


def before(ledger, month: int, looks=(), *, version: int = 1, data_end=date(2024, 2, 29), is_harmed: bool = True):
    champion = facts(version, data_end=data_end)
    end = first_of(month + 1)
    return past(ledger, champion, looks, start=first_of(month), end=end, is_harmed=is_harmed)


def test_without_a_retraining_windows_count_from_the_champions_data(ledger):
    looks = [look(1), look(3), look(4), look(5)]
    found = before(ledger, 5, looks)
    assert (found.windows, found.champion_data_end) == (3, date(2024, 2, 29))
    assert (found.promoted_at, found.trainings, found.failed, found.refused, found.regret) == (None, 0, 0, (), None)


def test_cooldown_counts_from_trainings_that_were_promoted_only(ledger):
    retrained(ledger, 3)
    retrained(ledger, 4, "refused", version=2)
    assert before(ledger, 6).promoted_at == first_of(4)
    retrained(ledger, 5, training=False, version=2)  # a recalibration
    assert before(ledger, 6).promoted_at == first_of(4)


def test_version_that_waits_for_a_person_counts_as_promoted_until_it_is_rejected(ledger):
    retrained(ledger, 3, "proposed")
    assert before(ledger, 4).promoted_at == first_of(4)
    ledger.record(MODEL, "rejection", "2", {"reason": "no"})
    assert before(ledger, 4).promoted_at is None


def test_retraining_of_before_there_were_repairs_is_a_training_that_was_promoted(ledger):
    ledger.record(MODEL, "retraining", "v1:w", {"window_end": date(2024, 4, 1), "triggers": ["harm"]})
    found = before(ledger, 4)
    assert (found.promoted_at, found.trainings, found.windows) == (first_of(4), 1, 1)


def test_budget_counts_trainings_of_a_year_promoted_or_not(ledger):
    for month, verdict in ((3, "refused"), (4, "refused"), (5, "refused")):
        retrained(ledger, month, verdict)
    retrained(ledger, 6, "refused", training=False)
    assert before(ledger, 7).trainings == 3
    champion = facts(1, data_end=date(2024, 2, 29))
    year_on = past(ledger, champion, (), start=date(2025, 3, 2), end=date(2025, 4, 1), is_harmed=False)
    assert year_on.trainings == 2  # the window that ended on 2024-04-01 is 365 days away


def test_windows_and_regret_begin_anew_after_a_training(ledger):
    looks = [look(month, gain=0.5) for month in (3, 4)] + [look(5, gain=-0.02, rows=50), look(6, gain=0.03), look(7)]
    retrained(ledger, 4, "refused")
    found = before(ledger, 7, looks)
    assert found.windows == 3
    assert found.regret == pytest.approx(-0.02 * 50 + 0.03 * 100)


def test_windows_that_overlap_since_the_schedule_changed_count_their_days_once(ledger):
    week = look(5, gain=0.1).model_copy(update={"start": date(2024, 4, 24), "end": date(2024, 5, 1)})
    assert before(ledger, 5, [look(3), look(4, gain=0.2), week, look(5), look(6)]).windows == 3
    found = before(ledger, 5, [look(4, gain=0.2), week, look(6, gain=0.9)])
    assert (found.windows, found.regret) == (2, pytest.approx(20.0))


def test_regret_is_of_this_champion_only_and_without_the_window_itself(ledger):
    looks = [look(3, gain=0.5, version=1), look(4, gain=0.1, version=2), look(5, gain=0.7, version=2)]
    assert before(ledger, 5, looks, version=2).regret == pytest.approx(10.0)


def test_retrainings_that_harm_outlived_count_whatever_fired_and_since_the_promise_was_last_kept(ledger):
    retrained(ledger, 3, harm="broken", version=1)
    retrained(ledger, 5, harm="broken", version=2)
    retrained(ledger, 6, harm="kept", version=3)
    looks = [look(3), look(4, "kept"), look(5, version=2), look(6, "not enough data", version=3)]
    assert before(ledger, 7, looks, version=4).failed == 1
    assert before(ledger, 7, looks, version=4, is_harmed=False).failed == 0
    assert before(ledger, 4, looks[:1]).failed == 1
    again = [each.model_copy(update={"version": 4}) for each in looks]  # the same windows, looked at by the next
    assert before(ledger, 7, again, version=4).failed == 1


def test_window_that_seemed_kept_before_its_labels_came_does_not_hide_what_failed(ledger):
    retrained(ledger, 3, harm="broken")
    assert before(ledger, 4, [look(3), look(4, "kept", version=2)], version=2).failed == 1


def test_retrainings_that_the_gate_refused_count_until_a_version_is_promoted(ledger):
    retrained(ledger, 3, "refused", rung="recalibration", harm="broken")
    retrained(ledger, 4, "refused", rung="refit")
    looks = [look(3, "broken"), look(4, "kept")]
    found = before(ledger, 5, looks)
    assert (found.failed, found.refused) == (2, ("recalibration", "refit"))
    make_champion(ledger, 2)  # by whomever
    assert before(ledger, 5, looks, version=2).refused == ()
    assert before(ledger, 5, looks, version=2).failed == 0


def test_harmed_retraining_that_was_refused_counts_once(ledger):
    retrained(ledger, 3, "refused", harm="broken")
    assert before(ledger, 4, [look(3)]).failed == 1


def test_version_is_known_by_the_rung_that_made_it(ledger):
    retrained(ledger, 3, rung="recalibration")
    retrained(ledger, 4, rung="search", version=2)
    rungs = [rung_of_version(ledger, facts(version)) for version in (1, 2, 3)]
    assert rungs == [None, "recalibration", "search"]
    assert [is_repair(rung) for rung in rungs] == [False, True, False]
