"""`evergreen bandit`: what is started, what its arms brought, and what other policies would have."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from cli.show import console
from evergreen.base.errors import ConfigError, printable
from evergreen.decisions.experiments.bandits import MOST_ARMS, RewardKind, Thompson, probabilities_best
from evergreen.decisions.rollout.traffic import CHAMPION
from evergreen.project import Project
from evergreen.record import bandits
from evergreen.record.bandits import Bandit, Plan
from evergreen.record.registry import people
from evergreen.record.registry.people import Person

NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
LETTERS = "BCDEFGHIJKLMNOPQRSTUVWXYZ"[: MOST_ARMS - 1]  # the champion is A
REWARDS: dict[str, tuple[str, ...]] = {
    "binary": ("label", "correct", "file"),
    "multiclass": ("correct", "file"),
    "regression": ("label", "error", "file"),
}


def planned(
    project: Project,
    name: str,
    versions: Sequence[int],
    *,
    policy: str,
    reward: RewardKind,
    unit: Sequence[str],
    slow_ms: float,
) -> Plan:
    """Return the bandit that somebody wants; raises ConfigError for the first thing that does not fit."""
    from evergreen.record.other_policies import learning_policy

    champion, ledger, contract = project.champion(), project.ledger(), project.contract
    number = champion.version

    def refuse(what: str, next_step: str) -> ConfigError:
        return ConfigError("BAN008", what, where="command line", next_step=next_step)

    if not NAME.fullmatch(name):
        raise refuse(f"'{name}' is no name", "Take up to 30 small letters, digits and hyphens, a letter first.")
    if number in versions or len(set(versions)) < len(versions) or len(versions) >= MOST_ARMS:
        raise refuse(
            f"the versions {', '.join(map(str, versions))} beside the champion, version {number}",
            f"Name each once, without the champion, and {MOST_ARMS - 1} at most.",
        )
    for version in versions:
        people.require_version(ledger, project.name, version)
        people.require_not_rejected(ledger, project.name, version)
    learns = learning_policy(policy)
    if learns is None:
        raise refuse(f"'{policy}' does not learn", "Write thompson, thompson:0.02 or epsilon:0.1.")
    if reward not in REWARDS[contract.task]:
        raise refuse(
            f"a prediction of {contract.task} does not bring '{reward}'", f"Take {', '.join(REWARDS[contract.task])}."
        )
    if isinstance(learns, Thompson) and contract.task == "regression" and reward != "file":
        raise refuse(
            "Thompson's counts are of rewards that are 0 or 1, and these are numbers", "Take --policy epsilon:0.1."
        )
    sendable = [column.name for column in contract.stored if column.role not in ("target", "leakage")]
    if others := [column for column in unit if column not in sendable]:
        raise refuse(f"'{others[0]}' is no column that is sent with a row", f"Take some of {', '.join(sendable)}.")
    return Plan(
        name=name,
        versions={CHAMPION: number, **dict(zip(LETTERS, versions, strict=False))},
        policy=learns,
        reward=reward,
        unit=tuple(unit),
        slow_ms=slow_ms,
    )


def start(project: Project, plan: Plan, person: Person) -> dict[str, Any]:
    """Start a bandit and return what `report` says of it."""
    ledger = project.ledger()
    champion = ledger.champion(project.name)
    assert champion is not None
    bandits.start(ledger, project.name, plan, champion, by=person.by, reason=person.reason)
    return report(project, plan.name)


def stop(project: Project, name: str, person: Person) -> dict[str, Any]:
    """Stop a bandit and return what `report` says of it."""
    ledger = project.ledger()
    champion = ledger.champion(project.name)
    whose = bandits.named(ledger, project.name, name)
    assert champion is not None
    bandits.stop(ledger, project.name, whose, champion, by=person.by, reason=person.reason)
    return report(project, name)


def report(project: Project, name: str | None) -> dict[str, Any]:
    """Return how a bandit does: of each arm its share, what it brought, and what it would bring if it had all."""
    from evergreen.record import other_policies

    ledger, model = project.ledger(), project.name
    every = bandits.bandits(ledger, model)
    whose = every[-1] if name is None and every else bandits.named(ledger, model, name or "")
    plan, tallies = whose.plan, bandits.tallies_of(ledger, model, whose)
    champion = ledger.champion(model)
    is_held = whose.ended is None and (champion is None or champion.epoch != whose.epoch)
    split = other_policies.split_of(ledger, model, plan.name, reward=plan.reward)
    known = other_policies.rewarded(project.settings.predictions, ledger, model, split, as_of=datetime.now(UTC))
    drawn = _drawn(project, whose)
    is_counted = all(value in (0.0, 1.0) for _, value, _ in ledger.rewards(model, plan.owner))
    best = probabilities_best([(1 + each.total, 1 + each.n - each.total) for each in tallies]) if is_counted else None
    arms = []
    for place, each in enumerate(tallies):
        found = other_policies.evaluated(known, split, f"always:{each.arm}", contract=project.contract)
        arms.append(
            {
                "arm": each.arm,
                "version": plan.versions[each.arm],
                "share": whose.rules[-1].shares[each.arm],
                "rows": drawn[each.arm, None],
                "fell_back": sum(n for (arm, why), n in drawn.items() if arm == each.arm and why),
                "rewards": each.n,
                "mean": each.mean,
                "best": best[place] if best else None,
                "alone": found.doubly_robust.model_dump() if found.doubly_robust else None,
                "why": "" if found.doubly_robust else found.evidence,
            }
        )
    return {
        "bandit": plan.name,
        "state": "ended" if whose.ended else "held" if is_held else "running",
        "why": _why(whose, champion.version if champion else None, is_held=is_held),
        "policy": plan.policy.model_dump(),
        "reward": plan.reward,
        "unit": list(plan.unit),
        "began": whose.began.isoformat(),
        "ended": whose.ended.isoformat() if whose.ended else None,
        "by": whose.by,
        "reason": whose.reason,
        "rule": whose.rules[-1].rule,
        "changed": whose.rules[-1].at.isoformat(),
        "arms": arms,
    }


def _why(whose: Bandit, champion: int | None, *, is_held: bool) -> str:
    if whose.ended:
        return f"stopped by {whose.ended_by}: {whose.ended_reason}"
    return f"version {champion} became champion since it began, and answers alone" if is_held else ""


def _drawn(project: Project, whose: Bandit) -> Counter[tuple[str, str | None]]:
    """Return how many rows each arm was drawn for, all of them under None and those that fell back under why."""
    from evergreen.record.choices import choices

    found = choices(
        project.settings.predictions,
        model=project.name,
        owner=whose.plan.owner,
        reward="file",
        as_of=datetime.now(UTC),
        since=whose.began,
    ).rows
    arms, why = found.column("arm").to_pylist(), found.column("fell_back").to_pylist()
    counted: Counter[tuple[str, str | None]] = Counter((arm, None) for arm in arms)
    counted.update((arm, reason) for arm, reason in zip(arms, why, strict=True) if reason)
    return counted


def reward(project: Project, name: str, file: Path) -> dict[str, Any]:
    """Bring in a file of rewards and return what it brought."""
    from flows import bandit

    found, taken = bandit.take_file(project, name, file)
    return {
        "file": str(file),
        "rows": found.rows,
        "taken": len(found.rewards),
        "new": taken.new,
        "changed": taken.changed,
        "unknown": found.unknown,
        "unknown_first": list(found.named),
        "refused": found.refused,
        "first": [each.model_dump() for each in found.first],
    }


def evaluate(project: Project, name: str, policies: Sequence[str], *, reward: RewardKind | None) -> dict[str, Any]:
    """Return what policies would have brought on the rows that a split of the traffic routed."""
    from evergreen.record import other_policies

    ledger, model = project.ledger(), project.name
    split = other_policies.split_of(ledger, model, name, reward=reward)
    known = other_policies.rewarded(project.settings.predictions, ledger, model, split, as_of=datetime.now(UTC))
    found = {
        text: other_policies.evaluated(known, split, text, contract=project.contract).model_dump() for text in policies
    }
    return {"of": split.owner, "reward": split.reward, "unit": list(split.unit), "policies": found}


def show(told: dict[str, Any]) -> None:
    """Print for a person how a bandit does."""
    state = f"{told['state']}{': ' + told['why'] if told['why'] else ''}"
    typer.echo(printable(f"Bandit {told['bandit']}, {state}"))
    table = Table("arm", "version", "share", "rows", "fell back", "rewards", "mean", "best", "if it had all (95 %)")
    for arm in told["arms"]:
        table.add_row(
            arm["arm"],
            str(arm["version"]),
            f"{arm['share']:.1%}",
            str(arm["rows"]),
            str(arm["fell_back"]),
            str(arm["rewards"]),
            "-" if arm["mean"] is None else f"{arm['mean']:.4f}",
            "-" if arm["best"] is None else f"{arm['best']:.1%}",
            _interval(arm["alone"]) if arm["alone"] else "too few rows",
        )
    console.print(table)


def show_rewards(told: dict[str, Any]) -> None:
    """Print for a person what a file of rewards brought."""
    typer.echo(printable(f"Rewards of {told['file']}"))
    for name in ("rows", "taken", "new", "changed", "unknown", "refused"):
        typer.echo(f"  {name}: {told[name]}")
    for name in told["unknown_first"]:
        typer.echo(printable(f"  no prediction of this bandit: {name}"))
    for row in told["first"]:
        typer.echo(printable(f"  row {row['row']}: {row['why']}"))


def show_evaluated(told: dict[str, Any]) -> None:
    """Print for a person what policies would have brought."""
    typer.echo(printable(f"What other policies would have brought on the rows of {told['of']}, by {told['reward']}"))
    table = Table("policy", "rows", "worth", "inverse propensity", "self-normalised", "doubly robust", "gain")
    for name, found in told["policies"].items():
        if found["verdict"] == "unknown":
            table.add_row(name, str(found["n"]), f"{found['effective_n']:.0f}", "unknown", "", "", "")
            continue
        estimates = ("inverse_propensity", "self_normalised", "doubly_robust", "gain")
        table.add_row(name, str(found["n"]), f"{found['effective_n']:.0f}", *(_interval(found[e]) for e in estimates))
    console.print(table)
    for name, found in told["policies"].items():
        typer.echo(printable(f"  {name}: {found['evidence']}"))


def _interval(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.4f} [{estimate['low']:.4f}, {estimate['high']:.4f}]"
