"""The fire drill: faults in copies of the user's own last windows, and what the looks say of each."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from evergreen.config import consistency
from evergreen.decisions.drill import caught as catching
from evergreen.decisions.drill.calm import Measured
from evergreen.decisions.drill.caught import Caught, Drilled
from evergreen.decisions.drill.faults import FAULTS, FaultName
from evergreen.project import Project
from evergreen.record.looks import known_days
from flows.faulted import Faulted, Period, Plain, said_of
from flows.monitoring import deciding_looks
from flows.scratch import opened_in, scratch_of
from flows.watching import reference_of
from tasks.drilling import calmly

FOLDER = "drill"


def drill(
    project: Project,
    period: Period | None = None,
    *,
    now: datetime | None = None,
    faults: Sequence[FaultName] = tuple(FAULTS),
    tell: Callable[[Caught], None] = lambda _: None,
) -> Drilled:
    """Put each fault into a copy of the last window, look at it as monitoring does, and say what caught it.

    A fault that nothing catches there is put into the last two windows, and then into the last three. A fault is
    caught by what a look says and does not say of the same rows without the fault. Nothing of the state is written.

    Parameters
    ----------
    period : the window; by default the last whole month of which the labels are due and the promise is kept, of the
        last three.
    tell : is given what came of each fault, at once.

    Raises
    ------
    ConfigError if there is no champion, or no window after its data. LostRace if another drill is at work.
    """
    began = time.monotonic()
    consistency.require_time(project.contract)
    project.champion()
    with scratch_of(project, FOLDER) as folder:
        faulted = Faulted(project, folder, now or datetime.now(UTC))
        chosen, skipped = faulted.choose(period)
        found, left_out = [], []
        for fault in faults:
            came = faulted.put(fault, chosen)
            if came is None:
                left_out.append(fault)
                continue
            found.append(came)
            tell(came)
        return Drilled(
            model=project.name,
            version=faulted.champion.version,
            start=chosen[-1][0],
            end=chosen[-1][1],
            caught=sum(one.caught for one in found),
            of=len(found),
            faults=tuple(found),
            left_out=tuple(left_out),
            said_before=catching.said(said_of(faulted.unfaulted(chosen[-1]))),
            skipped=tuple(skipped),
            seconds=round(time.monotonic() - began, 1),
        )


def calm(project: Project) -> tuple[Measured, ...]:
    """Return how often alarms are raised on days of the champion's own history, drawn anew; see `calm.measure`.

    The history is what the champion was made of and judged on, and the days of labels since, while its promise is kept.
    """
    consistency.require_time(project.contract)
    project.champion()
    with scratch_of(project, FOLDER) as folder:
        copy = opened_in(project, folder / "state")
        champion = copy.champion()
        looks = [
            look
            for look in deciding_looks(copy.ledger(), copy.name)
            if look.version == champion.version and look.harm.verdict != "broken"
        ]
        return calmly(
            reference_of(copy, champion, Plain()),
            ws=copy.workspace,
            contract=copy.contract,
            params=copy.params,
            threshold=champion.threshold,
            days=known_days(looks),
        )
