"""The report of a training in a job's summary."""

from cli.job_summary import markdown
from evergreen.record.outcomes import TrainingOutcome


def test_metric_that_the_baseline_or_the_committed_report_lacks_is_not_applicable():
    outcome = TrainingOutcome.model_construct(
        model="parcels",
        verdict="promoted",
        version=3,
        reason="every check passed",
        checks=(),
        metrics={"roc_auc": 0.75, "precision": 0.5},
        baseline_metrics={"roc_auc": 0.7},
        model_digest="a" * 64,
        data_digest="b" * 64,
        code_digest="c" * 64,
        params_digest="d" * 64,
    )

    text = markdown(outcome, {"roc_auc": 0.74})

    assert "| roc_auc | 0.7500 | 0.7000 | 0.7400 | +0.0100 |" in text
    assert "| precision | 0.5000 | n/a | n/a | n/a |" in text
