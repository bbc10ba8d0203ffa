"""Windows with a fault in them: chosen, copied, looked at as monitoring does, and held against the same without."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from evergreen.base import months, sqlite_files
from evergreen.base.artifacts.refs import DatasetRef, FolderRef
from evergreen.base.errors import ConfigError
from evergreen.data.datasets.months import midnight
from evergreen.decisions.drill import caught as catching
from evergreen.decisions.drill.caught import Alarm, Caught
from evergreen.decisions.drill.faults import FaultName
from evergreen.project import Project
from evergreen.record.ledger.copying import copy_to
from evergreen.record.looks import Look
from evergreen.record.outcomes import StepRun, VersionFacts
from evergreen.record.plan.steps import arguments
from flows.monitoring import look_at
from flows.recorder import Recorder
from flows.scratch import opened_in
from flows.watching import judged_from, reference_of
from tasks.drilling import copied, last_day, noticed, rows_between, write_copy, write_faulted
from tasks.ingest import ingest

SHORTEST = timedelta(days=7)
MOST_WINDOWS = 3
Period = tuple[date, date]


class Plain(Recorder):
    """Calls the functions of steps, without an engine and without pictures."""

    def __call__(self, step: Any, *args: Any, **kwargs: Any) -> Any:
        started = time.monotonic()
        drawn = {"draw": False} if step.name == "drift" else {}
        answer = step.fn(*args, **kwargs, **drawn)
        self.steps.append(StepRun(name=step.name, cached=False, seconds=round(time.monotonic() - started, 3)))
        return answer


def said_of(look: Look) -> frozenset[Alarm]:
    """Return what a look says."""
    return catching.alarms(look.faults, look.shift, look.harm, labels=look.labels.verdict)


class Faulted:
    """One drill, in its folder: the rows, the champion that is asked, and the looks at windows without a fault."""

    def __init__(self, project: Project, folder: Path, now: datetime) -> None:
        self._folder, self._now = folder, now
        self._project = opened_in(project, folder / "state")
        self._unfaulted: dict[Period, Look] = {}
        self.champion: VersionFacts = self._project.champion()
        self._reference: FolderRef = reference_of(self._project, self.champion, Plain())
        self._raw: DatasetRef = Plain()(ingest, **arguments("ingest", self._everything().given, {})).raw

    def _everything(self) -> Project:
        params = self._project.params
        everything = params.ingest.model_copy(update={"start": None, "end": None})
        return replace(self._project, params=params.model_copy(update={"ingest": everything}))

    def choose(self, period: Period | None) -> tuple[list[Period], list[str]]:
        """Return the windows to take, the last one last, and what was said of later ones that are not taken."""
        windows = self.windows() if period is None else [period]
        skipped: list[str] = []
        for n in range(len(windows), max(0, len(windows) - MOST_WINDOWS), -1):
            look = self.unfaulted(windows[n - 1])
            if not look.rows:
                raise ConfigError(
                    "DRL001",
                    f"the source has no rows of {months.named(look.start, look.end)} to put faults into",
                    where=self._project.contract.name,
                    next_step="Name a window that has some: --window.",
                )
            if period or look.harm.verdict != "broken":
                return windows[:n], skipped
            skipped.append(f"{months.named(look.start, look.end)}: {look.harm.evidence}")
        return windows, []

    def windows(self) -> list[Period]:
        """Return the months after the champion's data whose labels are due, in order; parts of months at both ends.

        Raises
        ------
        ConfigError if none has a week of rows.
        """
        contract, begin = self._project.contract, self.champion.data_end
        last = last_day(self._raw, self._project.workspace, contract)
        assert begin is not None
        due = (self._now - timedelta(days=contract.label_delay_days)).date()
        end = min(last + timedelta(days=1), due) if last else begin
        found, start = [], begin
        while start < end:
            until = min(months.following(start), end)
            if until - start >= SHORTEST:
                found.append((start, until))
            start = until
        if not found:
            raise ConfigError(
                "DRL001",
                f"no week of rows lies between {begin}, where the data of version {self.champion.version} ends, and "
                f"{end}, up to which labels are due: every row that is known was trained on",
                where=contract.name,
                next_step="Wait for a week of newer rows, or train on less: "
                f"evergreen run --set ingest.end={begin - timedelta(days=31)}",
            )
        return found

    def put(self, fault: FaultName, windows: Sequence[Period]) -> Caught | None:
        """Return what caught a fault, in the fewest of the last windows that it takes; None if rows cannot have it."""
        came = None
        for n in range(1, min(MOST_WINDOWS, len(windows)) + 1):
            came = self._put(fault, (windows[-n][0], windows[-1][1]), windows=n)
            if came is None or came.caught:
                break
        return came

    def unfaulted(self, period: Period) -> Look:
        """Return the look at a copy of a window that has no fault; made once."""
        if period not in self._unfaulted:
            start, end = period
            ws, contract = self._project.workspace, self._project.contract
            write_copy(self._raw, self._rows(period), ws=ws, contract=contract, start=start, end=end)
            self._unfaulted[period] = self._look(self._rows(period), period)
        return self._unfaulted[period]

    def _put(self, fault: FaultName, period: Period, *, windows: int) -> Caught | None:
        before = self.unfaulted(period)
        folder = self._folder / "faulted" / f"{fault}-{windows}"
        put = write_faulted(
            fault,
            self._rows(period),
            folder,
            reference=self._reference,
            ws=self._project.workspace,
            contract=self._project.contract,
            start=period[0],
            end=period[1],
            seed=self._project.params.seed,
            odd=frozenset(alarm.about for alarm in said_of(before)),
        )
        if put is None:
            return None
        look = self._look(folder, period)
        shutil.rmtree(folder)
        new = said_of(look) - said_of(before)
        by = catching.monitors(new)
        causes = {cause.name for cause in look.causes} - {cause.name for cause in before.causes}
        return Caught(
            fault=fault,
            caught=bool(new),
            what=put.what,
            columns=put.columns,
            windows=windows,
            by=by,
            alarms=catching.said(new),
            after_rows=self._rows_until_noticed(new, look, put.since) if new else None,
            told=catching.told(by),
            decision=look.decision.summary,
            causes=tuple(sorted(causes)),
        )

    def _rows_until_noticed(self, new: frozenset[Alarm], look: Look, since: date) -> int:
        """Return how many rows came until the first alarm; of one that only the whole window shows, all of them."""
        seen = noticed(
            new,
            look.profile,
            reference=self._reference,
            ws=self._project.workspace,
            params=self._project.params.drift,
            start=judged_from(self.champion, look.start),
            end=look.end,
        )
        days = [*seen.values(), *([look.harm.noticed] if look.harm.noticed and _is_harm(new) else [])]
        last = min(days, default=look.end - timedelta(days=1))
        return rows_between(self._rows((look.start, look.end)), self._project.contract, since, last)

    def _rows(self, period: Period) -> Path:
        """Return where the rows of a window without a fault lie."""
        return self._folder / "rows" / f"{period[0]}-{period[1]}"

    def _look(self, rows: Path, period: Period) -> Look:
        """Return a look at the rows in a folder, on a copy of the ledger of its own."""
        start, end = period
        contract = self._project.contract
        url = sqlite_files.url_of(self._folder / f"{rows.name}.db")
        settings = self._project.settings.model_copy(update={"ledger_url": url})
        copy = replace(self._project, settings=settings, contract=copied(contract, rows))
        copy_to(self._project.ledger(), copy.ledger())
        due = midnight(end + timedelta(days=contract.label_delay_days), contract.timezone)
        return look_at(copy, start, end, as_of=min(due, self._now), do=Plain())


def _is_harm(new: frozenset[Alarm]) -> bool:
    return any(alarm.monitor == "harm" for alarm in new)
