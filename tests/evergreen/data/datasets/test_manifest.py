"""What a version says of itself, and how two differ."""

import pytest
from versions import TYPES, at, manifest_of, publish, rows_of, write

from evergreen.base.errors import IntegrityError
from evergreen.data import datasets
from evergreen.data.datasets import Fragment, IngestedItem
from evergreen.data.typed.schema import ROW, UNREADABLE

EXAMPLE = {
    "at": at("2013-01-31T05:00"), "n": 1, "m": 0, "x": 0.5, "t": "a", "u": "", "b": False, UNREADABLE: None
}  # fmt: skip


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


MONTHS = [{**EXAMPLE, "at": at(f"2013-{month:02d}-15T12:00"), "n": month} for month in range(1, 5)]


def test_version_of_another_digest_is_refused(tmp_path):
    path, ref, _ = publish(tmp_path, [rows_of(MONTHS)])
    with pytest.raises(IntegrityError, match="INT009"):
        next(datasets.batches(path, ref.model_copy(update={"sha256": "0" * 64})))


def test_facts_are_what_rules_look_at_beside_the_rows():
    item = IngestedItem(name="a", size=1, sha256="s", rows=1, undeclared=("e",), physical={"n": "int32"})
    facts = manifest_of([], items=(item,)).facts
    assert manifest_of([], items=(item.model_copy(update={"name": "b", "sha256": "z", "size": 9}),)).facts == facts
    for change in ({"unordered": 1}, {"undeclared": ()}, {"physical": {"n": "int64"}}):
        assert manifest_of([], items=(item.model_copy(update=change),)).facts != facts


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


GOLDEN = "c5da5b10508e00f032cd4245d757985337f9afff10dc977944678a8329d8636d"
