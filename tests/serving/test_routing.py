"""Who answers which row: the unit's key in the row, its place under the salt, and what a variant may be asked with."""

from dataclasses import replace
from typing import Any

import pytest
import released
from scipy import stats

from evergreen.config.contract.contract import Contract
from evergreen.decisions.rollout.traffic import Arm, Traffic, drawn
from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release
from serving.routing import Routing, misfit
from serving.served import Served


class Pipeline:
    """It is never asked; where its target is a category it knows these."""

    classes_ = ("no", "yes")


def served(version: int = 1, *, without: tuple[str, ...] = (), **changed: Any) -> Served:
    """Return a release whose contract has some columns otherwise, or not at all."""
    told = released.CONTRACT.model_dump(mode="json")
    columns = [{**column, **changed.get(column["name"], {})} for column in told["columns"]]
    columns = [column for column in columns if column["name"] not in without]
    contract = Contract.model_validate({**told, "columns": columns + changed.get("more", [])})
    digest = str(version) * 64
    release = Release(model="parcels", version=version, model_digest=digest, threshold=0.5)
    return Served.of(release, Model(digest, contract, released.FEATURES, Pipeline(), {}), written=0)


CHAMPION = served(1)


def routing(unit: tuple[str, ...] = (), share: float = 0.3, other: Served | None = None) -> Routing:
    arms = (Arm(name="challenger", version=2, share=share), Arm(name="champion", version=1, share=1 - share))
    traffic = Traffic(
        kind="rollout", rule="r.1", owner="r", epoch=1, mode="split", arms=arms, salt="salt", unit=unit, slow_ms=None
    )
    return Routing.of(CHAMPION, traffic, {2: other or served(2)})


def decoded(rows: list[dict[str, Any]]):
    raw = [[row.get(column.name) for column in CHAMPION.decoder.fields] for row in rows]
    return CHAMPION.decoder.read(raw)


def rows(n: int) -> list[dict[str, Any]]:
    (row,) = released.requests(1)
    return [{**row, "parcel": number, "copy": float(number)} for number in range(n)]


@pytest.mark.parametrize("unit", [(), ("parcel",), ("copy",), ("parcel", "carrier")])
def test_realised_share_lies_in_the_binomial_interval_by_whatever_names_the_unit(unit):
    n, share, which = 4_000, 0.3, routing(unit)
    hits = 0
    for begin in range(0, n, 1_000):
        found = decoded(rows(n)[begin : begin + 1_000])
        for at, (row, keys) in enumerate(zip(found.rows, found.keys, strict=True)):
            hits += which.drawn(row, keys, f"{begin + at:032x}").name == "challenger"
    low, high = stats.binom.interval(0.99, n, share)
    assert low <= hits <= high


def test_a_unit_of_one_column_is_its_value_as_text_and_one_of_several_their_values_together():
    found = decoded(rows(50))
    one, two = routing(("parcel",)), routing(("parcel", "carrier"))
    for at, (row, keys) in enumerate(zip(found.rows, found.keys, strict=True)):
        assert one.drawn(row, keys, "x") == drawn(one.traffic, f"{at}")
        assert two.drawn(row, keys, "x") == drawn(two.traffic, f"{at}\x1f{rows(50)[at]['carrier']}")


def test_row_without_its_key_is_drawn_by_the_prediction_and_the_others_stay_with_their_variant():
    which = routing(("parcel",), share=0.5)
    whole = rows(40)
    partly = [
        {name: value for name, value in row.items() if name != "parcel" or at % 2} for at, row in enumerate(whole)
    ]
    ids = [f"{at:032x}" for at in range(40)]

    def arms(sent: list[dict[str, Any]]) -> list[Arm]:
        found = decoded(sent)
        return [which.drawn(*each) for each in zip(found.rows, found.keys, ids, strict=True)]

    for at, (before, now) in enumerate(zip(arms(whole), arms(partly), strict=True)):
        assert now == (before if at % 2 else drawn(which.traffic, ids[at]))
    nobody = decoded([{**row, "parcel": None} for row in whole])
    assert [which.drawn(*each) for each in zip(nobody.rows, nobody.keys, ids, strict=True)] == [
        drawn(which.traffic, name) for name in ids
    ]


def test_a_unit_that_no_request_can_name_is_the_prediction():
    which = routing(("arrival",))
    (row,) = decoded(rows(1)).rows
    assert [which.drawn(row, (), f"{at}") for at in range(30)] == [drawn(which.traffic, f"{at}") for at in range(30)]


def test_variant_that_looks_at_fewer_columns_is_asked_with_its_own_in_its_own_order():
    fewer = served(2, without=("size", "stops"))
    assert misfit(CHAMPION, fewer) == ""
    (asked,) = routing(other=fewer).rows_for("challenger", decoded(rows(1)).rows)
    sent = dict(zip((column.name for column in CHAMPION.decoder.columns), decoded(rows(1)).rows[0], strict=True))
    assert [*asked] == [sent[column.name] for column in fewer.decoder.columns]
    assert len(asked) == len(sent) - 2


MORE = {"more": [{"name": "depth", "type": "number", "role": "feature"}]}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (served(2, **MORE), "depth"),
        (served(2, weight={"type": "integer"}), "weight is integer to it, and number to the champion"),
        (served(2, carrier={"type": "text"}), "carrier is text to it, and category to the champion"),
        (served(2, late={"type": "category"}), "it predicts late (multiclass)"),
        (served(2, late={"role": "leakage"}, insured={"role": "target"}), "it predicts insured (binary)"),
    ],
)
def test_version_with_another_contract_is_told_from_one_that_fits(other, why):
    assert why in misfit(CHAMPION, other)


def test_a_variant_is_found_by_its_model():
    which = routing()
    assert which.of_digest("2" * 64) is which.variants["challenger"]
    assert which.of_digest("1" * 64) is CHAMPION
    assert which.of_digest("3" * 64) is None


def test_shadows_are_all_but_the_champion_and_none_while_traffic_is_split():
    which = routing()
    shadowed = Routing.of(CHAMPION, which.traffic.model_copy(update={"mode": "shadow"}), {2: served(2)})
    assert ([arm.name for arm in shadowed.shadows], shadowed.divides) == (["challenger"], False)
    assert (which.shadows, which.divides) == ((), True)


def test_the_champions_own_version_may_be_another_arm():
    arms = (Arm(name="B", version=1, share=0.5), Arm(name="champion", version=1, share=0.5))
    same = Routing.of(CHAMPION, routing().traffic.model_copy(update={"arms": arms}), {})
    assert same.variants == {"B": CHAMPION, "champion": CHAMPION}
    assert replace(CHAMPION) is not CHAMPION
