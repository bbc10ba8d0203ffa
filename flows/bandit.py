"""A bandit learns: rewards that came since are taken in, and the arms get other shares."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow

from evergreen.base.errors import ConfigError, LostRace
from evergreen.base.values import Value
from evergreen.decisions.experiments import bandits as policies
from evergreen.decisions.experiments.bandits import Tally
from evergreen.project import Project
from evergreen.record import bandits, choices, reward_file
from evergreen.record.bandits import Bandit
from evergreen.record.ledger.rewards import Reward, Taken
from evergreen.record.reward_file import Read
from flows.opened import named_by

log = logging.getLogger(__name__)
MOVES = 0.005  # of a share, from which on it is worth another rule


class Learnt(Value):
    """What a look at a bandit came to: the rewards that are new to it, and the shares from now on.

    `refused`: rewards that its policy cannot learn from. `rule`: the one that stands; `changed`: whether it is new.
    `why`: where nothing was looked at, or the shares were left as they are.
    """

    bandit: str | None = None
    taken: Taken = Taken()
    refused: int = 0
    rule: str | None = None
    changed: bool = False
    shares: dict[str, float] = {}  # noqa: RUF012  a value is frozen
    why: str = ""


@flow(name="bandit", flow_run_name=named_by("bandit", lambda _project, _given: "what its arms brought"))
def bandit(env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None) -> Learnt:
    """Take in what the arms of the bandit under way brought, and give them the shares that follow."""
    return learn(Project.open(env, params_file, overrides or ()))


def learn(project: Project, *, now: datetime | None = None) -> Learnt:
    """Do one look; where no bandit divides the traffic, nothing but the ledger is read.

    Of several at once, one looks. Where the champion changed since the bandit began, what came back is still taken in,
    but the shares stay: the champion alone answers then.
    """
    ledger, name = project.ledger(), project.name
    under_way = bandits.running(ledger, name)
    if under_way is None:
        return _nothing("no bandit divides the traffic")
    try:
        with ledger.lease(f"bandit:{name}"):
            return _learnt(project, under_way, now or datetime.now(UTC))
    except LostRace as error:
        return _nothing(str(error))


def _learnt(project: Project, under_way: Bandit, now: datetime) -> Learnt:
    ledger, name, plan = project.ledger(), project.name, under_way.plan
    came, refused = rewards_of(project, under_way, now)
    taken = bandits.take(ledger, name, under_way, came)
    tallies = bandits.tallies_of(ledger, name, under_way)
    last = under_way.rules[-1]
    seen = {"bandit": plan.name, "taken": taken, "refused": refused, "rule": last.rule, "shares": last.shares}
    champion = ledger.champion(name)
    if champion is None or champion.epoch != under_way.epoch:
        why = f"held: version {champion and champion.version} became champion since it began, and answers alone"
        log.warning("bandit %s: %s", plan.name, why)
        return Learnt(**seen, why=why)
    chosen = policies.shares(plan.policy, tallies)
    if max(abs(chosen[arm] - last.shares[arm]) for arm in plan.arms) < MOVES:
        return Learnt(**seen, why=f"no share would change by {MOVES:g}")
    given = bandits.change(ledger, name, under_way, chosen, tallies)
    log.info("bandit %s: %d new rewards, shares %s", plan.name, taken.new, _told(chosen))
    return Learnt(**{**seen, "rule": given.rule, "shares": given.shares}, changed=True)


def rewards_of(project: Project, under_way: Bandit, now: datetime) -> tuple[Sequence[Reward], int]:
    """Return what the log knows of a bandit's rewards, and how many its policy cannot learn from."""
    plan = under_way.plan
    if plan.reward == "file":
        return (), 0
    found = choices.choices(
        project.settings.predictions,
        model=project.name,
        owner=plan.owner,
        reward=plan.reward,
        as_of=now,
        since=under_way.began,
    ).rows
    rows = found.filter(found.column("reward").is_valid()).select(["prediction_id", "arm", "reward", "known_us"])
    every = [Reward(**row) for row in rows.to_pylist()]
    fit = [each for each in every if bandits.takes(plan.policy, each.reward) and each.arm in plan.versions]
    return fit, len(every) - len(fit)


def take_file(project: Project, name: str, path: Path, *, now: datetime | None = None) -> tuple[Read, Taken]:
    """Take in a file of rewards for a bandit's predictions; the same file again brings nothing.

    Raises
    ------
    ConfigError if there is no such bandit, or it ended; DataError if the file cannot be read.
    """
    ledger, model, now = project.ledger(), project.name, now or datetime.now(UTC)
    whose = bandits.named(ledger, model, name)
    if whose.ended is not None:
        raise ConfigError(
            "BAN007",
            f"the bandit '{name}' ended on {whose.ended:%Y-%m-%d %H:%M} UTC and learns nothing any more",
            where="command line",
            next_step="Name one that is under way: evergreen bandit report",
        )
    routed = choices.choices(
        project.settings.predictions,
        model=model,
        owner=whose.plan.owner,
        reward="file",
        as_of=now,
        since=whose.began,
    ).rows
    arms = dict(zip(routed.column("prediction_id").to_pylist(), routed.column("arm").to_pylist(), strict=True))
    found = reward_file.read(path, whose.plan, arms, contract=project.contract, now=now)
    return found, bandits.take(ledger, model, whose, found.rewards)


def tallies(project: Project, whose: Bandit) -> tuple[Tally, ...]:
    """Return what each arm of a bandit brought, as it is kept."""
    return bandits.tallies_of(project.ledger(), project.name, whose)


def _told(chosen: dict[str, float]) -> str:
    return ", ".join(f"{arm} {share:.1%}" for arm, share in chosen.items())


def _nothing(why: str) -> Learnt:
    log.info("bandit: nothing is looked at: %s", why)
    return Learnt(why=why)
