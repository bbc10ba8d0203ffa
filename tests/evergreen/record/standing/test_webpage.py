"""The page: what it says, that it asks nobody for anything, and that nothing from data is acted on."""

import html
import re
import subprocess
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
import stood
from stood import at, look, looked, promote, week

from evergreen.record.review.values import Length
from evergreen.record.standing.assemble import standing, unread
from evergreen.record.standing.values import Answering, Told
from evergreen.record.standing.webpage import render

EVIL = "\"><img src=http://evil.example/x onerror=alert(1)><script>alert('x')</script>&amp;\u202e{{7*7}}"
LIVE = Answering(version=1, source="ledger", ready=True, requests=9, failures=2, p50=0.001, p95=0.0025, p99=None)
VOID = {"meta", "link", "br", "img"}


class Read(HTMLParser):
    """Collects tags, attributes and text, and whether every tag is closed in order."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = set(), [], [], []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture
def ledger(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    promote(ledger, 1, at("03-01"), reason="better than the prior")
    return ledger


@pytest.fixture
def eventful(ledger):
    """A ledger with everything in it, and everything that can be named named as somebody who means harm would."""
    for n in range(5):
        columns = (stood.column(EVIL, verdict="shifted", evidence=EVIL), stood.column("age"))
        decision = stood.DUE.model_copy(update={"summary": EVIL, "triggers": (EVIL,)})
        one = look(
            *week(n),
            shift=stood.shift(*columns, verdict="shifted"),
            faults=stood.broken_column(EVIL + "2", EVIL),
            harm=stood.BROKEN,
            decision=stood.DUE if n < 4 else stood.Decision.model_construct(**{**dict(decision)}),
            quarantined=7,
        )
        looked(ledger, one)
    stood.retrained(ledger, one, "refused", rung=EVIL)
    promote(ledger, 2, at("04-20"), by=EVIL, reason=EVIL)
    stood.moved(
        ledger, stood.rolled_out(ledger, 3, at("04-20T01:00"), by=EVIL, reason=EVIL), "returned", at("04-20T02:00")
    )
    rolled = stood.rolled_out(ledger, 4, at("04-20T03:00"), by=EVIL, reason=EVIL)
    stood.noted(ledger, rolled, at("04-20T04:00"), reason=EVIL, person=True)
    told = [
        Told(
            title=EVIL,
            subject=EVIL,
            severity="page",
            since=at("03-03"),
            until=until,
            evidence=EVIL,
            next_step=EVIL,
            runbook=EVIL,
        )
        for until in (None, at("03-05"))
    ]
    found = standing(ledger, stood.MODEL, at=at("04-21"), answering=LIVE)
    return found.model_copy(update={"model": EVIL, "incidents": tuple(told)})


def test_page_says_the_sentence_each_tile_and_what_would_help(ledger):
    looked(ledger, look(*week(0), harm=stood.BROKEN))
    found = standing(ledger, stood.MODEL, at=at("03-09T03:00"))
    words = Read(render(found)).words
    assert found.sentence in words
    for tile in found.tiles:
        assert f"{tile.name} {tile.state} {tile.headline}" in words
        for part in tile.parts:
            assert part.says in words
            assert (part.resolve or "") in words


def test_state_is_told_by_word_and_shape_not_by_colour_alone(ledger):
    looked(ledger, look(*week(0), harm=stood.BROKEN, quarantined=9, shift=stood.shift(verdict="unknown")))
    page = render(standing(ledger, stood.MODEL, at=at("03-09T03:00")))
    for state in ("OK", "NOTE", "BAD", "UNKNOWN"):
        assert f'<use href="#{state}"/></svg>' in page
        assert f'id="{state}"' in page
    shapes = re.findall(r'<symbol id="\w+".*?</symbol>', page, flags=re.DOTALL)
    assert len({re.sub(r'id="\w+"', "", shape) for shape in shapes}) == 4


def test_page_asks_nobody_for_anything(eventful):
    page = Read(render(eventful))
    assert page.tags.isdisjoint({"script", "img", "iframe", "object", "embed", "form", "base", "a", "video", "audio"})
    assert {value for _, name, value in page.attributes if name in ("href", "src", "srcset", "action")} <= {
        "data:,",
        *(f"#{state}" for state in ("OK", "NOTE", "BAD", "UNKNOWN")),
    }
    assert not re.search(r"url\(|@import|@font-face", render(eventful))
    policy = next(value for _, name, value in page.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_nothing_that_came_from_data_is_acted_on(eventful):
    page = Read(render(eventful))
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "alert('x')" in page.words  # it is there, as text
    assert "\u202e" not in render(eventful)  # nor does it turn the line around


def test_what_waits_for_people_is_told_where_the_model_refers_anything(ledger):
    found = standing(ledger, stood.MODEL, at=at("03-09"))
    assert "For people to answer" not in Read(render(found)).words
    none = found.model_copy(update={"review": Length(waiting=0, oldest=None, referred=0)})
    assert "For people to answer" not in Read(render(none)).words
    some = found.model_copy(update={"review": Length(waiting=1_200, oldest=at("03-07T14:30"), referred=3_400)})
    words = Read(render(some)).words
    assert "rows that wait 1,200 referred so far 3,400 the oldest since 7 Mar 2026, 14:30 UTC" in words
    done = found.model_copy(update={"review": Length(waiting=0, oldest=None, referred=3_400)})
    assert "rows that wait 0 referred so far 3,400" in Read(render(done)).words
    assert "the oldest" not in Read(render(done)).words


@pytest.mark.parametrize("past", [False, True])
def test_empty_project_gets_a_page_that_says_what_to_do(ledger, past):
    page = Read(render(standing(ledger, "never", at=at("03-09"), past=past)))
    assert "Nobody answer" in page.words
    assert "evergreen run" in page.words


def test_page_without_a_ledger_says_what_the_service_says():
    words = Read(render(unread("visits", "DEP001: the ledger is not there", at=at("03-09"), answering=LIVE))).words
    assert "Version 1 answers" in words
    assert "the ledger is not there" in words
    assert "1 ms" in words
    assert "more than 10 s" in words


def test_page_of_a_champion_without_looks_says_that_nothing_was_measured(ledger):
    assert "UNKNOWN: no window was measured" in Read(render(standing(ledger, stood.MODEL, at=at("03-09")))).words


def test_page_of_a_thousand_looks_is_small(ledger):
    columns = [stood.column(f"column number {n}", evidence="moved by 0.111 standard deviations") for n in range(60)]
    first = date(2006, 1, 2)
    one = look(first, first + timedelta(weeks=1), shift=stood.shift(*columns))
    found = standing(ledger, stood.MODEL, at=at("03-09"))
    looked(ledger, one)
    found = standing(ledger, stood.MODEL, at=at("03-09T04:00"))
    window = found.windows[0]
    windows = tuple(
        window.model_copy(
            update={
                "start": first + timedelta(weeks=n),
                "end": first + timedelta(weeks=n + 1),
                "version": 1 + n // 5,
                "value": 0.7 + n % 7 / 100,
                "low": 0.6 + n % 7 / 100,
                "high": 0.8 + n % 7 / 100,
                "estimated": 0.7 + n % 3 / 100,
            }
        )
        for n in range(1_000)
    )
    page = render(found.model_copy(update={"windows": windows}))
    assert len(page.encode()) <= 300_000
    assert page.count("1,000 windows") == 0
    assert f"{len(windows)} windows" in page


@pytest.mark.long
@pytest.mark.parametrize("width", [390, 1200])
def test_browser_without_a_network_draws_it_within_its_width(eventful, tmp_path, width):
    measure = "document.title = this.contentDocument.documentElement.scrollWidth"
    frame = (
        f'<iframe width="{width}" height="900" srcdoc="{html.escape(render(eventful))}" onload="{measure}"></iframe>'
    )
    (tmp_path / "frame.html").write_text(f"<!DOCTYPE html><title></title>{frame}")
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    asked = ["--window-size=1400,1000", "--dump-dom", (tmp_path / "frame.html").as_uri()]
    done = subprocess.run([*browser, *asked], capture_output=True, text=True, check=True, timeout=60)
    (wide,) = re.findall(r"<title>(\d+)</title>", done.stdout)
    assert int(wide) <= width
