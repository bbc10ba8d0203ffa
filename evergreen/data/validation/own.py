"""Expectations that a user adds to the contract's rules, in Great Expectations' own JSON."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value


class Expectation(Value):
    """One expectation by its type, such as expect_column_median_to_be_between, and its arguments."""

    type: str
    kwargs: dict[str, Any]


def load(path: Path) -> tuple[Expectation, ...]:
    """Return the expectations in a file: a list of objects with type and kwargs, or a suite that has it. No file, none.

    Raises
    ------
    ConfigError if the file holds anything else.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise _not_expectations(path, str(error)) from error
    listed = document.get("expectations") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise _not_expectations(path, "neither a list nor a suite with a list named expectations")
    try:
        return tuple(
            Expectation.model_validate({name: entry.get(name) for name in ("type", "kwargs")} if isinstance(entry, dict)
                                       else entry)
            for entry in listed
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"])) or "an entry"
        raise _not_expectations(path, f"{at}: {first['msg']}") from error


def _not_expectations(path: Path, what: str) -> ConfigError:
    return ConfigError(
        "CFG031",
        f"not a list of expectations: {what}",
        where=str(path),
        next_step='Write [{"type": "expect_...", "kwargs": {...}}], or delete the file.',
    )
