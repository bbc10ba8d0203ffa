"""The describe step: a version has its card beside its run, and every number on it is the logged one."""

import shutil
from pathlib import Path

import card_numbers
import direct
import pandas as pd
import pytest
import yaml

from cli import cards
from evergreen.adapters import tracking
from evergreen.project import Project
from evergreen.record.outcomes import champion_facts
from evergreen.record.registry.card import markdown
from evergreen.record.registry.card.model_card import model_card
from flows.training import train_and_judge
from tasks.describe import describe
from tasks.track import track

# MLflow warns of its own type hints when it is imported, which is inside the first call.
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


@pytest.fixture(scope="module")
def trained(project, prepared_state, tmp_path_factory):
    """A project of visits with a protected column and a card of people's, whose first version is in MLflow."""
    root = direct.visits(tmp_path_factory.mktemp("described") / "visits")
    rows = pd.read_csv(root / "visits.csv")
    rows.assign(site=["north", "south", "<b>|west"] * (len(rows) // 3)).to_csv(root / "visits.csv", index=False)
    contract = root / "configs" / "visits" / "contract.yaml"
    contract.write_text(contract.read_text() + "  - {name: site, type: category, role: protected}\n")
    said = {"intended_use": "to greet visitors", "out_of_scope": ["decisions about a person | at work"]}
    contract.with_name("card.yaml").write_text(yaml.safe_dump(said))
    shutil.copytree(prepared_state / "mlflow", root / ".evergreen" / "mlflow")
    shutil.copy(project / "requirements.lock", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        visits = Project.open()
        outcome = train_and_judge(visits, reason="first", do=direct.Direct(track=track.fn, describe=describe.fn))
    assert (outcome.verdict, outcome.version) == ("promoted", 1)
    return visits


def of_run(project, path, folder):
    """Return a file beside the run of the champion in MLflow."""
    facts = champion_facts(project.ledger(), "visits")
    store = tracking.client(project.settings.tracking_uri())
    return Path(store.download_artifacts(facts.run_id, path, folder)).read_text()


@pytest.mark.parametrize("where", ["command line", "MLflow"])
def test_every_number_of_the_card_is_the_one_in_mlflow(where, trained, tmp_path):
    facts = champion_facts(trained.ledger(), "visits")
    logged = tracking.client(trained.settings.tracking_uri()).get_run(facts.run_id).data.metrics
    shown = card_numbers.numbers(
        of_run(trained, "card/card.md", tmp_path)
        if where == "MLflow"
        else markdown.render(model_card(cards.card_of(trained, 1)))
    )
    assert len(shown) > 100
    assert shown.keys() <= logged.keys()
    assert [name for name in shown if not card_numbers.is_shown_of(shown[name], logged[name])] == []
    for expected in ("roc_auc", "roc_auc_low", "prior_roc_auc", "class.1.recall", "slice.2.roc_auc", "threshold"):
        assert expected in shown


def test_card_has_what_people_said_and_the_groups_that_are_protected(trained, tmp_path):
    card = cards.card_of(trained, 1)
    assert card.people.intended_use == ("to greet visitors",)
    assert {part.name for part in card.evaluation.slices} == {"site north", "site south", "site <b>|west"}
    assert [(one.kind, one.by) for one in card.decisions] == [("promotion", "gate")]
    assert (str(card.data.end), str(card.data.rows_end)) == ("2024-03-01", "2024-03-01")
    page = of_run(trained, "card/card.html", tmp_path)
    assert "site &lt;b&gt;|west" in page
    assert "<b>" not in page
    assert "Nobody has decided about it yet." in page  # when it was registered


def test_card_of_a_version_keeps_the_text_of_its_time(trained):
    said = trained.card_file.read_text()
    trained.card_file.write_text("intended_use: something else\n")
    assert cards.card_of(trained, 1).people.intended_use == ("to greet visitors",)
    trained.card_file.write_text(said)


def test_describing_a_version_again_changes_nothing(trained, tmp_path):
    facts = champion_facts(trained.ledger(), "visits")
    before = of_run(trained, "card/card.md", tmp_path)
    describe.fn(facts, ws=trained.workspace, settings=trained.settings)
    assert of_run(trained, "card/card.md", tmp_path) == before
