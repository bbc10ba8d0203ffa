"""The running service takes each champion whole or keeps what it has, whatever is wrong with the one or the ledger."""

import gc
import json
import logging
import pickle
import shutil
import socket
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import keys
import promoted
import pytest
import released
from projects import wait_for
from promoted import Serving

from evergreen.base import databases
from evergreen.base.artifacts.folders import MANIFEST
from evergreen.learning.model.package import seal_package
from evergreen.record.outcomes import VersionFacts
from serving import last_served, swap


@pytest.fixture
def serving(tmp_path: Path, project: Path) -> Iterator[Serving]:
    with promoted.serving(tmp_path / "home", project) as serving:
        yield serving


def logged(caplog: pytest.LogCaptureFixture, text: str) -> int:
    """Return how often the service logged a text."""
    return sum(text in record.getMessage() for record in caplog.records if record.name.startswith("serving"))


def test_promotion_and_rollback_are_taken_without_being_asked_for(serving, caplog):
    caplog.set_level(logging.INFO)
    assert (serving.answered(), serving.ready()["from"]) == (1, "ledger")

    for version, kind in [(2, "promotion"), (3, "promotion"), (1, "rollback")]:
        serving.promote(version, kind)
        wait_for(lambda version=version: serving.answered() == version, f"version {version} answers")
        ready = serving.ready()
        assert (ready["version"], ready["from"], ready["status"]) == (version, "ledger", "ready")

    wait_for(lambda: serving.counted("swapped") == 3, "each is counted once it answers")
    assert logged(caplog, "version 3 answers now") == 1


def test_reload_takes_the_champion_at_once_and_says_what_came_of_it(serving):
    assert serving.reload() == {"outcome": "unchanged", "version": 1, "champion": 1, "why": ""}
    serving.promote(2)

    outcome = serving.reload()

    assert (outcome["version"], outcome["champion"]) == (2, 2)
    assert outcome["outcome"] in ("swapped", "unchanged")  # the thread may have been first
    assert serving.answered() == 2


def test_reload_is_for_administrators(serving):
    assert serving.client.post("/admin/reload").status_code == 401


def damage(path: Path, **_: object) -> None:
    with (path / "src" / "model" / "contract.json").open("a") as file:
        file.write(" ")


def add(path: Path, **_: object) -> None:
    (path / "src" / "sitecustomize.py").write_text("")


def exchange(path: Path, serving: Serving, **_: object) -> None:
    """Put another version's package in its place, whole in itself."""
    other = promoted.path_of(serving.package(3), serving.settings.home)
    shutil.rmtree(path)
    shutil.copytree(other, path)


@pytest.mark.parametrize("spoil", [damage, add, exchange])
def test_champion_whose_package_is_not_the_one_of_the_ledger_is_refused(serving, caplog, spoil):
    path = promoted.path_of(serving.package(2), serving.settings.home)
    serving.package(3)
    known = serving.package(2)
    spoil(path, serving=serving)
    promoted.promote(serving.settings, known)

    outcomes = [serving.reload() for _ in range(3)]

    assert {(each["outcome"], each["version"], each["champion"]) for each in outcomes} == {("refused", 1, 2)}
    assert "INT018" in outcomes[0]["why"]
    assert (serving.answered(), serving.ready()["version"]) == (1, 1)
    assert logged(caplog, "champion 2 is refused") == 1
    assert serving.counted("refused") == 1


def sealed_with(serving: Serving, version: int, change: Callable[[Path], None]) -> VersionFacts:
    """Return the facts of a version whose bundle was changed before anybody made its digests."""
    path = promoted.path_of(serving.package(version), serving.settings.home)
    bundle = path / "src"
    change(bundle / "model")
    manifest = json.loads((bundle / "model" / MANIFEST).read_bytes())
    for entry in manifest["files"]:
        content = (bundle / "model" / entry["path"]).read_bytes()
        entry["size"], entry["sha256"] = len(content), promoted.sha256(content)
    written = json.dumps(manifest, indent=1, sort_keys=True).encode()
    (bundle / "model" / MANIFEST).write_bytes(written)
    release = promoted.release_at(bundle).model_copy(update={"model_digest": promoted.sha256(written)})
    (bundle / "release.json").write_text(release.model_dump_json())
    digest = seal_package(path)
    place = promoted.bentos.path_of(release, serving.settings.home)
    path.rename(place)
    return promoted.facts(release, digest)


def other_golden_rows(model: Path) -> None:
    path = model / "compiled" / "golden.json"
    golden = json.loads(path.read_bytes())
    golden["estimates"][7] = 1 - golden["estimates"][7]
    path.write_text(json.dumps(golden))


