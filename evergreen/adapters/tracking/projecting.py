"""MLflow's registry shows what the ledger says: aliases, tags and descriptions are put back where they differ."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evergreen.adapters.tracking.registering import ensure_model, fill, find, find_model, highest, note_highest
from evergreen.adapters.tracking.store import CANDIDATE_TAG, client, explain_failure
from evergreen.base.values import Value
from evergreen.record.registry.projection import ALIASES, Version, Wanted

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

PROJECTED_TAG = "evergreen.projected"  # the number of the ledger's entry that was last shown whole
FEW, AT_ONCE = 5, 1_000  # versions that are asked for one by one, and in one request
DESCRIPTION_TAG = "evergreen.description"  # the digest of the description that was shown


class Change(Value):
    """Something in MLflow that is not as the ledger says.

    `what`: such as ``alias champion``; `was`: what the ledger says, `found`: what MLflow says, each None for nothing.
    `foreign`: somebody else did it: the ledger never said what was found. `repairable`: it can be put back.
    """

    what: str
    was: str | None
    found: str | None
    foreign: bool = False
    repairable: bool = True


Repair = Callable[[], object]


class Look(NamedTuple):
    """What differs, and whether all that the ledger says was shown before."""

    changes: tuple[Change, ...]
    current: bool


def look(uri: str, name: str, wanted: Wanted) -> Look:
    """Return where MLflow differs from the ledger; nothing is changed."""
    with explain_failure(uri):
        found = _differences(client(uri), name, wanted)
    return Look(tuple(change for change, _ in found.repairs), found.projected == wanted.head)


def reconcile(uri: str, name: str, wanted: Wanted, *, workspace: Path) -> tuple[Change, ...]:
    """Put back whatever in MLflow differs from the ledger, and return it; one process at a time does it for a model.

    What is noted last is how far the ledger was shown. So one that was killed on the way is no foreign hand.
    """
    with explain_failure(uri):
        store = client(uri)
        found = first = _differences(store, name, wanted)
        if found.lost:
            ensure_model(store, name)
            fill(store, uri, name, max(found.lost), known=wanted.versions, workspace=workspace)
            found = _differences(store, name, wanted)  # what is there again lacks most of its tags
        for change, repair in found.repairs:
            if change.repairable and repair:
                repair()
        note_highest(store, name)
        if found.projected != wanted.head and find_model(store, name):
            store.set_registered_model_tag(name, PROJECTED_TAG, str(wanted.head))
        return tuple(change for change, _ in first.repairs)


class _Differences(NamedTuple):
    """Each change with what repairs it; `lost`: the versions that were registered before the database was lost."""

    repairs: list[tuple[Change, Repair | None]]
    projected: int
    lost: list[int]


def _differences(store: "MlflowClient", name: str, wanted: Wanted) -> _Differences:
    model = find_model(store, name)
    noted = str(model.tags.get(PROJECTED_TAG, "")) if model else ""
    projected = int(noted) if noted.isdecimal() else 0
    repairs: list[tuple[Change, Repair | None]] = []
    last = highest(store, name)
    lost = [number for number in wanted.versions if number > last]
    if lost:
        numbers = f"version {lost[0]}" if len(lost) == 1 else f"versions {min(lost)} to {max(lost)}"
        repairs.append((Change(what=numbers, was="registered", found=None), None))
    there: set[int] = set()
    looked = sorted(wanted.descriptions.keys() - lost)
    versions = _versions(store, name, looked)
    for number in looked:
        shown = versions.get(number)
        version = wanted.versions[number]
        if shown is None or not _is(shown, version):
            is_there = None if shown is None else "another model"
            change = Change(what=f"version {number}", was="registered", found=is_there, foreign=True, repairable=False)
            repairs.append((change, None))
            continue
        there.add(number)
        description = wanted.descriptions[number]
        repairs += _of_version(store, name, shown, version, description=description, projected=projected)
    for alias in ALIASES:
        if moved := _of_alias(model, alias, wanted, projected=projected, there={*there, *lost}):
            repairs.append((moved, _pointing(store, name, alias, wanted.aliases[alias])))
    return _Differences(repairs, projected, lost)


def _versions(store: "MlflowClient", name: str, numbers: Sequence[int]) -> "dict[int, ModelVersion]":
    """Return the versions of some numbers that are there: a few one by one, many by pages of the list."""
    if len(numbers) <= FEW:
        asked = {number: find(store, name, number) for number in numbers}
        return {number: version for number, version in asked.items() if version}
    found: dict[int, ModelVersion] = {}
    token: str | None = None
    for _ in range(0, max(numbers), AT_ONCE):  # no version has a larger number, and so no page more is needed
        page = store.search_model_versions(
            f"name = '{name}'", max_results=AT_ONCE, order_by=["version_number ASC"], page_token=token
        )
        found |= {int(version.version): version for version in page}
        token = page.token
        if not token:
            break
    return found


def _is(shown: "ModelVersion", version: Version) -> bool:
    """Return whether what has a version's number is that version, and not one that somebody registered by hand."""
    return bool(shown.run_id == version.run_id or shown.tags.get(CANDIDATE_TAG) == version.candidate)


def _of_version(
    store: "MlflowClient", name: str, shown: "ModelVersion", version: Version, *, description: str, projected: int
) -> list[tuple[Change, Repair | None]]:
    number = version.number
    repairs: list[tuple[Change, Repair | None]] = []
    for tag, value in version.tags.items():
        found = shown.tags.get(tag)
        if found != value:
            change = Change(
                what=f"tag {tag} of version {number}",
                was=value,
                found=found,
                foreign=found is not None or projected >= version.since,
            )
            repairs.append((change, _tagging(store, name, number, {tag: value})))
    found = shown.description or ""
    noted, digest = shown.tags.get(DESCRIPTION_TAG), _digest(description)
    if found != description or noted != digest:
        edited = noted is not None and _digest(found) != noted

        def describe() -> None:
            store.update_model_version(name, str(number), description)
            store.set_model_version_tag(name, str(number), DESCRIPTION_TAG, digest)

        change = Change(what=f"description of version {number}", was=description, found=found or None, foreign=edited)
        repairs.append((change, describe))
    return repairs


def _of_alias(
    model: "RegisteredModel | None", alias: str, wanted: Wanted, *, projected: int, there: set[int]
) -> Change | None:
    target = wanted.aliases[alias]
    pointed = model.aliases.get(alias) if model else None
    found = int(pointed) if pointed else None
    if found == target:
        return None
    return Change(
        what=f"alias {alias}",
        was=None if target is None else str(target),
        found=None if found is None else str(found),
        foreign=found not in wanted.said(alias, since=projected),
        repairable=target is None or target in there,
    )


def _pointing(store: "MlflowClient", name: str, alias: str, target: int | None) -> Repair:
    if target is None:
        return lambda: store.delete_registered_model_alias(name, alias)
    return lambda: store.set_registered_model_alias(name, alias, str(target))


def _tagging(store: "MlflowClient", name: str, number: int, tags: dict[str, str]) -> Repair:
    def tag() -> None:
        for key, value in tags.items():
            store.set_model_version_tag(name, str(number), key, value)

    return tag


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
