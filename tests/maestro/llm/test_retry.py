"""What is tried again, when, and what is not."""

import pytest

from maestro.domain.conversation import Reply, Retrying, TextDelta
from maestro.errors import ModelError, ModelErrorKind
from maestro.llm.retry import LONGEST_PARK_SECONDS, Patience, RetryingModel, World
from tests.maestro.llm.asking import asking, client_of, failure_of, parts_from
from tests.maestro.llm.scripted_parts import ScriptedParts
from tests.scripted_model import ScriptedModel, error, text

NOW = 1_760_000_000.0
REQUEST = asking(model="p/a")
GOOD = (TextDelta("ok"), Reply("ok"))


class Clock:
    """A world in which sleeping is what makes time pass; chance is always a half."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    @property
    def world(self) -> World:
        return World(
            lambda: NOW + sum(self.slept), lambda: sum(self.slept), lambda: 0.5, self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _failed(
    kind: ModelErrorKind = "overloaded", words: str = "busy", after: float | None = None
) -> ModelError:
    return ModelError(kind, words, retry_after=after)


@pytest.mark.parametrize("kind", ["rate_limited", "overloaded", "unreachable", "broken_stream"])
async def test_what_passes_is_tried_again_and_what_had_come_is_void(kind: ModelErrorKind) -> None:
    clock = Clock()
    model = RetryingModel(
        ScriptedParts([TextDelta("half"), _failed(kind)], GOOD), world=clock.world
    )

    parts = await parts_from(model, REQUEST)

    assert parts == [TextDelta("half"), Retrying("busy", 2, 0.5), *GOOD]
    assert clock.slept == [0.5]


@pytest.mark.parametrize(
    "kind", ["auth", "not_found", "bad_request", "context_length", "refused", "empty"]
)
async def test_what_another_try_cannot_mend_is_final_at_once(kind: ModelErrorKind) -> None:
    tries = ScriptedParts([_failed(kind)], GOOD)

    parts, failed = await failure_of(RetryingModel(tries, world=Clock().world), REQUEST)

    assert (parts, failed.kind, tries.asked) == ([], kind, ["p/a"])


async def test_five_tries_wait_longer_each_time_and_the_last_error_is_told() -> None:
    clock = Clock()
    tries = ScriptedParts(*([_failed(words=f"busy {number}")] for number in range(9)))

    parts, failed = await failure_of(RetryingModel(tries, world=clock.world), REQUEST)

    assert clock.slept == [0.5, 1.0, 2.0, 4.0]
    assert parts[-1] == Retrying("busy 3", 5, 4.0)
    assert failed.message == "busy 4"
    assert failed.wake_at is None


async def test_the_back_off_is_capped() -> None:
    clock = Clock()
    tries = ScriptedParts(*([_failed()] for _ in range(9)))
    patience = Patience(tries=5, longest_delay=1.5)

    await failure_of(RetryingModel(tries, patience=patience, world=clock.world), REQUEST)

    assert clock.slept == [0.5, 0.75, 0.75, 0.75]


@pytest.mark.parametrize(
    ("kind", "asked", "slept"),
    [
        ("rate_limited", 7.0, 7.0),
        ("rate_limited", 60.0, 60.0),
        ("overloaded", 7.0, 7.0),
        ("overloaded", 3600.0, 60.0),
        ("rate_limited", 0.0, 0.0),
    ],
)
async def test_a_wait_that_is_asked_for_is_kept_up_to_a_minute(
    kind: ModelErrorKind, asked: float, slept: float
) -> None:
    clock = Clock()
    model = RetryingModel(ScriptedParts([_failed(kind, after=asked)], GOOD), world=clock.world)

    assert (await parts_from(model, REQUEST))[-1] == Reply("ok")
    assert clock.slept == [slept]


async def test_a_rate_limit_that_ends_far_off_says_when_to_come_back() -> None:
    tries = ScriptedParts([_failed("rate_limited", "come back later", 3600.0)], GOOD)

    parts, failed = await failure_of(RetryingModel(tries, world=Clock().world), REQUEST)

    assert parts == []
    assert (failed.kind, failed.message) == ("rate_limited", "come back later")
    assert failed.wake_at == NOW + 3600.0


async def test_no_try_begins_after_the_total() -> None:
    clock = Clock()
    tries = ScriptedParts(*([_failed(after=50.0)] for _ in range(9)))
    patience = Patience(total=120.0)

    await failure_of(RetryingModel(tries, patience=patience, world=clock.world), REQUEST)

    assert clock.slept == [50.0, 50.0]


async def test_fallbacks_take_over_in_order() -> None:
    tries = ScriptedParts([_failed("auth", "no key")], [_failed("not_found", "no such")], GOOD)
    model = RetryingModel(tries, fallbacks=("p/b", "p/a", "p/c"), world=Clock().world)

    parts = await parts_from(model, REQUEST)

    assert tries.asked == ["p/a", "p/b", "p/c"]
    assert parts == [
        Retrying("no key; going on with p/b", 1, 0.0),
        Retrying("no such; going on with p/c", 1, 0.0),
        *GOOD,
    ]


async def test_when_every_fallback_failed_the_first_error_is_told() -> None:
    tries = ScriptedParts([_failed("rate_limited", "wait", 999.0)], [_failed("auth", "no key")])

    _, failed = await failure_of(
        RetryingModel(tries, fallbacks=("p/b",), world=Clock().world), REQUEST
    )

    assert (failed.message, failed.wake_at) == ("wait", NOW + 999.0)


async def test_a_bad_request_is_not_taken_to_another_model() -> None:
    tries = ScriptedParts([_failed("context_length")], GOOD)

    await failure_of(RetryingModel(tries, fallbacks=("p/b",), world=Clock().world), REQUEST)

    assert tries.asked == ["p/a"]


async def test_a_retry_over_http_asks_again_with_the_same_bytes() -> None:
    clock = Clock()
    script = [error(429, "slow", retry_after=2), error(503), text("ok")]
    async with ScriptedModel(script) as server, client_of(server) as client:
        parts = await parts_from(RetryingModel(client, world=clock.world))

    assert clock.slept == [2.0, 1.0]
    assert [part.why for part in parts if isinstance(part, Retrying)] == [
        "openai: slow (HTTP 429)",
        "openai: scripted failure (HTTP 503)",
    ]
    assert len({request.body for request in server.requests}) == 1


async def test_it_stands_in_for_the_model_below() -> None:
    below = ScriptedParts()
    model = RetryingModel(below)
    await model.close()

    assert model.refusal("p/a") is None
    assert model.refusal("p/z") == "no p/z"
    assert below.closed


async def test_nobody_is_told_to_come_back_in_years() -> None:
    tries = ScriptedParts([_failed("rate_limited", "never", 1e12)], GOOD)

    _, failed = await failure_of(RetryingModel(tries, world=Clock().world), REQUEST)

    assert failed.wake_at == NOW + LONGEST_PARK_SECONDS
