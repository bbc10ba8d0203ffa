"""Bandits, as the ledger has them: what each is, which shares it gave when, and what its arms brought."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.decisions.experiments.bandits import Policy, RewardKind, Tally, Thompson, shares, tallied
from evergreen.decisions.rollout.traffic import CHAMPION, Arm, Traffic
from evergreen.record import traffic
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.champions import Champion
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.ledger.rewards import Reward, Taken

PREFIX = "bandit-"  # of an owner of the traffic


class Plan(Value):
    """What a bandit is, from its beginning to its end.

    `versions`: of each arm by its name. `unit`: the columns that keep a key with its arm from
    one change of the shares to the next. `slow_ms`: how long an arm may take before the champion answers.
    """

    name: str
    versions: dict[str, int]
    policy: Policy
    reward: RewardKind
    unit: tuple[str, ...] = ()
    slow_ms: float | None = None

    @property
    def owner(self) -> str:
        return PREFIX + self.name

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms: the champion's, then the others' in their order."""
        return tuple(sorted(self.versions, key=lambda arm: (arm != CHAMPION, arm)))


class Given(Value):
    """The shares that a rule gave from a time on, and what the arms had brought when they were chosen."""

    rule: str
    at: datetime
    shares: dict[str, float]
    tallies: tuple[Tally, ...]


class Bandit(Value):
    """A bandit's course: its plan, the champion's epoch under which it runs, and its rules, oldest first.

    `ended`: when; None while its rule stands.
    """

    plan: Plan
    epoch: int
    by: str
    reason: str
    rules: tuple[Given, ...]
    ended: datetime | None = None
    ended_by: str | None = None
    ended_reason: str | None = None

    @property
    def began(self) -> datetime:
        return self.rules[0].at


def bandits(ledger: Ledger, model: str, *, at: datetime | None = None) -> tuple[Bandit, ...]:
    """Return every bandit of a model, in the order in which they began, as they stood at a time; None for now."""
    of: dict[str, list[Entry]] = {}
    for entry in ledger.entries(model, traffic.TRAFFIC):
        owner = str(entry.payload.get("owner"))
        if owner.startswith(PREFIX) and (at is None or entry.at <= at):
            of.setdefault(owner, []).append(entry)
    return tuple(_course(entries) for entries in of.values())


def named(ledger: Ledger, model: str, name: str) -> Bandit:
    """Return the bandit of a name; raises ConfigError, naming those there are, if there is none."""
    known = {each.plan.name: each for each in bandits(ledger, model)}
    if name not in known:
        raise ConfigError(
            "BAN001",
            f"'{model}' has no bandit {name}".rstrip() + f"; there were {', '.join(known) or 'none'}",
            where="command line",
            next_step="Name one of them, or start one: evergreen bandit start",
        )
    return known[name]


def running(ledger: Ledger, model: str) -> Bandit | None:
    """Return the bandit whose rule stands, if it is a bandit's."""
    stands = traffic.standing(ledger, model)
    if stands is None or stands.kind != "bandit":
        return None
    return named(ledger, model, stands.owner.removeprefix(PREFIX))


def start(ledger: Ledger, model: str, plan: Plan, champion: Champion, *, by: str, reason: str) -> Bandit:
    """Let a bandit divide the traffic of a model from now on, by what its policy says before the first reward.

    Raises
    ------
    ConfigError if there was one of that name: what it had learnt would be mixed with the new one's.
    LostRace if somebody else divides the traffic (RACE006), or the champion is another one by now.
    """
    if any(each.plan.name == plan.name for each in bandits(ledger, model)):
        raise ConfigError(
            "BAN002",
            f"'{model}' had a bandit '{plan.name}' before, and a bandit starts from nothing",
            where="command line",
            next_step="Give it another name.",
        )
    tallies = tallied(plan.arms, ())
    about = {"by": by, "reason": reason, "bandit": plan.model_dump(mode="json")}
    traffic.change(
        ledger,
        model,
        _rule(plan, 1, shares(plan.policy, tallies), champion.epoch),
        owner=plan.owner,
        expected_epoch=champion.epoch,
        because={**about, "tallies": [each.model_dump(mode="json") for each in tallies]},
    )
    return named(ledger, model, plan.name)


