"""What the pages say is true: commands, files, keys, codes and metrics exist, none is missing, the example trains."""

import ast
import csv
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import typer.main
import yaml
from pydantic import BaseModel

from cli import walk
from cli.main import INTERRUPTED, app
from evergreen import drift, errors, gate, performance
from evergreen.contract import BundledSource, Column, Contract, FileSource
from evergreen.errors import EvergreenError
from evergreen.evaluation import Report
from evergreen.params import Distribution, Params
from evergreen.plan import STEPS
from evergreen.settings import Settings
from serving.metrics import Metrics
from serving.requests import body_model, parse

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "AGENTS.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = [path for name in ("evergreen", "tasks", "flows", "serving", "cli") for path in (ROOT / name).rglob("*.py")]
CODE = re.compile(r"[A-Z]{2,5}\d{3}")
GROUP: Any = typer.main.get_command(app)


def fenced(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the language and the text of every fenced block."""
    for _, language, text in re.findall(
        r"^( *)```(\w*)\n(.*?)^\1```", page.read_text(), flags=re.MULTILINE | re.DOTALL
    ):
        yield language, dedent(text)


def block(page: Path, language: str, first_line: str = "") -> str:
    """Return the one block of a language that begins with a line."""
    found = [text for kind, text in fenced(page) if kind == language and text.startswith(first_line)]
    assert len(found) == 1, (page, language, first_line)
    return found[0]


def spans(page: Path) -> list[str]:
    """Return the inline code of a page."""
    text = re.sub(r"^( *)```.*?^\1```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", text)]


def shell_lines(page: Path) -> list[str]:
    """Return the commands that a reader would type."""
    lines = [line for kind, text in fenced(page) if kind in ("sh", "crontab") for line in text.splitlines()]
    return [line.partition(" #")[0].strip() for line in lines if line.strip()]


def first_cells(page: Path, pattern: str = ".+?") -> list[str]:
    """Return what stands as code in the first cell of each table row."""
    return re.findall(rf"^\| `({pattern})` \|", page.read_text(), flags=re.MULTILINE)


# -- commands and files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_lines_of_a_page_parse(page: Path) -> None:
    for line in shell_lines(page):
        if found := re.search(r"(?:^|[\s/])evergreen (.*)", line):
            name, *arguments = shlex.split(re.sub(r"\$\(.*?\)", "2013-03", found[1]))
            GROUP.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_a_page_names_exist(page: Path) -> None:
    for span in spans(page):
        found = re.search(r"(?:^|[\s/])evergreen +(--debug +)?([\w-]+)(.*)", span)
        if found and found[2] != "COMMAND":
            command = GROUP.commands[found[2]]
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            assert set(re.findall(r"--[a-z-]+", found[3])) <= known, span


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_a_page_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for text in [*spans(page), *shell_lines(page)] for name in re.findall(r"^make ([a-z-]+)", text)}
    assert named <= targets


def test_readme_lists_every_command_and_the_reference_every_option() -> None:
    section = README.read_text().partition("## Commands")[2].partition("## ")[0]
    listed = re.findall(r"^\| `evergreen ([\w-]+)", section, flags=re.MULTILINE)
    assert sorted(listed) == sorted(GROUP.commands)
    rows = dict(re.findall(r"^\| `([a-z]+)` \| (.*?) \|", (REFERENCE / "cli.md").read_text(), flags=re.MULTILINE))
    assert rows.keys() == GROUP.commands.keys()
    for name, command in GROUP.commands.items():
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        assert set(re.findall(r"--[a-z-]+", rows[name])) == options, name


def test_readme_tests_with_make_test() -> None:
    assert [line for line in shell_lines(README) if line.startswith("make")][:2] == ["make run", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), flags=re.MULTILINE)
            assert anchor in [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    folders = "evergreen|tasks|flows|serving|cli|configs|docs|tests|benchmarks|infra|.github|.ci"
    at_the_root = r"[\w.-]+\.(?:yaml|toml|md)|Makefile|requirements\.lock"
    for span in spans(page):
        if re.fullmatch(rf"(?:{folders})/[\w./-]*|{at_the_root}", span) and "NAME" not in span:
            assert (ROOT / span).exists(), span


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_names_no_path_of_somebodys_machine(page: Path) -> None:
    assert not re.findall(r"(?<![\w.<])/(?:home|root|tmp|work|usr|Users|opt)/", page.read_text())


# -- exit codes and errors -----------------------------------------------------------------------------------


def kinds() -> dict[str, int]:
    """Return the exit code of every class of error."""
    found = {**vars(errors), **vars(drift), **vars(performance)}
    return {
        name: kind.exit_code
        for name, kind in found.items()
        if isinstance(kind, type) and issubclass(kind, EvergreenError)
    }


def raised() -> dict[str, set[int]]:
    """Return every code in the source with the exit codes, or HTTP statuses, that it is raised with."""
    codes: dict[str, set[int]] = {}
    for tree in [ast.parse(path.read_bytes()) for path in SOURCES]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                codes.setdefault(node.value, set())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                given = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
                if node.func.id == "RequestError" and len(given) > 2 and given[2] in codes and given[0]:
                    codes[str(given[2])].add(int(str(given[0])))
                elif node.func.id in kinds() and given and given[0] in codes:
                    codes[str(given[0])].add(kinds()[node.func.id])
    return codes


def documented() -> dict[str, set[int]]:
    """Return every code in the reference with its exit codes or HTTP statuses."""
    rows = re.findall(r"^\| `([A-Z]+\d{3})` \| (.*?) \|", (REFERENCE / "errors.md").read_text(), flags=re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a code is documented twice"
    return {code: set(map(int, re.findall(r"\d+", cell))) for code, cell in rows}


def test_every_error_code_is_documented_and_every_documented_one_exists() -> None:
    assert documented().keys() == raised().keys()


def test_documented_exit_codes_are_those_of_the_errors() -> None:
    # Raised where a comparison catches them (the verdict is "unknown" then), or with a status that Starlette chose.
    elsewhere = {"DR001": set(), "DR002": set(), "SRV008": {400, 404, 405}}
    assert documented() == raised() | elsewhere


def test_exit_code_tables_are_those_of_the_source() -> None:
    of_kinds = re.findall(r"^\| (\d+) \| `(\w+)` \|", (REFERENCE / "errors.md").read_text(), flags=re.MULTILINE)
    base = {name: code for name, code in kinds().items() if name in vars(errors)}
    assert {name: int(code) for code, name in of_kinds} == base
    in_readme = dict(re.findall(r"^\| (\d+) \| (.*?) \|", README.read_text(), flags=re.MULTILINE))
    assert {int(code) for code in in_readme} == {0, *base.values(), INTERRUPTED}
    in_help = dict(re.findall(r"(\d) ([^,.]+)", GROUP.epilog))
    assert {code: said for code, said in in_help.items() if not in_readme[code].startswith(said)} == {}


# -- keys ----------------------------------------------------------------------------------------------------


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the keys of a document as they are written, down to the values."""
    for name, field in model.model_fields.items():
        kind, written = field.annotation, f"{prefix}{field.alias or name}"
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{written}.")
        else:
            yield written


def test_every_parameter_is_documented_and_every_documented_one_exists() -> None:
    space = keys(Distribution, "tune.families.<family>.<parameter>.")
    assert sorted(first_cells(REFERENCE / "params.md")) == sorted([*keys(Params), *space])


def test_every_key_of_a_contract_is_documented_and_every_documented_one_exists() -> None:
    source = {*keys(FileSource, "source."), *keys(BundledSource, "source.")}
    known = [*(key for key in keys(Contract) if key != "source"), *source, *keys(Column, "columns[].")]
    roles = ["time", "target", "feature", "key", "leakage", "ignore"]
    assert sorted(first_cells(REFERENCE / "contract.md")) == sorted(known + roles)
    assert set(Column.model_json_schema()["properties"]["role"]["enum"]) == set(roles)


def test_every_setting_is_documented_with_its_default() -> None:
    text = (REFERENCE / "state.md").read_text().partition("## Settings")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text, flags=re.MULTILINE))
    assert rows.keys() == Settings.model_fields.keys()
    shown = {name: cell.strip("`") for name, cell in rows.items() if cell.startswith("`")}
    assert shown == {name: str(Settings.model_fields[name].default) for name in shown}
    assert {name for name in rows if Settings.model_fields[name].default is None} == {
        name for name, cell in rows.items() if cell.startswith(("embedded", "SQLite"))
    }


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    metrics = Metrics()
    known = {
        metric._name + "_total" * (metric._type == "counter"): (metric._type, list(metric._labelnames))
        for metric in vars(metrics).values()
        if hasattr(metric, "_labelnames")
    }
    rows = re.findall(
        r"^\| `(evergreen_\w+)` \| (\w+) \| (.*?) ?\|", (REFERENCE / "metrics.md").read_text(), flags=re.M
    )
    assert {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels in rows} == known


