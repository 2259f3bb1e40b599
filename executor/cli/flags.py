"""The flags of a prompt run, as one table: the lean parser and `--help` are made from it.

Parses only; what the values mean is `settings`' business.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from executor.errors import UsageError


class Flag(msgspec.Struct, frozen=True):
    name: str
    help: str
    metavar: str | None = None
    """None: a switch."""
    short: str | None = None

    @property
    def field(self) -> str:
        return self.name.replace("-", "_")


FLAGS = (
    Flag("server", "a team's maestro, wss://...; without one a private maestro is used", "URL"),
    Flag("token", "the token for --server (better: codegen login, or CODEGEN_TOKEN)", "TOKEN"),
    Flag("model", "provider/name, a name, or replay:FILE (see codegen models)", "MODEL"),
    Flag("base-url", "another OpenAI-compatible address for the private maestro", "URL"),
    Flag("effort", "how hard the model thinks: low, medium, high", "LEVEL"),
    Flag("mode", "read-only | ask | auto-edit | auto: what may happen unasked (ask)", "MODE"),
    Flag(
        "sandbox",
        "auto, bubblewrap, landlock, seatbelt, container or none: confine commands",
        "KIND",
    ),
    Flag("no-sandbox", "confine nothing, and accept that in --mode auto too"),
    Flag("keep-background", "what is begun in the background stays: codegen shells"),
    Flag("trust", "trust this directory's AGENTS.md, .codegen/ and git configuration"),
    Flag("output-format", "text | json (one object at the end) | stream-json", "FORMAT"),
    Flag("cwd", "work in this directory", "DIR"),
    Flag("max-steps", "end the run after so many generations", "N"),
    Flag("max-seconds", "end the run after so many seconds", "N"),
    Flag("max-tokens", "end the run after so many tokens", "N"),
    Flag("max-cost", "end the run after so many US dollars", "USD"),
    Flag("record", "write the model's side of the session to a file", "FILE"),
    Flag("continue", "go on with this directory's last session", short="c"),
    Flag("resume", "go on with this session", "ID"),
    Flag("take-over", "with --resume or -c: take the session from the executor that has it"),
    Flag("reconnect-seconds", "give a lost maestro up after so long", "N"),
    Flag("ca-file", "trust this certificate authority too", "FILE"),
)

BY_NAME = {f"--{flag.name}": flag for flag in FLAGS} | {
    f"-{flag.short}": flag for flag in FLAGS if flag.short
}

COMPLETE_VARIABLE = "_CODEGEN_COMPLETE"
"""Set by a shell that wants completions."""

COMMANDS: dict[str, str] = {
    "demo": "see it work, without key or network",
    "sessions": "list, show and delete sessions",
    "rewind": "take a conversation back to an earlier turn",
    "fork": "branch a conversation off into a session of its own",
    "tools": "what the model is offered, built-in and your own",
    "shells": "list, show and end commands that were kept in the background",
    "undo": "take back what the agent changed: the last run, N calls, or --to a call",
    "redo": "do again what was taken back",
    "diff": "what the agent changed, as one patch",
    "checkpoints": "list the calls that changed something",
    "models": "which models can be had with the keys that are set",
    "login": "keep a token for a team's maestro, or a provider's key",
    "logout": "forget it",
    "config": "show the settings in force, and where each came from",
    "policy": "what may happen on this machine, and by which rule",
    "maestro": "status or stop of the private maestros that stay warm between runs",
    "audit": "what maestros ordered here, and whether its record is whole",
    "doctor": "what works on this machine, what does not, how to mend it",
    "completion": "print the completion script of a shell",
}


class PromptRun(msgspec.Struct, frozen=True):
    """`codegen [FLAGS] [PROMPT...]`: `given` by field name, the prompt possibly empty."""

    prompt: str
    given: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class Command(msgspec.Struct, frozen=True):
    """A sub-command, `--help`, or `--version`: the rest is not parsed here."""

    name: Literal["command", "help", "version"]
    arguments: tuple[str, ...] = ()


def parse(arguments: Sequence[str]) -> PromptRun | Command:
    """Read the arguments of `codegen`; raises UsageError, which names the flag."""
    words: list[str] = []
    given: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            return PromptRun(" ".join((*words, *rest)), given)
        if argument in ("--help", "-h"):
            return Command("help")
        if argument in ("--version", "-V"):
            return Command("version")
        if argument.startswith("-") and len(argument) > 1:
            name, value = _flag(argument, rest)
            given[name] = value
        elif not words and argument in COMMANDS:
            _refuse_flags_before(argument, given)
            return Command("command", (argument, *rest))
        else:
            words.append(argument)
    if words == ["help"]:
        return Command("help")
    if words == ["version"]:
        return Command("version")
    if len(words) == 1:
        _refuse_misspelt(words[0])
    return PromptRun(" ".join(words), given)


def _flag(argument: str, rest: list[str]) -> tuple[str, Any]:
    name, separator, value = argument.partition("=")
    flag = BY_NAME.get(name)
    if flag is None:
        near = _near(name, BY_NAME, 2)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; see codegen --help"
        raise UsageError(f"there is no flag {name}{hint}")
    if flag.metavar is None:
        if separator:
            raise UsageError(f"{name} takes no value")
        return flag.field, True
    if separator:
        return flag.field, value
    if not rest:
        raise UsageError(f"{name} needs a value: {name} {flag.metavar}")
    return flag.field, rest.pop(0)


def _refuse_flags_before(command: str, given: dict[str, Any]) -> None:
    """Those of a command stand behind it: here they would be lost, and `--cwd` with them."""
    if given:
        flag = next(iter(given)).replace("_", "-")
        raise UsageError(
            f"--{flag} stands before {command}, which takes its flags behind it: see codegen "
            f"{command} --help. To send it as a prompt: codegen --{flag} ... -- {command}"
        )


def _near(word: str, known: Iterable[str], most: int) -> list[str]:
    from difflib import get_close_matches  # for the few who mistype

    return get_close_matches(word, list(known), most, cutoff=0.75)


def _refuse_misspelt(word: str) -> None:
    """A lone word that is nearly a command is no prompt: a run costs money."""
    near = _near(word.lower(), COMMANDS, 1)
    if near and " " not in word:
        raise UsageError(
            f"{word!r} is not a command; did you mean codegen {near[0]}? "
            f"To send it as a prompt: codegen -- {word}"
        )