def no_graph(model: Path) -> None:
    (model / "compiled" / "graph.onnx").write_bytes(b"not one")


def no_contract(model: Path) -> None:
    (model / "contract.json").write_text("{}")


def half_a_pipeline(model: Path) -> None:
    path = model / "model.skops"
    path.write_bytes(path.read_bytes()[:-1_000])


def foreign_pipeline(model: Path) -> None:
    (model / "model.skops").write_bytes(pickle.dumps({"model": 1}))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_golden_rows, "CMP002"),
        (no_graph, "CMP001"),
        (no_contract, "INT003"),
        (half_a_pipeline, "INT019"),
        (foreign_pipeline, "INT019"),
    ],
)
def test_champion_that_does_not_answer_as_it_should_is_refused_until_a_better_one_comes(serving, caplog, change, why):
    promoted.promote(serving.settings, sealed_with(serving, 2, change))

    outcome = serving.reload()

    assert (outcome["outcome"], outcome["version"]) == ("refused", 1)
    assert why in outcome["why"]
    assert serving.answered() == 1
    serving.promote(3)
    wait_for(lambda: serving.answered() == 3, "the next champion is taken")
    assert logged(caplog, "champion 2 is refused") == 1


def test_champion_that_no_trusted_key_signed_is_refused_and_taken_once_it_is(tmp_path, project):
    trusted = tmp_path / "keys" / "trusted"
    trusted.mkdir(parents=True)
    key, _ = keys.pair(tmp_path / "keys" / "team.pem", trusted / "team.pem")
    with promoted.serving(tmp_path / "home", project, trusted_keys=trusted) as serving:
        serving.promote(2)
        assert "INT017" in serving.reload()["why"]
        assert serving.answered() == 1

        seal_package(promoted.path_of(serving.package(2), serving.settings.home), signing_key=key)

        assert serving.reload()["outcome"] == "swapped"
        assert serving.answered() == 2


def test_champion_that_was_refused_is_not_loaded_again_until_somebody_asks(serving):
    path = promoted.path_of(serving.package(2), serving.settings.home)
    whole = shutil.copytree(path, path.with_name("whole"))
    known = serving.package(2)
    damage(path)
    promoted.promote(serving.settings, known)
    assert serving.reload()["outcome"] == "refused"
    shutil.rmtree(path)
    whole.rename(path)

    assert [serving.service.follower.look().outcome for _ in range(3)] == ["refused"] * 3
    assert serving.answered() == 1
    assert serving.reload()["outcome"] == "swapped"
    assert serving.answered() == 2


def test_champion_whose_package_is_not_here_yet_is_taken_when_it_is(serving, caplog):
    known = serving.package(2)
    path = promoted.path_of(known, serving.settings.home)
    elsewhere = path.rename(path.with_name("elsewhere"))
    promoted.promote(serving.settings, known)

    assert {serving.service.follower.look().outcome for _ in range(3)} == {"waiting"}
    assert (serving.answered(), serving.ready()["status"]) == (1, "ready")
    assert logged(caplog, "champion 2 is not here yet") == 1

    elsewhere.rename(path)
    wait_for(lambda: serving.answered() == 2, "it is taken")


def with_other_code(model: Path) -> None:
    with (model.parent / "evergreen" / "learning" / "features" / "rowwise.py").open("a") as file:
        file.write("# newer\n")


def with_other_code_and_answers(model: Path) -> None:
    with_other_code(model)
    other_golden_rows(model)


def with_other_code_and_without_golden_rows(model: Path) -> None:
    with_other_code(model)
    manifest = json.loads((model / MANIFEST).read_bytes())
    kept = [entry for entry in manifest["files"] if not entry["path"].startswith("compiled/")]
    (model / MANIFEST).write_text(json.dumps({**manifest, "files": kept}))
    shutil.rmtree(model / "compiled")


def test_champion_of_other_code_is_taken_if_its_golden_rows_prove_it(serving):
    promoted.promote(serving.settings, sealed_with(serving, 2, with_other_code))

    outcome = serving.reload()

    assert outcome["outcome"] == "swapped"
    assert "evergreen/learning/features/rowwise.py runs after a restart" in outcome["why"]
    assert serving.answered() == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [(with_other_code_and_answers, "CMP002"), (with_other_code_and_without_golden_rows, "SRV032")],
)
def test_champion_of_other_code_that_is_not_proved_waits_for_a_restart(serving, caplog, change, why):
    promoted.promote(serving.settings, sealed_with(serving, 2, change))

    outcome = serving.reload()

    assert (outcome["outcome"], outcome["version"]) == ("restart", 1)
    assert "rowwise.py" in outcome["why"]
    assert why in outcome["why"]
    assert serving.answered() == 1
    assert logged(caplog, "champion 2 is for a restart") == 1


