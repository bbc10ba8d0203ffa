"""What parsers make of a page, so that a page whose data is hostile can be laid beside one whose data is not."""

import re
from html.parser import HTMLParser

from card_numbers import parsed, said

INLINE = {"text", "text_special", "code_inline", "strong_open", "strong_close"}  # what our own pages hold
CODE = re.compile(r"[\w.:/@+=,-]+", re.ASCII)
BARE_LINK = re.compile(r"(?<!\\)://|(?<!:\\/)(?<=/)/(?!/)|www\.(?=\w)|(?<!\\)@")


def markdown_blocks(text: str) -> list[tuple[str, str, int]]:
    """Return the blocks of a page: their kinds, tags and depths."""
    return [(token.type, token.tag, token.level) for token in parsed(text)]


def markdown_inlines(text: str) -> set[str]:
    """Return the kinds of what stands inside lines; code is checked to hold nothing but names."""
    kinds = set()
    for token in parsed(text):
        for child in token.children or []:
            assert child.type != "code_inline" or CODE.fullmatch(child.content), child.content
            kinds.add(child.type)
    return kinds


def markdown_said(text: str) -> str:
    """Return what a reader sees, line by line."""
    return "\n".join(said(token) for token in parsed(text) if token.type == "inline")


class Page(HTMLParser):
    """The elements of a page with their attributes, in order, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)