def test_every_cause_of_a_failed_request_is_documented() -> None:
    calls = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call)]
    causes = {
        call.args[1].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "RequestError" and isinstance(call.args[1], ast.Constant)
    }
    named = [name for name in first_cells(REFERENCE / "metrics.md") if not name.startswith("evergreen_")]
    assert sorted(named) == sorted(causes - {""})


# -- examples ------------------------------------------------------------------------------------------------


def test_readme_shows_the_table_that_the_walk_prints() -> None:
    shown = README.read_text().split("<!-- table -->")[1].strip().splitlines()[0]
    printed = [str(column.header) for column in walk.table("flights", []).columns]
    assert [cell.strip() for cell in shown.strip("|").split("|")] == printed


def test_request_of_the_serving_page_is_accepted(contract: Contract) -> None:
    body = block(ROOT / "docs" / "how-to" / "serve.md", "json")
    row = parse(body_model(contract), body.encode()).plain()[0]
    assert row.keys() == {column.name for column in contract.request_columns}


@pytest.fixture
def own_data(tmp_path: Path) -> Path:
    """A project that does what the README says about your own data, with the table of the how-to."""
    changes = yaml.safe_load(block(README, "yaml", "# params.yaml"))
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for name, change in changes.items():
        params[name] = {**params[name], **change} if isinstance(change, dict) else change
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    for path, text in (
        (f"configs/{params['dataset']}/contract.yaml", block(README, "yaml", "# configs/")),
        ("configs/env/local.yaml", (ROOT / "configs" / "env" / "local.yaml").read_text()),
        ("make_table.py", block(ROOT / "docs" / "how-to" / "own-data.md", "python")),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "data").mkdir()
    subprocess.run([sys.executable, "make_table.py"], cwd=tmp_path, check=True)
    return tmp_path


def test_own_data_of_the_readme_trains_and_passes_the_gate(own_data: Path) -> None:
    shown = list(csv.reader(block(README, "csv").splitlines()))
    with (own_data / "data" / "tumours.csv").open() as made:
        assert [row for row, _ in zip(csv.reader(made), shown, strict=False)] == shown
    steps = "from tasks.__main__ import run_stage, STEPS\nfor step in STEPS: run_stage(step)"
    subprocess.run(
        [sys.executable, "-c", steps],
        cwd=own_data,
        env={**os.environ, "EVERGREEN_HOME": str(own_data / ".evergreen")},
        check=True,
    )
    report = Report.model_validate(json.loads((own_data / "data" / "report.json").read_bytes()))
    assert gate.decide(report, None, Params.load(own_data / "params.yaml").gate).promote
    assert report.n_test > 100


def test_readme_counts_the_steps_that_dvc_runs() -> None:
    assert (len(STEPS), next(iter(STEPS)), list(STEPS)[-1]) == (6, "ingest", "evaluate")
    assert "the six steps from ingest to evaluate" in README.read_text()
    assert yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].keys() == STEPS.keys()
