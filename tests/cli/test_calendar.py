"""Months on the command line: what is no walk and no window is refused before anything starts."""

import numpy as np
import pandas as pd
import pytest

from cli import main
from evergreen.base.errors import ConfigError


@pytest.fixture
def here(project, tmp_path, monkeypatch):
    monkeypatch.setenv("EVERGREEN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(project)
    return tmp_path / "home"


def test_walk_that_ends_before_it_begins_is_refused(here):
    with pytest.raises(ConfigError, match="end in 2013-03, before it begins in 2013-06") as caught:
        main.replay("2013-06", "2013-03")
    assert (caught.value.code, caught.value.next_step) == ("CFG015", "Exchange --from and --to.")
    assert not here.exists()


@pytest.mark.parametrize("text", ["2013-13", "2013", "march", "2013-3"])
def test_month_that_is_none_is_refused_with_how_to_write_it(here, text):
    with pytest.raises(ConfigError, match=text) as caught:
        main.monitor(text)
    assert (caught.value.code, caught.value.next_step) == ("CFG015", "Write it as YYYY-MM.")
    assert not here.exists()


def test_window_without_a_champion_is_refused_with_how_to_get_one(here):
    with pytest.raises(ConfigError, match="'flights' has no champion yet") as caught:
        main.monitor("2013-03")
    assert (caught.value.code, caught.value.next_step) == ("STA001", "Train one: evergreen run")


def test_table_without_time_has_no_window_and_no_walk(here, tmp_path, monkeypatch):
    (tmp_path / "configs" / "env").mkdir(parents=True)
    (tmp_path / "configs" / "env" / "local.yaml").touch()
    (tmp_path / "params.yaml").touch()
    rows = pd.DataFrame({"weight": np.arange(400) % 37 / 7, "broken": np.arange(400) % 3 == 0})
    rows.to_csv(tmp_path / "eggs.csv", index=False)
    monkeypatch.chdir(tmp_path)
    main.init("broken", "eggs.csv")
    params = "configs/eggs/params.yaml"
    for command in (
        lambda: main.monitor("2013-03", params=params),
        lambda: main.replay("2013-03", "2013-04", params=params),
    ):
        with pytest.raises(ConfigError) as caught:
            command()
        assert caught.value.code == "CFG019"
    assert not here.exists()
