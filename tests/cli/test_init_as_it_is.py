"""What `init` writes works as it is: trained, scored on its own file, asked for in the words of the file."""

import tempfile
from pathlib import Path

import any_table
import numpy as np
import pandas as pd
import pytest
import shapes
import worked
from any_table import COLUMNS, ENDINGS, TARGETS, Drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli import init
from evergreen.base.errors import ConfigError, DataError
from evergreen.config import consistency
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings
from evergreen.data import ingest
from evergreen.data.ingest import sources
from evergreen.data.typed.schema import conform
from evergreen.data.validation.reasons import RowJudge

DRAWN = st.builds(
    Drawn,
    columns=st.lists(st.sampled_from([*COLUMNS]), unique=True, max_size=9).map(tuple),
    target=st.sampled_from([*TARGETS]),
    seed=st.integers(0, 2**16),
)
OURS = ("prediction_id", "version", "codes", "why")


def works(folder: Path, name: str) -> worked.Worked:
    shape = shapes.SHAPES[name]
    project = worked.project(folder)
    data = shape.write(project.project)
    written = worked.described(project, data, shape.target, name="table", layout=shape.layout)
    assert (written.proposal.contract.task, written.proposal.contract.time) == (shape.task, shape.time)
    made = worked.worked(project, written, data)
    assert made.refused <= 0.02 * made.scored.num_rows
    assert made.asked == worked.ASKED
    return made


@pytest.mark.parametrize("name", ["telco", "taxi", "air quality"])
def test_table_in_the_shape_of_a_public_one_works_as_it_is(name: str, tmp_path: Path) -> None:
    works(tmp_path, name)


@pytest.mark.long
@pytest.mark.parametrize("name", shapes.SHAPES)
def test_every_table_in_the_shape_of_a_public_one_works_as_it_is(name: str, tmp_path: Path) -> None:
    works(tmp_path, name)


@pytest.mark.parametrize(("target", "task"), [("label", "binary"), ("value", "regression"), ("version", "multiclass")])
def test_columns_named_like_those_of_a_score_are_learnt_from_and_scored(target: str, task: str, tmp_path: Path) -> None:
    project = worked.project(tmp_path)
    rng = np.random.default_rng(3)
    names = [name for name in (*OURS, "probability", "label", "value") if name != target]
    rows = pd.DataFrame({name: rng.normal(size=300).round(3) for name in names})
    told = rows[names[0]] + rows[names[1]] + rng.normal(0, 0.4, 300)
    words = {
        "binary": np.where(told > 0, "yes", "no"),
        "multiclass": np.where(told > 0.7, "a", np.where(told < 0, "b", "c")),
    }
    rows[target] = words.get(task, told.round(3))
    data = project.project / "rows.csv"
    rows.to_csv(data, index=False)

    made = worked.worked(project, worked.described(project, data, target), data)

    assert {column.name for column in made.contract.features} == {*names}
    answered = ("value",) if task == "regression" else ("probability", "label")
    assert made.scored.column_names == [
        *rows,
        "_prediction_id",
        "_version",
        *(f"_{a}" for a in answered),
        "_codes",
        "_why",
    ]
    for name in rows:
        came = [str(value) for value in rows[name]]
        assert made.scored.column(name).to_pylist() == came, name
    assert set(made.scored.column("_version").to_pylist()) == {1}


