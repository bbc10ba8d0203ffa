"""Static tables: found inside the project, read whole and strictly, and shipped as files that do not change."""

import pandas as pd
import pytest

from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError, DataError
from evergreen.base.values import digest_of
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.features import lookups

VISITS = Contract.model_validate(
    {
        "name": "visits",
        "description": "looked up by ward and by code",
        "source": {"kind": "file", "path": "visits.csv"},
        "timezone": "UTC",
        "label_delay_days": 0,
        "columns": [
            {"name": "ward", "type": "category", "role": "feature", "nullable": True},
            {"name": "code", "type": "integer", "role": "feature", "nullable": True},
            {"name": "ill", "type": "boolean", "role": "target"},
        ],
    }
)
WARDS = "ward,beds,kind\n007,12,big\nnorth,,small\nsouth,3.5,NA\n"


def params_of(file="wards.csv", by="ward", **columns):
    declared = {"file": file, "by": by, **(columns or {"numeric": ["beds"], "categorical": ["kind"]})}
    return FeatureParams.model_validate({"lookups": {"ward": declared}, "rare_category": 1, "test_share": 0.3})


def read(folder, params):
    return lookups.read(lookups.locate(params, folder), params, VISITS)


def refusal(folder, params, kind=ConfigError):
    with pytest.raises(kind) as caught:
        read(folder, params)
    assert caught.value.where == "features.lookups.ward"
    return caught.value.code, caught.value.what


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wards.csv").write_text(WARDS)
    return tmp_path


def test_columns_are_looked_up_by_the_key_and_missing_where_it_is_unknown(folder):
    params = params_of()
    rows = pd.DataFrame({"ward": ["007", "7", None, "south", "north"], "code": [1, 2, 3, 4, 5]})
    built = features.build(rows, VISITS, params, read(folder, params))
    nan = float("nan")
    expected = {
        "ward_beds": [12.0, nan, nan, 3.5, nan],
        "ward_kind": pd.Series(["big", None, None, None, "small"], dtype="str"),
    }
    pd.testing.assert_frame_equal(built[list(expected)], pd.DataFrame(expected))


def test_integer_key_is_found_whatever_type_it_comes_in(folder):
    (folder / "codes.parquet").write_bytes(b"")
    pd.DataFrame({"code": [3, 1], "level": [30, 10]}).to_parquet(folder / "codes.parquet")
    params = params_of("codes.parquet", "code", numeric=["level"])
    tables = read(folder, params)
    for kind in ("Int64", "float64", "object"):
        rows = pd.DataFrame({"ward": "x", "code": pd.Series([1, 2, None], dtype="Int64").astype(kind)})
        found = features.build(rows, VISITS, params, tables)["ward_level"]
        assert found.tolist()[0] == 10.0
        assert found.isna().tolist() == [False, True, True]


def test_integer_key_that_a_number_does_not_tell_from_its_neighbour_is_refused(folder):
    for large in (2**53, -(2**63)):
        (folder / "codes.csv").write_text(f"code,level\n1,10\n{large},20\n")
        code, what = refusal(folder, params_of("codes.csv", "code", numeric=["level"]))
        assert (code, what) == (
            "CFG033",
            f"column 'code' holds {large}, which as a number is the same as its neighbour",
        )
    (folder / "codes.csv").write_text(f"code,level\n{2**53 - 1},20\n")
    params = params_of("codes.csv", "code", numeric=["level"])
    rows = pd.DataFrame({"ward": "x", "code": pd.array([2**53 - 1, 2**53, 2**53 + 1], dtype="Int64")})
    found = features.build(rows, VISITS, params, read(folder, params))["ward_level"]
    assert found.isna().tolist() == [False, True, True]


def test_key_may_be_the_index_of_a_table_that_pandas_wrote(folder):
    pd.DataFrame({"code": [3, 1, 7], "level": [30, 10, 70]}).set_index("code").to_parquet(folder / "codes.parquet")
    params = params_of("codes.parquet", "code", numeric=["level"])
    assert read(folder, params)["ward"]["level"].to_dict() == {1.0: 10.0, 3.0: 30.0, 7.0: 70.0}


def test_order_of_the_file_does_not_matter_and_its_bytes_are_verified(folder):
    params = params_of()
    before = lookups.to_files(read(folder, params))
    refs = lookups.locate(params, folder)
    head, *lines = WARDS.splitlines()
    (folder / "wards.csv").write_text("\n".join([head, *reversed(lines)]))
    assert lookups.to_files(read(folder, params)) == before
    with pytest.raises(DataError) as caught:
        lookups.read(refs, params, VISITS)
    assert caught.value.code == "DQ028"


def test_tables_survive_the_files_they_ship_as(folder):
    tables = read(folder, params_of())
    ref = Workspace(root=folder / "ws").write_folder("lookups", lookups.to_files(tables), {})
    _, files = read_folder(folder / "ws" / ref.uri, ref.sha256)
    pd.testing.assert_frame_equal(lookups.from_files(files)["ward"], tables["ward"])


def test_place_of_the_file_does_not_count_and_its_content_does(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "wards.csv").write_text(WARDS)
    here, below = (lookups.locate(params_of(file), folder) for file in ("wards.csv", "sub/wards.csv"))
    assert digest_of(here) == digest_of(below)
    (folder / "wards.csv").write_text(WARDS.replace("12", "13"))
    assert digest_of(lookups.locate(params_of(), folder)) != digest_of(below)


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (WARDS + "north,1,big\n", "CFG033", "column 'ward' holds north twice"),
        (WARDS + ",1,big\n", "CFG033", "column 'ward' has no value in a row"),
        ("ward,kind\nnorth,small\n", "CFG034", "no column 'beds'; it has ward, kind"),
        ("beds,kind\n1,small\n", "CFG034", "no column 'ward'"),
        (
            "ward,beds,kind\nnorth,many,small\n",
            "CFG034",
            '1 rows hold values of another type, such as {"beds": "many"}',
        ),
        ("ward,beds,kind,ill\nnorth,1,small,1\n", "CFG036", "holds the target 'ill'"),
        ("", "CFG032", "cannot be parsed"),
        ("ward,beds,kind\n", "CFG034", "the table has no row"),
        (WARDS.replace("kind", "kind,beds").replace("big", "big,1"), "CFG032", "Expected 4 columns, got 3"),
        ("ward,beds,kind,beds\nnorth,1,small,2\n", "CFG034", "the table has 2 columns 'beds'"),
        ("ward,beds,kind\nnorth,1,small,\nsouth,2,big,\n", "CFG032", "Expected 3 columns, got 4"),
    ],
    ids=[
        "key twice", "no key", "no column", "no key column", "a word for a number", "the target", "empty", "no row",
        "a short row", "a column twice", "a comma too many in every row",
    ],
)  # fmt: skip
def test_table_that_cannot_be_looked_up_in_is_refused(folder, content, code, says):
    (folder / "wards.csv").write_text(content)
    found = refusal(folder, params_of())
    assert found[0] == code
    assert says in found[1]


def test_file_that_is_missing_elsewhere_or_of_another_kind_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "wards.csv"
    outside.write_text(WARDS)
    (folder / "link.csv").symlink_to(outside)
    (folder / "wards.xlsx").write_text(WARDS)
    assert refusal(folder, params_of("gone.csv"))[0] == "CFG032"
    assert refusal(folder, params_of("wards.xlsx"))[0] == "CFG032"
    for path in ("../outside.csv", str(outside), "link.csv"):
        assert refusal(folder, params_of(path))[0] == "CFG035", path
