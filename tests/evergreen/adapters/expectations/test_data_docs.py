"""Data Docs: pages that load nothing, run nothing, and show hostile cells as the text that they are."""

import re
from html.parser import HTMLParser

import pytest
from validated import asked, contract_of, stream

from evergreen.adapters.expectations import data_docs

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "=cmd()",
    "</td></table><iframe src=//e.vil>",
    '"><svg onload=alert(3)>',
    "$PARAMETER ${x} &lt;b&gt;",
]


class Elements(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def pages():
    contract = contract_of(
        {"type": "category", "categories": ["a", *HOSTILE[:3]]},
        {"name": "p", "type": "text", "role": "ignore", "pattern": "[<b>]+"},
        {"name": "m", "type": "number", "mean": [0, 1], "min": 0},
        description="<script>",
    )
    values = [*HOSTILE, "a", "<b>"]

    def make():
        run = stream({"x": values, "p": values, "m": [5.5] * len(values)}, contract)
        return data_docs.pages(asked(run, contract).results)

    assert make() == make(), "the same results, the same bytes"
    return {name: content.decode() for name, content in make().items()}


def test_pages_hold_nothing_that_loads_or_runs(pages):
    assert sorted(pages) == ["results.html", "suite.html"]
    for page in pages.values():
        found = Elements(page)
        assert not found.tags & {"script", "link", "img", "iframe", "svg", "object", "form", "button"}
        names = {name for name, _ in found.attributes}
        assert names <= {"class", "id", "href", "colspan", "rowspan", "lang", "charset", "http-equiv", "content"}
        assert all(value.startswith("#") for name, value in found.attributes if name == "href")
        assert "url(" not in page
        assert not re.search(r"https?://", page)
        assert "default-src 'none'" in page


def test_hostile_cells_are_shown_as_text(pages):
    text = Elements(pages["results.html"]).text

    for value in HOSTILE:
        assert value in text, value


def test_results_tell_what_failed_and_what_was_observed(pages):
    text = " ".join(Elements(pages["results.html"]).text.split())

    assert "4 unexpected values found. 50% of 8 total rows." in text
    assert "Status Expectation Observed Value" in text
    assert "5.5" in text


def test_pages_of_a_run_without_rows():
    contract = contract_of({"type": "number", "min": 0})

    assert sorted(data_docs.pages(asked(stream({"x": []}, contract), contract).results)) == [
        "results.html",
        "suite.html",
    ]
