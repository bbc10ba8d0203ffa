"""CycloneDX: valid by the real schema of 1.6, the same wherever it is made, and with the card's numbers and digests."""

import json
from importlib.resources import files
from pathlib import Path

import carded
import pytest
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource

from evergreen.record.registry.card.cyclonedx import cyclonedx

SCHEMAS = Path(str(files("cyclonedx.schema") / "_res"))


@pytest.fixture(scope="session")
def faults():
    """Return a function that lists what is wrong with a bill of materials."""
    known = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    base = "http://cyclonedx.org/schema/"
    registry = Registry().with_resources((base + name, Resource.from_contents(one)) for name, one in known.items())
    validator = Draft7Validator(
        known["bom-1.6.SNAPSHOT.schema.json"], registry=registry, format_checker=FormatChecker()
    )
    return lambda bill: [f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(bill)]


@pytest.mark.parametrize("which", ["binary", "multiclass", "regression"])
def test_bill_of_materials_is_valid(which, folder, faults):
    assert faults(cyclonedx(carded.version(which, folder).card)) == []


@pytest.mark.parametrize("text", carded.HOSTILE)
def test_bill_of_materials_is_valid_whatever_its_data_says(text, honest, faults):
    bill = cyclonedx(carded.hostile(honest, text).card)
    assert faults(bill) == []
    assert json.loads(json.dumps(bill)) == bill


def test_validator_finds_a_fault(honest, faults):
    bill = cyclonedx(honest.card)
    bill["metadata"]["component"]["modelCard"]["accuracy"] = 1
    assert len(faults(bill)) == 1


def test_bill_of_a_version_is_always_the_same_and_of_another_another(honest):
    first = cyclonedx(honest.card)
    assert cyclonedx(honest.card) == first
    assert first["metadata"]["timestamp"] == "2026-03-01T00:00:00+00:00"
    retrained = honest._replace(facts=honest.facts.model_copy(update={"version": 4}))
    assert cyclonedx(retrained.card)["serialNumber"] != first["serialNumber"]


def test_metrics_are_the_logged_ones_with_their_intervals_and_slices(honest):
    found = cyclonedx(honest.card)["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    whole = {one["type"]: one for one in found if "slice" not in one}
    assert {name: float(one["value"]) for name, one in whole.items()} == honest.proof.candidate.report.candidate
    interval = whole["roc_auc"]["confidenceInterval"]
    ends = (float(interval["lowerBound"]), float(interval["upperBound"]))
    assert ends == honest.proof.candidate.report.intervals["roc_auc"]
    (ward,) = [one for one in found if one.get("slice") == "slice ward a" and one["type"] == "roc_auc"]
    assert float(ward["value"]) == honest.metrics["slice.0.roc_auc"]


def test_model_depends_on_its_data_and_packages_by_digest_and_version(honest):
    bill = cyclonedx(honest.card)
    model, candidate = bill["metadata"]["component"], honest.proof.candidate
    assert model["hashes"] == [{"alg": "SHA-256", "content": honest.facts.artifact.sha256}]
    digests = {one["name"]: one["hashes"][0]["content"] for one in bill["components"] if one["type"] == "data"}
    assert digests == {
        "tumours: ingested": candidate.raw.sha256,
        "tumours: train": candidate.train.sha256,
        "tumours: gate": candidate.test.sha256,
    }
    packages = {f"pkg:pypi/{name}@{pin}" for name, pin in honest.proof.packages.items()}
    assert {one["purl"] for one in bill["components"] if one["type"] == "library"} == packages
    assert "scikit-learn" in honest.proof.packages
    assert sorted(bill["dependencies"][0]["dependsOn"]) == sorted(one["bom-ref"] for one in bill["components"])


@pytest.mark.parametrize(("licence", "kind"), [("Apache-2.0", "id"), ("ask the ward", "name")])
def test_licence_is_an_identifier_where_it_is_one(licence, kind, honest):
    said = carded.SAID.model_copy(update={"licence": licence})
    card = honest._replace(proof=honest.proof.model_copy(update={"card": said})).card
    assert cyclonedx(card)["metadata"]["component"]["licenses"] == [{"license": {kind: licence}}]
