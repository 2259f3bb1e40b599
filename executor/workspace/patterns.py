"""Match paths against patterns with `*`, `?`, `[...]`, `**` and `{a,b}`, in linear time.

Works on names alone. Whether a match includes or ignores a file is its caller's business.
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

ALTERNATIVES_MAX = 256
"""How many patterns the braces of one may stand for."""

_Name = Callable[[str], object]
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "space": r"\s",
    "upper": "A-Z",
}


class BadPattern(ValueError):
    """The pattern can't be read; the message says why."""


class PathPattern(msgspec.Struct, frozen=True):
    """One pattern, taken apart at its slashes; `**` stands for any number of folders."""

    segments: tuple[_Name | None, ...]
    """None is `**`."""

    def matches(self, path: Sequence[str]) -> bool:
        """Whether the whole of `path` matches.

        Only the last `**` is ever tried again, one folder further on, so that the time is bounded
        by the product of both lengths.
        """
        match self.segments:
            case (None, matcher) if matcher is not None:
                return bool(path) and bool(matcher(path[-1]))
            case _:
                pass
        at = segment = 0
        retry_segment, retry_at = -1, 0
        while at < len(path):
            if segment < len(self.segments):
                matcher = self.segments[segment]
                if matcher is None:
                    retry_segment, retry_at = segment, at
                    segment += 1
                    continue
                if matcher(path[at]):
                    at += 1
                    segment += 1
                    continue
            if retry_segment < 0:
                return False
            retry_at += 1
            at, segment = retry_at, retry_segment + 1
        return all(matcher is None for matcher in self.segments[segment:])


def path_pattern(pattern: str) -> PathPattern:
    """`pattern` without braces, relative to where it is anchored. Raises BadPattern."""
    return PathPattern(
        tuple(
            None if segment == "**" else name_matcher(segment)
            for segment in pattern.split("/")
            if segment not in ("", ".")
        )
    )


def glob_patterns(pattern: str) -> tuple[PathPattern, ...]:
    """What a user's glob stands for, braces unfolded. Raises BadPattern."""
    return tuple(path_pattern(plain) for plain in unfolded(pattern))


def unfolded(pattern: str) -> tuple[str, ...]:
    """`a{b,c{d,e}}` as `ab`, `acd`, `ace`; braces that hold no comma stay as they are."""
    done: list[str] = []
    todo = [pattern]
    while todo:
        plain = todo.pop()
        alternatives = _alternatives(plain)
        if alternatives is None:
            done.append(plain)
        else:
            todo.extend(reversed(alternatives))
        if len(done) + len(todo) > ALTERNATIVES_MAX:
            raise BadPattern(f"its braces stand for more than {ALTERNATIVES_MAX} patterns")
    return tuple(dict.fromkeys(done))


def _alternatives(pattern: str) -> list[str] | None:
    """`pattern` once for each alternative of its first group; None if it has no group."""
    starts: list[int] = []
    commas: dict[int, list[int]] = {}
    at = 0
    while at < len(pattern):
        match pattern[at]:
            case "\\":
                at += 1
            case "{":
                starts.append(at)
                commas[at] = []
            case "," if starts:
                commas[starts[-1]].append(at)
            case "}" if starts:
                start = starts.pop()
                if commas[start]:
                    cuts = [start, *commas[start], at]
                    return [
                        pattern[:start] + pattern[a + 1 : b] + pattern[at + 1 :]
                        for a, b in pairwise(cuts)
                    ]
            case _:
                pass
        at += 1
    return None


def name_matcher(segment: str) -> _Name:
    """Matches one name, hidden ones like any other. Raises BadPattern."""
    parts: list[str] = []
    fixed: list[str] = []
    stars = 0
    at = 0
    while at < len(segment):
        char = segment[at]
        at += 1
        if char == "*":
            if not stars or fixed:
                parts.append(_after_star("".join(fixed), is_first=not stars))
                fixed = []
            stars += 1
        elif char == "?":
            fixed.append(".")
        elif char == "[":
            text, at = _char_class(segment, at)
            fixed.append(text)
        elif char == "\\" and at < len(segment):
            fixed.append(re.escape(segment[at]))
            at += 1
        else:
            fixed.append(re.escape(char))
    tail = "".join(fixed)
    expression = "".join(parts) + (f".*{tail}" if stars else tail)
    try:
        return re.compile(expression, re.DOTALL).fullmatch
    except re.error as error:
        raise BadPattern(f"{segment}: {error.msg}") from error


def _after_star(fixed: str, *, is_first: bool) -> str:
    """What stood before a star: the first part is anchored, others are found leftmost, for good.

    The atomic group is what keeps `*a*a*a*` from being tried in every combination.
    """
    return fixed if is_first else f"(?>.*?{fixed})"


def _char_class(segment: str, at: int) -> tuple[str, int]:
    """The class that opened before `at`, as an expression, and its end. Raises BadPattern."""
    end = at + 1 if segment[at : at + 1] in ("!", "^") else at
    end = segment.find("]", end + 1)
    while end > 0 and segment[:end].endswith(":"):
        end = segment.find("]", end + 1)
    if end < 0:
        raise BadPattern(f"the '[' in {segment!r} is never closed")
    body = segment[at:end]
    negated = body[:1] in ("!", "^")
    for name, members in _CLASSES.items():
        body = body.replace(f"[:{name}:]", members)
    body = body[negated:].replace("[", "\\[").replace("&&", "&\\&").replace("~~", "~\\~")
    if body.startswith("]"):
        body = "\\" + body
    return f"[{'^' if negated else ''}{body.replace('||', '|')}]", end + 1
