from exposed import alone, another

from cli import rollouts
from evergreen.record import rollouts as recorded
from evergreen.record.registry.people import person
from flows import promotion, rollout


def test_status_of_a_rollout_whose_champion_changed_says_so(visited, monkeypatch) -> None:
    alone(monkeypatch)
    another(visited)
    another(visited, 3)
    assert rollouts.standing(visited) == {"model": "visits", "rollout": None}
    rollout.begin(visited, 2, by="Ada", reason="newer")
    promotion.promote(visited, 3, person("Eve", "mine"))
    found = rollouts.standing(visited)
    assert (found["next"], found["checks"]) == ("hold", [])
    assert "version 3 is champion since" in found["why"]


def test_rollout_is_told_in_a_line(visited, monkeypatch) -> None:
    alone(monkeypatch)
    another(visited)
    rollout.begin(visited, 2, by="Ada", reason="newer")
    told = rollouts.told(recorded.under_way(visited.ledger(), "visits"))
    assert rollouts.line(told) == "rollout-1 of version 2: at shadow of shadow,5,25,50,100, Ada: newer"
