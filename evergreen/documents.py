"""YAML documents checked against a typed model, with the line of the fault and a suggestion."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from evergreen.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[str | int, ...]


def read(path: Path) -> tuple[dict[str, Any], dict[Location, int]]:
    """Return the mapping in a YAML file and the line (from 1) of each of its keys.

    Raises
    ------
    ConfigError if the file is missing, is not YAML, is not a mapping, or repeats a key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            "CFG001",
            "file not found",
            where=str(path),
            next_step="Run the command in the project's folder, or name the right file.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("CFG001", f"cannot be read: {error}", where=str(path)) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError("CFG002", f"not valid YAML: {getattr(error, 'problem', error)}", where=where) from error
    if not isinstance(data, dict) or node is None:
        raise ConfigError("CFG002", "expected a mapping of sections", where=str(path))
    lines: dict[Location, int] = {}
    _collect_lines(node, (), lines, path)
    return data, lines


def _collect_lines(node: yaml.Node, at: Location, lines: dict[Location, int], path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, key.value)
            if here in lines:
                raise ConfigError(
                    "CFG003",
                    f"key '{key.value}' stands twice, first in line {lines[here]}",
                    where=f"{path}:{key.start_mark.line + 1}",
                    next_step="Keep one of them.",
                )
            lines[here] = key.start_mark.line + 1
            _collect_lines(value, here, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*at, index)] = value.start_mark.line + 1
            _collect_lines(value, (*at, index), lines, path)


def check(
    model: type[Model], data: Mapping[str, Any], *, source: str, lines: Mapping[Location, int] | None = None
) -> Model:
    """Return `data` as `model`, or raise ConfigError naming the first fault, its line and a likely spelling."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fault = error.errors()[0]
        at: Location = tuple(fault["loc"])
        line = next((lines[at[:n]] for n in range(len(at), 0, -1) if lines and at[:n] in lines), None)
        where = f"{source}:{line}" if line else source
        name = ".".join(str(part) for part in at)
        if fault["type"] == "extra_forbidden":
            known = _fields_at(model, at[:-1])
            close = difflib.get_close_matches(str(at[-1]), known, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else f"Known here: {', '.join(sorted(known))}."
            raise ConfigError("CFG004", f"unknown key '{name}'", where=where, next_step=hint) from error
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        got = "" if fault["type"] == "missing" else f", got {fault['input']!r}"
        raise ConfigError(
            "CFG005", f"'{name}': {fault['msg']}{got}{more}", where=where, next_step="Correct the value."
        ) from error


def _fields_at(model: type[BaseModel], at: Location) -> list[str]:
    """Return the field names that are legal at a location, following nested models through their annotations."""
    kinds: list[Any] = [model]
    for part in at:
        following: list[Any] = []
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                field = kind.model_fields.get(str(part))
                following += _models_in(field.annotation) if field else [kind]
        kinds = following
    return [name for kind in kinds for name in kind.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
