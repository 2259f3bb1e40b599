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
    "GIT_TERMINAL_PROMPT": "0",
}

LIST_CONFIGURATION = ("config", "--list", "--show-scope", "--includes", "-z")

_OF_THE_REPOSITORY = {"local", "worktree"}
_NEUTRAL: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(expression), value)
    for expression, value in (
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
        (r"remote\..+\.(uploadpack|receivepack)", "false"),
        (r"uploadpack\.packobjectshook", ""),
        (r"trailer\..+\.(cmd|command)", ""),
        (r"tar\..+\.command", "false"),
        (r"sendemail(\..+)?\.(smtpserver|tocmd|cccmd|headercmd)", "false"),
        (r"submodule\..+\.update", "none"),
        (r"protocol\..+\.allow", "user"),
    )
)

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
        for expression, value in _NEUTRAL:
            if expression.fullmatch(key):
                if "=" in key:
                    raise GitRefused(f"The repository's configuration names a program by {key!r}.")
                found[f"{key}={value}"] = None
    return list(found)
