"""What the check of a packaged service compares, and the rows that it sends."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import promoted
import pytest
import released

from cli.service import Chosen, apart, banner, check_agreement, choose, example_rows, said_of
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError, Unavailable
from evergreen.config.contract.contract import Contract
from evergreen.config.settings import Settings
from evergreen.learning import features
from evergreen.learning.model import model as models
from evergreen.learning.model.release import Release
from evergreen.project import Project
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry.bentos import Bento
from serving import last_served
from serving.decoding import Decoder


@pytest.mark.parametrize(
    ("answer", "expected", "distance"),
    [
        ({"label": True, "probability": 0.75}, {"label": True, "probability": 0.5}, 0.25),
        ({"label": True, "probability": 0.5}, {"label": False, "probability": 0.5}, math.inf),
        ({"label": "a", "probability": 0.5}, {"label": "b", "probability": 0.5}, math.inf),
        ({"label": "a", "probability": 0.5}, {"label": "a", "probability": 0.5}, 0.0),
        ({"value": 200.0}, {"value": 100.0}, 0.5),
        ({"value": 0.25}, {"value": 0.0}, 0.25),
        ({"value": -3.0}, {"value": -3.0}, 0.0),
    ],
)
def test_answers_are_as_far_apart_as_the_table_says(answer, expected, distance):
    assert apart({"prediction_id": "x", **answer}, expected) == distance


def test_example_rows_are_sent_as_the_service_takes_them(tmp_path):
    columns = [
        *(
            {**column, "role": "ignore"} if column["name"] == "parcel" else column
            for column in released.CONTRACT.model_dump()["columns"]
        ),
        {"name": "booked", "type": "timestamp", "role": "feature", "nullable": True},
    ]
    contract = Contract.model_validate({**released.CONTRACT.model_dump(), "key": [], "columns": columns})
    rows = released.table(20).assign(booked=pd.Timestamp("2024-01-01T10:30:00Z"))
    settings = Settings(home=tmp_path)
    ws = Workspace(root=settings.workspace)
    built = rows.assign(**features.build(rows, contract, released.FEATURES))
    ref = models.save(ws, "model", released.fitted("prior"), contract=contract, features=released.FEATURES, about={})
    judged = released.judged("parcels", 1, ref.sha256)
    champion = VersionFacts(
        version=1,
        judged=judged,
        candidate="k",
        artifact=ref,
        train=ws.write("train", built),
        data_end=None,
        threshold=0.5,
        run_id="r",
        bento="b",
    )

    sent = example_rows(settings, champion, n=20)

    decoder = Decoder(models.load(ws.path(ref.uri), ref.sha256))
    names = [column.name for column in decoder.columns]
    taken = [dict(zip(names, row, strict=True)) for row in decoder.decode(json.dumps({"rows": sent}).encode()).rows]
    assert [row["insured"] for row in taken] == rows["insured"].tolist()
    assert {row["booked"] for row in taken} == {microseconds("2024-01-01T10:30:00Z")}
    assert [row["handed_in"] for row in taken] == rows["handed_in"].map(microseconds).tolist()


def microseconds(when: object) -> int:
    return pd.Timestamp(when).value // 1_000


def said(**more: object) -> dict[str, object]:
    """Return what a service of two workers says of itself."""
    release = Release(model="parcels", version=3, model_digest="a" * 64, threshold=0.5)
    bento = Bento(tag="parcels:v3", path=Path("x"), digest="b" * 64)
    settings = Settings(serve_port=3000, serve_workers=2, **more)
    return said_of(Chosen(release=release, bento=bento, source="last served", why="DEP001: away"), settings)


def test_banner_says_what_answers_where_how_it_is_logged_and_how_it_is_stopped():
    printed = banner(said())
    for text in ("parcels version 3", "http://127.0.0.1:3000, 2 workers", "/openapi.json", "strict", "Ctrl-C", "away"):
        assert text in printed
    assert "strict: each answer is logged before it is given, or not given" in printed
    assert "off: no answer is logged" in banner(said(prediction_log="off"))
    assert "documents are off" in banner(said(serve_documents=False))
    assert "http://[::1]:3000/predict" in banner(said(serve_host="::1"))
    assert "warning" not in printed
    assert "warning: everybody who reaches 0.0.0.0 may ask" in banner(said(serve_host="0.0.0.0"))


@pytest.fixture
def opened(tmp_path, project):
    """A project of parcels, as far as serving looks at one, whose version 1 is champion."""
    settings = Settings(home=tmp_path)
    promoted.promote(settings, promoted.package(tmp_path, 1, project))
    project = replace(Project.open(), contract=released.CONTRACT, settings=settings)
    assert project.name == "parcels"
    return project


def test_champion_of_the_ledger_is_served_whatever_was_served_last(opened):
    last_served.write(
        opened.settings.home, Release(model="parcels", version=2, model_digest="a" * 64, threshold=0.5), "c" * 64
    )

    chosen = choose(opened)

    assert (chosen.release.version, chosen.source, chosen.why) == (1, "ledger", "")


def test_copy_that_was_served_last_is_served_while_the_ledger_does_not_answer(opened, closed_port):
    champion = choose(opened)
    last_served.write(opened.settings.home, champion.release, champion.bento.digest)
    away = {"ledger_url": f"postgresql+psycopg://nobody@127.0.0.1:{closed_port}/ledger"}
    project = replace(opened, settings=opened.settings.model_copy(update=away))

    chosen = choose(project)

    assert (chosen.bento, chosen.source) == (champion.bento, "last served")
    assert "DEP001" in chosen.why
    (chosen.bento.path / "src" / "release.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"release\.json"):
        choose(project)


def test_ledger_that_does_not_answer_ends_a_start_without_a_copy(opened, closed_port):
    away = {"ledger_url": f"postgresql+psycopg://nobody@127.0.0.1:{closed_port}/ledger"}

    with pytest.raises(Unavailable) as caught:
        choose(replace(opened, settings=opened.settings.model_copy(update=away)))

    assert caught.value.exit_code == 5


def test_service_answers_as_batch_scoring_does(tmp_path, project):
    home = tmp_path / "home"
    known = promoted.package(home, 1, project)
    settings = Settings(home=home)
    workspace = Workspace(root=settings.workspace)
    shutil.copytree(promoted.path_of(known, home) / "src" / "model", workspace.path(known.artifact.uri))
    promoted.promote(settings, known)
    opened = replace(Project.open(), contract=released.CONTRACT, settings=settings)

    agreement = check_agreement(opened, released.requests(10))

    assert agreement.rows == 10
    assert agreement.largest <= 1e-9
