"""The monitoring flow in this process: looks as of a time, what they are kept as, and which of them decides."""

from datetime import date

import looking
import numpy as np
import pandas as pd
import pytest
from looking import APRIL, FEBRUARY, LATE, MARCH, MAY, at
from sklearn.metrics import roc_auc_score

from evergreen.base.errors import ConfigError
from evergreen.decisions.automation.degrees import Automation
from evergreen.project import Project
from evergreen.record import degree
from evergreen.record.looks import Look
from flows import monitoring
from flows.monitoring import CLOCKS, deciding_looks, last_known_day, look_at, made_with

STEPS = ["served", "ingest", "validate", "score", "drift", "performance", "estimate", "skew"]
PROBING = ["ingest", "validate", "features", "probe"]


@pytest.fixture
def direct(monkeypatch):
    return looking.directly(monkeypatch)


def test_window_is_looked_at_and_kept_under_the_champion_the_period_and_the_time(visited, direct):
    look = look_at(visited, MARCH, APRIL, as_of=LATE)

    assert direct.names == [*STEPS, *PROBING]
    assert (look.version, look.start, look.end, look.as_of, look.model) == (1, MARCH, APRIL, LATE, "visits")
    assert (look.source, look.rows, look.quarantined, look.seen_until) == ("source", 31 * 15, 0, None)
    assert (look.shift.verdict, look.faults.verdict, look.labels.verdict) == ("steady", "none", "complete")
    assert (look.pages, look.decision.retrain, len(look.days)) == ((), False, 31)
    (entry,) = visited.ledger().entries("visits", "look")
    assert entry.key == look.key
    assert entry.key.startswith("v1:2024-03-01:2024-04-01:20240601T000000Z:")
    assert "steps" not in entry.payload
    kept = Look.model_validate(entry.payload)
    assert kept.model_dump(exclude=CLOCKS) == look.model_dump(exclude=CLOCKS)


def test_value_and_losses_of_a_window_are_those_of_its_predictions(visited, monkeypatch):
    kept = []

    def score(*rows, **given):
        kept.append(score_step(*rows, **given))
        return kept[-1]

    from tasks.score import score as step

    score_step = step.fn
    looking.directly(monkeypatch, score=score)
    look = look_at(visited, MARCH, APRIL, as_of=LATE)

    said = visited.workspace.read(kept[0].predictions)
    target, given = said["target"].astype(bool), said["probability"]
    assert look.performance.value == pytest.approx(roc_auc_score(target, given), abs=1e-12)
    by_day = ((given - target) ** 2).groupby(said["event_at"].dt.date).sum()
    assert {day.day: day.loss for day in look.days} == pytest.approx(by_day.to_dict(), abs=1e-9)
    assert {day.n for day in look.days} == {15}


def test_look_before_the_labels_and_one_after_are_both_kept_and_the_second_decides(visited, direct):
    visited = looking.asking(visited, "{name: returned, ", "{name: returned, nullable: true, ")
    rows = looking.source(visited)
    looking.bring(visited, rows.assign(returned=rows["returned"].astype(object).mask(looking.since(rows, "04-01"))))
    before = look_at(visited, APRIL, MAY, as_of=LATE)
    assert (before.labels.verdict, before.performance.verdict, before.days) == ("none", "unknown", ())
    assert (before.harm.verdict, before.decision.retrain) == ("not enough data", False)

    looking.bring(visited, looking.flipped(rows, "04-01"))
    after = look_at(visited, APRIL, MAY, as_of=LATE)
    assert (after.labels.verdict, after.harm.verdict) == ("complete", "broken")
    assert after.performance.value < 0.3
    assert after.decision.triggers == ("harm", "probe")
    assert after.decision.decided_by == "harm"
    assert after.decision.retrain
    assert [page.partition(":")[0] for page in after.pages] == ["harm"]

    entries = visited.ledger().entries("visits", "look")
    assert [entry.key for entry in entries] == [before.key, after.key]
    assert before.incident == after.incident
    (decides,) = deciding_looks(visited.ledger(), "visits")
    assert decides.harm.verdict == "broken"


def test_same_look_again_is_recorded_once(visited, direct):
    first = look_at(visited, MARCH, APRIL, as_of=LATE)
    assert look_at(visited, MARCH, APRIL, as_of=LATE).key == first.key
    assert len(visited.ledger().entries("visits", "look")) == 1


