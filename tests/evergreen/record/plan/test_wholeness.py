"""What a step made is there when every byte of it is: a file that exists is not enough."""

import pandas as pd
import planned
import pytest

from evergreen.record.plan.wholeness import holds, references

MAKE = {
    "table": lambda ws: ws.write("t", pd.DataFrame({"a": [1, 2]})).model_dump(),
    "folder": lambda ws: ws.write_folder("m", {"a": b"1", "b/c": b"2"}, {"kind": "test"}).model_dump(),
    "dataset": lambda ws: planned.artifact("raw", ws),
}


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda ref: ref,
        lambda ref: {"model": ref, "rows": 3},
        lambda ref: [{"deep": [ref]}],
        lambda ref: {"pair": (ref, None)},
    ],
    ids=["json", "mapping", "list", "tuple"],
)
@pytest.mark.parametrize("kind", MAKE)
def test_what_a_value_names_is_held_while_it_is_there(ws, wrap, kind):
    ref = MAKE[kind](ws)
    assert holds(ws, wrap(ref))
    path = ws.path(ref["uri"])
    path.rename(path.with_name("elsewhere"))
    assert not holds(ws, wrap(ref))


@pytest.mark.parametrize("kind", MAKE)
def test_no_file_of_it_can_change_unseen(ws, kind):
    ref = MAKE[kind](ws)
    path = ws.path(ref["uri"])
    for file in sorted(file for file in (path, *path.rglob("*")) if file.is_file()):
        kept = file.read_bytes()
        flipped(file)
        assert not holds(ws, ref), file
        file.write_bytes(kept[:-1])
        assert not holds(ws, ref), file
        file.write_bytes(kept)
        assert holds(ws, ref)


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"uri": "no reference without a digest"}])
def test_what_names_nothing_is_held(ws, value):
    assert holds(ws, value)


def test_reference_of_no_known_kind_is_not_held(ws):
    assert not holds(ws, {"uri": "t", "sha256": "x", "colour": "red"})


def test_references_come_in_their_order(ws):
    first, second = MAKE["table"](ws), MAKE["folder"](ws)
    found = list(references({"a": first, "b": [second, None]}))
    assert [each.model_dump() for each in found] == [first, second]
