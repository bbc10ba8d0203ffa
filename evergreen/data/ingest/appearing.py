"""The declared columns of a source's items: which each must have, and which may come with a later one only."""

from collections.abc import Sequence

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract


class Appearing:
    """Looks at the items of a source in their order.

    Of several items, those before the first that has a nullable column may lack it: it is null in their rows. Whatever
    came before must come again, and the target and columns that are not nullable must be in every item.
    """

    def __init__(self, contract: Contract, *, several: bool) -> None:
        own = [column for column in contract.stored if column.name not in contract.joined and not column.parts]
        self._own = [column.name for column in own]
        late = {column.name for column in own if column.nullable and column.role != "target"}
        self._late = late if several else set()
        self._lacking: tuple[Item, tuple[str, ...]] | None = None

    def require(self, names: Sequence[str], item: Item) -> tuple[str, ...]:
        """Return the columns that the next item lacks and may lack; raises DataError (DQ001) if it lacks others."""
        absent = tuple(name for name in self._own if name not in names)
        self._refuse(absent, item, f"found: {', '.join(names)}")
        return absent

    def add(self, item: Item, absent: Sequence[str]) -> None:
        """Take in an item that was read; raises DataError if it lacks a column that one before it has."""
        self._refuse(absent, item, "a file before it has them, or they may not be null")
        self._late &= set(absent)
        self._lacking = (item, tuple(name for name in absent if name in self._late))

    def require_all(self) -> None:
        """Raise DataError if no item had a declared column."""
        if self._lacking and (names := [name for name in self._lacking[1] if name in self._late]):
            raise _missing(names, self._lacking[0], "no file has them")

    def _refuse(self, absent: Sequence[str], item: Item, why: str) -> None:
        if missing := [name for name in absent if name not in self._late]:
            raise _missing(missing, item, why)


def _missing(names: Sequence[str], item: Item, why: str) -> DataError:
    return DataError(
        "DQ001",
        f"missing columns: {', '.join(names)}; {why}",
        where=item.name,
        next_step="Correct the file, or the column names in the contract.",
    )
