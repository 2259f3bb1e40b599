"""How a wish for a model becomes a target, and what is said when it can't."""

import pytest

from maestro.errors import SettingsError
from maestro.llm.providers import Price, Target, listing, providers, resolve
from protocol.wire import Usage
from tests.requirements import covers

NAMES = [
    "openai", "anthropic", "gemini", "mistral", "deepseek", "groq", "xai", "openrouter",
    "nvidia", "cohere", "together", "huggingface", "ollama", "lmstudio", "vllm", "llamacpp",
]  # fmt: skip
KEY = {"OPENAI_API_KEY": "sk-test-0000"}
GROQ = {"GROQ_API_KEY": "gsk-test-0000"}


def _told(target: Target) -> tuple[str, str, str | None]:
    return target.name, target.endpoint.base_url, target.endpoint.key


@covers("R-MODEL-4")
def test_the_table_holds_every_provider_in_its_order() -> None:
    assert list(providers()) == NAMES


def test_a_row_has_a_secure_address_and_a_key_or_is_local() -> None:
    for provider in providers().values():
        assert provider.base_url.startswith("http://127.0.0.1:" if provider.local else "https://")
        assert provider.local or (provider.keys and provider.model)


@pytest.mark.parametrize(
    ("wish", "environment", "base_url", "told"),
    [
        ("openai/gpt-x", KEY, None, ("openai/gpt-x", "https://api.openai.com/v1", "sk-test-0000")),
        ("gpt-x", KEY | GROQ, None, ("openai/gpt-x", "https://api.openai.com/v1", "sk-test-0000")),
        (
            "groq/openai/gpt-oss-120b",
            KEY | GROQ,
            None,
            ("groq/openai/gpt-oss-120b", "https://api.groq.com/openai/v1", "gsk-test-0000"),
        ),
        (
            None,
            GROQ,
            None,
            ("groq/openai/gpt-oss-120b", "https://api.groq.com/openai/v1", "gsk-test-0000"),
        ),
        ("ollama", {}, None, ("ollama/gpt-oss:20b", "http://127.0.0.1:11434/v1", None)),
        (
            "ollama/qwen",
            {"OLLAMA_HOST": "gpu.test:11434"},
            None,
            ("ollama/qwen", "http://gpu.test:11434/v1", None),
        ),
        ("m", {}, "http://127.0.0.1:1/v1/", ("openai/m", "http://127.0.0.1:1/v1", None)),
        ("m", KEY, "http://x.test/v9", ("openai/m", "http://x.test/v9", "sk-test-0000")),
        ("org/m", {}, "http://127.0.0.1:1", ("openai/org/m", "http://127.0.0.1:1/v1", None)),
        (
            "org/m",
            {"OPENAI_BASE_URL": "https://proxy.test/v1"},
            None,
            ("openai/org/m", "https://proxy.test/v1", None),
        ),
        ("vllm/m", {}, "http://gpu.test/v1", ("vllm/m", "http://gpu.test/v1", None)),
    ],
)
def test_a_wish_becomes_a_target(
    wish: str | None,
    environment: dict[str, str],
    base_url: str | None,
    told: tuple[str, str, str | None],
) -> None:
    assert _told(resolve(wish, environment, base_url)) == told


@pytest.mark.parametrize(
    ("wish", "environment", "base_url", "words"),
    [
        ("groq/x", KEY, None, "no key for Groq: set GROQ_API_KEY"),
        ("gemini/x", {}, None, "no key for Google Gemini: set GEMINI_API_KEY or GOOGLE_API_KEY"),
        ("openai/x", {"OPENAI_API_KEY": ""}, None, "no key for OpenAI: set OPENAI_API_KEY"),
        ("vllm", {}, None, "vLLM has no default model: name one, vllm/NAME"),
        ("openai/", KEY, None, "'openai/' names no model: write openai/NAME"),
        ("m", {}, "ftp://x.test", "'ftp://x.test' is not an http address"),
    ],
)
def test_what_is_missing_is_named(
    wish: str, environment: dict[str, str], base_url: str | None, words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(wish, environment, base_url)

    assert str(caught.value) == words


def test_an_unknown_provider_lists_those_that_are_the_closest_first() -> None:
    with pytest.raises(SettingsError, match=r"unknown provider 'gemni'; there are gemini, ") as it:
        resolve("gemni/pro", KEY, None)

    assert all(name in str(it.value) for name in NAMES)


def test_without_any_key_the_variables_and_the_local_ones_are_named() -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(None, {}, None)

    assert "set one of OPENAI_API_KEY, ANTHROPIC_API_KEY" in str(caught.value)
    assert "ollama/..." in str(caught.value)


@covers("R-MODEL-5")
def test_a_target_never_shows_its_key() -> None:
    assert "sk-test" not in repr(resolve("openai/x", KEY, None))


def test_the_listing_says_which_are_ready() -> None:
    ready = [row for row in listing(GROQ | {"GOOGLE_API_KEY": "k"}) if row.ready]

    assert [row.name for row in ready] == [
        "gemini", "groq", "ollama", "lmstudio", "vllm", "llamacpp",
    ]  # fmt: skip
    assert ready[0].key_variable == "GOOGLE_API_KEY"
    assert ready[1].model == "groq/openai/gpt-oss-120b"
    assert len(listing({})) == len(NAMES)


def test_a_price_counts_cached_tokens_apart() -> None:
    price = Price(input=2.0, cached=0.5, output=10.0)
    usage = Usage(input_tokens=1_000_000, cached_tokens=250_000, output_tokens=10_000)

    assert price.of(usage) == pytest.approx(1.5 + 0.125 + 0.1)


def test_an_address_of_ones_own_has_no_known_price() -> None:
    assert resolve("openai/gpt-5.2", KEY, None).endpoint.prices
    assert not resolve("openai/gpt-5.2", KEY, "http://x.test/v1").endpoint.prices
