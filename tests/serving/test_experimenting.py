"""Experiments through the real service: A against A, and what the champion says of rows that another answered."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import divided
import numpy as np
import promoted
import pytest
import released
from promoted import MODEL, Serving

from evergreen.decisions.experiments.design import Design, Goal, Guard, Variant
from evergreen.decisions.experiments.ratios import Units, group
from evergreen.learning.model import model as models
from evergreen.record.experiments import kept
from evergreen.record.experiments.beforehand import champion_asked
from evergreen.record.experiments.course import look
from evergreen.record.experiments.rows import Rows, gather
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback

LOOKS, ROWS, PARCELS = 20, 100, 500  # ROWS of each request; a look after each
TOGETHER = 10  # campaigns of one service, and so of one log


def agreed(name: str, version: int = 1, **changed) -> Design:
    given = {
        "name": name,
        "champion": 1,
        "variants": (Variant(name="B", version=version, share=0.5),),
        "goals": (Goal(metric="target", better="higher", effect=0.03),),
        "unit": ("parcel",),
        "planned": PARCELS // 2,
        "adjust": False,
    }
    return Design.model_validate({**given, **changed})


def asked(serving: Serving, rows: list[dict]) -> list[dict]:
    response = serving.client.post("/predict", json={"rows": rows})
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def gathered(serving: Serving, design: Design, begun: datetime, **more) -> Rows:
    return gather(
        serving.settings.predictions,
        design,
        model=MODEL,
        task="binary",
        since=begun - timedelta(minutes=1),
        as_of=datetime.now(UTC),
        delay=timedelta(0),
        **more,
    )


def campaign(serving: Serving, name: str, seed: int) -> tuple[bool, bool]:
    """Run A against A with 20 looks, and return whether anybody won: by our reading, and by naive looking.

    Each parcel comes several times and has a probability of its own of being late. Whether it is late is not up to who
    answers.
    """
    rng = np.random.default_rng([16, seed])
    rate, who = rng.beta(1, 4, PARCELS), rng.integers(0, PARCELS, (LOOKS, ROWS))
    request, ledger = released.requests(1)[0], Ledger.open(serving.settings)
    begun = kept.begin(ledger, MODEL, agreed(name), epoch=1, by="test", reason="A/A", slow_ms=None)
    serving.reload()
    said, times, log = [], [], PredictionLog(serving.settings.predictions)
    for parcels in who:
        answers = asked(serving, [{**request, "parcel": int(parcel)} for parcel in parcels])
        times.append(datetime.now(UTC))
        for parcel, answer in zip(parcels, answers, strict=True):
            about = {"received_us": divided_us(times[-1]), "prediction_id": answer["prediction_id"]}
            said.append(Feedback(os.urandom(8).hex(), kind="label", label=bool(rng.random() < rate[parcel]), **about))
    log.append_feedback(serving.service.loaded().columns, said)
    log.close()
    kept.end(ledger, MODEL, begun, None, by="test", reason="done")
    rows = gathered(serving, begun.design, begun.begun)
    assert len(rows) == LOOKS * ROWS
    found = [look(begun.design, rows, at) for at in times]
    assert found[-1].labelled.counts == found[-1].units.counts
    won = any(one.low is not None and (one.low > 0 or one.high < 0) for each in found for one in each.readings)
    return won, any(naive(rows, at) for at in times)


def divided_us(at: datetime) -> int:
    return int(at.timestamp() * 1e6)


def naive(rows: Rows, at: datetime) -> bool:
    """Return whether a 95 % interval for a single look, of parcels that hang together, leaves 0 out."""
    until, found = divided_us(at), []
    for arm in (0, 1):
        its = (rows.known <= until) & (rows.arm == arm)
        code = np.unique(rows.unit[its], return_inverse=True)[1]
        found.append(group(Units(np.bincount(code, weights=rows.metrics["target"][its]), np.bincount(code) * 1.0)))
    a, b = found
    return abs(b.mean - a.mean) > 1.96 * (a.variance + b.variance) ** 0.5


def campaigns(folder: Path, project: Path, n: int) -> np.ndarray:
    """Return what n campaigns found, shape (n, 2); each has a salt of its own."""
    found = []
    for first in range(0, n, TOGETHER):
        with promoted.serving(folder / f"home-{first}", project) as serving:
            found += [campaign(serving, f"a-{seed}", seed) for seed in range(first, min(first + TOGETHER, n))]
    return np.array(found)


@pytest.mark.long
def test_a_against_a_through_the_service_has_a_winner_in_at_most_one_of_twenty_campaigns(tmp_path, project):
    ours, by_naive_looking = campaigns(tmp_path, project, 400).mean(axis=0)
    assert ours <= 0.05
    assert by_naive_looking > 0.20


def test_a_against_a_through_the_service_seldom_has_a_winner(tmp_path, project):
    ours, by_naive_looking = campaigns(tmp_path, project, 5).sum(axis=0)
    assert ours == 0
    assert by_naive_looking >= 1


def test_champion_says_of_logged_rows_what_it_would_have_answered(tmp_path, project):
    n = 200
    with promoted.serving(tmp_path / "home", project) as serving:
        other = serving.package(2)
        divided.register(serving.settings, other)
        champion = promoted.package(serving.settings.home, 1, project)
        model = models.load(
            promoted.path_of(champion, serving.settings.home) / "src" / "model", champion.artifact.sha256
        )
        ledger = Ledger.open(serving.settings)
        begun = kept.begin(ledger, MODEL, agreed("ab", 2, adjust=True), epoch=1, by="test", reason="A/B", slow_ms=None)
        serving.reload()
        answers = asked(serving, released.requests(n))
        rows = gathered(serving, begun.design, begun.begun, ask=champion_asked(model, champion.threshold))
    assert {answer["version"] for answer in answers} == {1, 2}
    assert len(rows) == n
    others = [at for at, answer in enumerate(answers) if answer["version"] == 2]
    assert 60 < len(others) < 140
    assert np.sort(rows.before["target"]) == pytest.approx(np.sort(promoted.expected(1, n)), abs=1e-5)


def test_variant_that_brings_more_is_found_through_the_service_with_less_noise(tmp_path, project):
    n, rng = 600, np.random.default_rng(4)
    champions = np.array(promoted.expected(1, n))
    goal = Goal(metric="target", better="higher", effect=0.05)
    guard = Guard(metric="latency", better="lower", margin=10_000)
    with promoted.serving(tmp_path / "home", project) as serving:
        known = promoted.package(serving.settings.home, 1, project)
        divided.register(serving.settings, serving.package(2))
        model = models.load(promoted.path_of(known, serving.settings.home) / "src" / "model", known.artifact.sha256)
        wanted = agreed("ab", 2, adjust=True, goals=(goal,), guards=(guard,), planned=n // 2)
        begun = kept.begin(Ledger.open(serving.settings), MODEL, wanted, epoch=1, by="test", reason="A/B", slow_ms=None)
        serving.reload()
        for _ in range(3):
            answers = asked(serving, released.requests(n))
            late = rng.random(n) < champions + 0.15 * np.array([answer["version"] == 2 for answer in answers])
            labels = [
                {"prediction_id": answer["prediction_id"], "label": bool(label)}
                for answer, label in zip(answers, late, strict=True)
            ]
            taken = serving.client.post("/feedback", json={"feedback": labels})
            assert taken.json()["taken"] == n
        rows = gathered(serving, begun.design, begun.begun, ask=champion_asked(model, known.threshold))
    found = look(begun.design, rows, datetime.now(UTC))
    assert (found.decision.answer, found.decision.variant) == ("promote", "B")
    (adjusted, _), (plain, _) = (
        found.readings,
        look(begun.design.model_copy(update={"adjust": False}), rows, found.at).readings,
    )
    assert adjusted.correlation > 0.3
    assert (adjusted.high - adjusted.low) / (plain.high - plain.low) == pytest.approx(adjusted.width)
    assert adjusted.low < 0.15 < adjusted.high
