"""The drawn report: what it says, that nothing in it runs or loads, and that no column stops it."""

import re
import socket
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evergreen.adapters import drift_report
from evergreen.base.errors import IntegrityError
from evergreen.config.contract.contract import Contract
from evergreen.decisions.drift.faults.verdict import Fault, Faults
from evergreen.decisions.drift.shift.verdict import ColumnShift, Shift

PAYLOAD = '</script><script>document.title="owned"</script><!--<script>'


class Page(HTMLParser):
    """Tags with attributes, and the text of every script, as a browser would split them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script" and self.cdata_elem == "script":
            self.scripts[-1] += data


def contract_of(**types: str) -> Contract:
    columns = [{"name": name, "type": kind, "role": "feature", "nullable": True} for name, kind in types.items()]
    columns += [{"name": "at", "type": "timestamp", "role": "time"}, {"name": "y", "type": "boolean", "role": "target"}]
    return Contract.model_validate(
        {
            "name": "made",
            "description": "",
            "source": {"kind": "file", "path": "made.parquet"},
            "timezone": "UTC",
            "label_delay_days": 0,
            "columns": columns,
        }
    )


def shift_of(contract: Contract, current: pd.DataFrame, **verdicts: str) -> Shift:
    """Return what a monitor may say of the features: shifted, unless it says otherwise of one."""
    columns = tuple(
        ColumnShift(
            name=column.name,
            verdict=verdicts.get(column.name, "shifted"),
            evidence=f"told of {column.name}",
            psi=0.125 * (i + 1),
        )
        for i, column in enumerate(contract.features)
    )
    verdict = "shifted" if any(column.verdict == "shifted" for column in columns) else "steady"
    about = {"n_reference": 900, "n_window": len(current), "blocks_reference": 60, "blocks_window": 31}
    return Shift(verdict=verdict, evidence=f"{verdict}, it was told", persistent=False, columns=columns, **about)


def faults_of(*columns: Fault) -> Faults:
    about = {"n_reference": 900, "n_window": 400, "columns": columns}
    return Faults(verdict="fault" if columns else "none", evidence="what is broken", **about)


def drawn(
    path: Path, reference: pd.DataFrame, current: pd.DataFrame, contract: Contract, *broken: Fault, **verdicts: str
):
    shift = shift_of(contract, current, **verdicts)
    left_out = drift_report.draw(reference, current, contract, path, shift=shift, faults=faults_of(*broken))
    return left_out, path.read_text(), shift


def rows(n: int, *, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(shift, 1, n), "c": rng.choice(["a", "b", "c"], n)})


BOTH = contract_of(x="number", c="category")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> tuple[tuple[str, ...], str, Shift]:
    current = rows(400, seed=2, shift=3)
    current.loc[::4, "c"] = PAYLOAD
    return drawn(tmp_path_factory.mktemp("drawn") / "report.html", rows(900, seed=1), current, BOTH)


def test_page_says_what_the_monitor_says(page):
    left_out, text, shift = page
    assert left_out == ()
    assert shift.evidence in text
    assert "900 reference rows of 60 days, 400 rows of 31 days in the window" in text
    found = dict(re.findall(r'"column_name": "(\w)".*?"data_drift": "([\w ]+)"', text))
    assert found == {"x": "Detected", "c": "Detected"}
    scores = dict(re.findall(r'"column_name": "(\w)".*?"drift_score": ([\d.]+)', text))
    assert {name: float(score) for name, score in scores.items()} == {c.name: c.psi for c in shift.columns}


def test_page_says_not_detected_when_the_monitor_does(tmp_path):
    calm = {"x": "steady", "c": "not enough data"}
    _, text, shift = drawn(tmp_path / "report.html", rows(900, seed=1), rows(400, seed=2), BOTH, **calm)
    assert shift.verdict == "steady"
    assert re.findall(r'"data_drift": "([\w ]+)"', text) == ["Not Detected"] * 2
    assert "Dataset Drift" not in Page(text).scripts[0]


def test_category_cannot_close_the_script(page):
    _, text, _ = page
    split = Page(text)
    assert len(split.scripts) == 4
    assert PAYLOAD.replace("<", "\\u003c").replace('"', '\\"') in split.scripts[0]
    assert not any("owned" in script for script in split.scripts[1:])
    assert "<" not in split.scripts[0]


def test_column_name_cannot_become_a_tag(tmp_path):
    contract = contract_of(**{"<img src=x>": "number"})
    tables = [rows(n, seed=n)[["x"]].rename(columns={"x": "<img src=x>"}) for n in (900, 400)]
    _, text, _ = drawn(tmp_path / "report.html", *tables, contract)
    assert not [tag for tag, _ in Page(text).tags if tag == "img"]


def test_page_loads_nothing(page):
    _, text, _ = page
    tags = Page(text).tags
    assert not [tag for tag, attributes in tags if {"src", "href", "data", "srcset"} & attributes.keys()]
    assert not {"link", "iframe", "img", "object", "embed", "base"} & {tag for tag, _ in tags}
    style = text[: text.index("<body>")]
    assert [url[:5] for url in re.findall(r"url\(\s*['\"]?([^)]{5})", style)] == ["data:"]
    assert "@import" not in style


def test_page_forbids_the_browser_every_address(page):
    _, text, _ = page
    (policy,) = [a["content"] for tag, a in Page(text).tags if tag == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"https?:|\*|unsafe-eval", policy)


def test_drawing_opens_no_connection_and_loads_no_telemetry(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    drawn(tmp_path / "report.html", rows(900, seed=1), rows(400, seed=2), BOTH)
    assert "evidently.telemetry" not in sys.modules


def test_page_names_what_is_broken_before_what_moved(tmp_path):
    fault = Fault(column="c", kind="unseen", evidence="90 % <b>new</b>", share=0.9)
    _, text, _ = drawn(tmp_path / "report.html", rows(900, seed=1), rows(400, seed=2), BOTH, fault)
    table = re.findall("<td>(.*?)</td>", text)
    assert table[:3] == ["c", "unseen", "90 % &lt;b&gt;new&lt;/b&gt;"]
    assert table[3:] == ["x", "shifted", "told of x", "c", "shifted", "told of c"]
    assert "Faults: what is broken" in text


@pytest.mark.parametrize(
    ("kind", "reference", "current"),
    [
        ("number", [1.0] * 500, [None] * 500),
        ("number", [None] * 500, [1.0] * 500),
        ("number", [np.inf] * 500, [np.inf] * 500),
    ],
)
def test_column_without_a_picture_is_left_out_and_the_others_are_drawn(tmp_path, kind, reference, current):
    before, after = rows(500, seed=1).assign(bad=reference), rows(500, seed=2).assign(bad=current)
    left_out, text, _ = drawn(tmp_path / "report.html", before, after, contract_of(x="number", bad=kind))
    assert left_out == ("bad",)
    assert re.findall(r'"column_name": "(\w+)"', text) == ["x"]


def test_absent_column_is_left_out(tmp_path):
    left_out, text, _ = drawn(tmp_path / "report.html", rows(500, seed=1), rows(500, seed=2)[["x"]], BOTH)
    assert left_out == ("c",)
    assert "told of c" in text


def test_column_that_could_not_be_judged_is_not_drawn(tmp_path):
    left_out, text, _ = drawn(tmp_path / "report.html", rows(500, seed=1), rows(500, seed=2), BOTH, c="unknown")
    assert left_out == ("c",)
    assert re.findall(r'"column_name": "(\w+)"', text) == ["x"]


def test_page_without_any_picture_still_says_why(tmp_path):
    both = {"x": "unknown", "c": "unknown"}
    left_out, text, _ = drawn(tmp_path / "report.html", rows(500, seed=1), rows(5, seed=2), BOTH, **both)
    assert left_out == ("x", "c")
    assert "told of x" in text
    assert Page(text).scripts == []


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", [3.0] * 600),
        ("number", [np.nan] * 580 + list(range(20))),
        ("number", [np.inf] * 300 + [1.0] * 300),
        ("integer", list(range(600))),
        ("boolean", [True, None] * 300),
        ("category", ["only"] * 600),
        ("category", [f"v{i}" for i in range(600)]),
        ("timestamp", list(pd.date_range("2024-01-01", periods=600, freq="h", tz="UTC"))),
        ("timestamp", [pd.NaT, pd.Timestamp("2024-01-01", tz="UTC")] * 300),
    ],
)
def test_odd_column_is_drawn(tmp_path, kind, values):
    table = pd.DataFrame({"odd": values}).convert_dtypes() if kind == "boolean" else pd.DataFrame({"odd": values})
    left_out, text, _ = drawn(tmp_path / "report.html", table, table, contract_of(odd=kind))
    assert left_out == ()
    assert '"column_name": "odd"' in text


def test_only_the_commonest_categories_get_a_bar(tmp_path):
    table = pd.DataFrame({"c": [f"v{i:04d}" for i in range(2_000)] + ["common"] * 500})
    _, text, _ = drawn(tmp_path / "report.html", table, table, contract_of(c="category"))
    data = Page(text).scripts[0]
    assert "(other)" in data
    assert len(set(re.findall(r"v\d{4}", data))) < drift_report.MOST_CATEGORIES


@pytest.mark.parametrize("name", ["target", "prediction", "id", "datetime"])
def test_feature_with_a_name_that_evidently_knows_is_a_feature(tmp_path, name):
    tables = [rows(n, seed=n).rename(columns={"x": name}) for n in (900, 400)]
    left_out, text, _ = drawn(tmp_path / "report.html", *tables, contract_of(**{name: "number"}, c="category"))
    assert left_out == ()
    assert sorted(re.findall(r'"column_name": "(\w+)"', text)) == sorted(["c", name])


def test_page_of_another_layout_is_refused():
    with pytest.raises(IntegrityError, match="not laid out as expected"):
        drift_report._inert("<html><script>var other = 1</script></html>")


def test_draw_replaces_the_page_whole_and_leaves_tables_alone(tmp_path):
    path = tmp_path / "deep" / "report.html"
    tables = rows(900, seed=1), rows(400, seed=2)
    before = [table.copy(deep=True) for table in tables]
    drawn(path, *tables, BOTH)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    for table, kept in zip(tables, before, strict=True):
        pd.testing.assert_frame_equal(table, kept)
