"""The table of model providers, and how a wish for a model becomes an address, a key and a name.

Pure functions over an explicit environment. Reads nothing but its own table; connects to nothing.
"""

import difflib
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

import msgspec

from maestro.errors import KeyMissing, SettingsError
from protocol.wire import Usage


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars for a million tokens."""

    input: float
    cached: float
    output: float

    def of(self, usage: Usage) -> float:
        """What `usage` costs; its input_tokens include the cached ones."""
        fresh = max(0, usage.input_tokens - usage.cached_tokens)
        spent = fresh * self.input + usage.cached_tokens * self.cached
        return (spent + usage.output_tokens * self.output) / 1_000_000


class Quirks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a provider's dialect differs from OpenAI's."""

    max_tokens: int | None = None
    """Sent only where the provider would otherwise stop early."""
    max_tokens_field: str = "max_completion_tokens"
    stream_options: bool = True
    """Takes `stream_options`; the others count usage unasked."""
    effort: bool = True
    """Takes `reasoning_effort`."""
    reasoning_back: str | None = None
    """The field in which it wants the reasoning of earlier messages back."""
    short_call_ids: bool = False
    """Tool call ids must be nine letters or digits."""
    cache_key: bool = False
    """Takes `prompt_cache_key`."""
    thought_signature: str | None = None
    """What stands for the signature of a call that it wants back with every call."""
    sees: tuple[str, ...] = ()
    """Names of the models that take images, `*` for any characters; case does not matter."""

    def model_sees(self, name: str) -> bool:
        """Whether the model `name`, as the provider calls it, takes images."""
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.sees)


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the table; its fields are explained at the top of providers.toml."""

    name: str
    title: str
    base_url: str
    keys: tuple[str, ...] = ()
    address_variables: tuple[str, ...] = ()
    model: str | None = None
    local: bool = False
    quirks: Quirks = Quirks()
    prices: dict[str, Price] = {}


class Endpoint(msgspec.Struct, frozen=True):
    """Where one provider is asked, and in which dialect."""

    provider: str
    base_url: str
    key: str | None
    quirks: Quirks = Quirks()
    prices: dict[str, Price] = {}

    def __repr__(self) -> str:
        """Without the key."""
        return f"Endpoint({self.provider!r}, {self.base_url!r})"


class Target(msgspec.Struct, frozen=True):
    """One model, ready to be asked."""

    endpoint: Endpoint
    model: str
    """As the provider calls it."""

    @property
    def name(self) -> str:
        """`provider/model`, as the settings write it."""
        return f"{self.endpoint.provider}/{self.model}"


class Listed(msgspec.Struct, frozen=True):
    """A provider as `codegen models` shows it."""

    name: str
    model: str | None
    """Its default model, as `provider/model`."""
    ready: bool
    """Its key is set, or it needs none."""
    local: bool
    key_variable: str | None
    """The variable that is set, else the one to set."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provider: tuple[Provider, ...]


@cache
def providers() -> Mapping[str, Provider]:
    """The table by name, in its order."""
    text = resources.files("maestro.llm").joinpath("providers.toml").read_text(encoding="utf-8")
    table = msgspec.convert(tomllib.loads(text), _Table)
    return {provider.name: provider for provider in table.provider}


def listing(environment: Mapping[str, str]) -> tuple[Listed, ...]:
    """Every provider, in the order in which a default is looked for."""
    return tuple(_listed(provider, environment) for provider in providers().values())


def resolve(model: str | None, environment: Mapping[str, str], base_url: str | None) -> Target:
    """What a wish means: `provider/name`, a bare `name`, a provider's name, or None.

    None is the default model of the first provider whose key is set, and a bare name is asked of
    that provider. `base_url` replaces the provider's address. With an address of one's own (given,
    or by OPENAI_BASE_URL) a name whose first part is no provider's is passed on as it stands.
    Raises SettingsError that says what is missing.
    """
    provider, name = _chosen(model, environment, base_url)
    own = base_url or _moved(provider, environment)
    key = next((environment[key] for key in provider.keys if environment.get(key)), None)
    if key is None and not provider.local and own is None:
        wanted = " or ".join(provider.keys)
        raise KeyMissing(f"no key for {provider.title}: set {wanted}")
    if name is None:
        raise SettingsError(
            f"{provider.title} has no default model: name one, {provider.name}/NAME"
        )
    endpoint = Endpoint(
        provider=provider.name,
        base_url=_address(own or provider.base_url),
        key=key,
        quirks=provider.quirks,
        # An address of one's own has prices of its own.
        prices={} if own else provider.prices,
    )
    return Target(endpoint, name)


def is_set_up(target: Target, environment: Mapping[str, str]) -> bool:
    """The operator gave its provider a key or an address: none is needed for a local one."""
    provider = providers()[target.endpoint.provider]
    return not provider.local or _moved(provider, environment) is not None


def _chosen(
    model: str | None, environment: Mapping[str, str], base_url: str | None
) -> tuple[Provider, str | None]:
    """The provider and its name for the model, None where there is none."""
    table = providers()
    if not model:
        default = _default(environment, base_url)
        return default, default.model
    if model in table:
        return table[model], table[model].model
    first, slash, rest = model.partition("/")
    if slash and first in table:
        if not rest:
            raise SettingsError(f"{model!r} names no model: write {first}/NAME")
        return table[first], rest
    if slash and base_url is None and _moved(table["openai"], environment) is None:
        raise SettingsError(_unknown(first))
    return _default(environment, base_url), model


def _default(environment: Mapping[str, str], base_url: str | None) -> Provider:
    """The first provider whose key is set; with an address of one's own, OpenAI's dialect."""
    for provider in providers().values():
        if not provider.local and any(map(environment.get, provider.keys)):
            return provider
    openai = providers()["openai"]
    if base_url is not None or _moved(openai, environment) is not None:
        return openai
    variables = ", ".join(row.keys[0] for row in providers().values() if not row.local)
    local = ", ".join(f"{row.name}/..." for row in providers().values() if row.local)
    raise KeyMissing(f"no key of a model provider: set one of {variables}; or use {local}")


def _moved(provider: Provider, environment: Mapping[str, str]) -> str | None:
    """The address that the environment gives for `provider`."""
    return next(
        (environment[name] for name in provider.address_variables if environment.get(name)), None
    )


def _address(given: str) -> str:
    """With a scheme, without a slash at the end; a bare host and port speaks at `/v1`."""
    if "://" not in given:
        given = f"http://{given}"
    scheme, _, rest = given.rstrip("/").partition("://")
    if scheme not in {"http", "https"} or not rest:
        raise SettingsError(f"{given!r} is not an http address")
    return f"{scheme}://{rest}" if "/" in rest else f"{scheme}://{rest}/v1"


def _unknown(name: str) -> str:
    """An error that lists the providers, the closest first."""
    known = list(providers())
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    listed = [*close, *(other for other in known if other not in close)]
    return f"unknown provider {name!r}; there are {', '.join(listed)}"


def _listed(provider: Provider, environment: Mapping[str, str]) -> Listed:
    present = next((key for key in provider.keys if environment.get(key)), None)
    moved = _moved(provider, environment) is not None
    return Listed(
        name=provider.name,
        model=f"{provider.name}/{provider.model}" if provider.model else None,
        ready=provider.local or moved or present is not None,
        local=provider.local,
        key_variable=present or next(iter(provider.keys), None),
    )
