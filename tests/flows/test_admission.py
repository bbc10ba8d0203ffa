"""What keeps a version out of service, whoever wants it in."""

import pytest

from evergreen.adapters.packaging import building
from evergreen.base.errors import GateRefused, IntegrityError
from evergreen.project import Project
from evergreen.record.outcomes import version_facts
from flows.admission import require_no_approval, require_whole


@pytest.fixture
def built(monkeypatch) -> list[int]:
    """The versions whose packages were built."""
    made: list[int] = []
    monkeypatch.setattr(building, "build", lambda *_, **__: made.append(1))
    return made


def test_version_is_whole_while_each_file_of_it_is_what_was_written_and_a_package_that_is_gone_is_built(visited, built):
    facts = version_facts(visited.ledger(), "visits", 1)
    require_whole(visited, facts)
    assert built == [1]

    rows = visited.workspace.path(facts.train.uri)
    rows.write_bytes(rows.read_bytes() + b"x")
    with pytest.raises(IntegrityError) as caught:
        require_whole(visited, facts)
    assert caught.value.code == "INT002"


def test_rule_that_needs_a_person_is_not_passed_by_and_another_one_is(visited):
    facts = version_facts(visited.ledger(), "visits", 1)
    assert facts.judged.rule == "first"
    require_no_approval(Project.open(overrides=["approval.required=[refresh]"]), visited.ledger(), facts)
    with pytest.raises(GateRefused) as caught:
        require_no_approval(Project.open(overrides=["approval.required=[first]"]), visited.ledger(), facts)
    assert caught.value.code == "GATE004"
