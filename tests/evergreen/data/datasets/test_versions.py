"""Datasets: named by what their rows hold, however they came; every row in its local month; whole or not at all."""

import json
import multiprocessing
import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evergreen.base.artifacts.refs import DatasetRef
from evergreen.base.errors import DataError, IntegrityError, ResourceError
from evergreen.config.contract.columns import Column
from evergreen.data import datasets
from evergreen.data.datasets import UNDATED, WHOLE, Fragment, IngestedItem, Manifest, Writer
from evergreen.data.typed.schema import ROW, UNREADABLE, arrow_schema

NEW_YORK, ST_JOHNS, ASUNCION = "America/New_York", "America/St_Johns", "America/Asuncion"
COLUMNS = [
    Column(name=name, type=kind, role="feature")
    for name, kind in [
        ("at", "timestamp"), ("n", "integer"), ("m", "integer"), ("x", "number"), ("t", "text"), ("u", "category"),
        ("b", "boolean"),
    ]
]  # fmt: skip
SCHEMA = arrow_schema(COLUMNS)
TYPES = {field.name: str(field.type) for field in SCHEMA}


def rows_of(rows: list[dict], first: int = 1) -> pa.RecordBatch:
    numbered = [{ROW: number, **row} for number, row in enumerate(rows, first)]
    return pa.RecordBatch.from_pylist(numbered, SCHEMA)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write(folder: Path, batches: list[pa.RecordBatch], *, time="at", zone=NEW_YORK, item="ab" * 32):
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(folder, item=item, time=time, zone=zone)
    for batch in batches:
        writer.add(batch)
    return writer.close(), writer.unordered


def manifest_of(fragments, *, items=(), types=None, when=datetime(2026, 1, 1, tzinfo=UTC)) -> Manifest:
    return Manifest(
        name="d", digest=datasets.digest(types or TYPES, fragments), rows=sum(part.rows for part in fragments),
        types=types or TYPES, items=items, fragments=tuple(fragments), source="file", made_with="m", ingested_at=when,
    )  # fmt: skip


def publish(root: Path, batches: list[pa.RecordBatch], name: str = "v", **more) -> tuple[Path, DatasetRef, Manifest]:
    folder = root / f".made-{name}"
    fragments, _ = write(folder, batches, **more)
    manifest = manifest_of(fragments)
    datasets.publish(root / name, manifest, {part.path: folder / part.path for part in fragments})
    return root / name, ref_of(manifest, name), manifest


def ref_of(manifest: Manifest, name: str = "v") -> DatasetRef:
    return DatasetRef(uri=name, rows=manifest.rows, facts=manifest.facts, sha256=manifest.digest)


def digest_of(rows: list[dict]) -> tuple[int, int]:
    return datasets.content_sums(rows_of(rows))


# -- the digest of what rows hold ---------------------------------------------------------------------------------

VALUES = {
    "at": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    "n": st.integers(-(2**63), 2**63 - 1),
    "m": st.integers(-2, 2),
    "x": st.floats(allow_nan=False, allow_infinity=False),
    "t": st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    "u": st.sampled_from(["", "a", "b"]),
    "b": st.booleans(),
    UNREADABLE: st.sampled_from(['{"n": "x"}', '{"n": "y"}']),
}
A_ROW = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})
EXAMPLE = {
    "at": at("2013-01-31T05:00"), "n": 1, "m": 0, "x": 0.5, "t": "a", "u": "", "b": False, UNREADABLE: None
}  # fmt: skip


@given(st.lists(A_ROW, max_size=12), st.randoms(use_true_random=False), st.integers(1, 5))
def test_content_does_not_depend_on_order_grouping_or_row_numbers(rows, shuffle, size):
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    pieces = [rows_of(shuffled[begin : begin + size], first=7 * begin) for begin in range(0, len(rows), size)]
    sums = [datasets.content_sums(piece) for piece in pieces]
    assert digest_of(rows) == tuple(sum(each) % 2**64 for each in (zip(*sums, strict=True) if sums else [[], []]))
    assert digest_of(rows) == datasets.content_sums(rows_of([EXAMPLE, *rows]).slice(1))


