"""The section `ingest`."""

from datetime import date
from typing import Self

from pydantic import model_validator

from evergreen.config.section import Section


class IngestParams(Section):
    """The period to read: rows whose time lies in [start, end), midnight in the contract's time zone.

    An end that is left out is open; a table without a time column has no period.
    """

    start: date | None = None
    end: date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"start {self.start} must lie before end {self.end}")
        return self
