"""What one `codegen` is told: defaults, user configuration, project, environment, flags.

Resolves text into frozen values and remembers where each came from. Reads configuration files,
and nothing of a project that is not trusted.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec
from msgspec.structs import replace

from executor.errors import UsageError
from executor.network.entries import EVERY, BadEntry, narrowed, parse_entry
from executor.policy.rules import parse_rule
from executor.policy.verdict import Mode

SandboxWish = Literal["auto", "bubblewrap", "landlock", "seatbelt", "container", "none"]
TABLES = {
    "sandbox": {"kind": "sandbox"} | {name: name for name in ("network", "writable", "image")},
    "shell": {"keep_background": "keep_background"},
}
"""The keys of the tables [sandbox] and [shell], and the settings that they are."""
OutputFormat = Literal["text", "json", "stream-json"]
HOSTS_MAX = 100
"""Entries of `network`."""
PROJECT_CONFIG = Path(".codegen") / "config.toml"
MODES: tuple[Mode, ...] = get_args(Mode)
"""From the tightest to the loosest."""
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
"""From the least to the most; a provider may know fewer, and says so."""


class Settings(msgspec.Struct, frozen=True):
    """Each field of NAMES can stand in the user's file, as CODEGEN_NAME, and mostly as a flag."""

    server: str | None = None
    """A team's maestro; None starts or joins the private one."""
    token: str | None = None
    model: str | None = None
    base_url: str | None = None
    effort: str | None = None
    mode: Mode = "ask"
    no_sandbox: bool = False
    """No command is confined, and that is accepted, in mode `auto` too."""
    sandbox: SandboxWish = "auto"
    trust: bool = False
    output_format: OutputFormat = "text"
    max_steps: int | None = None
    max_seconds: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    reconnect_seconds: int | None = None
    """How long to try to reach a lost maestro again; None: while the user waits."""
    record: Path | None = None
    ca_file: Path | None = None
    network: tuple[str, ...] = ()
    """Hosts that confined commands may reach; `all`, alone: they use the machine's network."""
    writable: tuple[str, ...] = ()
    """Folders beside the project that confined commands may change."""
    image: str | None = None
    """What `--sandbox container` runs commands in."""
    keep_background: bool = False
    """What the model begins in the background stays when the session ends."""
    commit_trailer: str | None = None
    """What Git adds to the message of each commit: `Assisted-by: codegen`; None: nothing."""
    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    origins: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    """Where each value came from, by field: `flag`, `CODEGEN_MODE`, a file; absent: the default.

    Of each rule too, as `deny Shell(rm *)`, with its line.
    """

    @property
    def replays(self) -> bool:
        """A recording answers instead of a model."""
        return (self.model or "").startswith("replay:")

    def __repr__(self) -> str:
        """All but the token."""
        shown = (name for name in self.__struct_fields__ if name != "token")
        return f"Settings({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


RULES = ("allow", "ask", "deny")
NAMES = tuple(name for name in Settings.__struct_fields__ if name not in (*RULES, "origins"))


class Folders(msgspec.Struct, frozen=True):
    """Where this user's files lie; all beneath the user's own, mode 0700."""

    config: Path
    state: Path
    runtime: Path

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"


def folders(environment: Mapping[str, str]) -> Folders:
    """XDG's folders, from an explicit environment; raises UsageError where there is no home."""
    try:
        home = Path(environment.get("HOME") or "~").expanduser()
    except RuntimeError:
        raise UsageError("HOME is not set, and this user has no home folder: set HOME") from None
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "codegen"
    state = Path(environment.get("XDG_STATE_HOME") or home / ".local" / "state") / "codegen"
    runtime = environment.get("XDG_RUNTIME_DIR")
    return Folders(config, state, Path(runtime) / "codegen" if runtime else state / "run")


