"""Preprocessing, splits and the threshold in sentences."""

import pytest
import released

from evergreen.config.contract.contract import Contract
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.features import FeatureParams
from evergreen.record.registry.card import words


def features(**declared):
    return FeatureParams.model_validate({"rare_category": 5, "test_days": 7, "embargo_days": 2, **declared})


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"calendar": ["hour"]}, "Derived from handed_in in Europe/Paris: hour."),
        ({"cyclic": ["hour", "month"]}, "Derived from handed_in as a sine and a cosine each: hour, month."),
        ({"ratios": {"r": ["weight", "stops"]}}, "r: weight divided by stops."),
        ({"differences": {"d": ["weight", "stops"]}}, "d: weight minus stops."),
        (
            {"buckets": {"b": {"of": "weight", "edges": [1, 2.5]}}},
            "b: the interval that weight lies in, cut at 1, 2.5.",
        ),
        (
            {"lookups": {"l": {"file": "c.csv", "by": "carrier", "numeric": ["n"], "categorical": ["k"]}}},
            "l: n, k, looked up by carrier in c.csv.",
        ),
        (
            {"history": {"h": {"of": "late", "by": ["carrier"], "lag": 2}}},
            "h: late of 2 rows before of the same carrier, from rows strictly before.",
        ),
        (
            {"history": {"h": {"of": "late", "aggregate": "mean", "window_days": 1}}},
            "h: the mean of late in the 1 day before, from rows strictly before.",
        ),
        (
            {"history": {"h": {"aggregate": "count", "by": ["size"], "window_days": 5}}},
            "h: the count of rows in the 5 days before of the same size, from rows strictly before.",
        ),
        ({"functions": ["own.fast"]}, "own.fast: a function of the project's own."),
        (
            {"encode": {"carrier": "target"}},
            "Categories are encoded with the model: carrier by target; all others in the family's own way; those in "
            "fewer than 5 train rows share one code.",
        ),
        (
            {"numeric": {"impute": "zero", "missing_indicators": True, "scale": "robust"}},
            "Where the family takes no missing numbers, 0 stands for them, and a further column says where; where it "
            "wants one scale, they are scaled to median 0 and an interquartile range of 1.",
        ),
    ],
)
def test_each_way_to_make_features_is_said(declared, said):
    assert said in words.preprocessing(released.CONTRACT, features(**declared))
    assert said not in words.preprocessing(released.CONTRACT, features())


def test_joins_and_texts_are_said(contract, params):
    flights = words.preprocessing(contract, params.features)
    assert "Joined by tailnum: plane_year, manufacturer, engine, seats." in flights
    assert [one for one in flights if one.startswith("Joined by origin, as of scheduled_departure, never later: temp")]
    of_text = released.CONTRACT.model_copy(
        update={
            "columns": tuple(
                column.model_copy(update={"type": "text"}) if column.name == "carrier" else column
                for column in released.CONTRACT.columns
            )
        }
    )
    (said,) = [one for one in words.preprocessing(of_text, features()) if one.startswith("Texts")]
    assert said.startswith("Texts (carrier) become at most 20 numbers each: words counted by tfidf")


def test_split_of_a_table_with_time_names_days_and_gap(params):
    changed = params.model_copy(update={"features": features()})
    judging, gap, tuning = words.split(released.CONTRACT, changed)
    assert judging == "The last 7 days by handed_in, cut in Europe/Paris, judge; only the gate reads them."
    assert gap == "Nobody reads the 2 days before them, because their labels arrive late."
    assert tuning.endswith("ordered by time: each validates on rows after those it is fitted on.")
    without = params.model_copy(update={"features": features(embargo_days=0)})
    assert len(words.split(released.CONTRACT, without)) == 2


@pytest.mark.parametrize(
    ("key", "group", "by", "folds"),
    [
        (("parcel",), None, "parcel", "drawn with the seed"),
        ((), None, "all features", "drawn with the seed"),
        (("parcel",), "carrier", "carrier", "with the rows of a carrier together"),
    ],
)
def test_split_of_a_table_without_time_names_what_is_hashed(params, key, group, by, folds):
    columns = []
    for column in released.CONTRACT.columns:
        role = "ignore" if column.role == "time" else "group" if column.name == group else column.role
        columns.append({**column.model_dump(), "role": role})
    contract = Contract.model_validate(
        {**released.CONTRACT.model_dump(), "columns": columns, "key": key, "label_delay_days": 0}
    )
    changed = params.model_copy(update={"features": FeatureParams(rare_category=5, test_share=0.25)})
    judging, tuning = words.split(contract, changed)
    assert judging.startswith(f"About 25% of the rows judge, chosen by a hash of {by} and the seed")
    assert tuning.endswith(f"{folds}.")


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, "chosen on the validation rows of tuning, for the best balanced accuracy"),
        ({"costs": {"true": {"false": 5}}}, "chosen on the validation rows of tuning, for the least mean cost"),
        ({"threshold": 0.4}, "set by evaluate.threshold"),
        ({"threshold": {"precision": 0.6}}, "chosen on the validation rows of tuning, for a precision of at least 0.6"),
    ],
)
def test_threshold_says_how_it_was_found(declared, said):
    assert words.threshold(EvaluateParams.model_validate(declared)) == said
