"""Which simple commands surely only look: a list of programs, each with the options it may have.

An allow-list down to the option: a program or an option that is not here is not proven harmless,
and every word that could be a path must stay within the project.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from executor.policy.git_commands import git_effect
from executor.policy.ground import IsRead, Kind
from executor.policy.standpoint import Standpoint


class Looking(msgspec.Struct, frozen=True):
    """What a program may be given: flags (short ones may be joined), and options with a value."""

    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    free_words: int = 0
    """So many leading words are no paths (a pattern, a program for sed)."""
    paths: int = 10_000
    """So many words after those may follow, all of them paths."""


def _looking(flags: str = "", valued: str = "", free: int = 0, paths: int = 10_000) -> Looking:
    return Looking(frozenset(flags.split()), frozenset(valued.split()), free, paths)


_GREP = _looking(
    "-r -n -i -l -L -c -v -w -x -h -H -o -E -F -P -s -q -I -a --recursive --line-number "
    "--ignore-case --files-with-matches --count --invert-match --word-regexp --no-messages "
    "--extended-regexp --fixed-strings --perl-regexp --only-matching --color=never --color=auto",
    "-A -B -C -m --include --exclude --exclude-dir --max-count --context",
    1,
)
PROGRAMS: dict[str, Looking] = {
    "ls": _looking(
        "-l -a -A -1 -h -R -r -t -S -d -F -p -i -s -n -g -o --all --recursive --almost-all "
        "--human-readable --reverse --directory --size --classify --color=never --color=auto"
    ),
    "cat": _looking("-n -b -s -A -E -T -v"),
    "head": _looking("-q -v", "-n -c"),
    "tail": _looking("-q -v", "-n -c"),
    "wc": _looking("-l -w -c -m -L --lines --words --bytes --chars"),
    "nl": _looking("-ba"),
    "pwd": _looking("-P -L", paths=0),
    "echo": _looking("-n", free=10_000, paths=0),
    "true": _looking(),
    "false": _looking(),
    "date": _looking("-u -I", paths=0),
    "uname": _looking("-a -s -r -m -n -o -p", paths=0),
    "whoami": _looking(paths=0),
    "id": _looking("-u -g -n", paths=0),
    "hostname": _looking(paths=0),
    "nproc": _looking("--all", paths=0),
    "arch": _looking(paths=0),
    "which": _looking("-a", free=10_000, paths=0),
    "type": _looking("-a -t -p", free=10_000, paths=0),
    "basename": _looking("-a", "-s"),
    "dirname": _looking("-z"),
    "realpath": _looking("-e -m -s"),
    "readlink": _looking("-f -e -m"),
    "stat": _looking("-t -L", "-c --format --printf"),
    "file": _looking("-b -i -L --mime-type --brief"),
    "du": _looking("-s -h -a -c -k -m -b --summarize", "-d --max-depth"),
    "df": _looking("-h -k -m -T -i"),
    "tree": _looking("-a -d -f -i -s -h -p -D -F --gitignore --dirsfirst --noreport", "-L -I -P"),
    "diff": _looking("-u -q -i -w -b -B -N -y --brief --unified --color=never", "-U"),
    "cmp": _looking("-s -l -b"),
    "comm": _looking("-1 -2 -3"),
    "cut": _looking("-s", "-d -f -c -b"),
    "uniq": _looking("-c -d -u -i", paths=1),
    "sort": _looking("-n -r -u -f -b -h -V -g -M -d -i -s -c -z", "-k -t"),
    "tr": _looking("-d -s -c", free=2, paths=0),
    "grep": _GREP,
    "egrep": _GREP,
    "fgrep": _GREP,
    "rg": _looking(
        "-n -i -l -c -v -w -x -F -S -o -s -q -U -N -H -I --files --hidden --line-number "
        "--ignore-case --files-with-matches --count --fixed-strings --smart-case --no-heading "
        "--heading --word-regexp --multiline --no-ignore --count-matches --no-config --color=never "
        "--stats --sort=path --only-matching --no-line-number --with-filename --no-filename",
        "-A -B -C -m -g -t -T --glob --type --max-count --max-depth --context -d",
        1,
    ),
    "md5sum": _looking(),
    "sha1sum": _looking(),
    "sha256sum": _looking(),
    "test": _looking("-e -f -d -r -w -x -s -z -n -L -h"),
}
"""Not here on purpose: awk, xargs, env, less, man, python, `diff -r`, `grep -R`: they run things,
or follow links that lead out. What find and sed may be given is below."""
_BUILT_IN = frozenset({"cd", "echo", "false", "pwd", "test", "true", "type"})

_VERSIONS = frozenset({
    "python", "python3", "node", "npm", "pnpm", "yarn", "cargo", "rustc", "go", "gcc", "clang",
    "make", "cmake", "java", "javac", "ruby", "php", "deno", "bun", "uv", "pip", "docker", "tsc",
})  # fmt: skip
_FIND_TESTS = frozenset({
    "-name", "-iname", "-path", "-ipath", "-type", "-maxdepth", "-mindepth", "-size", "-mtime",
    "-mmin", "-newer", "-empty", "-not", "!", "-o", "-a", "-and", "-or", "-prune", "-print",
    "-readable", "-executable", "-regex", "-iregex", "-print0", "-wholename", "-iwholename",
})  # fmt: skip
_FIND_ALONE = frozenset({
    "-empty", "-not", "!", "-o", "-a", "-and", "-or", "-prune", "-print", "-print0", "-readable",
    "-executable",
})  # fmt: skip
"""Of these, the tests that no word belongs to."""
_LINES = re.compile(r"\d+(,(\+?\d+|\$))?p")
"""What sed may be given with -n: lines by their numbers."""


def not_harmless(words: Sequence[str], at: Standpoint) -> str | None:
    """Why this simple command is not proven to only look, or None when it is.

    A git command can run programs that the repository names, so it needs a trusted directory.
    """
    program, rest = words[0], words[1:]
    why = _by_program(program, rest, at)
    if why is None and program not in _BUILT_IN and at.ground.is_planted(program):
        return f"{program} is a file of this project"
    return why


def _by_program(program: str, rest: Sequence[str], at: Standpoint) -> str | None:
    match program:
        case "git":
            return _git(rest, at)
        case "cd":
            return _cd(rest, at)
        case "find":
            return _find(rest, at)
        case "sed":
            return _sed(rest, at)
        case _ if program in _VERSIONS and tuple(rest) == ("--version",):
            return None
        case _:
            return _looks(program, rest, at)


def _looks(program: str, rest: Sequence[str], at: Standpoint) -> str | None:
    looking = PROGRAMS.get(program)
    if looking is None:
        return f"{program or 'an empty word'} is not known to only look"
    paths = _paths(program, looking, rest)
    if isinstance(paths, _Unknown):
        return paths.why
    outside = next((word for word in paths if not at.inside(word)), None)
    if outside is not None:
        return f"{outside} is outside the project, or secret"
    return _searched(program, rest, paths, at) if program in _SEARCHES else None


class _Unknown(msgspec.Struct, frozen=True):
    why: str


def _paths(program: str, looking: Looking, rest: Sequence[str]) -> list[str] | _Unknown:
    """The words that are paths, where every option is known."""
    free = 0 if program == "rg" and "--files" in rest else looking.free_words
    paths: list[str] = []
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
                return _Unknown(f"{program} {word.partition('=')[0]} is not known to only look")
            takes_value = kind == "valued"
        elif free > 0:
            free -= 1
        elif len(paths) == looking.paths:
            return _Unknown(f"{program} {word} is not known to only look")
        else:
            paths.append(word)
    return paths


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


_SEARCHES = frozenset({"grep", "egrep", "fgrep", "rg"})


def _searched(
    program: str, rest: Sequence[str], paths: Sequence[str], at: Standpoint
) -> str | None:
    """Whatever a search goes through is shown: no secret may lie there."""
    if program == "rg":
        is_read = _all if "--hidden" in rest else _hidden_apart
        goes_down = "--files" not in rest
    else:
        is_read = _included(rest)
        goes_down = any(
            word == "--recursive" or (word.startswith("-") and word[1:2] != "-" and "r" in word)
            for word in rest
        )
    if goes_down and any(at.holds_secrets(path, is_read) for path in paths or ["."]):
        return f"{program} would go through files that hold secrets"
    return None


def _all(_name: str, _kind: Kind) -> bool:
    return True


def _hidden_apart(name: str, _kind: Kind) -> bool:
    return not name.startswith(".")


def _included(rest: Sequence[str]) -> IsRead:
    """By grep's --include=GLOB."""
    globs = [word.partition("=")[2] for word in rest if word.startswith("--include=")]

    def is_read(name: str, kind: Kind) -> bool:
        return kind == "folder" or not globs or any(fnmatchcase(name, glob) for glob in globs)

    return is_read


