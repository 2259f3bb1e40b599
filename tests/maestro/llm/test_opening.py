"""The one Model of a process, made from settings."""

from pathlib import Path

import pytest

from maestro.domain.conversation import Reply, Retrying, UserTurn
from maestro.errors import SettingsError
from maestro.llm.opening import ModelSettings, open_model
from tests.maestro.llm.asking import KEY, asking, failure_of, parts_from, reply_from
from tests.scripted_model import ScriptedModel, error, text

ENVIRONMENT = {"OPENAI_API_KEY": KEY}


async def test_requests_go_to_the_default_models_address() -> None:
    async with ScriptedModel([text("ok")], api_key=KEY) as server:
        opened = open_model(
            ModelSettings("org/m", base_url=server.base_url, environment=ENVIRONMENT)
        )
        reply = await reply_from(opened.model, asking(model=opened.name))
        await opened.model.close()

    assert (opened.name, reply.text) == ("openai/org/m", "ok")
    assert server.requests[0].json["model"] == "org/m"


async def test_another_model_of_the_same_provider_goes_to_the_same_address() -> None:
    async with ScriptedModel([text("ok")]) as server:
        opened = open_model(
            ModelSettings("openai/m", base_url=server.base_url, environment=ENVIRONMENT)
        )
        await reply_from(opened.model, asking(model="openai/other"))
        await opened.model.close()

    assert server.requests[0].json["model"] == "other"


async def test_a_fallback_of_another_provider_takes_over() -> None:
    async with (
        ScriptedModel([error(401, "bad key")]) as first,
        ScriptedModel([text("ok")]) as other,
    ):
        opened = open_model(
            ModelSettings(
                "openai/m",
                base_url=first.base_url,
                environment={**ENVIRONMENT, "OLLAMA_HOST": other.base_url},
                fallbacks=("ollama/qwen",),
            )
        )
        parts = await parts_from(opened.model, asking(model=opened.name))
        await opened.model.close()

    why = "openai: bad key (HTTP 401); going on with ollama/qwen"
    assert parts[0] == Retrying(why, 1, 0.0)
    assert isinstance(parts[-1], Reply)


async def test_a_fallback_without_its_key_is_left_out_and_the_others_stay() -> None:
    opened = open_model(
        ModelSettings("openai/m", environment=ENVIRONMENT, fallbacks=("groq/x", "openai/other"))
    )

    await opened.check()
    assert opened.left_out == {"groq/x": "no key for Groq: set GROQ_API_KEY"}
    with pytest.raises(SettingsError, match="unknown provider 'nobody'"):
        open_model(ModelSettings("openai/m", environment=ENVIRONMENT, fallbacks=("nobody/x",)))


async def test_a_wish_that_cannot_be_had_is_refused_with_the_reason() -> None:
    opened = open_model(ModelSettings("openai/m", environment=ENVIRONMENT))

    assert opened.model.refusal("openai/other") is None
    assert opened.model.refusal("groq/x") == "no key for Groq: set GROQ_API_KEY"
    assert "unknown provider 'nobody'" in (opened.model.refusal("nobody/x") or "")
    _, failed = await failure_of(opened.model, asking(model="groq/x"))
    assert (failed.kind, failed.message) == ("not_found", "no key for Groq: set GROQ_API_KEY")


async def test_a_recorded_session_plays_back_without_a_provider(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    async with ScriptedModel([text("Hel", "lo")]) as server:
        recorded = open_model(
            ModelSettings("m", base_url=server.base_url, environment=ENVIRONMENT, record=path)
        )
        said = await reply_from(recorded.model, asking(UserTurn("hi"), model=recorded.name))
        await recorded.model.close()

    replayed = open_model(ModelSettings(f"replay:{path}"))
    assert await reply_from(replayed.model, asking(UserTurn("hi"), model=replayed.name)) == said
    assert KEY not in path.read_text()
    assert replayed.model.refusal(replayed.name) is None
    assert "no other model" in (replayed.model.refusal("openai/m") or "")


def test_a_replay_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be recorded"):
        open_model(ModelSettings("replay:x", record=tmp_path / "y"))


def test_settings_never_show_a_key() -> None:
    assert KEY not in repr(ModelSettings("m", environment=ENVIRONMENT))


@pytest.mark.parametrize(
    ("listed", "shared", "allowed"),
    [
        ((), False, {"openai/m", "openai/x", "ollama/q"}),
        ((), True, {"openai/m", "openai/x"}),
        (("openai/y", "ollama/*"), True, {"openai/m", "ollama/q"}),
        (("*",), True, {"openai/m", "openai/x", "ollama/q"}),
    ],
)
async def test_what_may_be_wished_for_is_what_the_operator_lists(
    listed: tuple[str, ...], shared: bool, allowed: set[str]
) -> None:
    opened = open_model(
        ModelSettings("openai/m", environment=ENVIRONMENT, listed=listed, shared=shared)
    )
    wishes = {"openai/m", "openai/x", "ollama/q", "groq/x"}

    assert {name for name in wishes if opened.model.refusal(name) is None} == allowed
    if "openai/x" not in allowed:
        _, failed = await failure_of(opened.model, asking(model="openai/x"))
        assert failed.message == "this maestro does not list the model 'openai/x'"


def test_a_local_provider_whose_address_is_set_may_be_wished_for() -> None:
    environment = {**ENVIRONMENT, "OLLAMA_HOST": "http://gpu.example:11434"}
    opened = open_model(ModelSettings("openai/m", environment=environment, shared=True))

    assert opened.model.refusal("ollama/q") is None


async def test_a_key_that_the_provider_repeats_is_shown_to_nobody() -> None:
    async with ScriptedModel([error(401, f"Incorrect API key provided: {KEY}.")]) as server:
        opened = open_model(
            ModelSettings("openai/m", base_url=server.base_url, environment=ENVIRONMENT)
        )
        _, failed = await failure_of(opened.model, asking(model=opened.name))
        await opened.model.close()

    assert "Incorrect API key provided: ***." in failed.message
    assert (failed.kind, failed.status) == ("auth", 401)
