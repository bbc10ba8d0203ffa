"""What is wrong with the shape of a body, told without the words of the library that found it."""

from typing import Annotated, Any

import msgspec
import pytest

from serving.shapes import Misshapen, misshapen


class Row(msgspec.Struct, forbid_unknown_fields=True):
    fare: str | int | float | bool | None
    note: Annotated[str, msgspec.Meta(min_length=2, max_length=3)] | None = None
    code: Annotated[str, msgspec.Meta(pattern="^[a-z]$")] | None = None
    n: int = 0


class Body(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[Row]


def told(body: bytes) -> Misshapen:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(body, type=Body)
    return misshapen(caught.value)


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        (b"[]", "", "must be an object, got a list"),
        (b"{}", "rows", "the field is missing"),
        (b'{"rows": {}}', "rows", "must be a list, got an object"),
        (b'{"rows": 1.5}', "rows", "must be a list, got a number"),
        (b'{"rows": [1]}', "rows[0]", "must be an object, got a whole number"),
        (b'{"rows": [{"fare": 1}, {}]}', "rows[1].fare", "the field is missing"),
        (b'{"rows": [{"fare": {}}]}', "rows[0].fare", "must be one value, got an object"),
        (b'{"rows": [{"fare": []}]}', "rows[0].fare", "must be one value, got a list"),
        (b'{"rows": [{"fare": 1, "note": true}]}', "rows[0].note", "must be a text or null, got a truth value"),
        (b'{"rows": [{"fare": 1, "note": "a"}]}', "rows[0].note", "must be a text of at least 2 characters"),
        (b'{"rows": [{"fare": 1, "note": "abcd"}]}', "rows[0].note", "must be a text of at most 3 characters"),
        (b'{"rows": [{"fare": 1, "code": "A"}]}', "rows[0].code", "must be a text of the pattern ^[a-z]$"),
        (b'{"rows": [{"fare": 1e999}]}', "rows[0].fare", "the number is too large to be read"),
    ],
)
def test_fault_is_told_with_its_place(body, where, what):
    assert told(body) == Misshapen(where, what)


@pytest.mark.parametrize("name", ["fara", "", "` - at `$", "x" * 500])
def test_field_that_is_not_known_is_named_in_its_place(name):
    found = told(msgspec.json.encode({"rows": [{"fare": 1, name: 2}]}))

    assert (found.what, found.unknown) == ("there is no such field", name)
    assert found.where.startswith("rows[0].")
    assert len(found.where) < 100
    of_body = told(msgspec.json.encode({"rows": [], name: 2}))
    assert (of_body.what, of_body.unknown) == ("there is no such field", name)


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [], {}])
@pytest.mark.parametrize("around", ["%s", '{"rows": %s}', '{"rows": [%s]}', '{"rows": [{"fare": 1, "n": %s}]}'])
def test_every_word_is_ours(value: Any, around: str) -> None:
    try:
        msgspec.json.decode(around % msgspec.json.encode(value).decode(), type=Body)
    except msgspec.ValidationError as error:
        said = misshapen(error).what
    else:
        said = ""
    assert not {"Expected", "Object", "array", "bool", "str", "int"} & {*said.split()}
    assert "`" not in said
