"""The secrets that are known by their form: providers' tokens, key blocks, passwords in addresses.

One pass finds the long words, whose first letters say which form they may have; what is not one
word is looked for by a needle. No form is tried twice in one word, so that the time is linear.
"""

import re
from collections.abc import Iterator
from functools import cache

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

# A needle, name, what begins at the needle; the group `s` is the secret.
PHRASES: tuple[tuple[str, str, str], ...] = (
    ("SG.", "sendgrid_key", rf"(?P<s>SG\.{_W}{{16,64}}\.{_W}{{16,64}})"),
    ("hvs.", "vault_token", rf"(?P<s>hvs\.{_W}{{24,}})"),
    ("hooks.slack.com/services/", "slack_hook",
     r"hooks\.slack\.com/services/(?P<s>[A-Za-z0-9_/]{20,})"),
    ("earer ", "bearer", r"earer (?P<s>[A-Za-z0-9._~+/=-]{16,512})"),
    ("asic ", "basic", r"asic (?P<s>[A-Za-z0-9+/]{8,512}={0,2})"),
    ("://", "url_password",
     r"://[^\s/:@\"'<>{}$]{0,128}:(?P<s>[^\s/@\"'<>{}$]{3,256})@[A-Za-z0-9\[]"),
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
    for word in _LONG.finditer(ascii_of(text)):
        start = word.start()
        for name, pattern in _BY_START.get(word[0][:2], ()):
            match = _compiled(pattern).match(text, start)
            if match is not None:
                yield Span(start, match.end(), name)
    for needle, name, pattern in PHRASES:
        start = text.find(needle)
        while start >= 0:
            match = _compiled(pattern).match(text, start)
            if match is not None and _meant(name, match["s"]):
                yield Span(*match.span("s"), name)
            start = text.find(needle, start + len(needle))
    if _BEGIN in text and "PRIVATE KEY" in text:
        yield from _key_lines(text)


def ascii_of(text: str) -> bytes:
    """A byte for each character, so that positions agree: '?' for what is not ASCII."""
    return text.encode("ascii", "replace")


def _meant(name: str, value: str) -> bool:
    if name in _DOUBTFUL:
        return looks_secret(value)
    return value.lower() not in _DUMMIES


def _key_lines(text: str) -> Iterator[Span]:
    """The lines of private keys, one by one: line numbers and diff marks between them stay."""
    begin = _compiled(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
    done = 0
    for match in begin.finditer(text):
        start = max(match.end(), done)
        end = text.find(_END, start, start + BLOCK_MAX)
        least = 8 if end >= 0 else 16
        if end < 0:
            end = _last_line(text, start)
        for run in _compiled(rf"[A-Za-z0-9+/=]{{{least},}}").finditer(text, start, end):
            yield Span(*run.span(), "private_key", keep=False)
        done = end


def _last_line(text: str, start: int) -> int:
    """Where a key block without an end stops: at the first line that can't be one of a key."""
    position = text.find("\n", start)
    position = len(text) if position < 0 else position + 1
    limit = min(len(text), start + BLOCK_MAX)
    while position < limit:
        following = text.find("\n", position, limit)
        following = limit if following < 0 else following + 1
        if _compiled(r"[A-Za-z0-9+/=]{16}").search(text, position, following) is None:
            break
        position = following
    return min(position, limit)


def open_block(text: str) -> int:
    """Where a key block begins whose end is still to come; -1 for none."""
    start = text.rfind(_BEGIN)
    if start < 0 or len(text) - start > BLOCK_MAX or text.find(_END, start) >= 0:
        return -1
    return start
