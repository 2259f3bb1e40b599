"""HTML as Markdown: what a reader would see, links made whole, nothing of what a browser would run.

Loads a parser and a converter; used by the program that fetches, never by the executor itself.
"""

import re
from typing import Any
from urllib.parse import urljoin

from markdownify import MarkdownConverter

_UNSEEN = (
    "script", "style", "noscript", "template", "svg", "iframe", "object", "embed", "canvas",
    "audio", "video", "dialog", "head", "title", "[hidden]",
)  # fmt: skip
_LEADS = ("http:", "https:", "mailto:")
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*\n")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


class NotConvertible(Exception):
    """Only the bare text could be had; `text` is that."""

    def __init__(self, text: str) -> None:
        super().__init__("too deeply nested to be converted: the bare text")
        self.text = text


def markdown(html: str, url: str) -> str:
    """`html`, which was found at `url`. Raises NotConvertible, which carries the bare text."""
    return _Converter(url).convert(html)


class _Converter(MarkdownConverter):
    """Takes what is not to be read out of the page before it is converted."""

    def __init__(self, url: str) -> None:
        super().__init__(heading_style="ATX", bullets="-")
        self._url = url

    def convert_soup(self, soup: Any) -> str:
        title = soup.title.get_text(" ", strip=True) if soup.title is not None else ""
        for unseen in soup.select(",".join(_UNSEEN)):
            unseen.extract()
        for tag, attribute in (("a", "href"), ("img", "src")):
            for found in soup.find_all(tag):
                _make_whole(found, attribute, self._url)
        try:
            text = _tidied(super().convert_soup(soup))
        except RecursionError as error:
            raise NotConvertible(_tidied(soup.get_text("\n", strip=True))) from error
        if title and not text.startswith(f"# {title}"):
            text = f"# {title}\n\n{text}"
        return text


def _make_whole(tag: Any, attribute: str, url: str) -> None:
    """Keep a link that leads somewhere, as seen from anywhere; drop any other."""
    value = tag.get(attribute)
    try:
        whole = urljoin(url, value.strip()) if isinstance(value, str) else ""
    except ValueError:
        whole = ""
    if whole.lower().startswith(_LEADS):
        tag[attribute] = whole
    elif tag.name == "img":
        tag.replace_with(str(tag.get("alt") or ""))
    else:
        tag.unwrap()


def _tidied(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip() + "\n"
