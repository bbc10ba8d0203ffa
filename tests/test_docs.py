"""What the pages say is true: commands, files, keys, codes and metrics exist, none is missing, the example trains."""

import ast
import csv
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any, get_args

import pandas as pd
import projects
import pyarrow as pa
import pytest
import typer.main
import validated
import yaml
from pydantic import BaseModel, TypeAdapter

from cli import reference, replay
from cli.arms import chosen
from cli.ending import INTERRUPTED
from cli.main import app
from evergreen.adapters.expectations import suite
from evergreen.base import errors
from evergreen.base.errors import EvergreenError
from evergreen.config.card import CardText
from evergreen.config.contract.columns import COLUMN_CODES, TABLE_CODES, TASKS, Column
from evergreen.config.contract.contract import Contract, Rule
from evergreen.config.contract.decision import DecisionPolicy
from evergreen.config.contract.sources import AsOf, Join, Source
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.config.objectives import FAMILIES, GATE_METRIC
from evergreen.config.params.evaluate import ThresholdRule
from evergreen.config.params.features import Buckets, FeatureParams, History, Lookup
from evergreen.config.params.gate import GateParams
from evergreen.config.params.params import Params
from evergreen.config.params.tune import Distribution
from evergreen.config.settings import Settings
from evergreen.data import leakage
from evergreen.data.typed.schema import conform
from evergreen.data.validation import ROW_CODES, own
from evergreen.data.validation.results import WARNED
from evergreen.decisions import performance
from evergreen.decisions.gate import evidence
from evergreen.learning import features
from evergreen.learning.features import ordering
from evergreen.learning.model.compiled import plan
from evergreen.learning.model.model import Model
from evergreen.learning.repair import recalibrating
from evergreen.record.plan.plan import STEPS
from serving import families as metric_families
from serving.decoding import Decoder

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "AGENTS.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = [path for name in ("evergreen", "tasks", "flows", "serving", "cli") for path in (ROOT / name).rglob("*.py")]
CHECK = re.compile(r"GT\d{3}")  # of the gate: one that fails is a result, not an error
ERROR = re.compile(rf"(?!{CHECK.pattern})[A-Z]{{2,5}}\d{{3}}")
GROUP: Any = typer.main.get_command(app)
# Files that commands make, and that no checkout has.
MADE = ("bento.yaml", "contract.proposed.yaml", "configs/tumours/contract.yaml", "configs/tumours/params.yaml")


def commands(group: Any = GROUP, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command by its name as it is typed, such as ``data ls``."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


COMMANDS = dict(commands())


def called(words: Sequence[str]) -> tuple[Any, list[str]]:
    """Return the command that words begin with, and the words after its name."""
    found, rest = GROUP, list(words)
    while hasattr(found, "commands") and rest:
        found = found.commands[rest.pop(0)]
    return found, rest


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
            command, arguments = called(shlex.split(re.sub(r"\$\(.*?\)", "2013-03", found[1])))
            assert not hasattr(command, "commands") or not arguments or arguments[0].startswith("-"), line
            assert command.make_context(command.name, arguments).args == [], line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_a_page_names_exist(page: Path) -> None:
    for span in spans(page):
        found = re.search(r"(?:^|[\s/])evergreen +(?:--debug +)?([a-z].*)", span)
        if found:
            command, rest = called(found[1].split())
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            assert set(re.findall(r"--[a-z-]+", " ".join(rest))) <= known, span


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_a_page_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for text in [*spans(page), *shell_lines(page)] for name in re.findall(r"^make ([a-z-]+)", text)}
    assert named <= targets


def test_readme_lists_every_command_and_the_reference_every_option() -> None:
    section = README.read_text().partition("## Commands")[2].partition("## ")[0]
    listed = re.findall(r"^\| `evergreen ([\w-]+)", section, flags=re.MULTILINE)
    assert sorted(listed) == sorted(GROUP.commands)
    text = (REFERENCE / "cli.md").read_text().partition("## Make targets")[0]
    rows = dict(re.findall(r"^\| `([a-z]+(?: [a-z]+)?)` \| (.*?) \|", text, flags=re.MULTILINE))
    assert rows.keys() == COMMANDS.keys()
    for name, command in COMMANDS.items():
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        assert set(re.findall(r"--[a-z-]+", rows[name])) == options, name


