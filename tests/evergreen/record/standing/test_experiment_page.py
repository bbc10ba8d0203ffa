"""The page of an experiment: what it says, that it asks nobody for anything, and that nothing from data is acted on."""

import html
import re
import subprocess
from datetime import timedelta

import numpy as np
import pytest
from experimented import BEGUN, Shop, design
from rendered import Page

from evergreen.decisions.experiments.design import Goal, Guard, Variant
from evergreen.decisions.experiments.reading import figures
from evergreen.record.experiments.course import Report, report, times
from evergreen.record.experiments.kept import Ended, Experiment
from evergreen.record.experiments.rows import gather
from evergreen.record.standing.experiment_page import render

EVIL = "\"><img src=http://evil.example/x onerror=alert(1)><script>alert('x')</script>&amp;\u202e{{7*7}}"
AGREED = design(
    goals=(Goal(metric="target", better="higher", effect=0.05),),
    guards=(Guard(metric="latency", better="lower", margin=5),),
)


def words(page: Page) -> str:
    return " ".join(" ".join(page.texts).split())


def experiment(agreed=AGREED, **changed) -> Experiment:
    given = {"design": agreed, "epoch": 1, "begun": BEGUN, "by": "Ada", "reason": "newer"}
    return Experiment(**{**given, **changed})


def reported(folder, *, lift: float, n: int = 4_000, agreed=AGREED, points: int = 20) -> Report:
    shop = Shop(folder, agreed, seconds=10 * 86_400)
    rng = np.random.default_rng(3)
    if n:
        shop.answer(rng.integers(0, n, n).tolist(), rng.random((n, 2)) < [0.2, 0.2 + lift])
    rows = gather(folder, agreed, model="shop", task="binary", since=BEGUN, as_of=shop.end, delay=timedelta(0))
    return report(agreed, rows, times(BEGUN, shop.end, points=points))


@pytest.fixture(scope="module")
def won(tmp_path_factory) -> Report:
    return reported(tmp_path_factory.mktemp("log"), lift=0.1)


def test_what_follows_is_said_first_with_the_course_of_each_metric(won) -> None:
    page = Page(render("shop", experiment(), won))
    assert "B is better in target by +0." in words(page)
    assert "target: B minus the champion" in words(page)
    assert "latency: B minus the champion" in words(page)
    assert "worth having from 0.05 on" in words(page)
    last = won.last.readings[0]
    assert figures(last)[1] in words(page)


def test_interval_is_drawn_at_every_look_and_said_while_somebody_points_at_it(won) -> None:
    page = render("shop", experiment(), won)
    known = [look for look in won.looks if look.readings[0].low is not None]
    assert len(known) > 15
    for look in known:
        assert f"{look.at:%Y-%m-%d %H:%M} UTC: {figures(look.readings[0])[0]}" in page
    assert page.count('class="band"') == 2


def test_experiment_without_rows_says_what_is_missing(tmp_path) -> None:
    page = Page(render("shop", experiment(), reported(tmp_path, lift=0, n=0, points=1)))
    assert "Not known yet: target (no row of the champion is known)." in words(page)
    assert "UNKNOWN: too few units in each variant." in words(page)


def test_an_end_and_what_was_left_out_are_told(won) -> None:
    told = won.model_copy(update={"mixed": 3, "keyless": 7, "fell_back": {"B: slow": 12}})
    ended = Ended(at=BEGUN, by="Ada", reason="enough", decision=won.last.decision)
    page = Page(render("shop", experiment(ended=ended), told))
    for said in ("ended on 1 Mar 2026", "3 units", "7 of 4,000 rows", "the champion answered for B: slow, 12 rows"):
        assert said in words(page)


def test_nothing_that_came_from_people_or_data_is_acted_on(won) -> None:
    evil = experiment(by=EVIL, reason=EVIL)
    decision = won.last.decision.model_copy(update={"why": EVIL, "would_decide": (EVIL,)})
    last = won.last.model_copy(update={"decision": decision})
    found = won.model_copy(update={"looks": (*won.looks[:-1], last), "fell_back": {EVIL: 1}})
    page = Page(render(EVIL, evil, found))
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe", "object", "form", "a"}
    attributes = [pair for _, pairs in page.elements for pair in pairs]
    assert not [name for name, _ in attributes if name.startswith("on")]
    links = [value for name, value in attributes if name in ("src", "href") and not value.startswith("#")]
    assert links == ["data:,"]


@pytest.mark.long
@pytest.mark.parametrize("width", [390, 1200])
def test_browser_without_a_network_draws_it_within_its_width(won, tmp_path, width):
    told = won.model_copy(update={"fell_back": {f"B: {'slow' * 40}": 12}})
    named = Variant(name="B" * 40, version=2, share=0.5)
    page = html.escape(render("shop", experiment(design(variants=(named,)), reason="newer " * 60), told))
    measure = "document.title = this.contentDocument.documentElement.scrollWidth"
    frame = f'<iframe width="{width}" height="900" srcdoc="{page}" onload="{measure}"></iframe>'
    (tmp_path / "frame.html").write_text(f"<!DOCTYPE html><title></title>{frame}")
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    asked = ["--window-size=1400,1000", "--dump-dom", (tmp_path / "frame.html").as_uri()]
    done = subprocess.run([*browser, *asked], capture_output=True, text=True, check=True, timeout=60)
    (wide,) = re.findall(r"<title>(\d+)</title>", done.stdout)
    assert int(wide) <= width
