"""A proposed contract, tried before anybody is shown it: on the rows that were profiled, as a run judges them."""

from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from evergreen.base.errors import ConfigError, DataError
from evergreen.config.contract.contract import Contract
from evergreen.data.typed.schema import conform
from evergreen.data.validation.results import RuleResult
from evergreen.data.validation.rules import row_rules
from evergreen.data.validation.stream import Pass
from evergreen.proposal.profile import TableProfile
from evergreen.proposal.propose import Proposal

# Of what the parameters let go to quarantine; the rest is for what the next file brings.
MOST_USED = 0.9
ASKED = {"target": "--target", "time": "--time", "key": "--key"}


@dataclass(frozen=True)
class Tried:
    """What became of rows under a contract: how many there were, how many it sets aside, and the rules they break."""

    rows: int
    bad: int
    broken: tuple[RuleResult, ...]

    @property
    def worst(self) -> str:
        """The column that most rows are set aside for."""
        by_column: dict[str, int] = {}
        for rule in self.broken:
            by_column[rule.column] = by_column.get(rule.column, 0) + rule.n_bad
        return max(by_column, key=lambda name: by_column[name])


def proven(proposal: Proposal, table: TableProfile, *, today: date) -> Proposal:
    """Return a proposal that its own rows keep: without the columns for which too many of them would be set aside.

    What few rows break is noted, so that nobody meets it first in a run.

    Raises
    ------
    DataError (DQ008) if too many rows would be set aside for the target, the time or the key, or because a key repeats.
    ConfigError (CFG026) if no feature is left.
    """
    _require_key(proposal, table)
    rows, most = table.sample(), MOST_USED * proposal.params.validate_.max_bad_share
    while (tried := judged(proposal.contract, rows, today=today)).bad > most * tried.rows:
        proposal = _without(proposal, tried.worst, tried)
    notes = dict(proposal.notes)
    for rule in tried.broken:
        if not any("quarantine" in note for note in notes.get(rule.column, ())):
            notes[rule.column] = (*notes.get(rule.column, ()), f"{_said(rule)}: they go to quarantine")
    return replace(proposal, notes=notes)


def judged(contract: Contract, rows: pa.Table, *, today: date) -> Tried:
    """Return what becomes of rows as they were read, by the rules on rows, as in a run."""
    judge = Pass(contract.stored, row_rules(contract, today=today))
    for batch in rows.combine_chunks().to_batches():
        judge.take("", conform(batch, contract.stored, zone=contract.timezone, missing=contract.missing))
    found = judge.validation(judge.results())
    broken = tuple(rule for rule in found.rules if rule.n_bad and rule.severity == "fail")
    return Tried(found.rows, found.quarantined, broken)


def _require_key(proposal: Proposal, table: TableProfile) -> None:
    repeated = table.keys.repeated_share if table.key else 0.0
    if repeated > MOST_USED * proposal.params.validate_.max_bad_share:
        raise DataError(
            "DQ008",
            f"key {', '.join(table.key)} repeats in {repeated:.1%} of the rows, and every copy would be set aside",
            where="--key",
            next_step="Name more columns with --key, which together are different in every row, or leave it out.",
        )


def _without(proposal: Proposal, name: str, tried: Tried) -> Proposal:
    contract = proposal.contract
    column = next((column for column in contract.columns if column.name == name), None)
    said = "; ".join(_said(rule) for rule in tried.broken if rule.column == name)
    if column is None or column.role in ASKED or name in contract.key:
        option = ASKED.get(column.role if column else "key", "--key")
        raise DataError(
            "DQ008",
            f"what would be declared of '{name}' does not hold: {said}",
            where=option,
            next_step=f"Correct these values at the source, or name another column with {option}.",
        )
    left = tuple(column for column in contract.columns if column.name != name)
    if not any(column.role == "feature" for column in left):
        raise ConfigError(
            "CFG026",
            f"no column is left that a model could use: {name}: {said}",
            where=contract.name,
            next_step="Correct these values at the source, or write the contract by hand.",
        )
    parts = {field: getattr(contract, field) for field in Contract.model_fields}
    notes = {about: texts for about, texts in proposal.notes.items() if about != name}
    notes[""] = (*notes.get("", ()), f"column '{name}' is left out: {said}")
    return replace(
        proposal,
        contract=Contract(**{**parts, "columns": left}),
        notes=notes,
        leakage=tuple(one for one in proposal.leakage if one != name),
        pii=tuple(one for one in proposal.pii if one != name),
        left_out={**proposal.left_out, name: said},
    )


def _said(rule: RuleResult) -> str:
    shown = ", ".join(repr(example.value) for example in rule.samples[:3])
    return f"{rule.n_bad:,} of {rule.rows:,} rows looked at are not {rule.rule} ({shown})"
