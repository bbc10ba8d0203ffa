"""The card of a version says what the proof, the log and the ledger hold, and no personal value is on it."""

from datetime import UTC, date, datetime

import carded
import gates

from evergreen.config.card import CardText
from evergreen.record.plan.commits import Commit


def test_details_are_those_of_the_version_that_answers(honest):
    details = honest.card.details
    assert (details.name, details.version, details.task, details.target) == ("tumours", 3, "binary", "benign")
    assert details.digest == details.judged_digest == honest.facts.artifact.sha256
    assert details.parameters == honest.proof.candidate.best.params
    assert (details.commit, details.author, details.run_id) == ("c0" * 20, "Ada <ada@example.org>", "r" * 32)
    assert details.trained_at == gates.NOW


def test_every_metric_is_the_logged_one_and_the_one_that_decides_comes_first(honest):
    first, *_ = metrics = honest.card.evaluation.metrics
    report = honest.proof.candidate.report
    assert first.metric == "roc_auc"
    assert {one.metric: one.value.value for one in metrics} == report.candidate
    assert {one.metric: (one.low.value, one.high.value) for one in metrics} == report.intervals
    assert {one.metric: one.others["prior"].value for one in metrics} == report.baselines["prior"]
    assert {name: honest.metrics[name] for name in ("roc_auc_low", "train_roc_auc")} == {
        "roc_auc_low": first.low.value, "train_roc_auc": first.others["train"].value,
    }  # fmt: skip


def test_metric_that_was_not_logged_is_said_to_be_undefined(honest):
    card = honest._replace(metrics={"roc_auc": 0.75}).card
    assert [one.metric for one in card.evaluation.metrics] == ["roc_auc"]
    assert card.evaluation.metrics[0].low is None
    assert {"log_loss", "recall"} <= set(card.evaluation.undefined)
    assert card.data.kept is None


def test_decisions_are_those_of_this_version_with_who_and_why(honest):
    entries = (
        carded.entry("promotion", {"predecessor": 1, "judged": {"reason": "requested: better"}}, version=2),
        carded.entry("approval", {"by": "ada", "reason": "looked at it", "door": "cli"}),
        carded.entry("promotion", {"predecessor": 2, "judged": {"reason": "requested: better"}}),
        carded.entry("judgement", {"by": "nobody"}),
        carded.entry("rollback", {"by": "bob", "reason": "version 4 harms", "predecessor": 4}),
    )
    card = honest._replace(entries=entries).card
    assert [(one.kind, one.by, one.reason) for one in card.decisions] == [
        ("approval", "ada", "looked at it"),
        ("promotion", "gate", "requested: better"),
        ("rollback", "bob", "version 4 harms"),
    ]
    assert card.details.predecessor == 2


def test_what_nobody_said_is_named_as_missing(honest):
    proof = honest.proof.model_copy(update={"card": None})
    card = honest._replace(proof=proof).card
    assert card.people == CardText()
    assert card.missing == tuple(CardText.model_fields)


def test_personal_and_protected_columns_are_named(honest):
    assert honest.card.protected == ("ward",)
    assert [part.name for part in honest.card.evaluation.slices] == ["ward a", "ward missing"]
    columns = tuple(
        column.model_copy(update={"pii": "hash"}) if column.name == "note" else column
        for column in honest.proof.contract.columns
    )
    contract = honest.proof.contract.model_copy(update={"columns": columns})
    card = honest._replace(proof=honest.proof.model_copy(update={"contract": contract})).card
    assert card.personal == ("note",)
    assert {one.name: one.personal for one in card.data.columns if one.personal} == {"note": "hash"}


def test_limits_say_what_the_evidence_cannot(honest):
    (unasked,) = [limit for limit in honest.card.limits if limit.startswith("Not asked")]
    assert "GT004 champion (there is no champion to compare with)" in unasked
    assert not [limit for limit in honest.card.limits if "commit" in limit]

    dirty = honest.proof.model_copy(update={"commit": Commit(sha="c" * 40, changed=("params.yaml",))})
    refitted = honest.facts.model_copy(update={"as_judged": honest.proof.candidate.baseline})
    card = honest._replace(proof=dirty, facts=refitted).card
    assert [limit for limit in card.limits if "fitted again" in limit]
    assert [limit for limit in card.limits if "nobody can be sure to make it again" in limit]
    assert card.details.judged_digest != card.details.digest


def test_period_is_said_of_a_table_with_time_alone(honest):
    assert (honest.card.data.start, honest.card.data.end, honest.card.data.rows_end) == (None, None, None)
    split = honest.proof.candidate.split.model_copy(update={"end": date(2024, 3, 1)})
    candidate = honest.proof.candidate.model_copy(update={"split": split})
    card = honest._replace(proof=honest.proof.model_copy(update={"candidate": candidate})).card
    assert card.data.rows_end == date(2024, 3, 1)


def test_classes_of_a_personal_target_are_numbered(honest):
    columns = tuple(
        column.model_copy(update={"pii": "keep"}) if column.role == "target" else column
        for column in honest.proof.contract.columns
    )
    contract = honest.proof.contract.model_copy(update={"columns": columns})
    card = honest._replace(proof=honest.proof.model_copy(update={"contract": contract})).card
    assert card.details.classes == ("class 0", "class 1")


def test_card_survives_a_trip_through_json(honest):
    card = honest.card
    assert type(card).model_validate_json(card.model_dump_json()) == card
    assert card.details.trained_at == datetime(2026, 3, 1, tzinfo=UTC)
