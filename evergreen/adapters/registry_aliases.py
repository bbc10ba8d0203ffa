"""A quick look at where MLflow's aliases point, without MLflow: for commands that answer at once."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import sqlalchemy as sa

from evergreen.base import sqlite_files
from evergreen.base.values import Value

ANSWER_SECONDS = 1.0
ALIASES = sa.text("SELECT alias, version FROM registered_model_aliases WHERE name = :name")


class RegistryLook(Value):
    """Where MLflow's alias `champion` points; `as_ledger` is None where it could not be looked at."""

    champion: int | None
    as_ledger: bool | None


def compare(uri: str, name: str, version: int) -> RegistryLook:
    """Return where the alias `champion` points, and whether that is at the champion's version."""
    found = look(uri, name)
    if found is None:
        return RegistryLook(champion=None, as_ledger=None)
    champion = found.get("champion")
    return RegistryLook(champion=champion, as_ledger=champion == version)


def look(uri: str, name: str) -> Mapping[str, int] | None:
    """Return the version of each alias of a model, by one request or one statement that reads.

    None where it cannot be looked at: nothing answers within ANSWER_SECONDS, or the store is another one than a server
    or a SQLite file. A store that knows nothing of the model has no aliases.
    """
    if uri.startswith(("http://", "https://")):
        return _of_server(uri, name)
    file = sqlite_files.path_of(uri)
    return _of_file(file, name) if file else None


def _of_server(uri: str, name: str) -> Mapping[str, int] | None:
    parts = urlsplit(uri)
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
    request = urllib.request.Request(  # noqa: S310  http or https, as look has checked
        f"{address}/api/2.0/mlflow/registered-models/get?name={quote(name, safe='')}"
    )
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(secret.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:  # noqa: S310  the same
            found = json.load(response)["registered_model"].get("aliases", [])
        return {each["alias"]: int(each["version"]) for each in found}
    except urllib.error.HTTPError as error:
        return {} if error.code == HTTPStatus.NOT_FOUND else None
    except (OSError, ValueError, KeyError):
        return None


def _of_file(path: Path, name: str) -> Mapping[str, int] | None:
    if not path.exists():
        return {}
    address = sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("registered_model_aliases"):
                return {}
            return {row.alias: int(row.version) for row in connection.execute(ALIASES, {"name": name})}
    except sa.exc.DatabaseError:
        return None
    finally:
        engine.dispose()
