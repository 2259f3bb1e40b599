"""Make the one Model of a process from its settings: providers, retries, recording or replay.

For the composition root. Connects to nothing; the client is imported at the first request, or by
`chat_completions.warm`.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec.structs import replace

from maestro.domain.conversation import ModelRequest, ReplyPart
from maestro.errors import KeyMissing, ModelError, SettingsError
from maestro.llm.chat_completions import ChatCompletions
from maestro.llm.providers import Target, is_set_up, resolve
from maestro.llm.replay import PREFIX, RecordingModel, ReplayModel
from maestro.llm.retry import Patience, RetryingModel
from maestro.llm.streaming import parts_of
from maestro.llm.timeouts import Timeouts
from maestro.ports import Model


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What a process is told of its models."""

    model: str | None = None
    """`provider/name`, `name`, `replay:FILE`; None: the first provider whose key is set."""
    base_url: str | None = None
    """Replaces the address of the default model's provider."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Keys and addresses of providers are found here."""
    fallbacks: tuple[str, ...] = ()
    """Models that take over, in order, when the wished one fails for good."""
    record: Path | None = None
    listed: tuple[str, ...] = ()
    """What may be wished for beside the default and its fallbacks; `*` stands for any letters."""
    shared: bool = False
    """Without a list: no wish for a provider that nobody set up, as those on this machine are."""
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True)
class OpenedModel:
    model: Model
    name: str
    """The default, as requests write it."""
    missing: str | None = None
    """Without which no request is answered."""
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fallbacks that can't be had, and why: the others serve."""

    async def check(self) -> None:
        """Raise SettingsError, saying what is missing, unless it can answer."""
        if self.missing is not None:
            raise SettingsError(self.missing)


def open_model(settings: ModelSettings) -> OpenedModel:
    """Raises SettingsError when the default or a file can't be had, or a fallback is none."""
    if settings.model is not None and settings.model.startswith(PREFIX):
        if settings.record is not None:
            raise SettingsError("a replay can't be recorded: it would write what it reads")
        replayed = ReplayModel(Path(settings.model.removeprefix(PREFIX)))
        return OpenedModel(replayed, replayed.name)
    routed = RoutedModel(settings)
    opened: Model = RetryingModel(
        routed, fallbacks=routed.fallbacks, patience=Patience(total=settings.timeouts.total)
    )
    if settings.record is not None:
        opened = RecordingModel(opened, settings.record)
    return OpenedModel(opened, routed.default.name, left_out=routed.left_out)


class RoutedModel:
    """Every model of every provider that can be had, by the name in the request."""

    def __init__(self, settings: ModelSettings) -> None:
        """Raises SettingsError when the default can't be had, or a fallback is none."""
        self._settings = settings
        self._clients: dict[str, ChatCompletions] = {}
        self.default = resolve(settings.model, settings.environment, settings.base_url)
        self.left_out: dict[str, str] = {}
        """Fallbacks without a key: by name, what to set."""
        self.fallbacks = tuple(self._found(settings.fallbacks))

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        try:
            target = self._wished(request.model)
        except SettingsError as error:
            raise ModelError("not_found", str(error)) from error
        named = replace(request, model=target.name)
        async with parts_of(self._client(target), named) as parts:
            async for part in parts:
                yield part

    def refusal(self, name: str) -> str | None:
        try:
            self._wished(name)
        except SettingsError as error:
            return str(error)
        return None

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def _found(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            try:
                yield self._target(name).name
            except KeyMissing as error:
                self.left_out[name] = str(error)

    def _wished(self, name: str) -> Target:
        """Raises SettingsError for what is not listed, or can't be had."""
        target = self._target(name)
        if target.name == self.default.name or target.name in self.fallbacks:
            return target
        settings = self._settings
        if settings.listed:
            allowed = any(fnmatchcase(target.name, pattern) for pattern in settings.listed)
        else:
            allowed = not settings.shared or is_set_up(target, settings.environment)
        if not allowed:
            raise SettingsError(f"this maestro does not list the model {target.name!r}")
        return target

    def _target(self, name: str) -> Target:
        """The default's own address goes for its provider only."""
        if name == self.default.name:
            return self.default
        settings = self._settings
        own = settings.base_url
        moved = own if name.startswith(f"{self.default.endpoint.provider}/") else None
        return resolve(name, settings.environment, moved)

    def _client(self, target: Target) -> ChatCompletions:
        """One for each provider: its connections serve all of its models."""
        provider = target.endpoint.provider
        if provider not in self._clients:
            self._clients[provider] = ChatCompletions(target.endpoint, self._settings.timeouts)
        return self._clients[provider]
