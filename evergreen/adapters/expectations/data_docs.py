"""Data Docs: Great Expectations' pages of a suite and its results, which load nothing and run nothing."""

import copy
import html
import re
from html.parser import HTMLParser
from typing import Any

from evergreen.adapters.expectations.style import STYLE

_GONE = (
    "script",
    "link",
    "style",
    "iframe",
    "object",
    "embed",
    "img",
    "meta",
    "base",
    "form",
    "input",
    "button",
    "footer",
)
_VOID = ("br", "hr", "img", "link", "meta", "base", "input", "embed")
_KEPT = ("class", "id", "colspan", "rowspan", "href")
_RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def pages(results: dict[str, Any]) -> dict[str, bytes]:
    """Return the pages ``results.html`` and ``suite.html`` of a run's results in JSON.

    The same results give the same bytes. Whatever a cell of the data holds is shown as the text that it is.
    """
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    evaluated = []
    for result in copy.deepcopy(results["results"]):
        config = ExpectationConfiguration(**result["expectation_config"])
        evaluated.append(
            ExpectationValidationResult(
                success=result["success"],
                expectation_config=config,
                result=_escaped(result["result"]),
                exception_info=result["exception_info"],
            )
        )
    name = results["suite_name"]
    n_met = sum(result["success"] for result in results["results"])
    whole = ExpectationSuiteValidationResult(
        success=results["success"],
        results=evaluated,
        suite_name=name,
        statistics={
            "evaluated_expectations": len(evaluated),
            "successful_expectations": n_met,
            "unsuccessful_expectations": len(evaluated) - n_met,
            "success_percent": 100 * n_met / len(evaluated) if evaluated else 100.0,
        },
        meta={"great_expectations_version": gx.__version__},
    )
    suite = gx.ExpectationSuite(name=name, expectations=[result.expectation_config for result in evaluated])
    rendered = {
        "results.html": ValidationResultsPageRenderer().render(whole),
        "suite.html": ExpectationSuitePageRenderer().render(suite),
    }
    return {
        path: inert(DefaultJinjaPageView().render(page), title=f"{name}: {path}") for path, page in rendered.items()
    }


def inert(page: str, *, title: str) -> bytes:
    """Return a page without scripts, styles, images and addresses, in a style of our own."""
    cleaner = _Cleaner()
    cleaner.feed(page)
    cleaner.close()
    numbers: dict[str, str] = {}
    body = _RANDOM.sub(lambda match: numbers.setdefault(match[0], f"part-{len(numbers)}"), "".join(cleaner.parts))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n"
        "</html>\n"
    ).encode()


def _escaped(value: Any) -> Any:
    """Return a result whose texts can be put into a page; Great Expectations puts values of cells there as they are."""
    if isinstance(value, str):
        return html.escape(value, quote=False)
    if isinstance(value, dict):
        return {name: _escaped(item) for name, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value


class _Cleaner(HTMLParser):
    """Keeps the text of a page's body, and of its elements those that only lay it out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping: list[str] = []
        self._in_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._in_body = True
        elif tag in _GONE:
            if tag not in _VOID:
                self._skipping.append(tag)
        elif self._in_body and not self._skipping:
            kept = [(name, value or "") for name, value in attrs if name in _KEPT]
            inside = [(name, value) for name, value in kept if name != "href" or value.startswith("#")]
            shown = "".join(f' {name}="{html.escape(value)}"' for name, value in inside)
            self.parts.append(f"<{tag}{shown}>")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            if tag == self._skipping[-1]:
                self._skipping.pop()
        elif self._in_body and tag not in (*_GONE, *_VOID, "body", "html"):
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._in_body and not self._skipping:
            self.parts.append(html.escape(data, quote=False))
