"""Columns that a contract does not name, with the reason."""

import pyarrow as pa
import pytest
from proposals import NOW, SOURCE

from evergreen.base.errors import ConfigError
from evergreen.proposal.left_out import require_declared, why_left_out
from evergreen.proposal.profile import TableProfile, profile
from evergreen.proposal.propose import propose
from evergreen.proposal.roles import Ask

N = 200


def seen(**columns: pa.Array) -> TableProfile:
    return profile(pa.table(columns).to_batches(max_chunksize=64))


def test_nothing_is_left_out_of_a_table_that_is_read() -> None:
    assert why_left_out(seen(x=pa.array([1.5, None]), word=pa.array([b"a", b"b"], pa.binary()))) == {}


def test_bytes_that_are_no_text_are_left_out_by_their_type() -> None:
    (why,) = why_left_out(seen(picture=pa.array([b"\x89PNG\xff"] * N, pa.binary()))).values()
    assert why == "bytes (binary) that are no text in UTF-8; write them as text at the source"


def test_column_of_a_type_that_no_declared_one_holds_is_left_out() -> None:
    intervals = pa.array([(1, 2, 3)] * N, pa.month_day_nano_interval())
    assert "of type month_day_nano_interval" in why_left_out(seen(span=intervals))["span"]


def test_texts_with_nul_bytes_are_left_out_and_few_of_them_are_not() -> None:
    table = seen(all=pa.array(["a\0b"] * N), few=pa.array(["a\0b"] * 3 + ["fine", "good"] * ((N - 3) // 2 + 1))[:N])
    assert why_left_out(table) == {"all": "200 of 200 values hold a NUL byte, which no text has"}
    assert table.columns["few"].illegible == 3


def test_names_of_ours_and_nested_columns_are_left_out() -> None:
    table = seen(_id=pa.array([1]), x=pa.array([1]))
    table.unread["tags"] = "list<element: string>"
    assert why_left_out(table) == {
        "tags": "nested (list<element: string>), which is not read",
        "_id": "names that begin with an underscore, or have no letter, are not used",
    }


def test_column_that_was_named_and_is_left_out_is_refused_with_the_reason() -> None:
    require_declared(None, "--time", {"x": "bytes"})
    require_declared("y", "--time", {"x": "bytes"})
    with pytest.raises(ConfigError, match="CFG024: column 'x' cannot be used: bytes") as caught:
        require_declared("x", "--target", {"x": "bytes"})
    assert caught.value.where == "--target"


def test_proposal_says_what_it_leaves_out() -> None:
    x = pa.array([float(k) for k in range(N)])
    table = seen(x=x, picture=pa.array([b"\xff"] * N, pa.binary()), y=pa.array([k * 1.25 % 7 for k in range(N)]))
    proposal = propose(table, Ask(target="y", name="rows", source=SOURCE, now=NOW, is_typed=True))
    assert [column.name for column in proposal.contract.columns] == ["x", "y"]
    assert "picture" in proposal.left_out
    assert any(note.startswith("column 'picture' is left out: bytes") for note in proposal.review)
