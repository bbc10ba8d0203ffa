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
        unless: tuple[str, str] | None = None,
        fence: tuple[str, int] | None = None,
    ) -> Champion:
        """Make `version` champion if nobody changed the champion since `expected_epoch` (0: there was none).

        Parameters
        ----------
        because : what a person decided, recorded in the same transaction.
        unless : the kind and the key of an entry that forbids it.
        fence : the name and the epoch of a lease that has to be held still.

        Raises
        ------
        LostRace if the champion is another one by now, an entry forbids it, or the lease is somebody else's; nothing
        is changed then.
        """
        with self.changing() as connection:
            if fence:
                self.require(connection, *fence)
            champion = _require_epoch(connection, model, expected_epoch)
            epoch, predecessor = (champion.epoch, champion.version) if champion else (0, None)
            if unless and (entry := self._find(connection, model, *unless)):
                raise LostRace(
                    "RACE005",
                    f"version {version} of '{model}' cannot become champion any more: {entry.kind} by "
                    f"{entry.payload.get('by', 'somebody')}",
                    where="ledger",
                    next_step="See what happened: evergreen status",
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

    def record_under(
        self, model: str, kind: str, key: str, payload: Mapping[str, Any], *, expected_epoch: int
    ) -> Entry:
        """Append an entry as `record` does, if nobody changed the champion since `expected_epoch`.

        Raises
        ------
        LostRace if the champion is another one by now; nothing is recorded then.
        """
        with self.changing() as connection:
            _require_epoch(connection, model, expected_epoch)
            entry = self._find(connection, model, kind, key)
            return entry or self.append(connection, model=model, kind=kind, key=key, payload=payload)

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


def _require_epoch(connection: sa.Connection, model: str, expected: int) -> Champion | None:
    champion = _champion(connection, model)
    epoch = champion.epoch if champion else 0
    if epoch != expected:
        raise LostRace(
            "RACE001",
            f"version {champion and champion.version} of '{model}' was promoted meanwhile "
            f"(epoch {epoch}, expected {expected})",
            where="ledger",
            next_step="Judge the candidate against the new champion: run the same command again.",
        )
    return champion


def _champion(connection: sa.Connection, model: str) -> Champion | None:
    row = connection.execute(sa.select(CHAMPIONS).where(CHAMPIONS.c.model == model)).first()
    return Champion(model=row.model, epoch=row.epoch, version=row.version) if row else None
