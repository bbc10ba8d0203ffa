"""What a person sees of the registry's memory: all of it, and nothing that a terminal would act on."""

import io
from datetime import UTC, datetime

import pytest
import remembered
from remembered import MODEL, digest
from rich.console import Console

from cli import recall, show, show_registry
from cli.recall import Lineage, Standing
from cli.reproduction import Reproduction, StepAgain
from evergreen.decisions.gate.campaign import Level
from evergreen.record.ledger.chain import Entry
from evergreen.record.registry import differences
from evergreen.record.registry.causes import Cause
from evergreen.record.registry.history import Event, Reign
from evergreen.record.registry.lineage import Ancestry, Descent
from evergreen.record.registry.unnamed import Unnamed

HOSTILE = "\x1b[31mred [bold]x[/] [/y]"
SHOWN = "\\x1b[31mred [bold]x[/] [/y]"
AT = datetime(2026, 5, 3, 14, 30, tzinfo=UTC)


@pytest.fixture
def printed(monkeypatch):
    target = io.StringIO()
    console = Console(file=target, width=200, force_terminal=False)
    monkeypatch.setattr(show, "console", console)
    monkeypatch.setattr(show_registry, "console", console)
    return target


def test_standing_says_who_decided_and_until_when(printed):
    payload = {**remembered.facts(3).model_dump(mode="json"), "epoch": 4, "by": HOSTILE, "reason": "reviewed"}
    entry = Entry(seq=9, at=AT, model=MODEL, kind="rollback", key="4", payload=payload, hash="")
    reign = Reign(entry=entry, until=datetime(2026, 5, 4, tzinfo=UTC))
    level = Level(level=0.01, asked=2, spent=0.01, left=0.04, ends=None)
    show_registry.standing(Standing(reign, remembered.facts(3), level, None), at="2026-05-03T15:00")
    text = printed.getvalue()
    assert "At 2026-05-03T15:00 version 3 was champion, until 2026-05-04 00:00:00" in text
    assert f"rollback by {SHOWN}: reviewed" in text


def test_events_are_a_table_with_the_newest_last(printed):
    refused = Event(seq=7, at=AT, kind="judgement", version=None, by="gate", reason=HOSTILE)
    show_registry.events([Event(seq=2, at=AT, kind="promotion", version=1, by="ann", reason="fine"), refused])
    _, first, last = printed.getvalue().splitlines()
    assert first.split() == ["#2", "2026-05-03", "14:30:00", "promotion", "1", "ann", "fine"]
    assert last.rstrip().split(maxsplit=5) == ["#7", "2026-05-03", "14:30:00", "refusal", "gate", SHOWN]


def test_long_history_shows_the_newest_and_says_where_the_others_are(printed):
    decided = [Event(seq=n, at=AT, kind="promotion", version=n, by="ann", reason="fine") for n in range(1, 251)]
    show_registry.events(decided)
    said, _, *rows = printed.getvalue().splitlines()
    assert said == "150 earlier ones are in: evergreen history --json"
    assert [rows[0].split()[0], rows[-1].split()[0], len(rows)] == ["#151", "#250", 100]


def test_nothing_that_was_decided_has_a_next_step(printed):
    show_registry.events([])
    assert "evergreen run" in printed.getvalue()


def test_causes_are_a_tree(printed):
    leaf = Cause(seq=None, at=None, kind="check", what=HOSTILE)
    show_registry.causes([Cause(seq=3, at=AT, kind="promotion", what="version 1 became champion", because=(leaf,))])
    first, last = printed.getvalue().splitlines()
    assert first == "#3 2026-05-03 14:30:00 version 1 became champion"
    assert last == f"└── {SHOWN}"


def test_difference_says_what_is_not_known_and_shows_every_number(printed):
    known = [differences.Known(remembered.facts(version), None) for version in (1, 2)]
    show_registry.difference(differences.compare(*known, predecessors={}))
    text = printed.getvalue()
    assert digest("data 1")[:12] in text
    assert "not known" in text
    assert "version 1 has no proof" in text
    assert "roc_auc │ 0.8000    │ 0.8000    │ +0.0000" in text