@given(A_ROW, st.data())
@settings(max_examples=100)
def test_content_depends_on_every_single_value(row, data):
    name = data.draw(st.sampled_from(sorted(VALUES)))
    other = data.draw((st.none() | VALUES[name]).filter(lambda value: value != row[name]))
    assert digest_of([row]) != digest_of([{**row, name: other}])
    assert digest_of([row, EXAMPLE]) != digest_of([{**row, name: other}, EXAMPLE])


@pytest.mark.parametrize(
    ("name", "value"), [("n", 0), ("x", 0.0), ("t", ""), ("b", False), ("at", at("1970-01-01T00:00"))]
)
def test_nothing_is_not_the_same_as_an_empty_value(name, value):
    assert digest_of([{name: value}]) != digest_of([{}])


def test_content_tells_columns_of_one_type_apart():
    assert digest_of([{"n": 1, "m": 2}]) != digest_of([{"n": 2, "m": 1}])
    assert digest_of([{"n": None, "m": 2}]) != digest_of([{"n": 2, "m": None}])
    assert digest_of([{"t": "a"}]) != digest_of([{"u": "a"}])
    assert digest_of([{"t": "ab", "u": "c"}]) != digest_of([{"t": "a", "u": "bc"}])
    assert digest_of([{"n": 1, "m": 2}, {"n": 3, "m": 4}]) != digest_of([{"n": 1, "m": 4}, {"n": 3, "m": 2}])


def test_content_counts_equal_rows():
    sums = [digest_of([EXAMPLE] * n) for n in range(5)]
    assert len(set(sums)) == 5
    assert sums[0] == (0, 0)


def test_negative_zero_equals_zero():
    assert digest_of([{"x": -0.0}]) == digest_of([{"x": 0.0}]) != digest_of([{"x": 5e-324}])


def test_one_value_in_fifty_thousand_rows_counts():
    rows = pa.RecordBatch.from_pydict({"n": np.arange(50_000), "x": np.arange(50_000) / 7})
    sums = datasets.content_sums(rows)
    changed = rows.set_column(0, "n", pa.array(np.where(np.arange(50_000) == 49_999, 0, np.arange(50_000))))
    assert datasets.content_sums(changed) != sums
    order = np.random.default_rng(7).permutation(50_000)
    assert datasets.content_sums(rows.take(pa.array(order))) == sums


