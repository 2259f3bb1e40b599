"""Git, so that nothing runs that a repository names: no hook, pager, filter, driver or helper.

What the user's own configuration names is trusted and stays; which arguments may be used is decided
elsewhere.

`git config --list` says which programs the repository's configuration names; each is overridden by
a value that runs nothing. Beside them stand the overrides that hold always.
"""

import re

ALWAYS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.editor=true",
    "sequence.editor=true",
    "safe.bareRepository=explicit",
    "diff.ignoreSubmodules=dirty",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
"""`diff.ignoreSubmodules` keeps git from entering submodules, whose configuration was not read."""

ENVIRONMENT = {
    "GIT_EDITOR": "true",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_PROXY_COMMAND": "",
    "GIT_TERMINAL_PROMPT": "0",
}
"""Of core.gitProxy git takes the first value, so that only this variable overrides it."""

LIST_CONFIGURATION = ("config", "--list", "--show-scope", "--includes", "-z")

_OF_THE_REPOSITORY = {"local", "worktree"}
_NEUTRAL = (
    (r"filter\..+\.(clean|smudge|process)", ""),
    (r"filter\..+\.required", "false"),
    (r"diff\.external", ""),
    (r"diff\..+\.(command|textconv)", ""),
    (r"merge\..+\.driver", "false"),
    (r"core\.(askpass|gitproxy|alternaterefscommand)", ""),
    (r"core\.sshcommand", "ssh"),
    (r"credential(\..+)?\.helper", ""),
    (r"gpg(\..+)?\.(program|defaultkeycommand)", "false"),
    (r"interactive\.difffilter", ""),
    (r"pager\..+", "false"),
    (r"(difftool|mergetool|guitool|browser|man)\..+\.(cmd|path)", "false"),
    (r"uploadpack\.packobjectshook", ""),
    (r"trailer\..+\.(cmd|command)", ""),
    (r"hook\..+\.command", "true"),
    (r"tar\..+\.command", "false"),
    (r"sendemail(\..+)?\.(smtpserver|sendmailcmd|tocmd|cccmd|headercmd)", "false"),
    (r"submodule\..+\.update", "none"),
    (r"protocol\..+\.allow", "user"),
)
"""Compiled when Git is first run: most sessions run none."""

_FIRST_HOLDS = re.compile(r"remote\..+\.(uploadpack|receivepack)")
"""Programs of which git takes the first value, the repository's; also reading may fetch objects."""

_OWN_WORK = frozenset(
    {"add", "am", "annotate", "apply", "blame", "branch", "bundle", "cat-file", "check-attr"}
    | {"check-ignore", "check-mailmap", "check-ref-format", "checkout", "cherry", "cherry-pick"}
    | {"clean", "clone", "commit", "commit-tree", "config", "count-objects", "describe", "diff"}
    | {"diff-files", "diff-index", "diff-tree", "fetch", "for-each-ref", "format-patch", "fsck"}
    | {"gc", "grep", "hash-object", "init", "log", "ls-files", "ls-remote", "ls-tree", "merge"}
    | {"merge-base", "merge-tree", "mv", "name-rev", "notes", "prune", "pull", "push"}
    | {"range-diff", "read-tree", "rebase", "reflog", "remote", "repack", "replace", "reset"}
    | {"restore", "rev-list", "rev-parse", "revert", "rm", "shortlog", "show", "show-ref"}
    | {"sparse-checkout", "stash", "status", "switch", "symbolic-ref", "tag", "update-index"}
    | {"update-ref", "var", "verify-commit", "verify-tag", "version", "whatchanged", "worktree"}
    | {"write-tree"}
)
_RUNNING_OPTIONS = (
    *("--exec", "--ex", "-x", "--upload-pack", "--receive-pack", "--open-files-in-pager", "-O"),
    *("--template", "--config", "-c", "-u", "--strategy", "-s", "-X"),
)
"""Options that name a program, a helper's name or configuration; of some commands only, but a
command in the sandbox that need not be there only misses the user's keys."""
_HARMLESS_WITH = {
    "-c": {"commit", "diff", "log", "show", "switch", "blame", "annotate", "grep"},
    "-u": {"add", "push", "stash", "status", "commit", "diff", "log", "show", "branch"},
    "-s": {"commit", "diff", "log", "show", "status", "shortlog", "stash", "tag", "am"}
    | {"format-patch", "diff-tree", "cherry-pick", "revert", "cat-file"},
    "-x": {"cherry-pick", "clean", "rm"},
    "-X": {"clean", "log"},
    "-O": {"diff", "log", "show"},
    "--config": set[str](),
}

