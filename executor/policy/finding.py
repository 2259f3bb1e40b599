"""Whether `find` only looks, and what it runs by `-exec` only looks too.

Every test is named here; a file that it finds is judged as a path beneath where it began.
"""

from collections.abc import Callable, Sequence

from executor.policy.globs import may_match
from executor.policy.ground import Kind
from executor.policy.standpoint import Standpoint

_ALONE = frozenset({
    "-empty", "-not", "!", "-o", "-a", "-and", "-or", "-prune", "-print", "-print0", "-readable",
    "-executable", "(", ")",
})  # fmt: skip
_VALUED = frozenset({
    "-name", "-iname", "-path", "-ipath", "-type", "-maxdepth", "-mindepth", "-size", "-mtime",
    "-mmin", "-newer", "-regex", "-iregex", "-wholename", "-iwholename",
})  # fmt: skip
_BRANCHING = frozenset({"-o", "-or", "-not", "!", "(", ")", "-prune"})
"""With these it is not plain which files come to `-exec`."""

Judge = Callable[[tuple[str, ...]], str | None]
"""Why a command is not proven to only look."""


def find_strays(rest: Sequence[str], at: Standpoint, judge: Judge) -> str | None:
    """Why `find REST...` is not proven to only look, or None when it is."""
    starts, tests = _split(rest)
    outside = next((word for word in starts if not at.inside(word)), None)
    if outside is not None:
        return f"find {outside} is not known to only look"
    named: dict[str, str] = {}
    index = 0
    while index < len(tests):
        word = tests[index]
        if word == "-exec":
            if named.get("-type") != "f" or _BRANCHING & set(tests[:index]):
                return "find -exec is only known for plain files (-type f)"
            return _runs(starts or ["."], tests, named.get("-name"), at, judge)
        if word in _ALONE:
            index += 1
            continue
        value = tests[index + 1] if index + 1 < len(tests) else None
        if word not in _VALUED or value is None or (word == "-newer" and not at.inside(value)):
            return f"find {word} is not known to only look"
        named[word] = value
        index += 2
    return None


def _split(rest: Sequence[str]) -> tuple[list[str], list[str]]:
    """Where it starts, and its tests; options before the paths are tests that are not known."""
    first = next(
        (index for index, word in enumerate(rest) if word[:1] in ("-", "(", "!")), len(rest)
    )
    return list(rest[:first]), list(rest[first:])


def _runs(
    starts: Sequence[str], tests: Sequence[str], names: str | None, at: Standpoint, judge: Judge
) -> str | None:
    """`COMMAND {} ;` or `+`, the end of TESTS, over files `names` that must hold no secret."""
    command, end = list(tests[tests.index("-exec") + 1 : -1]), tests[-1]
    if (
        end not in (";", "+")
        or command.count("{}") != 1
        or command[0] == "{}"
        or any("{}" in word or word in (";", "+") for word in command if word != "{}")
    ):
        return "find -exec is not known to only look"

    def is_read(name: str, kind: Kind) -> bool:
        return kind == "folder" or names is None or may_match(name, names)

    if any(at.holds_secrets(start, is_read) for start in starts):
        return "find -exec would go through files that hold secrets"
    files = (starts[0],) * (2 if end == "+" else 1)  # one more may be what is written
    at_files = command.index("{}")
    return judge((*command[:at_files], *files, *command[at_files + 1 :]))
