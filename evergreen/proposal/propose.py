"""A contract and parameters for a table that nobody here has seen, from its profile."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa

from evergreen.base.errors import ConfigError, DataError
from evergreen.config.contract.columns import TASKS, Column, Task
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.data.typed.schema import conform, to_pandas
from evergreen.learning import features
from evergreen.proposal import bounds, classes, groups, order, personal, rates, relations, roles, sizing
from evergreen.proposal.inference import guess, guess_target, physical, snake
from evergreen.proposal.left_out import require_declared, why_left_out
from evergreen.proposal.profile import TableProfile
from evergreen.proposal.roles import Ask, Draft

SEEDS = 20


@dataclass(frozen=True)
class Proposal:
    """A contract and parameters that work as they are, and what to look at in them.

    `notes`: by column, those under the empty name are about the table. `gate`: how often the proposed gate will be
    wrong, or undecided. `left_out`: the columns of the source that are not in the contract, and why.
    """

    contract: Contract
    params: Params
    notes: Mapping[str, tuple[str, ...]]
    gate: tuple[str, ...]
    leakage: tuple[str, ...]
    pii: tuple[str, ...]
    left_out: Mapping[str, str]

    @property
    def review(self) -> tuple[str, ...]:
        """All notes as sentences, the table's first."""
        return tuple(f"{name}: {note}" if name else note for name, notes in self.notes.items() for note in notes)


def propose(table: TableProfile, ask: Ask) -> Proposal:
    """Return what to declare of a table and how to learn from it.

    Raises
    ------
    ConfigError: a named column does not exist (CFG025), cannot have its part (CFG024), or no feature is left (CFG026).
    DataError: no rows (DQ007), or a target that nothing can be learnt of (DQ009).
    """
    if table.rows == 0:
        what = f"none of its {table.unreadable:,} rows can be read" if table.unreadable else "the table is empty"
        raise DataError("DQ007", what, where=ask.name, next_step="Put rows into it that fit the header.")
    require_columns(table, ask)
    about: list[str] = []
    drafts = {name: Draft(seen, guess(seen)) for name, seen in table.columns.items()}
    left_out = why_left_out(table)
    for name, why in left_out.items():
        about.append(f"column '{name}' is left out: {why}")
        drafts.pop(name, None)
    for draft in drafts.values():
        draft.notes.extend(draft.guess.notes)
    sample = table.sample()
    target = drafts[ask.target]
    if ask.task in ("binary", "multiclass") and target.seen.as_came is not None:  # its classes are the texts
        target.seen = target.seen.as_came
        target.guess = guess(target.seen)
    task, guessed = guess_target(target.seen, target.guess, ask.task)
    target.role, target.guess, target.notes = "target", guessed, list(guessed.notes)

    zone = roles.choose_time(drafts, ask, about)
    roles.mark_keys(drafts, table, ask, about)
    personal.mark_personal(drafts, sample)
    groups.mark_groups(drafts, key=ask.key, has_time=any(draft.role == "time" for draft in drafts.values()))
    for draft in drafts.values():
        if draft.role == "feature":
            roles.ignore_what_models_cannot_use(draft)
    roles.spare_rows(drafts, table.rows, about)

    rows = _typed(sample, drafts, zone, ask.missing)
    time = next((draft.name for draft in drafts.values() if draft.role == "time"), None)
    if time:
        relations.ignore_clocks(drafts, rows, time, zone)
    leaks = relations.mark_leakage(drafts, rows, ask.target, task)
    if not any(draft.role == "feature" for draft in drafts.values()):
        raise ConfigError(
            "CFG026",
            "no column is left that a model could use: " + "; ".join(f"{d.name} ({d.role})" for d in drafts.values()),
            where=ask.name,
            next_step="Check the file's delimiter, and that a column beside the target holds more than one value.",
        )
    shape = _shape(rows, drafts, task=task, target=ask.target, time=time, zone=zone)
    contract = _contract(drafts, table, ask, zone=zone, time=time, days=shape.days)
    params = _with_seed_that_splits(sizing.params_for(shape, dataset=ask.name), contract, rows)
    params = groups.folds_that_part(params, contract, rows[rows[ask.target].notna()])
    if time:
        about.append(f"label_delay_days is 0: if '{ask.target}' becomes known days after '{time}', say so")
    else:
        about.append("no time column: the gate's rows are drawn from all rows, and monitoring by month is not possible")
        about.extend(order.notes(drafts, sample))
    target.notes.extend(classes.imbalance(shape.classes, task))
    rare = [value for value, n in shape.classes.items() if n < 3 * sizing.FEWEST_TEST_ROWS]
    if rare:
        about.append(f"few rows of a class of '{ask.target}': {', '.join(rare[:3])}; the gate may see none of it")
    notes = {"": tuple(about), **{draft.name: tuple(draft.notes) for draft in drafts.values()}}
    return Proposal(
        contract=contract,
        params=params,
        notes={name: texts for name, texts in notes.items() if texts},
        gate=rates.rates(shape, params.gate, now=ask.now),
        leakage=leaks,
        pii=tuple(draft.name for draft in drafts.values() if draft.pii),
        left_out=left_out,
    )


