"""What one maestro process is told: defaults, then `MAESTRO_*`, then flags.

Resolves text into frozen values; opens nothing and connects to nothing.
"""

import difflib
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from maestro.errors import SettingsError
from maestro.failpoints import VARIABLE

Role = Literal["all", "edge", "worker"]
Auth = Literal["token", "none"]
LogFormat = Literal["text", "json"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
DEFAULT_PORT = 8400
PREFIX = "MAESTRO_"

ChoiceT = TypeVar("ChoiceT", bound=str)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the edge's doors are: a TCP address, or a unix socket."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    uds: Path | None = None

    @property
    def local(self) -> bool:
        """Only this machine can reach it."""
        return self.uds is not None or self.host in LOOPBACK_HOSTS

    def __str__(self) -> str:
        if self.uds is not None:
            return f"unix:{self.uds}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Backends:
    """Where truth and nudges live. Without addresses: SQLite in `state`, and memory."""

    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    state: Path = Path()

    @property
    def database_path(self) -> Path:
        return self.state / "maestro.sqlite3"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers, and what stands between it and us."""

    model: str | None = None
    base_url: str | None = None
    record: Path | None = None
    fallbacks: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The providers' keys are found here."""
    listed: tuple[str, ...] = ()
    """What may be wished for beside the default and its fallbacks: `provider/name`, or with *."""


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """The upper bounds of every run; what a client wishes can only tighten them."""

    max_steps: int = 100
    max_seconds: float = 3600.0
    max_tokens: int | None = None
    max_cost: float | None = None
    park_seconds: float = 600.0
    """How long a run waits for an absent executor before it parks."""


@dataclass(frozen=True, slots=True)
class PersonBounds:
    """What one person may have, send and spend over all processes; None: no bound."""

    sockets: int | None = 100
    """Open at once, event streams among them."""
    sessions: int | None = 600
    """Opened in an hour."""
    bytes: int | None = 256 * 1024 * 1024
    """Sent by executors in a minute."""
    generations: int | None = 32
    """At once."""
    tokens_a_day: int | None = 1_000_000_000
    """Input and output, of a day in UTC."""
    failures: int | None = 5
    """Failed attempts to come in, a minute: of one address, one token, one key."""
    requests: int | None = 1200
    """A minute, and connections opened."""
    share: int | None = 20
    """Percent of one process's time, once a burst is used up."""


NO_BOUNDS = PersonBounds(None, None, None, None, None, None, None, None)
"""For the only person there is."""


@dataclass(frozen=True, slots=True)
class Settings:
    listen: Listen = field(default_factory=Listen)
    role: Role = "all"
    auth: Auth = "token"
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    person: PersonBounds = PersonBounds()
    backends: Backends = field(default_factory=Backends)
    model: ModelChoice = field(default_factory=ModelChoice)
    run: RunPolicy = field(default_factory=RunPolicy)
    generations: int = 1000
    """How many generations this process makes at once."""
    log_level: str = "info"
    log_format: LogFormat = "text"
    doubts: tuple[str, ...] = ()
    """A line for each variable that was probably meant to be a setting and is none."""

    @property
    def bounds(self) -> PersonBounds:
        """Those of each person, where there is more than one."""
        return NO_BOUNDS if self.auth == "none" else self.person


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings that `flags` (absent or None: not given) and `environment` amount to.

    Raises SettingsError, which names the setting and what it would take.
    """
    source = _Source(flags, environment)
    run = RunPolicy()
    listen = Listen(
        host=source.text("host") or Listen().host,
        port=source.integer("port", DEFAULT_PORT, low=0, high=65_535),
        uds=source.path("uds"),
    )
    settings = Settings(
        listen=listen,
        role=source.choice("role", get_args(Role), "all"),
        auth=source.choice("auth", get_args(Auth), "token"),
        allowed_hosts=source.words("allowed_hosts"),
        allowed_origins=source.words("allowed_origins"),
        trusted_proxies=tuple(map(_network, source.words("trusted_proxies"))),
        person=_person_bounds(source),
        backends=Backends(
            database_url=source.text("database_url"),
            redis_url=source.text("redis_url"),
            state=source.path("state_dir") or default_state(environment),
        ),
        model=ModelChoice(
            model=source.text("model"),
            base_url=source.text("base_url") or environment.get("OPENAI_BASE_URL") or None,
            record=source.path("record"),
            fallbacks=source.words("fallbacks"),
            environment=environment,
            listed=source.words("models"),
        ),
        run=RunPolicy(
            max_steps=source.integer("max_steps", run.max_steps, low=1, high=10_000),
            max_seconds=source.number("max_seconds", run.max_seconds) or 0.0,
            max_tokens=source.integer("max_tokens", 0, low=0, high=10**12) or None,
            max_cost=source.number("max_cost", None),
            park_seconds=source.number("park_seconds", run.park_seconds) or 0.0,
        ),
        generations=source.integer("generations", 1000, low=1, high=10_000),
        log_level=source.choice("log_level", ("debug", "info", "warning", "error"), "info"),
        log_format=source.choice("log_format", get_args(LogFormat), "text"),
    )
    _check(settings)
    return replace(settings, doubts=tuple(source.doubts()))


def _person_bounds(source: "_Source") -> PersonBounds:
    """0 takes a bound away."""
    given = PersonBounds()

    def bound(name: str, default: int | None) -> int | None:
        return source.integer(name, default or 0, low=0, high=10**15) or None

    return PersonBounds(
        sockets=bound("user_sockets", given.sockets),
        sessions=bound("user_sessions_an_hour", given.sessions),
        bytes=bound("user_bytes_a_minute", given.bytes),
        generations=bound("user_generations", given.generations),
        tokens_a_day=bound("user_tokens_a_day", given.tokens_a_day),
        failures=bound("failed_handshakes_a_minute", given.failures),
        requests=bound("user_requests_a_minute", given.requests),
        share=bound("user_share", given.share),
    )


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise SettingsError(
            f"trusted_proxies: {text!r} is no address or network such as 10.0.0.0/8"
        ) from None


def default_state(environment: Mapping[str, str]) -> Path:
    """The folder for SQLite when nothing else is said: XDG's state folder."""
    base = environment.get("XDG_STATE_HOME")
    home = environment.get("HOME") or "~"
    return (Path(base) if base else Path(home).expanduser() / ".local" / "state") / "maestro"


def _check(settings: Settings) -> None:
    if settings.auth == "none" and not settings.listen.local:
        raise SettingsError(
            f"auth: 'none' is for this machine alone, but host is {settings.listen.host}; "
            "use --auth token, or --host 127.0.0.1"
        )
    if settings.role != "worker" and not settings.listen.local and not settings.allowed_hosts:
        raise SettingsError(
            f"allowed_hosts: {settings.listen.host} is reachable from elsewhere, so say by which "
            "names: --allowed-hosts maestro.example (or '*')"
        )
    url = settings.backends.database_url
    if url and not url.startswith(("postgresql://", "postgres://", "sqlite:///")):
        raise SettingsError(
            "database_url: expected postgresql://... or sqlite:///path, "
            f"got the scheme {url.partition(':')[0]!r}"
        )
    redis = settings.backends.redis_url
    if redis and not redis.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError(
            "redis_url: expected redis://, rediss:// or unix://, "
            f"got the scheme {redis.partition(':')[0]!r}"
        )
    if settings.role != "all" and not (url and redis):
        raise SettingsError(
            f"role: {settings.role!r} shares its work with other processes, "
            "which takes MAESTRO_DATABASE_URL and MAESTRO_REDIS_URL"
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """One name, looked up in the flags, then as `MAESTRO_NAME`."""

    flags: Mapping[str, Any]
    environment: Mapping[str, str]
    variables: set[str] = field(default_factory=set[str])
    """What was looked up so far."""

    def doubts(self) -> Iterator[str]:
        """For each `MAESTRO_*` that nobody looked up: the nearest that somebody did."""
        for name in sorted(self.environment):
            if name.startswith(PREFIX) and name not in {VARIABLE, *self.variables}:
                near = difflib.get_close_matches(name, self.variables, n=1, cutoff=0.8)
                yield f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else "")

    def text(self, name: str) -> str | None:
        variable = f"{PREFIX}{name.upper()}"
        self.variables.add(variable)
        given = self.flags.get(name)
        if given is not None:
            return str(given)
        return self.environment.get(variable) or None

    def path(self, name: str) -> Path | None:
        text = self.text(name)
        return Path(text).expanduser() if text else None

    def words(self, name: str) -> tuple[str, ...]:
        text = self.text(name) or ""
        return tuple(word.strip() for word in text.split(",") if word.strip())

    def choice(self, name: str, choices: tuple[ChoiceT, ...], default: ChoiceT) -> ChoiceT:
        text = self.text(name)
        if text is None:
            return default
        if text not in choices:
            raise SettingsError(f"{name}: {text!r} is none of {', '.join(choices)}")
        return cast("ChoiceT", text)

    def number(self, name: str, default: float | None) -> float | None:
        text = self.text(name)
        if text is None:
            return default
        try:
            number = float(text)
        except ValueError:
            raise SettingsError(f"{name}: {text!r} is not a number") from None
        if not 0 < number < float("inf"):
            raise SettingsError(f"{name}: {text} is not above 0")
        return number

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        try:
            number = int(text)
        except ValueError:
            raise SettingsError(f"{name}: {text!r} is not a whole number") from None
        if not low <= number <= high:
            raise SettingsError(f"{name}: {number} is not between {low} and {high}")
        return number
