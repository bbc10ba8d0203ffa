"""What a person sees: tables and summaries on stdout."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import markup
from rich.console import Console
from rich.table import Table

from evergreen.base.errors import printable
from evergreen.record.outcomes import ChampionFacts, Judgement, TrainingOutcome
from evergreen.record.plan.plan import PlannedStep

if TYPE_CHECKING:  # they bring SciPy, which no status needs
    from evergreen.record.windows import RetrainingOutcome, WindowOutcome

console = Console()
MARKS = {"passed": "[green]passed[/]", "failed": "[red]failed[/]", "not applicable": "[dim]not applicable[/]"}


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


def training(outcome: TrainingOutcome) -> None:
    table = Table("step", "", "seconds", title="Training", title_justify="left")
    for step in outcome.steps:
        table.add_row(step.name, "[dim]recorded[/]" if step.cached else "ran", f"{step.seconds:.1f}")
    console.print(table)
    judged(outcome)
    if outcome.analysis:
        console.print(f"  analysis: {escape(outcome.analysis)}")


def judged(outcome: Judgement) -> None:
    for check in outcome.checks:
        console.print(f"  {check.name}: {MARKS[check.outcome]}  {escape(check.text)}")
    if outcome.verdict == "promoted":
        console.print(f"[green]{outcome.model} version {outcome.version} was promoted[/]: {escape(outcome.reason)}")
    else:
        console.print(
            f"[yellow]The gate refused this candidate; the champion is unchanged[/]: {escape(outcome.reason)}"
        )
    console.print(
        f"  model {outcome.model_digest[:12]}  data {outcome.data_digest[:12]}  code {outcome.code_digest[:12]}"
    )


def champion(facts: ChampionFacts) -> None:
    console.print(
        f"[bold]{facts.judged.model}[/] version {facts.version}, "
        f"champion since {facts.judged.promoted_at:%Y-%m-%d %H:%M} UTC"
    )
    until = f"trained on data until {facts.data_end}, " if facts.data_end else ""
    console.print(f"  {until}MLflow run {facts.run_id}")
    judged(facts.judged)
    summary("Metrics on rows that tuning never saw", facts.judged.metrics)


def window(outcome: "WindowOutcome") -> None:
    console.print(
        f"[bold]{outcome.model}[/] version {outcome.version}, {outcome.start} to {outcome.end}: "
        f"{outcome.valid.rows} rows, {outcome.quarantined} quarantined"
    )
    table = Table("column", "verdict", "evidence", title=f"Drift: {outcome.drift.verdict}", title_justify="left")
    for column in outcome.drift.columns:
        style = {"drift": "red", "unknown": "yellow"}.get(column.verdict, "dim")
        table.add_row(escape(column.name), f"[{style}]{column.verdict}[/]", escape(column.evidence))
    console.print(table)
    console.print(f"Performance: {escape(outcome.performance.evidence)}")
    console.print(f"Decision: {escape(outcome.decision.summary)}")
    console.print(f"Report: {outcome.report}")


def retraining(outcome: "RetrainingOutcome") -> None:
    if outcome.training:
        training(outcome.training)
    elif outcome.already_done:
        console.print(f"Window {outcome.window} has led to a retraining before; one is enough.")
    else:
        console.print(f"No retraining after {outcome.window}: {escape(outcome.decision.summary)}")


def summary(title: str, values: Mapping[str, Any]) -> None:
    console.print(title)
    table = Table(show_header=False)
    for name, value in values.items():
        table.add_row(escape(name), f"{value:.4f}" if isinstance(value, float) else escape(str(value)))
    console.print(table)
