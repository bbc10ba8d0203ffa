"""The page's tables: what stands in each cell, what is unknown says so, and how many lines are left out."""

import html
import re

import experimented
import pytest
import stood
from stood import at, look, looked, promote, week

from evergreen.decisions.experiments.bandits import Tally, Thompson
from evergreen.decisions.experiments.verdict import Decision
from evergreen.record import bandits
from evergreen.record.bandits import Plan
from evergreen.record.experiments.kept import Ended, Experiment
from evergreen.record.standing import tables
from evergreen.record.standing.assemble import standing

EVIL = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """How a model stands after a look that led to a training."""
    ledger = stood.ledger_in(tmp_path_factory.mktemp("ledger"))
    promote(ledger, 1, at("03-01"))
    one = looked(ledger, look(*week(0), decision=stood.DUE))
    stood.retrained(ledger, one, "promoted", version=2)
    return standing(ledger, stood.MODEL, at=at("03-09T03:00"))


def read(shown):
    """Return the rows of a table as a person reads them, by the names of their columns."""
    body = shown.partition("<tbody>")[2]
    return [
        {name: html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for name, cell in cells}
        for cells in (re.findall(r'data-l="([^"]*)">(.*?)</td>', row) for row in body.split("</tr>"))
        if cells
    ]


def window(healthy, **change):
    return read(tables.windows([healthy.windows[0].model_copy(update=change)]))[0]


def decision(healthy, **change):
    found = healthy.model_copy(update={"decisions": (healthy.decisions[0].model_copy(update=change),)})
    return read(tables.decisions(found))[0]


def inputs(healthy, *changes):
    columns = [healthy.inputs[0].model_copy(update=change) for change in changes]
    return tables.inputs(healthy.model_copy(update={"inputs": tuple(columns)}))


def test_window_is_told_in_figures(healthy):
    assert window(healthy, rows=12_345) == {
        "window": "2 to 8 Mar 2026",
        "version": "v1",
        "rows": "12,345",
        "measured": "0.8000 0.780 to 0.820",
        "estimated": "0.7900",
        "loss": "0.1200",
        "promised": "0.1500",
        "labels due": "700",
        "came": "98%",
    }


def test_what_was_not_measured_is_unknown_and_never_a_number(healthy):
    none = dict.fromkeys(("value", "low", "high", "estimated", "loss", "promised", "coverage"))
    row = window(healthy, **none)
    assert [row[name] for name in ("measured", "estimated", "loss")] == ["unknown"] * 3
    assert (row["promised"], row["came"]) == ("nothing", "")


def test_last_windows_stand_with_the_newest_first_and_the_rest_is_counted(healthy):
    found = [healthy.windows[0].model_copy(update={"version": n}) for n in range(1, 16)]
    shown = tables.windows(found)
    assert [row["version"] for row in read(shown)] == [f"v{n}" for n in range(15, 3, -1)]
    assert "and 3 before: evergreen report --json" in shown
    assert "and " not in tables.windows(found[:12])


def test_decision_is_told_with_what_came_of_it(healthy):
    assert decision(healthy) == {
        "window": "2 to 8 Mar 2026",
        "decided": "retrain",
        "why": "retrain: harm decided by harm",
        "came of it": "version 2 promoted",
        "cost": "40 s",
        "gained": "+0.0120 roc_auc",
    }


@pytest.mark.parametrize(
    ("change", "came"),
    [
        ({"outcome": "proposed", "became": 3}, "version 3 proposed"),
        ({"outcome": "refused", "became": None}, "refused"),
        ({"outcome": None}, "nothing yet"),
        ({"outcome": None, "decision": "keep"}, ""),
    ],
)
def test_decision_came_to_a_version_a_refusal_or_nothing(healthy, change, came):
    assert decision(healthy, **change)["came of it"] == came


def test_decision_without_cost_or_gain_has_none_and_a_loss_has_its_sign(healthy):
    row = decision(healthy, cost=None, gain=None, rung="refit", would_change=("a gain above 0.01", "more labels"))
    assert (row["cost"], row["gained"]) == ("", "")
    assert " ".join(row["decided"].split()) == "retrain refit"
    assert row["why"].endswith("otherwise with: a gain above 0.01; more labels")
    assert decision(healthy, gain=-0.004)["gained"].startswith("-0.0040")


def test_input_is_told_by_its_effect_beside_the_greatest(healthy):
    shown = inputs(healthy, {"name": "city", "effect": 0.4, "moved": -1.25}, {"effect": 0.1})
    city, age = read(shown)
    assert (city["column"], city["effect on answers"], city["moved"]) == ("city", "0.400", "-1.25")
    assert age["effect on answers"] == "0.100"
    assert re.findall(r"width:([\d.]+)%", shown) == ["100.0", "25.0"]
    assert "2 to 8 Mar 2026." in shown


def test_evidence_of_an_input_is_shown_where_something_is_wrong_with_it(healthy):
    states = ("BAD", "NOTE", "OK", "UNKNOWN")
    rows = read(inputs(healthy, *({"state": state, "evidence": "told"} for state in states)))
    assert [row["what was seen"] for row in rows] == ["told", "told", "", ""]


@pytest.mark.parametrize(
    ("missing", "shown"),
    [((0.0, 0.0), ("", "")), ((None, None), ("", "")), ((0.0, 0.25), ("0.0%", "25.0%")), ((None, 0.5), ("", "50.0%"))],
)
def test_share_of_missing_values_is_shown_where_there_are_some(healthy, missing, shown):
    (row,) = read(inputs(healthy, {"missing": missing}))
    assert (row["missing before"], row["missing now"]) == shown


