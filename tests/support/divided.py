"""Traffic that is divided: a version registered beside the champion, a rule, and what was logged of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import promoted
from promoted import MODEL, Serving

from evergreen.config.settings import Settings
from evergreen.decisions.rollout.traffic import Arm, Mode, Traffic
from evergreen.record import traffic
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from evergreen.record.predictions import reading

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
