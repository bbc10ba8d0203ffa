"""Explanations: what was logged, by the model that gave it, with contributions that are what mathematics says."""

import asyncio
import dataclasses
import itertools
import json
from math import factorial

import numpy as np
import pytest
import released

from evergreen.config.settings import Settings
from evergreen.learning.model.compiled.profile import FILE, LEVELS, ColumnProfile, Profile
from evergreen.record.predictions.records import Logged
from serving.answers import RequestError
from serving.app import Service
from serving.explain import explain, typical

MEDIAN = LEVELS.index(0.5)
EVEN = tuple(np.linspace(0, 10, len(LEVELS)).tolist())
PROFILE = Profile(
    rows=600,
    columns={
        "handed_in": ColumnProfile(0, quantiles=(1_710_000_000_000_000.4,) * len(LEVELS)),
        "carrier": ColumnProfile(0, shares={"sea": 0.5, "air": 0.3}),
        "size": ColumnProfile(0.6, shares={"S": 1.0}),
        "weight": ColumnProfile(0.1, quantiles=EVEN),
        "stops": ColumnProfile(0, quantiles=EVEN),
        "insured": ColumnProfile(0, shares={"false": 0.6, "true": 0.4}),
    },
    edges=(0.0, 1.0),
    shares=(1.0,),
)
TYPICAL = {
    "handed_in": "2024-03-09T16:00:00+00:00",
    "carrier": "sea",
    "size": None,
    "weight": EVEN[MEDIAN],
    "stops": round(EVEN[MEDIAN]),
    "insured": False,
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    folder.mkdir()
    released.bundle(folder)
    return folder


@pytest.fixture
def service(bundle, tmp_path):
    service = Service(bundle, Settings(home=tmp_path / "home"))
    service.load()
    served = service.served
    model = dataclasses.replace(served.model, compiled={**served.model.compiled, FILE: PROFILE.to_bytes()})
    service.served = dataclasses.replace(served, model=model)
    yield service
    service.log.close()


def predicted(service: Service, **changed) -> tuple[str, list, float]:
    """Log an answered row; return its id, its typed values and the probability that it was answered with."""
    served = service.served
    row = {**released.requests(1)[0], "parcel": 17, **changed}
    decoded = served.decoder.decode(json.dumps({"rows": [row]}).encode())
    (name,), release = service.log.new_ids(1), served.release
    probability = float(served.estimate(decoded.rows).values[0])
    about = (name, 1_714_564_815_000_000, release.model, release.version, release.model_digest)
    service.log.append(
        served.columns, [Logged(*about, decoded.rows[0], decoded.keys[0], label=True, probability=probability)]
    )
    return name, list(decoded.rows[0]), probability


def explained(service: Service, name: str) -> dict:
    return json.loads(asyncio.run(explain(service, name)))


def test_explanation_shows_what_was_asked_and_what_each_value_added(service):
    name, _, probability = predicted(service)

    told = explained(service, name)

    sent = released.requests(1)[0]
    assert {key: value for key, value in told["input"].items() if key != "handed_in"} == {
        key: value for key, value in sent.items() if key != "handed_in"
    }
    assert told["keys"] == {"parcel": 17}
    assert told["answer"]["probability"] == probability == pytest.approx(told["estimate"], abs=1e-9)
    assert told["of"] == "probability of true"
    shown = {each["feature"]: each["typical"] for each in told["contributions"]}
    assert {key: shown[key] for key in TYPICAL} == TYPICAL
    assert shown["copy"] == sent["copy"]  # the profile says nothing of it, so nothing is varied
    total = sum(each["contribution"] for each in told["contributions"])
    assert total == pytest.approx(told["estimate"] - told["typical_estimate"], abs=1e-9)
    assert told["features"]["derived"]["weight"] == sent["weight"]


def test_contributions_are_those_of_the_definition_on_the_model_that_answers(service):
    name, row, _ = predicted(service)
    told = explained(service, name)
    names = [column.name for column in service.served.decoder.columns]
    typical_row = [
        1_710_000_000_000_000 if key == "handed_in" else TYPICAL.get(key, own)
        for key, own in zip(names, row, strict=True)
    ]
    differing = [at for at, own in enumerate(row) if own != typical_row[at]]
    assert len(differing) >= 4
    expected = dict.fromkeys(names, 0.0)
    cache: dict[tuple, float] = {}

    def ask(mixed):
        if tuple(mixed) not in cache:
            cache[tuple(mixed)] = float(service.served.estimate([mixed]).values[0])
        return cache[tuple(mixed)]

    for order in itertools.permutations(differing):
        mixed = list(typical_row)
        for at in order:
            before = ask(mixed)
            mixed[at] = row[at]
            expected[names[at]] += (ask(mixed) - before) / factorial(len(differing))

    found = {each["feature"]: each["contribution"] for each in told["contributions"]}
    assert found == pytest.approx(expected, abs=1e-9)
    assert told["permutations"] == "all"
    assert {each["standard_error"] for each in told["contributions"]} == {0.0}


def test_prediction_that_is_not_in_the_log_is_not_explained(service):
    for name in ("0" * 32, "x", "../../etc/passwd"):
        with pytest.raises(RequestError) as caught:
            explained(service, name)
        assert (caught.value.status, caught.value.code) == (404, "LOG007")


def test_prediction_of_another_version_is_not_explained_by_this_one(service):
    name, _, _ = predicted(service)
    served = service.served
    other = served.release.model_copy(update={"version": 4, "model_digest": "0" * 64})
    service.served = dataclasses.replace(served, release=other)

    with pytest.raises(RequestError) as caught:
        explained(service, name)

    assert (caught.value.status, caught.value.code) == (409, "LOG008")
    assert "version 3" in caught.value.what
    assert "version 4" in caught.value.what


def test_model_without_a_profile_explains_nothing(service):
    name, _, _ = predicted(service)
    model = dataclasses.replace(service.served.model, compiled={})
    service.served = dataclasses.replace(service.served, model=model)
    with pytest.raises(RequestError) as caught:
        explained(service, name)
    assert (caught.value.status, caught.value.code) == (409, "LOG009")


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        (ColumnProfile(0.7, quantiles=EVEN), "number", None),
        (ColumnProfile(0.1, quantiles=EVEN), "integer", round(EVEN[MEDIAN])),
        (ColumnProfile(0.1, shares={"true": 0.8}), "boolean", True),
        (ColumnProfile(0.1, shares={"b": 0.2, "a": 0.6}), "category", "a"),
        (ColumnProfile(0.0), "text", "own"),
    ],
)
def test_typical_value_is_the_commonest_or_the_middle_one(column, kind, value):
    assert typical(column, kind, "own") == value