def test_readme_names_the_commands_of_a_group_in_its_row() -> None:
    for name, group in GROUP.commands.items():
        row = next(line for line in README.read_text().splitlines() if line.startswith(f"| `evergreen {name}"))
        named = set(re.findall(r"`(?:evergreen [a-z]+ )?([a-z]+)`", row.split(" | ")[0]))
        assert not hasattr(group, "commands") or named == group.commands.keys(), row


def test_reference_explains_every_option() -> None:
    """A row of the second table, or what stands in the words of every command: a set of names, not of places."""
    rows = re.findall(r"^\| (`--.*?`) \|", (REFERENCE / "cli.md").read_text(), flags=re.MULTILINE)
    options = {o for command in [GROUP, *COMMANDS.values()] for p in command.params for o in p.opts if o[:2] == "--"}
    assert set(re.findall(r"--[a-z-]+", " ".join(rows))) == options - {"--help"}


def test_readme_tests_with_make_test() -> None:
    assert [line for line in shell_lines(README) if line.startswith("make")][:2] == ["make run", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), flags=re.MULTILINE)
            known = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
            assert anchor in [*known, *re.findall(r'<a id="([\w-]+)">', linked.read_text())], anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    folders = "evergreen|tasks|flows|serving|cli|configs|docs|tests|benchmarks|infra|.github|.ci"
    at_the_root = r"[\w.-]+\.(?:yaml|toml|md)|Makefile|requirements\.lock"
    for span in spans(page):
        if re.fullmatch(rf"(?:{folders})/[\w./-]*|{at_the_root}", span) and "NAME" not in span and span not in MADE:
            assert (ROOT / span).exists(), span


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_names_no_path_of_somebodys_machine(page: Path) -> None:
    assert not re.findall(r"(?<![\w.<])/(?:home|root|tmp|work|usr|Users|opt)/", page.read_text())


# -- exit codes and errors -----------------------------------------------------------------------------------


def kinds() -> dict[str, int]:
    """Return the exit code of every class of error."""
    found = {**vars(errors), **vars(performance), **vars(evidence), **vars(plan), **vars(recalibrating)}
    return {
        name: kind.exit_code
        for name, kind in found.items()
        if isinstance(kind, type) and issubclass(kind, EvergreenError)
    }