def test_shift_is_a_note_and_a_reason_to_train_only_where_that_is_wanted(visited, direct):
    note = look_at(visited, APRIL, MAY, as_of=LATE)
    assert (note.shift.verdict, note.shift.named("shifted")) == ("shifted", ("minutes",))
    assert (note.pages, note.decision.triggers, note.decision.retrain) == ((), (), False)

    wanting = type(visited).open(overrides=["retrain.policy=drift"])
    found = look_at(wanting, APRIL, MAY, as_of=LATE)
    assert (found.pages, found.decision.triggers, found.decision.retrain) == ((), ("drift",), True)
    visited.ledger().record("visits", "retraining", "v1:w", {"window_end": date(2024, 4, 20)})
    held = look_at(wanting, APRIL, MAY, as_of=at("06-02"))
    assert (held.decision.triggers, held.decision.held_by) == (("drift",), ("cooldown",))


def test_old_window_that_is_looked_at_after_a_new_one_stays_the_old_one(visited, direct):
    new = look_at(visited, APRIL, MAY, as_of=LATE)
    old = look_at(visited, MARCH, APRIL, as_of=LATE)
    assert [look.start for look in deciding_looks(visited.ledger(), "visits")] == [MARCH, APRIL]
    assert old.recent is None  # no window lies before it, whatever was looked at before
    assert {day.day.month for day in new.days} == {4}
    assert {day.day.month for day in old.days} == {3}
    assert look_at(visited, APRIL, MAY, as_of=at("06-02")).recent is not None


def test_window_that_the_champion_has_seen_whole_is_refused(visited, direct):
    with pytest.raises(ConfigError, match="has seen this whole window") as caught:
        look_at(visited, FEBRUARY, MARCH)
    assert caught.value.code == "MON001"
    assert direct.names == []


def test_rows_of_a_window_that_the_champion_has_seen_are_judged_by_nobody(visited, direct):
    whole = look_at(visited, date(2024, 2, 15), date(2024, 3, 16), as_of=LATE)
    unseen = look_at(visited, MARCH, date(2024, 3, 16), as_of=LATE)
    assert (whole.seen_until, unseen.seen_until) == (MARCH, None)
    assert (whole.rows, unseen.rows) == (30 * 15, 15 * 15)
    assert whole.days == unseen.days
    assert (whole.performance, whole.labels) == (unseen.performance, unseen.labels)
    assert whole.labels.n_due == whole.shift.n_window == whole.faults.n_window == 15 * 15


def test_window_that_begins_after_the_time_of_the_look_is_refused(visited, direct):
    with pytest.raises(ConfigError, match="nothing of it is known") as caught:
        look_at(visited, MARCH, APRIL, as_of=at("02-29T23:59"))
    assert caught.value.code == "MON002"
    assert direct.names == []
    assert look_at(visited, MARCH, APRIL, as_of=at("03-01T12:00")).shift.n_window < 15


def test_labels_younger_than_their_delay_decide_nothing(visited, direct):
    early = look_at(visited, APRIL, MAY, as_of=at("04-03"))
    assert early.shift.n_window == 2 * 15  # rows that had happened, and of the second day no label was due
    assert (early.labels.n_due, early.labels.end) == (15, at("04-02"))
    assert [(day.day, day.n) for day in early.days] == [(APRIL, 15)]


def test_nothing_is_judged_before_the_first_label_is_due(visited, direct):
    look = look_at(visited, MARCH, APRIL, as_of=at("03-02"))
    assert (look.days, look.labels.n_due, look.performance.verdict) == ((), 0, "unknown")
    assert look.harm.verdict == "not enough data"


def test_empty_window_is_no_traffic_and_no_failed_job(visited, direct):
    look = look_at(visited, MAY, date(2024, 5, 31), as_of=LATE)
    assert (look.rows, look.shift.verdict, look.faults.verdict, look.labels.verdict) == (0, *["no traffic"] * 3)
    assert (look.performance.verdict, look.harm.verdict, look.days) == ("unknown", "not enough data", ())
    assert (look.pages, look.report, look.decision.retrain) == ((), None, False)


def test_circuit_opens_after_the_attempts_that_harm_outlived_and_is_told_once(visited, direct):
    looking.bring(visited, looking.flipped(looking.source(visited), "04-01"))
    project = type(visited).open(overrides=["retrain.attempts=2", "retrain.cooldown_days=0", "retrain.min_labels=50"])
    decisions, pages = [], []
    for first in (1, 8, 15, 22):
        look = look_at(project, date(2024, 4, first), date(2024, 4, first + 7), as_of=LATE)
        assert look.harm.verdict == "broken"
        decisions.append((look.decision.retrain, look.decision.circuit_open))
        pages.append(["circuit open" in page for page in look.pages])
        if look.decision.retrain:
            project.ledger().record(
                "visits", "retraining", look.incident, {"window_end": look.end, "triggers": look.decision.triggers}
            )
    assert decisions == [(True, False), (True, False), (False, True), (False, True)]
    assert pages == [[False], [False], [False, True], [False]]