def require_columns(table: TableProfile, ask: Ask) -> None:
    """Raise ConfigError unless the table has the columns that were named, each with one part to play."""
    named = [("--target", ask.target), ("--time", ask.time), *(("--key", name) for name in ask.key)]
    left_out = why_left_out(table)
    for option, name in named:
        require_declared(name, option, left_out)
        if name is not None and name not in table.columns:
            known = list(table.columns)
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5) or [
                column for column in known if snake(column) == snake(name)
            ]
            raise ConfigError(
                "CFG025",
                f"no column '{name}'",
                where=option,
                next_step=f"Did you mean '{close[0]}'?" if close else f"The table has: {', '.join(known)}.",
            )
    if ask.target == ask.time or ask.target in ask.key:
        raise ConfigError(
            "CFG025",
            f"'{ask.target}' is the target, and cannot be time or key as well",
            where="--target",
            next_step="Name different columns.",
        )


def _typed(sample: pa.Table, drafts: Mapping[str, Draft], zone: str, missing: Sequence[str]) -> pd.DataFrame:
    """Return the drawn rows with the types that they will have."""
    used = [draft for draft in drafts.values() if draft.role in ("feature", "target", "time", "key", "group")]
    parts = {name for draft in used for name in draft.guess.parts} - {draft.name for draft in used}
    columns = [
        Column(
            name=d.name, type=d.guess.type, role=d.role, spelling=d.guess.spelling, missing=d.guess.missing,
            parts=d.guess.parts,
        )
        for d in (*used, *(drafts[name] for name in parts))
    ]  # fmt: skip
    came = [column.name for column in columns if not column.parts]
    batches = sample.select(came).combine_chunks().to_batches()
    typed = [conform(batch, columns, zone=zone, missing=missing) for batch in batches]
    return to_pandas(pa.Table.from_batches(typed))


def _shape(
    rows: pd.DataFrame, drafts: Mapping[str, Draft], *, task: Task, target: str, time: str | None,
    zone: str,
) -> sizing.Shape:  # fmt: skip
    known = rows[rows[target].notna()]
    n = drafts[target].seen.present
    counts = known[target].astype("str").value_counts() if task != "regression" else pd.Series(dtype=int)
    factor = n / max(len(known), 1)
    shape = sizing.Shape(
        task=task,
        rows=n,
        features=sum(draft.role == "feature" for draft in drafts.values()),
        classes={str(value): round(count * factor) for value, count in counts.items()},
    )
    known = known[known[time].notna()] if time else known
    group = next((draft for draft in drafts.values() if draft.role == "group"), None)
    if not time or known.empty:
        return replace(shape, groups=max(round(shape.test_share * group.seen.distinct.n), 1)) if group else shape
    last = sizing.days_for_test(known[time], known[target], task=task, zone=zone)
    local = known[time].dt.tz_convert(zone)
    return replace(
        shape,
        days=roles.days(drafts[time].seen),
        test_days=last.days,
        days_with_rows=last.with_rows,
        test_rows=round(last.share * n),
        has_hours=local.dt.hour.nunique() > 1,
        groups=int(known[group.name][_is_late(local, last.days)].nunique()) if group else 0,
    )


def _is_late(local: pd.Series, days: int) -> pd.Series:
    """Return which of local times lie in the last days."""
    of_day = local.dt.tz_localize(None).dt.normalize()
    late: pd.Series = of_day > of_day.max() - pd.Timedelta(days=days)
    return late


def _with_seed_that_splits(params: Params, contract: Contract, rows: pd.DataFrame) -> Params:
    """Return the parameters with the first seed that gives the gate rows of every class: rare ones can miss it."""
    if contract.time is not None:
        return params
    known = rows[rows[contract.target].notna()]
    for seed in range(params.seed, params.seed + SEEDS):
        try:
            features.require_sides(known, contract, params.features, seed=seed)
        except DataError:
            continue
        return params.model_copy(update={"seed": seed})
    return params


def _contract(
    drafts: Mapping[str, Draft], table: TableProfile, ask: Ask, *, zone: str, time: str | None, days: int
) -> Contract:
    columns = [
        bounds.column_of(
            draft.seen,
            guessed=draft.guess,
            role=draft.role,
            pii=draft.pii,
            physical=physical(draft.seen, is_typed=ask.is_typed),
        )
        for draft in drafts.values()
    ]
    key = ask.key or tuple(draft.name for draft in drafts.values() if draft.role == "key")
    past = time is not None and drafts[time].seen.instants.high / 1e6 <= ask.now.timestamp()
    table_rules: dict[str, Any] = {"future_days": 1.0} if past else {}
    # A window of a table with time is about a month of it.
    least = table.rows // (2 * max(1, round(days / 30))) if time else table.rows // 2
    target = drafts[ask.target]
    n_columns = sum(not (seen.told and seen.told.parts) for seen in table.columns.values())
    return Contract(
        name=ask.name,
        description=f"{table.rows:,} rows of {n_columns} columns, predicting {ask.target} "
        f"({TASKS[target.guess.type]}). Proposed from the data; say here what one row is.",
        source=ask.source,
        timezone=zone,
        missing=ask.missing,
        key=key,
        label_delay_days=0,
        rows=(max(1, least), None),
        columns=tuple(columns),
        **table_rules,
    )
