"""An opened project: what it looks up in, and how far its champion looks back."""

from dataclasses import replace
from datetime import date

import parameters
import pytest
import released

from evergreen.base.errors import ConfigError, EvergreenError
from evergreen.config.params.card import CardParams
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.ingest import IngestParams
from evergreen.config.settings import Settings
from evergreen.learning.features.lookups import LookupRef
from evergreen.learning.model import model as models
from evergreen.learning.tuning.choice import Choice
from evergreen.project import Asked, Project
from evergreen.record.outcomes import VersionFacts


@pytest.fixture
def project_of(params, tmp_path):
    """Return a function that opens a project whose parameters have these features."""

    def project_of(**features):
        declared = FeatureParams.model_validate({"rare_category": 1, "test_days": 7, "embargo_days": 2, **features})
        period = IngestParams(start=date(2024, 3, 10), end=date(2024, 4, 1))
        return Project(
            asked=Asked(),
            settings=Settings(project=tmp_path, home=tmp_path / "home"),
            params=params.model_copy(update={"features": declared, "ingest": period}),
            contract=released.CONTRACT,
        )

    return project_of


@pytest.mark.parametrize(
    ("section", "wrong", "code", "what"),
    [
        ("tune", {"families": {"logistic": {"C": {"float": [-1, 5]}}}}, "CFG010", "'C' parameter"),
        ("train", {"baseline": {"logistic": {"C": -1}}}, "CFG010", "'C' parameter"),
        ("train", {"baseline": {"logistic": {"much": 1}}}, "CFG010", "no parameter 'much'"),
        ("settings", {"study_url": "postgresql+psycopg://127.0.0.1:1/studies"}, "DEP001", "does not answer"),
    ],
    ids=["space", "baseline", "parameter", "studies"],
)
def test_training_that_cannot_end_well_is_refused_before_it_begins(project_of, section, wrong, code, what):
    project = project_of()
    project = replace(project, settings=project.settings.model_copy(update={"allow_dirty": True}))
    project.may_train()
    if section == "settings":
        project = replace(project, settings=project.settings.model_copy(update=wrong))
    else:
        before = getattr(project.params, section)
        changed = type(before).model_validate({**before.model_dump(by_alias=True), **wrong})
        project = replace(project, params=project.params.model_copy(update={section: changed}))

    with pytest.raises(EvergreenError, match=what) as caught:
        project.may_train()
    assert caught.value.code == code


def champion_of(project, features):
    ref = models.save(
        project.workspace, "model", released.fitted("prior"), contract=released.CONTRACT, features=features, about={}
    )
    return VersionFacts(
        version=1,
        judged=released.judged("parcels", 1, ref.sha256),
        candidate="k",
        artifact=ref,
        train=project.workspace.write("train", released.table(20)),
        data_end=None,
        threshold=0.5,
        run_id="r",
        bento="b",
    )


def test_project_looks_up_in_the_files_that_its_parameters_name(project_of, tmp_path):
    lookup = {"file": "carriers.csv", "by": "carrier", "numeric": ["size"]}
    project = project_of(lookups={"of": lookup})
    with pytest.raises(ConfigError) as caught:
        project.lookups()
    assert (caught.value.code, caught.value.where) == ("CFG032", "features.lookups.of")
    with pytest.raises(ConfigError, match="CFG032"):
        replace(project, settings=project.settings.model_copy(update={"allow_dirty": True})).may_train()
    (tmp_path / "carriers.csv").write_text("carrier,size\nsea,3\n")
    found = project.lookups()
    assert [(type(ref), ref.name) for ref in found] == [(LookupRef, "of")]
    assert project_of().lookups() == ()


def test_period_to_monitor_reaches_back_as_far_as_the_champion_looks_not_the_parameters(project_of):
    past = {"late_before": {"of": "late", "by": ["carrier"], "aggregate": "mean", "window_days": 5}}
    looking, plain = project_of(history=past), project_of()
    assert plain.look_back(champion_of(plain, looking.params.features)) == IngestParams(
        start=date(2024, 3, 2), end=date(2024, 4, 1)
    )
    assert looking.look_back(champion_of(looking, plain.params.features)) is None


def test_period_to_monitor_reaches_back_to_the_beginning_for_a_lag_or_where_it_is_open(project_of):
    lag, window = (
        project_of(history={"late_before": {"of": "late", "by": ["carrier"], **how}}).params.features
        for how in ({"lag": 1}, {"aggregate": "mean", "window_days": 5})
    )
    project = project_of()
    assert project.look_back(champion_of(project, lag)) == IngestParams(end=date(2024, 4, 1))
    opened = replace(project, params=project.params.model_copy(update={"ingest": IngestParams(end=date(2024, 4, 1))}))
    assert opened.look_back(champion_of(opened, window)) == IngestParams(end=date(2024, 4, 1))


