"""The fire drill: what is caught of a dozen faults in copies of the last windows, and that nothing else is touched."""

import shutil
from datetime import date
from pathlib import Path

import drilled
import looking
import pytest

from evergreen.base.errors import ConfigError
from evergreen.decisions.drill.caught import MONITORS
from evergreen.decisions.drill.faults import FAULTS
from evergreen.project import Project
from flows.drill import calm, drill

APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)
SOLE = {
    "validate": "duplicated-rows",
    "faults": "stale-upstream",
    "harm": "concept-flip",
    "shift": "time-shift",
    "labels": "delayed-labels",
}


@pytest.fixture(scope="session")
def drill_of_the_shop(shop_trained, tmp_path_factory):
    """A whole drill, and the state folder before and after it."""
    root = Path(shutil.copytree(shop_trained, tmp_path_factory.mktemp("shop") / "shop"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        project, told = Project.open(), []
        before = state_of(project)
        return drill(project, tell=told.append), told, before, state_of(project)


def state_of(project: Project) -> dict[str, bytes | list]:
    """Return every file of the state by its bytes, and every line of the ledger."""
    home = project.settings.home
    files = {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.name.startswith("ledger")
    }
    return {**files, "ledger": project.ledger().lines(project.name)}


def test_every_fault_is_caught_where_each_can_show(drill_of_the_shop):
    found, told, _, _ = drill_of_the_shop
    assert (found.start, found.end, found.version, found.model) == (APRIL, MAY, 1, "visits")
    assert (found.caught, found.of, len(found.faults)) == (12, 12, 12)
    assert [one.fault for one in found.faults] == list(FAULTS) == [one.fault for one in told]
    assert (found.left_out, found.said_before, found.skipped) == ((), (), ())


@pytest.mark.parametrize("monitor", MONITORS)
def test_any_monitor_that_is_taken_away_lowers_the_score(drill_of_the_shop, monitor):
    found, *_ = drill_of_the_shop
    assert found.without(monitor) < found.caught
    caught = {one.fault: one.by for one in found.faults}
    assert caught[SOLE[monitor]] == (monitor,)


def test_drill_says_after_how_many_rows_who_is_told_and_what_the_loop_would_do(drill_of_the_shop):
    found = {one.fault: one for one in drill_of_the_shop[0].faults}
    flip, unit, late = found["concept-flip"], found["unit-x100"], found["delayed-labels"]
    assert (unit.after_rows, unit.told, unit.columns) == (drilled.A_DAY, "page", ("pages",))
    assert "held back until the data is mended: pages" in unit.decision
    assert (flip.told, flip.causes) == ("page", ("concept drift",))
    assert flip.decision.startswith("retrain")
    assert "harm" in flip.decision
    assert drilled.A_DAY <= flip.after_rows <= 7 * drilled.A_DAY
    assert (late.told, late.after_rows) == ("note", 20 * drilled.A_DAY)  # of the days since the eleventh
    assert found["stale-upstream"].after_rows <= 7 * drilled.A_DAY
    assert found["label-definition-changed"].windows == 2


def test_nothing_of_the_state_is_written(drill_of_the_shop):
    _, _, before, after = drill_of_the_shop
    assert after == before


def test_what_is_said_without_any_fault_catches_nothing(shop):
    rows = looking.source(shop)
    looking.bring(
        shop, rows.assign(pages=rows["pages"] * rows["at"].ge(looking.at("04-01")).map({True: 100, False: 1}))
    )
    found = drill(shop, (APRIL, MAY), faults=["unit-x100", "stale-upstream"])
    assert found.said_before[0] == "faults: pages, unit"
    unit, stale = found.faults
    assert unit.columns == ("minutes",)  # pages is broken already
    assert stale.alarms == ("faults: rows, silent",)


def test_fault_that_no_column_can_have_is_left_out(visited):
    found = drill(visited, (APRIL, MAY), faults=["renamed-category", "unit-x100"])
    assert (found.left_out, found.of) == (("renamed-category",), 1)


def test_window_without_any_label_has_no_faults_of_labels(shop):
    rows = looking.source(shop)
    looking.bring(shop, rows.assign(returned=rows["returned"].astype(object).mask(rows["at"] >= looking.at("04-01"))))
    found = drill(
        shop, (APRIL, MAY), faults=["concept-flip", "label-definition-changed", "delayed-labels", "dead-feature"]
    )
    assert found.left_out == ("concept-flip", "label-definition-changed", "delayed-labels")
    assert (found.said_before, found.caught, found.of) == (("labels: none",), 1, 1)


def test_drill_without_a_champion_says_how_to_get_one(fresh):
    with pytest.raises(ConfigError) as caught:
        drill(fresh)
    assert caught.value.code == "STA001"


def test_calm_measures_no_more_than_is_stated_where_nothing_changed(shop, monkeypatch):
    monkeypatch.setattr("evergreen.decisions.drill.calm.WINDOWS", 20)
    monkeypatch.setattr("evergreen.decisions.drill.calm.STREAMS", 10)
    before = state_of(shop)
    found = calm(shop)
    assert [one.alarm for one in found] == ["shift", "faults", "shift of predictions", "harm"]
    assert all(one.kept and one.measured <= one.stated for one in found), found
    assert state_of(shop) == before


def test_personal_values_that_were_hashed_are_not_hashed_again(shop):
    rows = looking.source(shop)
    looking.bring(shop, rows.assign(guest=[f"guest {i % 9}" for i in range(len(rows))]))
    path = shop.settings.project / "configs" / "visits" / "contract.yaml"
    text = path.read_text()
    path.write_text(
        text.replace(
            "  - {name: returned", "  - {name: guest, type: category, role: ignore, pii: hash}\n  - {name: returned"
        )
    )
    project = Project.open()
    found = drill(project, faults=["dead-feature"])
    assert [one.by for one in found.faults] == [("faults", "harm", "shift")]
    assert (found.said_before, project.settings.home.joinpath("pii.key").exists()) == ((), False)
