"""Rewards: what a choice among arms brought, once for each prediction, whoever brings it and how often."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from evergreen.base.values import Value
from evergreen.record.ledger.database import REWARDS, LedgerDatabase

AT_ONCE = 5_000  # rows of a transaction, whose ids fit among the parameters of a statement


class Reward(NamedTuple):
    """What a prediction brought that an arm was drawn for; `known_us`: when that was known, since 1970 in UTC."""

    prediction_id: str
    arm: str
    reward: float
    known_us: int

    @property
    def rank(self) -> tuple[int, float, str]:
        """By which one counts among several: the one known last, and of those the larger."""
        return self.known_us, self.reward, self.arm


COLUMNS = [REWARDS.c[name] for name in Reward._fields]


class Taken(Value):
    """How many predictions have a reward that had none, and how many have another one than before."""

    new: int = 0
    changed: int = 0


class Rewards(LedgerDatabase):
    """Rewards by prediction: of several about one the one known last counts, and of those the larger.

    So what is kept depends on what came, and not on its order, its repetitions, or which process brought it.
    """

    def take_rewards(self, model: str, owner: str, rewards: Sequence[Reward]) -> Taken:
        """Keep rewards of an owner's arms, all of them or, if anything ends it, some of them, to be brought again."""
        came = list(_better(rewards, {each.prediction_id: each for each in self.rewarded(model, owner)}).values())
        new = changed = 0
        for start in range(0, len(came), AT_ONCE):
            some = came[start : start + AT_ONCE]
            with self.begin() as connection:
                kept = self._kept(connection, model, owner, [each.prediction_id for each in some])
                better = _better(some, kept)  # another process may have brought some meanwhile
                fresh = [each for name, each in better.items() if name not in kept]
                if fresh:
                    about = {"model": model, "owner": owner}
                    connection.execute(sa.insert(REWARDS), [{**about, **each._asdict()} for each in fresh])
                for name in better.keys() & kept.keys():
                    of_it = (*_of(model, owner), REWARDS.c.prediction_id == name)
                    connection.execute(sa.update(REWARDS).where(*of_it).values(**better[name]._asdict()))
            new, changed = new + len(fresh), changed + len(better) - len(fresh)
        return Taken(new=new, changed=changed)

    def rewards(self, model: str, owner: str, *, until_us: int | None = None) -> list[tuple[str, float, int]]:
        """Return each arm's rewards with how many predictions brought them, of those known by then if it is given."""
        by = (REWARDS.c.arm, REWARDS.c.reward)
        query = sa.select(*by, sa.func.count()).where(*_of(model, owner)).group_by(*by).order_by(*by)
        if until_us is not None:
            query = query.where(REWARDS.c.known_us <= until_us)
        with self.read() as connection:
            return [(str(arm), float(reward), int(n)) for arm, reward, n in connection.execute(query)]

    def rewarded(self, model: str, owner: str) -> list[Reward]:
        """Return what is kept of an owner's arms, by prediction."""
        query = sa.select(*COLUMNS).where(*_of(model, owner)).order_by(REWARDS.c.prediction_id)
        with self.read() as connection:
            return [Reward(*row) for row in connection.execute(query)]

    def _kept(self, connection: sa.Connection, model: str, owner: str, names: list[str]) -> dict[str, Reward]:
        query = sa.select(*COLUMNS).where(*_of(model, owner), REWARDS.c.prediction_id.in_(names))
        return {row[0]: Reward(*row) for row in connection.execute(query)}


def _better(rewards: Iterable[Reward], kept: dict[str, Reward]) -> dict[str, Reward]:
    """Return the reward that counts of each prediction, of those for which it is not the one that is kept."""
    found: dict[str, Reward] = {}
    for each in rewards:
        held = found.get(each.prediction_id) or kept.get(each.prediction_id)
        if held is None or each.rank > held.rank:
            found[each.prediction_id] = each
    return found


def _of(model: str, owner: str) -> tuple[Any, ...]:
    return REWARDS.c.model == model, REWARDS.c.owner == owner
