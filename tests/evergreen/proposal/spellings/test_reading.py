"""A table with columns of unusual spelling is read again, and holds what they stand for."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest
from proposals import as_text, column, frame, proposed

from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import MISSING, Column
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.schema import conform
from evergreen.proposal.propose import Proposal
from evergreen.proposal.spellings import reading

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Counted:
    """Batches of a table, and how often it was read from its beginning."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.table, self.passes = as_text(rows), 0

    def __call__(self) -> Iterator[pa.RecordBatch]:
        self.passes += 1
        return iter(self.table.to_batches(max_chunksize=150))


def euros(n: int = 600) -> list[str]:
    return [f"{(n % 97) * 13.7:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".") + " €" for n in range(n)]


def test_a_usual_table_is_read_once_and_an_unusual_one_twice():
    usual, unusual = Counted(frame()), Counted(frame(price=euros()))
    for batches in (usual, unusual):
        reading.read(batches, now=NOW, missing=MISSING)
    assert (usual.passes, unusual.passes) == (1, 2)


def test_what_texts_stand_for_is_profiled_and_the_drawn_rows_stay_as_they_came():
    table = reading.read(Counted(frame(price=euros())), now=NOW, missing=MISSING)
    price = table.columns["price"]
    assert price.numbers == price.present == 600
    assert price.range.high == pytest.approx(96 * 13.7)
    assert table.sample()["price"].to_pylist()[1].endswith("€")


def check_is_read(proposal: Proposal, rows: pd.DataFrame) -> None:
    """Every row goes through the contract as the file has it."""
    typed = conform(as_text(rows).combine_chunks().to_batches()[0], proposal.contract.columns, zone="UTC")
    assert typed["_unreadable"].null_count == len(rows)
    for declared in proposal.contract.columns:
        values = typed[declared.name]
        assert declared.nullable or values.null_count == 0
        if declared.min is not None:
            assert all(declared.min <= value <= declared.max for value in values.drop_null().to_pylist())


def test_rows_pass_the_contract_that_is_proposed_of_them():
    hours = pd.date_range("2021-01-01", periods=600, freq="h")
    rows = frame(
        Date=hours.strftime("%d/%m/%Y"),
        Time=hours.strftime("%H.%M.%S"),
        price=euros(),
        share=[f"{n % 50},{n % 7} %" for n in range(600)],
        level=["-" if n % 9 == 0 else f"{n % 11}.5" for n in range(600)],
        blank=["   " if n % 5 == 0 else f"{n % 31}" for n in range(600)],
        rh=["+", "-"] * 300,
        loss=[f"({n})" if n % 2 else f"{n}" for n in range(600)],
    )
    proposal = proposed(rows, target="target")
    check_is_read(proposal, rows)
    assert proposal.contract.missing == MISSING
    assert column(proposal, "share").unit == "%"
    assert column(proposal, "rh").categories == ("+", "-")
    assert column(proposal, "loss").type == "integer"


def test_a_target_of_percentages_is_a_number():
    rows = frame(rate=[f"{n % 83 / 7:.1f}%" for n in range(600)])
    proposal = proposed(rows, target="rate")
    assert proposal.contract.task == "regression"
    check_is_read(proposal, rows)


def test_a_target_of_few_whole_amounts_is_a_number():
    rows = frame(price=[f"${n % 4 + 1}" for n in range(600)])
    assert proposed(rows, target="price").contract.task == "regression"
    classes = proposed(rows, target="price", task="multiclass")
    assert column(classes, "price").categories == ("$1", "$2", "$3", "$4")
    check_is_read(classes, rows)


def test_a_target_that_cannot_be_read_says_why_and_what_to_do():
    rows = frame(amount=[f"{n % 400 + 1},{n % 899 + 100}" for n in range(600)])
    with pytest.raises(ConfigError, match="no value tells whether") as caught:
        proposed(rows, target="amount")
    assert "--decimal" in caught.value.next_step
    mixed = frame(amount=[f"{n % 400} {'kg' if n % 2 else 'lb'}" for n in range(600)])
    with pytest.raises(ConfigError, match="'lb', 'kg'"):
        proposed(mixed, target="amount")


def test_a_spelling_that_only_the_first_rows_have_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading.columns, "LOOKED_AT", 1_200)
    texts = [f"{n / 7:.2f}".replace(".", ",") for n in range(1_200)] + [f"{n}:{n}" for n in range(400)]
    table = reading.read(Counted(frame(1_600, x2=texts)), now=NOW, missing=MISSING)
    seen = table.columns["x2"]
    assert seen.present == 1_600
    assert seen.numbers == 0
    assert seen.told is not None
    assert seen.told.type is None


def test_a_declared_column_is_read_as_its_contract_says():
    rows = frame(amount=["1,234", "2,345", "12,123"] * 200, day=["20240102"] * 600, hour=["7"] * 600)
    declared = [
        Column(name="amount", type="number", role="feature", spelling=NumberSpelling(decimal=","), missing=("2,345",)),
        Column(name="day", type="timestamp", role="ignore", spelling="%Y%m%d"),
        Column(name="hour", type="integer", role="feature"),
        Column(name="at", type="timestamp", role="time", parts=("day", "hour")),
    ]
    table = reading.read(Counted(rows), now=NOW, missing=MISSING, declared=declared)
    assert table.columns["amount"].range.high == 12.123
    assert table.columns["amount"].nulls == 200
    assert table.columns["at"].times == 600


def test_the_sign_of_decimals_can_be_said():
    rows = Counted(frame(amount=["1,234", "2,345", "12,123"] * 200))
    for decimal, high in ((",", 12.123), (".", 12_123.0), (None, -float("inf"))):
        table = reading.read(rows, now=NOW, missing=MISSING, decimal=decimal)
        assert table.columns["amount"].range.high == high


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_of_any_type_are_told_alike(kind: pa.DataType):
    texts = pa.array([f"{n / 7:.2f}".replace(".", ",") for n in range(1_500)])
    came = texts.dictionary_encode() if pa.types.is_dictionary(kind) else texts.cast(kind)
    table = reading.read(lambda: pa.table({"x": came}).to_batches(max_chunksize=400), now=NOW, missing=MISSING)
    assert table.columns["x"].range.high == pytest.approx(1_499 / 7, abs=0.01)


def test_columns_that_are_not_used_are_not_told():
    texts = [f"{n / 7:.2f}".replace(".", ",") for n in range(600)]
    table = reading.read(Counted(frame(**{"": texts, "_x": texts})), now=NOW, missing=MISSING)
    assert (table.columns[""].told, table.columns["_x"].told) == (None, None)


def test_a_time_that_is_asked_for_and_cannot_be_read_says_why():
    rows = frame(when=[f"{n % 12 + 1:02}/{n % 11 + 1:02}/2024" for n in range(600)])
    with pytest.raises(ConfigError, match="day first from month first"):
        proposed(rows, target="target", time="when")
