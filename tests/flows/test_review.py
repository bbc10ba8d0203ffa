"""The review flow on a real Prefect server: a person answers through the API, as the UI does when a run is resumed."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
import released
from prefect.events.worker import EventsWorker
from prefect.exceptions import ObjectNotFound
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from evergreen.adapters.packaging import building
from evergreen.base.errors import ConfigError, LostRace
from evergreen.config.params.approval import ApprovalParams
from evergreen.config.params.ingest import IngestParams
from evergreen.project import Project
from evergreen.record.outcomes import champion_facts
from evergreen.record.registry import people
from flows import promotion, review
from tasks import mirror

SECONDS = 120.0


@pytest.fixture
def proposed(visited: Project, monkeypatch) -> Project:
    """A project whose version 2 waits for Ada."""
    monkeypatch.setattr(review, "POLL_SECONDS", 1)
    monkeypatch.setattr(building, "build", lambda *_, **__: None)
    monkeypatch.setattr(promotion, "require_same_data", lambda *_: None)  # which has tests of its own
    monkeypatch.setattr(mirror, "follow", lambda *_, **__: None)
    return visited


def propose(project: Project, *, seconds: float = SECONDS) -> None:
    ledger = project.ledger()
    facts = champion_facts(ledger, "visits")
    judged = facts.judged.model_copy(update={"verdict": "proposed", "version": 2, "promoted_at": None})
    waits = facts.model_copy(update={"version": 2, "judged": judged, "candidate": "other"})
    ledger.record("visits", "version", "2", waits.model_dump(mode="json"))
    policy = ApprovalParams(required=("refresh",), by=("Ada",), within_hours=seconds / 3600)
    people.propose(ledger, waits, policy, epoch=1, period=IngestParams(), now=datetime.now(UTC))


class Person(threading.Thread):
    """Answers a review that pauses, one answer a pause, and keeps what the form said each time."""

    def __init__(self, url: str, *answers: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.answers, self.forms, self.refusals = list(answers), [], []
        self.client = httpx.Client(base_url=url, timeout=30)
        self.begun = datetime.now(UTC)

    def run(self) -> None:
        with self.client:
            self.answer()

    def answer(self) -> None:
        seen: set[str] = set()
        deadline = time.monotonic() + SECONDS
        while self.answers and time.monotonic() < deadline:
            for run in self.paused():
                keyset = run["state"]["state_details"]["run_input_keyset"]
                if keyset["schema"] in seen:
                    continue
                form = self.client.get(f"flow_runs/{run['id']}/input/{keyset['description']}")
                if form.status_code != 200:
                    continue  # not written yet
                answer = self.answers.pop(0)
                done = self.client.post(f"flow_runs/{run['id']}/resume", json={"run_input": answer}).json()
                if done["status"] == "REJECT":  # by the server: the form is still there
                    self.refusals.append(done["details"]["reason"])
                    continue
                seen.add(keyset["schema"])
                self.forms.append(form.json())
            time.sleep(0.05)

    def paused(self) -> list[dict]:
        since = {"start_time": {"after_": (self.begun - timedelta(minutes=1)).isoformat()}}
        found = {
            "flows": {"name": {"any_": ["review"]}},
            "flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}, **since},
        }
        return self.client.post("flow_runs/filter", json=found).json()


@pytest.fixture
def server(prefect_api_url: str) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: prefect_api_url}):
        yield prefect_api_url
        for worker in (APILogWorker, EventsWorker):  # while it still listens
            worker.drain_all(timeout=SECONDS)


def answered(server: str, *answers: dict[str, str], **asked) -> tuple[str, Person]:
    person = Person(server, *answers)
    person.start()
    said = review.review(**asked)
    person.join()
    return said, person


def test_answer_in_prefects_form_approves_by_that_door_after_those_that_do_not_hold(proposed, server):
    propose(proposed)
    said, person = answered(
        server,
        {"decision": "perhaps", "by": "Ada", "reason": "why"},  # which the server refuses
        {"decision": "approve", "by": " ", "reason": "fine"},
        {"decision": "approve", "by": "Eve", "reason": "fine"},
        {"decision": "approve", "by": "Ada", "reason": "the slices look right"},
    )
    assert said == "version 2 of 'visits' was approved by Ada: the slices look right"
    assert champion_facts(proposed.ledger(), "visits").version == 2
    (approval,) = proposed.ledger().entries("visits", "approval")
    assert approval.payload == {"version": 2, "by": "Ada", "reason": "the slices look right", "door": "prefect"}
    assert len(person.refusals) == 1
    first, second, third = person.forms
    assert "Version 2 of visits" in first
    assert "Who may: Ada." in first
    assert "CFG070" in second
    assert "GATE003" in third


def test_answer_in_prefects_form_rejects(proposed, server):
    propose(proposed)
    said, _ = answered(server, {"decision": "reject", "by": "Eve", "reason": "worse at night"}, version=2)
    assert said == "version 2 of 'visits' was rejected by Eve: worse at night"
    assert champion_facts(proposed.ledger(), "visits").version == 1
    with pytest.raises(ConfigError, match="STA011"):
        review.review(version=2)


def test_nobodys_answer_in_time_is_a_rejection_by_the_policy(proposed, server):
    propose(proposed, seconds=2)
    with pytest.raises(ConfigError, match="rejected by policy"):
        review.review()
    assert proposed.ledger().find("visits", "rejection", "2").payload["by"] == "policy"


def test_answer_that_comes_too_late_for_the_champion_ends_the_review(proposed, server):
    propose(proposed)
    facts = champion_facts(proposed.ledger(), "visits").model_dump(mode="json")
    proposed.ledger().promote("visits", 1, facts, expected_epoch=1)
    with pytest.raises(LostRace, match="RACE004"):
        answered(server, {"decision": "approve", "by": "Ada", "reason": "fine"}, version=2)


def test_nothing_that_waits_and_no_such_version_are_said_at_once(proposed):
    for version, code in ((None, "STA013"), (7, "STA004"), (1, "STA013")):
        with pytest.raises(ConfigError) as caught:
            review.waiting(proposed, version)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("verdict", "deployment", "asks"),
    [("proposed", "d", True), ("proposed", None, False), ("promoted", "d", False), (None, "d", False)],
)
def test_review_is_asked_for_once_where_a_deployment_proposed_a_version(verdict, deployment, asks, monkeypatch):
    started = []
    monkeypatch.setattr(review, "runtime", SimpleNamespace(deployment=SimpleNamespace(id=deployment)))
    monkeypatch.setattr(review, "run_deployment", lambda name, **given: started.append((name, given)))
    outcome = verdict and released.judged("visits", 2, "d").model_copy(update={"verdict": verdict})
    review.request(outcome, "staging", "params.yaml")
    assert [name for name, _ in started] == ["review/staging"] * asks
    for _, given in started:
        assert given["parameters"] == {"env": "staging", "params_file": "params.yaml", "version": 2}
        assert (given["timeout"], given["idempotency_key"]) == (0, "review-visits-2")


def test_deployment_that_is_not_served_is_said_and_no_fault(monkeypatch, caplog):
    def none(*_, **__):
        raise ObjectNotFound(ValueError("no such deployment"))

    monkeypatch.setattr(review, "runtime", SimpleNamespace(deployment=SimpleNamespace(id="d")))
    monkeypatch.setattr(review, "run_deployment", none)
    outcome = released.judged("visits", 2, "d").model_copy(update={"verdict": "proposed"})
    review.request(outcome, "staging", "params.yaml")
    assert "no flow asks for version 2" in caplog.text
