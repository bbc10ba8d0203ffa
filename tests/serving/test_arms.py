"""The running service takes up the ledger's rule of traffic whole, or its champion answers alone and it says why."""

import logging
from collections.abc import Iterator
from pathlib import Path

import divided
import promoted
import pytest
import released
from promoted import Serving
from scipy import stats


@pytest.fixture
def serving(tmp_path: Path, project: Path) -> Iterator[Serving]:
    with promoted.serving(tmp_path / "home", project) as serving:
        yield serving


def ask(serving: Serving, n: int = 5) -> dict:
    response = serving.client.post("/predict", json={"rows": released.requests(n)})
    assert response.status_code == 200, response.text
    return response.json()


def test_rows_are_answered_by_the_variant_that_was_drawn_and_the_log_says_by_whom(serving):
    rule = divided.divide(serving, 2, 0.5)
    n = 60

    answer = ask(serving, n)

    versions = [each["version"] for each in answer["predictions"]]
    assert answer["version"] == 1
    assert {*versions} == {1, 2}
    said = {version: divided.expected(version, n) for version in (1, 2)}
    assert [each["probability"] for each in answer["predictions"]] == pytest.approx(
        [said[version][at] for at, version in enumerate(versions)], abs=1e-5
    )
    rows = {row["prediction_id"]: row for row in divided.records(serving.settings.home)}
    for each in answer["predictions"]:
        row = rows[each["prediction_id"]]
        assert row["variant"] == {1: "champion", 2: "challenger"}[each["version"]]
        assert (row["version"], row["propensity"], row["traffic_rule"]) == (each["version"], 0.5, rule.rule)
        assert row["probability"] == each["probability"]
    assert len({row["model_digest"] for row in rows.values()}) == 2
    assert serving.ready()["traffic"] == {
        "rule": rule.rule,
        "mode": "split",
        "variants": {"challenger": 2, "champion": 1},
    }


def keyed(serving: Serving, parcels: list[int | None]) -> list[int]:
    """Return the version that answers each parcel; None is sent without its key."""
    (row,) = released.requests(1)
    rows = [row if parcel is None else {**row, "parcel": parcel} for parcel in parcels]
    response = serving.client.post("/predict", json={"rows": rows})
    assert response.status_code == 200, response.text
    return [each["version"] for each in response.json()["predictions"]]


@pytest.mark.parametrize("unit", [("parcel",), ()])
def test_realised_share_lies_in_the_binomial_interval_and_whoever_has_a_variant_keeps_it(serving, unit):
    share, n = 0.25, 4_000
    divided.divide(serving, 2, share, unit=unit)

    first = [version for begin in range(0, n, 1_000) for version in keyed(serving, [*range(begin, begin + 1_000)])]

    low, high = stats.binom.interval(0.99, n, share)
    assert low <= first.count(2) <= high
    again = keyed(serving, [*range(1_000)])
    assert (again == first[:1_000]) == bool(unit)
    divided.divide(serving, 2, 0.5, unit=unit)
    if unit:
        grown = keyed(serving, [*range(1_000)])
        assert all(now == 2 for before, now in zip(first, grown, strict=False) if before == 2)


def test_key_that_is_missing_in_part_of_the_traffic_harms_nobody(serving):
    share, n = 0.5, 1_000
    divided.divide(serving, 2, share, unit=("parcel",))
    whole = keyed(serving, [*range(n)])

    partly = keyed(serving, [at if at % 2 else None for at in range(n)])

    assert [version for at, version in enumerate(partly) if at % 2] == whole[1::2]
    low, high = stats.binom.interval(0.99, n // 2, share)
    assert low <= partly[::2].count(2) <= high
    assert {row["propensity"] for row in divided.records(serving.settings.home)} == {share}


def test_end_of_a_rule_and_another_champion_leave_the_champion_alone(serving, caplog):
    caplog.set_level(logging.INFO)
    divided.divide(serving, 2, 1.0)
    assert {each["version"] for each in ask(serving)["predictions"]} == {2}

    divided.end(serving)
    assert (serving.answered(), "traffic" in serving.ready()) == (1, False)
    assert all("version" not in each for each in ask(serving)["predictions"])

    divided.divide(serving, 2, 1.0)
    assert {each["version"] for each in ask(serving)["predictions"]} == {2}
    serving.promote(3)
    serving.reload()

    assert serving.answered() == 3
    assert serving.ready()["traffic"]["outcome"] == "held"
    assert "another champion" in serving.ready()["traffic"]["why"]
    assert counted(serving) == {"routed": 2, "ended": 1, "held": 1, "waiting": 0, "refused": 0}
    assert sum("rollout-1.3 is held" in each.getMessage() for each in caplog.records) == 1


def counted(serving: Serving) -> dict[str, int]:
    """Return how often each came of a rule."""
    lines = serving.client.get("/metrics").text.splitlines()
    found = [line.split() for line in lines if line.startswith("evergreen_traffic_changes_total{")]
    return {name.split('"')[1]: int(float(value)) for name, value in found}


def damaged(serving: Serving) -> None:
    known = serving.package(2)
    divided.register(serving.settings, known)
    path = promoted.path_of(known, serving.settings.home) / "src" / "model" / "compiled" / "graph.onnx"
    path.write_bytes(path.read_bytes()[:-10])


def unknown(_: Serving) -> None:
    """Nobody registered it."""


def other_contract(serving: Serving) -> None:
    divided.register(serving.settings, divided.other_contract(serving.settings.home, 2, serving.project))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (damaged, "INT018"),
        (unknown, "the ledger does not know it"),
        (other_contract, "it asks for arrival, which requests to the champion do not have"),
    ],
)
def test_version_that_cannot_answer_is_refused_counted_and_said_and_the_champion_answers(serving, caplog, spoil, why):
    spoil(serving)
    divided.change(serving.settings, divided.rule(serving.settings, 2, 0.5))

    for _ in range(3):
        serving.reload()

    assert serving.answered() == 1
    assert why in serving.ready()["traffic"]["why"]
    assert counted(serving)["refused"] == 1
    assert sum("rollout-1.1 is refused" in each.getMessage() for each in caplog.records) == 1
    divided.change(serving.settings, None)
    serving.reload()
    assert "traffic" not in serving.ready()


