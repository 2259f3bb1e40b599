"""`codegen policy check` and `show`: what would happen to a call, and what is in force, from where.

Decides with the same engine and the same settings as a run in this directory; runs nothing.
"""

import os
import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import msgspec

from executor.bootstrap.confining import Chosen, chosen
from executor.bootstrap.own_tools import own_tools
from executor.cli.finding_sandbox import network_in_force
from executor.cli.placing import here
from executor.errors import UsageError
from executor.policy.call import PlannedCall
from executor.policy.decide import PolicyState
from executor.policy.ground import ProjectGround
from executor.policy.places import PROTECTED_FOLDERS, PROTECTED_NAMES
from executor.policy.policy import Policy, rules_of
from executor.policy.rules import HOST_TOOLS
from executor.policy.verdict import Allow, Ask, Deny, Mode, Verdict
from executor.process.environment import absolute_entries
from executor.settings import PROJECT_CONFIG, RULES, Settings, resolve
from executor.trust import Trust
from executor.view.safe_text import safe_line
from executor.workspace import Workspace
from executor.workspace.secret_names import SECRET_FOLDERS, SECRET_NAMES
from protocol.tools import BY_NAME

EXIT_CODES = {"allow": 0, "ask": 10, "deny": 11}
LINE_MAX = 4000

_CALL = re.compile(
    r"\s*(?P<tool>[A-Za-z][A-Za-z0-9_-]{0,63})(?:\((?P<inner>.*)\)|\s+(?P<rest>.*))?\s*", re.DOTALL
)
_MEANT = {"Read": "ReadFile", "Write": "WriteFile"}
"""A rule's group, by the tool that is asked about."""


