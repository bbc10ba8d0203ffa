"""What a look finds in this process: in rows that were served, or else at the source, whatever state they are in."""

from datetime import date

import looking
import numpy as np
import pytest
from looking import APRIL, LATE, MARCH, MAY, at
from sklearn.metrics import roc_auc_score

from evergreen.record.outcomes import champion_facts
from evergreen.record.reference import Reference
from flows.monitoring import look_at

WEEK = date(2024, 3, 1), date(2024, 3, 8)


@pytest.fixture
def direct(monkeypatch):
    return looking.directly(monkeypatch)


@pytest.fixture
def week(visited):
    """The rows of a week of which each third one was served, with what the model said of them."""
    rows = looking.source(visited)
    return rows[(rows["at"] >= at("03-01")) & (rows["at"] < at("03-08"))].iloc[::3].reset_index(drop=True)


# -- what was served ---------------------------------------------------------------------------------------------


def test_what_was_served_is_looked_at_and_judged_by_what_came_back(visited, direct, week):
    said = np.linspace(0.05, 0.95, len(week))
    ids = looking.serve(visited, week, said)
    truth = np.random.default_rng(1).random(len(week)) < said
    looking.label(visited, ids, truth, at("05-02"))

    look = look_at(visited, *WEEK, as_of=LATE)
    assert (look.source, look.rows, look.shift.n_window, look.faults.n_window) == ("served", *[len(week)] * 3)
    assert (look.labels.verdict, look.labels.n_labelled) == ("complete", len(week))
    assert look.performance.value == pytest.approx(roc_auc_score(truth, said), abs=1e-12)
    assert sum(day.loss for day in look.days) == pytest.approx(((said - truth) ** 2).sum())
    assert "score" not in direct.names


def test_labels_that_come_back_later_are_seen_by_the_look_as_of_then(visited, direct, week):
    elsewhere = week.assign(visit=week["visit"] + 10_000)  # rows whose labels the source does not know
    ids = looking.serve(visited, elsewhere, np.full(len(week), 0.5))
    looking.label(visited, ids, week["returned"], at("05-02"))
    before = look_at(visited, *WEEK, as_of=at("05-01T12:00"))
    after = look_at(visited, *WEEK, as_of=at("05-02T12:00"))
    assert (before.labels.verdict, before.days) == ("none", ())
    assert (after.labels.verdict, len(after.days)) == ("complete", 7)
    assert before.key != after.key


def test_what_another_version_answered_is_looked_at_and_not_judged(visited, direct, week):
    ids = looking.serve(visited, week, np.full(len(week), 0.5), version=2)
    looking.label(visited, ids, week["returned"], at("05-02"))
    look = look_at(visited, *WEEK, as_of=LATE)
    assert (look.source, look.shift.n_window) == ("served", len(week))
    assert (look.labels.verdict, look.performance.verdict, look.days) == ("no traffic", "unknown", ())


# -- data in every state -----------------------------------------------------------------------------------------


def test_column_that_is_gone_is_a_fault_and_nothing_else_is_known(visited, direct):
    looking.bring(visited, looking.source(visited).drop(columns="pages"))
    look = look_at(visited, MARCH, APRIL, as_of=LATE)
    assert (look.faults.verdict, look.shift.verdict) == ("fault", "unknown")
    assert "pages" in look.faults.evidence
    assert look.pages[0].startswith("data fault: ")
    assert (look.labels.verdict, look.performance.verdict, look.days) == ("unknown", "unknown", ())
    assert (look.decision.retrain, look.decision.unknown) == (False, True)


def test_source_that_cannot_be_read_is_a_fault(visited, direct):
    (visited.settings.project / "visits.csv").write_bytes(b"\x00\xff\xfe no table\n\x00")
    look = look_at(visited, MARCH, APRIL, as_of=LATE)
    assert (look.faults.verdict, look.shift.verdict, look.labels.verdict) == ("fault", "unknown", "unknown")


