"""What columns tell of each other: the target again, or the time again."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from evergreen.config.contract.columns import Column, Task
from evergreen.data import leakage
from evergreen.proposal.roles import Draft

CLOCK, FEWEST_FOR_CLOCK = 0.95, 50
# Local days are not those of UTC, in which a time may be written, for up to half of the rows.
SAME_PART, BEYOND_CHANCE = 0.5, 0.45


def mark_leakage(drafts: Mapping[str, Draft], rows: pd.DataFrame, target: str, task: Task) -> tuple[str, ...]:
    features = [Column(name=d.name, type=d.guess.type, role="feature") for d in drafts.values() if d.role == "feature"]
    findings = leakage.scan(rows, features, target=target, task=task)
    for finding in findings:
        draft = drafts[finding.column]
        if finding.certain:
            draft.role = "leakage"
            draft.notes.append(f"a consequence of '{target}', not given to a model: {finding.why}")
        else:
            draft.notes.append(f"suspicious: {finding.why}; if it is known only with '{target}', set role: leakage")
    if features and all(drafts[column.name].role == "leakage" for column in features):
        for column in features:
            drafts[column.name].role = "feature"
    return tuple(finding.column for finding in findings if drafts[finding.column].role == "leakage")


def ignore_clocks(drafts: Mapping[str, Draft], rows: pd.DataFrame, time: str, zone: str) -> None:
    """Ignore numbers that only tell the date again, of which a model learns single days, not seasons.

    That is what rises or falls with time: later rows have values that no model has seen. And what is the year, month,
    week or day of `time`: each value was seen on few days, whose weather, sales or strikes it would stand for. A part
    that does not vary in the table tells nothing, and neither does one that is met as often as chance would.
    """
    instants = rows[time]
    local = instants.dt.tz_convert(zone).dt
    parts = {name: getattr(local, name) for name in ("year", "month", "day", "dayofyear", "quarter")}
    parts["week"] = local.isocalendar().week
    for draft in drafts.values():
        if draft.role != "feature" or draft.guess.type not in ("number", "integer"):
            continue
        known = rows[draft.name].notna() & instants.notna()
        values = rows[draft.name][known].astype("float64")
        if len(values) < FEWEST_FOR_CLOCK:
            continue
        part = next((name for name, of in parts.items() if _is_again(values, of[known].astype("float64"))), None)
        if part:
            draft.ignore(f"the {part} of '{time}' again; features.calendar makes parts of the time")
        elif abs(_rank_correlation(values, instants[known])) >= CLOCK:
            draft.ignore(f"goes with '{time}' like a clock: later rows have values that no model has seen")


def _is_again(values: pd.Series, part: pd.Series) -> bool:
    """Return whether values are a part of the time, in half of the rows and beyond chance (Cohen's kappa, 1960)."""
    same = float((values == part).mean())
    if same < SAME_PART or part.nunique() < 2:
        return False
    shares = values.value_counts(normalize=True), part.value_counts(normalize=True)
    chance = float((shares[0] * shares[1]).sum())
    return chance < 1 and (same - chance) / (1 - chance) >= BEYOND_CHANCE


def _rank_correlation(values: pd.Series, times: pd.Series) -> float:
    left, right = values.rank(), times.rank()
    return float(np.corrcoef(left, right)[0, 1]) if left.nunique() > 1 and right.nunique() > 1 else 0.0
