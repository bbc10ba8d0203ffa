"""`evergreen serve`, and the check that the packaged champion answers as batch scoring does."""

import json
import math
import os
import sys
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Literal

from cli import children
from evergreen.adapters import packaging
from evergreen.adapters.packaging import Bento
from evergreen.base.errors import IntegrityError, ResourceError, Unavailable, printable
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.learning.model.release import Release
from evergreen.project import Project
from evergreen.record import degree
from evergreen.record.outcomes import VersionFacts
from serving import last_degree, last_served
from serving.listening import listen, warning

READY_SECONDS = 60.0
ANSWERED = ("label", "probability", "value")
TOLERANCE = 1e-9  # one row and many take different paths through onnxruntime or BLAS, which differ in the last bits


class Agreement(Value):
    """Rows that the service and batch scoring both answered.

    `largest`: the greatest difference in probability, or in value, there as a share of the larger one where that is
    above 1.
    """

    rows: int
    largest: float
    seconds_to_ready: float


class Chosen(Value):
    """What is served, and how that is known: the ledger says so, or, while it does not answer, it was served last."""

    release: Release
    bento: Bento
    source: Literal["ledger", "last served"]
    why: str = ""


def serve(
    project: Project,
    announce: Callable[[dict[str, Any]], None],
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
) -> None:
    """Say what will be served and where, and become its service; returns only if it cannot start.

    Raises
    ------
    Unavailable if the ledger does not answer, and nothing was served from here before.
    """
    asked = {"serve_host": host, "serve_port": port, "serve_workers": workers}
    given = {key: value for key, value in asked.items() if value is not None}
    settings = project.settings.model_copy(update=given)
    chosen, argv, environment = start_of(project, settings)
    announce(said_of(chosen, settings))
    sys.stdout.flush()
    os.execve(argv[0], argv, environment)  # noqa: S606  an argument list of ours, no shell


def start_of(project: Project, settings: Settings) -> tuple[Chosen, list[str], dict[str, str]]:
    """Return what is served, and the arguments and the environment that start its service, which follows the ledger.

    Raises
    ------
    ResourceError if something else listens where it would; the rest as `choose`.
    """
    chosen = choose(project)
    following = settings.model_copy(update={"follow_champion": True})
    argv, environment = packaging.command(chosen.bento.path, following, digest=chosen.bento.digest)
    listen(settings.serve_host, settings.serve_port).close()  # a port that is taken is no announcement
    return chosen, [*argv, f"--source={chosen.source}"], environment


def choose(project: Project) -> Chosen:
    """Return what the ledger says is champion; while it does not answer, what was served last, every byte checked.

    Raises
    ------
    Unavailable or ResourceError if the ledger does not answer and there is no such copy; IntegrityError if what is to
    be served is damaged, or the ledger is.
    """
    settings = project.settings
    try:
        champion = project.champion()
    except (Unavailable, ResourceError) as error:
        last = last_served.read(settings.home, project.name)
        if last is None:
            raise
        bento = packaging.check(last.release, settings.home, last.digest, trusted_keys=settings.trusted_keys)
        return Chosen(release=last.release, bento=bento, source="last served", why=str(error))
    bento = champion_bento(project, champion)
    last_degree.write(settings.home, project.name, degree.standing(project.ledger(), project.name))
    return Chosen(release=packaging.release_of(champion), bento=bento, source="ledger")


def said_of(chosen: Chosen, settings: Settings) -> dict[str, Any]:
    """Return what the banner says."""
    url = url_of(settings)
    return {
        "model": chosen.release.model,
        "version": chosen.release.version,
        "url": url,
        "workers": settings.serve_workers,
        "prediction_log": settings.prediction_log,
        "documents": f"{url}/openapi.json" if settings.serve_documents else None,
        "from": chosen.source,
        "why": chosen.why,
        "warning": warning(settings),
    }


def url_of(settings: Settings) -> str:
    """Return where the service of the settings answers."""
    host, port = settings.serve_host, settings.serve_port
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def banner(said: Mapping[str, Any]) -> str:
    """Return what a person reads who starts the service."""
    n, log = said["workers"], said["prediction_log"]
    kept = {
        "strict": "each answer is logged before it is given, or not given",
        "available": "each answer is logged before it is given; one that cannot be is given and counted",
        "off": "no answer is logged",
    }
    lines = [
        f"{said['model']} version {said['version']} on {said['url']}, {n} {'worker' if n == 1 else 'workers'}",
        f"  ask:   POST {said['url']}/predict; {said['documents'] or 'documents are off'}",
        f"  log:   {log}: {kept[log]}",
        "  new champions are taken within 10 s; Ctrl-C stops it, once open requests are answered",
    ]
    if said["warning"]:
        lines.append(f"  warning: {said['warning']}")
    if said["from"] == "last served":
        lines.insert(1, f"  from what was served last, because the ledger does not answer: {said['why']}")
    return "\n".join(map(printable, lines))


