"""A copy of a ledger, to try on it what must not be done to the ledger itself."""

import sqlalchemy as sa

from evergreen.record.ledger.database import CHAMPIONS, ENTRIES
from evergreen.record.ledger.ledger import Ledger


def copy_to(ledger: Ledger, other: Ledger) -> None:
    """Put every entry and every champion of a ledger into an empty one; its leases, and what holds them, stay.

    The chain is the same, letter by letter: what is appended to the copy follows on the last entry.
    """
    with ledger.reading() as connection:
        rows = {table: connection.execute(sa.select(table)).mappings().all() for table in (ENTRIES, CHAMPIONS)}
    with other.begin() as connection:
        for table, found in rows.items():
            if found:
                connection.execute(sa.insert(table), [dict(row) for row in found])
