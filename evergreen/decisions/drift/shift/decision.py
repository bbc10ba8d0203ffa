"""Whether a window's rows look like the reference's: a verdict per column, then one for the table."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from evergreen.decisions.drift.profile.profile import ESTIMATE, LABEL, Profile
from evergreen.decisions.drift.shift.columns import judge, scarcity, trouble
from evergreen.decisions.drift.shift.comparison import compare, corrected_p
from evergreen.decisions.drift.shift.verdict import ColumnShift, ColumnVerdict, Shift, ShiftVerdict

PREDICTIONS = (ESTIMATE, LABEL)
ORDER: tuple[ColumnVerdict, ...] = ("shifted", "unknown", "not enough data", "steady")
LOOKS = 3


@dataclass(frozen=True)
class _Limits:
    alpha: float
    leave: float
    min_blocks: int
    min_rows: int


def decide(
    reference: Profile,
    window: Profile,
    *,
    alpha: float = 0.01,
    leave: float = 0.1,
    min_blocks: int = 4,
    min_rows: int = 30,
    importances: Mapping[str, float] | None = None,
    earlier: Sequence[Shift] = (),
) -> Shift:
    """Return which columns of `window` no longer look like `reference`, and the table's verdict.

    A column enters `shifted` when its p, corrected over the columns, is below `alpha`, and leaves it when that is above
    `leave`. The table is shifted when a feature is; else unknown when one is, or without enough data when one is; and
    steady when all are. What the model said is judged beside it, as a family of its own.

    Parameters
    ----------
    reference, window : on the same cells; a column of the reference that the window has not is unknown.
    alpha : of unchanged windows, the share that may be shifted; what it really is stands in
        docs/reference/signals-shift.md.
    min_blocks : days with rows that a window needs; the reference needs twice as many.
    min_rows : that either needs, and values of a column.
    importances : of features for the model, on any scale; below 0 and absent ones count as 0. Without, all count alike.
    earlier : looks at the windows before, the latest last.
    """
    limits = _Limits(alpha, leave, max(min_blocks, 2), min_rows)
    verdict, why = _before_any_column(reference, window, limits)
    names = [[name for name in reference.bins if (name in PREDICTIONS) is said] for said in (False, True)]
    if verdict is None:
        was = _were_shifted(earlier)
        columns, predictions = (
            _family(reference, window, family, limits=limits, importances=importances, was=was) for family in names
        )
        verdict, why = _of_table(columns)
    else:
        each: ColumnVerdict = "not enough data" if verdict == "not enough data" else "unknown"
        columns, predictions = (
            tuple(ColumnShift(name=name, verdict=each, evidence=why) for name in family) for family in names
        )
    return Shift(
        verdict=verdict,
        evidence=f"{verdict}: {why}",
        persistent=_persists(columns, earlier),
        n_reference=reference.n_rows,
        n_window=window.n_rows,
        blocks_reference=_blocks(reference),
        blocks_window=_blocks(window),
        alpha=alpha,
        columns=columns,
        predictions=predictions,
    )


def _before_any_column(reference: Profile, window: Profile, limits: _Limits) -> tuple[ShiftVerdict | None, str]:
    if not window.n_rows:
        if window.undated:
            return "unknown", f"none of {window.undated} rows says when it was"
        return "no traffic", "the window has no rows"
    sides = ("window", window, limits.min_blocks), ("reference", reference, 2 * limits.min_blocks)
    for side, profile, least in sides:
        if (days := _blocks(profile)) < least:
            return "not enough data", f"{days} days with rows in the {side}, at least {least} are needed"
        if profile.n_rows < limits.min_rows:
            return "not enough data", f"{profile.n_rows} rows in the {side}, at least {limits.min_rows} are needed"
    return None, ""


def _family(
    reference: Profile,
    window: Profile,
    names: Sequence[str],
    *,
    limits: _Limits,
    importances: Mapping[str, float] | None,
    was: Set[str],
) -> tuple[ColumnShift, ...]:
    troubles = {name: trouble(reference, window, name) for name in names}
    compared = compare(reference, window, [name for name in names if not troubles[name]])
    corrected = corrected_p(compared)
    columns = [
        judge(
            name,
            reference.bins[name],
            (reference.total(name), window.total(name)),
            column,
            corrected[name],
            limit=limits.leave if name in was else limits.alpha,
            importance=importances.get(name, 0.0) if importances else 1.0,
            scarce=scarcity(reference, window, name, min_blocks=limits.min_blocks, min_rows=limits.min_rows),
        )
        for name, column in compared.items()
    ]
    columns += [ColumnShift(name=name, verdict="unknown", evidence=why) for name, why in troubles.items() if why]
    return tuple(sorted(columns, key=lambda column: (ORDER.index(column.verdict), -(column.effect or 0.0))))


def _of_table(columns: Sequence[ColumnShift]) -> tuple[ShiftVerdict, str]:
    named: dict[ColumnVerdict, list[str]] = {kind: [c.name for c in columns if c.verdict == kind] for kind in ORDER}
    verdict: ShiftVerdict = next((kind for kind in ORDER if named[kind]), "unknown")
    listed = "".join(f"; {kind}: {', '.join(named[kind])}" for kind in ORDER[:-1] if named[kind])
    return verdict, f"{len(named['shifted'])} of {len(columns)} columns shifted{listed}"


def _persists(columns: Sequence[ColumnShift], earlier: Sequence[Shift]) -> bool:
    """Return whether a column that is shifted now was so at one of the looks before, of the last three."""
    before = {name for look in earlier[1 - LOOKS :] for name in look.named("shifted")}
    return any(column.verdict == "shifted" and column.name in before for column in columns)


def _were_shifted(earlier: Sequence[Shift]) -> set[str]:
    """Return the columns that were shifted when they were last judged."""
    last: dict[str, ColumnVerdict] = {}
    for look in earlier:
        for column in (*look.columns, *look.predictions):
            if column.verdict in ("shifted", "steady"):
                last[column.name] = column.verdict
    return {name for name, verdict in last.items() if verdict == "shifted"}


def _blocks(profile: Profile) -> int:
    return int((profile.rows > 0).sum())
