"""Cells that a program could take for orders: shown as text wherever people look, and given back as they came."""

import csv
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import released
from rich.console import Console
from validated import asked, contract_of, load, stream

from cli import show
from evergreen.adapters import drift_report
from evergreen.adapters.expectations import data_docs
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.data.validation import RuleResult
from evergreen.decisions.drift.faults.verdict import Fault, Faults
from evergreen.decisions.drift.shift.verdict import ColumnShift, Shift
from evergreen.learning.model import model as models
from evergreen.learning.model import scoring

CELLS = (
    "=cmd()",
    "+1+1",
    "@SUM(A1:A9)",
    "-2+3",
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "[red]x[/red]",
    "[/]",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "{{ 7 * 7 }}",
    "${HOME}",
)
HARMFUL = {"img", "iframe", "svg", "object", "form"}


class Elements(HTMLParser):
    """The elements of a page and the text outside its scripts, as a browser would split them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            self.text += data


def hostile_contract() -> Contract:
    """Return a contract whose names, categories and patterns are hostile too."""
    return contract_of(
        {"type": "category", "categories": ["a", CELLS[5]]},
        {"name": CELLS[6], "type": "text", "role": "ignore", "pattern": "[a-z<]+"},
        {"name": CELLS[7], "type": "number", "min": 0},
    )


@pytest.fixture(scope="module")
def run():
    load()
    values = [*CELLS, "a"]
    return stream({"x": values, CELLS[6]: values, CELLS[7]: [-1.0] * len(values)}, hostile_contract())


def test_data_docs_show_them_as_text(run) -> None:
    for content in data_docs.pages(asked(run, hostile_contract()).results).values():
        found = Elements(content.decode())
        assert not HARMFUL & set(found.tags)
        assert "script" not in found.tags
    text = Elements(data_docs.pages(asked(run, hostile_contract()).results)["results.html"].decode()).text
    for cell in CELLS[:7]:
        assert cell in text, cell


def test_quarantine_holds_them_as_they_came(run) -> None:
    assert run.bad.column("x").to_pylist() == [*CELLS, "a"]
    assert run.bad.column("x").type == "string"


def test_results_spell_out_what_a_terminal_acts_on(run) -> None:
    told = [str(rule) for rule in run.validation.rules if isinstance(rule, RuleResult)]
    assert any("=cmd()" in line for line in told)
    assert not any("\x1b" in line or "\x07" in line for line in told)


def test_drift_page_runs_none_of_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    columns = [
        {"name": name, "type": "category", "role": "feature", "nullable": True} for name in ("c", CELLS[5], CELLS[6])
    ]
    contract = contract_of(*columns)
    before = pd.DataFrame({column["name"]: rng.choice(["a", "b"], 900) for column in columns})
    after = pd.DataFrame({column["name"]: rng.choice([*CELLS], 400) for column in columns})
    calm = pd.DataFrame({column["name"]: rng.choice(["a", "b"], 900) for column in columns})
    judged = tuple(
        ColumnShift(name=column["name"], verdict="shifted", evidence=f"now {CELLS[6]}", psi=0.3) for column in columns
    )
    broken = tuple(
        Fault(column=column["name"], kind="unseen", evidence=f"now {CELLS[5]}", share=1.0) for column in columns
    )
    about = {"n_reference": 900, "n_window": 400}
    shift = Shift(
        verdict="shifted",
        evidence=CELLS[6],
        persistent=False,
        blocks_reference=9,
        blocks_window=4,
        columns=judged,
        **about,
    )
    faults = Faults(verdict="fault", evidence=CELLS[5], columns=broken, **about)
    for rows, name in ((calm, "calm.html"), (after, "page.html")):
        drift_report.draw(before, rows, contract, tmp_path / name, shift=shift, faults=faults)
    pages = [Elements((tmp_path / name).read_text()) for name in ("calm.html", "page.html")]
    assert pages[0].tags == pages[1].tags, "no cell adds an element"
    assert not HARMFUL & set(pages[1].tags) - set(pages[0].tags)
    assert CELLS[6] in pages[1].text


def test_scoring_gives_them_back_as_they_came_and_drops_no_row(tmp_path: Path) -> None:
    """A formula in the output is the one of the input: changing it would break keys, so that a spreadsheet is told."""
    model_rows = released.table(len(CELLS)).assign(carrier=list(CELLS), note=list(CELLS))
    ws = Workspace(root=tmp_path)
    ref = models.save(
        ws, "model", released.fitted("prior"), contract=released.CONTRACT, features=released.FEATURES, about={}
    )
    loaded = models.load(ws.path(ref.uri), ref.sha256)
    scored = scoring.score_file(model_rows, loaded, version=1, threshold=0.5)
    text = io.StringIO()
    scored.to_csv(text, index=False)
    back = list(csv.DictReader(io.StringIO(text.getvalue(), newline="")))
    assert [row["carrier"] for row in back] == list(CELLS)
    assert [row["note"] for row in back] == list(CELLS)
    assert all(row["prediction_id"] and row["probability"] for row in back)


@pytest.mark.parametrize("cell", CELLS)
def test_terminal_shows_them_as_text(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(show, "console", Console(file=text, width=300))
    show.summary("Found", {cell: cell})
    shown = text.getvalue()
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert show.printable(cell) in shown


def test_error_block_keeps_its_lines_and_spells_out_escapes() -> None:
    error = DataError("DQ001", "found: a\nb\x1b[31m", where="in/\x1b]0;t\x07.csv", next_step="x\r\ny")
    assert error.block().splitlines() == [
        r"DQ001: found: a\nb\x1b[31m",
        r"  where: in/\x1b]0;t\x07.csv",
        r"  next:  x\r\ny",
    ]
