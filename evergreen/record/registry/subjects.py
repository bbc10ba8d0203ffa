"""Which versions of a model learned from a subject: those whose train rows hold it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.data import personal
from evergreen.record.registry.lineage import read_proof


class Learned(Value):
    """The versions whose rows hold a subject, and those of which that cannot be said, because their rows are gone or do
    not hold what names it.
    """

    versions: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()


def learned_from(
    workspace: Path,
    versions: Mapping[int, Mapping[str, Any]],
    subject: Mapping[str, str],
    *,
    contract: Contract,
    pii_key: Path,
) -> Learned:
    """Return which registered versions were fitted on rows of a subject.

    Parameters
    ----------
    workspace : where the tables of versions are.
    versions : what is kept of each, as `lineage.versions_in` returns it.
    subject : values by the names of columns, as text.
    pii_key : the file of the key that personal values are hashed under.
    """
    hashes = {column.name for column in contract.columns if column.pii == "hash"}
    stored = {
        name: personal.hashed(text, personal.key(pii_key)) if name in hashes else text for name, text in subject.items()
    }
    held = {version: _holds(workspace, facts, stored) for version, facts in versions.items()}
    return Learned(
        versions=tuple(version for version, found in held.items() if found),
        unknown=tuple(version for version, found in held.items() if found is None),
    )


def _holds(workspace: Path, facts: Mapping[str, Any], subject: Mapping[str, str]) -> bool | None:
    uris = [(facts.get("train") or {}).get("uri")]
    if facts.get("as_judged"):  # fitted again with its gate rows, once it had been judged
        proof = read_proof(workspace, facts) or {}
        uris.append(((proof.get("candidate") or {}).get("test") or {}).get("uri"))
    found = [None if uri is None else _table_holds(workspace / str(uri), subject) for uri in uris]
    return True if True in found else None if None in found else False


def _table_holds(path: Path, subject: Mapping[str, str]) -> bool | None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if not subject.keys() <= set(file.schema_arrow.names):
                return None
            for batch in file.iter_batches(columns=list(subject)):
                found = pa.array([True] * batch.num_rows, pa.bool_())
                for name, text in subject.items():
                    values = batch.column(name)
                    try:
                        wanted = pa.scalar(text, pa.string()).cast(values.type)
                    except pa.ArrowInvalid:
                        return False
                    found = pc.and_(found, pc.fill_null(pc.equal(values, wanted), False))
                if found.true_count:
                    return True
    except (OSError, pa.ArrowException):
        return None
    return False
