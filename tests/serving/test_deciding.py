"""What a caller is shown and what is logged at each degree of automation, by function and through the real service."""

import math

import msgspec
import promoted
import pytest
import released
from projects import wait_for
from scipy import stats

from evergreen.decisions.automation.degrees import Automation, audit_share, decider
from evergreen.decisions.drift.asked import is_asked
from evergreen.learning.model.release import Release
from evergreen.record import degree
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import logged_rows
from serving import last_degree
from serving.answers import Class, Number, Truth
from serving.deciding import decide, decide_each, sureness

RELEASE = Release(model="parcels", version=3, model_digest="a" * 64, threshold=0.3)
SHARES = (0.01, 0.05, 0.2, 0.35, 0.6, 0.94, 0.96, 0.999)


def truths(shares=SHARES):
    return [
        Truth(f"{at:032x}", share >= 0.3, share, "positive" if share >= 0.3 else "negative", "why")
        for at, share in enumerate(shares)
    ]


def at(degree, **more):
    given = {"error": 0.02, "confidence": 0.95, "audit": 0.0, "sure_from": {"a" * 64: 0.95}}
    return Automation(degree=degree, **{**given, **more})


def body(shown):
    return msgspec.json.decode(msgspec.json.encode(shown))


@pytest.mark.parametrize("automation", [None, at("auto")])
def test_without_a_degree_and_at_auto_answers_are_what_they_were(automation):
    answers = truths()
    decided = decide(answers, automation, RELEASE)
    assert decided.shown is answers
    assert decided.kept is answers


@pytest.mark.parametrize("level", ["human", "shadow"])
def test_at_human_and_shadow_nobody_is_shown_what_the_model_says(level):
    decided = decide(truths(), at(level), RELEASE)
    assert body(decided.shown) == [
        {"prediction_id": f"{row:032x}", "decision": "referred", "reason": "a person decides"}
        for row in range(len(SHARES))
    ]
    said = [each.logged[:3] for each in decided.kept]
    expected = [(None, None, None)] if level == "human" else [(share >= 0.3, share, None) for share in SHARES]
    assert said == (expected * len(SHARES) if level == "human" else expected)
    assert {each.logged[3:] for each in decided.kept} == {("champion", 1.0, "referred", level)}


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        (Truth("1", True, 0.7, "positive", "w"), {"label": True, "probability": 0.7}),
        (Class("1", "red", 0.7), {"label": "red", "probability": 0.7}),
        (Number("1", 3.5), {"value": 3.5}),
    ],
)
def test_at_assist_every_task_shows_the_answer_and_a_person_decides(answer, fields):
    decided = decide([answer], at("assist"), RELEASE)
    assert body(decided.shown) == [
        {"prediction_id": "1", **fields, "decision": "referred", "reason": "a person decides"}
    ]
    assert decided.kept[0].logged == (*answer.logged[:5], "referred", "assist")


def test_at_partial_what_is_sure_either_way_is_automatic_and_the_rest_is_referred():
    decided = decide(truths(), at("partial"), RELEASE)
    who = [decider(*each.logged[-2:]) for each in decided.kept]
    assert who == ["automatic", "automatic", *["unsure"] * 4, "automatic", "automatic"]
    for answer, shown, by in zip(truths(), body(decided.shown), who, strict=True):
        assert shown == (body([answer])[0] if by == "automatic" else shown)
        assert ("probability" in shown) == (by == "automatic")


@pytest.mark.parametrize("sure_from", [{}, {"a" * 64: None}, {"b" * 64: 0.1}])
def test_model_without_a_threshold_of_its_own_answers_nothing_by_itself(sure_from):
    decided = decide(truths(), at("partial", sure_from=sure_from), RELEASE)
    assert {each.logged[-1] for each in decided.kept} == {"unsure"}


def test_no_number_and_no_value_is_sure():
    lost = [Truth("1", False, math.nan, "negative", "w"), Class("2", "red", math.nan), Number("3", 1.0)]
    decided = decide(lost, at("partial", sure_from={"a" * 64: 0.0001}), RELEASE)
    assert [each.logged[-1] for each in decided.kept] == ["unsure"] * 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Truth("1", True, 0.4, "positive", "w"), 0.4),
        (Truth("1", False, 0.1, "negative", "w"), 0.9),
        (Class("1", "red", 0.6), 0.6),
    ],
)
def test_sureness_is_the_probability_of_the_answer_that_is_given(answer, expected):
    assert sureness(answer) == pytest.approx(expected)


def test_audit_takes_its_share_of_the_sure_rows_by_their_ids_and_none_of_the_others():
    n = 20_000
    answers = truths([0.99] * n) + [Truth(f"{n + row:032x}", True, 0.5, "positive", "w") for row in range(500)]
    decided = decide(answers, at("partial", audit=0.05), RELEASE)
    rules = [each.logged[-1] for each in decided.kept]
    taken = [audit_share(rule) == 0.05 for rule in rules[:n]]
    assert stats.binomtest(sum(taken), n, 0.05).pvalue > 0.001
    assert taken == [is_asked(f"{row:032x}", share=0.05, salt="parcels") for row in range(n)]
    assert set(rules[n:]) == {"unsure"}
    shown = {repr(sorted(each)) for each, rule in zip(body(decided.shown), rules, strict=True) if rule != "threshold"}
    assert len(shown) == 1, "who decides must not see why it was referred"


