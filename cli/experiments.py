"""What the commands of `evergreen experiment` read and show."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from cli.show import console, escape
from evergreen.base.errors import ConfigError
from evergreen.base.files import write_bytes
from evergreen.decisions.experiments import sample_size
from evergreen.decisions.experiments.design import BETTER, Better, Goal, Guard, MetricName, Then, Variant
from evergreen.decisions.experiments.reading import Reading, figures
from evergreen.decisions.experiments.verdict import Decision
from evergreen.project import Project
from evergreen.record.experiments.course import POINTS
from evergreen.record.experiments.kept import Experiment
from evergreen.record.registry import history
from flows import experiments as flow
from flows.experiments import Asked, Looked

METRIC: TypeAdapter[MetricName] = TypeAdapter(MetricName)
ARM = re.compile(r"([a-zA-Z][a-zA-Z0-9_.-]{0,39})=(\d{1,9})(?::(.+))?")
ANSWERS = {"promote": "green", "keep": "yellow", "inconclusive": "magenta"}


def sized(
    rate: float | None, deviation: float | None, effect: float, *, alpha: float, power: float, rows: float, alike: float
) -> dict[str, Any]:
    """Return how many rows, and units, each variant needs; raises ConfigError for what no experiment has (EXP001)."""
    if (rate is None) == (deviation is None):
        raise ConfigError(
            "EXP001",
            "a size needs a rate or a standard deviation, and not both",
            where="command line",
            next_step="Name --rate for a share of rows, or --deviation for the mean of a value.",
        )
    if rate is not None:
        size = sample_size.of_rates(rate, effect, alpha=alpha, power=power)
    else:
        size = sample_size.of_means(deviation or 0.0, effect, alpha=alpha, power=power)
    size = sample_size.clustered(size, rows=rows, alike=alike)
    units = {f"{name}_units": -int(-n // rows) for name, n in size.model_dump().items()}
    return {**size.model_dump(), **units, "alpha": alpha, "power": power, "effect": effect}


def show_size(size: dict[str, Any]) -> None:
    """Print a size."""
    rows = Table("rows in each variant", "units", "how it is read", box=None, pad_edge=False)
    rows.add_row(f"{size['any_time']:,}", f"{size['any_time_units']:,}", "at any time, as often as anybody likes")
    rows.add_row(f"{size['once']:,}", f"{size['once_units']:,}", "once, at that number and not before")
    console.print(rows)


def asked(
    name: str,
    arms: Sequence[str],
    goals: Sequence[str],
    guards: Sequence[str],
    *,
    unit: tuple[str, ...],
    planned: int,
    alpha: float,
    adjust: bool,
    then: Then,
) -> Asked:
    """Return what the command line says of an experiment; raises ConfigError for what cannot be read (EXP002)."""
    found = [ARM.fullmatch(arm) for arm in arms]
    for arm, match in zip(arms, found, strict=True):
        if not match:
            _refuse(f"'{arm}' is no variant", "Write a name and a version, such as B=4, or B=4:0.2 with its share.")
    equal = 1 / (len(arms) + 1)
    try:
        variants = tuple(
            Variant(name=one[1], version=int(one[2]), share=float(one[3]) if one[3] else equal) for one in found if one
        )
        said = Asked(
            name=name,
            variants=variants,
            goals=tuple(_goal(text) for text in goals),
            guards=tuple(_guard(text) for text in guards),
            unit=unit,
            planned=planned,
            alpha=alpha,
            adjust=adjust,
            then=then,
        )
        said.design(champion=1)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        _refuse(f"{where}: {first['msg']}" if where else first["msg"], "See what each option takes: --help.")
    except ValueError as error:
        _refuse(str(error), "Write a share as a number between 0 and 1, such as 0.2.")
    return said


def looked(project: Project, name: str | None, as_of: str | None) -> Looked:
    """Return what an experiment shows, with the looks on its way."""
    at = None if as_of is None else history.read_time(as_of, now=datetime.now(UTC))
    return flow.look(project, name, as_of=at, points=POINTS)


def write(model: str, found: Looked, out: Path) -> None:
    """Write the page, whole or not at all."""
    from evergreen.record.standing import experiment_page

    write_bytes(out, experiment_page.render(model, found.experiment, found.report).encode())


def show_begun(begun: Experiment) -> None:
    """Print how the traffic is divided from now on."""
    design = begun.design
    shares = ", ".join(f"{one.name} (version {one.version}) {one.share:.0%}" for one in design.variants)
    console.print(
        f"{escape(design.name)}: the champion (version {design.champion}) {design.champion_share:.0%}, "
        f"{escape(shares)} of the units\nnext: evergreen experiment report {escape(design.name)}",
        highlight=False,
        soft_wrap=True,
    )


def show_ended(ended: Experiment) -> None:
    """Print how an experiment ended."""
    console.print(f"{escape(ended.design.name)} ended; version {ended.design.champion} answers all", highlight=False)
    if ended.last:
        _show_decision(ended.last)


def show(found: Looked, page: Path) -> None:
    """Print what an experiment shows."""
    experiment, last = found.experiment, found.report.last
    state = "ended" if experiment.ended else "runs"
    counts = ", ".join(
        f"{name} {count:,}" for name, count in zip(experiment.design.names, last.units.counts, strict=True)
    )
    console.print(f"{escape(experiment.design.name)} {state}; units: {escape(counts)}", highlight=False)
    _show_decision(last.decision)
    rows = Table("variant", "metric", "champion", "variant's", "difference", "at all looks", "p", "planned", box=None)
    for one in last.readings:
        rows.add_row(*_row(one))
    console.print(rows)
    for line in notes(found):
        console.print(f"[dim]{escape(line)}[/]", highlight=False, soft_wrap=True)
    console.print(f"Page: {escape(str(page))}", soft_wrap=True, highlight=False)


def notes(found: Looked) -> list[str]:
    """Return what else a reader must know of the rows."""
    report = found.report
    said = [f"{n:,} rows: the champion answered for {why}" for why, n in sorted(report.fell_back.items())]
    if report.mixed:
        said.append(f"{report.mixed:,} units met several variants and are left out")
    if report.keyless:
        said.append(f"{report.keyless:,} of {report.rows:,} rows lack the unit's columns: each counts as a unit")
    return said


def _show_decision(decision: Decision) -> None:
    to = f" {escape(decision.variant)}" if decision.variant else ""
    console.print(f"[{ANSWERS[decision.answer]}]{decision.answer}{to}[/]: {escape(decision.why)}", highlight=False)
    for want in decision.would_decide:
        console.print(f"  would decide: {escape(want)}", highlight=False)


def _row(one: Reading) -> tuple[str, ...]:
    means = ["" if group is None else f"{group.mean:.4g}" for group in (one.champion, one.seen)]
    differs, between = figures(one)
    p = f"{one.p_value:.3g}" if one.is_goal else "guard"
    return escape(one.variant), one.metric, *means, differs, between, p, f"{one.progress:.0%}"


def _goal(text: str) -> Goal:
    metric, number = _read(text)
    better: Better = "lower" if metric == "target" and number < 0 else BETTER[metric]
    return Goal(metric=metric, better=better, effect=abs(number) if metric == "target" else number)


def _guard(text: str) -> Guard:
    metric, number = _read(text)
    better: Better = "lower" if metric == "target" and number < 0 else BETTER[metric]
    return Guard(metric=metric, better=better, margin=abs(number) if metric == "target" else number)


def _read(text: str) -> tuple[MetricName, float]:
    written, _, number = text.partition("=")
    metric = next((known for known in get_args(MetricName) if known.replace(" ", "_") == written.strip()), None)
    try:
        return METRIC.validate_python(metric), float(number)
    except ValueError:
        known = ", ".join(name.replace(" ", "_") for name in get_args(MetricName))
        _refuse(f"'{text}' is no metric with a number", f"Write one of {known}, and a number, such as error=0.02.")


def _refuse(what: str, next_step: str) -> NoReturn:
    raise ConfigError("EXP002", what, where="command line", next_step=next_step)