def _cd(rest: Sequence[str], at: Standpoint) -> str | None:
    # The shell takes '..' back by name, files are found through links: so no '..' here.
    plain = len(rest) == 1 and not rest[0].startswith("-") and ".." not in rest[0].split("/")
    if not plain or not at.inside(rest[0]):
        return "cd leads elsewhere"
    return None if at.entering(rest[0]) else "it changes folders too often"


def _find(rest: Sequence[str], at: Standpoint) -> str | None:
    in_tests = False
    value_of = ""
    for word in rest:
        if value_of:
            if value_of == "-newer" and not at.inside(word):
                return f"{word} is outside the project"
            value_of = ""
        elif word.startswith("-") or word == "!":
            in_tests = True
            if word not in _FIND_TESTS:
                return f"find {word} is not known to only look"
            value_of = "" if word in _FIND_ALONE else word
        elif in_tests or not at.inside(word):
            return f"find {word} is not known to only look"
    return None


def _sed(rest: Sequence[str], at: Standpoint) -> str | None:
    """`sed -n 10,20p FILE...` and nothing else: its language writes files and runs commands."""
    if len(rest) < 2 or rest[0] != "-n" or not _LINES.fullmatch(rest[1]):
        return "sed is not known to only look"
    outside = [word for word in rest[2:] if word.startswith("-") or not at.inside(word)]
    return f"{outside[0]} is outside the project, or secret" if outside else None


def _git(rest: Sequence[str], at: Standpoint) -> str | None:
    if not at.trusted:
        return "git may run what this repository's configuration names, and it is not trusted"
    if git_effect(rest) != "read":
        return f"git {rest[0] if rest else ''} is not known to only look".replace("  ", " ")
    return git_strays(rest, at)


def git_strays(arguments: Sequence[str], at: Standpoint) -> str | None:
    """Why a git command that looks may show what is outside the project or secret, or None.

    Any word may be a path, also behind the colon of `HEAD:path` or `-L 1,5:path`.
    """
    for word in arguments[1:]:
        if not word.startswith("-"):
            paths = (word, *word.split(":")[1:])
            if not all(at.inside(path) for path in paths if path):
                return f"git is pointed at {word}: outside the project, or secret"
    return None