def test_row_hashes_are_different_for_different_rows_and_do_not_follow_the_order_of_columns():
    rows = pa.RecordBatch.from_pydict({"n": np.arange(100_000) % 1_000, "m": np.arange(100_000) // 1_000})
    hashes = datasets.row_hashes(rows, ["n", "m"])
    assert len(np.unique(hashes)) == 100_000
    np.testing.assert_array_equal(hashes, datasets.row_hashes(rows, ["m", "n"]))
    assert abs(np.unpackbits(hashes.view(np.uint8)).mean() - 0.5) < 0.001


def test_digest_is_the_one_that_it_has_always_been(tmp_path):
    rows = [EXAMPLE, {}, {**EXAMPLE, "t": "é 漢", "b": True, "x": -1e300, "n": -(2**63)}, {"n": 1}, {"n": 1}]
    _, _, manifest = publish(tmp_path, [rows_of(rows)])
    assert manifest.digest == GOLDEN  # a change of it makes every stored dataset a new one


def test_digest_is_of_types_and_partitions():
    part = Fragment(path="p", item="i", partition="2013-01", rows=2, size=1, sha256="s", content=f"{5:032x}")
    digest = datasets.digest(TYPES, [part])
    assert datasets.digest(TYPES, [part.model_copy(update={"path": "q", "item": "j", "sha256": "z"})]) == digest
    halves = [part.model_copy(update={"rows": 1, "content": f"{n:032x}"}) for n in (2, 3)]
    assert datasets.digest(TYPES, halves) == datasets.digest(TYPES, reversed(halves)) == digest
    assert datasets.digest(TYPES, [part.model_copy(update={"rows": 3})]) != digest
    assert datasets.digest(TYPES, [part.model_copy(update={"partition": "2013-02"})]) != digest
    assert datasets.digest({**TYPES, "x": "int64"}, [part]) != digest
    assert datasets.digest({"y" if name == "x" else name: kind for name, kind in TYPES.items()}, [part]) != digest
    assert datasets.digest({name: kind for name, kind in TYPES.items() if name != ROW}, [part]) == digest


# -- months -------------------------------------------------------------------------------------------------------

INSTANTS = st.one_of(
    st.none(),
    st.datetimes(datetime(1901, 1, 1), datetime(2261, 1, 1)).map(lambda wall: wall.replace(tzinfo=UTC)),
    st.builds(
        lambda year, month, minutes: datetime(year, month, 1, tzinfo=UTC) + timedelta(minutes=minutes),
        st.integers(2006, 2045), st.integers(1, 12), st.integers(-900, 900),
    ),
)  # fmt: skip


@given(st.lists(st.lists(INSTANTS, max_size=6), max_size=4), st.sampled_from([NEW_YORK, ST_JOHNS, ASUNCION, "UTC"]))
@example([[at("2009-11-01T02:20"), at("2009-11-01T02:30:30"), at("2009-11-01T03:00")]], ST_JOHNS)
@example([[at("2009-11-01T02:30:30")], [at("2009-11-01T03:00")]], ST_JOHNS)
@example([[at("2040-07-01T04:30"), at("2040-07-01T03:30")], [], [None]], NEW_YORK)
@settings(max_examples=40)
def test_every_row_lies_in_its_local_month(tmp_path_factory, batches, zone):
    folder = tmp_path_factory.mktemp("months")
    numbered = [rows_of([{"at": instant, "n": n} for n, instant in enumerate(each)]) for each in batches]
    fragments, unordered = write(folder, numbered, zone=zone)
    found = Counter()
    for fragment in fragments:
        table = pq.read_table(folder / fragment.path, partitioning=None)
        assert table.schema.equals(SCHEMA)
        assert (table.num_rows, fragment.size) == (fragment.rows, (folder / fragment.path).stat().st_size)
        found.update((fragment.partition, instant) for instant in table["at"].to_pylist())
    instants = [instant for each in batches for instant in each]
    assert found == Counter((f"{i.astimezone(ZoneInfo(zone)):%Y-%m}" if i else UNDATED, i) for i in instants)
    present = [instant for instant in instants if instant]
    assert unordered == sum(b < a for a, b in pairwise(present))


def test_year_ends_at_local_midnight(tmp_path):
    rows = [{"at": at("2014-01-01T04:59:59.999999")}, {"at": at("2014-01-01T05:00")}, {"at": at("2013-12-01T05:00")}]
    fragments, _ = write(tmp_path, [rows_of(rows)])
    assert [(part.partition, part.rows) for part in fragments] == [("2013-12", 2), ("2014-01", 1)]


def test_table_without_a_time_column_is_one_partition(tmp_path):
    fragments, unordered = write(tmp_path, [rows_of([EXAMPLE] * 3), rows_of([EXAMPLE])], time=None)
    assert [(part.partition, part.rows) for part in fragments] == [(WHOLE, 4)]
    assert unordered == 0


@pytest.mark.parametrize("batches", [[], [rows_of([])], [rows_of([])] * 3])
def test_no_rows_make_no_files(tmp_path, batches):
    assert write(tmp_path, batches) == ((), 0)
    assert list(tmp_path.iterdir()) == []


def test_more_months_than_files_may_be_open_lose_no_row(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.writer, "MOST_OPEN", 3)
    months = [at(f"{2000 + n // 12}-{n % 12 + 1:02d}-15T00:00") for n in range(10)]
    rows = [{"at": months[n % 10], "n": n} for n in range(100)]
    fragments, _ = write(tmp_path, [rows_of(rows[n : n + 20]) for n in range(0, 100, 20)])
    assert len(fragments) > 10
    assert Counter(part.partition for part in fragments).keys() == {f"{month:%Y-%m}" for month in months}
    found = [n for part in fragments for n in pq.read_table(tmp_path / part.path, partitioning=None)["n"].to_pylist()]
    assert sorted(found) == list(range(100))
    assert datasets.digest(TYPES, fragments) == datasets.digest(TYPES, write(tmp_path / "b", [rows_of(rows)])[0])


def test_rows_of_many_months_wait_within_bounds_and_none_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.writer, "MOST_WAITING", 10_000)
    rows = [{"at": at(f"2013-{n % 12 + 1:02d}-15T00:00"), "n": n} for n in range(1_200)]
    writer = Writer(tmp_path, item="ab" * 32, time="at", zone="UTC")
    for begin in range(0, 1_200, 100):
        writer.add(rows_of(rows[begin : begin + 100]))
        assert sum(part.waiting for part in writer._open.values()) <= 10_000
    fragments = writer.close()
    found = [n for part in fragments for n in pq.read_table(tmp_path / part.path, partitioning=None)["n"].to_pylist()]
    assert sorted(found) == list(range(1_200))
    assert datasets.digest(TYPES, fragments) == datasets.digest(TYPES, write(tmp_path / "b", [rows_of(rows)])[0])


def test_dataset_has_one_digest_however_it_was_split(tmp_path):
    shuffle = random.Random(7)
    rows = [{**EXAMPLE, "at": at("2013-01-01T00:00") + timedelta(hours=13 * n), "n": n} for n in range(200)]
    whole = datasets.digest(TYPES, write(tmp_path / "whole", [rows_of(rows)])[0])
    shuffle.shuffle(rows)
    parts = []
    for item, half in (("a" * 64, rows[:70]), ("b" * 64, rows[70:])):
        parts += write(tmp_path / item[0], [rows_of(half[n : n + 9]) for n in range(0, len(half), 9)], item=item)[0]
    assert datasets.digest(TYPES, parts) == whole


# -- versions -----------------------------------------------------------------------------------------------------

MONTHS = [{**EXAMPLE, "at": at(f"2013-{month:02d}-15T12:00"), "n": month} for month in range(1, 5)]


def given_by(path: Path, ref: DatasetRef, **more) -> list[dict]:
    return [row for _, batch in datasets.batches(path, ref, **more) for row in batch.to_pylist()]


def test_version_gives_its_rows_in_the_same_order_each_time(tmp_path):
    path, ref, manifest = publish(tmp_path, [rows_of(MONTHS)])
    assert [row["n"] for row in given_by(path, ref)] == [1, 2, 3, 4]
    assert given_by(path, ref) == given_by(path, ref, max_rows=1) == rows_of(MONTHS).to_pylist()
    assert given_by(path, ref, columns=["t", "n"])[0] == {"t": "a", "n": 1}
    assert manifest.partitions == {f"2013-{month:02d}": 1 for month in range(1, 5)}
    assert datasets.read_manifest(path, ref.sha256) == manifest
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".made-v", "v"]


