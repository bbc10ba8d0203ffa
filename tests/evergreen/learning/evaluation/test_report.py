"""The values of an evaluation: plain numbers that JSON can hold."""

import numpy as np

from evergreen.learning.evaluation import Report, measure
from evergreen.learning.evaluation.estimates import Estimates


def test_report_is_read_back_from_json_as_it_was():
    rng = np.random.default_rng(7)
    found = measure(rng.random(200) < 0.5, Estimates("binary", rng.random(200)))
    report = Report(
        family="gradient_boosting",
        baseline_family="logistic",
        candidate=found,
        baseline=found,
        train=found,
        n_train=10,
        n_test=200,
        baselines={"prior": found},
        intervals={"roc_auc": (0.4, 0.6)},
        unit="day",
        n_clusters=30,
    )

    assert Report.model_validate_json(report.model_dump_json()) == report
    assert (report.unit, report.n_clusters) == ("day", 30)
    assert {type(value) for value in report.candidate.values()} == {float}
