"""A receipt says what an output was made of, as long as the output is the one it was written for."""

import pytest

from evergreen.base.artifacts import receipts
from evergreen.base.artifacts.receipts import Receipt
from evergreen.base.files import file_digest


@pytest.fixture
def output(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"rows")
    return path


def receipt(output):
    return Receipt(made_of="this", sha256=file_digest(output), rows=3, refused=1, logged=True)


def test_receipt_is_read_while_its_output_is_whole(output):
    assert receipts.read(output) is None
    receipts.write(output, receipt(output))
    assert receipts.read(output) == receipt(output)
    assert receipts.path_of(output).name == ".rows.parquet.receipt.json"
    output.write_bytes(b"row")
    assert receipts.read(output) is None
    output.unlink()
    assert receipts.read(output) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"made_of": 3}', b"\xff"])
def test_what_is_no_receipt_is_as_good_as_none(output, content):
    receipts.path_of(output).write_bytes(content)
    assert receipts.read(output) is None