@pytest.mark.parametrize("how", ["gone", "truncated", "flipped", "other", "manifest", "edited"])
def test_damage_is_found_before_any_row_is_given(tmp_path, how):
    path, ref, manifest = publish(tmp_path, [rows_of(MONTHS)])
    last = path / manifest.fragments[-1].path
    content = last.read_bytes()
    if how == "gone":
        last.unlink()
    elif how == "manifest":
        (path / "manifest.json").write_text("{}")
    elif how == "edited":
        about = json.loads((path / "manifest.json").read_bytes())
        about["fragments"][0]["content"] = "no digits"
        (path / "manifest.json").write_text(json.dumps(about))
    elif how == "other":
        last.unlink()
        os.link(path / manifest.fragments[0].path, last)
    else:
        cut = content[:-9] if how == "truncated" else content[:30] + bytes([content[30] ^ 1]) + content[31:]
        last.unlink()
        last.write_bytes(cut)
    with pytest.raises(IntegrityError) as caught:
        next(datasets.batches(path, ref))
    assert (caught.value.code, caught.value.where) == ("INT009", str(path))


def test_version_of_another_digest_is_refused(tmp_path):
    path, ref, _ = publish(tmp_path, [rows_of(MONTHS)])
    with pytest.raises(IntegrityError, match="INT009"):
        next(datasets.batches(path, ref.model_copy(update={"sha256": "0" * 64})))


def test_publishing_again_leaves_the_version_as_it_is(tmp_path):
    path, _, manifest = publish(tmp_path, [rows_of(MONTHS)])
    before = path.stat().st_ino
    later = manifest.model_copy(update={"ingested_at": datetime(2027, 1, 1, tzinfo=UTC)})
    assert datasets.publish(path, later, {}) == manifest
    assert path.stat().st_ino == before


def test_damaged_version_is_replaced(tmp_path):
    path, ref, manifest = publish(tmp_path, [rows_of(MONTHS)])
    (path / manifest.fragments[0].path).unlink()
    publish(tmp_path, [rows_of(MONTHS)])
    assert len(given_by(path, ref)) == 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".made-v", "v"]


