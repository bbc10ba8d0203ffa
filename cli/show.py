"""What a person sees: tables and summaries on stdout."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import markup
from rich.console import Console
from rich.table import Table

from evergreen.base.errors import printable
from evergreen.decisions.gate.campaign import Level
from evergreen.decisions.gate.verdict import DECISIVE
from evergreen.record.outcomes import Judgement, TrainingOutcome, VersionFacts
from evergreen.record.plan.plan import PlannedStep

if TYPE_CHECKING:  # they bring SciPy, which no status needs
    from cli.doctor import Finding
    from evergreen.adapters.registry_aliases import RegistryLook
    from evergreen.learning.model.scored import ScoringOutcome
    from evergreen.record.looks import RetrainingOutcome
    from flows.transfer import Transferred

console = Console()
MARKS = {
    "passed": "[green]passed[/]",
    "failed": "[red]failed[/]",
    "inconclusive": "[yellow]cannot tell[/]",
    "not applicable": "[dim]not applicable[/]",
}
VERDICTS = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}


def escape(text: str) -> str:
    """Return text as it is shown: neither Rich nor the terminal acts on anything in it."""
    return markup.escape(printable(text))


def plan(steps: Sequence[PlannedStep]) -> None:
    table = Table("step", "would", "identity", "why", title="Plan", title_justify="left")
    for step in steps:
        table.add_row(
            step.name, "[dim]skip[/]" if step.cached else "[bold]run[/]", (step.identity or "")[:12], step.why
        )
    console.print(table)


def training(outcome: TrainingOutcome, *, explain: bool = False) -> None:
    table = Table("step", "", "seconds", title="Training", title_justify="left")
    for step in outcome.steps:
        table.add_row(step.name, "[dim]recorded[/]" if step.cached else "ran", f"{step.seconds:.1f}")
    console.print(table)
    if explain:
        candidates(outcome)
    judged(outcome)
    if outcome.analysis:
        console.print(f"  analysis: {escape(outcome.analysis)}")


def candidates(outcome: Judgement) -> None:
    """Show everyone who stood before the gate, in the order of asking, and what each check saw."""
    if outcome.level:
        level = outcome.level
        console.print(
            f"Gate {level.asked + 1} of this campaign by the rule superiority: an error of {level.level:.2g} is given "
            f"to it, {level.left:.2g} was left for it and all later ones"
        )
    if outcome.uses > 1:
        console.print(f"These gate rows have been used to choose {outcome.uses} times; fresh ones would tell more")
    for candidate in outcome.candidates:
        if candidate.verdict is None:
            console.print(f"[bold]{escape(candidate.family)}[/]: not asked, one before it was taken")
            continue
        style = VERDICTS[candidate.verdict]
        table = Table("check", "", "what it saw", title_justify="left")
        table.title = f"{candidate.asked}. {escape(candidate.family)}: [{style}]{candidate.verdict}[/]"
        for check in candidate.checks:
            otherwise = f"\n[dim]otherwise with: {escape(check.would_change)}[/]" if check.would_change else ""
            table.add_row(f"{check.code} {check.name}", MARKS[check.outcome], escape(check.text) + otherwise)
        console.print(table)


def judged(outcome: Judgement) -> None:
    if outcome.sees:
        console.print(f"  the gate sees: {escape(outcome.sees.text)}")
    for check in outcome.checks:
        if check.outcome != "not applicable" or check.name in DECISIVE:
            console.print(f"  {check.name}: {MARKS[check.outcome]}  {escape(check.text)}")
        if check.would_change:
            console.print(f"    [dim]otherwise with: {escape(check.would_change)}[/]")
    if outcome.verdict == "promoted":
        console.print(f"[green]{outcome.model} version {outcome.version} was promoted[/]: {escape(outcome.reason)}")
    elif outcome.verdict == "proposed":
        proposed(outcome)
    else:
        console.print(
            f"[yellow]The gate refused this candidate; the champion is unchanged[/]: {escape(outcome.reason)}"
        )
    for doubt in outcome.doubts:
        console.print(f"[yellow]Warning[/]: {escape(doubt)}")
    console.print(
        f"  model {outcome.model_digest[:12]}  data {outcome.data_digest[:12]}  code {outcome.code_digest[:12]}"
    )


def proposed(outcome: Judgement) -> None:
    if outcome.rollout:
        console.print(
            f"[yellow]{outcome.model} version {outcome.version} is tried on the traffic as {outcome.rollout}; the "
            f"champion answers until it has shown itself[/]: {escape(outcome.reason)}"
        )
        console.print("  How far it is: evergreen rollout status")
        return
    waits = getattr(outcome, "waits_until", None)
    until = f" until {waits:%Y-%m-%d %H:%M} UTC" if waits else ""
    console.print(
        f"[yellow]{outcome.model} version {outcome.version} waits for a person{until}; the champion is unchanged[/]: "
        f"{escape(outcome.reason)}"
    )
    console.print(f'  evergreen approve {outcome.version} --by NAME --reason "why", or: evergreen reject')


def transferred(outcome: "Transferred") -> None:
    """Show what came of a version in another environment."""
    judged(outcome.judged)
    became = f"is version {outcome.judged.version}" if outcome.judged.version else "has no number"
    console.print(
        f"  version {outcome.version} {became} in {escape(outcome.env)}; "
        f"entry {outcome.received[:12]} there, {outcome.sent[:12]} here"
    )


def champion(facts: VersionFacts, left: Level) -> None:
    console.print(
        f"[bold]{facts.judged.model}[/] version {facts.version}, "
        f"champion since {facts.judged.promoted_at:%Y-%m-%d %H:%M} UTC"
    )
    until = f"trained on data until {facts.data_end}, " if facts.data_end else ""
    console.print(f"  {until}MLflow run {facts.run_id}")
    judged(facts.judged)
    until_then = f" until {left.ends:%Y-%m-%d}" if left.ends else ""
    console.print(
        f"  campaign: {left.asked} gates asked by the rule superiority, an error of {left.left:.2g} is left{until_then}"
    )
    summary("Metrics on rows that tuning never saw", facts.judged.metrics)


def registry(look: "RegistryLook") -> None:
    """Say where MLflow's alias points, if that is not where the ledger says."""
    if look.as_ledger is None:
        console.print(
            "  MLflow's alias champion was not looked at: its store does not answer, or cannot be read quickly"
        )
    elif not look.as_ledger:
        points = f"points at version {look.champion}" if look.champion else "is not there"
        console.print(f"  [yellow]MLflow's alias champion {points}[/]; evergreen doctor puts it back")


