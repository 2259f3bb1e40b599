"""The one decision: what the mode, the user's rules and the facts of a call amount to.

Pure: the facts of paths come from a resolver that is handed in, the rest are values.

The first that applies:
 1. a deny rule;  2. a path outside the project;  3. secrets and protected files, unless an allow
 rule names them;  4. an ask rule;  5. an allow rule;  6. what surely only looks is allowed;
 7. the mode: read-only denies the rest, ask asks, auto-edit allows writes, auto allows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from executor.errors import OutsideWorkspace
from executor.policy.call import PlannedCall
from executor.policy.command_line import NotPlain, PlainCommands, take_apart
from executor.policy.git_commands import git_effect
from executor.policy.harmless import not_harmless
from executor.policy.places import is_protected
from executor.policy.rules import COMMAND_TOOLS, PATH_TOOLS, Rule
from executor.policy.verdict import Allow, Ask, Deny, Mode, Verdict
from executor.workspace import ResolvedPath
from executor.workspace.secret_names import is_secret

Resolve = Callable[[str], ResolvedPath]
"""Raises OutsideWorkspace for a path that leads out of the project."""


@dataclass(frozen=True, slots=True)
class Rules:
    allow: tuple[Rule, ...] = ()
    ask: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyState:
    """What is in force: everything that a decision depends on besides the call itself."""

    mode: Mode = "ask"
    rules: Rules = Rules()
    trusted: bool = False
    """The user trusts this directory: its git configuration may be used."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the rules are matched against."""

    paths: tuple[tuple[str, ...], ...] = ()
    """Literal and real components of each path: a rule that denies either denies."""
    commands: tuple[tuple[str, ...], ...] = ()
    unclear: str | None = None
    """Why the call is not proven to only look; None when it is."""


def decide(call: PlannedCall, state: PolicyState, resolve: Resolve) -> Verdict:
    """Whether `call` may run; never raises for anything that a maestro can send."""
    try:
        facts = _facts(call, state, resolve)
    except OutsideWorkspace as error:
        return Deny(f"{error}", rule="only the project's own files may be touched")
    rules = state.rules
    denied = _matching(rules.deny, call, facts, every=False)
    if denied is not None:
        return Deny(f"the rule {denied.text} denies it", rule=f"deny {denied.text}")
    allowed = _matching(rules.allow, call, facts, every=True)
    guarded = _guarded(call, facts)
    if guarded is not None and (allowed is None or allowed.pattern is None):
        return guarded
    asked = _matching(rules.ask, call, facts, every=False)
    if asked is not None:
        return Ask(f"the rule {asked.text} asks", rule=f"ask {asked.text}")
    if allowed is not None:
        return Allow(rule=f"allow {allowed.text}")
    if facts.unclear is None:
        return Allow(rule="it only looks")
    return _by_mode(call, state.mode, facts)


def _facts(call: PlannedCall, state: PolicyState, resolve: Resolve) -> _Facts:
    parameters: Any = call.parameters
    if call.custom:
        return _Facts(
            unclear=None if call.effect == "read" else f"{call.tool_name} may do anything"
        )
    match call.tool_name:
        case name if name in PATH_TOOLS:
            path = getattr(parameters, "file_path", None) or getattr(parameters, "dir_path", None)
            resolved = resolve(path or getattr(parameters, "path", "."))
            writes = None if call.effect == "read" else "it changes a file"
            return _Facts(paths=(resolved.literal, resolved.real), unclear=writes)
        case "Shell":
            return _shell(parameters.command, parameters.workdir, state, resolve)
        case "Git":
            arguments = tuple(parameters.args)
            effect = git_effect(arguments)
            return _Facts(commands=(arguments,), unclear=_git_unclear(arguments, effect, resolve))
        case _:
            return _Facts(unclear=None if call.effect == "read" else "it is not known to only look")


def _git_unclear(arguments: tuple[str, ...], effect: str, resolve: Resolve) -> str | None:
    if effect != "read":
        name = arguments[0] if arguments else ""
        words = {
            "write": "changes the repository",
            "network": "reaches another machine",
            "destructive": "can discard work",
        }
        return f"git {name} {words[effect]}"
    inside = _inside(resolve, "")
    if "--no-index" in arguments or not all(
        inside(word) for word in arguments if word.startswith(("/", "../"))
    ):
        return "git is pointed outside the project"
    return None