class Finding(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    verdict: str
    """allow, ask or deny."""
    tool: str
    why: str
    rule: str
    """The rule or guard that decides."""
    origin: str
    """Where that rule is written; empty for what is built in."""
    remember: str
    """The rule that a remembered yes would amount to."""
    lasting: bool
    """Whether it could be kept for ever."""
    asks_for_losses: bool = False
    """It runs unasked only where it throws no work away."""


class InForce(msgspec.Struct, frozen=True):
    """One thing that decides, and where it comes from."""

    what: str
    value: str
    origin: str


def check(text: str, mode: Mode | None, *, as_json: bool) -> int:
    """Exit code 0 allows, 10 asks, 11 denies."""
    settings, trusted = _in_force(mode)
    call = _call(text)
    workspace = Workspace(Path.cwd())
    try:
        ground = ProjectGround(workspace, absolute_entries(os.environ.get("PATH", "")))
        contained = settings.no_sandbox or _sandbox(settings).name != "none"
        state = _state(settings, trusted=trusted, contained=contained)
        policy = Policy(state, ground)
        found = _finding(policy.decide(call), call, settings)
        if found.verdict == "allow" and any(
            one.may_lose and not one.is_named for one in policy.git_within(call)
        ):
            found = msgspec.structs.replace(found, asks_for_losses=True)
    finally:
        workspace.close()
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        sys.stdout.write("\n".join(_lines(found)) + "\n")
    return EXIT_CODES[found.verdict]


def show(mode: Mode | None, *, as_json: bool) -> int:
    """What is in force here: one line each."""
    settings, trusted = _in_force(mode)
    rows = list(_rows(settings, trusted=trusted))
    if as_json:
        sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
        return 0
    width = max(len(row.what) for row in rows)
    for row in rows:
        value = safe_line(row.value, LINE_MAX)
        sys.stdout.write(f"{row.what:<{width}}  {value}  ({safe_line(row.origin, LINE_MAX)})\n")
    return 0


def mode_of(text: str | None) -> Mode | None:
    """The mode that is spelt so; raises UsageError."""
    modes: tuple[Mode, ...] = get_args(Mode)
    for mode in modes:
        if text == mode:
            return mode
    if text is None:
        return None
    raise UsageError(f"--mode: {text!r} is none of {', '.join(modes)}")


def _in_force(mode: Mode | None) -> tuple[Settings, bool]:
    places = here()
    root = Path.cwd()
    trusted = Trust(places.state).holds(root)
    given: dict[str, Any] = {} if mode is None else {"mode": mode}
    settings = resolve(
        given,
        os.environ,
        config_file=places.config_file,
        project_file=root / PROJECT_CONFIG if trusted else None,
    )
    return settings, trusted or settings.trust


def _state(settings: Settings, *, trusted: bool, contained: bool) -> PolicyState:
    rules = rules_of(settings.allow, settings.ask, settings.deny)
    return PolicyState(settings.mode, rules, trusted=trusted, contained=contained)


def _sandbox(settings: Settings) -> Chosen:
    return chosen(settings, here())


def _call(text: str) -> PlannedCall:
    """The call that `Shell git push`, `Read(.env)` or `WebFetch(docs.python.org)` speaks of."""
    match = _CALL.fullmatch(text)
    tool = _MEANT.get(match["tool"], match["tool"]) if match is not None else ""
    argument = ((match["inner"] or match["rest"] or "") if match is not None else "").strip()
    if not tool:
        raise UsageError(
            f"{text!r} is no call: a tool and what it is given, as in 'Shell git push', "
            "'Read(.env)' or 'WebFetch(docs.python.org)'"
        )
    if tool in HOST_TOOLS:
        return PlannedCall(tool, "network", _Address(_address(argument)))
    contract = BY_NAME.get(tool)
    if contract is None:
        return _own_call(tool)
    try:
        parameters = msgspec.convert(_parameters(tool, argument), contract.parameters)
    except msgspec.ValidationError as error:
        raise UsageError(f"{text!r}: {tool} needs something else: {error}") from error
    return PlannedCall(tool, contract.effect, parameters)


def _own_call(tool: str) -> PlannedCall:
    """Of a tool that the user added."""
    own = own_tools(here(), os.environ)
    if tool not in own:
        near = get_close_matches(tool.capitalize(), (*BY_NAME, *own), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no tool {tool!r}: {hint}see codegen tools")
    return PlannedCall(tool, own[tool].tool.declaration.effect, {}, custom=True)


class _Address(msgspec.Struct, frozen=True):
    url: str


def _address(argument: str) -> str:
    return argument if "://" in argument else f"https://{argument}/"


def _parameters(tool: str, argument: str) -> dict[str, Any]:
    match tool:
        case "Shell":
            return {"command": argument}
        case "Git":
            return {"args": argument.split()}
        case "ReadFile":
            return {"file_path": argument}
        case "ReadFolder":
            return {"dir_path": argument or "."}
        case "WriteFile":
            return {"file_path": argument, "content": ""}
        case "Edit":
            return {"file_path": argument, "old_string": "a", "new_string": "b"}
        case "Glob" | "Grep":
            return {"pattern": "*" if tool == "Glob" else "a", "path": argument or "."}
        case _:
            return {}


def _finding(verdict: Verdict, call: PlannedCall, settings: Settings) -> Finding:
    match verdict:
        case Allow(rule=rule):
            return _found("allow", call, "", rule, settings)
        case Ask(why=why, rule=rule, remember_rule=remember, lasting=lasting):
            found = _found("ask", call, why, rule, settings)
            return msgspec.structs.replace(found, remember=remember, lasting=lasting)
        case Deny(why=why, rule=rule):
            return _found("deny", call, why, rule, settings)


def _found(verdict: str, call: PlannedCall, why: str, rule: str, settings: Settings) -> Finding:
    origin = settings.origins.get(rule, "")
    if rule.startswith("mode "):
        origin = settings.origins.get("mode", "default")
    return Finding(verdict, call.tool_name, why, rule, origin, "", lasting=False)


def _lines(found: Finding) -> Iterator[str]:
    words = {"allow": "runs unasked", "ask": "asks", "deny": "denied"}
    yield f"{words[found.verdict]}: {safe_line(found.why or found.rule, LINE_MAX)}"
    origin = f" ({safe_line(found.origin, LINE_MAX)})" if found.origin else " (built in)"
    yield f"  by    {safe_line(found.rule, LINE_MAX)}{origin}"
    if found.asks_for_losses:
        yield "  but asks first where work would be lost that is kept nowhere else"
    if found.remember:
        ever = "for this session, or always" if found.lasting else "for this session"
        yield f"  a yes can be remembered {ever} as {safe_line(found.remember, LINE_MAX)}"


def _rows(settings: Settings, *, trusted: bool) -> Iterator[InForce]:
    yield InForce("mode", settings.mode, settings.origins.get("mode", "default"))
    root = Path.cwd()
    yield InForce(
        "trust",
        "git may be used in Shell; AGENTS.md and .codegen/ are read"
        if trusted
        else "not given: git asks in Shell, AGENTS.md and .codegen/ are left unread",
        settings.origins.get("trust", f"codegen --trust in {root}" if trusted else "default"),
    )
    sandbox = _sandbox(settings)
    origin = settings.origins.get("no_sandbox") or settings.origins.get("sandbox", "default")
    value = f"{sandbox.name}: {sandbox.why}" if sandbox.name == "none" else sandbox.name
    yield InForce("sandbox", value, origin)
    network = network_in_force(settings, sandbox)
    yield InForce("network", network, settings.origins.get("network", "default"))
    for kind in RULES:
        for rule in getattr(settings, kind):
            yield InForce(kind, rule, settings.origins.get(f"{kind} {rule.strip()}", "?"))
    yield InForce("denied", "whatever lies outside the project", "built in")
    secret = ", ".join((*SECRET_NAMES, *(f"{name}/" for name in SECRET_FOLDERS)))
    yield InForce("not read", secret, "built in; an allow rule with a pattern lifts it")
    protected = ", ".join((*(f"{name}/" for name in PROTECTED_FOLDERS), *PROTECTED_NAMES))
    yield InForce("not written", protected, "built in; an allow rule with a pattern lifts it")
    yield InForce("unasked", "what only looks: docs/policy.md lists it", "built in")