def resolve(
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    config_file: Path | None = None,
    project_file: Path | None = None,
) -> Settings:
    """Settle every value, in rising order; the project's file (trusted ones only) just tightens.

    `flags` holds what was given, by field name. Raises UsageError, which names file, line or flag.
    """
    settings = Settings()
    if config_file is not None:
        settings = _with_file(settings, config_file)
    settings = _with_environment(settings, environment)
    settings = _with(settings, flags, lambda name: f"--{name.replace('_', '-')}", "flag")
    if project_file is not None:
        settings = _tightened(settings, project_file)
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if settings.mode == "auto" and settings.sandbox == "none" and not settings.no_sandbox:
        raise UsageError(
            "--mode auto with --sandbox none runs every command unasked and unconfined: "
            "add --no-sandbox if you accept that, or use --mode auto-edit"
        )
    if settings.base_url is not None and not settings.base_url.startswith(("http://", "https://")):
        raise UsageError(f"--base-url: expected http:// or https://, got {settings.base_url!r}")
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise UsageError(f"--ca-file: there is no file {settings.ca_file}")
    if settings.server is None:
        return
    if not settings.server.startswith(("ws://", "wss://", "http://", "https://", "unix:")):
        raise UsageError(f"--server: expected ws://, wss:// or unix:, got {settings.server!r}")
    for name in ("base_url", "record"):
        if getattr(settings, name) is not None:
            flag = name.replace("_", "-")
            raise UsageError(
                f"--{flag} is a setting of the maestro's process: "
                f"it can't be combined with --server ({settings.server})"
            )
    if settings.replays:
        raise UsageError("--model replay:FILE needs a private maestro: leave --server out")


def _with_environment(settings: Settings, environment: Mapping[str, str]) -> Settings:
    variables = {name: f"CODEGEN_{name.upper()}" for name in NAMES}
    given = {
        name: environment[variable]
        for name, variable in variables.items()
        if environment.get(variable)
    }
    return _with(settings, given, variables.__getitem__)


class _Document(msgspec.Struct, frozen=True):
    """A configuration file: its settings, its [policy] rules, and its text for line numbers."""

    file: Path
    table: Mapping[str, Any]
    rules: Mapping[str, Any]
    text: str

    def where(self, name: str) -> str:
        for number, line in enumerate(self.text.splitlines(), 1):
            if name in (line.partition("=")[0].strip(), line.strip().strip("[]").strip()):
                return f"{self.file}, line {number}: {name}"
        return f"{self.file}: {name}"

    def place_of(self, rule: str) -> str:
        """Where the rule is written, as far as it stands there letter by letter."""
        for number, line in enumerate(self.text.splitlines(), 1):
            if f'"{rule}"' in line or f"'{rule}'" in line:
                return f"{self.file}, line {number}"
        return f"{self.file}"


def _with_file(settings: Settings, file: Path) -> Settings:
    document = _document(file)
    if document is None:
        return settings
    settings = _with(settings, document.table, document.where, str(file))
    return _with_rules(settings, document, RULES)


def _tightened(settings: Settings, file: Path) -> Settings:
    """A project may ask for less: a tighter mode, lower limits, more ask and deny rules."""
    document = _document(file)
    if document is None:
        return settings
    wished = _with(Settings(), document.table, document.where, str(file))
    tighter = {
        name: getattr(wished, name) for name in document.table if _tighter(name, settings, wished)
    }
    if "network" in document.table:
        network = narrowed(settings.network, wished.network)
        if network != settings.network:
            tighter["network"] = network
    settings = replace(
        settings, **tighter, origins={**settings.origins, **dict.fromkeys(tighter, str(file))}
    )
    return _with_rules(settings, document, ("ask", "deny"))


def _tighter(name: str, mine: Settings, theirs: Settings) -> bool:
    if name == "mode":
        return MODES.index(theirs.mode) < MODES.index(mine.mode)
    if not name.startswith("max_"):
        return False
    bound: float | None = getattr(mine, name)
    return bound is None or getattr(theirs, name) < bound


def _with_rules(settings: Settings, document: _Document, taken: tuple[str, ...]) -> Settings:
    """The document's rules of the kinds that are taken from it, behind those there are."""
    origins = dict(settings.origins)
    merged: dict[str, tuple[str, ...]] = {}
    for name, rules in document.rules.items():
        if name not in RULES:
            raise UsageError(f"{document.where(name)}: a policy has only {', '.join(RULES)}")
        if not isinstance(rules, list) or not all(
            isinstance(rule, str) for rule in cast("list[Any]", rules)
        ):
            raise UsageError(f"{document.where(name)} is not a list of strings")
        for rule in cast("list[str]", rules):
            try:
                parse_rule(rule)
            except UsageError as error:
                raise UsageError(f"{document.where(name)}: {error}") from error
        if name in taken:
            merged[name] = (*getattr(settings, name), *cast("list[str]", rules))
            for rule in cast("list[str]", rules):
                origins.setdefault(f"{name} {rule.strip()}", document.place_of(rule))
            origins[name] = ", ".join(filter(None, (origins.get(name), str(document.file))))
    return replace(settings, **merged, origins=origins)


