"""The champion: promotions form a chain of growing epochs, one wins, and a forged one shows."""

import pytest
from children import child, go, say

from evergreen.base.errors import IntegrityError, LostRace
from evergreen.record.ledger.champions import Decision
from evergreen.record.ledger.ledger import Ledger


@pytest.mark.parametrize(
    ("statement", "model"),
    [
        ("UPDATE champions SET version = 4 WHERE model = 'm'", "m"),
        ("UPDATE champions SET epoch = 3 WHERE model = 'm'", "m"),
        ("DELETE FROM champions WHERE model = 'other'", "other"),
        ("INSERT INTO champions (model, epoch, version) VALUES ('new', 1, 1)", "new"),
        ("DELETE FROM entries WHERE seq >= 5", "m"),
    ],
)
def test_verify_finds_a_champion_that_was_never_promoted(story, sql, statement, model):
    sql(statement)
    with pytest.raises(IntegrityError, match=f"champion of '{model}' is not the version that was promoted last"):
        story.verify()


@pytest.mark.parametrize(("epoch", "predecessor"), [(3, 4), (3, None), (4, 5)])
@pytest.mark.parametrize("kind", ["promotion", "rollback"])
def test_verify_finds_a_promotion_that_does_not_follow_the_one_before(story, kind, epoch, predecessor):
    # the hashes fit, since the ledger itself made them
    story.record("m", kind, str(epoch), {"epoch": epoch, "version": 9, "predecessor": predecessor})
    with pytest.raises(IntegrityError, match="breaks at entry 7 "):
        story.verify()


def test_promotions_form_a_chain_of_growing_epochs(opened):
    for epoch, version in enumerate([3, 5, 3, 8]):  # 3 comes back by a rollback
        champion = opened.promote("m", version, {"why": "gate"}, expected_epoch=epoch)
        assert (champion.epoch, champion.version) == (epoch + 1, version)
        assert opened.champion("m") == champion
    log = [entry.payload for entry in opened.entries("m", "promotion")]
    assert [entry["epoch"] for entry in log] == [1, 2, 3, 4]
    assert [entry["version"] for entry in log] == [3, 5, 3, 8]
    assert [entry["predecessor"] for entry in log] == [None, 3, 5, 3]
    assert all(entry["why"] == "gate" for entry in log)
    assert opened.find("m", "promotion", "3").payload["version"] == 3


def test_payload_of_a_promotion_cannot_claim_another_version(opened):
    opened.promote("m", 3, {"version": 9, "epoch": 9, "predecessor": 9}, expected_epoch=0)
    payload = opened.entries("m")[0].payload
    assert (payload["version"], payload["epoch"], payload["predecessor"]) == (3, 1, None)


def test_models_have_champions_of_their_own(opened):
    opened.promote("m", 1, {}, expected_epoch=0)
    assert opened.champion("other") is None
    opened.promote("other", 7, {}, expected_epoch=0)
    assert (opened.champion("m").version, opened.champion("other").version) == (1, 7)


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_promotion_that_expects_another_epoch_loses_and_changes_nothing(opened, expected):
    opened.promote("m", 1, {}, expected_epoch=0)
    champion = opened.promote("m", 2, {}, expected_epoch=1)
    before = opened.entries("m")
    with pytest.raises(LostRace) as caught:
        opened.promote("m", 3, {}, expected_epoch=expected)
    assert caught.value.code == "RACE001"
    assert f"(epoch 2, expected {expected})" in caught.value.what
    assert opened.champion("m") == champion
    assert opened.entries("m") == before


def test_of_processes_that_promote_at_once_exactly_one_wins(opened, url):
    opened.promote("m", 1, {}, expected_epoch=0)
    body = (
        "ledger = Ledger(sys.argv[1])\nwait('ready')\n"
        "print(ledger.promote('m', int(sys.argv[2]), {}, expected_epoch=1).version, flush=True)"
    )
    with child(body, url, 2) as a, child(body, url, 3) as b, child(body, url, 4) as c:
        for process in (a, b, c):
            assert say(process) == "ready"
        for process in (a, b, c):
            go(process)
        answers = [say(process) for process in (a, b, c)]
        codes = sorted(process.wait() for process in (a, b, c))
    assert codes == [0, 6, 6]
    winner = next(answer for answer in answers if answer != "RACE001")
    assert opened.champion("m").version == int(winner)
    assert [entry.payload["version"] for entry in opened.entries("m", "promotion")] == [1, int(winner)]
    assert opened.verify() == 2


def test_promotion_whose_facts_cannot_be_written_changes_nothing(opened):
    opened.promote("m", 1, {}, expected_epoch=0)
    facts: dict = {}
    facts["itself"] = facts
    with pytest.raises(ValueError, match="Circular"):
        opened.promote("m", 2, facts, expected_epoch=1)
    assert opened.champion("m").version == 1
    assert opened.verify() == 1


