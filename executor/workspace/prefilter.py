"""Tell cheaply which files a regular expression can't match, by text that every match must hold.

Works on bytes, in Python or by ripgrep, and only ever errs towards "perhaps": what is left is to be
searched by the expression itself, so that results are the same with and without ripgrep.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import msgspec

LITERALS_MAX = 32
BATCH_FILES_MAX = 8192
BATCH_BYTES_MAX = 256 * 1024
"""Of one command line; systems take 1 MiB and more."""
_FIRST_BATCH = 256

# The tree of an expression is CPython's own; nothing else says for sure what re takes it to mean.
_PARSER: Any = import_module("re._parser")

Path = tuple[str, ...]


class Prefilter(msgspec.Struct, frozen=True):
    """What a file holds if the expression matches in it, at least one of these."""

    literals: tuple[str, ...]
    """Printable ASCII."""
    folded: bool = False
    """Letter case does not matter."""

    def in_python(self) -> Callable[[bytes], bool]:
        """Whether bytes may be a text with a match."""
        parts = [literal.encode() for literal in self.literals]
        parts += _marks(folded=self.folded)
        if not self.folded:  # several looks for one part each take a tenth of one for any of them
            return lambda content: any(part in content for part in parts)
        anything = re.compile(b"|".join(map(re.escape, parts)), re.IGNORECASE).search
        return lambda content: anything(content) is not None

    def for_ripgrep(self) -> str:
        """The same as an expression of ripgrep's."""
        parts = ["".join(f"\\x{ord(char):02x}" for char in literal) for literal in self.literals]
        for mark in _marks(folded=self.folded):
            parts.append("".join(f"\\x{byte:02x}" for byte in mark))
            parts[-1] = f"(?-u:{parts[-1]})"
        return "|".join(parts)


def _marks(*, folded: bool) -> tuple[bytes, ...]:
    """Bytes of texts that are not searched as they stand: UTF-16 and UTF-32, odd letter cases."""
    wide = (b"\0", b"\xff\xfe", b"\xfe\xff")
    # The letters that re takes for i, s and k when case does not matter, and which are not ASCII.
    return (*wide, *(char.encode() for char in "\u0130\u0131\u017f\u212a")) if folded else wide


def prefilter(expression: re.Pattern[str]) -> Prefilter | None:
    """None where nothing is known of what matches."""
    flags = expression.flags
    tree: Any = _PARSER.parse(expression.pattern, flags & ~re.DEBUG)
    literals = _required(tree)
    if literals is None or len(literals) > LITERALS_MAX:
        return None
    folded = bool(flags & re.IGNORECASE) or _folds(tree)
    return Prefilter(tuple(sorted(set(literals))), folded)


def _required(tree: Any) -> list[str] | None:
    """Texts of which every match of the sequence holds one; None if there are none."""
    best: list[str] | None = None
    run = ""
    sequence: list[tuple[str, Any]] = [(str(op), argument) for op, argument in tree]
    for name, argument in [*sequence, ("END", 0)]:
        if name == "LITERAL" and 0x20 <= argument < 0x7F:
            run += chr(argument)
            continue
        if name in ("AT", "ASSERT", "ASSERT_NOT"):
            continue  # they take no text, so that what stands around them is adjacent
        best = _better(best, [run] if run else None)
        run = ""
        best = _better(best, _required_inside(name, argument))
    return best


def _required_inside(name: str, argument: Any) -> list[str] | None:
    match name:
        case "SUBPATTERN":
            return _required(argument[3])
        case "ATOMIC_GROUP":
            return _required(argument)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _required(argument[2]) if argument[0] > 0 else None
        case "BRANCH":
            found: list[str] = []
            for alternative in argument[1]:
                literals = _required(alternative)
                if literals is None:
                    return None
                found += literals
            return found
        case _:
            return None


def _better(one: list[str] | None, other: list[str] | None) -> list[str] | None:
    """Whichever is rarer, as far as lengths tell."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda literals: (min(map(len, literals)), -len(literals)))


def _folds(tree: Any) -> bool:
    """Whether some part of the expression says by itself that letter case does not matter."""
    for op, argument in tree:
        match str(op):
            case "SUBPATTERN":
                if argument[1] & re.IGNORECASE or _folds(argument[3]):
                    return True
            case "ATOMIC_GROUP":
                if _folds(argument):
                    return True
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                if _folds(argument[2]):
                    return True
            case "BRANCH":
                if any(map(_folds, argument[1])):
                    return True
            case _:
                pass
    return False


def possible(paths: Sequence[Path], wanted: Prefilter, program: str) -> Iterator[Path]:
    """Those of `paths`, in their order, that ripgrep does not rule out; some batches at a time.

    `paths` are relative to the working directory. Where ripgrep fails, nothing is ruled out.
    """
    command = (
        *(program, "--no-config", "--no-ignore", "--hidden", "--no-messages", "--color=never"),
        *("--files-with-matches", "--null", "--text", "--encoding=none"),
        *(("--ignore-case",) if wanted.folded else ("--case-sensitive",)),
        *("-e", wanted.for_ripgrep(), "--"),
    )
    for batch in _batches(paths):
        names = [f"./{'/'.join(path)}" for path in batch]
        try:
            ended = subprocess.run((*command, *names), stdout=subprocess.PIPE, check=False)
        except OSError:
            yield from batch
            continue
        if ended.returncode not in (0, 1):
            yield from batch
            continue
        found = set(ended.stdout.split(b"\0"))
        yield from (
            path for path, name in zip(batch, names, strict=True) if os.fsencode(name) in found
        )


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Small ones first, so that what changed last is there soon."""
    batch: list[Path] = []
    room, files = BATCH_BYTES_MAX, _FIRST_BATCH
    for path in paths:
        batch.append(path)
        room -= sum(map(len, path)) * 4 + len(path) + 16
        if len(batch) >= files or room < 0:
            yield batch
            batch, room, files = [], BATCH_BYTES_MAX, min(2 * files, BATCH_FILES_MAX)
    if batch:
        yield batch
