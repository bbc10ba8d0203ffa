"""Columns of a source that its contract does not name, and why."""

from collections.abc import Mapping

from evergreen.base.errors import ConfigError
from evergreen.data.typed.encoded import is_bytes
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.profile import TableProfile

# As of the values of another type: more are no column of what is proposed.
MOST_ILLEGIBLE = 0.05


def why_left_out(table: TableProfile) -> dict[str, str]:
    """Return why columns cannot be declared, by name: those that no reader gives, and those that no type holds."""
    found = {name: f"nested ({kind}), which is not read" for name, kind in table.unread.items()}
    for name, seen in table.columns.items():
        if not name or name.startswith("_"):
            found[name] = "names that begin with an underscore, or have no letter, are not used"
        elif seen.illegible > MOST_ILLEGIBLE * seen.rows:
            found[name] = _why_illegible(seen)
    return found


def _why_illegible(seen: ColumnProfile) -> str:
    if seen.physical is None:
        return f"{seen.illegible:,} of {seen.rows:,} values hold a NUL byte, which no text has"
    if is_bytes(seen.physical):
        return f"bytes ({seen.physical}) that are no text in UTF-8; write them as text at the source"
    return f"of type {seen.physical}, which is not read; write it as numbers or text at the source"


def require_declared(name: str | None, option: str, why: Mapping[str, str]) -> None:
    """Raise ConfigError (CFG024) if a column that was named is left out."""
    if name is not None and name in why:
        raise ConfigError(
            "CFG024",
            f"column '{name}' cannot be used: {why[name]}",
            where=option,
            next_step="Name another column, or rewrite or rename this one at the source.",
        )
