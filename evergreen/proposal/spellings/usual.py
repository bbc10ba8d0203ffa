"""What a column's texts stand for, written as usual: numbers as -1234.5, times in ISO 8601."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.data.typed import values
from evergreen.data.typed.schema import conform
from evergreen.data.typed.spelled import plain
from evergreen.data.typed.times import where
from evergreen.proposal.spellings.told import Told

# A wall time is another instant here than in UTC, always; no clock is changed.
ELSEWHERE = "Asia/Tokyo"


def as_read(batch: pa.RecordBatch, name: str, said: Told, told: Mapping[str, Told]) -> pa.Array:
    """Return the values of a column in the usual spelling; what is not spelled as it is said stays as it came.

    Parameters
    ----------
    told : of the columns that `name` is made of, if it has parts.
    """
    if said.parts:
        return _joined(batch, name, said, told)
    if name not in batch.schema.names:
        return pa.nulls(batch.num_rows, pa.string())
    texts = values.as_read(batch.column(name))
    came = pa.RecordBatch.from_arrays([texts], names=[name])
    texts = texts if pa.types.is_string(texts.type) else texts.cast(pa.string())
    texts = where(pc.invert(pc.is_in(pc.utf8_trim_whitespace(texts), pa.array(said.missing, pa.string()))), texts)
    usual = _times(came, name, said) if said.type == "timestamp" else plain(texts, said.column(name))
    return pc.coalesce(usual, texts)


def _times(came: pa.RecordBatch, name: str, said: Told) -> pa.Array:
    column = said.column(name)
    instants, others = (conform(came, [column], zone=zone).column(name) for zone in ("UTC", ELSEWHERE))
    wall = instants.cast(pa.timestamp("us"))
    return pc.if_else(pc.equal(instants, others), instants.cast(pa.string()), wall.cast(pa.string()))


def _joined(batch: pa.RecordBatch, name: str, said: Told, told: Mapping[str, Told]) -> pa.Array:
    """Return the times that other columns tell together; null where one of these is missing."""
    if not set(said.parts) <= set(batch.schema.names):
        return pa.nulls(batch.num_rows, pa.string())
    columns = [told[part].column(part) for part in said.parts]
    typed = conform(batch.select(list(said.parts)), [*columns, said.column(name)], zone="UTC")
    return typed.column(name).cast(pa.timestamp("us")).cast(pa.string())
