"""What lets a look find something in the project of visits: a source that changed, and rows that were served."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from direct import Direct

from evergreen.project import Project
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Logged, columns_of
from flows import monitoring

FEBRUARY, MARCH, APRIL, MAY = (date(2024, month, 1) for month in range(2, 6))
LATE = datetime(2024, 6, 1, tzinfo=UTC)  # when all labels of all months are due
EPOCH = pd.Timestamp(0, tz="UTC")


def at(text: str) -> datetime:
    """Return a time of the year in UTC: ``04-11`` or ``04-11T12:00``."""
    return datetime.fromisoformat(f"2024-{text}").replace(tzinfo=UTC)


def directly(monkeypatch: Any, **instead: Any) -> Direct:
    """Let looks call the steps as functions, and return what calls them."""
    do = Direct(**instead)
    monkeypatch.setattr(monitoring, "Recorder", lambda: do)
    return do


def source(project: Project) -> pd.DataFrame:
    """Return the rows of the source with their times as times."""
    rows = pd.read_csv(project.settings.project / "visits.csv")
    return rows.assign(at=pd.to_datetime(rows["at"], utc=True))


def bring(project: Project, rows: pd.DataFrame) -> None:
    """Write the rows of the source."""
    rows.to_csv(project.settings.project / "visits.csv", index=False)


def asking(project: Project, old: str, new: str) -> Project:
    """Return the project with another text in its contract."""
    path = project.settings.project / "configs" / "visits" / "contract.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return Project.open(overrides=project.asked.overrides)


def since(rows: pd.DataFrame, text: str) -> "pd.Series[bool]":
    """Return which rows lie at a time of the year or after it."""
    return rows["at"] >= at(text)


def flipped(rows: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return rows in which who stayed away comes back, and the other way round, since a time of the year."""
    return rows.assign(returned=rows["returned"] ^ since(rows, text))


def stays(rows: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return rows in which, since a time, how long somebody stays tells whether he returns, and pages say little."""
    told = 0.25 * rows["pages"] + rows["minutes"] > 3
    return rows.assign(returned=rows["returned"].where(~since(rows, text), told))


def serve(
    project: Project,
    rows: pd.DataFrame,
    probabilities: Sequence[float],
    *,
    version: int = 1,
    rules: Sequence[str] | None = None,
) -> list[str]:
    """Log rows as answered, each at the time of its event; return the ids of the predictions.

    `rules`: by which each was referred, or `threshold` where it was not; None where nothing is decided.
    """
    contract = project.contract
    columns = columns_of(contract)
    threshold = project.champion().threshold
    log = log_of(project, at("05-01"))
    ids = log.new_ids(len(rows))
    times = ((rows["at"] - EPOCH) // pd.Timedelta(microseconds=1)).tolist()
    sent = rows.assign(at=times)
    answered = [
        Logged(
            prediction_id,
            received_us=time,
            model=contract.name,
            version=version,
            model_digest="ab" * 32,
            features=[_plain(row[column.name]) for column in columns.features],
            keys=[_plain(row[column.name]) for column in columns.keys],
            event_us=time,
            probability=float(probability),
            label=bool(probability >= threshold),
            decision=None if rule is None else "automatic" if rule == "threshold" else "referred",
            rule=rule,
        )
        for prediction_id, time, probability, rule, row in zip(
            ids, times, probabilities, rules or [None] * len(ids), sent.to_dict("records"), strict=True
        )
    ]
    log.append(columns, answered)
    log.close()
    return ids


def label(project: Project, ids: Sequence[str], labels: Sequence[bool], when: datetime) -> None:
    """Feed back what became of predictions, known and received at a time."""
    us = round(when.timestamp() * 1_000_000)
    log = log_of(project, when)
    said = [
        Feedback(f"{prediction_id}", received_us=us, kind="label", prediction_id=prediction_id, label=bool(label))
        for prediction_id, label in zip(ids, labels, strict=True)
    ]
    log.append_feedback(columns_of(project.contract), said)
    log.close()


def log_of(project: Project, when: datetime) -> PredictionLog:
    """Return the prediction log of a project, as a process that runs at a time writes it."""
    return PredictionLog(Path(project.settings.predictions), clock=lambda: round(when.timestamp()) * 10**9)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