def test_version_is_copied_where_files_cannot_be_linked(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path, ref, _ = publish(tmp_path, [rows_of(MONTHS)])
    assert len(given_by(path, ref)) == 4


@pytest.mark.parametrize("there", [False, True])
def test_version_that_cannot_be_put_in_place_leaves_what_was_there(tmp_path, monkeypatch, there):
    if there:
        path, ref, manifest = publish(tmp_path, [rows_of(MONTHS)])
        item = IngestedItem(name="n", size=1, sha256="s", rows=4, unordered=1)
        manifest = manifest.model_copy(update={"items": (item,)})
    else:
        fragments, _ = write(tmp_path / ".made-v", [rows_of(MONTHS)])
        path, manifest = tmp_path / "v", manifest_of(fragments)

    rename = Path.rename

    def failing(self, target):
        if Path(target) == path and not self.name.endswith(".aside") and (self / "manifest.json").exists():
            found = datasets.read_manifest(self)
            if found.items == manifest.items:
                raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    files = {part.path: tmp_path / ".made-v" / part.path for part in manifest.fragments}
    with pytest.raises(ResourceError, match="RES001"):
        datasets.publish(path, manifest, files)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ([".made-v", "v"] if there else [".made-v"])
    if there:
        assert len(given_by(path, ref)) == 4


def test_many_may_publish_the_same_rows_at_once(tmp_path):
    fragments, _ = write(tmp_path / "made", [rows_of(MONTHS)])
    manifest = manifest_of(fragments)
    files = {part.path: tmp_path / "made" / part.path for part in fragments}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: datasets.publish(tmp_path / "v", manifest, files), range(24)))
    assert {each.digest for each in found} == {manifest.digest}
    with multiprocessing.get_context("fork").Pool(2) as processes:
        arguments = [(tmp_path / "w", manifest, files)] * 6
        assert {each.digest for each in processes.starmap(datasets.publish, arguments)} == {manifest.digest}
    for name in ("v", "w"):
        assert len(given_by(tmp_path / name, ref_of(manifest))) == 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["made", "v", "w"]


def test_facts_are_what_rules_look_at_beside_the_rows():
    item = IngestedItem(name="a", size=1, sha256="s", rows=1, undeclared=("e",), physical={"n": "int32"})
    facts = manifest_of([], items=(item,)).facts
    assert manifest_of([], items=(item.model_copy(update={"name": "b", "sha256": "z", "size": 9}),)).facts == facts
    for change in ({"unordered": 1}, {"undeclared": ()}, {"physical": {"n": "int64"}}):
        assert manifest_of([], items=(item.model_copy(update=change),)).facts != facts


# -- periods ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [NEW_YORK, ST_JOHNS, ASUNCION])
def test_period_gives_the_rows_that_filtering_gives(tmp_path, zone):
    pick = random.Random(7)
    begin = at("2009-09-20T00:00") if zone != ASUNCION else at("2017-08-20T00:00")
    times = [begin + timedelta(minutes=pick.randrange(150 * 24 * 60)) for _ in range(400)]
    times += [at("2009-11-01T02:20"), at("2009-11-01T02:30:30"), at("2009-11-01T03:00"), None]
    rows = [{"at": instant, "n": n} for n, instant in enumerate(times)]
    path, _, manifest = publish(tmp_path, [rows_of(rows[:250]), rows_of(rows[250:])], zone=zone)
    days = [begin.date() + timedelta(days=pick.randrange(160)) for _ in range(24)]
    days += [date(begin.year, month, 1) for month in (10, 11, 12)]
    for number in range(40):
        start, end = sorted(pick.sample(days, 2))
        start, end = (None if number % 7 == 1 else start), (None if number % 7 == 2 else end)
        scratch = tmp_path / f"scratch-{number}"
        scratch.mkdir()
        fragments, files = datasets.within(
            path, manifest, time="at", zone=zone, start=start, end=end, scratch=scratch
        )  # fmt: skip
        first, last = (midnight(day, zone) for day in (start, end))
        expected = sorted(
            n for n, i in enumerate(times)
            if i is None or ((first is None or i >= first) and (last is None or i < last))
        )  # fmt: skip
        assert files.keys() == {part.path for part in fragments}
        found = [n for part in fragments for n in pq.read_table(files[part.path], partitioning=None)["n"].to_pylist()]
        assert sorted(found) == expected, (start, end)
        again = write(tmp_path / f"again-{number}", [rows_of([rows[n] for n in expected])], zone=zone)[0]
        assert datasets.digest(TYPES, fragments) == datasets.digest(TYPES, again)


