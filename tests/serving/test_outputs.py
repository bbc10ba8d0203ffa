"""What a model's answers and inputs count as, against numpy's own counting."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import released

from evergreen.config.contract.contract import Contract
from evergreen.learning.model.release import Release
from serving.cells import Cells, parse
from serving.families import PROBABILITIES
from serving.outputs import FEW, Meter
from serving.references import Reference

RELEASE = Release(model="parcels", version=1, model_digest="0" * 64, threshold=0.4)


def contract(target: str) -> Contract:
    """Return the contract of parcels with a target of another type."""
    data = released.CONTRACT.model_dump(exclude_unset=True)
    data["columns"] = [*data["columns"][:-1], {"name": "late", "type": target, "role": "target"}]
    return Contract.model_validate(data)


def meter(cells: Cells, target: str = "boolean", classes: tuple[str, ...] = (), **reference: object) -> Meter:
    model = SimpleNamespace(contract=contract(target), classes=classes, given=())
    return Meter(cells, RELEASE, model, Reference(**reference))


def counted(cells: Cells, name: str) -> dict[str, float]:
    """Return what was counted, by the label or the bound, without zeros."""
    return {series[-1]: value for series, value in parse(cells.content()).items() if series[0] == name and value}


SIZES = pytest.mark.parametrize("n", [1, FEW, FEW + 1, 2_000])


@SIZES
def test_probabilities_are_counted_by_label_from_the_threshold_on_and_in_tenths(n):
    probabilities = np.random.default_rng(n).random(n)
    probabilities[:1] = 0.4
    cells = Cells(None)
    meter(cells).count_estimates(probabilities)
    assert counted(cells, "evergreen_predictions_total") == {
        label: number
        for label, number in (("true", (probabilities >= 0.4).sum()), ("false", (probabilities < 0.4).sum()))
        if number
    }
    tenths = Counter(format(next(bound for bound in PROBABILITIES if p <= bound), "g") for p in probabilities)
    assert counted(cells, "evergreen_probability_bucket") == tenths
    assert counted(cells, "evergreen_probability_sum") == {
        "evergreen_probability_sum": pytest.approx(sum(probabilities))
    }
    assert counted(cells, "evergreen_outputs_total") == {"given": n}


@SIZES
def test_classes_are_counted_by_the_likeliest_and_its_probability(n):
    estimates = np.random.default_rng(n).dirichlet((1, 1, 1), n)
    cells = Cells(None)
    meter(cells, "category", ("sea", "air", "road")).count_estimates(estimates)
    expected = Counter(("sea", "air", "road")[number] for number in estimates.argmax(axis=1))
    assert counted(cells, "evergreen_predictions_total") == expected
    assert sum(counted(cells, "evergreen_probability_bucket").values()) == n
    total = counted(cells, "evergreen_probability_sum")["evergreen_probability_sum"]
    assert total == pytest.approx(estimates.max(axis=1).sum())


@SIZES
def test_values_are_counted_between_the_cuts_of_the_reference(n):
    values = np.random.default_rng(n).normal(size=n)
    values[:1] = -0.5  # a value on a cut lies below it, as Prometheus has it
    cells = Cells(None)
    meter(cells, "number", values=(-0.5, 0.5)).count_estimates(values)
    expected = {
        "-0.5": (values <= -0.5).sum(),
        "0.5": ((values > -0.5) & (values <= 0.5)).sum(),
        "inf": (values > 0.5).sum(),
    }
    assert counted(cells, "evergreen_value_bucket") == {bound: number for bound, number in expected.items() if number}
    assert counted(cells, "evergreen_predictions_total") == {"": n}


@pytest.mark.parametrize("n", [3, FEW + 3])
@pytest.mark.parametrize("missing", [np.nan, np.inf])
@pytest.mark.parametrize(("target", "classes"), [("boolean", ()), ("number", ()), ("category", ("a", "b"))])
def test_estimate_that_is_no_number_is_null_and_counts_nowhere_else(n, missing, target, classes):
    estimates = np.full((n, 2) if classes else n, 0.5)
    estimates[1] = missing
    cells = Cells(None)
    meter(cells, target, classes, values=(1.0,)).count_estimates(estimates)
    assert counted(cells, "evergreen_outputs_total") == {"given": n - 1, "null": 1}
    assert sum(counted(cells, "evergreen_predictions_total").values()) == n - 1
    name = "evergreen_value_bucket" if target == "number" else "evergreen_probability_bucket"
    assert sum(counted(cells, name).values()) == n - 1


def test_of_many_classes_the_most_frequent_of_the_reference_have_a_label_and_the_rest_is_other():
    classes = tuple(f"c{number:03}" for number in range(200))
    cells = Cells(None)
    counts = meter(cells, "category", classes, common=tuple(reversed(classes)))
    counts.count_estimates(np.eye(200))
    found = counted(cells, "evergreen_predictions_total")
    assert found == {**dict.fromkeys(classes[150:], 1), "other": 150}


def test_values_of_a_later_model_are_cut_as_those_of_the_first():
    cells = Cells(None)
    meter(cells, "number", values=(1.0, 2.0)).count_estimates(np.array([1.5]))
    meter(cells, "number", values=(5.0, 6.0)).count_estimates(np.array([5.5]))
    assert counted(cells, "evergreen_value_bucket") == {"2": 1, "inf": 1}


def test_missing_inputs_and_unseen_categories_are_counted_by_feature():
    cells = Cells(None)
    counts = meter(cells, categories={"carrier": {"sea", "air"}, "size": {"S", "M"}})
    names = [column.name for column in released.CONTRACT.request_columns]
    row = {"handed_in": 1, "carrier": "sea", "size": "S", "weight": 1.0, "stops": 2, "insured": True, "copy": 0.5}
    odd = [{}, {"weight": None, "carrier": "rail"}, {"size": None, "weight": None}, {"size": "XL", "carrier": "rail"}]
    counts.count_inputs([[{**row, **change}[name] for name in names] for change in odd])
    assert counted(cells, "evergreen_missing_inputs_total") == {"weight": 2, "size": 1}
    assert counted(cells, "evergreen_unseen_categories_total") == {"carrier": 2, "size": 1}
