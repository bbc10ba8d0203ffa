"""Who is champion: promotions by compare-and-set, each naming its predecessor."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from evergreen.base.errors import LostRace
from evergreen.base.values import Value
from evergreen.record.ledger.chain import GENESIS, Chain, hash_of
from evergreen.record.ledger.database import CHAMPIONS, ENTRIES


class Champion(Value):
    """The model in service. `epoch` grows by one with every promotion."""

    model: str
    epoch: int
    version: int


class Champions(Chain):
    """The champion of each model, and the promotions in the log that made it so."""

    def champion(self, model: str) -> Champion | None:
        """Return the champion of a model; None before the first promotion."""
        with self.begin() as connection:
            row = connection.execute(sa.select(CHAMPIONS).where(CHAMPIONS.c.model == model)).first()
        return Champion(model=row.model, epoch=row.epoch, version=row.version) if row else None

    def promote(self, model: str, version: int, payload: Mapping[str, Any], *, expected_epoch: int) -> Champion:
        """Make `version` champion if nobody promoted since `expected_epoch` (0: there was none).

        Raises
        ------
        LostRace if the epoch has moved on; nothing is changed then.
        """
        with self.begin() as connection:
            row = connection.execute(sa.select(CHAMPIONS).where(CHAMPIONS.c.model == model)).first()
            epoch, predecessor = (row.epoch, row.version) if row else (0, None)
            if epoch != expected_epoch:
                raise LostRace(
                    "RACE001",
                    f"version {predecessor} of '{model}' was promoted meanwhile "
                    f"(epoch {epoch}, expected {expected_epoch})",
                    where="ledger",
                    next_step="Judge the candidate against the new champion: run the same command again.",
                )
            values = {"epoch": epoch + 1, "version": version}
            if row:
                connection.execute(sa.update(CHAMPIONS).where(CHAMPIONS.c.model == model).values(**values))
            else:
                connection.execute(sa.insert(CHAMPIONS).values(model=model, **values))
            self.append(
                connection,
                model=model,
                kind="promotion",
                key=str(epoch + 1),
                payload={**payload, **values, "predecessor": predecessor},
                now=None,
            )
        return Champion(model=model, epoch=epoch + 1, version=version)

    def verify(self) -> int:
        """Return the number of entries after checking the chain, the promotions in it, and who is champion.

        Entries removed from the end show only if a promotion is among them: nothing after them names their hashes.

        Raises
        ------
        IntegrityError naming the first entry that was changed, removed or inserted.
        """
        with self.begin() as connection:
            rows = connection.execute(sa.select(ENTRIES).order_by(ENTRIES.c.seq)).all()
            now = {row.model: (row.epoch, row.version) for row in connection.execute(sa.select(CHAMPIONS))}
        previous = GENESIS
        promoted: dict[str, tuple[int, int | None]] = {}
        for row in rows:
            whole = row.hash == hash_of(row.previous, row.at, row.model, row.kind, row.key, row.payload)
            if whole and row.kind == "promotion":
                epoch, version = promoted.get(row.model, (0, None))
                facts = json.loads(row.payload)
                whole = (facts["epoch"], facts["predecessor"]) == (epoch + 1, version)
                promoted[row.model] = (facts["epoch"], facts["version"])
            if not whole or row.previous != previous:
                raise self.broken(f"the ledger's chain breaks at entry {row.seq} ({row.kind} of {row.model})")
            previous = row.hash
        for model in sorted(promoted.keys() | now.keys()):
            if promoted.get(model) != now.get(model):
                raise self.broken(f"the champion of '{model}' is not the version that was promoted last")
        return len(rows)
