"""Test rows that the model has seen, or may have seen, stop the evaluation."""

import numpy as np
import pandas as pd
import pytest
import released
import tables

from evergreen.base.errors import IntegrityError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.evaluation import unseen


def refusal(train, test, contract, features):
    with pytest.raises(IntegrityError) as caught:
        unseen.check(train, test, contract, features)
    assert (caught.value.code, caught.value.exit_code) == ("INT015", 7)
    return caught.value.what


def test_later_rows_with_keys_of_their_own_are_unseen():
    rows = released.table(100)
    unseen.check(rows[:80], rows[80:], released.CONTRACT, released.FEATURES)
    assert refusal(rows[:81], rows[80:], released.CONTRACT, released.FEATURES)  # nor may one row be on both sides


def test_train_row_as_late_as_the_first_test_row_is_refused():
    rows = released.table(100)
    rows.loc[79, "handed_in"] = rows.loc[80, "handed_in"]
    assert "train rows last until 2024-03-03" in refusal(rows[:80], rows[80:], released.CONTRACT, released.FEATURES)


def test_key_on_both_sides_is_refused():
    rows = released.table(100)
    rows.loc[90:92, "parcel"] = [3, 4, 4]
    what = refusal(rows[:80], rows[80:], released.CONTRACT, released.FEATURES)
    assert what == "the test rows are not unseen: 2 test rows are train rows too: they have the same key"


def test_repeated_key_that_the_contract_only_warns_of_is_no_leak():
    rows = released.table(100)
    rows.loc[90, "parcel"] = 3
    contract = Contract.model_validate({**released.CONTRACT.model_dump(by_alias=True), "severity": {"DQ006": "warn"}})
    unseen.check(rows[:80], rows[80:], contract, released.FEATURES)
    assert "1 test rows" in refusal(rows[:80], rows[80:], released.CONTRACT, released.FEATURES)


def test_table_without_time_and_key_is_looked_at_row_by_row():
    rows, contract = tables.table("multiclass").drop_duplicates(), tables.contract_of("multiclass")
    rows = rows.drop_duplicates([column.name for column in contract.features])
    unseen.check(rows[:100], rows[100:], contract, tables.FEATURES)
    copied = pd.concat([rows[100:], rows[:3]])
    assert "3 test rows" in refusal(rows[:100], copied, contract, tables.FEATURES)


@pytest.mark.parametrize("n_columns", [3, 70, 400])
def test_rows_of_many_columns_are_the_same_where_all_of_them_are(n_columns):
    rng = np.random.default_rng(n_columns)
    names = [f"g{n}" for n in range(n_columns)]
    rows = pd.DataFrame(rng.normal(size=(60, n_columns)), columns=names).assign(y=np.arange(60) % 2 == 0)
    rows.loc[::3, names[1]] = np.nan
    columns = [*({"name": name, "type": "number", "role": "feature", "nullable": True} for name in names)]
    columns.append({"name": "y", "type": "boolean", "role": "target"})
    about = {"name": "genes", "description": "", "timezone": "UTC", "label_delay_days": 0}
    contract = Contract.model_validate({**about, "source": {"kind": "file", "path": "genes.csv"}, "columns": columns})
    train, test, features = rows[:40], rows[40:], FeatureParams(rare_category=2, test_share=0.3)

    nearly = train[:5].copy()
    nearly[names[-1]] += 1.0
    unseen.check(train, pd.concat([test, nearly]), contract, features)
    again = pd.concat([test, train[:4], train[:2]])
    assert "4 test rows" in refusal(train, again, contract, features)


def test_model_of_another_table_is_refused():
    unseen.check_trained_on("ab" * 32, "ab" * 32, where="model")
    for data in ("cd" * 32, ""):
        with pytest.raises(IntegrityError) as caught:
            unseen.check_trained_on(data, "ab" * 32, where="model")
        assert (caught.value.code, caught.value.exit_code) == ("INT014", 7)