@cache
def raised() -> dict[str, set[int]]:
    """Return every code in the source with the exit codes, or HTTP statuses, that it is raised with."""
    codes: dict[str, set[int]] = {}
    for tree in [ast.parse(path.read_bytes()) for path in SOURCES]:
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        found = [re.fullmatch(rf"({ERROR.pattern})(?:: .+)?", text) for text in texts]  # or before what is logged
        codes.update({code[1]: codes.get(code[1], set()) for code in found if code})
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
    text = (REFERENCE / "errors.md").read_text()
    rows = re.findall(r"^\| \[?`([A-Z]+\d{3})`(?:\]\(.*?\))? \| (.*?) \|", text, flags=re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a code is documented twice"
    return {code: set(map(int, re.findall(r"\d+", cell))) for code, cell in rows}


def test_every_error_code_is_documented_and_every_documented_one_exists() -> None:
    assert documented().keys() == raised().keys()


def test_documented_exit_codes_are_those_of_the_errors() -> None:
    # Raised with a status that Starlette or the caller of a function chose.
    elsewhere = {"SRV008": {400, 404, 405}, "SRV050": {400, 422}}
    # Raised where validation ends, with the code of the rule; a rule on rows sets rows aside and ends nothing.
    ending = {code: {3} for code in (*COLUMN_CODES, *TABLE_CODES, "DQ008", "DQ031") if code not in ROW_CODES}
    assert documented() == raised() | elsewhere | ending


def test_exit_code_tables_are_those_of_the_source() -> None:
    of_kinds = re.findall(r"^\| (\d+) \| `(\w+)` \|", (REFERENCE / "errors.md").read_text(), flags=re.MULTILINE)
    base = {name: code for name, code in kinds().items() if name in vars(errors)}
    assert {name: int(code) for code, name in of_kinds} == base
    in_readme = dict(re.findall(r"^\| (\d+) \| (.*?) \|", README.read_text(), flags=re.MULTILINE))
    assert {int(code) for code in in_readme} == {0, *base.values(), INTERRUPTED}
    in_help = dict(re.findall(r"(\d) ([^,.]+)", GROUP.epilog))
    assert {code: said for code, said in in_help.items() if not in_readme[code].startswith(said)} == {}


# -- checks of the gate --------------------------------------------------------------------------------------


def checks() -> dict[str, str]:
    """Return what the page on the gate says of each check, by its code."""
    text = (REFERENCE / "gate.md").read_text().partition("\n## The checks\n")[2].partition("\n## ")[0]
    parts = re.split(r"^### (.+)\n", text, flags=re.MULTILINE)[1:]
    assert len(parts) == 2 * len(set(parts[::2])), "a check is explained twice"
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_check_of_the_gate_has_its_heading_and_every_heading_its_check() -> None:
    trees = [
        ast.parse(path.read_bytes()) for path in (ROOT / "evergreen" / "decisions" / "gate" / "checks").glob("*.py")
    ]
    constants = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    codes = {value for value in constants if isinstance(value, str) and CHECK.fullmatch(value)}
    assert sorted(checks()) == sorted(codes)


def test_section_of_a_check_says_what_it_asks_its_answers_its_parameters_and_what_to_do() -> None:
    fields = {f"gate.{name}" for name in GateParams.model_fields}
    for code, section in checks().items():
        assert re.match(r"\n\*\*[a-z ]+\.\*\* ", section), code
        for part in ("Passes", "Fails", "Cannot tell", "Not applicable", "Set by", "Do"):
            assert f"**{part}:** " in section, (code, part)
        named = set(re.findall(r"`(gate\.\w+)[`:]", section))
        assert named, code
        assert named <= fields, code


def test_every_parameter_of_the_gate_is_named_on_its_page() -> None:
    text = (REFERENCE / "gate.md").read_text()
    assert [name for name in GateParams.model_fields if f"gate.{name}" not in text] == []


# -- rules of the data ---------------------------------------------------------------------------------------


def sections() -> dict[str, str]:
    """Return the section of each code in the page of rules."""
    text = (REFERENCE / "rules.md").read_text()
    anchors = re.findall(r'<a id="(dq\d{3})"></a>\n## (DQ\d{3}): ', text)
    assert all(anchor == code.lower() for anchor, code in anchors)
    assert len(anchors) == len(dict(anchors)) == text.count("<a id=") == text.count("\n## DQ")
    parts = re.split(r'<a id="dq\d{3}"></a>\n', text)[1:]
    return {code: part for (_, code), part in zip(anchors, parts, strict=True)}


def test_every_code_of_the_data_has_one_section_and_every_section_a_code() -> None:
    known = {code for code in raised() if code.startswith("DQ")}
    assert sections().keys() == known


def test_every_rule_that_validation_asks_has_a_section_with_its_default() -> None:
    found = sections()
    settable = {*COLUMN_CODES, *TABLE_CODES}
    for code in {*settable, *ROW_CODES}:
        default = re.findall(r"^- \*\*Default:\*\* (warn|fail)(.*)", found[code], flags=re.MULTILINE)[0]
        assert default[0] == ("warn" if code in WARNED else "fail"), code
        assert ("`columns[].severity`" in default[1]) == (code in COLUMN_CODES), code
        assert ("; `severity`" in default[1]) == (code in TABLE_CODES), code


def test_section_of_a_rule_says_what_it_means_an_example_and_what_to_do() -> None:
    for code, section in sections().items():
        assert re.search(rf"^- \*\*Text:\*\* `{code}[ :]", section, flags=re.MULTILINE), code
        assert re.search(r"^- \*\*Do:\*\* [\w`[]", section, flags=re.MULTILINE), code


def test_short_table_links_every_code_of_the_data_to_its_section() -> None:
    text = (REFERENCE / "errors.md").read_text()
    linked = re.findall(r"^\| \[`(DQ\d{3})`\]\(rules\.md#(dq\d{3})\)", text, flags=re.MULTILINE)
    assert all(code.lower() == anchor for code, anchor in linked)
    assert {code for code, _ in linked} == sections().keys()


def test_page_of_rules_says_which_codes_are_asked_of_rows() -> None:
    text = (REFERENCE / "rules.md").read_text()
    cell = re.findall(r"^\| a row \| .* \| (.*) \|$", text, flags=re.MULTILINE)[0]
    named: set[int] = set()
    for first, last in re.findall(r"`DQ(\d{3})`(?: to `DQ(\d{3})`)?", cell):
        named |= set(range(int(first), int(last or first) + 1))
    assert named == {int(code[2:]) for code in ROW_CODES}


TIME = {"name": "t", "type": "timestamp", "role": "time"}
NUMBER = {"type": "number"}
JANUARY = {"t": ["2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z"], "x": [1, 2]}
FUTURE = {"t": ["2024-01-01T00:00:00Z", "2024-05-03T00:00:00Z"], "x": [1, 2]}
WEATHER = [{"name": "temp", **NUMBER}, {"name": "dewp", **NUMBER}]
DEW = {"name": "dew_point_below_temperature", "left": "dewp", "is": "<=", "right": "temp"}
EXAMPLES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any], dict[str, Any]]] = {
    # rows, columns, what else the contract says, what is known of the source item
    "DQ002": ({"x": ["1", "abc", "3"]}, [NUMBER], {}, {}),
    "DQ003": ({"x": [1, None, 3]}, [{**NUMBER, "nullable": False}], {}, {}),
    "DQ004": ({"x": [1, -31.5, 3]}, [{**NUMBER, "min": 0, "max": 1000, "unit": "USD"}], {}, {}),
    "DQ005": ({"x": ["a", "b", "zz"]}, [{"type": "category", "categories": ["a", "b"]}], {}, {}),
    "DQ006": (
        {"id": [1, 1, 2], "x": [1, 2, 3]},
        [{"name": "id", "type": "integer", "role": "key"}, NUMBER],
        {"key": ["id"]},
        {},
    ),
    "DQ010": ({"x": ["a", "a", "b"]}, [{"type": "text", "role": "ignore", "unique": True}], {}, {}),
    "DQ011": ({"x": ["JFK", "jfk", "LGA"]}, [{"type": "category", "pattern": "[A-Z]{3}"}], {}, {}),
    "DQ012": ({"temp": [20.0, 10.0], "dewp": [10.0, 15.0]}, WEATHER, {"rules": [DEW]}, {}),
    "DQ014": (JANUARY, [TIME, NUMBER], {"freshness_days": 7}, {}),
    "DQ015": ({"x": [1, 2]}, [NUMBER], {"rows": [100, None]}, {}),
    "DQ016": ({"x": [1, 2]}, [NUMBER], {}, {"undeclared": ("fax",)}),
    "DQ017": ({"x": [1, 2]}, [{"type": "integer", "physical": "int64"}], {}, {"physical": {"x": "int32"}}),
    "DQ018": ({"x": [1, None]}, [{**NUMBER, "max_null_share": 0.1}], {}, {}),
    "DQ019": ({"x": [100, 102]}, [{**NUMBER, "mean": [0, 50]}], {}, {}),
    "DQ021": ({"t": ["2024-01-01T00:00:00Z"], "x": [1]}, [TIME, NUMBER], {"time_order": True}, {"unordered": 3}),
    "DQ022": (FUTURE, [TIME, NUMBER], {"future_days": 1}, {}),
    "DQ023": ({"x": [1, 1]}, [NUMBER], {}, {}),
}


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_of_a_rule_is_what_validation_says(code: str) -> None:
    rows, columns, about, source = EXAMPLES[code]
    items = (validated.item(**source),) if source else ()
    run = validated.stream(rows, validated.contract_of(*columns, **about), items=items, today=date(2024, 4, 1))
    broken = [rule for rule in run.results(code) if rule.outcome in ("failed", "warned")]
    assert [str(rule) for rule in broken] == [example(code)]


