"""A proposed contract is tried on the rows that it was made of."""

from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest
from proposals import NOW, SOURCE, as_text, frame

from evergreen.base.errors import ConfigError, DataError
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.proposal import trial
from evergreen.proposal.profile import TableProfile, profile
from evergreen.proposal.propose import Proposal, propose
from evergreen.proposal.roles import Ask

TODAY = NOW.date()


def made(rows: pd.DataFrame, *, key: tuple[str, ...] = ()) -> tuple[TableProfile, Proposal]:
    table = profile(as_text(rows).to_batches(max_chunksize=100), key=key)
    return table, propose(table, Ask(target="target", name="rows", source=SOURCE, now=NOW, key=key))


def with_column(proposal: Proposal, **changed: object) -> Proposal:
    """Return a proposal that declares something else of one column than its data say."""
    parts = {name: getattr(proposal.contract, name) for name in Contract.model_fields}
    columns = [
        Column(**{**{name: getattr(column, name) for name in Column.model_fields}, **changed})
        if column.name == changed["name"]
        else column
        for column in proposal.contract.columns
    ]
    return replace(proposal, contract=Contract(**{**parts, "columns": tuple(columns)}))


def test_proposal_that_its_rows_keep_stays_as_it_is() -> None:
    table, proposal = made(frame(word=["a", "b", "c"] * 200))
    assert trial.proven(proposal, table, today=TODAY) == proposal


def test_column_whose_values_do_not_keep_what_was_proposed_is_left_out_with_the_reason() -> None:
    table, proposal = made(frame(word=["a", "b", "c"] * 200))
    wrong = with_column(proposal, name="word", type="number", categories=None, open=False)

    proven = trial.proven(wrong, table, today=TODAY)

    assert [column.name for column in proven.contract.columns] == ["x", "target"]
    assert proven.left_out == {"word": "600 of 600 rows looked at are not of type number ('a', 'b', 'c')"}
    assert any(note.startswith("column 'word' is left out: 600 of 600") for note in proven.review)
    assert proven.params == wrong.params


def test_bound_that_few_rows_break_is_noted_and_kept() -> None:
    table, proposal = made(frame(size=[5.0] * 597 + [99.0] * 3))
    wrong = with_column(proposal, name="size", role="feature", type="number", max=10.0, nullable=True)

    proven = trial.proven(wrong, table, today=TODAY)

    assert "size" in [column.name for column in proven.contract.columns]
    assert any("3 of 600 rows looked at are not" in note for note in proven.notes["size"])


@pytest.mark.parametrize("changed", [{"name": "target", "type": "number", "spelling": None}])
def test_target_that_does_not_hold_is_refused_with_its_values(changed: dict[str, object]) -> None:
    table, proposal = made(frame())
    wrong = with_column(proposal, **changed)
    with pytest.raises(
        DataError, match="DQ008: what would be declared of 'target' does not hold: 600 of 600"
    ) as caught:
        trial.proven(wrong, table, today=TODAY)
    assert caught.value.where == "--target"


def test_table_whose_last_feature_is_left_out_is_refused() -> None:
    table, proposal = made(frame())
    with pytest.raises(ConfigError, match="CFG026"):
        trial.proven(with_column(proposal, name="x", max=-1.0, min=-2.0, mean=None), table, today=TODAY)


def test_key_that_repeats_in_more_rows_than_may_be_set_aside_is_refused() -> None:
    table, proposal = made(frame(shop=[k // 10 for k in range(600)]), key=("shop",))
    with pytest.raises(DataError, match=r"DQ008: key shop repeats in 100\.0% of the rows") as caught:
        trial.proven(proposal, table, today=TODAY)
    assert caught.value.where == "--key"


def test_rows_are_judged_as_a_run_judges_them() -> None:
    _, proposal = made(frame(size=[str(k % 50) for k in range(600)]))
    rows = pa.table({"x": ["1", None, "nan?"], "size": ["1", "2", "10000"], "target": ["yes", "no", "no"]})
    tried = trial.judged(proposal.contract, rows, today=TODAY)
    assert (tried.rows, tried.bad) == (3, 2)
    assert {(rule.code, rule.column) for rule in tried.broken} == {("DQ003", "x"), ("DQ002", "x")}
    assert tried.worst == "x"