def _shell(command: str, workdir: str | None, state: PolicyState, resolve: Resolve) -> _Facts:
    base = ""
    if workdir is not None:
        base = "/".join(resolve(workdir).real)
    parts = take_apart(command)
    match parts:
        case NotPlain(why=why):
            return _Facts(unclear=why)
        case PlainCommands(commands=commands):
            if any(words[0] == "cd" for words in commands) and len(commands) > 1:
                inside = _inside(resolve, base, moving=True)
            else:
                inside = _inside(resolve, base)
            reasons = (not_harmless(words, inside, trusted=state.trusted) for words in commands)
            unclear = next((why for why in reasons if why is not None), None)
            return _Facts(commands=commands, unclear=unclear)


def _inside(resolve: Resolve, base: str, *, moving: bool = False) -> Callable[[str], bool]:
    """Whether a word stays within the project; after a `cd`, '..' could lead out of it."""

    def check(word: str) -> bool:
        if moving and (".." in word.split("/") or word.startswith("/")):
            return False
        path = word if word.startswith("/") or not base else f"{base}/{word}"
        try:
            resolved = resolve(path)
        except OutsideWorkspace:
            return False
        return not (is_secret(resolved.literal) or is_secret(resolved.real))

    return check


def _matching(
    rules: tuple[Rule, ...], call: PlannedCall, facts: _Facts, *, every: bool
) -> Rule | None:
    """The first rule for this call; `every`: it must cover each path and each command of it."""
    for rule in rules:
        if not rule.names(call.tool_name):
            continue
        if rule.pattern is None:
            return rule
        if call.tool_name in COMMAND_TOOLS:
            hits = [rule.matches_words(words) for words in facts.commands]
        else:
            hits = [rule.matches_path("/".join(parts)) for parts in facts.paths]
        if hits and (all(hits) if every else any(hits)):
            return rule
    return None


def _guarded(call: PlannedCall, facts: _Facts) -> Deny | None:
    for parts in facts.paths:
        path = "/".join(parts)
        if is_secret(parts):
            return Deny(f"{path} holds secrets; a rule like Read({path}) in your configuration "
                        "would allow it", rule="secret files are left alone")  # fmt: skip
        if call.effect != "read" and is_protected(parts):
            return Deny(f"{path} can make code run later, or change what is allowed",
                        rule="protected files are left alone")  # fmt: skip
    return None


def _by_mode(call: PlannedCall, mode: Mode, facts: _Facts) -> Verdict:
    why = facts.unclear or "it changes something"
    match mode:
        case "auto":
            return Allow(rule="mode auto")
        case "auto-edit" if call.effect == "write":
            return Allow(rule="mode auto-edit")
        case "read-only":
            return Deny(f"{why}, and the mode is read-only", rule="mode read-only")
        case _:
            return _asked(call, mode, facts, why)


def _asked(call: PlannedCall, mode: Mode, facts: _Facts, why: str) -> Ask:
    rule = f"mode {mode}"
    if call.tool_name == "Shell" and len(facts.commands) == 1:
        return Ask(why, rule, *_command_memory("Shell", facts.commands[0]))
    if call.tool_name == "Git" and facts.commands:
        return Ask(why, rule, *_command_memory("Git", facts.commands[0]))
    if call.effect == "write" and not call.custom:
        return Ask(why, rule, "all edits of files in this project", "Write(**)")
    if call.custom:
        return Ask(why, rule, f"every call of {call.tool_name}", call.tool_name)
    return Ask(why, rule)


_RUNNERS = frozenset({
    "sudo", "doas", "env", "timeout", "xargs", "nice", "nohup", "time", "bash", "sh", "zsh", "dash",
    "python", "python3", "node", "perl", "ruby", "eval", "exec", "command", "ssh", "docker", "npx",
    "rm", "find", "awk", "sed",
})  # fmt: skip


def _command_memory(tool: str, words: tuple[str, ...]) -> tuple[str, str]:
    """What a remembered yes covers: the program and its sub-command, or these very words."""
    plain = [word for word in words if not set(word) & set("*?[]() ")]
    if len(plain) != len(words):
        return "", ""
    if words[0] in _RUNNERS or len(words) < 2 or words[1].startswith("-"):
        exact = " ".join(words)
        return f'exactly "{exact}"', f"{tool}({exact})"
    head = words[0] if tool == "Git" else " ".join(words[:2])
    return f'commands that begin with "{head}"', f"{tool}({head} *)"
