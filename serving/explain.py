"""Why a prediction was what it was: what was asked, what the model made of it, and what each value added."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from evergreen.decisions.automation.degrees import REFERRED
from evergreen.learning.evaluation.contributions import Contributions, contributions
from evergreen.learning.model.compiled.profile import LEVELS, ColumnProfile
from evergreen.record.predictions.records import Columns, Logged, LoggedColumn, Scalar
from serving.answers import RequestError, to_json

if TYPE_CHECKING:
    from serving.app import Service
    from serving.served import Served

MEDIAN = LEVELS.index(0.5)


async def explain(service: "Service", prediction_id: str) -> bytes:
    """Return, as JSON, the explanation of a logged prediction by the model that gave it.

    Raises
    ------
    RequestError 404 if the log does not hold it; 409 if another model than the one in memory gave it, this one has
    nothing to hold a row against, or a person decides on it without being shown the answer; 503 if nothing is logged
    here.
    """
    served = service.loaded()
    if service.log is None:
        what, next_step = "this service keeps no prediction log", "Set prediction_log to strict or available."
        raise RequestError(503, "log", "LOG006", what, next_step=next_step)
    return to_json(await asyncio.to_thread(_explained, service, served, prediction_id))


def _explained(service: "Service", served: "Served", prediction_id: str) -> dict[str, Any]:
    assert service.log is not None
    found = service.log.find(prediction_id)
    if found is None:
        what = "no such prediction in this service's log"
        next_step = "Name a prediction_id that it answered with, and that is not older than what is kept."
        raise RequestError(404, "", "LOG007", what, where=prediction_id[:40], next_step=next_step)
    columns, row = found
    release = served.release
    if row.model_digest != release.model_digest:
        what = (
            f"version {row.version} of '{row.model}' gave it; version {release.version} of '{release.model}' is served"
        )
        next_step = "Serve the version that gave it, and ask again: another model would explain something else."
        raise RequestError(409, "", "LOG008", what, where=prediction_id[:40], next_step=next_step)
    if row.decision == REFERRED and row.rule != "assist":
        what = "a person decides on it, who is not told what the model says"
        next_step = "Ask where the degree of automation is assist: evergreen degree show"
        raise RequestError(409, "", "LOG014", what, where=prediction_id[:40], next_step=next_step)
    return Explained(served, columns, row).told()


class Explained:
    """The explanation of one record by the model that gave it."""

    def __init__(self, served: "Served", columns: Columns, row: Logged) -> None:
        self._served, self._columns, self._row = served, columns, row
        logged = dict(zip((column.name for column in columns.features), row.features, strict=True))
        self._names = [column.name for column in served.decoder.columns]
        self._values = [logged.get(name) for name in self._names]

    def told(self) -> dict[str, Any]:
        """Return the explanation as plain data."""
        row, typical = self._row, self._typical()
        found = contributions(self._ask(), self._values, typical, seed=int(row.prediction_id, 16))
        return {
            "prediction_id": row.prediction_id,
            "model": row.model,
            "version": row.version,
            "answer": {name: getattr(row, name) for name in ("label", "probability", "value", "decision", "rule")},
            "input": _shown(self._columns.features, row.features),
            "keys": _shown(self._columns.keys, row.keys or (None,) * len(self._columns.keys)),
            "features": self._features(),
            "contributions": self._contributions(found, typical),
            "estimate": found.estimate,
            "typical_estimate": found.typical,
            "of": self._of(),
            "permutations": found.permutations or "all",
        }

    def _of(self) -> str:
        """What the numbers are of: the value, or the probability of which answer."""
        task = self._served.model.contract.task
        return {"binary": "probability of true", "regression": "value"}.get(task, f"probability of {self._row.label}")

    def _ask(self) -> Any:
        served = self._served
        if served.model.contract.task != "multiclass":
            return lambda rows: served.estimate(rows).values
        at = served.model.classes.index(str(self._row.label))
        return lambda rows: served.estimate(rows).values[:, at]

    def _typical(self) -> list[Scalar]:
        """Return the typical row of the train rows; a column of which nothing may be said keeps the row's own value."""
        profile = self._served.model.profile
        if profile is None:
            what, next_step = "the model has no reference profile to hold a row against", "Train it again."
            raise RequestError(409, "", "LOG009", what, next_step=next_step)
        columns = self._served.decoder.columns
        return [
            own if column.name not in profile.columns else typical(profile.columns[column.name], column.type, own)
            for column, own in zip(columns, self._values, strict=True)
        ]

    def _contributions(self, found: Contributions, typical: Sequence[Scalar]) -> list[dict[str, Any]]:
        columns = {column.name: column for column in self._columns.features}
        shown = [
            {
                "feature": name,
                "value": _plain(columns.get(name), value),
                "typical": _plain(columns.get(name), base),
                "contribution": contribution,
                "standard_error": error,
            }
            for name, value, base, contribution, error in zip(
                self._names, self._values, typical, found.values.tolist(), found.errors.tolist(), strict=True
            )
        ]
        return sorted(shown, key=lambda each: -abs(each["contribution"]))

    def _features(self) -> dict[str, Any]:
        """Return what the model's own features are of this row, by name, and the numbers that they are encoded as."""
        from evergreen.data.typed.schema import to_pandas
        from evergreen.learning import features
        from serving.served import to_batch

        model = self._served.model
        rows = to_pandas(to_batch([self._values], self._served.decoder.columns))
        inputs = features.build(rows, model.contract, model.features, model.lookups)
        derived = {str(name): _number(value) for name, value in inputs.iloc[0].items()}
        told: dict[str, Any] = {"derived": derived}
        if model.scorer is not None:
            told["encoded"] = [_number(value) for value in model.scorer.encode_rows([self._values])[0].tolist()]
        return told


def typical(column: ColumnProfile, kind: str, own: Scalar) -> Scalar:
    """Return the commonest value of a column, or the middle one; its own where the profile says neither."""
    if column.missing > 0.5:
        return None
    if column.shares:
        commonest = max(column.shares, key=lambda name: column.shares[name] if column.shares else 0)
        return commonest == "true" if kind == "boolean" else commonest
    if column.quantiles:
        middle = column.quantiles[MEDIAN]
        return round(middle) if kind in ("integer", "timestamp") else middle
    return own


def _shown(columns: Sequence[LoggedColumn], values: Sequence[Scalar]) -> dict[str, Any]:
    return {column.name: _plain(column, value) for column, value in zip(columns, values, strict=True)}


def _plain(column: LoggedColumn | None, value: Scalar) -> Any:
    if column is not None and column.type == "timestamp" and isinstance(value, int):
        return datetime.fromtimestamp(value / 1e6, UTC).isoformat()
    return _number(value)


def _number(value: Any) -> Any:
    """Return a value as JSON has it: what is missing as null, and numpy's own as Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return None if str(value) in ("<NA>", "NaT") else str(value)