# -- through the real service ------------------------------------------------------------------------------------------


def change(settings, automation):
    ledger = Ledger.open(settings)
    degree.change(
        ledger, promoted.MODEL, automation, after=degree.last_entry(ledger, promoted.MODEL),
        because={"by": "ada", "reason": "r"},
    )  # fmt: skip
    ledger.close()


@pytest.fixture
def serving(tmp_path, project):
    with promoted.serving(tmp_path / "home", project) as serving:
        yield serving


def asked(serving, n=40):
    response = serving.client.post("/predict", json={"rows": released.requests(n)})
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def follow(serving, automation):
    change(serving.settings, automation)
    serving.reload()
    wait_for(lambda: serving.service.automation == automation, "the service has taken the degree")


def records(serving):
    serving.service.log.close()
    batches = reading.batches(serving.settings.predictions)
    return {row.prediction_id: row for batch in batches for row in logged_rows(batch)}


def test_running_service_takes_every_degree_from_the_ledger_and_logs_who_decides(serving):
    digest = serving.service.served.release.model_digest
    probabilities = promoted.expected(1, 40)
    least = sorted(max(share, 1 - share) for share in probabilities)[20]
    assert {each["decision"] for each in asked(serving)} == {"positive", "negative"}

    shown = {}
    for level in ("human", "shadow", "assist", "partial", "auto"):
        follow(serving, at(level, sure_from={digest: least - 1e-4}, audit=0.2))
        shown[level] = asked(serving)

    assert all(set(each) == {"prediction_id", "decision", "reason"} for each in shown["human"] + shown["shadow"])
    for level in ("assist", "auto"):
        assert [each["probability"] for each in shown[level]] == pytest.approx(probabilities, abs=1e-5)
    assert {each["decision"] for each in shown["assist"]} == {"referred"}
    n_automatic = sum("probability" in each for each in shown["partial"])
    assert 0 < n_automatic <= 20
    page = serving.client.get("/metrics").text
    assert 'evergreen_decisions_total{by="human"} 40' in page
    assert 'evergreen_degree{degree="auto",worker=' in page
    assert 'evergreen_degree{degree="human"' not in page

    kept = records(serving)
    rules = {level: [kept[each["prediction_id"]].rule for each in shown[level]] for level in shown}
    assert set(rules["human"]) == {"human"}
    assert {kept[each["prediction_id"]].probability for each in shown["human"]} == {None}
    assert [kept[each["prediction_id"]].probability for each in shown["shadow"]] == pytest.approx(
        probabilities, abs=1e-5
    )
    assert rules["partial"].count("unsure") == 20
    assert rules["partial"].count("threshold") == n_automatic
    assert rules["partial"].count("audit:0.2") == 20 - n_automatic
    assert set(rules["auto"]) == {"threshold"}


def test_who_decides_is_not_told_what_was_not_shown_by_any_other_door(serving):
    follow(serving, at("shadow"))
    (hidden,) = asked(serving, 1)
    refused = serving.client.get(f"/explain/{hidden['prediction_id']}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "LOG014")
    tensor = {"name": "carrier", "shape": [1], "datatype": "BYTES", "data": ["sea"]}
    refused = serving.client.post(f"/v2/models/{promoted.MODEL}/infer", json={"inputs": [tensor]})
    assert refused.status_code == 409
    assert refused.json()["error"].startswith("SRV053")

    follow(serving, at("assist"))
    (advised,) = asked(serving, 1)
    assert serving.client.get(f"/explain/{advised['prediction_id']}").status_code == 200


def test_degree_holds_from_the_first_answer_of_a_service_on(tmp_path, project):
    home = tmp_path / "home"
    with promoted.serving(home, project) as serving:
        follow(serving, at("shadow"))
        assert last_degree.read(home, promoted.MODEL).automation == at("shadow")
        first = serving.service
    from serving.app import Service

    again = Service(first.bundle, first.settings)
    again.load()
    assert again.automation == at("shadow")
    again.log.close()


def test_answer_of_another_version_is_sure_by_its_own_threshold_and_by_none_where_it_has_none():
    releases = [RELEASE.model_copy(update={"model_digest": digest * 64}) for digest in "abca"]
    automation = at("partial", sure_from={"a" * 64: 0.95, "b" * 64: 0.99})
    decided = decide_each(truths([0.96] * 4), automation, releases)
    assert [each.logged[-1] for each in decided.kept] == ["threshold", "unsure", "unsure", "threshold"]
    assert decided.by == {"automatic": 2, "unsure": 2}
