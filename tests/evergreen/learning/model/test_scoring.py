"""Batch scoring: one answer a row, in order, the same wherever the row is scored; bad rows get their codes instead."""

import gzip
import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import released

from evergreen.base.errors import DataError
from evergreen.data.ingest import rows as ingested
from evergreen.data.ingest.items import item_of
from evergreen.data.typed.schema import to_pandas
from evergreen.learning.model.release import load_release
from evergreen.learning.model.scoring import score, score_file


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    released.bundle(folder)
    return load_release(folder)[1]


@pytest.fixture
def rows():
    return released.table(40, seed=8)


def scored(rows, model, threshold=0.5):
    return score(rows, model, version=3, threshold=threshold)


def scored_file(rows, model):
    return score_file(rows, model, version=3, threshold=0.5)


def read(path, contract):
    """Return the rows of a file as they came, as one table."""
    item = item_of(path, name=str(path))
    found = ingested.read(item)
    batches, names = list(found.batches), [column.name for column in contract.request_columns]
    if item.format != "parquet":
        batches = [ingested.without_missing(batch, names, contract.missing) for batch in batches]
    return to_pandas(pa.Table.from_batches(batches).select(found.schema.names))


def inputs(rows):
    """Return the model's inputs by hand: local hour and weekday in Paris, which is an hour ahead in March."""
    local = rows["handed_in"].dt.tz_localize(None) + pd.Timedelta(hours=1)
    return rows.assign(
        handed_in_hour=local.dt.hour + local.dt.minute / 60,
        handed_in_weekday=local.dt.weekday.astype("float64"),
        stops=rows["stops"].astype("float64"),
        insured=rows["insured"].astype("float64"),
    )


def test_every_row_gets_the_models_probability_and_the_label_of_the_threshold(rows, model):
    found = scored(rows, model)

    expected = released.fitted("gradient_boosting", max_iter=20, min_samples_leaf=10).predict_proba(inputs(rows))[:, 1]
    np.testing.assert_array_equal(found["probability"], expected)
    assert found["label"].tolist() == [probability >= 0.5 for probability in expected]
    assert (found["version"] == 3).all()
    at = float(expected[7])
    assert scored(rows, model, threshold=at)["label"][7]
    assert not scored(rows, model, threshold=np.nextafter(at, 1))["label"][7]


def test_order_and_index_of_the_rows_are_kept(rows, model):
    shuffled = rows.sample(frac=1, random_state=3)

    found = scored(shuffled, model)

    assert found.index.tolist() == shuffled.index.tolist()
    pd.testing.assert_frame_equal(found.sort_index(), scored(rows, model))


def test_equal_rows_have_equal_ids_in_any_batch(rows, model):
    whole = scored(rows, model)["prediction_id"]

    for part in (rows.iloc[5:9], rows.iloc[[39, 0]], rows.iloc[[12]]):
        assert scored(part, model)["prediction_id"].tolist() == whole[part.index].tolist()


def test_ids_are_unique_even_for_rows_that_repeat_and_stay_so(rows, model):
    thrice = pd.concat([rows, rows.iloc[[3, 3]]], ignore_index=True)

    ids = scored(thrice, model)["prediction_id"]

    assert ids.is_unique
    assert ids[:40].tolist() == scored(rows, model)["prediction_id"].tolist()
    assert ids.tolist() == scored(thrice, model)["prediction_id"].tolist()


def test_id_depends_on_what_the_model_sees_and_on_nothing_else(rows, model):
    before = scored(rows, model)["prediction_id"]

    unseen = rows.assign(arrival=0.0, late=True, parcel=range(1_000, 1_040), extra="x")
    assert scored(unseen[sorted(unseen.columns)], model)["prediction_id"].equals(before)
    for column, value in {
        "handed_in": rows["handed_in"] + pd.Timedelta(days=7),
        "carrier": "zeppelin",
        "weight": 31.5,
        "insured": ~rows["insured"],
        "size": None,
    }.items():
        changed = scored(rows.assign(**{column: value}), model)["prediction_id"]
        assert not set(changed[rows[column].notna()]) & set(before), column


def test_id_depends_on_the_model(rows, model, tmp_path):
    release = released.bundle(tmp_path)
    other = load_release(tmp_path)[1]

    assert release.model_digest == model.digest
    assert scored(rows, other)["prediction_id"].equals(scored(rows, model)["prediction_id"])
    renamed = type(model)("f" * 64, model.contract, model.features, model.pipeline, model.manifest)
    assert not set(scored(rows, renamed)["prediction_id"]) & set(scored(rows, model)["prediction_id"])


def stored(rows, path):
    """Write rows as the format that the name tells."""
    rows = rows.assign(handed_in=rows["handed_in"].dt.as_unit("ns"))
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    elif ".jsonl" in path.suffixes:
        records = rows.astype("object").where(rows.notna(), None).to_dict("records")
        path.write_bytes(gzip.compress("\n".join(json.dumps(record, default=str) for record in records).encode()))
    else:
        rows.to_csv(path, index=False)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz", ".jsonl.gz"])
