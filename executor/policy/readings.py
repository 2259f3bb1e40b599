"""The ways to read one simple command, for rules that only tighten: `sudo /usr/bin/git -C x push`.

Finds what a rule may have meant; proves nothing, so no allow rule is held against these.
"""

from collections.abc import Iterator

MAX_STARTS = 16
_RUNNERS = frozenset({
    "sudo", "doas", "env", "timeout", "xargs", "nice", "ionice", "nohup", "time", "exec", "command",
    "builtin", "stdbuf", "setsid", "bash", "sh", "zsh", "dash", "eval", "then", "do", "else", "!",
})  # fmt: skip
_GIT_VALUED = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"})

Reading = tuple[str, tuple[str, ...]]
"""A tool and the words that its rules are matched against."""


def readings(tool: str, words: tuple[str, ...]) -> Iterator[Reading]:
    """As it stands; with the program's bare name; behind what runs programs; as the other tool."""
    if tool == "Git":
        yield "Git", words
        yield "Shell", ("git", *words)
        return
    for start in _starts(words):
        rest = words[start:]
        program = rest[0].rpartition("/")[2]
        yield "Shell", rest
        if program != rest[0]:
            yield "Shell", (program, *rest[1:])
        if program == "git":
            command = _behind_options(rest[1:])
            yield "Git", command
            yield "Shell", ("git", *command)


def _starts(words: tuple[str, ...]) -> range:
    if not words:
        return range(0)
    runs_another = words[0].rpartition("/")[2] in _RUNNERS or "=" in words[0]
    return range(min(len(words), MAX_STARTS) if runs_another else 1)


def _behind_options(words: tuple[str, ...]) -> tuple[str, ...]:
    start = 0
    while start < len(words) and words[start].startswith("-"):
        start += 2 if words[start] in _GIT_VALUED else 1
    return words[start:]
