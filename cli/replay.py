"""`evergreen replay`: the loop on the calendar, shown as it happens, and the table at its end."""

import logging
from datetime import date
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table

from cli import progress, service, show
from cli.engine import engine
from evergreen.project import Project
from evergreen.record.outcomes import TrainingOutcome

if TYPE_CHECKING:
    from cli.service import Agreement
    from flows.replay import Month

EXAMPLE_ROWS = 10
METRICS = {"roc_auc": "AUC", "balanced_accuracy": "balanced accuracy", "r2": "R²"}
LEAST = {"month": 7, "rows": 6, "shift": 7, "harm": 6, "decision": 8, "version": 7}  # so that 80 columns are enough


def run(project: Project, start: date, end: date, *, as_json: bool) -> dict[str, object]:
    """Walk the months of [start, end), print them as they end, then check the service against batch scoring."""
    console = Console(stderr=True) if as_json else show.console
    for name in ("evergreen", "tasks", "flows", "cli"):
        logging.getLogger(name).setLevel(logging.WARNING)
    walked: list[Month] = []
    n_months = (end.year - start.year) * 12 + end.month - start.month
    with progress.walking(console) as drawn:
        bar = drawn.add_task("starting Prefect's server", total=n_months + 1)
        with engine(project.settings):
            from flows.replay import replay

            drawn.update(bar, description=f"training on the rows before {start}")
            for event in replay(project, start, end):
                if isinstance(event, TrainingOutcome):
                    console.print(f"[bold]{start:%Y-%m}[/] {event.reason}")
                else:
                    walked.append(event)
                    console.print(line(event))
                following = event.look.end if not isinstance(event, TrainingOutcome) else start
                drawn.update(bar, advance=1, description=f"walking {following:%Y-%m}: score, monitor, decide, retrain")
        drawn.update(bar, description=f"asking the packaged service for {EXAMPLE_ROWS} rows")
        champion = project.champion()
        agreement = service.check_agreement(project, service.example_rows(project.settings, champion, n=EXAMPLE_ROWS))
    console.print(table(project.name, walked))
    say_where(console, project, walked, agreement)
    return {"months": [row(month) for month in walked], "service": agreement.model_dump()}


def row(month: "Month") -> dict[str, object]:
    """Return a month as one line of the table."""
    look, training = month.look, month.retraining.training
    decision = "keep"
    if training:
        decision = f"{training.verdict} {training.version}" if training.version else "refused"
    return {
        "month": f"{look.start:%Y-%m}",
        "rows": look.rows,
        "shift": look.shift.verdict,
        "shifted_columns": sum(column.verdict == "shifted" for column in look.shift.columns),
        "faults": look.faults.verdict,
        "harm": look.harm.verdict,
        "metric": look.performance.metric,
        "value": look.performance.value,
        "value_never_retrained": month.never_retrained.value,
        "causes": [cause.name for cause in look.causes],
        "pages": list(look.pages),
        "decision": decision,
        "why": look.decision.summary,
        "version": look.version,
    }


def line(month: "Month") -> str:
    """Return what is printed as a month ends."""
    seen = row(month)
    text = f"shift {seen['shift']}, harm {seen['harm']}, {heading(month)} {measured(seen['value'])}, {seen['decision']}"
    return f"[bold]{seen['month']}[/] version {seen['version']}: {text}"


def table(model: str, walked: "list[Month]") -> Table:
    """Return the table that the walk ends with."""
    meanings = "promoted: retrained, and the gate agreed. refused: retrained, and it did not. keep: not retrained."
    if any(month.retraining.training and month.retraining.training.verdict == "proposed" for month in walked):
        meanings += " proposed: the gate agreed, and a person has to."
    summary = Table(
        title=f"{model}: month by month",
        title_justify="left",
        caption=meanings,
        caption_justify="left",
        show_edge=False,
    )
    metric = heading(walked[0]) if walked else ""
    numbers = ("rows", f"{metric} in service", f"{metric} never retrained")
    for name in ("month", "rows", "shift", "harm", *numbers[1:], "decision", "version"):
        justify: Literal["right", "left"] = "right" if name in numbers else "left"
        summary.add_column(name, justify=justify, min_width=LEAST.get(name))
    for month in walked:
        seen = row(month)
        shift = f"{seen['shift']} {seen['shifted_columns']}/{len(month.look.shift.columns)}"
        summary.add_row(
            str(seen["month"]),
            f"{seen['rows']:,}",
            shift,
            str(seen["harm"]),
            measured(seen["value"]),
            measured(seen["value_never_retrained"]),
            str(seen["decision"]),
            str(seen["version"]),
        )
    return summary


def heading(month: "Month") -> str:
    """Return what a month's metric is called."""
    return METRICS[month.look.performance.metric]


def measured(value: object) -> str:
    """Return a metric as text; one that could not be measured says so."""
    return f"{value:.3f}" if isinstance(value, float) else "unknown"


def say_where(console: Console, project: Project, walked: "list[Month]", agreement: "Agreement") -> None:
    """Say what agrees and where everything can be opened."""
    console.print(
        f"The packaged service answered {agreement.rows} rows as batch scoring does "
        f"(ready in {agreement.seconds_to_ready:.1f} s)."
    )
    console.print("\nOpen:", highlight=False)
    settings, params_file = project.settings, project.asked.params_file
    of = "" if params_file == "params.yaml" else f" --params {params_file}"
    places = {
        "MLflow and Prefect": ".venv/bin/evergreen up, then http://127.0.0.1:5000 and http://127.0.0.1:4200",
        "the service": f".venv/bin/evergreen serve{of}, then POST to http://{settings.serve_host}:{settings.serve_port}/predict",
        "the champion": f".venv/bin/evergreen status{of}",
    }
    if walked:
        places = {"the last report": str(walked[-1].look.report)} | places
    for what, where in places.items():
        console.print(f"  {what:22} {where}", highlight=False, soft_wrap=True)
