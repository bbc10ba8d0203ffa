"""What a column's texts were told to be."""

from dataclasses import dataclass

from evergreen.config.contract.columns import Column, ColumnType
from evergreen.config.contract.spelling import NumberSpelling


@dataclass(frozen=True)
class Told:
    """How a column is to be read: what its contract will say, and what a person should know of it.

    Without `type` the column stays as it is, and `notes` say why and what to do. `unit`: what stood beside a number.
    `is_date`: its texts look like times, read or not. `fault`, `remedy`: what cannot be read, and what a person
    can do before there is a contract.
    """

    type: ColumnType | None = None
    spelling: NumberSpelling | str | None = None
    missing: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    unit: str = ""
    notes: tuple[str, ...] = ()
    is_date: bool = False
    fault: str = ""
    remedy: str = ""

    @property
    def is_read_again(self) -> bool:
        """Whether the values are others than they seem as they come."""
        return self.type is not None and (self.is_date or self.spelling is not None or bool(self.missing or self.parts))

    def column(self, name: str, type: ColumnType | None = None) -> Column:
        """Return a column that is read so."""
        return Column(
            name=name,
            type=type or self.type or "text",
            role="ignore",
            spelling=self.spelling,
            missing=self.missing,
            parts=self.parts,
            nullable=True,
        )
