"""`evergreen gc`: what nothing names any more goes; and `hold`, which names what has to stay."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cli import unfinished
from evergreen.base.errors import ConfigError, EvergreenError
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.plan import plan
from evergreen.record.plan.records import RECORD_NAME, drop_broken_records, read_record
from evergreen.record.registry import unnamed
from evergreen.record.registry.lineage import LEAST_OF_A_DIGEST, read_rows, versions_in
from evergreen.record.registry.names import VERSION
from evergreen.record.registry.unnamed import Named, Unnamed

AT_WORK = ("training", "monitoring")  # leases under which artifacts are written


def sweep(project: Project, *, days: int, dry_run: bool) -> tuple[Unnamed, ...]:
    """Return what nothing names and is older than some days, deleted unless it is a dry run.

    Nothing works on the state meanwhile: the leases of every model's trainings and windows are held.

    Raises
    ------
    LostRace if somebody trains or monitors.
    """
    ledger, home = project.ledger(), project.settings.home
    with ExitStack() as held:
        if not dry_run:
            for model in _models(project, ledger):
                for work in AT_WORK:
                    held.enter_context(ledger.lease(f"{work}:{model}"))
        found = unnamed.find(
            _named(project, ledger),
            home,
            workspace=project.workspace.root,
            now=datetime.now(UTC),
            older_than=timedelta(days=days),
        )
        if not dry_run:
            unnamed.delete(found, home)
            drop_broken_records(project.settings.step_records, project.workspace)
    return found


def hold(project: Project, asked: str, *, by: str, reason: str) -> dict[str, Any]:
    """Record that something has to stay, and return what: a version, or what a digest's beginning names.

    Raises
    ------
    ConfigError if nothing that is kept is called so, or more than one thing.
    """
    ledger = project.ledger()
    digests = _digests(project, ledger, asked)
    payload = {"what": asked, "digests": digests, "by": by, "reason": reason}
    entry = ledger.record(project.name, "hold", "+".join(digest[:16] for digest in digests), payload)
    return {"seq": entry.seq, "at": entry.at.isoformat(), **entry.payload}


def _models(project: Project, ledger: Ledger) -> list[str]:
    """Return every model that may be worked on in this state folder."""
    configs = (path.parent.name for path in (project.settings.project / "configs").glob("*/contract.yaml"))
    stores = (path.name for path in project.datasets.glob("*") if path.is_dir())
    return sorted({project.name, *ledger.models(), *configs, *stores})


def _named(project: Project, ledger: Ledger) -> Named:
    logs = [ledger.entries(model) for model in ledger.models()]
    records = [artifacts for path in _records(project) if (artifacts := read_record(path))]
    return unnamed.named(logs, project.settings.home, records=records, workspace=project.workspace.root)


def _records(project: Project) -> list[Path]:
    """Return the records that the next run may take: of its plan, or all where a run is unfinished."""
    folder = project.settings.step_records
    every = [path for path in folder.glob("*-*") if RECORD_NAME.fullmatch(path.name)]
    if unfinished.any_left(project.settings):
        return every
    try:
        steps, _ = plan.plan(project.given, records=folder, warm_start=project.warm_start)
    except EvergreenError:
        return every
    return [folder / f"{step.name}-{step.identity}" for step in steps if step.cached]


def _digests(project: Project, ledger: Ledger, asked: str) -> list[str]:
    """Return the digests that a person's word names."""
    entries = ledger.entries(project.name)
    if version := VERSION.fullmatch(asked.strip()):
        facts = versions_in(entries).get(int(version[1]))
        if facts:
            return [str(facts["judged"]["model_digest"]), str(facts["judged"]["data_digest"])]
    found: dict[str, list[str]] = {}
    if len(asked) >= LEAST_OF_A_DIGEST:
        for entry in entries:
            if entry.kind == "judgement":
                digests = [str(entry.payload[name]) for name in ("model_digest", "data_digest")]
                if entry.key.startswith(asked) or digests[0].startswith(asked):
                    found[entry.key] = digests
        for rows in (*read_rows(project.datasets / project.name), *read_rows(project.workspace.root)):
            if rows.digest.startswith(asked):
                found[rows.digest] = [rows.digest]
    if len(found) != 1:
        raise ConfigError(
            "STA006",
            f"{len(found) or 'no'} candidates and datasets of '{project.name}' are called '{asked}'",
            where=str(project.settings.home),
            next_step="Name a version, or write more of a digest: evergreen history --all, evergreen data ls",
        )
    return next(iter(found.values()))
