"""The card as a CycloneDX 1.6 bill of materials: the model as a component with its modelCard, its data and packages."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from evergreen.record.registry.card.document import plain
from evergreen.record.registry.card.values import Card, Logged, Part, Table

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
# Identifiers of SPDX that are commonly meant; any other text stands as the name of a licence.
SPDX = (
    "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "MPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
    "GPL-3.0-or-later", "LGPL-3.0-only", "AGPL-3.0-only", "EUPL-1.2", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0",
)  # fmt: skip
TASKS = {"binary": "classification", "multiclass": "classification", "regression": "regression"}


def cyclonedx(card: Card) -> dict[str, Any]:
    """Return the bill of materials. Two of one version are the same, whenever and wherever they are made."""
    of = card.details
    reference = f"model:{of.name}@{of.version}"
    tables = {f"data:{table.sha256}": _dataset(table, card) for table in card.data.tables if table.name in _LEARNED}
    packages = {f"pkg:pypi/{name}@{version}": (name, version) for name, version in sorted(of.packages.items())}
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'evergreen:{of.name}:{of.version}:{of.digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": of.trained_at.isoformat(),
            "tools": {"components": [{"type": "application", "name": "evergreen"}]},
            "component": _model(card, reference, list(tables)),
        },
        "components": [
            *tables.values(),
            *(
                {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
                for purl, (name, version) in packages.items()
            ),
        ],
        "dependencies": [
            {"ref": reference, "dependsOn": [*tables, *packages]},
            *({"ref": one} for one in (*tables, *packages)),
        ],
    }


_LEARNED = ("ingested", "train", "gate")


def _model(card: Card, reference: str, datasets: list[str]) -> dict[str, Any]:
    of, people = card.details, card.people
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": reference,
        "name": of.name,
        "version": str(of.version),
        "description": plain(of.description),
        "hashes": [{"alg": "SHA-256", "content": of.digest}],
        "modelCard": _model_card(card, datasets),
        "properties": [{"name": f"evergreen:{name}", "value": value} for name, value in _properties(card)],
    }
    if of.author:
        component["authors"] = [{"name": plain(of.author)}]
    if people.owner:
        component["publisher"] = plain(people.owner)
    if people.licence:
        kind = "id" if people.licence in SPDX else "name"
        component["licenses"] = [{"license": {kind: plain(people.licence)}}]
    return component


def _model_card(card: Card, datasets: list[str]) -> dict[str, Any]:
    people = card.people
    considerations = {
        "users": [plain(text) for text in people.users],
        "useCases": [plain(text) for text in people.intended_use],
        "technicalLimitations": [plain(text) for text in (*people.limitations, *card.limits)],
        "ethicalConsiderations": [{"name": plain(text)} for text in people.ethics],
        "fairnessAssessments": [{"groupAtRisk": f"groups told by {plain(name)}"} for name in card.protected],
    }
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": TASKS[card.details.task],
            "architectureFamily": card.details.family,
            "modelArchitecture": card.details.family,
            "datasets": [{"ref": reference} for reference in datasets],
            "inputs": [{"format": f"{plain(one.name)}: {one.type}"} for one in card.data.columns if one.role in _ASKED],
            "outputs": [{"format": f"{plain(card.details.target)}: {card.details.task}"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": list(_performance(card))},
        "considerations": {name: texts for name, texts in considerations.items() if texts},
    }


_ASKED = ("time", "feature")


def _performance(card: Card) -> Iterator[dict[str, Any]]:
    """Yield every metric that was logged of the gate rows, then those of classes and slices."""
    for one in card.evaluation.metrics:
        ends = {"lowerBound": one.low, "upperBound": one.high}
        interval = {end: _value(logged) for end, logged in ends.items() if logged}
        yield {
            "type": one.metric,
            "value": _value(one.value),
            **({"confidenceInterval": interval} if interval else {}),
        }
    yield from _of_parts("class", card.evaluation.classes)
    yield from _of_parts("slice", card.evaluation.slices)


def _of_parts(kind: str, parts: tuple[Part, ...]) -> Iterator[dict[str, Any]]:
    for part in parts:
        for what, logged in part.numbers.items():
            yield {"type": what, "value": _value(logged), "slice": f"{kind} {plain(part.name)}"}


def _value(logged: Logged) -> str:
    return repr(logged.value)


def _dataset(table: Table, card: Card) -> dict[str, Any]:
    """Return a table as a component; its rows are named by their digest and are not in it."""
    about: dict[str, Any] = {
        "type": "dataset",
        "name": f"{card.details.name}: {table.name}",
        "contents": {"properties": [{"name": "evergreen:rows", "value": str(table.rows)}]},
    }
    if card.personal:
        about["sensitiveData"] = [f"column {plain(name)}" for name in card.personal]
    return {
        "type": "data",
        "bom-ref": f"data:{table.sha256}",
        "name": f"{card.details.name}: {table.name}",
        "hashes": [{"alg": "SHA-256", "content": table.sha256}],
        "data": [about],
    }


def _properties(card: Card) -> Iterator[tuple[str, str]]:
    of = card.details
    known: Mapping[str, str | None] = {
        "run_id": of.run_id,
        "commit": of.commit,
        "package": of.package,
        "code_digest": of.code_digest,
        "params_digest": of.params_digest,
        "lock_digest": of.lock_digest,
        "gate": card.gate.verdict,
        "gate_reason": plain(card.gate.reason),
        "threshold": _value(card.threshold.value) if card.threshold else None,
        "python": of.python,
    }
    yield from ((name, value) for name, value in known.items() if value)
    yield from ((f"parameter:{plain(name)}", plain(str(value))) for name, value in sorted(of.parameters.items()))
    yield from (("out_of_scope", plain(text)) for text in card.people.out_of_scope)
    yield from (("protected_column", plain(name)) for name in card.protected)
    yield from (("personal_column", plain(name)) for name in card.personal)