def test_inputs_beyond_twelve_are_counted(healthy):
    shown = inputs(healthy, *({"name": f"column {n}"} for n in range(15)))
    assert len(read(shown)) == 12
    assert "and 3 more, of less effect" in shown


def test_inputs_of_which_none_has_an_effect_have_empty_bars(healthy):
    assert re.findall(r"width:([\d.]+)%", inputs(healthy, {"effect": 0.0}, {"effect": None})) == ["0.0"]


def test_nothing_to_tell_is_no_table(healthy):
    empty = healthy.model_copy(update={"inputs": (), "decisions": ()})
    assert (tables.inputs(empty), tables.decisions(empty), tables.windows(())) == ("", "", "")


def test_what_data_says_is_text(healthy):
    given = dict.fromkeys(("why", "decided_by", "rung", "outcome", "gain_of"), EVIL)
    row = decision(healthy, **given, would_change=(EVIL,))
    assert row["came of it"] == EVIL
    found = healthy.model_copy(update={"decisions": (healthy.decisions[0].model_copy(update=given),)})
    shown = tables.decisions(found) + inputs(healthy, {"name": EVIL, "state": "BAD", "verdict": EVIL, "evidence": EVIL})
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 8


def test_rollout_is_told_by_step_share_and_what_was_said(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"))
    one = stood.rolled_out(ledger, 2, at("04-01"), by=EVIL, reason=EVIL)
    found = standing(ledger, stood.MODEL, at=at("04-02"))
    assert "<script>" not in tables.rollouts(found)
    one = stood.moved(ledger, one, "advanced", at("04-03"), step=1)
    stood.noted(ledger, one, at("04-04"), reason="12 rows are needed", exposed=1_204)
    (told,) = read(tables.rollouts(standing(ledger, stood.MODEL, at=at("04-05"))))
    assert told == {
        "rollout": "rollout-1 shadow,5,50,100",
        "version": "v2 against v1",
        "at": "5 %",
        "share of the traffic": "5%",
        "since": "3 Apr 2026",
        "what the last look or move says": "12 rows are needed rollout-1",
        "rows answered": "1,204",
    }
    stood.moved(ledger, one, "returned", at("04-06"), reason="it loses more")
    (told,) = read(tables.rollouts(standing(ledger, stood.MODEL, at=at("04-07"))))
    assert (told["at"], told["share of the traffic"]) == ("returned", "0%")
    assert tables.rollouts(standing(ledger, stood.MODEL, at=at("03-07"))) == ""


def test_experiments_say_what_their_last_look_said_and_whether_they_run(healthy):
    given = {"design": experimented.design(), "epoch": 1, "begun": at("03-02"), "by": "Ada", "reason": "newer"}
    running = Experiment(**given)
    won = Decision(answer="promote", variant="B", why=EVIL)
    over = Ended(at=at("03-08"), by="Ada", reason="enough", decision=won)
    ended = running.model_copy(update={"ended": over})
    shown = tables.experiments(healthy.model_copy(update={"experiments": (ended, running)}))
    assert "<script>" not in shown
    first, second = read(shown)
    assert (first["answer"], first["from"]) == ("no look yet", "2 Mar 2026, runs")
    assert (second["answer"], second["compared"]) == ("promote B", "champion v1, B v2")
    assert second["why"].startswith(EVIL)
    assert tables.experiments(healthy) == ""


def test_bandits_say_the_shares_of_each_version_and_whether_they_run(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"))
    plan = Plan(name="prices", versions={"champion": 1, "B": 2}, policy=Thompson(), reward="label")
    ledger.now = at("03-02")
    begun = bandits.start(ledger, stood.MODEL, plan, ledger.champion(stood.MODEL), by="Ada", reason="two")
    ledger.now = at("03-04")
    tallies = (Tally(arm="champion", n=400, total=20), Tally(arm="B", n=800, total=90))
    bandits.change(ledger, stood.MODEL, begun, {"champion": 0.1, "B": 0.9}, tallies)

    (row,) = read(tables.bandits(standing(ledger, stood.MODEL, at=at("03-05"))))
    assert (row["bandit"], row["shares"]) == ("prices", "champion v1 10.0%, B v2 90.0%")
    assert (row["by so many rewards"], row["since"], row["from"]) == ("1,200", "4 Mar 2026", "2 Mar 2026, runs")
    (row,) = read(tables.bandits(standing(ledger, stood.MODEL, at=at("03-03"))))
    assert row["shares"] == "champion v1 50.0%, B v2 50.0%"
    assert tables.bandits(standing(ledger, stood.MODEL, at=at("03-01T12:00"))) == ""

    promote(ledger, 3, at("03-06"))
    (row,) = read(tables.bandits(standing(ledger, stood.MODEL, at=at("03-06T12:00"))))
    assert row["from"] == "2 Mar 2026, held"
    assert "v3 became champion, and answers alone" in row["shares"]
    ledger.now = at("03-07")
    now = bandits.named(ledger, stood.MODEL, "prices")
    bandits.stop(ledger, stood.MODEL, now, ledger.champion(stood.MODEL), by="Bob", reason=EVIL)
    shown = tables.bandits(standing(ledger, stood.MODEL, at=at("03-08")))
    assert "<script>" not in shown
    (row,) = read(shown)
    assert row["from"] == "2 Mar 2026 to 7 Mar 2026"
    assert f"stopped: {EVIL}" in row["shares"]
