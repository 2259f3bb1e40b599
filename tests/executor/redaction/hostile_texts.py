"""Texts that are made to take long: each says what it repeats, and can be of any length.

`python -m tests.executor.redaction.hostile_texts` says what a mebibyte of each takes.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from executor.redaction import Known, Redactor

MEBIBYTE = 1024 * 1024
PERIODIC = "token=aatoken=a"
"""Of a known value that begins anew wherever it goes on."""

REPEATED: dict[str, str] = {
    "needles": "token",
    "names in names": "passpasswordpassphrase",
    "short names": "_pass",
    "assignments": "token=",
    "nested": "token=token=tokentoken",
    "quotes": "password='",
    "quoted words": "password='" + "a1b2c3d4 " * 56 + "x",
    "keys": "api_key: x",
    "few kinds": "token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ",
    "long values": "token=" + "ab" * 250 + " ",
    "versions": "token=" + "1.2.3." * 84 + "! ",
    "one long version": "token=1." + "1" * 500 + "! ",
    "code": "token=" + "a.b::c->" * 62 + "! ",
    "prefixes": "sk-",
    "half tokens": "eyJ",
    "parts of tokens": "eyJ" + "a" * 14 + ".",
    "addresses": "://",
    "colons": "://a:",
    "long users": "://" + "a" * 128,
    "long passwords": "://a:" + "b" * 255,
    "bearers": "Bearer abcd1234efgh5678 ",
    "basics": "asic aaaaaaaa",
    "dotted capitals": "SG.",
    "keys in one line": "-----BEGIN PRIVATE KEY-----",
    "keys in lines": "-----BEGIN PRIVATE KEY-----\nQUFBQUFBQUFBQUFBQUFBQUFB\n",
    "ends": "-----END",
    "heads of patches": "diff --git a/.env b/.env\n",
    "patches": "diff --git a/.env b/.env\n@@ -1 +1 @@\n+DEBUG=true\n",
    "graphs": "diff --git a/.env b/.env\n@@ -1 +1 @@\n" + " |" * 300 + "!\n",
    "colours": "diff --git a/.env b/.env\n@@ -1 +1 @@\n" + "\x1b[0m" * 300 + "!\n",
    "marks": "«secret:",
    "one word": "a",
    "another word, known": "z",
    "odd capitals": "\u0130",
    "what is known": "quiet-river-stone",
    "almost what is known": "quiet-river-ston",
    "what is known, over itself": PERIODIC,
}


def repeated(name: str, length: int) -> str:
    piece = REPEATED[name]
    return (piece * (length // len(piece) + 1))[:length]


def distinct(_length: int) -> str:
    return "".join(f"token=zq{n:06}-XkWvHu\n" for n in range(_length // 22))


def log(length: int) -> str:
    line = "2026-11-21T12:00:{:02}Z INFO worker[{}] id={:x} path=/api/v1/items/{} took={}ms\n"
    lines = (line.format(n % 60, n, n * 7919, n, n % 97) for n in range(length // 70))
    return "".join(lines)[:length]


def source(length: int) -> str:
    files = sorted(Path(__file__).parents[3].glob("maestro/**/*.py"))
    text = "".join(file.read_text() for file in files)[: 64 * 1024]
    return (text * (length // len(text) + 1))[:length]


def redactor() -> Redactor:
    """It knows as much as it can: the last of them what is repeated above."""
    few = [Known("A", "quiet-river-stone"), Known("B", PERIODIC * 8), Known("C", "z" * 500)]
    many = [Known(f"N{n}", f"value-number-{n:08}") for n in range(250)]
    return Redactor(lambda: [*few, *many])


def families() -> Iterator[tuple[str, Callable[[int], str]]]:
    """Name, and a text of about the given length."""
    for name in REPEATED:
        yield name, lambda length, name=name: repeated(name, length)
    yield "different secrets", distinct
    yield "a log", log
    yield "source", source


def seconds(text: str) -> float:
    """Of the processor."""
    made = redactor()
    made.redact("")
    began = time.process_time()
    made.redact(text)
    return time.process_time() - began


def main() -> None:
    for name, text_of in families():
        half, whole = text_of(MEBIBYTE // 2), text_of(MEBIBYTE)
        once = min(seconds(half) for _ in range(3))
        twice = min(seconds(whole) for _ in range(3))
        figures = f"{twice * 1000:7.1f} ms a mebibyte, {twice / once:.2f} of half of it"
        sys.stdout.write(f"{name:28} {figures}\n")


if __name__ == "__main__":
    main()
