"""YAML documents checked against a typed model, with the line of the fault and a suggestion."""

import difflib
import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from evergreen.base.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[str | int, ...]
LONGEST_SHOWN = 80
# Beyond what people write: the contract of 2,000 columns has some 60,000 values, four deep.
MAX_BYTES = 8_000_000
MAX_VALUES = 300_000
MAX_DEPTH = 50


class _TooMuch(yaml.MarkedYAMLError):
    """A document that is larger or deeper than people write."""


_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # where libyaml is there, in a sixth of the time


class _Loader(_Safe):  # type: ignore[misc]  # one of two
    """Safe YAML whose every fault is a YAMLError with its line; PyYAML raises a bare ValueError on 2013-02-30."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            problem = f"'{node.value}': {error}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


def read(path: Path) -> tuple[dict[str, Any], dict[Location, int | str]]:
    """Return the mapping in a YAML file and the line (from 1) of each of its keys.

    Raises
    ------
    ConfigError if the file is missing, is not YAML, is larger or deeper than people write, is not a mapping, or repeats
    a key.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError(
            "CFG001",
            "file not found",
            where=str(path),
            next_step="Run the command in the project's folder, or name the right file.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "CFG001",
            f"cannot be read: {error}",
            where=str(path),
            next_step="Make it a UTF-8 text file that this user may read.",
        ) from error
    lines: dict[Location, int | str] = {}
    try:
        loader = _Loader(text)
        node = _composed(loader, text)
        if node is None:  # nothing but comments
            return {}, {}
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(
                "CFG002", "expected a mapping of sections", where=str(path), next_step="Write 'key: value' lines."
            )
        _collect_lines(node, (), lines, path)
        data: dict[str, Any] = loader.construct_document(node)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        problem = problem or str(error).partition("\n")[0]
        raise ConfigError(
            "CFG002",
            problem if isinstance(error, _TooMuch) else f"not valid YAML: {problem}",
            where=f"{path}:{mark.line + 1}" if mark else str(path),
            next_step="Say it in less." if isinstance(error, _TooMuch) else "Correct the file.",
        ) from error
    return data, lines


def value(text: str) -> Any:
    """Return one YAML value, such as an override's; raises yaml.YAMLError whatever is wrong with it."""
    loader = _Loader(text)
    node = _composed(loader, text)
    return loader.construct_document(node) if node else None


def _composed(loader: _Loader, text: str) -> yaml.Node | None:
    """Return the root of a document; raises yaml.YAMLError at once if it is larger or deeper than people write."""
    if len(text) > MAX_BYTES:
        raise _TooMuch(problem=f"larger than {MAX_BYTES / 1e6:g} MB")
    values = depth = 0
    for event in yaml.parse(text, Loader=_Loader):  # nothing is built of it yet
        values += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        _require_small(values, depth, event.start_mark)
    root: yaml.Node | None = loader.get_single_node()
    values, open_nodes = 0, [iter([root] if root else [])]
    while open_nodes:  # once more, each alias as what it stands for
        node = next(open_nodes[-1], None)
        if node is None:
            open_nodes.pop()
            continue
        values += 1
        _require_small(values, len(open_nodes), node.start_mark)
        if isinstance(node, yaml.MappingNode):
            open_nodes.append(chain.from_iterable(node.value))
        elif isinstance(node, yaml.SequenceNode):
            open_nodes.append(iter(node.value))
    return root


def _require_small(values: int, depth: int, mark: Any) -> None:
    if values > MAX_VALUES or depth > MAX_DEPTH:
        what = f"deeper than {MAX_DEPTH}" if depth > MAX_DEPTH else f"more than {MAX_VALUES:,} values"
        raise _TooMuch(problem=f"{what}, each alias counted as what it stands for", problem_mark=mark)


def _collect_lines(node: yaml.Node, at: Location, lines: dict[Location, int | str], path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            line = key.start_mark.line + 1
            if not key.tag.endswith((":str", ":merge")):
                raise ConfigError(
                    "CFG002",
                    f"YAML reads the key {key.value!r} as {key.tag.rpartition(':')[2]}, not as text",
                    where=f"{path}:{line}",
                    next_step="Put it in quotes, or write a name.",
                )
            here = (*at, key.value)
            if here in lines:
                raise ConfigError(
                    "CFG003",
                    f"key '{key.value}' stands twice, first in line {lines[here]}",
                    where=f"{path}:{line}",
                    next_step="Keep one of them.",
                )
            lines[here] = line
            _collect_lines(item, here, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*at, index)] = item.start_mark.line + 1
            _collect_lines(item, (*at, index), lines, path)


