"""Traffic that is divided: a version registered beside the champion, a rule, and what was logged of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import promoted
import released
from promoted import MODEL, Serving

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.settings import Settings
from evergreen.decisions.rollout.traffic import Arm, Mode, Traffic
from evergreen.learning import features
from evergreen.learning.model import model as models
from evergreen.learning.model.release import Release
from evergreen.learning.tuning import families
from evergreen.record import traffic
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from evergreen.record.predictions import reading
from evergreen.record.registry import bentos

OWNER = "rollout-1"


def register(settings: Settings, known: VersionFacts) -> None:
    """Have the ledger know a version that is not champion."""
    Ledger.open(settings).record(MODEL, "version", known.candidate, known.model_dump(mode="json"))


def rule(settings: Settings, version: int, share: float, *, mode: Mode = "split", **more: Any) -> Traffic:
    """Return a rule that gives a challenger a share of the champion's traffic, or has it as a shadow."""
    ledger = Ledger.open(settings)
    champion = ledger.champion(MODEL)
    assert champion is not None
    arms: Sequence[Arm] = (
        Arm(name="challenger", version=version, share=share),
        Arm(name="champion", version=champion.version, share=1 - share),
    )
    number = len(ledger.entries(MODEL, traffic.TRAFFIC)) + 1
    said: dict[str, Any] = {"kind": "rollout", "owner": OWNER, "rule": f"{OWNER}.{number}", "salt": OWNER}
    return Traffic.model_validate({**said, "epoch": champion.epoch, "mode": mode, "arms": arms, **more})


def change(settings: Settings, wanted: Traffic | None) -> None:
    """Set a rule in the ledger, or end the one that stands."""
    ledger = Ledger.open(settings)
    champion = ledger.champion(MODEL)
    assert champion is not None
    traffic.change(ledger, MODEL, wanted, owner=OWNER, expected_epoch=champion.epoch, because={"by": "test"})


def divide(serving: Serving, version: int, share: float, *, mode: Mode = "split", **more: Any) -> Traffic:
    """Divide the traffic of a running service, which has taken it up when this returns."""
    register(serving.settings, serving.package(version))
    wanted = rule(serving.settings, version, share, mode=mode, **more)
    change(serving.settings, wanted)
    serving.reload()
    return wanted


def end(serving: Serving) -> None:
    """Have the champion of a running service answer alone."""
    change(serving.settings, None)
    serving.reload()


def records(home: Path, kind: Any = "table") -> list[dict[str, Any]]:
    """Return what was logged, in the order of its receipt."""
    rows: list[dict[str, Any]] = reading.read(home / "predictions", kind).to_pylist()
    return rows


def expected(version: int, n: int) -> list[float]:
    """Return what a version says of the first rows of the table."""
    return promoted.expected(version, n)


def other_contract(home: Path, version: int, project: Path) -> VersionFacts:
    """Put a package where the service looks for it whose model asks for a column that the others never see."""
    told = released.CONTRACT.model_dump(mode="json")
    columns = [{**column, "role": "feature"} if column["name"] == "arrival" else column for column in told["columns"]]
    contract = Contract.model_validate({**told, "columns": columns})
    rows, inputs = released.table(), features.inputs(contract, released.FEATURES)
    pipeline = families.build("logistic", {}, task="binary", inputs=inputs, features=released.FEATURES, seed=7)
    pipeline.fit(features.build(rows, contract, released.FEATURES)[inputs.names], rows["late"].to_numpy())
    folder = home / "made" / "src"
    folder.mkdir(parents=True)
    made_of = {"contract": contract, "features": released.FEATURES}
    ref = models.save(Workspace.beside(folder), "model", pipeline, **made_of, about={"seed": 7}, compiled={})
    release = Release(model=MODEL, version=version, model_digest=ref.sha256, threshold=0.5)
    (folder / "release.json").write_text(release.model_dump_json())
    digest = released.pack(folder, project)
    place = bentos.path_of(release, home)
    place.parent.mkdir(parents=True, exist_ok=True)
    folder.parent.rename(place)
    return promoted.facts(release, digest)
