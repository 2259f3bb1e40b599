"""The one decision: what the mode, the user's rules and the facts of a call amount to.

Pure: the facts of the machine come from a `Ground` that is handed in, the rest are values.

The first that applies:
 1. a path outside the project, or no certain host;  2. a deny rule;  3. instructions of a directory
 that is not trusted, while context is gathered;  4. secrets and protected files, unless an allow
 rule with a pattern names them;  5. read-only denies what is not proven to only look;  6. an ask
 rule;  7. an allow rule;  8. what is proven to only look is allowed;  9. the mode: ask asks,
 auto-edit allows writes, auto allows, commands only where they are contained, and asks before it
 tells what the clipboard holds.
"""

import msgspec

from executor.errors import OutsideWorkspace
from executor.policy.call import PlannedCall
from executor.policy.facts import Facts, facts_of
from executor.policy.git_commands import git_effect
from executor.policy.ground import Ground
from executor.policy.memory import NOT_REMEMBERED, Memory, command_memory
from executor.policy.off_limits import off_limits
from executor.policy.places import instructs, is_protected
from executor.policy.readings import tightening
from executor.policy.rules import COMMAND_TOOLS, Rule
from executor.policy.shell_facts import Judged
from executor.policy.verdict import Allow, Ask, Deny, Mode, Verdict
from executor.workspace.secret_names import is_secret


class Rules(msgspec.Struct, frozen=True):
    allow: tuple[Rule, ...] = ()
    ask: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()


class PolicyState(msgspec.Struct, frozen=True):
    """What is in force: everything that a decision depends on besides the call itself."""

    mode: Mode = "ask"
    rules: Rules = Rules()
    trusted: bool = False
    """The user trusts this directory: its git configuration may be used."""
    contained: bool = False
    """Commands run in a sandbox, or the user accepts by flag that they do not."""
    offline: bool = False
    """Commands are kept from the network, or from most of it: then no page is fetched unasked."""


def decide(call: PlannedCall, state: PolicyState, ground: Ground) -> Verdict:
    """Whether `call` may run; never raises for anything that a maestro can send."""
    rules = state.rules
    try:
        facts = facts_of(call, ground, off_limits(rules.deny, rules.ask), trusted=state.trusted)
    except OutsideWorkspace as error:
        return Deny(f"{error}", rule="only the project's own files may be touched")
    if facts.impossible:
        return Deny(facts.impossible, rule="only certain hosts may be reached")
    denied = _tightening(rules.deny, call, facts)
    if denied is not None:
        return Deny(f"the rule {denied.text} denies it", rule=f"deny {denied.text}")
    if call.bootstrap and not state.trusted and any(map(instructs, facts.paths)):
        return Deny("this directory is not trusted", rule="instructions need trust")
    allowed = _loosening(rules.allow, call, facts)
    guarded = _guarded(call, facts, rules.allow)
    if guarded is not None and (facts.secret or allowed is None or allowed.pattern is None):
        return guarded
    if state.mode == "read-only" and facts.unclear is not None:
        return Deny(f"{facts.unclear}, and the mode is read-only", rule="mode read-only")
    asked = _tightening(rules.ask, call, facts)
    if asked is not None:
        return Ask(f"the rule {asked.text} asks", rule=f"ask {asked.text}")
    if allowed is not None:
        return Allow(rule=f"allow {allowed.text}")
    if facts.unclear is None:
        return Allow(rule="it only looks")
    return _by_mode(call, state, facts, facts.unclear)


def only_looks(call: PlannedCall, state: PolicyState, ground: Ground) -> bool:
    """Whether `call` changes no file, by what its commands are; nothing is permitted by this.

    A repository is taken to be trusted: what its configuration may run is the decision's question.
    """
    if call.tool_name == "Git" and not call.custom:  # the tool runs nothing of the repository
        return git_effect(tuple(call.parameters.args)) == "read"
    try:
        facts = facts_of(call, ground, off_limits(state.rules.deny, state.rules.ask), trusted=True)
    except OutsideWorkspace:
        return False
    return facts.unclear is None


def _tightening(rules: tuple[Rule, ...], call: PlannedCall, facts: Facts) -> Rule | None:
    """The first rule that holds for any part of the call, by any way to read it."""
    for rule in rules:
        if rule.names(call.tool_name) and (
            rule.pattern is None
            or any(rule.matches_path("/".join(parts)) for parts in facts.paths)
            or any(rule.matches_host(host) for host in facts.hosts)
        ):
            return rule
    if call.tool_name not in COMMAND_TOOLS or call.custom:
        return None
    commands = [one.command.words for judged in facts.judged for one in judged.all]
    return tightening(rules, call.tool_name, commands, facts.line)


