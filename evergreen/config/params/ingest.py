"""The section `ingest`."""

from datetime import date
from typing import Self

from pydantic import model_validator

from evergreen.config.section import Section


class IngestParams(Section):
    """The period to read: rows whose time lies in [start, end), midnight in the contract's time zone."""

    start: date | None = None
    """first day to read, in the contract's time zone; default: the beginning. Not for a table without time"""
    end: date | None = None
    """the day after the last one; default: the end"""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"start {self.start} must lie before end {self.end}")
        return self