@pytest.mark.parametrize("facts", [{}, {"epoch": 3}, {"epoch": [3], "version": {}, "predecessor": 5}])
def test_verify_finds_a_promotion_of_another_shape(story, facts):
    story.record("m", "promotion", "3", facts)
    with pytest.raises(IntegrityError, match="breaks at entry 7 "):
        story.champion("m")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET payload = '{\"threshold\": 0.05}' WHERE seq = 2",
        "UPDATE entries SET payload = 'no JSON' WHERE seq = 6",
        "DELETE FROM champions WHERE model = 'm'",
        "UPDATE champions SET version = 4 WHERE model = 'm'",
    ],
)
def test_nothing_is_read_from_a_ledger_that_was_edited_nor_added_to_it(story, url, sql, statement):
    sql(statement)
    for ledger in (story, Ledger(url)) if "champions" in statement else (Ledger(url),):
        for asked in (
            lambda to: to.champion("m"),
            lambda to: to.entries("m"),
            lambda to: to.find("m", "decision", "1"),
            lambda to: to.record("m", "decision", "9", {}),
            lambda to: to.promote("m", 9, {}, expected_epoch=2),
            lambda to: to.number("m", "candidate"),
        ):
            with pytest.raises(IntegrityError, match="INT005"):
                asked(ledger)
        ledger.close()


def test_rollback_is_a_change_of_the_champion_like_a_promotion(opened):
    for epoch, (version, kind) in enumerate([(1, "promotion"), (2, "promotion"), (1, "rollback")]):
        opened.promote("m", version, {"by": "ann"}, expected_epoch=epoch, kind=kind)
    assert opened.champion("m").version == 1
    assert [(entry.kind, entry.key, entry.payload["predecessor"]) for entry in opened.changes("m")] == [
        ("promotion", "1", None),
        ("promotion", "2", 1),
        ("rollback", "3", 2),
    ]
    assert opened.verify() == 3


def test_what_a_person_decided_is_recorded_with_the_promotion_or_not_at_all(opened):
    approval = Decision(kind="approval", key="1", payload={"by": "ann"})
    with pytest.raises(LostRace):
        opened.promote("m", 1, {}, expected_epoch=5, because=approval)
    assert opened.entries("m") == []
    opened.promote("m", 1, {}, expected_epoch=0, because=approval)
    assert [entry.kind for entry in opened.entries("m")] == ["approval", "promotion"]


def test_ledger_gives_every_candidate_one_number_and_no_number_twice(opened):
    assert [opened.number("m", candidate) for candidate in ("a", "b", "a", "c")] == [1, 2, 1, 3]
    assert opened.number("other", "a") == 1
    opened.promote("m", 7, {}, expected_epoch=0)  # of a ledger that gave out no numbers
    assert opened.number("m", "d") == 8
    assert opened.number("m", "e", taken={9, 12}) == 13
    assert opened.number("m", "e", taken={9, 12}) == 13
    assert opened.number("m", "e", taken={13}) == 14
    assert opened.number("m", "e") == 14


def test_numbers_that_processes_ask_for_at_once_are_all_different(opened, url):
    body = (
        "ledger = Ledger(sys.argv[1])\nwait('ready')\n"
        "print(*(ledger.number('m', f'{sys.argv[2]}-{n}') for n in range(10)), flush=True)"
    )
    with child(body, url, "a") as a, child(body, url, "b") as b, child(body, url, "c") as c:
        for process in (a, b, c):
            assert say(process) == "ready"
        for process in (a, b, c):
            go(process)
        given = [int(number) for process in (a, b, c) for number in say(process).split()]
    assert sorted(given) == list(range(1, 31))


def test_entry_that_forbids_a_promotion_is_looked_for_in_the_same_transaction(opened):
    opened.record("m", "rejection", "3", {"by": "Ada"})
    with pytest.raises(LostRace, match="version 3 of 'm' cannot become champion any more: rejection by Ada") as caught:
        opened.promote(
            "m", 3, {}, expected_epoch=0, unless=("rejection", "3"), because=Decision(kind="a", key="3", payload={})
        )
    assert caught.value.code == "RACE005"
    assert opened.champion("m") is None
    assert [entry.kind for entry in opened.entries("m")] == ["rejection"]
    assert opened.promote("m", 4, {}, expected_epoch=0, unless=("rejection", "4")).version == 4


def test_entry_under_a_champion_is_recorded_once_and_not_under_another(opened):
    first = opened.record_under("m", "proposal", "2", {"epoch": 0}, expected_epoch=0)
    assert opened.record_under("m", "proposal", "2", {"epoch": 9}, expected_epoch=0) == first
    opened.promote("m", 1, {}, expected_epoch=0)
    with pytest.raises(LostRace) as caught:
        opened.record_under("m", "proposal", "3", {}, expected_epoch=0)
    assert caught.value.code == "RACE001"
    assert opened.find("m", "proposal", "3") is None
