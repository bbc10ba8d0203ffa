"""Who is champion: promotions and rollbacks by compare-and-set, each naming its predecessor, and version numbers."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

import sqlalchemy as sa

from evergreen.base import failpoints
from evergreen.base.errors import LostRace
from evergreen.base.values import Value
from evergreen.record.ledger.chain import CHANGES, Chain, Entry
from evergreen.record.ledger.database import CHAMPIONS
from evergreen.record.ledger.leases import Leases


class Champion(Value):
    """The model in service. `epoch` grows by one with every promotion and every rollback."""

    model: str
    epoch: int
    version: int


class Decision(Value):
    """An entry that belongs to a change of the champion, and is recorded with it or not at all."""

    kind: str
    key: str
    payload: Mapping[str, Any]


class Champions(Chain, Leases):
    """The champion of each model, the entries in the log that made it so, and the numbers of versions."""

    def champion(self, model: str) -> Champion | None:
        """Return the champion of a model; None before the first promotion."""
        with self.reading() as connection:
            return _champion(connection, model)

    def promote(
        self,
        model: str,
        version: int,
        payload: Mapping[str, Any],
        *,
        expected_epoch: int,
        kind: Literal["promotion", "rollback"] = "promotion",
        because: Decision | None = None,
        fence: tuple[str, int] | None = None,
    ) -> Champion:
        """Make `version` champion if nobody changed the champion since `expected_epoch` (0: there was none).

        Parameters
        ----------
        because : what a person decided, recorded in the same transaction.
        fence : the name and the epoch of a lease that has to be held still.

        Raises
        ------
        LostRace if the champion is another one by now, or the lease is somebody else's; nothing is changed then.
        """
        with self.changing() as connection:
            if fence:
                self.require(connection, *fence)
            champion = _champion(connection, model)
            epoch, predecessor = (champion.epoch, champion.version) if champion else (0, None)
            if epoch != expected_epoch:
                raise LostRace(
                    "RACE001",
                    f"version {predecessor} of '{model}' was promoted meanwhile "
                    f"(epoch {epoch}, expected {expected_epoch})",
                    where="ledger",
                    next_step="Judge the candidate against the new champion: run the same command again.",
                )
            values = {"epoch": epoch + 1, "version": version}
            if champion:
                connection.execute(sa.update(CHAMPIONS).where(CHAMPIONS.c.model == model).values(**values))
            else:
                connection.execute(sa.insert(CHAMPIONS).values(model=model, **values))
            failpoints.reach("promote.begun")
            if because:
                self.append(connection, model=model, **dict(because))
            self.append(
                connection,
                model=model,
                kind=kind,
                key=str(epoch + 1),
                payload={**payload, **values, "predecessor": predecessor},
            )
            failpoints.reach("promote.recorded")
        failpoints.reach("promote.committed")
        return Champion(model=model, epoch=epoch + 1, version=version)

    def changes(self, model: str) -> list[Entry]:
        """Return the entries that made a version champion, oldest first."""
        return self.entries(model, *CHANGES)

    def number(self, model: str, candidate: str, *, taken: Collection[int] = ()) -> int:
        """Return the number of a candidate's version, giving out the next one if it has none.

        Numbers grow, and none is given out twice. One that is in `taken`, because somebody else's version has it where
        the number is used, is left alone, and the candidate gets another.
        """
        with self.changing() as connection:
            given = {int(entry.key): str(entry.payload["candidate"]) for entry in self._of(connection, model, "number")}
            own = [number for number, its in given.items() if its == candidate and number not in taken]
            if own:
                return max(own)
            before = {int(entry.payload["version"]) for entry in self._of(connection, model, *CHANGES)}
            number: int = max([0, *given, *before, *taken]) + 1
            self.append(connection, model=model, kind="number", key=str(number), payload={"candidate": candidate})
        return number


def _champion(connection: sa.Connection, model: str) -> Champion | None:
    row = connection.execute(sa.select(CHAMPIONS).where(CHAMPIONS.c.model == model)).first()
    return Champion(model=row.model, epoch=row.epoch, version=row.version) if row else None
