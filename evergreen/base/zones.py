"""Names of time zones."""

import difflib
from zoneinfo import ZoneInfo, available_timezones


def known(name: str) -> str:
    """Return the name of a time zone that there is.

    Raises
    ------
    ValueError if there is none of that name; it says which one is meant, if one is like it.

    Examples
    --------
    >>> known("Europe/Paris")
    'Europe/Paris'
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        close = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean '{close[0]}'" if close else "write one such as Europe/Paris"
        raise ValueError(f"no time zone '{name}'; {hint}") from error
    return name
