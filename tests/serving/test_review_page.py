"""The review page in a real browser: answered by keyboard and by thumb, by two people, from hostile data."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from browsers import browser
from test_reviewing import TOKEN, kept, refer

from serving.review_page import HEADERS, PAGE, SCRIPT, STYLE
from serving.served import Served

EVIL = "\"><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
PICTURES = os.environ.get("REVIEW_PICTURES")  # a folder to put them in, for somebody who looks at them


def test_page_names_its_script_and_style_and_nothing_else_may_run():
    for text in (SCRIPT, STYLE):
        assert hashlib.sha256(text.encode()).digest()
        assert text in PAGE
    assert HEADERS["Content-Security-Policy"].count("sha256-") == 2
    assert PAGE.count("<script>") == 1
    assert " on" not in PAGE.partition("<script>")[0].partition("<body>")[2].replace(" one", "")


@pytest.fixture
def served(bundle) -> Served:
    return Served.load(bundle)


@pytest.fixture
def page(serve, tmp_path):
    with serve(review_token=TOKEN) as client, browser(tmp_path / "profile") as page:
        page.address = f"{client.base_url}/review"
        yield page


def begin(page, name="ann", *, width=1200, height=800, token=TOKEN):
    page.open(page.address, width=width, height=height)
    page.wait("!document.querySelector('#enter').hidden")
    page.run(f"document.querySelector('#name').value = {json.dumps(name)}")
    page.run("document.querySelector('#token').focus()")
    page.type(token)
    page.press("Enter")


def shows(page, n):
    page.wait(f"document.querySelector('#left').textContent.startsWith('{n} wait')")


def picture(page, name):
    if PICTURES:
        page.picture(Path(PICTURES) / f"{name}.png")


def wide(page):
    return page.run("document.documentElement.scrollWidth")


@pytest.mark.long
def test_rows_are_answered_by_keyboard_alone(page, served, tmp_path):
    names = refer(tmp_path, served, ["assist", "audit:0.05", "unsure", "human", "unsure", "unsure", "unsure"])
    begin(page)
    shows(page, 7)
    page.wait("document.querySelectorAll('#why .bar').length > 2")
    said = page.run("document.querySelector('#says').textContent")
    assert said == "The model says: true (probability of true 0.900)"
    picture(page, "assist")
    page.press("y")
    shows(page, 6)
    assert page.run("document.querySelector('#said').hidden") is True
    assert "no echo" in page.run("document.querySelector('#when').textContent")
    picture(page, "unsure")
    page.press("n")
    shows(page, 5)
    page.press("d")
    page.press("y")
    shows(page, 4)
    page.press("s")
    page.press("d")
    page.press("n")
    shows(page, 3)
    page.press("u")
    page.wait("!document.querySelector('#note').hidden")
    picture(page, "again")
    page.press("y")
    page.wait("document.querySelector('#note').hidden")
    page.press("n")
    shows(page, 2)
    page.press("y")
    page.wait("document.querySelector('#empty').textContent.startsWith('You passed over 1')")
    page.press("r")
    page.wait("!document.querySelector('#row').hidden")
    page.press("n")
    page.wait("document.querySelector('#title').textContent.startsWith('Nothing waits')")
    picture(page, "empty")
    assert page.faults == []
    answers = kept(tmp_path)
    assert [answers[name] for name in names[:4]] == [
        *((True, None), (False, None), (None, "positive"), (False, None)),
    ]
    assert answers[names[4]] == (True, None)  # corrected
    assert {answers[name] for name in names[5:]} <= {(True, None), (False, None)}


@pytest.mark.long
def test_phone_shows_a_row_within_its_width_and_takes_answers_by_thumb(page, served, tmp_path):
    names = refer(tmp_path, served, ["assist", "unsure"])
    page.open(page.address, width=390, height=844)
    page.wait("!document.querySelector('#enter').hidden")
    picture(page, "phone-enter")
    begin(page, width=390, height=844)
    shows(page, 2)
    page.wait("document.querySelectorAll('#why .bar').length > 2")
    picture(page, "phone")
    assert wide(page) <= 390
    sizes = page.run(
        "[...document.querySelectorAll('#acts button')].filter(b => !b.hidden).map(b => b.getBoundingClientRect())"
        ".map(b => [b.height, b.left, b.right])"
    )
    assert all(height >= 44 and left >= 0 and right <= 390 for height, left, right in sizes)
    page.click("#choices button:nth-child(2)")
    shows(page, 1)
    assert kept(tmp_path)[names[0]] == (False, None)
    page.run("window.scrollTo(0, document.body.scrollHeight)")
    last, bar = page.run(
        "[document.querySelector('#card').getBoundingClientRect().bottom,"
        " document.querySelector('#acts').getBoundingClientRect().top]"
    )
    assert last <= bar  # nothing of the row stays under the answers
    assert page.faults == []


@pytest.mark.long
def test_second_person_is_told_and_may_answer_all_the_same(page, served, tmp_path, serve):
    from evergreen.record.predictions.log import PredictionLog
    from evergreen.record.predictions.records import Feedback
    from evergreen.record.review import answering

    names = refer(tmp_path, served, ["unsure", "unsure"])
    begin(page)
    shows(page, 2)
    log = PredictionLog(tmp_path / "predictions")
    said = Feedback("", 1_714_564_900_000_000, "label", names[0], label=False, by="ben")
    about = {names[0]: answering.Referred(rule="unsure")}
    assert answering.answer(log, served.columns, [said], about, anyway=True).taken
    log.close()
    page.press("y")
    page.wait("document.querySelector('#note').textContent.includes('ben answered it')")
    picture(page, "told")
    assert kept(tmp_path)[names[0]] == (False, None)
    page.click("#note button")
    page.wait("document.querySelector('#left').textContent.includes('1 done')")
    assert kept(tmp_path)[names[0]] == (True, None)


@pytest.mark.long
def test_wrong_token_is_asked_for_again_and_data_is_text(page, served, tmp_path):
    columns = served.columns
    begin(page, token="wrong")
    page.wait("document.querySelector('#note').textContent.includes('SRV014')")
    assert page.run("document.querySelector('#enter').hidden") is False
    texts = [at for at, column in enumerate(columns.features) if column.type in ("category", "text")]
    assert texts
    (name,) = refer(tmp_path, served, ["assist"], changed={texts[0]: EVIL})
    begin(page, name=EVIL[:100])
    shows(page, 1)
    assert "<script>" in page.run("document.querySelector('#sent').textContent")
    assert page.run("document.title") == "Review"
    assert page.run("document.querySelectorAll('#work img, #work script').length") == 0
    page.press("y")
    page.wait("document.querySelector('#title').textContent.startsWith('Nothing waits')")
    assert kept(tmp_path)[name] == (True, None)
    assert wide(page) <= 1200