def findings(found: "Sequence[Finding]") -> None:
    for finding in found:
        mark = "[green]repaired[/]" if finding.repaired else "[red]found[/]"
        console.print(f"{mark}  {escape(finding.where)}: {escape(finding.what)}")
        if finding.next:
            console.print(f"    next: {escape(finding.next)}")
    if not found:
        console.print("[green]Everything is as the ledger says.[/]")


def retraining(outcome: "RetrainingOutcome") -> None:
    if outcome.training:
        training(outcome.training)
    elif outcome.already_done:
        console.print(f"Window {outcome.window} has led to a retraining before; one is enough.")
    else:
        console.print(f"No retraining after {outcome.window}: {escape(outcome.decision.summary)}")


def scored(outcome: "ScoringOutcome") -> None:
    """Show what was scored, and of the files that could not be the errors."""
    counts = outcome.model_dump(exclude={"listed"} if outcome.files > 1 else {"listed", "files", "failed"})
    summary("Scored", counts)
    for file in outcome.listed:
        if file.failure:
            console.print(f"[red]failed[/] {escape(file.name)}")
            console.print("\n".join(f"  {escape(line)}" for line in file.failure.block.splitlines()), highlight=False)


def summary(title: str, values: Mapping[str, Any]) -> None:
    console.print(title)
    table = Table(show_header=False)
    for name, value in values.items():
        table.add_row(escape(name), f"{value:.4f}" if isinstance(value, float) else escape(str(value)))
    console.print(table)