_FOR_A_PERSON = frozenset({"citool", "difftool", "gui", "instaweb", "mergetool"})
"""Without a tool of the user's they take the first editor that there is, which would wait."""

_DIFF_COMMANDS = frozenset(
    {"annotate", "blame", "diff", "diff-files", "diff-index", "diff-tree", "format-patch", "log"}
    | {"reflog", "show", "whatchanged"}
)
_NO_DRIVERS = ("--no-ext-diff", "--no-textconv")
_DRIVERS_ON = ("--ext", "--textc")
_SUBCOMMAND = re.compile(r"[a-z][a-z0-9-]*")


class GitRefused(ValueError):
    """Arguments that would undo the hardening; the message says which."""


def hardened(args: tuple[str, ...], configuration: bytes) -> tuple[str, ...]:
    """The arguments after `git` that do what `args` say and run nothing of the repository.

    `configuration` is what LIST_CONFIGURATION wrote, empty outside a repository. Raises GitRefused.
    """
    command, *rest = args
    if not _SUBCOMMAND.fullmatch(command):
        raise GitRefused(
            f"The first argument must be a git command such as 'status', not {command!r}: options "
            "before the command (-c, -C, --git-dir, --work-tree, ...) are not taken."
        )
    named = _of_repository(configuration)
    if command in _FOR_A_PERSON:
        raise GitRefused(
            f"'git {command}' waits for a person at a screen; see what differs with 'diff', and "
            "mend what conflicts in the files themselves."
        )
    if f"alias.{command}" in named:
        raise GitRefused(f"'{command}' is an alias of this repository, and those are not run.")
    for arg in rest[: rest.index("--") if "--" in rest else None]:
        if arg.startswith(_DRIVERS_ON):
            raise GitRefused(f"{arg} runs programs that the repository names.")
    settings = (*_overrides(named), *ALWAYS)  # of two for one key, the later holds
    return (
        "--no-pager",
        *(("--work-tree=.",) if "core.worktree" in named else ()),
        *_options(settings),
        command,
        *(_NO_DRIVERS if command in _DIFF_COMMANDS else ()),
        *rest,
    )


def runs_programs(args: tuple[str, ...]) -> bool:
    """Whether a git command of these arguments may run another program than git itself."""
    command, *rest = args
    if command not in _OWN_WORK:
        return True
    options = rest[: rest.index("--") if "--" in rest else None]
    return any(_names(option, arg, command) for arg in options for option in _RUNNING_OPTIONS)


def _names(option: str, arg: str, command: str) -> bool:
    """Whether `arg` is `option`, perhaps shortened or with its value, where that runs something."""
    given = arg.partition("=")[0]
    shortened = option.startswith("--") and len(given) > 3 and option.startswith(given)
    return (shortened or arg.startswith(option)) and command not in _HARMLESS_WITH.get(option, ())


def unconfigured(args: tuple[str, ...]) -> tuple[str, ...]:
    """The same for a git command that reads nothing but configuration."""
    return ("--no-pager", *_options(ALWAYS), *args)


def _options(settings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for setting in settings for part in ("-c", setting))


def _of_repository(configuration: bytes) -> list[str]:
    """The keys that the repository sets, in git's canonical form."""
    fields = configuration.decode("utf-8", "surrogateescape").split("\0")
    return [
        setting.partition("\n")[0]
        for scope, setting in zip(fields[::2], fields[1::2], strict=False)
        if scope in _OF_THE_REPOSITORY
    ]


def _overrides(keys: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for key in keys:
        if _FIRST_HOLDS.fullmatch(key):
            raise GitRefused(
                f"The repository's configuration names a program by {key!r}, which git can't be "
                "kept from running. Ask the user to remove it from .git/config."
            )
        for expression, value in _NEUTRAL:
            if re.fullmatch(expression, key):
                if "=" in key:
                    raise GitRefused(f"The repository's configuration names a program by {key!r}.")
                found[f"{key}={value}"] = None
    return list(found)
