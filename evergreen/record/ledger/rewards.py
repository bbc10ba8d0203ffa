"""Rewards: what a choice among arms brought, once for each prediction, whoever brings it and how often."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from evergreen.base.values import Value
from evergreen.record.ledger.database import REWARDS, LedgerDatabase

AT_ONCE = 500  # which fit among the parameters of a statement


class Reward(Value):
    """What a prediction brought that an arm was drawn for; `known_us`: when that was known, since 1970 in UTC."""

    prediction_id: str
    arm: str
    reward: float
    known_us: int


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
        new = changed = 0
        for start in range(0, len(rewards), AT_ONCE):
            last: dict[str, Reward] = {}
            for reward in rewards[start : start + AT_ONCE]:
                held = last.get(reward.prediction_id)
                if held is None or _rank(reward) > _rank(held):
                    last[reward.prediction_id] = reward
            about = {"model": model, "owner": owner}
            with self.begin() as connection:
                kept = self._kept(connection, model, owner, list(last))
                fresh = [reward for name, reward in last.items() if name not in kept]
                better = [reward for name, reward in last.items() if name in kept and _rank(reward) > _rank(kept[name])]
                if fresh:
                    connection.execute(sa.insert(REWARDS), [{**about, **dict(reward)} for reward in fresh])
                for reward in better:
                    where = (*_of(model, owner), REWARDS.c.prediction_id == reward.prediction_id)
                    connection.execute(sa.update(REWARDS).where(*where).values(**dict(reward)))
            new, changed = new + len(fresh), changed + len(better)
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
        query = sa.select(REWARDS).where(*_of(model, owner)).order_by(REWARDS.c.prediction_id)
        with self.read() as connection:
            return [_reward(row) for row in connection.execute(query)]

    def _kept(self, connection: sa.Connection, model: str, owner: str, names: list[str]) -> dict[str, Reward]:
        query = sa.select(REWARDS).where(*_of(model, owner), REWARDS.c.prediction_id.in_(names))
        return {row.prediction_id: _reward(row) for row in connection.execute(query)}


def _rank(reward: Reward) -> tuple[int, float, str]:
    return reward.known_us, reward.reward, reward.arm


def _of(model: str, owner: str) -> tuple[Any, ...]:
    return REWARDS.c.model == model, REWARDS.c.owner == owner


def _reward(row: Any) -> Reward:
    return Reward(prediction_id=row.prediction_id, arm=row.arm, reward=row.reward, known_us=row.known_us)
