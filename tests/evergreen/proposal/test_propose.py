"""What is proposed for real tables, and for each trap in a made one."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from proposals import NOW, SOURCE, as_text, check_written, column, frame, proposed
from sklearn import datasets

from evergreen.base.errors import ConfigError, DataError
from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import flights, readers
from evergreen.data.ingest.items import item_of
from evergreen.data.typed.schema import conform
from evergreen.proposal.profile import profile
from evergreen.proposal.propose import Proposal, propose
from evergreen.proposal.roles import Ask


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
        "income": ("number", "feature"),
        "visits": ("integer", "feature"),
        "segment": ("category", "feature"),
        "comment": ("text", "ignore"),
        "signup": ("timestamp", "ignore"),
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
    for expected in ("leading zeros", "thousands: ','", "free text", "'%d/%m/%Y'", "beyond 2^63", "('many')"):
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


def test_proposal_keeps_a_column_as_text_rather_than_stop_the_run():
    mixed = [str(n) if n % 22 else "none of these" for n in range(600)]  # 4.7 % are no numbers
    few = [str(n % 7) if n % 100 else "x" for n in range(600)]
    proposal = proposed(frame(mixed=mixed, few=few), target="target")
    assert (column(proposal, "mixed").type, column(proposal, "few").type) == ("category", "integer")


def test_proposal_leaves_out_names_that_are_ours():
    proposal = proposed(frame(_hidden=range(600)), target="target")
    assert "_hidden" not in [c.name for c in proposal.contract.columns]
    assert any("_hidden" in note for note in proposal.review)


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
