"""What is proposed for real tables, and for each trap in a made one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import datasets

from evergreen.base.errors import ConfigError, DataError
from evergreen.config import consistency
from evergreen.config.contract.columns import MISSING, Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.params import Params
from evergreen.data.ingest import flights, readers
from evergreen.data.ingest.items import item_of
from evergreen.data.typed.schema import conform
from evergreen.proposal import drafts
from evergreen.proposal.profile import profile
from evergreen.proposal.propose import Proposal, propose
from evergreen.proposal.revision import compare, revise
from evergreen.proposal.roles import Ask

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = FileSource(kind="file", path="rows.csv")


def proposed(
    rows: pd.DataFrame, *, target: str, key: Sequence[str] = (), typed: bool = False, **known: Any
) -> Proposal:
    """Propose for a table as a CSV file gives it, all text, or as Parquet does."""
    table = pa.Table.from_pandas(rows, preserve_index=False) if typed else as_text(rows)
    seen = profile(table.to_batches(max_chunksize=500), key=key)
    return propose(
        seen, Ask(target=target, name="rows", source=SOURCE, now=NOW, key=tuple(key), is_typed=typed, **known)
    )


def as_text(rows: pd.DataFrame) -> pa.Table:
    def text(value: object) -> str | None:
        return None if pd.isna(value) or str(value) in MISSING else str(value)

    return pa.table({name: pa.array([text(value) for value in rows[name]], pa.string()) for name in rows})


def column(proposal: Proposal, name: str) -> Column:
    return next(column for column in proposal.contract.columns if column.name == name)


def frame(n: int = 600, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    x = rng.normal(10, 2, n).round(3)
    return pd.DataFrame({"x": x, **columns, "target": np.where(x + rng.normal(0, 2, n) > 10, "yes", "no")})


def check_written(proposal: Proposal, folder: Path) -> None:
    """Write both files, and read them as a run does."""
    (folder / "contract.yaml").write_text(drafts.contract_text(proposal.contract, proposal.notes), encoding="utf-8")
    (folder / "params.yaml").write_text(drafts.params_text(proposal.params), encoding="utf-8")
    contract, params = Contract.load(folder / "contract.yaml"), Params.load(folder / "params.yaml")
    assert (contract, params) == (proposal.contract, proposal.params)
    consistency.check(params, contract)


@pytest.mark.parametrize("typed", [False, True], ids=["csv", "parquet"])
@pytest.mark.parametrize(
    ("name", "task", "kind", "features"),
    [
        ("breast_cancer", "binary", "boolean", 30),
        ("wine", "multiclass", "category", 13),
        ("iris", "multiclass", "category", 4),
        ("diabetes", "regression", "number", 10),
        ("digits", "multiclass", "category", 61),  # three pixels are never drawn on
    ],
)
def test_proposal_leaves_natural_tables_all_their_features(
    name: str, task: str, kind: str, features: int, typed: bool, tmp_path: Path
):
    rows = getattr(datasets, f"load_{name}")(as_frame=True).frame
    proposal = proposed(rows, target="target", typed=typed)
    contract = proposal.contract
    assert (contract.task, column(proposal, "target").type, len(contract.features)) == (task, kind, features)
    assert {c.type for c in contract.features} <= {"number", "integer"}
    assert (contract.time, contract.key, proposal.leakage, proposal.pii) == (None, (), (), ())
    assert proposal.params.features.test_share is not None
    check_written(proposal, tmp_path)


@pytest.fixture(scope="module")
def flights_proposal() -> Proposal:
    item = item_of(flights.file("flights"), name="flights.csv.zip")
    seen = profile(readers.read(item, missing=MISSING))
    return propose(seen, Ask(target="arr_delay", name="raw", source=SOURCE, now=NOW))


def test_proposal_for_raw_flights_finds_time_and_consequences(flights_proposal: Proposal, tmp_path: Path):
    contract = flights_proposal.contract
    assert (contract.task, contract.time) == ("regression", "time_hour")
    assert flights_proposal.leakage == ("dep_time", "dep_delay", "arr_time", "air_time")
    assert {c.name for c in contract.features} == {
        "sched_dep_time", "sched_arr_time", "carrier", "flight", "tailnum", "origin", "dest", "distance", "hour",
        "minute",
    }  # fmt: skip
    assert column(flights_proposal, "origin").categories == ("EWR", "JFK", "LGA")
    assert column(flights_proposal, "tailnum").nullable
    assert {c.name for c in contract.with_role("ignore")} == {
        "year",
        "month",
        "day",
    }  # a constant, and parts of the time
    assert flights_proposal.params.features.test_days == 75
    check_written(flights_proposal, tmp_path)


def test_proposal_for_raw_flights_is_kept_by_resamples_of_them(flights_proposal: Proposal):
    item = item_of(flights.file("flights"), name="flights.csv.zip")
    rows = pa.Table.from_batches(readers.read(item, missing=MISSING)).to_pandas()
    for seed in range(20):
        drawn = profile([as_batch(rows.sample(2_000, random_state=seed))])
        for declared in flights_proposal.contract.columns:
            seen = drawn.columns[declared.name]
            assert declared.nullable or not seen.nulls
            assert declared.max_null_share is None or seen.null_share <= declared.max_null_share
            assert declared.min is None or declared.min <= seen.range.low
            assert declared.max is None or seen.range.high <= declared.max
            assert declared.mean is None or declared.mean[0] <= seen.range.mean <= declared.mean[1]
            assert declared.categories is None or set(seen.counts or ()) <= set(declared.categories)


def as_batch(rows: pd.DataFrame) -> pa.RecordBatch:
    return pa.RecordBatch.from_pandas(rows, preserve_index=False)


def messy(n: int = 1_500) -> pd.DataFrame:
    """A table with free text, mixed types and 40 % missing."""
    rng = np.random.default_rng(3)
    words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "in", "the", "old", "town"]
    age = rng.normal(45, 15, n).clip(18, 95).round().astype(int)
    segment = rng.choice(["basic", "plus", "pro"], n)
    churned = 0.04 * (age - 45) + 1.2 * (segment == "pro") + rng.normal(0, 1, n) > 0.6
    rows = pd.DataFrame(
        {
            "customer_id": [f"{i:06d}" for i in range(n)],
            "email": [f"user{i}@example.org" for i in range(n)],
            "contact": [f"+44 20 7946 {i:04d}" for i in range(n)],
            "age": age.astype(object),
            "income": [f"{v:,.2f}" for v in rng.lognormal(10, 0.5, n)],
            "visits": rng.poisson(4, n).astype(object),
            "segment": segment,
            "comment": [" ".join(rng.choice(words, 12)) for _ in range(n)],
            "signup": pd.date_range("2021-01-01", periods=n, freq="7h").strftime("%d/%m/%Y"),
            "newsletter": rng.choice(["Y", "N"], n),
            "empty": None,
            "country": "FR",
            "big": [str(2**64 + int(v)) for v in rng.integers(0, 9, n)],
            "churned": np.where(churned, "yes", "no"),
        }
    )
    for name in ("age", "income", "visits", "segment", "comment", "signup", "newsletter", "big"):
        rows.loc[rng.random(n) < 0.4, name] = None
    rows.loc[rng.choice(n, 9, replace=False), "visits"] = "many"
    rows.loc[rng.choice(n, 40, replace=False), "churned"] = None
    return rows


def test_proposal_for_a_messy_table(tmp_path: Path):
    proposal = proposed(messy(), target="churned")
    types = {c.name: (c.type, c.role) for c in proposal.contract.columns}
    assert types == {
        "customer_id": ("category", "key"),
        "email": ("category", "ignore"),
        "contact": ("category", "ignore"),
        "age": ("integer", "feature"),
        "income": ("category", "ignore"),
        "visits": ("integer", "feature"),
        "segment": ("category", "feature"),
        "comment": ("text", "ignore"),
        "signup": ("category", "ignore"),
        "newsletter": ("boolean", "feature"),
        "empty": ("category", "ignore"),
        "country": ("category", "ignore"),
        "big": ("category", "feature"),
        "churned": ("boolean", "target"),
    }
    assert proposal.pii == ("email", "contact")
    assert proposal.contract.key == ("customer_id",)
    assert column(proposal, "churned").spelling == ("no", "yes")
    assert column(proposal, "newsletter").spelling == ("N", "Y")
    said = "\n".join(proposal.review)
    for expected in ("leading zeros", "thousands separators", "free text", "ISO 8601", "beyond 2^63", "('many')"):
        assert expected in said
    check_written(proposal, tmp_path)


def test_proposal_reads_a_table_as_its_contract_will():
    rows = messy()
    proposal = proposed(rows, target="churned")
    typed = conform(as_text(rows).combine_chunks().to_batches()[0], proposal.contract.columns, zone="UTC")
    unreadable = len(typed) - typed["_unreadable"].null_count
    assert 1 <= unreadable <= 9
    for c in proposal.contract.columns:
        assert c.nullable or typed[c.name].null_count == 0


@pytest.mark.parametrize(
    ("words", "spelling"),
    [
        (("no", "yes"), ("no", "yes")),
        (("N", "Y"), ("N", "Y")),
        (("M", "B"), ("B", "M")),
        (("1", "2"), ("2", "1")),  # the rarer is true
        (("False", "True"), None),
        (("0", "1"), None),
        (("1.0", "0.0"), None),
    ],
)
def test_proposal_says_which_word_of_a_target_is_true(words: tuple[str, str], spelling: tuple[str, str] | None):
    rows = frame().assign(target=[words[0]] * 200 + [words[1]] * 400)
    target = column(proposed(rows, target="target"), "target")
    assert (target.type, target.spelling) == ("boolean", spelling)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (np.arange(600) % 3, "multiclass"),
        (np.arange(600) % 3 * 1.0, "multiclass"),
        (np.arange(600) % 3 * 50, "regression"),
        (np.arange(600) % 40, "regression"),
        (np.linspace(0, 1, 600), "regression"),
        (np.array(["a", "b", "c"])[np.arange(600) % 3], "multiclass"),
    ],
)
def test_proposal_tells_the_task_from_the_target(values: Any, task: str):
    assert proposed(frame().assign(target=values), target="target").contract.task == task


def test_proposal_takes_the_task_that_is_asked_for():
    rows = frame().assign(target=np.arange(600) % 3)
    assert column(proposed(rows, target="target", task="regression"), "target").type == "integer"
    rows["target"] = np.arange(600) % 2
    assert column(proposed(rows, target="target", task="multiclass"), "target").categories == ("0", "1")


@pytest.mark.parametrize(
    ("target", "known", "error", "code"),
    [
        (["a", "b", "c"] * 200, {"task": "regression"}, ConfigError, "CFG024"),
        (["a", "b", "c"] * 200, {"task": "binary"}, ConfigError, "CFG024"),
        ([f"v{n}" for n in range(600)], {}, ConfigError, "CFG024"),
        (["a"] * 600, {}, DataError, "DQ009"),
        ([None] * 600, {}, DataError, "DQ009"),
        (["a", "b"] * 299 + ["a", "c"], {}, DataError, "DQ009"),
        (["a"] * 599 + ["b"], {}, DataError, "DQ009"),
        (["a", "b"] * 300, {"time": "x"}, ConfigError, "CFG024"),
        (["a", "b"] * 300, {"time": "when"}, ConfigError, "CFG025"),
        (["a", "b"] * 300, {"key": ["target"]}, ConfigError, "CFG025"),
    ],
)
def test_proposal_refuses_what_cannot_be(target: Any, known: dict[str, Any], error: type[Exception], code: str):
    with pytest.raises(error, match=code):
        proposed(frame().assign(target=target), target="target", **known)


def test_proposal_suggests_the_column_that_was_meant():
    with pytest.raises(ConfigError) as caught:
        proposed(frame(), target="tagret")
    assert caught.value.next_step == "Did you mean 'target'?"


def test_proposal_refuses_a_table_without_a_feature():
    with pytest.raises(ConfigError, match="CFG026"):
        proposed(frame()[["target"]].assign(constant=1), target="target")


def test_proposal_takes_the_one_time_that_is_never_missing():
    times = pd.date_range("2024-01-01", periods=600, freq="3h")
    rows = frame(
        ordered_at=times.strftime("%Y-%m-%dT%H:%M:%SZ"),
        delivered_at=times.shift(9).strftime("%Y-%m-%dT%H:%M:%SZ"),
        birth_date=times.strftime("%Y-%m-%d"),
    )
    proposal = proposed(rows, target="target")
    assert proposal.contract.time == "ordered_at"
    assert column(proposal, "delivered_at").role == "ignore"
    assert column(proposal, "birth_date").pii == "drop"
    params = proposal.params.features
    assert (params.test_days, params.embargo_days, params.calendar) == (15, 0, ("hour", "weekday"))
    assert proposal.contract.future_days == 1


def test_proposal_makes_test_days_of_a_short_span():
    days = pd.date_range("2024-01-01", periods=6).repeat(100).strftime("%Y-%m-%d")
    assert proposed(frame(day=days), target="target").params.features.test_days == 2


def test_proposal_lengthens_the_test_until_it_has_both_classes():
    times = pd.date_range("2024-01-01", periods=600, freq="12h").strftime("%Y-%m-%dT%H:%M:%S")
    rows = frame(seen_at=times).assign(target=["yes", "no"] * 200 + ["no"] * 200)
    assert proposed(rows, target="target").params.features.test_days > 100


def test_proposal_keeps_the_zone_of_a_typed_time():
    times = pd.date_range("2024-01-01", periods=600, freq="3h", tz="Europe/Paris")
    assert proposed(frame(at=times), target="target", typed=True).contract.timezone == "Europe/Paris"


def test_proposal_does_not_take_mixed_times_for_a_time():
    times = ["2024-01-01T00:00:00Z", "2024-03-01T00:00:00"] * 300
    proposal = proposed(frame(at=times), target="target")
    assert proposal.contract.time is None
    assert "mixed" in "\n".join(proposal.review)


def test_proposal_ignores_numbers_that_only_tell_the_date():
    times = pd.date_range("2024-01-01", periods=600, freq="6h")
    rows = frame(at=times.astype(str), month=times.month, serial=np.arange(600) * 2 + 5, hour=times.hour)
    roles = {c.name: c.role for c in proposed(rows, target="target").contract.columns}
    assert (roles["month"], roles["serial"], roles["hour"]) == ("ignore", "ignore", "feature")


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("order_id", [f"A{n}" for n in range(600)], "key"),
        ("OrderId", range(600), "key"),
        ("uuid", [f"{n:032x}" for n in range(600)], "key"),
        ("price", np.random.default_rng(0).normal(size=600), "feature"),
        ("population", np.random.default_rng(0).permutation(600), "feature"),
        ("customer_id", np.arange(600) // 2, "feature"),
        ("index", range(600), "key"),
        ("code", [f"A{n}" for n in range(600)], "ignore"),
    ],
)
def test_proposal_takes_ids_for_keys_and_measures_for_measures(name: str, values: Any, role: str):
    proposal = proposed(frame(**{name: values}), target="target")
    assert column(proposal, name).role == role
    assert proposal.contract.key == ((name,) if role == "key" else ())


def test_proposal_takes_the_key_that_is_named():
    rows = frame(shop=["a", "b"] * 300, number=np.arange(600) // 2, order_id=range(600))
    proposal = proposed(rows, target="target", key=["shop", "number"])
    assert proposal.contract.key == ("shop", "number")
    assert column(proposal, "shop").role == "feature"
    assert column(proposal, "order_id").role == "ignore"
    repeated = proposed(rows, target="target", key=["shop"])
    assert any("repeats in 100.00%" in note for note in repeated.review)


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("E-Mail", ["x"] * 600, "its name"),
        ("first_name", ["Ann", "Bob"] * 300, "its name"),
        ("phoneNumber", range(600), "its name"),
        ("contact", [f"u{n}@example.org" for n in range(600)], "an e-mail address"),
        ("client", [f"10.0.{n % 250}.7" for n in range(600)], "an IP address"),
        ("name", ["Braund, Mr. Owen Harris", "Ann Smith"] * 300, "a person's name"),
    ],
)
def test_proposal_drops_personal_data(name: str, values: Any, why: str):
    proposal = proposed(frame(**{name: list(values)}), target="target")
    assert (column(proposal, name).role, column(proposal, name).pii) == ("ignore", "drop")
    assert any(why in note for note in proposal.notes[name])


@pytest.mark.parametrize(
    ("name", "values"),
    [("name", ["setosa", "virginica"] * 300), ("has_phone", [0, 1] * 300), ("city", ["York"] * 300 + ["Ur"] * 300)],
)
def test_proposal_does_not_take_everything_for_personal(name: str, values: Any):
    assert proposed(frame(**{name: values}), target="target").pii == ()


def test_proposal_hashes_a_personal_key():
    proposal = proposed(frame(email=[f"u{n}@example.org" for n in range(600)]), target="target", key=["email"])
    assert (column(proposal, "email").role, column(proposal, "email").pii) == ("key", "hash")


def test_proposal_keeps_a_column_as_text_rather_than_stop_the_run():
    mixed = [str(n) if n % 22 else "none of these" for n in range(600)]  # 4.7 % are no numbers
    few = [str(n % 7) if n % 100 else "x" for n in range(600)]
    proposal = proposed(frame(mixed=mixed, few=few), target="target")
    assert (column(proposal, "mixed").type, column(proposal, "few").type) == ("category", "integer")


def test_proposal_gives_bounds_slack_but_not_across_zero():
    rows = frame(age=np.arange(600) % 60 + 20, temp=np.linspace(-10, 30, 600), humid=np.linspace(20, 90, 600),
                 share=np.linspace(0, 0.7, 600), hour=np.arange(600) % 24, debt=-np.linspace(1, 9, 600))  # fmt: skip
    found = {c.name: (c.min, c.max) for c in proposed(rows, target="target").contract.columns}
    assert found["age"] == (0, 109)
    assert found["temp"] == (-30, 50)
    assert (found["humid"], found["share"], found["hour"]) == ((0, 100), (0, 1), (0, 23))
    assert found["debt"] == (-13, 0)


def test_proposal_closes_a_list_only_of_what_was_seen_often():
    rows = frame(often=["a", "b", "c"] * 200, seldom=["a"] * 595 + ["b"] * 5, many=[f"v{n % 60}" for n in range(600)])
    proposal = proposed(rows, target="target")
    assert (column(proposal, "often").categories, column(proposal, "often").open) == (("a", "b", "c"), False)
    assert (column(proposal, "seldom").categories, column(proposal, "seldom").open) == (("a", "b"), True)
    assert column(proposal, "many").categories is None


def test_proposal_picks_a_seed_that_gives_the_gate_every_class():
    from evergreen.learning import features

    rows = frame().assign(target=["a"] * 300 + ["b"] * 296 + ["c"] * 4)
    proposal = proposed(rows, target="target")
    typed = rows.assign(target=rows["target"].astype("str"))
    _, test = features.split(typed, proposal.contract, proposal.params.features, seed=proposal.params.seed)
    assert set(test["target"]) == {"a", "b", "c"}
    assert any("few rows of a class" in note for note in proposal.review)


def test_proposal_writes_any_name_and_value_as_yaml(tmp_path: Path):
    hostile = ["a: b", "#x", "line\nbreak", "=cmd()", "</script>", "yes", "é'\"", "{[,]}", "\u2028", "1", " lead"]
    rows = frame(**{name: [hostile[n % len(hostile)] for n in range(600)] for name in hostile if name != "1"})
    check_written(proposed(rows, target="target"), tmp_path)


def test_proposal_leaves_out_names_that_are_ours():
    proposal = proposed(frame(_hidden=range(600)), target="target")
    assert "_hidden" not in [c.name for c in proposal.contract.columns]
    assert any("_hidden" in note for note in proposal.review)


def test_revision_keeps_what_people_decided_and_renews_what_the_data_breaks():
    old = proposed(frame(group=["a", "b", "c"] * 200, gone=range(600)), target="target").contract
    columns = tuple(
        c.model_copy(update={"unit": "kg", "min": 0.0, "max": 12.0, "description": "weight"}) if c.name == "x" else c
        for c in old.columns
    )
    declared = old.model_copy(update={"columns": columns})
    rows = frame(group=["a", "b", "d"] * 200, fresh=["u", "v"] * 300)
    revision = revise(declared, profile(as_text(rows).to_batches()), now=NOW, is_typed=False)
    difference = compare(declared, revision.contract)
    assert (difference.added, difference.dropped) == (("fresh",), ("gone",))
    x = next(c for c in revision.contract.columns if c.name == "x")
    assert (x.unit, x.description, x.min) == ("kg", "weight", 0.0)
    assert x.max is not None
    assert x.max > rows["x"].max()
    assert difference.changed["group"] == {"categories": (["a", "b", "c"], ["a", "b", "c", "d"])}
    assert revision.notes["x"] == ("from the data: max",)
    assert not compare(declared, declared).changed


def test_revision_of_the_same_data_changes_nothing():
    rows = frame(group=["a", "b", "c"] * 200)
    contract = proposed(rows, target="target").contract
    revision = revise(contract, profile(as_text(rows).to_batches()), now=NOW, is_typed=False)
    assert compare(contract, revision.contract).is_empty


def test_proposal_bears_values_at_the_edges_of_their_types(tmp_path: Path):
    edges = {
        "huge": pa.array(np.arange(600) * 1e300),
        "tiny": pa.array([0.0, 5e-324] * 300),
        "odd": pa.array([float("inf"), float("nan"), None, 1.5] * 150),
        "unsigned": pa.array([2**64 - 1, 0, None, 5] * 150, pa.uint64()),
        "bytes": pa.array([b"\xff", None, b"a"] * 200),
        "clock": pa.array([1, None, 3] * 200, pa.time64("us")),
        "ancient": pa.array([-200_000, None, 2_000_000] * 200, pa.int32()).cast(pa.date32()),
        "nothing": pa.nulls(600),
    }
    rows = frame()
    table = pa.table({"x": pa.array(rows["x"]), **edges, "target": pa.array(rows["target"].to_list())})
    seen = profile(table.to_batches(max_chunksize=70))
    check_written(propose(seen, Ask(target="target", name="rows", source=SOURCE, now=NOW, is_typed=True)), tmp_path)