def _loosening(rules: tuple[Rule, ...], call: PlannedCall, facts: Facts) -> Rule | None:
    """The first of the rules that, together, cover every path, host or unproven command."""
    mine = [rule for rule in rules if rule.names(call.tool_name)]
    for rule in mine:
        if rule.pattern is None:
            return rule
    if call.tool_name not in COMMAND_TOOLS or call.custom:
        whole = (
            rule
            for rule in mine
            if (facts.paths or facts.hosts)
            and all(rule.matches_path("/".join(parts)) for parts in facts.paths)
            and all(rule.matches_host(host) for host in facts.hosts)
        )
        return next(whole, None)
    if not facts.judged or facts.unclear is None:
        return None
    return _covering(mine, facts.judged)


def _covering(rules: list[Rule], judged: tuple[Judged, ...]) -> Rule | None:
    """The first of the rules that cover each of these, or else what it runs."""
    first: Rule | None = None
    for one in judged:
        if one.why is None:
            continue
        command = one.command
        found = next(
            (rule for rule in rules if rule.matches_words(command.words, command.globs)), None
        )
        if found is None and one.inner:
            found = _covering(rules, one.inner)
        if found is None:
            return None
        first = first or found
    return first


def _guarded(call: PlannedCall, facts: Facts, allow: tuple[Rule, ...]) -> Deny | None:
    if facts.secret and not _is_allowed(facts.secret.rpartition(":")[2], allow):
        return Deny(f"{facts.secret} names a file that holds secrets; a rule like "
                    f"Read({facts.secret.rpartition(':')[2]}) in your configuration would allow it",
                    rule="secret files are left alone")  # fmt: skip
    group = "Read" if call.effect == "read" else "Write"
    for parts, path in zip(facts.paths, facts.shown, strict=True):
        if is_secret(parts):
            return Deny(f"{path} holds secrets; a rule like {group}({path}) in your configuration "
                        "would allow it", rule="secret files are left alone")  # fmt: skip
        if call.effect != "read" and is_protected(parts):
            return Deny(f"{path} can make code run later, or change what is allowed",
                        rule="protected files are left alone")  # fmt: skip
    return None


def _is_allowed(path: str, allow: tuple[Rule, ...]) -> bool:
    """Whether a rule with a pattern lets this file be read."""
    return any(
        rule.names("ReadFile") and rule.pattern is not None and rule.matches_path(path)
        for rule in allow
    )


def _by_mode(call: PlannedCall, state: PolicyState, facts: Facts, why: str) -> Verdict:
    if state.mode == "auto" and not facts.personal:
        if state.offline and facts.hosts:
            return _asked(f"{why}, and commands do not have the whole network", call, state, facts)
        if not state.contained and call.effect != "write":
            return _asked(f"{why}, and there is no sandbox to hold it", call, state, facts)
        if not facts.exact and any(
            rule.names(tool) for rule in state.rules.deny for tool in COMMAND_TOOLS
        ):
            return Ask(f"{why}, so that your deny rules can't be held against it", "mode auto")
        return Allow(rule="mode auto")
    if state.mode == "auto-edit" and call.effect == "write" and not call.custom:
        return Allow(rule="mode auto-edit")
    return _asked(why, call, state, facts)


def _asked(why: str, call: PlannedCall, state: PolicyState, facts: Facts) -> Ask:
    memory = _memory(call, facts)
    return Ask(why, f"mode {state.mode}", memory.words, memory.rule, lasting=memory.lasting)


def _memory(call: PlannedCall, facts: Facts) -> Memory:
    """What a remembered yes would cover."""
    if call.custom:
        return Memory(f"every call of {call.tool_name}", call.tool_name)
    if call.tool_name in COMMAND_TOOLS:
        commands = {one.command for one in facts.unproven}
        if facts.exact and len(commands) == 1:
            command = commands.pop()
            return (
                NOT_REMEMBERED if command.globs else command_memory(call.tool_name, command.words)
            )
        return NOT_REMEMBERED
    if facts.hosts:
        host = facts.hosts[0]
        return Memory(f"every page of {host}", f"{call.tool_name}({host})", lasting=True)
    if call.effect == "write":
        return Memory("all edits of files in this project", "Write")
    return NOT_REMEMBERED