def example(code: str) -> str:
    """Return the text of a code that the page of rules shows."""
    (shown,) = re.findall(r"^- \*\*Text:\*\* `(.*)`$", sections()[code], flags=re.MULTILINE)
    return str(shown)


def test_examples_of_the_rules_on_the_split_are_what_it_says() -> None:
    few = validated.contract_of(NUMBER, max_overlap=0.01)
    train, test = pd.DataFrame({"x": range(84, 200)}), pd.DataFrame({"x": range(117)})
    with pytest.raises(errors.DataError) as overlapping:
        features.check_overlap(*(ordering.row_hashes(side, few.features) for side in (train, test)), few)
    assert str(overlapping.value) == example("DQ020")
    late = pd.Series([n % 3 == 0 for n in range(300)])
    rows = pd.DataFrame({"x": range(300), "arrival_note": late.map({True: "delayed", False: "on time"}), "late": late})
    target = {"name": "late", "type": "boolean", "role": "target"}
    with pytest.raises(errors.DataError) as telling:
        leakage.check(rows, validated.contract_of(NUMBER, {"name": "arrival_note", "type": "category"}, target), seed=7)
    assert str(telling.value) == example("DQ024")


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
    named = [
        *keys(Buckets, "features.buckets.<name>."),
        *keys(Lookup, "features.lookups.<name>."),
        *keys(History, "features.history.<name>."),
        *keys(ThresholdRule, "evaluate.threshold."),
    ]
    assert sorted(first_cells(REFERENCE / "params.md")) == sorted([*keys(Params), *space, *named])


