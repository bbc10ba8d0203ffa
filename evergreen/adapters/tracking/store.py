"""The MLflow store of an address, and what it means when it does not work."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from evergreen.base.errors import Unavailable, is_of_damage

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
CANDIDATE_TAG = "candidate"
ANEW = (
    "The file is damaged. Restore it from a copy; or delete it and run the same command again: it is made anew, with "
    "the versions of the ledger."
)


@contextmanager
def explain_failure(uri: str) -> Iterator[None]:
    """Turn an MLflow or database failure into one block that says it may be tried again."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise Unavailable(
            "DEP002",
            f"MLflow does not work: {without_password(str(error))}",
            where=without_password(uri),
            next_step=ANEW
            if is_of_damage(error)
            else "Check the address and the disk, then run the same command again.",
        ) from error


def without_password(text: str) -> str:
    """Return text without the passwords of addresses in it."""
    return re.sub(r"(://[^\s/@:]*):[^\s/@]*@", r"\1:***@", text)


def client(uri: str) -> "MlflowClient":
    """Return a client of the store at `uri`, for runs and for versions."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def if_there(ask: Callable[[], T]) -> T | None:
    """Return what MLflow answers, None where it says that what is asked for is not there."""
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