def test_unit_of_a_column_is_named_although_the_contract_refuses_its_rows(visited, direct):
    project = looking.asking(visited, "{name: pages, ", "{name: pages, min: -9, max: 9, ")
    rows = looking.source(project)
    looking.bring(project, rows.assign(pages=rows["pages"].where(~looking.since(rows, "04-01"), rows["pages"] * 1000)))
    look = look_at(project, APRIL, MAY, as_of=LATE)
    assert look.faults.verdict == "fault"
    assert "pages" in {fault.column for fault in look.faults.columns if fault.kind != "refused"}
    assert "pages" in look.pages[0]
    assert (look.labels.verdict, look.performance.verdict) == ("unknown", "unknown")
    assert look.shift.n_window == 30 * 15  # rows that validation sets aside are looked at all the same


def test_few_rows_that_break_the_contract_are_set_aside_and_the_rest_is_judged(visited, direct):
    project = looking.asking(visited, "{name: pages, ", "{name: pages, min: -9, max: 9, ")
    rows = looking.source(project)
    bad = rows.index[rows["at"] >= at("03-01")][:5]
    looking.bring(project, rows.assign(pages=rows["pages"].mask(rows.index.isin(bad), 99.0)))
    look = look_at(project, MARCH, APRIL, as_of=LATE)
    assert (look.quarantined, look.rows, look.labels.n) == (5, 31 * 15, 31 * 15 - 5)
    assert look.faults.verdict == "none"


@pytest.mark.parametrize(
    ("column", "broken", "kind"),
    [
        ("pages", lambda values: values * 1000, "unit"),
        ("minutes", lambda values: values * 0 + 1.5, "constant"),
        ("minutes", lambda values: values.mask(np.arange(len(values)) % 10 > 0), "missing"),
    ],
)
def test_one_broken_column_is_a_fault_and_a_page_in_its_window(visited, direct, column, broken, kind):
    project = looking.asking(visited, f"{{name: {column}, ", f"{{name: {column}, nullable: true, ")
    rows = looking.source(project)
    looking.bring(
        project, rows.assign(**{column: rows[column].where(~looking.since(rows, "03-01"), broken(rows[column]))})
    )
    look = look_at(project, MARCH, APRIL, as_of=LATE)
    assert (column, kind) in {(fault.column, fault.kind) for fault in look.faults.columns}
    assert look.pages[0].startswith("data fault: ")


# -- what a version is compared with -----------------------------------------------------------------------------


def test_version_without_a_reference_gets_one_at_its_first_look(visited, direct):
    facts = champion_facts(visited.ledger(), "visits")
    frozen = Reference.read(visited.workspace.path(facts.reference.uri), facts.reference.sha256)
    bare = facts.model_copy(update={"reference": None})
    epoch = visited.ledger().champion("visits").epoch
    visited.ledger().promote("visits", 1, bare.model_dump(mode="json"), expected_epoch=epoch)
    assert visited.champion().reference is None

    look = look_at(visited, MARCH, APRIL, as_of=LATE)
    assert direct.names[:2] == ["reference", "served"]
    assert look.shift.n_reference == frozen.features.n_rows
    promised = frozen.promise("binary", threshold=facts.threshold, loss=None, tolerance=0.02)
    assert look.harm.promise.at_gate == pytest.approx(promised.at_gate)


def test_fresh_model_is_asked_where_the_promise_is_broken_and_only_there(visited, direct):
    look_at(visited, MARCH, APRIL, as_of=LATE)
    assert "fresh" not in direct.names
    looking.bring(visited, looking.flipped(looking.source(visited), "04-01"))
    look = look_at(visited, APRIL, MAY, as_of=LATE)
    assert look.harm.verdict == "broken"
    assert "fresh" in direct.names


def test_windows_before_are_the_reference_that_slides(visited, direct):
    first = look_at(visited, date(2024, 3, 1), date(2024, 3, 15), as_of=LATE)
    second = look_at(visited, date(2024, 3, 15), APRIL, as_of=LATE)
    third = look_at(visited, APRIL, MAY, as_of=LATE)
    assert first.recent is None
    assert (second.recent.n_reference, third.recent.n_reference) == (14 * 15, 31 * 15)
    assert third.recent.named("shifted") == ("minutes",)
    assert third.harm.n_days == 61  # the promise is watched over the champion's whole life


def test_look_in_the_past_knows_nothing_of_looks_that_were_made_later(visited, direct):
    look_at(visited, APRIL, MAY, as_of=LATE)
    back = look_at(visited, MARCH, APRIL, as_of=at("04-02"))
    assert (back.harm.n_days, back.harm.n_labels) == (31, 31 * 15)
