"""The section `ingest`: a period has a day."""

from datetime import date

import pytest
from pydantic import ValidationError

from evergreen.config.params.ingest import IngestParams


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), ("2024-01-01", None), (None, "2024-01-01"), ("2024-01-01", "2024-01-02")]
)
def test_period_may_be_open_and_as_short_as_a_day(start, end):
    found = IngestParams.model_validate({"start": start, "end": end})
    assert [found.start, found.end] == [day and date.fromisoformat(day) for day in (start, end)]


@pytest.mark.parametrize("end", ["2024-01-01", "2023-12-31"])
def test_period_without_a_day_is_refused(end):
    with pytest.raises(ValidationError, match=f"start 2024-01-01 must lie before end {end}"):
        IngestParams.model_validate({"start": "2024-01-01", "end": end})
