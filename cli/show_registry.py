"""What a person sees of the registry's memory: tables and trees on stdout."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.tree import Tree

from cli import show
from cli.show import console, escape
from evergreen.record.registry.causes import Cause
from evergreen.record.registry.history import Event, by_of, reason_of

if TYPE_CHECKING:
    from cli.recall import Lineage, Standing
    from cli.reproduction import Reproduction
    from evergreen.record.registry.differences import Difference
    from evergreen.record.registry.unnamed import Unnamed

MOST_LISTED = 20
MOST_EVENTS = 100  # in a table
MOST_SHOWN = 100  # characters of a reason in a table
KINDS = {"promotion": "green", "rollback": "yellow", "judgement": "yellow", "rejection": "red", "foreign": "red"}


def standing(found: "Standing", *, at: str | None) -> None:
    """Show a champion, who made it so, and until when it was."""
    entry, until = found.reign.entry, found.reign.until
    if at is not None:
        ended = f", until {_when(until)}" if until else ", and still is"
        console.print(f"At {escape(at)} version {found.facts.version} was champion{ended}")
    show.champion(found.facts, found.level)
    how = ", to all traffic at once," if entry.payload.get("direct") else ""
    console.print(f"  {entry.kind}{how} by {escape(by_of(entry) or 'nobody named')}: {escape(reason_of(entry) or '')}")
    if found.registry:
        show.registry(found.registry)


def events(found: Sequence[Event]) -> None:
    if not found:
        console.print("Nothing was decided yet. Next: evergreen run")
        return
    table = Table("", "when (UTC)", "what", "version", "by", "why", box=None)
    if len(found) > MOST_EVENTS:
        console.print(f"{len(found) - MOST_EVENTS} earlier ones are in: evergreen history --json")
    for event in found[-MOST_EVENTS:]:
        style = KINDS.get(event.kind, "default")
        kind = "refusal" if event.kind == "judgement" and event.version is None else event.kind
        kind += ", direct" if event.direct else ""
        version = "" if event.version is None else str(event.version)
        said = [escape(event.by or ""), escape(_begins(event.reason or ""))]
        table.add_row(f"#{event.seq}", _when(event.at), f"[{style}]{kind}[/]", version, *said)
    console.print(table)


def _begins(reason: str) -> str:
    """Return the beginning of a reason; `why` and JSON have all of it."""
    return reason if len(reason) <= MOST_SHOWN else f"{reason[: MOST_SHOWN - 1]}…"


def causes(found: Iterable[Cause]) -> None:
    for cause in found:
        tree = Tree(_cause(cause), guide_style="dim")
        _grow(tree, cause)
        console.print(tree)


def _grow(tree: Tree, cause: Cause) -> None:
    for inner in cause.because:
        _grow(tree.add(_cause(inner)), inner)


def _cause(cause: Cause) -> str:
    where = f"[dim]#{cause.seq} {_when(cause.at)}[/] " if cause.seq is not None and cause.at else ""
    return f"{where}{escape(cause.what)}"


def difference(found: "Difference") -> None:
    """Show how two versions differ, what is not known last."""
    a, b = (f"version {version}" for version in found.versions)
    data, code = found.data, found.code
    table = Table("", a, b, title="Data and code", title_justify="left")
    rows: dict[str, tuple[Any, ...]] = {
        "data": data.digest,
        "rows": data.rows,
        "from": tuple(
            "the beginning" if start is None and known is not None else start
            for start, known in zip(data.start, data.rows, strict=True)
        ),
        "until": data.end,
        "train rows": data.train_rows,
        "gate rows": data.gate_rows,
        "code": code.digest,
        "commit": code.commit,
        "lock": code.lock,
        "python": code.python,
        **(code.packages or {}),
    }
    for name, (before, after) in rows.items():
        style = "" if before == after else "bold"
        table.add_row(escape(name), _value(before), _value(after), style=style)
    console.print(table)
    if data.columns:
        retyped = [f"{name}: {was} to {now}" for name, (was, now) in data.columns.retyped.items()]
        for what, names in (("added", data.columns.added), ("removed", data.columns.removed), ("retyped", retyped)):
            if names:
                console.print(f"  columns {what}: {escape(', '.join(names))}")
    if found.params is not None:
        params = Table("parameter", a, b, title=f"{len(found.params)} parameters differ", title_justify="left")
        for name, (before, after) in found.params.items():
            params.add_row(escape(name), _value(before), _value(after))
        console.print(params)
    metrics = Table("metric", a, b, "difference", title="Metrics, each on its own gate rows", title_justify="left")
    for name, metric in found.metrics.items():
        values = [_metric(*both) for both in zip(metric.values, metric.intervals, strict=True)]
        metrics.add_row(escape(name), *values, "" if metric.difference is None else f"{metric.difference:+.4f}")
    console.print(metrics)
    if found.paired:
        console.print(
            f"The gate held version {found.paired['version']} against version {found.paired['against']} on the same "
            f"rows: {escape(found.paired['text'])}"
        )
    for note in found.notes:
        console.print(f"[yellow]note[/]: {escape(note)}")


def _metric(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" + (f" \\[{interval[0]:.4f}, {interval[1]:.4f}]" if interval else "")


def lineage(found: "Lineage") -> None:
    if version := found.version:
        tree = Tree(f"[bold]version {version.version}[/], model {version.model[:12]}")
        champion = ", ".join(at[:16].replace("T", " ") for at in version.champion) or "never"
        tree.add(f"champion since (UTC): {champion}")
        data = tree.add(f"data {version.data[:12]}" + ("" if version.rows is None else f", {version.rows:,} rows"))
        for digest in version.datasets:
            data.add(f"from dataset {digest[:12]}")
        for name, sha256 in [*version.items.items()][:MOST_LISTED]:
            data.add(f"from {escape(name)} {sha256[:12]}")
        if len(version.items) > MOST_LISTED:
            data.add(f"and from {len(version.items) - MOST_LISTED} more files: --json")
        data.add(f"train rows {version.train[:12]}, gate rows {_short(version.gate_rows)}")
        tree.add(f"code {version.code[:12]}, commit {_short(version.commit)}, lock {_short(version.lock)}")
        tree.add(f"parameters {version.params[:12]}")
        tree.add(f"held against version {version.parent}" if version.parent else "held against no champion")
        if version.received:
            tree.add(f"received from {escape(version.received)}")
        for sent in version.sent:
            tree.add(f"sent to {escape(sent)}")
        tree.add(f"bento {escape(version.bento)}, package {_short(version.package)}, proof {_short(version.proof)}")
        console.print(tree)
    for made in found.made:
        of = f"{made.kind} {escape(made.name[:12])}"
        if not made.versions:
            console.print(f"{of}: no version was made from it")
            continue
        marked = [f"[bold]{v}[/]" if v in made.champions else str(v) for v in made.versions]
        console.print(f"{of}: versions {', '.join(marked)} were made from it; bold ones were champion")


def unnamed(found: Sequence["Unnamed"], *, deleted: bool) -> None:
    if not found:
        console.print("Nothing: whatever is kept is named by the ledger, a proof, a hold, or the next run.")
        return
    table = Table("kind", "MiB", "written", "path", box=None)
    for one in found[:MOST_LISTED]:
        table.add_row(one.kind, f"{one.size / 2**20:.2f}", f"{one.modified:%Y-%m-%d}", escape(one.path))
    console.print(table)
    more = f", of which {MOST_LISTED} are shown (all: --json)" if len(found) > MOST_LISTED else ""
    size = sum(one.size for one in found) / 2**20
    next_step = "deleted" if deleted else "that nothing names; evergreen gc deletes them"
    console.print(f"{len(found)} things{more}, {size:.1f} MiB, {next_step}")


def reproduction(found: "Reproduction") -> None:
    table = Table("step", "", "what differs", title=f"Version {found.version}, made again", title_justify="left")
    for step in found.steps:
        differ = ", ".join(name for name, (was, now) in step.artifacts.items() if was != now)
        table.add_row(step.name, "[green]same[/]" if step.same else "[red]differs[/]", escape(step.said or differ))
    console.print(table)
    metrics = Table("metric", "then", "now", box=None)
    for name, (was, now) in found.metrics.items():
        metrics.add_row(escape(name), _value(was), _value(now))
    console.print(metrics)
    for name, (then, here) in found.environment.items():
        console.print(f"[yellow]note[/]: {escape(name)} was {escape(str(then))}, and is {escape(str(here))} here")
    if found.mended:
        console.print(f"[green]Put back[/], as they came out the same: {', '.join(found.mended)}")
    if found.same:
        console.print(f"[green]The same[/]: metrics, model and predictions, from {escape(found.code)}")
    else:
        console.print(f"[red]Not the same[/]: '{found.first_difference}' is the first step that differs")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    text = "[dim]not known[/]" if value is None else escape(str(value))
    return text[:12] if isinstance(value, str) and len(value) >= 40 and value.isalnum() else text


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "not known"


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