def test_every_key_of_a_card_is_documented_and_every_documented_one_exists() -> None:
    assert first_cells(REFERENCE / "card.md") == list(keys(CardText))


def test_every_key_of_a_contract_is_documented_and_every_documented_one_exists() -> None:
    kinds = get_args(get_args(Source)[0])
    parts = {
        "source": {key for kind in kinds for key in keys(kind, "source.")},
        "joins": [*(key for key in keys(Join, "joins[].") if key != "joins[].as_of"), *keys(AsOf, "joins[].as_of.")],
        "rules": keys(Rule, "rules[]."),
        "columns": keys(Column, "columns[]."),
    }
    known = [key for key in keys(Contract) if key not in parts] + [key for part in parts.values() for key in part]
    known += [*keys(NumberSpelling), *keys(DecisionPolicy, "decision.")]
    schema = Column.model_json_schema()["properties"]
    roles, policies = schema["role"]["enum"], schema["pii"]["anyOf"][0]["enum"]
    assert sorted(first_cells(REFERENCE / "contract.md")) == sorted([*known, *roles, *policies])


def test_contract_page_says_which_source_has_which_key_and_which_types_there_are() -> None:
    text = (REFERENCE / "contract.md").read_text()
    of_kind = dict(re.findall(r"^\| `source\.(\w+)` \| (.*?) \|", text, flags=re.MULTILINE))
    kinds = {get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in get_args(get_args(Source)[0])}
    for key, cell in of_kind.items():
        having = {name for name, kind in kinds.items() if key in kind.model_fields}
        assert (having == kinds.keys()) if cell == "all" else (set(re.findall(r"`(\w+)`", cell)) == having), key
    of_type = re.findall(r"^\| `columns\[\]\.type` \| yes \| (.*?) \|", text, flags=re.MULTILINE)[0]
    types = Column.model_json_schema()["properties"]["type"]["enum"]
    assert sorted(re.findall(r"`(\w+)`", of_type)) == sorted(types)
    assert sorted(kind for kinds, _, _ in readings() for kind in kinds.split(", ")) == sorted(types)


