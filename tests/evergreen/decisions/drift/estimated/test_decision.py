"""Performance without labels: near what the labels show while p(y|x) holds, and blind where it does not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest
from shifted import World, world
from sklearn.metrics import roc_auc_score

from evergreen.decisions.drift.estimated.decision import Estimated, decide
from evergreen.decisions.drift.estimated.rows import Rows
from evergreen.learning.evaluation.clusters import Clusters


def _estimates(n: int, *, features: bool, seed: int = 1, **of_window: float) -> list[tuple[World, World, Estimated]]:
    generator = np.random.default_rng(seed)
    shared = of_window.get("shared", 0.0)
    found = []
    for _ in range(n):
        gate, window = world(generator, shared=shared), world(generator, **of_window)
        found.append(
            (gate, window, decide("binary", gate.rows(labels=True, features=features), window.rows(features=features)))
        )
    return found


def _gate(**about: Any) -> World:
    return world(np.random.default_rng(0), **about)


def test_an_estimate_follows_a_shift_that_the_probabilities_alone_cannot_tell() -> None:
    off: dict[str, list[float]] = {"gate": [], "CBPE": [], "PAPE": []}
    for features in (False, True):
        for gate, window, found in _estimates(8, features=features, shift=0.5):
            assert found.method is not None
            assert found.loss is not None
            off[found.method].append(abs(found.loss - window.realised))
            off["gate"].append(abs(gate.realised - window.realised))
    means = {name: float(np.mean(values)) for name, values in off.items()}
    assert means["PAPE"] < 0.012 < means["CBPE"] < means["gate"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("of_window", "most_off"),
    [({}, 0.007), ({"shift": 0.5}, 0.01), ({"shift": 1.0}, 0.019), ({"spread": 1.4}, 0.012), ({"shared": 0.5}, 0.01)],
)
def test_an_estimate_is_near_the_realised_loss_campaign(of_window: dict[str, float], most_off: float) -> None:
    found = _estimates(100, features=True, **of_window)
    off = [abs(each.loss - window.realised) for _, window, each in found if each.loss is not None]
    assert len(off) >= 95
    assert np.mean(off) < most_off


def _covered(n: int, **of_window: float) -> float:
    truth = world(np.random.default_rng(98), n_days=3_000, **of_window).brier
    found = [each for _, _, each in _estimates(n, features=True, seed=2, **of_window)]
    return float(np.mean([each.loss_low <= truth <= each.loss_high for each in found]))  # type: ignore[operator]


def test_intervals_hold_the_truth() -> None:
    assert _covered(12, shared=0.5) >= 10 / 12


@pytest.mark.long
@pytest.mark.parametrize("of_window", [{}, {"shared": 0.5}, {"shift": 0.5}])
def test_intervals_hold_the_truth_campaign(of_window: dict[str, float]) -> None:
    assert 0.88 <= _covered(200, **of_window) <= 0.995


def test_errors_that_days_have_in_common_make_the_interval_wider() -> None:
    gate, window = _gate(), _gate(shift=0.2)
    flipped = np.random.default_rng(4).random(30)[gate.days] < 0.2
    by_day = replace(gate.rows(labels=True, features=False), labels=gate.labels ^ flipped)
    alone = replace(by_day, clusters=Clusters("row", np.arange(len(gate.said))))
    widths = [
        found.loss_high - found.loss_low  # type: ignore[operator]
        for found in (decide("binary", rows, window.rows(features=False)) for rows in (by_day, alone))
    ]
    assert widths[0] > 2 * widths[1]


def test_concept_drift_is_invisible_to_it_and_it_says_so() -> None:
    for gate, window, found in _estimates(3, features=True, concept=-1.5):
        assert found.loss is not None
        assert found.loss_high is not None
        assert abs(found.loss - gate.realised) < 0.01
        assert window.realised > found.loss_high + 0.03
        assert found.blind in found.evidence


def test_no_verdict_of_it_pages_and_none_of_it_sees() -> None:
    found = decide("binary", _gate().rows(labels=True), _gate().rows())
    schema = Estimated.model_json_schema()["properties"]
    assert schema["verdict"]["enum"] == ["estimated", "not enough data", "unknown"]
    with pytest.raises(pydantic.ValidationError):
        Estimated.model_validate(found.model_dump() | {"blind": "sees everything"})


def test_metrics_of_the_gate_are_those_of_its_labels() -> None:
    gate = _gate()
    found = decide("binary", gate.rows(labels=True), gate.rows(), threshold=0.3)
    assert found.gate_value == pytest.approx(roc_auc_score(gate.labels, gate.said))
    assert found.gate_loss == pytest.approx(gate.realised)
    assert found.gate_accuracy == pytest.approx(np.mean((gate.said >= 0.3) == gate.labels))


def test_the_same_rows_give_nearly_what_their_labels_show_and_twice_the_same() -> None:
    gate = _gate()
    found, again = (decide("binary", gate.rows(labels=True), gate.rows(), loss="error") for _ in range(2))
    assert found == again
    assert found.value == pytest.approx(found.gate_value, abs=0.01)
    assert found.loss == pytest.approx(np.mean((gate.said >= 0.5) != gate.labels), abs=1e-6)
    assert found.accuracy == pytest.approx(1 - found.loss)  # type: ignore[operator]
    assert found.accuracy_low == pytest.approx(1 - found.loss_high)  # type: ignore[operator]


def test_a_window_that_lies_elsewhere_is_not_estimated() -> None:
    generator = np.random.default_rng(0)
    for shift in (3.0, 10.0):
        found = decide("binary", _gate().rows(labels=True), world(generator, shift=shift).rows())
        assert found.verdict == "not enough data"
        assert "lies where the reference has few rows" in found.evidence
        assert found.value is found.loss is found.accuracy is None


def test_many_rows_are_drawn_from() -> None:
    generator = np.random.default_rng(0)
    gate, window = (world(generator, per_day=1_000) for _ in range(2))
    found = decide("binary", gate.rows(labels=True), window.rows())
    assert "20000 labelled rows" in found.evidence
    assert found.n_window == 30_000
    assert found.loss == pytest.approx(window.realised, abs=0.008)


def test_a_class_is_expected_to_be_right_as_often_as_the_gate_says_at_its_confidence() -> None:
    generator = np.random.default_rng(0)

    def rows(n: int, low: float) -> Rows:
        said = generator.uniform(low, 1, n)
        answers = generator.choice(["a", "b", "c"], n)
        is_right = generator.random(n) < said - 0.2  # too sure by 0.2
        labels = np.where(is_right, answers, np.where(answers == "a", "b", "a"))
        return Rows(said, Clusters("day", np.arange(n) // 100, True), labels=labels.astype(object), answers=answers)

    gate, window = rows(3_000, 0.4), rows(3_000, 0.7)
    found = decide("multiclass", gate, replace(window, labels=None))
    assert (found.metric, found.loss_name) == ("accuracy", "error")
    assert found.value == pytest.approx(0.65, abs=0.02)
    assert found.loss == pytest.approx(0.35, abs=0.02)


def test_a_number_is_expected_to_be_as_far_off_as_the_gate_was_where_the_window_lies() -> None:
    generator = np.random.default_rng(0)

    def rows(share: float) -> Rows:
        noisy = generator.random(3_000) < share
        labels = 10 + generator.normal(0, np.where(noisy, 4, 1))
        features = pd.DataFrame({"noisy": np.where(noisy, "yes", "no")})
        return Rows(np.full(3_000, 10.0), Clusters("day", np.arange(3_000) // 100, True), labels, features=features)

    found = decide("regression", rows(0.2), replace(rows(0.6), labels=None), scale=8.0)
    of_normal = np.sqrt(2 / np.pi)
    assert (found.metric, found.method) == ("mae", "importance weighting")
    assert found.value == pytest.approx(of_normal * (0.6 * 4 + 0.4), abs=0.15)
    assert found.loss == pytest.approx(of_normal * (0.6 * 4 + 0.4) / 8, abs=0.03)
    assert found.gate_value == pytest.approx(of_normal * (0.2 * 4 + 0.8), abs=0.1)
    without = decide("regression", rows(0.2), replace(rows(0.6), labels=None))
    assert without.verdict == "estimated"
    assert without.loss is None


def _changed(rows: Rows, **columns: Any) -> Rows:
    return replace(rows, **columns)


NAN = np.full(1_800, np.nan)
ALL = np.ones(1_800, dtype=bool)
FEW = np.arange(1_800) < 9


@pytest.mark.parametrize(
    ("gate", "window", "verdict", "why"),
    [
        ({"labels": ALL}, {}, "unknown", "of one class"),
        ({"labels": ~ALL}, {}, "unknown", "of one class"),
        ({"labels": FEW}, {}, "not enough data", "9 of 1800 in the reference are true"),
        ({"labels": ~FEW}, {}, "not enough data", "9 of 1800 in the reference are false"),
        ({"labels": None}, {}, "not enough data", "0 rows of 0 days"),
        ({"labels": np.full(1_800, "yes", dtype=object)}, {}, "unknown", "not those of a binary target"),
        ({"labels": np.arange(1_800)}, {}, "unknown", "not those of a binary target"),
        ({"said": NAN}, {}, "unknown", "1800 of 1800 rows of the reference"),
        ({}, {"said": NAN}, "unknown", "1800 of 1800 rows of the window"),
        ({}, {"said": np.where(FEW, np.nan, 0.5)}, "unknown", "9 of 1800 rows of the window"),
        ({}, {"said": np.where(FEW, 1.5, 0.5)}, "unknown", "9 of 1800 rows of the window"),
        ({}, {"said": np.where(FEW, np.inf, 0.5)}, "unknown", "9 of 1800 rows of the window"),
        ({}, {"said": np.full(1_800, None)}, "unknown", "1800 of 1800 rows of the window"),
        ({}, {"clusters": Clusters("day", np.zeros(1_800, dtype=int), True)}, "not enough data", "1800 rows of 1 days"),
    ],
)
def test_what_cannot_be_estimated_is_told_and_not_guessed(
    gate: dict[str, Any], window: dict[str, Any], verdict: str, why: str
) -> None:
    found = decide("binary", _changed(_gate().rows(labels=True), **gate), _changed(_gate().rows(), **window))
    assert found.verdict == verdict
    assert why in found.evidence
    assert found.value is found.low is found.loss is found.method is None


@pytest.mark.parametrize("n", [0, 1, 49])
def test_a_window_of_few_rows_is_not_estimated(n: int) -> None:
    found = decide("binary", _gate().rows(labels=True), _gate().rows().of(np.arange(n)))
    assert found.verdict == "not enough data"
    assert f"the window has {n} rows" in found.evidence


def test_rows_of_the_reference_whose_label_is_not_known_do_not_count() -> None:
    gate = _gate()
    labels = np.where(gate.days < 20, gate.labels, None)
    found = decide("binary", replace(gate.rows(labels=True), labels=labels), _gate(shift=0.2).rows())
    assert found.verdict == "estimated"
    assert "1200 labelled rows" in found.evidence


@pytest.mark.parametrize("said", [0.0, 1.0, 0.3])
def test_a_model_that_always_says_the_same_is_estimated(said: float) -> None:
    gate = _gate()
    constant = np.full(1_800, said)
    found = decide("binary", replace(gate.rows(labels=True), said=constant), replace(gate.rows(), said=constant))
    assert found.verdict == "estimated"
    assert found.value == pytest.approx(0.5)
    assert found.accuracy == pytest.approx(np.mean(gate.labels == (said >= 0.5)), abs=0.01)


def test_a_model_that_is_always_right_is_not_certain_to_stay_so() -> None:
    gate = _gate()
    said = gate.labels.astype(np.float64)
    found = decide("binary", replace(gate.rows(labels=True), said=said), replace(gate.rows(), said=said))
    assert found.accuracy == pytest.approx(1)
    assert found.accuracy_low == pytest.approx(0.025 ** (1 / 30), abs=1e-6)


def test_labels_that_are_endless_numbers_are_refused() -> None:
    rows = Rows(np.arange(200.0), Clusters("row", np.arange(200)), labels=np.where(np.arange(200) == 7, np.inf, 1.0))
    assert decide("regression", rows, rows).verdict == "unknown"
    huge = replace(rows, labels=np.full(200, 1e308), said=np.full(200, -1e308))
    assert decide("regression", huge, huge).verdict == "unknown"


def test_a_loss_of_another_task_is_an_error() -> None:
    with pytest.raises(ValueError, match="multiclass task has no loss 'brier'"):
        decide("multiclass", _gate().rows(labels=True), _gate().rows(), loss="brier")