def test_version_whose_package_is_on_its_way_is_taken_up_once_it_is_here(serving):
    known = serving.package(2)
    path = promoted.path_of(known, serving.settings.home)
    path.rename(path.with_name("elsewhere"))
    divided.register(serving.settings, known)
    divided.change(serving.settings, divided.rule(serving.settings, 2, 1.0))
    serving.reload()
    assert (serving.answered(), serving.ready()["traffic"]["outcome"]) == (1, "waiting")

    path.with_name("elsewhere").rename(path)
    serving.reload()

    assert {each["version"] for each in ask(serving)["predictions"]} == {2}


def test_rule_of_a_champion_that_this_service_cannot_take_is_held(serving):
    damaged(serving)
    promoted.promote(serving.settings, serving.package(2))
    divided.register(serving.settings, serving.package(3))
    shadow = divided.rule(serving.settings, 3, 1.0, mode="shadow")
    divided.change(serving.settings, shadow.model_copy(update={"arms": shadow.arms[:1]}))
    serving.reload()

    assert serving.answered() == 1
    assert (serving.ready()["traffic"]["outcome"], serving.service.routing) == ("held", None)


def test_challenger_that_becomes_champion_is_not_loaded_again(serving):
    divided.divide(serving, 2, 1.0)
    model = serving.service.routing.variants["challenger"].model
    serving.promote(2)

    serving.reload()

    assert serving.answered() == 2
    assert serving.service.served.model is model


def test_prediction_of_a_variant_is_explained_by_that_variant_while_it_is_in_memory(serving):
    divided.divide(serving, 2, 1.0)
    (answer,) = ask(serving, 1)["predictions"]

    explained = serving.client.get(f"/explain/{answer['prediction_id']}").json()
    assert (explained["version"], explained["estimate"]) == (2, pytest.approx(answer["probability"], abs=1e-6))

    divided.end(serving)
    assert serving.client.get(f"/explain/{answer['prediction_id']}").status_code == 409


def test_open_inference_protocol_says_the_version_of_each_row_and_keeps_one_that_was_asked_for(serving):
    divided.divide(serving, 2, 0.5)
    rows = released.requests(20)
    inputs = [
        {"name": name, "datatype": kind, "shape": [20, 1], "data": [row[name] for row in rows]}
        for name, kind in [
            *(("handed_in", "BYTES"), ("carrier", "BYTES"), ("size", "BYTES"), ("weight", "FP64")),
            *(("stops", "INT64"), ("insured", "BOOL"), ("copy", "FP64")),
        ]
    ]

    answer = serving.client.post("/v2/models/parcels/infer", json={"inputs": inputs}).json()
    outputs = {each["name"]: each for each in answer["outputs"]}
    assert {*outputs["version"]["data"]} == {1, 2}
    assert (outputs["version"]["datatype"], answer["model_version"]) == ("INT64", "1")

    pinned = serving.client.post("/v2/models/parcels/versions/1/infer", json={"inputs": inputs}).json()
    (shares,) = [each["data"] for each in pinned["outputs"] if each["name"] == "probability"]
    assert shares == pytest.approx(divided.expected(1, 20), abs=1e-5)
    ids = next(each["data"] for each in pinned["outputs"] if each["name"] == "prediction_id")
    records = {row["prediction_id"]: row for row in divided.records(serving.settings.home)}
    assert {records[name]["traffic_rule"] for name in ids} == {None}
