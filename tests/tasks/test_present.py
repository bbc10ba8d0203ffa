"""The present step: the local days that have rows, at the source or in the log."""

from datetime import date

import looking
import numpy as np
import pandas as pd
from looking import at

from evergreen.config.params.ingest import IngestParams
from evergreen.record.plan.steps import arguments
from tasks.ingest import ingest
from tasks.present import present


def days(project, contract=None, *, start=None, with_source=True):
    given = {**arguments("ingest", project.given, {}), "params": IngestParams(start=start)}
    found = present.fn(
        ingest.fn(**given).raw if with_source else None,
        predictions=project.settings.predictions, ws=project.workspace, contract=contract or project.contract,
        start=start,
    )  # fmt: skip
    return found.days


def test_days_of_the_source_are_local_and_begin_where_they_are_asked_from(visited):
    rows = looking.source(visited)
    kept = rows[(rows["at"] < at("02-01")) | (rows["at"] >= at("04-03"))]
    looking.bring(visited, kept)
    found = days(visited, start=date(2024, 1, 30))
    assert found == (date(2024, 1, 30), date(2024, 1, 31), *(date(2024, 4, day) for day in range(3, 31)))
    there = visited.contract.model_copy(update={"timezone": "America/New_York"})
    expected = pd.DatetimeIndex(kept["at"]).tz_convert("America/New_York")
    assert set(days(visited, there)) == set(expected.date)


def test_day_on_which_something_was_served_has_rows_though_the_source_has_none(visited):
    rows = looking.source(visited)
    some = rows[rows["at"] >= at("04-29")]
    looking.serve(visited, some, np.full(len(some), 0.5))
    looking.bring(visited, rows[rows["at"] < at("03-02")])
    assert days(visited, start=date(2024, 3, 1)) == (date(2024, 3, 1), date(2024, 4, 29), date(2024, 4, 30))
    assert days(visited, with_source=False) == (date(2024, 4, 29), date(2024, 4, 30))


def test_rows_that_another_model_answered_lie_on_no_day_of_this_one(visited):
    rows = looking.source(visited).iloc[:3]
    looking.serve(visited, rows, np.full(3, 0.5))
    other = visited.contract.model_copy(update={"name": "orders"})
    assert days(visited, other, with_source=False) == ()