def readings() -> list[tuple[str, str, str]]:
    """Return the rows of the table that says how values are read: types, what they read, what not."""
    text = (REFERENCE / "contract.md").read_text().partition("## How values are read")[2].partition("\n## ")[0]
    return re.findall(r"^\| ([a-z, ]+) \| (.*) \| (.*) \|$", text, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize(("kinds", "does", "does_not"), readings())
def test_values_are_read_as_the_page_on_the_contract_says(kinds: str, does: str, does_not: str) -> None:
    for kind in kinds.split(", "):
        column = Column.model_validate({"name": "x", "type": kind, "role": "ignore"})
        for cell, is_read in ((does, True), (does_not, False)):
            values = [span for span in re.findall(r"`([^`]+)`", cell) if span != "spelling"]
            rows = pa.RecordBatch.from_pydict({"x": pa.array(values, pa.string())})
            assert (conform(rows, [column], zone="UTC")["x"].is_valid().to_pylist()) == [is_read] * len(values), kind


def test_page_of_parameters_says_what_fits_each_task() -> None:
    rows = re.findall(
        r"^\| (\w+) \| ([a-z, ]+) \| `(\w+)` \| (.*?) \|$", (REFERENCE / "params.md").read_text(), flags=re.M
    )
    shown = {
        task: (set(types.split(", ")), metric, set(re.findall(r"`(\w+)`", of))) for task, types, metric, of in rows
    }
    assert shown == {
        task: ({kind for kind, of in TASKS.items() if of == task}, GATE_METRIC[task], set(FAMILIES[task]))
        for task in FAMILIES
    }


def test_every_setting_is_documented_with_its_default() -> None:
    text = (REFERENCE / "state.md").read_text().partition("## Settings")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text, flags=re.MULTILINE))
    assert rows.keys() == Settings.model_fields.keys()
    shown = {name: cell.strip("`") for name, cell in rows.items() if cell.startswith("`")}
    assert shown == {name: str(Settings.model_fields[name].default) for name in shown}
    assert {name for name in rows if Settings.model_fields[name].default is None} == {
        name for name, cell in rows.items() if cell.startswith(("embedded", "SQLite", "none"))
    }


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| .+ \|$", (REFERENCE / "metrics.md").read_text(), flags=re.M)
    documented = [(name, kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows]
    assert documented == [(family.name, family.kind, family.shown) for family in metric_families.FAMILIES]


def test_every_reason_to_end_a_connection_is_documented() -> None:
    section = (REFERENCE / "metrics.md").read_text().partition("## Connections that")[2].partition("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == [*metric_families.WHYS]


def test_every_cause_of_a_failed_request_is_documented() -> None:
    calls = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call)]
    causes = {
        call.args[1].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "RequestError" and isinstance(call.args[1], ast.Constant)
    }
    section = (REFERENCE / "metrics.md").read_text().partition("## Causes")[2].partition("## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    assert sorted(named) == sorted(causes - {""})


# -- examples ------------------------------------------------------------------------------------------------


def test_readme_shows_the_table_that_replay_prints() -> None:
    shown = README.read_text().split("<!-- table -->")[1].strip().splitlines()[0]
    flights: Any = SimpleNamespace(look=SimpleNamespace(performance=SimpleNamespace(metric="roc_auc")))
    printed = [str(column.header) for column in replay.table("flights", []).columns]  # no months, so no metric's name
    named = [replay.heading(flights) + name if name.startswith(" ") else name for name in printed]
    assert [cell.strip() for cell in shown.strip("|").split("|")] == named


def test_readme_shows_the_table_of_policies_that_a_replay_found() -> None:
    assert README.read_text() == reference.readme(ROOT)
    shown = README.read_text().split("<!-- policies -->")[1]
    kept = json.loads((REFERENCE / reference.REPLAY).read_bytes())
    assert [line.split("|")[1].strip() for line in shown.strip().splitlines()[2:-2]] == [
        row["policy"] for row in kept["rows"]
    ]
    named = re.search(r"^POLICIES \?= (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert named
    assert [row["policy"] for row in kept["rows"]] == [*chosen(named[1])]


def test_request_of_the_serving_page_is_accepted(contract: Contract) -> None:
    body = block(ROOT / "docs" / "how-to" / "serve.md", "json")
    model = Model("0" * 64, contract, FeatureParams(rare_category=5, test_days=1), None, {})  # type: ignore[arg-type]
    assert len(Decoder(model).decode(body.encode()).rows[0]) == len(contract.request_columns)


def commands_of(page: Path, section: str) -> list[list[str]]:
    """Return the command lines of one section of a page, word by word."""
    text = page.read_text().partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [shlex.split(line, comments=True) for line in "".join(lines).splitlines()]


@pytest.fixture(scope="module")
def own_data(
    project: Path, prepared_state: Path, prefect_api_url: str, tmp_path_factory: pytest.TempPathFactory
) -> projects.Small:
    """A project with the table of the how-to, in which the README's two commands have been run."""
    copied = projects.copy_project(project, tmp_path_factory.mktemp("own") / "project")
    small = replace(copied, prefect_api_url=prefect_api_url)
    projects.copy_state(prepared_state, small)
    (small.root / "data").mkdir()
    how_to = ROOT / "docs" / "how-to" / "own-data.md"
    subprocess.run([sys.executable, "-c", block(how_to, "python")], cwd=small.root, check=True)
    shown = list(csv.reader(block(README, "csv").splitlines()))
    with (small.root / "data" / "tumours.csv").open() as made:
        assert [row for row, _ in zip(csv.reader(made), shown, strict=False)] == shown
    for command, *arguments in commands_of(README, "Your own data"):
        assert command == "evergreen"
        done = small.run(*arguments)
        assert done.returncode == 0, done.stderr
    assert "tumours version 1 was promoted" in done.stdout
    return small


@pytest.mark.parametrize("section", ["3. Run it", "4. When the data changes"])
def test_commands_of_the_page_on_own_data_run(own_data: projects.Small, section: str) -> None:
    for command, *arguments in commands_of(ROOT / "docs" / "how-to" / "own-data.md", section):
        if command == "evergreen":
            done = own_data.run(*arguments)
            assert done.returncode == 0, (arguments, done.stderr)
        else:
            subprocess.run([command, *arguments], cwd=own_data.root, check=True)


def test_bad_rows_are_refused_and_read_as_the_page_on_them_says(own_data: projects.Small) -> None:
    page, table = ROOT / "docs" / "how-to" / "bad-rows.md", own_data.root / "data" / "tumours.csv"
    before = table.read_bytes()
    rows = pd.read_csv(table)
    rows.loc[::10, "mean_radius"] = (rows["mean_radius"] * 100).round(1)
    rows.to_csv(table, index=False)
    said = own_data.refused("run", "--params", "configs/tumours/params.yaml", code=3)
    plain = said.replace(f"{own_data.root}/", "")
    shown = re.sub(r"\b(quarantine|docs)-[0-9a-f]{16}", r"\1-<digest>", plain).split()
    assert " ".join(block(page, "", "DQ008").split()) in " ".join(shown)
    read = subprocess.run(
        [sys.executable, "-c", block(page, "python")], cwd=own_data.root, check=True, capture_output=True, text=True
    )
    assert re.search(r"^DQ004 +57$", read.stdout, flags=re.MULTILINE)
    docs = max((own_data.home / "workspace").glob("docs-*"), key=lambda folder: folder.stat().st_mtime)
    assert "mean_radius" in (docs / "results.html").read_text()
    assert (docs / "suite.html").exists()
    table.write_bytes(before)


def test_expectations_of_the_page_on_bad_rows_are_known_to_great_expectations(tmp_path: Path) -> None:
    (tmp_path / "expectations.json").write_text(block(ROOT / "docs" / "how-to" / "bad-rows.md", "json"))
    validated.load()
    assert len(suite.users(own.load(tmp_path / "expectations.json"))) == 2


def test_contract_of_the_reference_is_one() -> None:
    contract = Contract.model_validate(yaml.safe_load(block(REFERENCE / "contract.md", "yaml", "name:")))
    assert contract.task == "binary"
    Column.model_validate(yaml.safe_load(block(ROOT / "docs" / "how-to" / "bad-rows.md", "yaml")))


def test_sources_joins_and_settings_of_the_page_on_sources_are_accepted(contract: Contract) -> None:
    page, kinds = ROOT / "docs" / "how-to" / "sources.md", set()
    for text in [text for language, text in fenced(page) if language == "yaml"]:
        written = yaml.safe_load(text)
        if "source" in written:
            kinds.add(TypeAdapter(Source).validate_python(written["source"]).kind)
        elif "joins" in written:
            for shown, declared in zip([Join(**each) for each in written["joins"]], contract.joins, strict=True):
                assert (shown.source, shown.by, shown.as_of) == (declared.source, declared.by, declared.as_of)
                assert shown.columns.items() <= declared.columns.items()
        else:
            assert Settings(**written).storage
    assert kinds == {"file", "url", "sql", "dvc"}


def test_readme_counts_the_steps_that_dvc_runs() -> None:
    assert (len(STEPS), next(iter(STEPS)), list(STEPS)[-1]) == (6, "ingest", "evaluate")
    assert "the six steps from ingest to evaluate, and the analysis" in README.read_text()
    assert list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]) == [*STEPS, "analyse"]
