"""Fixtures of the readers: files of any content, their rows, and what a reader says of those that it refuses."""

import pytest

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import readers
from evergreen.data.ingest.items import item_of


@pytest.fixture
def item(tmp_path):
    def item(name: str, content: bytes | str, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return item_of(path, name=name, **options)

    return item


@pytest.fixture
def rows(item):
    def rows(name, content, *, missing=MISSING, columns=None):
        batches = readers.read(item(name, content), missing=missing, columns=columns)
        return sorted((row for batch in batches for row in batch.to_pylist()), key=lambda row: row["_row"])

    return rows


@pytest.fixture
def refusal(rows):
    def refusal(*args, **options) -> DataError:
        with pytest.raises(DataError) as caught:
            rows(*args, **options)
        return caught.value

    return refusal
