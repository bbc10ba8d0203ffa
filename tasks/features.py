"""Step: validated rows -> train and test feature tables."""

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from prefect import task

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config import derived
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.data import leakage
from evergreen.data.samples import Sample
from evergreen.learning import features as domain
from evergreen.learning.features import Cut, Split, SplitTally, ordering, pieces
from evergreen.learning.features import lookups as tables
from evergreen.learning.features.history import PastRows
from evergreen.learning.features.lookups import LookupRef
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class FeatureSet(Value):
    """Labelled rows with their features: what tuning may read, what only the gate reads, and how they were parted.

    `lookups`: the tables that were looked up in, which the model takes along.
    """

    train: TableRef
    test: TableRef
    split: Split
    lookups: FolderRef


@task(name="features", timeout_seconds=7200, **RECORDED)
def features(
    valid: TableRef,
    *,
    ws: Workspace,
    contract: Contract,
    params: FeatureParams,
    seed: int,
    lookup_files: tuple[LookupRef, ...] = (),
) -> FeatureSet:
    """Derive row-wise features and set the gate's rows apart: by time with a gap, or by hash where there is no time.

    Nothing is fitted here: encoders live inside the model pipeline, so each tuning fold refits them and the served
    model carries them. Columns with the role leakage are read only where `params.history` looks back on them, and
    never written; a feature that behaves like one stops the run. One piece of the table is in memory at a time.
    """
    derived.check(params, contract)
    looked_up = tables.read(lookup_files, params, contract)
    path = ws.verified(valid)
    last = ordering.last_time(partial(pieces.read, path), contract) if contract.time else None
    cut = Cut(contract, params, seed, last)
    rest = _pieces(path, cut, looked_up)
    first = next(rest, None) if valid.rows and (last or not contract.time) else None
    if first is None:
        raise domain.no_labels(contract)
    domain.check_functions(first.rows, contract, params)
    schema = pa.Schema.from_pandas(first.built, preserve_index=False).remove_metadata()
    sample, tally, hashes = Sample(leakage.MOST_ROWS, seed=seed), SplitTally(cut), _Hashes([], [])
    with ws.writer("train", schema) as train, ws.writer("test", schema) as test:  # there only if nothing raises
        for piece in chain([first], rest):
            tally.take(piece.built, piece.is_train, piece.is_test)
            if contract.max_overlap is not None:
                of_rows = ordering.row_hashes(piece.rows, contract.features)
                hashes.train.append(of_rows[piece.is_train])
                hashes.test.append(of_rows[piece.is_test])
            batch = pa.RecordBatch.from_pandas(piece.built, schema, preserve_index=False)
            of_train = batch.filter(pa.array(piece.is_train))
            sample.add(of_train)
            train.add(of_train)
            test.add(batch.filter(pa.array(piece.is_test)))
        tally.require_labels()
        made = derived.columns(contract, params)
        said = [*leakage.check(sample.table().to_pandas(), contract, seed=seed, made=made)]
        if contract.max_overlap is not None:
            said.append(domain.check_overlap(np.concatenate(hashes.train), np.concatenate(hashes.test), contract))
        for warning in filter(None, said):
            log.warning("features: %s", warning)
    log.info("features: %d train rows, %d test rows", train.ref.rows, test.ref.rows)
    return FeatureSet(
        train=train.ref,
        test=test.ref,
        split=cut.described(gate_digest=test.ref.sha256),
        lookups=ws.write_folder("lookups", tables.to_files(looked_up), {"contract": contract.name}),
    )


class _Hashes(NamedTuple):
    """Of the features of the rows on either side."""

    train: list[Any]
    test: list[Any]


class _Piece(NamedTuple):
    """Labelled rows, as they were read and as they are kept, and the side that each lies on."""

    rows: pd.DataFrame
    built: pd.DataFrame
    is_train: Any
    is_test: Any


def _pieces(path: Path, cut: Cut, looked_up: Mapping[str, pd.DataFrame]) -> Iterator[_Piece]:
    """Yield the features of a table's labelled rows, in order; no piece is empty."""
    contract, params = cut.contract, cut.params
    for some in pieces.with_past(path, contract, PastRows(contract, params)):
        if some.empty:
            continue
        rows = some[[*contract.model_columns, *params.history]]
        made = domain.build(rows, contract, params, looked_up)
        built = rows.assign(**made, **{contract.target: domain.typed_target(rows, contract)})
        yield _Piece(rows, built, *cut.sides(rows))
