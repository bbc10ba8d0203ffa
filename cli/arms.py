"""`evergreen replay --policies`: the same history under several policies, and which of them was worth it."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from rich.console import Console
from rich.table import Table as Shown

from cli import progress, show
from cli.engine import engine
from cli.replay import METRICS
from evergreen.base.errors import ConfigError
from evergreen.base.values import digest_of
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.policy import Policy
from evergreen.decisions.retrain.regret import EVERY, NEVER, Arm, Row, Table, table
from evergreen.project import Project

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
SHORTEST_MONTH = timedelta(days=28)
MOST_WORKERS = 2  # each holds a training in memory


def chosen(text: str) -> tuple[str, ...]:
    """Return the policies of a list, split at commas outside brackets, and `never` where none is there to compare with.

    Raises
    ------
    ConfigError if one is unknown, or is there twice.

    Examples
    --------
    >>> chosen("every-1, any(harm,probe)"), chosen("drift")
    (('every-1', 'any(harm,probe)'), ('never', 'drift'))
    """
    try:
        policies = tuple(str(Policy.parse(part)) for part in _parts(text))
    except ValueError as error:
        raise ConfigError(
            "RPL002", str(error), where="--policies", next_step="Write policies as retrain.policy takes them."
        ) from error
    twice = sorted({policy for policy in policies if policies.count(policy) > 1})
    if twice:
        raise ConfigError(
            "RPL002",
            f"a policy is there twice: {', '.join(twice)}",
            where="--policies",
            next_step="Name each once, such as --policies never,every-1,harm.",
        )
    if not any(policy == NEVER or policy.startswith(EVERY) for policy in policies):
        return (NEVER, *policies)
    return policies


def _parts(text: str) -> Iterator[str]:
    depth, part = 0, ""
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield part.strip()
            part = ""
        else:
            part += letter
    yield part.strip()


def latency(text: str) -> timedelta:
    """Return how long after a decision a new model answers; raises ConfigError if that is no time, or a month or more.

    Examples
    --------
    >>> latency("1d"), latency("36h")
    (datetime.timedelta(days=1), datetime.timedelta(days=1, seconds=43200))
    """
    found = re.fullmatch(r"([0-9]{1,4})([hd])", text.strip())
    told = int(found[1]) * UNITS[found[2]] if found else None
    if told is None or told >= SHORTEST_MONTH:
        raise ConfigError(
            "RPL003",
            f"'{text}' is no time below 28 days: a model has to answer before the month after it is over",
            where="--latency",
            next_step="Write hours or days, such as --latency 36h or --latency 1d.",
        )
    return told


def run(
    project: Project, policies: Sequence[str], start: date, end: date, *, latency: timedelta, as_json: bool
) -> dict[str, object]:
    """Walk the months of [start, end) under each policy, print the table, and return what it was made of.

    Raises
    ------
    ConfigError if there is one month only.
    """
    console = Console(stderr=True) if as_json else show.console
    for name in ("evergreen", "tasks", "flows", "cli"):
        logging.getLogger(name).setLevel(logging.ERROR)
    arms: tuple[Arm, ...] = ()
    with progress.walking(console) as drawn:
        bar = drawn.add_task("starting Prefect's server", total=None)
        with engine(project.settings):
            from flows.arms import course, replay_arms
            from flows.replay import months

            walked = course(project, tuple(months(start, end)), latency)
            total = len(policies) * len(walked.periods)
            drawn.update(bar, total=total, description=f"training on the rows before {start}, once for all")
            for event in replay_arms(project, policies, walked, workers=min(_processors(), MOST_WORKERS)):
                if isinstance(event, str):
                    drawn.update(bar, advance=1, description=f"months, last one of {event}")
                else:
                    arms = event
    found = table(arms, training_cost=project.params.retrain.cost)
    result = told(found, arms, latency)
    console.print(shown(found, name=project.name, metric=METRICS[GATE_METRIC[project.contract.task]]))
    console.print(sentence(found), highlight=False)
    console.print(f"Decisions {result['digest']}; the arms lie in {walked.folder}", highlight=False, soft_wrap=True)
    return result


def require_months(start: date, last: date) -> None:
    """Raise ConfigError where a walk has one month only: no model that a policy asks for would answer in it."""
    if (start.year, start.month) == (last.year, last.month):
        raise ConfigError(
            "RPL004",
            f"in one month, {start:%Y-%m}, policies cannot differ: what is trained at its end answers nothing of it",
            where="--to",
            next_step="Walk two months at least; ten tell something.",
        )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def told(found: Table, arms: Sequence[Arm], latency: timedelta) -> dict[str, object]:
    """Return the table, and beside it every decision without any clock, whose digest says whether two replays agree."""
    clocks = {"cpu_seconds", "uncounted"}
    decisions = [arm.model_dump(mode="json", exclude=clocks) for arm in arms]
    return {
        **found.model_dump(mode="json"),
        "latency_hours": latency / timedelta(hours=1),
        "digest": digest_of(decisions),
        "decisions": decisions,
    }


def headings(metric: str, against: str) -> tuple[str, ...]:
    """Return the headings of the table."""
    return (
        "policy", metric, "loss of a row", "trainings", "repairs", "refused", "CPU s", "cost", "regret",
        f"more than {against}",
    )  # fmt: skip


def cells(row: Row) -> tuple[str, ...]:
    """Return a policy's line of the table as it is shown."""
    within = "unknown" if row.low is None else f"{row.low:,.0f}, {row.high:,.0f}"
    difference = "-" if row.difference is None else f"{row.difference:,.0f} [{within}]"
    return (
        row.policy,
        "unknown" if row.metric is None else f"{row.metric:.3f}",
        f"{row.loss:.4f}",
        str(row.trainings),
        str(row.repairs),
        str(row.refused),
        f"{'≥ ' if row.uncounted else ''}{row.cpu_seconds:,.0f}",
        f"{row.cost:,.0f}",
        f"{row.regret:,.0f}",
        difference,
    )


def sentence(found: Table) -> str:
    """Return the recommendation as a sentence."""
    return f"{found.recommendation[0].upper()}{found.recommendation[1:]}."


def markdown(found: Table, *, metric: str) -> str:
    """Return the table and the recommendation as a page shows them."""
    first = headings(metric, found.against)
    lines = [f"| {' | '.join(line)} |" for line in (first, *map(cells, found.rows))]
    return "\n".join([lines[0], "|---" * len(first) + "|", *lines[1:], "", sentence(found), ""])


def shown(found: Table, *, name: str, metric: str) -> Shown:
    """Return the table that a replay of policies ends with."""
    summary = Shown(
        title=f"{name}: {len(found.rows)} policies on {found.windows} months, {found.answered:,} rows",
        title_justify="left",
        caption=f"Cost and regret in wholly wrong answers; a training costs {found.training_cost:g}. Compared with "
        f"{found.against}: {found.why}. Intervals hold together with {found.confidence:.0%}.",
        caption_justify="left",
        show_edge=False,
    )
    for place, heading in enumerate(headings(metric, found.against)):
        summary.add_column(heading, justify="right" if place else "left")
    for row in found.rows:
        summary.add_row(*map(show.escape, cells(row)))
    return summary
