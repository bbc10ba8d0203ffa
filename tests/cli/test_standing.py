"""How a model stands, on a terminal and for `status`: now or at a past time, with a word and a shape for each state."""

import io
from datetime import UTC, datetime, timedelta

import pytest
import remembered
import stood
from rich.console import Console
from stood import at, look, looked, promote, week

from cli import standing
from evergreen.base.errors import ConfigError
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Logged, columns_of
from evergreen.record.standing import assemble
from evergreen.record.standing.values import WORSE, Part, tile

EVIL = "[red]all[/red] \x1b[31mmissing"


@pytest.fixture
def shown(monkeypatch):
    def shown(found, *, width=200) -> str:
        text = io.StringIO()
        monkeypatch.setattr(standing, "console", Console(file=text, width=width))
        standing.show(found)
        return text.getvalue()

    return shown


@pytest.fixture
def stands(tmp_path):
    """Return how a model stands after a look that found something."""

    def stands(**changes):
        ledger = stood.ledger_in(tmp_path)
        promote(ledger, 1, at("03-01"))
        looked(ledger, look(*week(0), **changes))
        return assemble.standing(ledger, stood.MODEL, at=at("03-09T03:00"))

    return stands


def test_sentence_is_first_and_each_tile_has_its_state_and_what_it_says(shown, stands):
    found = stands(harm=stood.BROKEN)
    first, *lines = shown(found).splitlines()
    assert first == found.sentence
    told = {line.split()[2]: line for line in lines if line.split()[0] in standing.SHAPES.values()}
    assert [*told] == ["Serving", "Data", "Harm", "Freshness", "Decisions"]
    for one in found.tiles:
        assert told[one.name].split()[:2] == [standing.SHAPES[one.state], one.state]
        assert told[one.name].rstrip().endswith(one.headline)


def test_nothing_is_to_be_done_where_all_is_well(shown, stands):
    assert "next: " not in shown(stands())


def test_what_to_do_is_said_of_what_is_worst(shown, stands):
    text = shown(stands(harm=stood.BROKEN, estimated=stood.estimated(0.6, loss=0.2)))
    assert text.count("next: ") == 1
    assert "next: Nothing explains it yet; what to do: docs/runbooks/harm.md" in text


def test_every_state_has_a_shape_of_its_own(shown, stands):
    parts = [Part(name="p", state=state, says=f"it is {state}", resolve="look") for state in WORSE]
    found = stands().model_copy(update={"tiles": tuple(tile("Data", part) for part in parts)})
    lines = [line.split() for line in shown(found).splitlines() if " Data " in line]
    assert [line[1] for line in lines] == list(WORSE)
    assert len({line[0] for line in lines}) == len(WORSE)


def test_terminal_does_not_act_on_what_data_says(shown, stands):
    text = shown(stands(faults=stood.broken_column(EVIL)))
    assert "broken: [red]all[/red] \\x1b[31mmissing" in text
    assert "\x1b" not in text


def test_narrow_terminal_shows_all_of_it(shown, stands):
    found = stands(harm=stood.BROKEN)
    text = "".join(shown(found, width=60).split())
    assert "".join(found.sentence.split()) in text
    assert all(one.state in text and one.name in text for one in found.tiles)


def test_program_gets_the_sentence_the_tiles_and_the_incidents(stands):
    found = stands(harm=stood.BROKEN)
    told = standing.told(found)
    assert told.keys() == {"sentence", "tiles", "incidents"}
    assert [one["state"] for one in told["tiles"]] == [one.state for one in found.tiles]
    assert [one["title"] for one in told["incidents"]] == ["the promise is broken"]


def test_page_is_written_over_the_one_before(stands, tmp_path):
    page = tmp_path / standing.PAGE
    page.write_text("of yesterday " * 100_000)
    standing.write(stands(), page)
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert page.read_text().endswith("</html>\n")


def test_now_is_told_with_the_next_look_and_a_past_time_without(fresh):
    remembered.make_champion(fresh.ledger(), 1)
    now = standing.found(fresh, None)
    assert (now.past, now.champion.version) == (False, 1)
    assert timedelta(0) < now.next_look - now.at <= timedelta(days=1)
    assert (now.next_look.hour, now.next_look.minute) == (2, 0)  # as the settings say: "0 2 * * *"
    before = standing.found(fresh, "2001-01-01")
    assert (before.past, before.champion, before.next_look) == (True, None, None)
    assert before.at == datetime(2001, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("text", "said"), [("yesterday", "expected a time"), ("2999-01-01", "in the future")])
def test_time_that_is_none_or_to_come_is_refused(fresh, text, said):
    with pytest.raises(ConfigError, match=said):
        standing.found(fresh, text)


def test_report_tells_what_waits_for_people_and_the_past_does_not_know_it(fresh):
    log = PredictionLog(fresh.settings.predictions)
    columns = columns_of(fresh.contract)
    values = [None] * len(columns.features)
    log.append(
        columns, [Logged(name, 0, "visits", 1, "ab" * 32, values, decision="referred") for name in log.new_ids(2)]
    )
    log.close()
    now = standing.with_review(fresh, standing.found(fresh, None))
    assert (now.review.waiting, now.review.referred) == (2, 2)
    assert standing.with_review(fresh, now.model_copy(update={"past": True, "review": None})).review is None