def test_project_until_a_day_is_what_was_asked_for_with_one_more_override(project, tmp_path, monkeypatch):
    (tmp_path / "params.yaml").symlink_to(parameters.FILE)
    (tmp_path / "configs").symlink_to(project / "configs")
    (tmp_path / "evergreen").symlink_to(project / "evergreen")
    monkeypatch.setenv("EVERGREEN_PROJECT", str(tmp_path))
    opened = Project.open(overrides=["tune.trials=3"], allow_dirty=True)

    shorter = opened.until(date(2013, 3, 1))

    assert opened.asked == Asked(overrides=("tune.trials=3",), allow_dirty=True)
    assert shorter.asked.overrides == ("tune.trials=3", "ingest.end=2013-03-01")
    assert (shorter.params.ingest.end, shorter.params.tune.trials) == (date(2013, 3, 1), 3)
    assert opened.settings.allow_dirty
    assert (shorter.settings, shorter.contract) == (opened.settings, opened.contract)
    assert shorter.given.params == shorter.params
    with pytest.raises(ConfigError, match="must lie before end"):
        opened.until(date(2012, 1, 1))


def test_steps_are_given_what_the_project_has_and_the_source_only_when_it_is_asked_for(project_of):
    project = project_of()
    given = project.given
    assert (given.contract, given.params) == (project.contract, project.params)
    assert (given.expectations, given.lookup_files, given.today) == ((), (), None)
    assert (given.ws, given.datasets) == (project.workspace, project.settings.home / "datasets")
    assert given.storage == project.settings.studies()
    with pytest.raises(EvergreenError, match="the source file does not exist"):
        _ = given.source


def test_rows_that_were_tuned_on_begin_where_they_began_whoever_is_champion(project_of):
    project = project_of()
    assert project.keep_warm_start("first rows") is None
    champion = champion_of(project, released.FEATURES)
    champion_start = Choice(family="logistic", params={"C": 0.5})
    ref = models.save(
        project.workspace, "model", released.fitted("logistic"), contract=released.CONTRACT, features=released.FEATURES,
        about=champion_start.model_dump(),
    )  # fmt: skip
    facts = champion.model_copy(update={"artifact": ref})
    project.ledger().promote(project.name, 1, facts.model_dump(mode="json"), expected_epoch=0)

    assert project.warm_start("first rows") is None
    assert project.warm_start("other rows") == champion_start
    assert project.ledger().find(project.name, "start", "other rows") is None  # asking is not beginning
    assert project.keep_warm_start("other rows") == champion_start

    prior = Choice(family="prior", params={})
    ref = models.save(
        project.workspace,
        "model",
        released.fitted("prior"),
        contract=released.CONTRACT,
        features=released.FEATURES,
        about=prior.model_dump(),
    )
    later = facts.model_copy(update={"artifact": ref, "version": 2})
    project.ledger().promote(project.name, 2, later.model_dump(mode="json"), expected_epoch=1)
    assert [project.warm_start(rows) for rows in ("first rows", "other rows", "new rows")] == [
        None,
        champion_start,
        prior,
    ]
    cold = replace(project, params=project.params.model_copy(update={"tune": cold_tuning(project)}))
    assert cold.keep_warm_start("new rows") is None
    assert cold.ledger().find(project.name, "start", "new rows") is None


def cold_tuning(project):
    return project.params.tune.model_copy(update={"warm_start": False})


def test_training_waits_for_what_people_have_to_say(project_of):
    project = project_of()
    required = {"card": CardParams(require=("intended_use", "licence"))}
    project = replace(
        project,
        settings=project.settings.model_copy(update={"allow_dirty": True}),
        params=project.params.model_copy(update=required),
    )
    with pytest.raises(ConfigError, match="intended_use, licence") as caught:
        project.may_train()
    assert (caught.value.code, caught.value.where) == ("CRD002", str(project.card_file))

    project.card_file.parent.mkdir(parents=True)
    project.card_file.write_text("intended_use: to sort parcels\nlicence: ''\n")
    with pytest.raises(ConfigError, match="'licence': String should have at least 1 character"):
        replace(project).may_train()
    project.card_file.write_text("intended_use: to sort parcels\nlicence: MIT\n")
    replace(project).may_train()


def test_what_people_say_of_a_model_changes_no_step_and_no_recipe(fresh):
    before = (fresh.recipe, fresh.digests(), fresh.contract)
    fresh.card_file.write_text("ethics: nobody is harmed\n")
    after = Project.open()
    assert after.card.ethics == ("nobody is harmed",)
    assert (after.recipe, after.digests(), after.contract) == before
