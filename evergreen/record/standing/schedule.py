"""When something that has a schedule happens next."""

from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError


def next_time(cron: str, timezone: str, *, after: datetime) -> datetime | None:
    """Return the first time after `after` that a schedule names, in its time zone; None of one that names none.

    Examples
    --------
    >>> next_time("0 2 * * *", "Europe/Paris", after=datetime.fromisoformat("2026-11-24T20:00+00:00")).isoformat()
    '2026-11-25T02:00:00+01:00'
    """
    try:
        return next(CronSim(cron, after.astimezone(ZoneInfo(timezone))), None)
    except CronSimError:
        return None