def midnight(day: date | None, zone: str) -> datetime | None:
    return day and datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_whole_months_of_a_period_are_taken_as_they_are(tmp_path):
    path, _, manifest = publish(tmp_path, [rows_of(MONTHS)])
    period = {"start": date(2013, 2, 1), "end": date(2013, 4, 1)}
    fragments, files = datasets.within(path, manifest, time="at", zone=NEW_YORK, scratch=tmp_path / "none", **period)
    assert fragments == manifest.fragments[1:3]
    assert all(file.is_relative_to(path) for file in files.values())


# -- what there is ------------------------------------------------------------------------------------------------


def test_difference_names_what_changed(tmp_path):
    before, after = (
        write(tmp_path / name, [rows_of(rows)])[0]
        for name, rows in (("a", MONTHS), ("b", [*MONTHS[1:], EXAMPLE, EXAMPLE]))
    )
    item = IngestedItem(name="a.csv", size=1, sha256="1", rows=4)
    old = manifest_of(before, items=(item, item.model_copy(update={"name": "gone.csv"})))
    types = {**{name: kind for name, kind in TYPES.items() if name != "u"}, "x": "int64", "new": "string"}
    new = manifest_of(
        after, types=types,
        items=(item.model_copy(update={"sha256": "2"}), item.model_copy(update={"name": "late.csv"})),
    )  # fmt: skip
    found = datasets.diff(old, new)
    assert (found.added_columns, found.dropped_columns) == (("new",), ("u",))
    assert found.retyped_columns == {"x": ("double", "int64")}
    assert (found.added_items, found.dropped_items, found.changed_items) == (("late.csv",), ("gone.csv",), ("a.csv",))
    assert found.partitions == {"2013-01": (1, 2)}
    assert not found.same
    nothing = datasets.diff(old, old)
    assert nothing.same
    assert not any(value for name, value in nothing.model_dump().items() if name != "same")


def test_versions_are_listed_oldest_first_and_found_by_their_beginning(tmp_path):
    made = {}
    for name, rows, year in (("b", MONTHS[:1], 2026), ("a", MONTHS[:2], 2027), ("c", MONTHS[:3], 2025)):
        fragments, _ = write(tmp_path / "made" / name, [rows_of(rows)])
        made[name] = manifest_of(fragments, when=datetime(year, 1, 1, tzinfo=UTC))
        files = {part.path: tmp_path / "made" / name / part.path for part in fragments}
        for folder in (name, f".{name}.half"):
            datasets.publish(tmp_path / "store" / folder, made[name], files)
    (tmp_path / "store" / "broken").mkdir()
    (tmp_path / "store" / "broken" / "manifest.json").write_text("{")
    store = tmp_path / "store"
    assert datasets.versions(store) == [(store / name, made[name]) for name in "cba"]
    assert datasets.find(store, "latest") == (store / "a", made["a"])
    assert datasets.find(store, made["c"].digest[:12]) == (store / "c", made["c"])


@pytest.mark.parametrize(
    ("wanted", "what"), [("zz", "no dataset versions begin with 'zz'"), ("", "2 dataset versions begin with ''")]
)
def test_version_that_is_not_the_only_one_is_not_found(tmp_path, wanted, what):
    for name, rows in (("a", MONTHS[:1]), ("b", MONTHS)):
        publish(tmp_path, [rows_of(rows)], name)
    with pytest.raises(DataError) as caught:
        datasets.find(tmp_path, wanted)
    assert (caught.value.code, caught.value.what) == ("DQ026", what)


def test_store_without_versions_says_so(tmp_path):
    with pytest.raises(DataError, match=r"DQ026: no dataset versions$"):
        datasets.find(tmp_path / "absent", "latest")


GOLDEN = "c5da5b10508e00f032cd4245d757985337f9afff10dc977944678a8329d8636d"
