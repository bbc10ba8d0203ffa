"""Receipts: what an output was made of and what it holds, beside it, so that what is there is not made again."""

import json
from pathlib import Path

from pydantic import ValidationError

from evergreen.base.files import file_digest, write_bytes
from evergreen.base.values import Value


class Receipt(Value):
    """What is known of an output: `made_of` names everything that decides its bytes; `sha256` is of them.

    `logged`: whether its rows stand in the prediction log.
    """

    made_of: str
    sha256: str
    rows: int
    refused: int
    logged: bool


def path_of(output: Path) -> Path:
    """Return where an output's receipt lies: beside it, where nobody takes it for data."""
    return output.with_name(f".{output.name}.receipt.json")


def read(output: Path) -> Receipt | None:
    """Return the receipt of an output that is whole; None where either is not there, or does not fit the other."""
    try:
        receipt = Receipt.model_validate(json.loads(path_of(output).read_bytes()))
        return receipt if file_digest(output) == receipt.sha256 else None
    except (OSError, ValueError, ValidationError):
        return None


def write(output: Path, receipt: Receipt) -> None:
    """Put a receipt beside an output that is in place."""
    write_bytes(path_of(output), receipt.model_dump_json().encode())