def test_difference_of_proven_versions_shows_parameters_intervals_and_packages(printed, visited):
    remembered.prove(visited)
    found = recall.difference(visited, "2", "2")
    metric = differences.MetricDifference(values=(0.81, 0.84), difference=0.03, intervals=((0.7, 0.9), (0.75, 0.95)))
    columns = differences.Columns(added=("x",), removed=("y",), retyped={"z": ("integer", "number")})
    changed = found.model_copy(
        update={
            "params": {"tune.trials": (1, 5)},
            "metrics": {"roc_auc": metric},
            "data": found.data.model_copy(update={"columns": columns}),
            "code": found.code.model_copy(update={"packages": {"numpy": ("2.0", "2.1")}}),
            "paired": {"version": 2, "against": 1, "text": "roc_auc +0.0120 [-0.0040, +0.0280]"},
        }
    )
    show_registry.difference(changed)
    text = printed.getvalue()
    for part in (
        "1 parameters differ", "tune.trials", "0.8100 [0.7000, 0.9000]", "0.8400 [0.7500, 0.9500]", "+0.0300",
        "columns added: x", "columns removed: y", "columns retyped: z: integer to number", "numpy",
        "held version 2 against version 1 on the same rows: roc_auc +0.0120 [-0.0040, +0.0280]",
    ):  # fmt: skip
        assert part in text


def test_lineage_is_a_tree_of_a_version_or_a_line_for_each_thing(printed):
    items = {f"{HOSTILE}{n:02}.csv": digest(n) for n in range(25)}
    version = Ancestry(
        version=3, champion=(AT.isoformat(),), data=digest("d"), rows=1000, datasets=(digest("s"),), items=items,
        train=digest("t"), code=digest("c"), params=digest("p"), model=digest("m"), parent=2, bento="visits:v3",
        received=f"{HOSTILE}, version 5", sent=("production, version 7", "other, refused"),
    )  # fmt: skip
    made = (
        Descent(kind="file", name=digest("f"), versions=(1, 2), champions=(2,)),
        Descent(kind="dataset", name=digest("s"), versions=(), champions=()),
    )
    show_registry.lineage(Lineage(asked="3", version=version, made=made))
    text = printed.getvalue()
    for part in (
        "champion since (UTC): 2026-05-03 14:30", "1,000 rows", f"from dataset {digest('s')[:12]}", SHOWN,
        "received from", "sent to production, version 7", "sent to other, refused",
        "and from 5 more files", "held against version 2", "commit not known",
        f"file {digest('f')[:12]}: versions 1, 2 were made from it",
        f"dataset {digest('s')[:12]}: no version was made from it",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(("deleted", "says"), [(True, "deleted"), (False, "evergreen gc deletes them")])
def test_unnamed_things_are_listed_with_their_size(printed, deleted, says):
    things = [Unnamed(path=f"workspace/{HOSTILE}{n}", kind="artifact", size=2**20, modified=AT) for n in range(25)]
    show_registry.unnamed(things, deleted=deleted)
    text = printed.getvalue()
    assert "25 things, of which 20 are shown (all: --json), 25.0 MiB, " in text
    assert says in text
    assert SHOWN in text
    show_registry.unnamed([], deleted=deleted)
    assert "Nothing: whatever is kept is named" in printed.getvalue()


@pytest.mark.parametrize("same", [True, False])
def test_reproduction_names_what_differs(printed, same):
    now = "a" if same else "b"
    step = StepAgain(name="train", same=same, artifacts={"model": ("a", now), "baseline": ("c", "c")})
    found = Reproduction(
        version=3,
        same=same,
        first_difference=None if same else "train",
        metrics={"roc_auc": (0.81, 0.81 if same else None)},
        predictions=("p", "p" if same else None),
        steps=(step,),
        environment={"python": ("3.11.1", "3.12.0")},
        code="commit abc",
    )
    show_registry.reproduction(found)
    text = printed.getvalue()
    assert "python was 3.11.1, and is 3.12.0 here" in text
    assert ("The same: metrics" in text) == same
    assert ("'train' is the first step that differs" in text) == (not same)
    assert ("differs │ model" in text) == (not same)
