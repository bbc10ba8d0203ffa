"""What an error says to do next can be done: each command, option, parameter, setting and file that it names exists."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.advice import command, kept, options_of
from cli.main import app
from evergreen.config.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
WINGS = ("cli", "evergreen", "flows", "serving", "tasks")
ERRORS = {
    "CompiledError", "ConfigError", "DataError", "EvergreenError", "GateRefused", "IntegrityError", "LostRace",
    "RequestError", "ResourceError", "Unavailable",
}  # fmt: skip
NAMES = {"next_step", "hint", "advice", "otherwise", "again", "MENDS", "NEXT_STEP", "TRAIN", "AGAIN", "ANEW"}
COMMANDS = typer.main.get_command(app)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
OURS = re.compile(r"\bevergreen((?: [a-z][a-z-]*)+)([^.;`]*)")
KEY = re.compile(r"(?<![\w./-])([a-z_]+)\.([a-z_]+)(?![\w./])")
SECRET = "…"  # stands for what is known only when the advice is given
OTHERS = {"--force": "dvc repro"}  # options of other programs, each with the words before it


def text_of(node: ast.expr) -> Iterator[str]:
    """Yield every text that an expression may be, with SECRET for what is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            part.value if isinstance(part, ast.Constant) else SECRET if isinstance(part, ast.FormattedValue) else ""
            for part in node.values
        )
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from text_of(part.value)
    elif isinstance(node, ast.IfExp):
        yield from text_of(node.body)
        yield from text_of(node.orelse)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = list(text_of(node.left)) or [""], list(text_of(node.right)) or [""]
        yield from (a + b for a in left for b in right)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from text_of(value)
    elif isinstance(node, (ast.Tuple, ast.List)):
        for value in node.elts:
            yield from text_of(value)


def advised(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every next step that a module may give."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg in ("next_step", "next"):
                    yield from ((node.lineno, text) for text in text_of(keyword.value))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
            if names & NAMES:
                yield from ((node.lineno, text) for text in text_of(node.value))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = [*node.args.posonlyargs, *node.args.args][::-1]
            defaults = [*zip(given, node.args.defaults[::-1], strict=False)]
            defaults += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            for argument, default in defaults:
                if argument.arg in NAMES and default is not None:
                    yield from ((node.lineno, text) for text in text_of(default))


FILES = sorted(path for wing in WINGS for path in (ROOT / wing).rglob("*.py"))
ADVICE = [
    pytest.param(text, id=f"{path.relative_to(ROOT)}:{line}")
    for path in FILES
    for line, text in advised(path)
    if text.strip()
]
ROWS = re.findall(r"^\|.*\|(.*)\|$", (ROOT / "docs/reference/errors.md").read_text(), re.MULTILINE)


def sections() -> dict[str, set[str]]:
    """Return what may be written before and behind a dot: sections of the parameters, and parts of a contract."""
    schema = json.loads((ROOT / "docs/reference/params.schema.json").read_text())
    found: dict[str, set[str]] = {}
    for name, about in schema["properties"].items():
        referred = about.get("$ref") or next((one.get("$ref") for one in about.get("allOf", ()) if "$ref" in one), None)
        if referred:
            found[name] = set(schema["$defs"][referred.rpartition("/")[2]].get("properties", ()))
    from evergreen.config.contract import sources

    kinds = [kind for kind in vars(sources).values() if isinstance(kind, type) and hasattr(kind, "model_fields")]
    found["source"] = {field for kind in kinds for field in kind.model_fields}
    return found


SECTIONS = sections()


def faults(text: str) -> Iterator[str]:
    """Yield what a next step names that there is not."""
    for found in OURS.finditer(text):
        words = found[1].split()
        named, used = command(words, COMMANDS)
        if not used:
            yield f"no command 'evergreen {words[0]}'"
            continue
        if getattr(named, "commands", None):
            yield f"'evergreen {' '.join(words[:used])}' is a group, no command"
        for option in OPTION.findall(found[2]):
            if option not in options_of(named) and option not in every_option():
                yield f"'evergreen {' '.join(words[:used])}' has no {option}"
    for option in OPTION.findall(text):
        if option not in every_option() and OTHERS.get(option, SECRET) not in text:
            yield f"no command has {option}"
    for section, key in KEY.findall(text):
        if section in SECTIONS and key not in SECTIONS[section]:
            yield f"no key {section}.{key}"
    for name in re.findall(rf"\b{PREFIX}([A-Z_]+)\b", text):
        if name.strip("_") and name.lower() not in Settings.model_fields:
            yield f"no setting {PREFIX}{name}"
    for name in re.findall(r"`?\bmake ([a-z-]+)`", text) + re.findall(r"(?:Run|:|this:) make ([a-z-]+)\b", text):
        if f"\n{name}:" not in (ROOT / "Makefile").read_text():
            yield f"no target {name} in the Makefile"
    for name in re.findall(r"\b((?:configs|docs|evergreen|tasks|flows|cli|serving)/[\w/]+\.\w+)", text):
        if not (ROOT / name).exists():
            yield f"no file {name}"


def every_option() -> set[str]:
    """Return the options of all commands; each knows --help besides its own."""
    found = {"--help"}
    waiting: list[Any] = [COMMANDS]
    while waiting:
        one = waiting.pop()
        found |= options_of(one)
        waiting += getattr(one, "commands", {}).values()
    return found


def test_advice_is_found_where_it_is_given() -> None:
    assert len(ADVICE) > 280
    assert len(ROWS) > 200


@pytest.mark.parametrize("text", ADVICE)
def test_next_step_names_only_what_there_is(text: str) -> None:
    assert list(faults(text)) == []


@pytest.mark.parametrize("text", [row.strip() for row in ROWS])
def test_next_step_of_the_reference_names_only_what_there_is(text: str) -> None:
    assert list(faults(text)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Train one: evergreen runn", "no command 'evergreen runn'"),
        ("evergreen data", "'evergreen data' is a group, no command"),
        ("Say it: evergreen data ls --colour", "'evergreen data ls' has no --colour"),
        ("Lower tune.folds, or tune.trails", "no key tune.trails"),
        ("Set source.pth in the contract", "no key source.pth"),
        ("Set EVERGREEN_HOMME", "no setting EVERGREEN_HOMME"),
        ("Run `make everything`", "no target everything in the Makefile"),
        ("Add it to evergreen/learning/none.py", "no file evergreen/learning/none.py"),
    ],
)
def test_what_there_is_not_is_seen(text: str, fault: str) -> None:
    assert fault in list(faults(text))


@pytest.mark.parametrize("text", [each for each in ADVICE if "evergreen " in str(each.values[0])])
def test_every_advised_command_keeps_the_users_own_parameters_and_environment(text: str) -> None:
    told = kept(text, ["run", "--params", "configs/b/params.yaml", "--env=prod"], COMMANDS)
    for found in OURS.finditer(told):
        named, used = command(found[1].split(), COMMANDS)
        for option, value in (("--params", "configs/b/params.yaml"), ("--env", "prod")):
            if option in options_of(named) and f"{option} " not in text:
                assert f"{option} {value}" in told[found.start() :]
        assert used


def errors_without_a_next_step() -> list[str]:
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = {keyword.arg for keyword in node.keywords}
            if name in ERRORS - {"RequestError"} and not given & {"next_step", None}:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_every_error_says_what_to_do_next() -> None:
    assert errors_without_a_next_step() == []
