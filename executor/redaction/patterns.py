"""The secrets that are known by their form: providers' tokens, key blocks, passwords in addresses.

One pass finds the long words, whose first letters say which form they may have; what is not one
word is looked for by a needle. No form is tried twice in one word, so that the time is linear.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

import msgspec

from executor.redaction.likeness import looks_secret
from executor.redaction.span import Span

_W = "[A-Za-z0-9_-]"
_LONG = re.compile(rb"\b[A-Za-z0-9_-]{17,}")
"""The shortest: the first part of a JWT."""

# First letters of a word, name, the whole of it.
WORDS: tuple[tuple[str, str, str], ...] = (
    ("sk-", "provider_key", rf"sk-(?={_W}*\d){_W}{{20,}}"),
    ("gh", "github_token", r"gh[oprsu]_[A-Za-z0-9]{36,}"),
    ("github_pat_", "github_token", r"github_pat_\w{22,}"),
    ("glpat-", "gitlab_token", rf"glpat-{_W}{{20,}}"),
    ("AKIA", "aws_key_id", r"AKIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("ASIA", "aws_key_id", r"ASIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("xox", "slack_token", r"xox[abeoprs]-[A-Za-z0-9-]{13,}"),
    ("AIza", "google_key", rf"AIza{_W}{{35}}"),
    ("sk_", "stripe_key", r"sk_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("rk_", "stripe_key", r"rk_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("cg_", "codegen_token", rf"cg_{_W}{{43}}"),
    ("npm_", "npm_token", r"npm_[A-Za-z0-9]{36}"),
    ("pypi-", "pypi_token", rf"pypi-{_W}{{50,}}"),
    ("hf_", "huggingface_token", r"hf_[A-Za-z0-9]{30,}"),
    ("gsk_", "groq_key", r"gsk_[A-Za-z0-9]{40,}"),
    ("nvapi-", "nvidia_key", rf"nvapi-{_W}{{40,}}"),
    ("xai-", "xai_key", r"xai-[A-Za-z0-9]{40,}"),
    ("do", "digitalocean_token", r"do[oprt]_v1_[a-f0-9]{64}"),
    ("AGE-", "age_key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    ("eyJ", "jwt", rf"eyJ{_W}{{10,}}\.eyJ{_W}{{10,}}\.{_W}{{5,}}"),
)
_BY_START: dict[bytes, list[tuple[str, str]]] = {}
for _start, _name, _pattern in WORDS:
    _BY_START.setdefault(_start[:2].encode(), []).append((_name, _pattern))

# A needle, name, what follows it; the group `s` is the secret, with the needle where it is its own.
_OWN = "(?P<own>)"
PHRASES: tuple[tuple[str, str, str], ...] = (
    ("SG.", "sendgrid_key", rf"(?P<s>{_W}{{16,64}}\.{_W}{{16,64}}){_OWN}"),
    ("hvs.", "vault_token", rf"(?P<s>{_W}{{24,}}){_OWN}"),
    ("hooks.slack.com/services/", "slack_hook", r"(?P<s>[A-Za-z0-9_/]{20,})"),
    ("earer ", "bearer", r"(?P<s>[A-Za-z0-9._~+/=-]{16,512})"),
    ("asic ", "basic", r"(?P<s>[A-Za-z0-9+/]{8,512}={0,2})"),
    ("://", "url_password",
     r"[^\s/:@\"'<>{}$]{0,128}:(?P<s>[^\s/@\"'<>{}$]{3,256})@[A-Za-z0-9\[]"),
)  # fmt: skip
_DOUBTFUL = ("bearer", "basic")
"""Words of prose may follow: what follows must look like a secret."""
_DUMMIES = frozenset({"pass", "password", "passwd", "secret", "token", "pw", "pwd", "xxx", "***"})

_BEGIN = "-----BEGIN"
_END = "-----END"
BLOCK_MAX = 16 * 1024
"""Characters of a key block; the key of 16,384 bits has 12,800."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled at the first need: most sessions need few of them."""
    return re.compile(pattern)


def formed(text: str) -> Iterator[Span]:
    """Whatever is a secret by its form."""
    return chain.from_iterable(formed_by_kind(text))


def formed_by_kind(text: str) -> Iterator[Iterator[Span]]:
    """The same, a search for each kind; each in order."""
    yield _words(text)
    for needle, name, following in PHRASES:
        if needle in text:
            yield _phrases(text, name, _compiled(f"{re.escape(needle)}(?={following})"))
    yield _key_lines(text)


def _words(text: str) -> Iterator[Span]:
    for word in _LONG.finditer(ascii_of(text)):
        for name, pattern in _BY_START.get(word[0][:2], ()):
            start = word.start()
            match = _compiled(pattern).match(text, start)
            if match is not None:
                yield Span(start, match.end(), name)


def _phrases(text: str, name: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    # What follows the needle is only looked at: a needle may stand within it, too.
    for match in pattern.finditer(text):
        if _meant(name, match["s"]):
            start = match.start() if "own" in pattern.groupindex else match.start("s")
            yield Span(start, match.end("s"), name)


def ascii_of(text: str) -> bytes:
    """A byte for each character, so that positions agree: '?' for what is not ASCII."""
    return text.encode("ascii", "replace")


def _meant(name: str, value: str) -> bool:
    if name in _DOUBTFUL:
        return looks_secret(value)
    return value.lower() not in _DUMMIES


def _key_lines(text: str) -> Iterator[Span]:
    """The lines of private keys, one by one: line numbers and diff marks between them stay."""
    for block in key_blocks(text):
        run = _compiled(rf"[A-Za-z0-9+/=]{{{block.shortest},}}")
        for line in run.finditer(text, block.start, block.end):
            yield Span(*line.span(), "private_key", keep=False)


class KeyBlock(msgspec.Struct, frozen=True):
    """Where the lines of a private key stand, behind its first line."""

    begin: int
    """Of that first line."""
    start: int
    end: int
    shortest: int
    """Characters of a line: with no end in sight, short ones are words."""


def key_blocks(text: str) -> Iterator[KeyBlock]:
    """In order, none over another."""
    if _BEGIN not in text or "PRIVATE KEY" not in text:
        return
    begin = _compiled(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
    done, closes = 0, -1
    for match in begin.finditer(text):
        start = max(match.end(), done)
        if closes < start:
            found = text.find(_END, start)
            closes = len(text) + BLOCK_MAX if found < 0 else found
        if closes + len(_END) <= start + BLOCK_MAX:
            done = closes
            yield KeyBlock(match.start(), start, closes, 8)
        else:
            done = _last_line(text, start)
            yield KeyBlock(match.start(), start, done, 16)


def _last_line(text: str, start: int) -> int:
    """Where a key block without an end stops: at the first line that can't be one of a key."""
    limit = min(len(text), start + BLOCK_MAX)
    position = text.find("\n", start, limit)
    position = limit if position < 0 else position + 1
    while position < limit:
        following = text.find("\n", position, limit)
        following = limit if following < 0 else following + 1
        if _compiled(r"[A-Za-z0-9+/=]{16}").search(text, position, following) is None:
            break
        position = following
    return position


def open_block(text: str) -> int:
    """Where a key block begins whose end is still to come; -1 for none."""
    start = text.rfind(_BEGIN)
    if start < 0 or len(text) - start > BLOCK_MAX or text.find(_END, start) >= 0:
        return -1
    return start