def change(ledger: Ledger, model: str, bandit: Bandit, chosen: dict[str, float], tallies: Sequence[Tally]) -> Given:
    """Give other shares from now on, under a rule of its own; the rest as `start`."""
    rule = _rule(bandit.plan, len(bandit.rules) + 1, chosen, bandit.epoch)
    entry = traffic.change(
        ledger,
        model,
        rule,
        owner=bandit.plan.owner,
        expected_epoch=bandit.epoch,
        because={
            "by": bandit.plan.owner,
            "reason": "what its arms brought",
            "tallies": [each.model_dump(mode="json") for each in tallies],
        },
    )
    return _given(entry)


def stop(ledger: Ledger, model: str, bandit: Bandit, champion: Champion, *, by: str, reason: str) -> Bandit:
    """Let the champion alone answer from now on; nothing is done to a bandit that ended before."""
    if bandit.ended is None:
        traffic.change(
            ledger,
            model,
            None,
            owner=bandit.plan.owner,
            expected_epoch=champion.epoch,
            because={"by": by, "reason": reason},
        )
    return named(ledger, model, bandit.plan.name)


def take(ledger: Ledger, model: str, bandit: Bandit, rewards: Sequence[Reward]) -> Taken:
    """Keep rewards of a bandit's arms, each prediction's once."""
    return ledger.take_rewards(model, bandit.plan.owner, rewards)


def tallies_of(ledger: Ledger, model: str, bandit: Bandit, *, until: datetime | None = None) -> tuple[Tally, ...]:
    """Return what each arm brought, of all rewards or of those known by a time."""
    until_us = None if until is None else round(until.timestamp() * 1_000_000)
    return tallied(bandit.plan.arms, ledger.rewards(model, bandit.plan.owner, until_us=until_us))


def takes(policy: Policy, reward: float) -> bool:
    """Return whether a policy can learn from a reward: Thompson's counts ones and zeros."""
    return reward in (0.0, 1.0) if isinstance(policy, Thompson) else abs(reward) < float("inf")


def _rule(plan: Plan, number: int, chosen: dict[str, float], epoch: int) -> Traffic:
    rule = f"{plan.owner}.{number}"
    return Traffic(
        kind="bandit",
        rule=rule,
        owner=plan.owner,
        epoch=epoch,
        mode="split",
        arms=tuple(Arm(name=arm, version=plan.versions[arm], share=chosen[arm]) for arm in plan.arms),
        # another salt for each rule: shares hang on what keys brought before, so a key must be drawn anew, or the
        # share would not be the probability with which it was drawn
        salt=rule,
        unit=plan.unit,
        slow_ms=plan.slow_ms,
    )


def _course(entries: Sequence[Entry]) -> Bandit:
    first, last = entries[0], entries[-1]
    rules = tuple(_given(entry) for entry in entries if entry.payload.get("traffic"))
    ended: dict[str, Any] = {}
    if not last.payload.get("traffic"):
        ended = {
            "ended": last.at,
            "ended_by": str(last.payload.get("by")),
            "ended_reason": str(last.payload.get("reason")),
        }
    return Bandit(
        plan=Plan.model_validate(first.payload["bandit"]),
        epoch=int(first.payload["traffic"]["epoch"]),
        by=str(first.payload["by"]),
        reason=str(first.payload["reason"]),
        rules=rules,
        **ended,
    )


def _given(entry: Entry) -> Given:
    rule = Traffic.model_validate(entry.payload["traffic"])
    return Given(
        rule=rule.rule,
        at=entry.at,
        shares={arm.name: arm.share for arm in rule.arms},
        tallies=tuple(Tally.model_validate(each) for each in entry.payload["tallies"]),
    )