def champion_bento(project: Project, champion: VersionFacts) -> Bento:
    """Return the champion's bento, checked before anything of it is parsed, and built again if somebody deleted it.

    Raises
    ------
    IntegrityError if it is damaged, not signed by a trusted key, or cannot be built as the ledger knows it.
    """
    settings, release = project.settings, packaging.release_of(champion)
    if packaging.is_missing(release, settings.home, champion.package):
        return packaging.restore(champion, settings)
    return packaging.check(release, settings.home, champion.package, trusted_keys=settings.trusted_keys)


def check_agreement(project: Project, rows: list[dict[str, Any]]) -> Agreement:
    """Start the champion's service, ask it for `rows`, stop it, and compare with batch scoring.

    Raises
    ------
    IntegrityError if any answer differs.
    """
    import pandas as pd

    from evergreen.learning.model import model, scoring

    champion = project.champion()
    alone = {"serve_host": "127.0.0.1", "serve_port": children.free_port(), "serve_workers": 1}
    settings = project.settings.model_copy(update=alone)
    bento = champion_bento(project, champion)
    argv, environment = packaging.command(bento.path, settings, digest=bento.digest)
    url, run = f"http://127.0.0.1:{settings.serve_port}", settings.home / "run"
    with children.child("service", argv, run=run, environment=environment) as process:
        seconds = children.wait_until_ready(
            process, f"{url}/readyz", seconds=READY_SECONDS, what="the service", log=run / f"service-{os.getpid()}.log"
        )
        answered = ask(url, rows)
    loaded = model.load(project.workspace.path(champion.artifact.uri), champion.artifact.sha256)
    batch = scoring.score_file(pd.DataFrame(rows), loaded, version=champion.version, threshold=champion.threshold)
    expected: list[Any] = batch[[name for name in ANSWERED if name in scoring.added(loaded).names]].to_dict("records")
    largest = max(apart(*pair) for pair in zip(answered, expected, strict=True))
    if largest > TOLERANCE:
        raise IntegrityError(
            "INT007",
            f"the service and batch scoring differ by up to {largest:g}",
            where=url,
            next_step="Do not serve this version; report the two answers.",
        )
    return Agreement(rows=len(rows), largest=largest, seconds_to_ready=seconds)


def apart(answer: Mapping[str, Any], expected: Mapping[str, Any]) -> float:
    """Return how far apart two answers to a row are: 0 when they are equal, infinity when their labels differ."""
    if answer.get("label") != expected.get("label"):
        return math.inf
    field = "value" if "value" in expected else "probability"
    one, other = answer[field], expected[field]
    return float(abs(one - other) / max(1.0, abs(one), abs(other)))


def ask(url: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the service's predictions for rows."""
    request = urllib.request.Request(  # noqa: S310  our own loopback address
        f"{url}/predict", json.dumps({"rows": rows}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310  the same
        predictions: list[dict[str, Any]] = json.load(response)["predictions"]
    return predictions


def example_rows(settings: Settings, champion: VersionFacts, *, n: int) -> list[dict[str, Any]]:
    """Return the last `n` rows that the champion was trained on, as a caller would send them."""
    import pandas as pd

    from evergreen.base.artifacts.workspace import Workspace
    from evergreen.learning.model import model

    ws = Workspace(root=settings.workspace)
    loaded = model.load(ws.path(champion.artifact.uri), champion.artifact.sha256)
    columns = (*loaded.contract.request_columns, *loaded.given)
    rows = ws.read(champion.train, columns=[column.name for column in columns]).tail(n)
    for column in columns:  # in the train table a feature is a number where it can be one
        if column.role == "feature" and column.type == "boolean":
            rows[column.name] = rows[column.name].astype("boolean")
        elif column.role == "feature" and column.type == "timestamp":
            rows[column.name] = pd.to_datetime(rows[column.name], unit="s", utc=True)
    sent: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", date_format="iso", double_precision=15))
    return sent
