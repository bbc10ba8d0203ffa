"""The card of a version is read from its proof, verified, and every way it cannot be is one clear block."""

import json

import carded
import pytest

from cli import cards
from evergreen.base.errors import ConfigError, IntegrityError
from evergreen.record.registry.proof import METRICS, PROOF


@pytest.fixture(scope="session")
def version(tmp_path_factory):
    return carded.version("binary", tmp_path_factory.mktemp("carded"))


@pytest.fixture
def carded_project(fresh, version):
    """A project with version 3, whose proof is in its workspace."""
    return carded.promoted(fresh, version)


def test_card_is_that_of_the_proof_and_the_ledger(carded_project, version):
    card = cards.card_of(carded_project, 3)
    assert card.details == version.card.details.model_copy(update={"predecessor": None})
    assert card.evaluation == version.card.evaluation
    (decision,) = card.decisions
    assert (decision.kind, decision.by, decision.reason) == ("promotion", "ada", "because")


@pytest.mark.parametrize("number", [0, 2, 4, -1])
def test_version_that_is_not_there_is_a_block_that_says_where_to_look(carded_project, number):
    with pytest.raises(ConfigError, match=f"no version {number} of 'visits'") as caught:
        cards.card_of(carded_project, number)
    assert (caught.value.code, caught.value.exit_code) == ("STA004", 2)
    assert "evergreen history" in caught.value.next_step


def test_version_from_before_proofs_were_kept_says_so(fresh, version):
    older = version._replace(facts=version.facts.model_copy(update={"proof": None}))
    project = carded.promoted(fresh, older, proof=False)
    with pytest.raises(ConfigError, match="from before proofs were kept") as caught:
        cards.card_of(project, 3)
    assert (caught.value.code, caught.value.next_step) == ("CRD001", "Train again: evergreen run")


@pytest.mark.parametrize("name", [PROOF, METRICS, "manifest.json"])
def test_proof_that_was_changed_is_not_shown(carded_project, name):
    (found,) = carded_project.workspace.root.glob(f"proof*/{name}")
    found.chmod(0o644)
    found.write_bytes(found.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(IntegrityError) as caught:
        cards.card_of(carded_project, 3)
    assert caught.value.code == "INT003"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, ("card", "markdown")),
        ({"annex_iv": True}, ("annex_iv", "markdown")),
        ({"cyclonedx": True}, ("cyclonedx", "json")),
        ({"form": "html"}, ("card", "html")),
        ({"out": "card.HTML"}, ("card", "html")),
        ({"out": "card.html", "form": "markdown"}, ("card", "markdown")),
        ({"out": "card.md", "annex_iv": True}, ("annex_iv", "markdown")),
    ],
)
def test_form_follows_what_is_asked_for_or_the_name_of_the_file(options, kind, tmp_path):
    asked = {"annex_iv": False, "cyclonedx": False, "form": None, "out": None} | options
    asked["out"] = asked["out"] and tmp_path / asked["out"]
    assert cards.kind(**asked) == kind


@pytest.mark.parametrize("more", [{"annex_iv": True}, {"form": "html"}])
def test_options_that_contradict_each_other_are_refused(more):
    with pytest.raises(ConfigError) as caught:
        cards.kind(**{"annex_iv": False, "form": None} | more, cyclonedx=True, out=None)
    assert caught.value.code == "CRD003"


def test_each_kind_is_rendered_as_itself(version):
    assert cards.rendered(version.card, ("card", "markdown")).startswith("# Model card: tumours, version 3\n")
    assert cards.rendered(version.card, ("annex_iv", "markdown")).startswith("# Evidence for technical documentation")
    assert cards.rendered(version.card, ("card", "html")).startswith("<!DOCTYPE html>")
    assert json.loads(cards.rendered(version.card, ("cyclonedx", "json")))["specVersion"] == "1.6"
