"""Which simple commands surely only look: a list of programs, each with the options it may have.

An allow-list down to the option: a program or an option that is not here is not proven harmless,
and every word that could be a path must stay within the project.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from executor.policy.git_commands import git_effect

StaysInside = Callable[[str], bool]
"""Whether a word, taken as a path, stays within the project and names no secret."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What a program may be given: flags (short ones may be joined), and options with a value."""

    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    free_words: int = 0
    """So many leading words are no paths (a pattern, a program for sed)."""
    paths: bool = True
    """The words after those are paths; otherwise there may be none."""


def _looking(flags: str = "", valued: str = "", free: int = 0, *, paths: bool = True) -> Looking:
    return Looking(frozenset(flags.split()), frozenset(valued.split()), free, paths)


_GREP = _looking(
    "-r -R -n -i -l -L -c -v -w -x -h -H -o -E -F -P -s -q -I -a --recursive --line-number "
    "--ignore-case --files-with-matches --count --invert-match --word-regexp --no-messages",
    "-A -B -C -m --include --exclude --exclude-dir --max-count --context",
    1,
)
PROGRAMS: dict[str, Looking] = {
    "ls": _looking("-l -a -A -1 -h -R -r -t -S -d -F -p -i -s -n -g -o --all --recursive"),
    "cat": _looking("-n -b -s -A -E -T -v"),
    "head": _looking("-q -v", "-n -c"),
    "tail": _looking("-q -v", "-n -c"),
    "wc": _looking("-l -w -c -m -L"),
    "nl": _looking("-ba"),
    "pwd": _looking("-P -L", paths=False),
    "echo": _looking("-n", free=10_000, paths=False),
    "true": _looking(),
    "false": _looking(),
    "date": _looking("-u -I", paths=False),
    "uname": _looking("-a -s -r -m -n -o -p"),
    "whoami": _looking(paths=False),
    "id": _looking("-u -g -n", paths=False),
    "hostname": _looking(paths=False),
    "nproc": _looking(),
    "arch": _looking(),
    "which": _looking("-a", free=10_000, paths=False),
    "basename": _looking("-a", "-s"),
    "dirname": _looking("-z"),
    "realpath": _looking("-e -m -s"),
    "readlink": _looking("-f -e -m"),
    "stat": _looking("-t -L", "-c -f --format"),
    "file": _looking("-b -i -L --mime-type --brief"),
    "du": _looking("-s -h -a -c -k -m -b --summarize", "-d --max-depth"),
    "df": _looking("-h -k -m -T -i"),
    "tree": _looking("-a -d -f -i -s -h -p -D -F --gitignore --dirsfirst --noreport", "-L -I -P"),
    "diff": _looking("-u -r -q -i -w -b -B -N -y --brief --recursive --unified", "-U"),
    "cmp": _looking("-s -l -b"),
    "comm": _looking("-1 -2 -3"),
    "cut": _looking("-s", "-d -f -c -b"),
    "uniq": _looking("-c -d -u -i"),
    "sort": _looking("-n -r -u -f -b -h -V -g -M -d -i -s -c -z", "-k -t"),
    "tr": _looking("-d -s -c", free=2, paths=False),
    "grep": _GREP,
    "egrep": _GREP,
    "fgrep": _GREP,
    "rg": _looking(
        "-n -i -l -c -v -w -x -F -S -o -s -q -U -N -H -I --files --hidden --line-number "
        "--ignore-case --files-with-matches --count --fixed-strings --smart-case --no-heading "
        "--heading --word-regexp --multiline --no-ignore --count-matches --no-config",
        "-A -B -C -m -g -t -T -e --glob --type --max-count --max-depth --context -d",
        1,
    ),
    "md5sum": _looking(),
    "sha1sum": _looking(),
    "sha256sum": _looking(),
    "test": _looking("-e -f -d -r -w -x -s -z -n -L -h"),
}
"""Not here on purpose: find, sed, awk, xargs, env, less, man, python: their options run things."""

