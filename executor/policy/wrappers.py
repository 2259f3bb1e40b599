"""Programs that run another one: what stands behind their own options.

Says only what is run. Two sorts: those that change nothing about what the other may do (`timeout`,
`bash -c`), which are looked through by every rule, and those that may (`sudo`, `xargs`), which are
looked through by rules that tighten.
"""

import re
from collections.abc import Sequence

from executor.policy.command_line import Simple

MAX_DEPTH = 4
"""Of wrappers within wrappers."""
SHELLS = frozenset({"bash", "sh", "dash"})
RUNNERS = SHELLS | frozenset({
    "builtin", "busybox", "chroot", "chrt", "command", "coproc", "doas", "do", "elif", "else",
    "entr", "env", "eval", "exec", "find", "flock", "if", "ionice", "ksh", "nice", "nohup",
    "parallel", "proxychains", "runuser", "script", "setpriv", "setsid", "ssh", "stdbuf", "strace",
    "su", "sudo", "systemd-run", "taskset", "then", "time", "timeout", "torsocks", "trap",
    "unbuffer", "unshare", "until", "watch", "while", "xargs", "zsh", "!", "{",
})  # fmt: skip
"""What may run any of the words behind it."""

_VALUED = {
    "timeout": frozenset({"-s", "-k", "--signal", "--kill-after"}),
    "nice": frozenset({"-n", "--adjustment"}),
    "ionice": frozenset({"-c", "-n"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "time": frozenset[str](),
    "command": frozenset[str](),
    "env": frozenset[str](),
}
_FLAGS = {
    "timeout": frozenset({"--preserve-status", "--foreground", "-v", "--verbose"}),
    "time": frozenset({"-p"}),
}
_JOINED = re.compile(r"-[snkcioe][A-Z0-9]+|-\d+|--(?:signal|kill-after|adjustment)=[A-Z0-9.]+")
_VALUE = re.compile(r"[A-Z0-9.]+[smhd]?")
_DURATION = re.compile(r"\d+(?:\.\d+)?[smhd]?")


def unwrapped(command: Simple) -> Simple | str | None:
    """The command, or the line for a shell, that `command` runs and changes nothing about.

    None where it is no such wrapper, or its options are not known.
    """
    words = command.words
    if words[0] in SHELLS:
        is_line = len(words) == 3 and words[1] == "-c" and not command.globs
        return words[2] if is_line else None
    start = _behind_options(words)
    if start is None or start >= len(words) or words[start].startswith("-"):
        return None
    if "=" in words[start] or any(index <= start for index in command.globs):
        return None
    if words[start] == "cd":
        return None  # `time cd` and `command cd` lead the shell itself elsewhere
    globs = frozenset(index - start for index in command.globs)
    return Simple(words[start:], globs, command.repeated)


def _behind_options(words: Sequence[str]) -> int | None:
    valued = _VALUED.get(words[0])
    if valued is None:
        return None
    flags = _FLAGS.get(words[0], frozenset[str]())
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if words[at] in flags or (valued and _JOINED.fullmatch(words[at])):
            at += 1
        elif words[at] in valued and at + 1 < len(words) and _VALUE.fullmatch(words[at + 1]):
            at += 2
        else:
            return None
    if words[0] != "timeout":
        return at
    return at + 1 if at < len(words) and _DURATION.fullmatch(words[at]) else None