def check(
    model: type[Model], data: Mapping[str, Any], *, source: str, lines: Mapping[Location, int | str] | None = None
) -> Model:
    """Return `data` as `model`, or raise ConfigError naming the worst fault, where it stands and a likely spelling.

    Parameters
    ----------
    lines : where each key stands: a line of `source`, or text that says it all, such as a command-line option.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # A misspelt key shows up twice, as unknown and as missing; the first is what was written.
        faults = [details for details in error.errors() if details["type"] == "extra_forbidden"] or error.errors()
        fault, more = faults[0], f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        at: Location = tuple(part for part in fault["loc"] if part != "[key]")
        name = ".".join(map(str, at))
        where = _where(at, source, lines or {})
        if fault["type"] == "extra_forbidden":
            known = _keys_at(model, at[:-1])
            hint = _suggest(str(at[-1]), known) or f"Known here: {', '.join(sorted(known))}."
            raise ConfigError("CFG004", f"unknown key '{name}'{more}", where=where, next_step=hint) from error
        if fault["type"] == "missing":
            what = f"key '{name}' is missing{more}"
            raise ConfigError("CFG005", what, where=where, next_step=f"Add it.{_meaning(model, at)}") from error
        what, hint = fault["msg"].removeprefix("Value error, "), "Correct the value."
        if fault["type"] != "value_error":  # ours speak for themselves, and their input is the whole section
            what += f", got {_shown(fault['input'])}"
        allowed = fault.get("ctx", {}).get("expected") or fault.get("ctx", {}).get("expected_tags")
        if allowed:
            written = fault["ctx"].get("tag", fault["input"])
            hint = _suggest(str(written), re.findall(r"'([^']*)'", allowed)) or hint
        what = (f"'{name}': " if name else "") + what + more
        raise ConfigError("CFG005", what, where=where, next_step=hint + _meaning(model, at)) from error


def _where(at: Location, source: str, lines: Mapping[Location, int | str]) -> str:
    """Return the place of the innermost key of `at` that was written; parts that pydantic adds are stepped over."""
    here: Location = ()
    for part in at:
        here = (*here, part) if (*here, part) in lines else here
    line = lines.get(here, "")
    return f"{source}:{line}" if isinstance(line, int) else line or source


def _suggest(written: str, known: list[str]) -> str:
    close = difflib.get_close_matches(written, known, n=1)
    return f"Did you mean '{close[0]}'?" if close else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _keys_at(root: type[BaseModel], at: Location) -> list[str]:
    """Return the keys that are legal at a location, as they are written in a file."""
    kinds: list[Any] = [root]
    for part in at:
        kinds = [annotation for kind in kinds for annotation in _inside(kind, part)]
    models = [model for kind in kinds for model in _models(kind)]
    return list({field.alias or name: None for model in models for name, field in model.model_fields.items()})


def _meaning(root: type[BaseModel], at: Location) -> str:
    """Return what is written of a field under it, as a sentence to follow another; empty where nothing is."""
    kinds: list[Any] = [root]
    for part in at[:-1]:
        kinds = [annotation for kind in kinds for annotation in _inside(kind, part)]
    fields = [
        field
        for model in (model for kind in kinds for model in _models(kind))
        for name, field in model.model_fields.items()
        if at and at[-1] in (name, field.alias)
    ]
    described = " ".join((fields[0].description or "").split()) if fields else ""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", described)  # a link says its text
    return f" {at[-1]}: {plain}." if plain else ""


def _inside(kind: Any, part: str | int) -> list[Any]:
    """Return the annotations of what lies under `part` of something annotated `kind`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = [field for name, field in kind.model_fields.items() if part in (name, field.alias)]
        return [fields[0].annotation] if fields else [kind]  # no such field: pydantic's name for one of several kinds
    if get_origin(kind) is dict:
        return [get_args(kind)[1]]
    if isinstance(part, int):
        return [argument for argument in get_args(kind) if argument is not Ellipsis]
    return [annotation for argument in get_args(kind) for annotation in _inside(argument, part)]


def _models(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for argument in get_args(kind) for model in _models(argument)]