_VERSIONS = frozenset({
    "python", "python3", "node", "npm", "pnpm", "yarn", "cargo", "rustc", "go", "gcc", "clang",
    "make", "cmake", "java", "javac", "ruby", "php", "deno", "bun", "uv", "pip", "docker", "tsc",
})  # fmt: skip
_FIND_TESTS = frozenset({
    "-name", "-iname", "-path", "-ipath", "-type", "-maxdepth", "-mindepth", "-size", "-mtime",
    "-mmin", "-newer", "-empty", "-not", "!", "-o", "-a", "-and", "-or", "-prune", "-print",
    "-readable", "-executable", "-regex", "-iregex",
})  # fmt: skip


def not_harmless(words: Sequence[str], inside: StaysInside, *, trusted: bool) -> str | None:
    """Why this simple command is not proven to only look, or None when it is.

    A git command can run programs that the repository names, so it needs a trusted directory.
    """
    program, rest = words[0], words[1:]
    if program == "git":
        return _git(rest, inside, trusted=trusted)
    if program == "cd":
        outside = len(rest) != 1 or rest[0].startswith("-") or not inside(rest[0])
        return "cd leads elsewhere" if outside else None
    if program == "find":
        return _find(rest, inside)
    if program in _VERSIONS and rest in (["--version"], ("--version",)):
        return None
    looking = PROGRAMS.get(program)
    if looking is None:
        return f"{program} is not known to only look"
    return _words(program, looking, rest, inside)


def _words(program: str, looking: Looking, rest: Sequence[str], inside: StaysInside) -> str | None:
    free = looking.free_words
    takes_value = False
    options = True
    for word in rest:
        if takes_value:
            takes_value = False
        elif options and word == "--":
            options = False
        elif options and word.startswith("-") and len(word) > 1:
            kind = _option(looking, word)
            if kind is None:
                return f"{program} {word.partition('=')[0]} is not known to only look"
            takes_value = kind == "valued"
            if word in ("-e", "--regexp"):
                free = 0
        elif free > 0:
            free -= 1
        elif not looking.paths:
            return f"{program} {word} is not known to only look"
        elif not inside(word):
            return f"{word} is outside the project, or secret"
    return None


def _option(looking: Looking, word: str) -> str | None:
    """`flag`, `valued` (the next word is its value), or None for one that is not known."""
    if word in looking.flags:
        return "flag"
    if word in looking.valued:
        return "valued"
    name, separator, _ = word.partition("=")
    if separator and name in looking.valued:
        return "flag"
    if word.startswith("--"):
        return None
    if word[:2] in looking.valued and word[2:]:
        return "flag"
    if word[1:].isdigit() and "-n" in looking.valued:
        return "flag"
    letters = [f"-{letter}" for letter in word[1:]]
    if all(letter in looking.flags for letter in letters[:-1]):
        if letters[-1] in looking.flags:
            return "flag"
        if letters[-1] in looking.valued:
            return "valued"
    return None


def _find(rest: Sequence[str], inside: StaysInside) -> str | None:
    in_tests = False
    value_of = ""
    for word in rest:
        if value_of:
            if value_of == "-newer" and not inside(word):
                return f"{word} is outside the project"
            value_of = ""
        elif word.startswith("-") or word == "!":
            in_tests = True
            if word not in _FIND_TESTS:
                return f"find {word} is not known to only look"
            takes_none = ("-empty", "-not", "!", "-o", "-a", "-and", "-or", "-prune", "-print",
                          "-readable", "-executable")  # fmt: skip
            value_of = "" if word in takes_none else word
        elif in_tests or not inside(word):
            return f"find {word} is not known to only look"
    return None


def _git(rest: Sequence[str], inside: StaysInside, *, trusted: bool) -> str | None:
    if not trusted:
        return "git may run what this repository's configuration names, and it is not trusted"
    if git_effect(rest) != "read":
        return f"git {rest[0] if rest else ''} is not known to only look".replace("  ", " ")
    outside = [word for word in rest if word.startswith(("/", "../")) and not inside(word)]
    if outside or "--no-index" in rest:
        return "git is pointed outside the project"
    return None
