"""A rollout through a real service: what people begin and advance, it answers by, and the looks read what it logged."""

from collections.abc import Iterator
from pathlib import Path

import parameters
import promoted
import pytest
import released
from divided import records, register
from exposed import alone
from projects import wait_for
from promoted import Serving

from evergreen.config.params.params import Params
from evergreen.project import Asked, Project
from evergreen.record.registry.people import person
from flows import rollout

ADA = person("Ada", "it looks right")
QUICK = ("rollout.min_hours=0", "rollout.min_rows=20", "rollout.slo_p99_ms=null")


@pytest.fixture
def served(tmp_path: Path, project: Path, monkeypatch) -> Iterator[tuple[Serving, Project]]:
    alone(monkeypatch)
    monkeypatch.setattr(rollout, "require_whole", lambda *_: None)
    with promoted.serving(tmp_path / "home", project) as serving:
        register(serving.settings, serving.package(2))
        opened = Project(
            asked=Asked(),
            settings=serving.settings,
            params=Params.load(parameters.FILE, QUICK),
            contract=released.CONTRACT,
        )
        yield serving, opened


def versions(serving: Serving, times: int = 8) -> list[int]:
    """Return which version answered each of some rows, which are sent again and again."""
    answers = []
    for _ in range(times):
        response = serving.client.post("/predict", json={"rows": released.requests(5)})
        assert response.status_code == 200, response.text
        body = response.json()
        answers += [each.get("version", body["version"]) for each in body["predictions"]]
    return answers


def figures(found, name: str):
    (check,) = [check for check in found.decision.checks if check.name == name]
    return check.figures


def test_service_answers_by_each_step_of_a_rollout_and_looks_read_what_it_logged(served) -> None:
    serving, opened = served
    home = serving.settings.home
    rollout.begin(opened, 2, plan="shadow,50,100", by="Ada", reason="newer")
    serving.reload()
    assert {*versions(serving)} == {1}
    wait_for(lambda: len(records(home, "shadows")) == 40, "the shadow was asked about all rows")
    assert figures(rollout.look(opened), "rows")["rows"] == 40

    rollout.advance(opened, ADA)
    serving.reload()
    by = versions(serving)
    assert {*by} == {1, 2}
    looked = rollout.look(opened)
    assert figures(looked, "rows")["rows"] == by.count(2)
    assert figures(looked, "failures")["failed"] == 0
    assert looked.decision.exposed == by.count(2)

    rollout.advance(opened, ADA)
    serving.reload()
    assert serving.answered() == 2
    assert {*versions(serving)} == {2}


def test_service_gives_all_of_the_traffic_back_when_a_rollout_is_aborted_and_the_next_begins_from_nothing(
    served,
) -> None:
    serving, opened = served
    for number in (1, 2, 3):
        rollout.begin(opened, 2, plan="50,100", by="Ada", reason="newer")
        serving.reload()
        by = versions(serving)
        assert {*by} == {1, 2}
        assert figures(rollout.look(opened), "rows")["rows"] == by.count(2)
        rollout.abort(opened, person("Ada", f"enough of {number}"))
        serving.reload()
        assert {*versions(serving, times=2)} == {1}
