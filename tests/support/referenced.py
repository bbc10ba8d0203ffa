"""What a version is compared with, made of a few rows whose answers and targets are given."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.columns import ColumnType, Task
from evergreen.decisions.drift.profile.bins import bins_of
from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.profile import Profile
from evergreen.record.predicted import said, types_of
from evergreen.record.reference import Reference


def seen(rows: pd.DataFrame, types: Mapping[str, ColumnType], *, n_bins: int = 5, zone: str = "UTC") -> Profile:
    """Return the profile of rows by the local day of their column ``at``."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    return profile(table, bins_of(table, types, n_bins=n_bins), time="at", zone=zone)


def reference(features: Profile, task: Task, gate: pd.DataFrame | None, **more: Any) -> Reference:
    """Return the reference of rows; `gate` has a day, a target and the answers of each row."""
    predictions = None
    if gate is not None:
        rows = said(pa.Table.from_pandas(gate, preserve_index=False), task).to_pandas()
        predictions = seen(rows.assign(at=gate["day"].dt.tz_localize("UTC")), types_of(task))
    given = {"importances": dict.fromkeys(features.bins, 1.0), **more}
    return Reference(features=features, predictions=predictions, gate=gate, **given)


def kept(ws: Workspace, made: Reference) -> FolderRef:
    """Return the folder of a reference in a workspace."""
    return ws.write_folder("reference", made.files(), {})
