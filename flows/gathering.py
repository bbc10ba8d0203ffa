"""A window's rows and the answers to them: where they were served, or else at the source."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from evergreen.base.artifacts.refs import DatasetRef, TableRef
from evergreen.base.errors import DataError
from evergreen.base.values import Value
from evergreen.project import Project
from evergreen.record.labels.verdict import Labels
from evergreen.record.outcomes import VersionFacts
from evergreen.record.plan.steps import arguments
from flows.recorder import Recorder
from tasks.ingest import ingest
from tasks.score import Scored, score
from tasks.served import served
from tasks.validate import validate

NO_ROWS = "DQ007"


class Rows(Value):
    """A window's rows and the answers to them.

    `rows`: as they came, of which the columns are looked at; None where there are none, or they could not be read.
    `answered`: those that could be answered, and `answers` to them, in their order or with their ids. `said`: how the
    labels came, of what was served. `refused`: why the source's rows could not be read or trusted; empty where they
    could.
    """

    source: Literal["served", "source"]
    rows: DatasetRef | TableRef | None = None
    answered: TableRef | None = None
    answers: TableRef | None = None
    said: Labels | None = None
    quarantined: int = 0
    refused: str = ""

    @property
    def n(self) -> int:
        """How many rows there are."""
        return self.rows.rows if self.rows else 0


def rows_of(window: Project, champion: VersionFacts, *, as_of: datetime, do: Recorder) -> tuple[Rows, TableRef | None]:
    """Return a window's rows where they were served, or else at the source; and the source's that can be trusted."""
    p = window.params.ingest
    assert p.start is not None
    assert p.end is not None
    log = do(
        served,
        predictions=window.settings.predictions,
        version=champion.version,
        ws=window.workspace,
        contract=window.contract,
        start=p.start,
        end=p.end,
        as_of=as_of,
    )
    if not log.rows.rows:
        found = rows_of_source(window, champion, do)
        return found, found.answered
    at_source = checked_source(window, do)
    found = Rows(source="served", rows=log.rows, answered=log.rows, answers=log.answers, said=log.labels)
    return found, at_source.answered


def checked_source(window: Project, do: Recorder) -> Rows:
    """Return the source's rows of a window: those that keep the contract, or why they could not be read or trusted."""
    try:
        raw = do(ingest, **arguments("ingest", window.given, {})).raw
    except DataError as error:
        return Rows(source="source", refused="" if error.code == NO_ROWS else str(error))
    # How many rows there must be is said of what is trained on; a window may be a day.
    of_any_length = replace(window.given, contract=window.contract.model_copy(update={"rows": None}))
    try:
        checked = do(validate, **arguments("validate", of_any_length, {"raw": raw}))
    except DataError as error:
        return Rows(source="source", rows=raw, refused=str(error))
    return Rows(source="source", rows=raw, answered=checked.valid, quarantined=checked.quarantine.rows)


def rows_of_source(window: Project, version: VersionFacts, do: Recorder) -> Rows:
    """Return the source's rows of a window, and what a version says of those that keep the contract."""
    found = checked_source(window, do)
    if found.answered is None:
        return found
    return found.model_copy(update={"answers": score_with(version, found.answered, window, do).predictions})


def score_with(version: VersionFacts, rows: TableRef, window: Project, do: Recorder) -> Scored:
    """Score a window's rows with a version, with the rows before them that its features look back on."""
    longer = window.look_back(version)
    earlier = {**arguments("ingest", window.given, {}), "params": longer}
    return do(
        score,
        rows,
        model=version.artifact,
        version=version.version,
        threshold=version.threshold,
        ws=window.workspace,
        past=do(ingest, **earlier).raw if longer else None,
    )