def test_ledger_that_is_away_changes_nothing_and_is_said_once(serving, caplog):
    caplog.set_level(logging.INFO)
    ledger = serving.settings.home / "ledger.db"
    away = ledger.rename(ledger.with_name("away.db"))

    assert {serving.service.follower.look().outcome for _ in range(5)} == {"unavailable"}

    assert (serving.answered(), serving.ready()["status"]) == (1, "ready")
    assert not ledger.exists()
    assert logged(caplog, "the ledger does not") == 1
    away.rename(ledger)
    serving.promote(2)
    wait_for(lambda: serving.answered() == 2, "the ledger is followed again")


def test_ledger_that_was_changed_promotes_nobody(serving, caplog):
    serving.package(2)
    with sqlite3.connect(serving.settings.home / "ledger.db") as connection:
        connection.execute("UPDATE champions SET version = 2, epoch = 2")
    connection.close()

    outcome = serving.service.follower.look(anew=True)

    assert outcome.outcome == "unavailable"
    assert "INT005" in outcome.why
    assert (serving.answered(), serving.ready()["version"]) == (1, 1)


def test_service_that_follows_nothing_says_so_when_it_is_asked(tmp_path, project):
    known = promoted.package(tmp_path, 1, project)
    settings = promoted.Settings(home=tmp_path, admin_token=promoted.TOKEN)
    with promoted.answering(promoted.create_app(promoted.path_of(known, tmp_path) / "src", settings)) as client:
        answer = client.post("/admin/reload", headers={"Authorization": f"Bearer {promoted.TOKEN}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "SRV031")
        assert client.get("/readyz").json()["from"] == "package"
    assert not (tmp_path / "ledger.db").exists()


def test_what_answers_is_kept_as_the_copy_to_start_from(serving):
    def kept() -> int | None:
        last = last_served.read(serving.settings.home, promoted.MODEL)
        return last and last.release.version

    wait_for(lambda: kept() == 1, "version 1 is kept")
    serving.promote(2)
    assert serving.reload()["version"] == 2
    wait_for(lambda: kept() == 2, "version 2 is kept")


def test_model_that_was_replaced_is_freed(serving):
    models = [weakref.ref(serving.service.served.model)]
    serving.answered()

    for version in (2, 3, 1):
        serving.promote(version)
        serving.reload()
        assert serving.answered() == version
        models.append(weakref.ref(serving.service.served.model))

    def freed() -> bool:
        gc.collect()
        return [model() is None for model in models] == [True, True, True, False]

    wait_for(freed, "all but the last are freed")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that lets everybody in and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def not_answering(home: Path, project: Path, port: int) -> AbstractContextManager[httpx.Client]:
    """Serve version 1, which follows a ledger that accepts connections and never answers."""
    known = promoted.package(home, 1, project)
    settings = promoted.Settings(
        home=home,
        follow_champion=True,
        admin_token=promoted.TOKEN,
        package_digest=known.package,
        ledger_url=f"postgresql+psycopg://nobody@127.0.0.1:{port}/ledger",
    )
    return promoted.answering(promoted.create_app(promoted.path_of(known, home) / "src", settings))


def asked_to_reload(client: httpx.Client) -> tuple[int, str, str]:
    answer = client.post("/admin/reload", headers={"Authorization": f"Bearer {promoted.TOKEN}"})
    return answer.status_code, answer.json()["outcome"], answer.json()["why"]


def test_ledger_that_hangs_is_given_up_and_answers_go_on(tmp_path, project, silent_port, monkeypatch):
    monkeypatch.setitem(databases.PATIENCE, "connect_timeout", 2)
    with not_answering(tmp_path, project, silent_port) as client:
        status, outcome, why = asked_to_reload(client)

        assert (status, outcome) == (409, "unavailable")
        assert "connection timeout expired" in why
        assert client.post("/predict", json={"rows": released.requests(1)}).json()["version"] == 1


def test_reload_waits_no_longer_for_a_ledger_than_an_ending_service_can(tmp_path, project, silent_port, monkeypatch):
    monkeypatch.setattr(swap, "RELOAD_SECONDS", 0.2)
    with not_answering(tmp_path, project, silent_port) as client:
        found = [asked_to_reload(client) for _ in range(3)]
        ready = client.get("/readyz").json()

    assert {each[:2] for each in found} == {(409, "unavailable")}
    assert "no answer within 0.2 s" in found[0][2]
    assert (ready["status"], ready["version"]) == ("ready", 1)
