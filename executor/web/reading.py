"""Make of an answer's bytes what a model reads: Markdown of HTML, text as it is, facts of the rest.

Opens nothing, and follows nothing that a page names.
"""

import codecs
import hashlib
import re

import msgspec

from executor.web.fetching import Fetched
from executor.web.markdown import NotConvertible, markdown
from executor.web.reports import PAGE_MAX, Page, Problem
from executor.workspace.kinds import binary_kind, signature

_HTML = ("text/html", "application/xhtml+xml")
_TEXT = re.compile(
    r"text/.*|.*\+(json|xml|yaml)|application/(json|xml|javascript|ecmascript|x-javascript|yaml"
    r"|x-yaml|toml|sql|x-sh|graphql|ld\+json|jsonlines|x-ndjson|x-httpd-php)"
)
_CHARSETS = re.compile(
    r"(utf[-_]?(8|16|32)([-_]?[lb]e)?|us[-_]ascii|ascii|(iso[-_]?8859|latin|windows|cp|koi8)[-_]?\w+"
    r"|shift[-_]jis|euc[-_]\w+|gb\w+|big5|iso[-_]2022[-_]\w+)", re.IGNORECASE
)  # fmt: skip
"""Encodings of texts; Python has others, which take time or are none."""
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{2,40})""", re.IGNORECASE)
_META_WITHIN = 2048
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAID_MAX = 2000
"""Characters that are shown of what comes with a refusal."""


def read(answer: Fetched) -> Page | Problem:
    """The page that `answer` is, or why it is none."""
    page = _page(answer)
    if 200 <= answer.status < 300:
        return page
    said = page.text[:_SAID_MAX].strip()
    told = f"{answer.url} answers {answer.status} {answer.reason}".rstrip()
    return Problem("http_status", f"{told}.\n{said}" if said else f"{told}.")


def _page(answer: Fetched) -> Page:
    body = answer.body
    notes = ["more than 5 MiB: only the beginning was read"] if answer.cut else []
    if not _is_text(answer):
        digest = "" if answer.cut else f", SHA-256 {hashlib.sha256(body).hexdigest()}"
        kind = answer.media_type or "no type given"
        text = f"[binary: {signature(body)} ({kind}), {len(body):,} bytes{digest}]"
        return Page(answer.url, answer.media_type, len(body), text, "; ".join(notes))
    text = _decoded(answer)
    if answer.media_type in _HTML or (not answer.media_type and _begins_as_html(text)):
        try:
            text = markdown(text, answer.url)
        except NotConvertible as error:
            notes.append(f"{error}")
            text = error.text
    if len(text) > PAGE_MAX:
        notes.append(f"cut after {PAGE_MAX:,} of {len(text):,} characters")
    page = Page(answer.url, answer.media_type, len(body), text[:PAGE_MAX])
    return msgspec.structs.replace(page, note="; ".join(notes))


def _is_text(answer: Fetched) -> bool:
    media_type, body = answer.media_type, answer.body
    if not media_type or media_type in (*_HTML, "application/octet-stream", "binary/octet-stream"):
        return binary_kind(body) is None
    if not _TEXT.fullmatch(media_type):
        return False
    wide = (answer.charset or "").lower().startswith(("utf-16", "utf-32", "utf16", "utf32"))
    return wide or binary_kind(body) is None


def _begins_as_html(text: str) -> bool:
    start = text[:500].lstrip().lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body"))


def _decoded(answer: Fetched) -> str:
    """By its byte order mark, by what the server says, by what the page says, else by its looks."""
    body = answer.body
    named = [name for mark, name in _BOMS if body.startswith(mark)]
    if answer.charset:
        named.append(answer.charset)
    meta = _META.search(body[:_META_WITHIN]) if answer.media_type in (*_HTML, "") else None
    if meta is not None:
        named.append(meta[1].decode())
    for name in named:
        if name == "utf-8-sig" or _CHARSETS.fullmatch(name):
            try:
                return body.decode(name, "replace")
            except LookupError:
                continue
    try:
        # A character that the bound has cut is no reason to doubt the others.
        return codecs.getincrementaldecoder("utf-8")().decode(body, final=not answer.cut)
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")