def test_row_has_the_same_id_and_probability_however_its_table_was_stored(suffix, rows, model, tmp_path):
    path = tmp_path / f"rows{suffix}"
    stored(rows, path)

    found = scored_file(read(path, model.contract), model)

    assert found["prediction_id"].tolist() == scored(rows, model)["prediction_id"].tolist()
    np.testing.assert_allclose(found["probability"], scored(rows, model)["probability"], rtol=1e-12)


def test_wall_time_is_read_in_the_contracts_time_zone(rows, model, tmp_path):
    local = rows["handed_in"].dt.tz_convert(model.contract.timezone).dt.tz_localize(None)
    assert (local != rows["handed_in"].dt.tz_localize(None)).all()
    rows.assign(handed_in=local).to_csv(tmp_path / "rows.csv", index=False)

    found = scored_file(read(tmp_path / "rows.csv", model.contract), model)

    assert found["prediction_id"].tolist() == scored(rows, model)["prediction_id"].tolist()


def test_text_of_a_file_stays_as_it_is_written(rows, model, tmp_path):
    rows.assign(code="007", note="1.50").to_csv(tmp_path / "rows.csv", index=False)

    found = read(tmp_path / "rows.csv", model.contract)

    assert found.columns.tolist() == [*rows.columns, "code", "note"]
    assert set(found["code"]) == {"007"}
    assert set(found["note"]) == {"1.50"}


def test_row_that_breaks_the_contract_gets_its_codes_and_no_probability(rows, model):
    bad = rows.astype({"weight": "object"})
    bad.loc[2, "weight"] = "heavy"
    bad.loc[5, "weight"] = -1
    bad.loc[7, "carrier"] = None
    bad.loc[7, "size"] = "XXL"

    found = scored_file(bad, model)

    refused = found["codes"] != ""
    assert found["codes"][refused].to_dict() == {2: "DQ002", 5: "DQ004", 7: "DQ003 DQ005"}
    assert found["why"][refused].to_dict() == {
        2: "weight: heavy is not of type number",
        5: "weight: -1 is not between 0 and 30 kg",
        7: "carrier: it is missing; size: XXL is not one of S, M, L",
    }
    assert (found["why"][~refused] == "").all()
    assert found.loc[refused, ["prediction_id", "probability", "label"]].isna().all(axis=None)
    good = scored(rows, model)[~refused]
    assert found["prediction_id"][~refused].tolist() == good["prediction_id"].tolist()
    np.testing.assert_allclose(found["probability"][~refused].astype(float), good["probability"], rtol=1e-12)
    assert found["label"][~refused].tolist() == good["label"].tolist()


def test_file_keeps_its_rows_columns_and_order_as_they_came(rows, model):
    came = rows.assign(mine="x").sample(frac=1, random_state=3)
    before = came.copy(deep=True)

    found = scored_file(came, model)

    pd.testing.assert_frame_equal(came, before)
    pd.testing.assert_frame_equal(found[came.columns], came.reset_index(drop=True))
    assert [*found.columns[len(came.columns) :]] == ["prediction_id", "version", "probability", "label", "codes", "why"]


def test_file_without_a_good_row_is_answered_with_codes_only(rows, model):
    found = scored_file(rows.assign(weight=-1.0), model)

    assert found["codes"].tolist() == ["DQ004"] * 40
    assert found["probability"].isna().all()
    assert (found["version"] == 3).all()


def test_columns_have_the_same_types_whatever_the_rows_are(rows, model):
    answers = ["prediction_id", "version", "probability", "label", "codes", "why"]
    types = scored_file(rows, model)[answers].dtypes

    for others in (rows.assign(weight=-1.0), rows.head(0), rows.assign(weight=[-1.0, *rows["weight"][1:]])):
        assert scored_file(others, model)[answers].dtypes.equals(types)
    assert types.astype(str).to_dict() == {
        "prediction_id": "str",
        "version": "int64",
        "probability": "float64",
        "label": "boolean",
        "codes": "str",
        "why": "str",
    }


def test_scores_survive_a_parquet_file(rows, model):
    found = scored_file(rows.assign(weight=[-1.0, *rows["weight"][1:]]), model)
    file = io.BytesIO()

    found.to_parquet(file, index=False)

    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(file.getvalue())), found)


def test_missing_column_is_a_data_error_that_names_it(rows, model):
    with pytest.raises(DataError) as caught:
        scored_file(rows.drop(columns=["weight", "handed_in"]), model)

    assert (caught.value.code, caught.value.exit_code) == ("DQ001", 3)
    assert caught.value.what == "missing columns: handed_in, weight"


def test_column_that_the_model_does_not_need_may_be_missing(rows, model):
    sent = rows[[column.name for column in released.CONTRACT.request_columns]]

    assert scored_file(sent, model)["prediction_id"].tolist() == scored(rows, model)["prediction_id"].tolist()
