"""Who has which referred row in hand, and who answered it: what two people must not do without knowing of each other.

It stands in a SQLite file beside the log, which every process that answers there shares. The log alone says what was
answered; this says who is about to, for some minutes, and who just did.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from evergreen.base.errors import ResourceError, explain_os_errors
from evergreen.base.files import make_private
from evergreen.base.values import Value

FILE = Path("review", "claims.db")  # below the folder of the log
CLAIM_SECONDS = 15 * 60  # that a row is in the hands of one person
KEPT_SECONDS = 30 * 24 * 3600  # that it is known here who answered; longer than a page stays open
BUSY_SECONDS = 10.0
TABLE = """CREATE TABLE IF NOT EXISTS claims (prediction_id TEXT PRIMARY KEY, person TEXT NOT NULL, until REAL NOT NULL,
    answered REAL, answers TEXT)"""


class Claim(Value):
    """A row in somebody's hands `until` a time; or answered by them, then with `answers`: a digest of what they said.

    Times are seconds since 1970. After `until` anybody may take the row.
    """

    prediction_id: str
    person: str
    until: float
    answered: float | None = None
    answers: str | None = None

    def holds(self, now: float) -> bool:
        """Return whether the row is in their hands now; a time further off than a claim lasts is a clock's jump."""
        return self.answered is None and now < self.until <= now + CLAIM_SECONDS


class Claims:
    """The claims beside a log, made if they are not there yet."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    @contextmanager
    def changing(self) -> Iterator["Change"]:
        """Yield the claims to read and change, alone among all that do so; nothing is changed if the block raises.

        Raises
        ------
        ResourceError if the file cannot be read or written.
        """
        with explain_os_errors(self._path):
            make_private(self._path.parent)
        try:
            with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(TABLE)
                try:
                    yield Change(connection)
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise ResourceError(
                "LOG016",
                f"who has which row in hand cannot be kept: {error}",
                where=str(self._path),
                next_step="Make it writable, or delete the file: answers are in the log, and claims are made anew.",
            ) from error

    def take(self, ids: Sequence[str], *, by: str, most: int = 1, now: datetime | None = None) -> list[str]:
        """Return the first `most` of the ids that nobody else has or answered; they are in the hands of `by` then.

        What `by` has in hand counts among them, and stays there anew.
        """
        at = (now or datetime.now(UTC)).timestamp()
        taken: list[str] = []
        with self.changing() as change:
            change.drop_before(at - KEPT_SECONDS)
            for name in ids:
                if len(taken) == most:
                    break
                before = change.of(name)
                if before is None or (before.answered is None and (before.person == by or not before.holds(at))):
                    change.put(Claim(prediction_id=name, person=by, until=at + CLAIM_SECONDS))
                    taken.append(name)
        return taken

    def held(self, *, now: datetime | None = None) -> dict[str, Claim]:
        """Return what is in somebody's hands, by id."""
        if not self._path.exists():
            return {}
        at = (now or datetime.now(UTC)).timestamp()
        with self.changing() as change:
            return {claim.prediction_id: claim for claim in change.all() if claim.holds(at)}


class Change:
    """The claims within a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, prediction_id: str) -> Claim | None:
        rows = self._connection.execute("SELECT * FROM claims WHERE prediction_id = ?", (prediction_id,))
        row = rows.fetchone()
        return _claim(row) if row else None

    def all(self) -> list[Claim]:
        return [_claim(row) for row in self._connection.execute("SELECT * FROM claims ORDER BY prediction_id")]

    def put(self, claim: Claim) -> None:
        values = (claim.prediction_id, claim.person, claim.until, claim.answered, claim.answers)
        self._connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", values)

    def drop_before(self, at: float) -> None:
        """Forget what ended before a time."""
        self._connection.execute("DELETE FROM claims WHERE until < ? AND coalesce(answered, 0) < ?", (at, at))


def _claim(row: tuple[str, str, float, float | None, str | None]) -> Claim:
    name, person, until, answered, answers = row
    return Claim(prediction_id=name, person=person, until=until, answered=answered, answers=answers)
