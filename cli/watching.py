"""Windows and times of `evergreen monitor`, as people write them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cli.predictions import instant
from evergreen.base import months
from evergreen.base.errors import ConfigError
from evergreen.config.contract.contract import Contract


def period(text: str) -> tuple[date, date]:
    """Return the first day of a window and the day after its last; raises ConfigError, saying how to write one."""
    try:
        return months.period(text)
    except ValueError as error:
        days = ".." in text
        raise ConfigError(
            "CFG015",
            f"expected {'days such as 2013-03-01..2013-03-15' if days else 'a month such as 2013-03'}, got '{text}'",
            where="command line",
            next_step="Write it as FROM..TO, without the day TO." if days else "Write it as YYYY-MM.",
        ) from error


def time(text: str | None) -> datetime:
    """Return a time as of which to look, in UTC; now without one. Raises ConfigError if it is none, or yet to come."""
    now = datetime.now(UTC)
    at = instant(text) or now
    if at > now:
        raise ConfigError(
            "MON003", f"{at:%Y-%m-%d %H:%M} UTC is yet to come", where="--as-of", next_step="Leave it out to look now."
        )
    return at


def last_month(contract: Contract, as_of: datetime) -> tuple[date, date]:
    """Return the last whole month before a time, in the contract's time zone."""
    first = as_of.astimezone(ZoneInfo(contract.timezone)).date().replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), first