def test_fault_of_the_data_holds_back_what_harm_would_start(visited, direct):
    rows = looking.flipped(looking.source(visited), "04-01")
    looking.bring(visited, rows.assign(pages=rows["pages"].mask(looking.since(rows, "04-01"), 0.0)))
    look = look_at(visited, APRIL, MAY, as_of=LATE)
    assert (look.faults.verdict, look.faults.columns[0].column) == ("fault", "pages")
    assert look.pages[0].startswith("data fault: ")
    assert "harm" in look.decision.triggers
    assert not look.decision.retrain
    assert "until the data is mended: pages" in look.decision.summary


def test_monitoring_without_a_champion_runs_no_step(fresh, direct):
    with pytest.raises(ConfigError) as caught:
        look_at(fresh, MARCH, APRIL)
    assert caught.value.code == "STA001"
    assert direct.names == []


def test_digest_of_what_made_a_look_follows_the_parameters_but_not_the_period(visited):
    assert made_with(visited.for_period(APRIL, MAY)) == made_with(visited)
    moved = type(visited).open(overrides=["drift.alpha=0.02"])
    assert made_with(moved) != made_with(visited)


@pytest.mark.parametrize(
    ("delay", "zone", "day"),
    [(0, "UTC", "2024-04-10"), (3, "UTC", "2024-04-07"), (3, "America/New_York", "2024-04-06")],
)
def test_last_known_day_is_the_local_day_of_the_time_less_the_delay(contract, delay, zone, day):
    slow = contract.model_copy(update={"label_delay_days": delay, "timezone": zone})
    assert str(last_known_day(at("04-10T02:00"), slow)) == day


def test_run_of_an_open_project_is_named_after_its_window(visited, direct, monkeypatch):
    asked = {}

    def at_once(name, project, body, **given):
        asked.update(given, name=name)
        return body()

    monkeypatch.setattr(monitoring, "run_opened", at_once)
    look = monitoring.run_monitoring(visited, MARCH, APRIL, as_of=LATE)
    assert (asked["name"], asked["why"], asked["as_of"]) == ("monitoring", "2024-03", LATE)
    assert look.start == MARCH


POLICY = "decision: {degree: partial, error: 0.1, audit: 0.1}\n"
PARTIAL = Automation(degree="partial", error=0.1, confidence=0.95, audit=0.1)


def automatic(project, monkeypatch, *, wrong):
    """Let a champion answer March by itself, of which a tenth is audited and labelled; return the project."""
    path = project.settings.project / "configs" / "visits" / "contract.yaml"
    path.write_text(path.read_text() + POLICY)
    project = Project.open()
    degree.change(project.ledger(), "visits", PARTIAL, after=None, because={"by": "ada", "reason": "earned"})
    monkeypatch.setattr(degree, "automatic_since", lambda *_: looking.at("02-20"))
    rows = looking.source(project)
    march = rows[looking.since(rows, "03-01") & ~looking.since(rows, "04-01")]
    march = pd.concat([march] * 10).sort_values("at").reset_index(drop=True)
    march = march.assign(visit=march["visit"] + 10_000)  # rows whose labels the source does not know
    rng = np.random.default_rng(3)
    sure = np.where(rng.random(len(march)) < 0.5, 0.999, 0.001)
    rules = np.where(rng.random(len(march)) < 0.1, "audit:0.1", "threshold")
    ids = looking.serve(project, march, sure, rules=rules.tolist())
    said = rules == "audit:0.1"
    truth = (sure > 0.5) ^ (rng.random(len(march)) < wrong)
    looking.label(project, [name for name, is_in in zip(ids, said, strict=True) if is_in], truth[said], at("05-02"))
    return project


def test_promise_of_automatic_answers_is_watched_by_their_audit_and_kept(visited, direct, monkeypatch):
    project = automatic(visited, monkeypatch, wrong=0.03)
    look = look_at(project, MARCH, APRIL, as_of=LATE)
    assert look.automatic.verdict in ("kept", "not enough data")
    assert look.automatic.n_labels == sum(day.n for day in look.automatic_days) > 300
    assert look.automatic.promise.at_most == 0.1
    assert degree.standing(project.ledger(), "visits") == PARTIAL


def test_broken_promise_of_automatic_answers_is_a_page_and_people_decide_from_then_on(visited, direct, monkeypatch):
    project = automatic(visited, monkeypatch, wrong=0.4)
    look = look_at(project, MARCH, APRIL, as_of=LATE)
    assert look.automatic.verdict == "broken"
    assert any(page.startswith("automation: error above what was promised") for page in look.pages)
    entry = degree.last_entry(project.ledger(), "visits")
    assert degree.automation_of(entry) == PARTIAL.model_copy(update={"degree": "assist"})
    assert (entry.payload["by"], entry.payload["reason"]) == ("monitor", look.automatic.evidence)


def test_without_a_policy_nothing_is_promised_of_automatic_answers(visited, direct):
    assert look_at(visited, MARCH, APRIL, as_of=LATE).automatic is None