def _document(file: Path) -> _Document | None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{file}: can't be read: {why}") from error
    import tomllib  # 20 ms, and most users have no file

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}") from error
    rules: Any = table.pop("policy", {})
    document = _Document(file, table, rules, text)
    table |= _flattened(table, document)
    if not isinstance(rules, dict):
        raise UsageError(f"{document.where('policy')} is not a table")
    for name in table:
        if name not in NAMES:
            raise UsageError(f"{document.where(name)}: there is no such setting")
    return document


def _flattened(table: dict[str, Any], document: _Document) -> dict[str, Any]:
    """The settings of TABLES; `sandbox = "KIND"` stands alone as well."""
    found: dict[str, Any] = {}
    for name, keys in TABLES.items():
        if not isinstance(table.get(name), dict):
            continue
        inner = cast("dict[str, Any]", table.pop(name))
        for key in inner:
            if key not in keys:
                only = f"[{name}] has only {', '.join(keys)}"
                raise UsageError(f"{document.where(key)}: {only}")
        found |= {keys[key]: value for key, value in inner.items()}
    return found


def _with(
    settings: Settings,
    given: Mapping[str, Any],
    where: Callable[[str], str],
    origin: str | None = None,
) -> Settings:
    """`settings` with what is given, converted; `where` names the place in an error."""
    changed: dict[str, Any] = {}
    origins = dict(settings.origins)
    for name, value in given.items():
        if value is None or name not in NAMES:
            continue
        changed[name] = _converted(name, value, where(name))
        origins[name] = origin or where(name)
    return replace(settings, **changed, origins=origins)


def _converted(name: str, value: Any, where: str) -> Any:
    match name:
        case "mode":
            return _one_of(value, MODES, where)
        case "output_format":
            return _one_of(value, get_args(OutputFormat), where)
        case "effort":
            return _one_of(value, EFFORTS, where)
        case "sandbox":
            return _one_of(value, get_args(SandboxWish), where)
        case "network":
            return _network(_texts(value, where), where)
        case "writable":
            return _texts(value, where)
        case "no_sandbox" | "trust" | "keep_background":
            return _boolean(value, where)
        case "max_steps" | "max_seconds" | "max_tokens" | "reconnect_seconds":
            return int(_positive(value, where))
        case "max_cost":
            return _positive(value, where)
        case "commit_trailer":
            return _trailer(value, where)
        case "record" | "ca_file":
            return Path(str(value)).expanduser()
        case _:
            return str(value)


def _one_of(value: Any, choices: tuple[str, ...], where: str) -> str:
    if value not in choices:
        raise UsageError(f"{where}: {value!r} is none of {', '.join(choices)}")
    return cast("str", value)


def _trailer(value: Any, where: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,100}: [^\x00-\x1f\x7f]{1,200}", str(value)):
        raise UsageError(f"{where}: {value!r} is no trailer: expected 'Assisted-by: codegen'")
    return str(value)


def _network(hosts: tuple[str, ...], where: str) -> tuple[str, ...]:
    if hosts == (EVERY,):
        return hosts
    if len(hosts) > HOSTS_MAX:
        raise UsageError(f"{where}: {len(hosts)} hosts; there may be {HOSTS_MAX}")
    try:
        return tuple(dict.fromkeys(parse_entry(host).text for host in hosts))
    except BadEntry as error:
        raise UsageError(f"{where}: {error}") from error


def _texts(value: Any, where: str) -> tuple[str, ...]:
    """A list, or one text with commas, as variables and flags have it."""
    texts: Any = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(
        isinstance(text, str) for text in cast("list[Any]", texts)
    ):
        raise UsageError(f"{where} is not a list of strings")
    return tuple(text.strip() for text in cast("list[str]", texts) if text.strip())


def _boolean(value: Any, where: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if str(value).lower() not in words:
        raise UsageError(f"{where}: {value!r} is neither true nor false")
    return words[str(value).lower()]


def _positive(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{where}: {value!r} is not a number") from None
    if not 0 < number < 1e15:
        raise UsageError(f"{where}: {value} is not above 0")
    return number
