"""Whether a git command that only looks keeps to the project, and away from secrets.

Git shows more than files that are there: what it tracks is shown by hash, by commit, by patch.
"""

import re
from collections.abc import Sequence

from executor.policy.standpoint import Standpoint

_SHOWING = frozenset({"diff", "show", "whatchanged", "range-diff", "grep", "cat-file", "stash"})
"""Sub-commands that print what files hold, unless told otherwise."""
_LOGGING = frozenset({"log", "shortlog", "rev-list"})
_PATCHES = re.compile(r"-[pucL]|-U\d*|--(patch|unified|cc|word-diff|full-diff)\b.*|-L.+|-c")
"""Options with which a log prints patches."""
_SUMMARIES = frozenset({
    "--stat", "--shortstat", "--numstat", "--name-only", "--name-status", "--summary", "--dirstat",
    "--no-patch", "-s", "--raw",
})  # fmt: skip
"""Options with which only names and numbers are printed."""
_COUNTS = frozenset({"--count", "-c", "-l", "--files-with-matches"})
"""The same, of `grep`."""
_MAYBE_HASH = re.compile(r"[0-9a-fA-F]{4,64}")
_ONLY_TOLD = frozenset({"-t", "-s", "-e"})
"""Options with which `cat-file` prints a kind or a size."""
_FILE_OF_COMMIT = re.compile(r"[^:]+:[^:/][^:]*")
_PRINTING = frozenset({
    "blame", "annotate", "archive", "difftool", "diff-tree", "diff-index", "diff-files",
    "format-patch", "fast-export", "checkout-index", "merge-file", "mv",
})  # fmt: skip
"""Others that print what a file held, or give it another name, whatever their options."""
_BY_HASH = frozenset({"show", "diff", "cat-file"})
"""Sub-commands that print a file's content where a word is its hash."""
_HASH = re.compile(r"(?:^|-g|[.^])([0-9a-fA-F]{4,64})(?![0-9A-Za-z_:/-])")
"""Where a word may name an object: `1a2b3c^{}`, `..1a2b3c`, `any-g1a2b3c` as `describe` has it."""
_MAGIC = re.compile(r"^(?:\([^)]*\)|/+)")
"""What a path in git's own language begins with: `:(top)name`, `:/name`."""
_EXCLUDING = re.compile(r":(?:[!^]|\((?:[a-z]+,)*exclude[,)])")
"""A path that is left out: `:!name`, `:(exclude)name`."""
_VALUED = frozenset({
    "-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env",
    "--attr-source", "--super-prefix",
})  # fmt: skip
"""Options before the sub-command that take the next word."""


def git_strays(arguments: Sequence[str], at: Standpoint) -> str | None:
    """Why a git command that looks may show what is outside the project or secret, or None.

    Any word may be a path, also behind the colon of `HEAD:path` or `-L 1,5:path`.
    """
    for word in arguments[1:]:
        if not word.startswith("-"):
            paths = (word, *word.split(":")[1:])
            if not all(at.inside(path) for path in paths if path):
                return f"git is pointed at {word}: outside the project, or secret"
    if _shows_content(arguments) and not _is_narrow(arguments, at):
        if at.tracks_secrets():
            return f"git {arguments[0]} may show files that hold secrets and that git knows here"
        if arguments[0] == "grep" and _searches_before(arguments[1:]):
            return "git grep may show a secret file that git knew before"
        if arguments[0] == "range-diff":
            return "git range-diff may show a secret file that git knew before"
    by_hash = _file_by_hash(arguments, at)
    return by_hash and f"git {arguments[0]} may show a secret file by its hash, {by_hash}"


def _file_by_hash(arguments: Sequence[str], at: Standpoint) -> str | None:
    """The word by which it would print what some file held, without a word of which it was."""
    words = arguments[1:]
    if arguments[0] not in _BY_HASH or (arguments[0] == "cat-file" and _ONLY_TOLD & set(words)):
        return None
    named = words[: words.index("--")] if "--" in words else words
    for word in named:
        hashes = () if word.startswith("-") else _HASH.findall(word)
        if any(at.ground.may_hold_file(one) for one in hashes):
            return word
    return None


def _searches_before(words: Sequence[str]) -> bool:
    """Whether `git grep` is told of a commit."""
    before = words[: words.index("--")] if "--" in words else words
    pattern = 0 if "-e" in before else 1
    return bool(_free(before)[pattern:])


def _free(words: Sequence[str]) -> list[str]:
    return [
        word
        for before, word in zip(("", *words), words, strict=False)
        if not word.startswith("-") and before != "-e"
    ]


def shows_history(arguments: Sequence[str], at: Standpoint) -> bool:
    """Whether it prints what files held before, each behind a line that names the file."""
    arguments = _behind_options(arguments)
    if not arguments or arguments[0] == "grep" or not _shows_content(arguments):
        return False
    words = list(arguments[1:])
    before = words[: words.index("--")] if "--" in words else words
    is_history = arguments[0] != "diff" or bool(_free(before))
    return is_history and not _is_narrow(arguments, at)


def secret_shown(arguments: Sequence[str], at: Standpoint) -> str | None:
    """The word by which a git command that prints what files hold, or held, names a secret one."""
    arguments = _behind_options(arguments)
    if not arguments or not (arguments[0] in _PRINTING or _shows_content(arguments)):
        return None
    for word in arguments[1:]:
        if _EXCLUDING.match(word):
            continue
        parts = word.split(":")
        for part in parts[1:] if word.startswith("-") else parts:
            if at.names_secret(_MAGIC.sub("", part, count=1) if len(parts) > 1 else part):
                return word
    return None


def _behind_options(arguments: Sequence[str]) -> Sequence[str]:
    """From the sub-command on."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        at += 2 if arguments[at] in _VALUED else 1
    return arguments[at:]


def _shows_content(arguments: Sequence[str]) -> bool:
    command, options = arguments[0], [word for word in arguments[1:] if word.startswith("-")]
    if command == "grep":
        return not _COUNTS & set(options)
    if command not in _SHOWING and command not in _LOGGING:
        return False
    if command == "stash" and "list" in arguments:
        return False
    if any(_PATCHES.fullmatch(word) for word in options):
        return True
    if command in _LOGGING:
        return False
    if command == "cat-file" or any(_MAYBE_HASH.fullmatch(word) for word in arguments[1:]):
        return True
    return not any(word in _SUMMARIES or word.startswith("--stat=") for word in options)


def _is_narrow(arguments: Sequence[str], at: Standpoint) -> bool:
    """Whether it is told which files to show, all of them there and none of them secret."""
    words = list(arguments[1:])
    before, behind = words, list[str]()
    if "--" in words:
        before, behind = words[: words.index("--")], words[words.index("--") + 1 :]
    named = [word for word in before if not word.startswith("-")]
    if any(_MAYBE_HASH.fullmatch(word) for word in named) and arguments[0] != "log":
        return False
    if "--follow" in before:
        return False
    if behind:
        return all(_is_plain(word, at) for word in behind)
    if arguments[0] in ("show", "cat-file"):
        files = [word for word in named if not (arguments[0] == "cat-file" and word == "blob")]
        return bool(files) and all(_FILE_OF_COMMIT.fullmatch(word) for word in files)
    # What is both a file and a revision is refused by git itself.
    return arguments[0] != "grep" and any(_is_plain(word, at) for word in named)


def _is_plain(word: str, at: Standpoint) -> bool:
    """A file that is there, named without any of git's wildcards, and no secret."""
    if not word or word.startswith(":") or set(word) & set("*?[\\"):
        return False
    return at.inside(word) and at.is_file(word)