def test_columns_as_they_are_written_elsewhere_work_as_they_are(tmp_path: Path) -> None:
    project = worked.project(tmp_path)
    rng = np.random.default_rng(5)
    at = pd.date_range("2024-01-03 08:05", periods=300, freq="31h")
    x, z = rng.normal(size=(2, 300)).round(3)
    rows = {
        "Zeitpunkt": at.strftime("%d.%m.%Y, %H:%M Uhr"),
        "日付": [f"{day.year}年{day.month}月{day.day}日" for day in at],
        "fecha": [f"{t:%d/%m/%Y %I:%M} " + ("a. m." if t.hour < 12 else "p.\u00a0m.") for t in at],
        "created_at": at.strftime("%a %b %d %H:%M:%S +0100 %Y"),
        "valid_to": ["9999-12-31" if n % 2 else f"{day:%Y-%m-%d}" for n, day in enumerate(at)],
        "ended": ["0000-00-00 00:00:00" if n % 3 else f"{t:%Y-%m-%d %H:%M:%S}" for n, t in enumerate(at)],
        "saldo": [f"{value}".replace("-", "\u2212") for value in x],
        "Kurs": [f"{value}".replace("-", "\u2013") for value in z],
        "価格": [f"{int(9_000 + 900 * value):,}円" for value in x],
        "Messwert": ["#WERT!" if n % 11 == 0 else f"{value}" for n, value in enumerate(z)],
        'odd "name\\': z,
        "Ausgang": np.where(x + z + rng.normal(0, 0.7, 300) > 1, "tot", "lebend"),
    }
    data = project.project / "rows.csv"
    pd.DataFrame(rows).to_csv(data, index=False)

    written = worked.described(project, data, "Ausgang")
    times = {column.name for column in written.proposal.contract.columns if column.type == "timestamp"}
    assert times == {"Zeitpunkt", "日付", "fecha", "created_at", "valid_to", "ended"}
    made = worked.worked(project, written, data)

    assert {column.name for column in made.contract.features} == {"saldo", "Kurs", "価格", "Messwert", 'odd "name\\'}
    assert all(column.type in ("number", "integer") for column in made.contract.features)
    assert (made.refused, made.asked) == (0, worked.ASKED)


def described(project: Settings, drawn: Drawn, ending: str) -> init.Written | None:
    """Return what `init` made of a table, None if it refused it; then it said where, what and what to do."""
    data = any_table.written(drawn, ending, project.project)
    try:
        return worked.described(project, data, "y")
    except (ConfigError, DataError) as error:
        refused = error
    assert all((refused.code, refused.where, refused.next_step)), refused
    assert not (project.project / "configs" / "rows").exists()
    return None


def check_kept_by_its_own_rows(project: Settings, written: init.Written) -> None:
    """The files that were written are read, every column is accounted for, and the rows keep what is declared."""
    contract = Contract.load(project.project / written.contract)
    params = Params.load(project.project / written.params)
    consistency.check(params, contract)
    rows = refused = 0
    declared = {column.name for column in contract.columns}
    for item in sources.find(contract.source, project):
        for batch in ingest.batches(item, contract.source, contract.missing):
            came = {name for name in batch.schema.names if name not in ("_row", "_unreadable")}
            assert came - declared <= {*written.proposal.left_out}
            assert {column.name for column in contract.columns if not column.parts} <= came
            typed = conform(batch, contract.stored, zone=contract.timezone, missing=contract.missing)
            judged = RowJudge(contract.stored).judge(typed)
            rows, refused = rows + batch.num_rows, refused + judged.keeps.false_count
        assert {*ingest.unread(item, contract.source)} <= {*written.proposal.left_out}
    assert rows == any_table.ROWS
    assert refused <= params.validate_.max_bad_share * rows


@pytest.mark.parametrize("ending", ENDINGS)
def test_rows_of_any_table_keep_the_contract_that_is_made_of_them(ending: str) -> None:
    @given(DRAWN)
    @settings(max_examples=3, suppress_health_check=[*HealthCheck])
    def holds(drawn: Drawn) -> None:
        with tempfile.TemporaryDirectory() as folder:
            project = worked.project(Path(folder) / "project")
            written = described(project, drawn, ending)
            if written is not None:
                check_kept_by_its_own_rows(project, written)

    holds()


@pytest.mark.long
@pytest.mark.parametrize("ending", ENDINGS)
def test_any_table_that_init_accepts_runs_scores_and_serves(ending: str) -> None:
    accepted: list[Drawn] = []

    @given(DRAWN)
    @settings(max_examples=50, suppress_health_check=[*HealthCheck])
    def holds(drawn: Drawn) -> None:
        with tempfile.TemporaryDirectory() as folder:
            project = worked.project(Path(folder) / "project")
            written = described(project, drawn, ending)
            if written is None:
                return
            check_kept_by_its_own_rows(project, written)
            (data,) = project.project.glob("rows.*")
            made = worked.worked(project, written, data)
            assert made.refused <= 0.05 * any_table.ROWS
            assert made.asked == worked.ASKED
            accepted.append(drawn)

    holds()
    assert len(accepted) >= 45  # 47 of the 50, in every kind of file; nothing can be learnt of three kinds of target
