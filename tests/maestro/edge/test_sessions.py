"""Sessions over REST, event streams and the watch socket."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import InvalidStatus

from maestro.domain.events import ModelReplied, RunParked, UsageCounted
from protocol.wire import Usage
from tests.maestro.edge.stage import Json, Stage, call, result


async def opened(edge: Stage) -> str:
    """A session with five rows whose executor has gone again."""
    async with edge.connect() as executor:
        session_id: str = (await executor.handshake())["payload"]["session_id"]
        await edge.decide(session_id, ModelReplied("1-1-1", 3, "looking"), call("t1"))
        await executor.until("run_tool")
    while await edge.stepped.get() and "executor_lost" not in await edge.kinds(session_id):
        pass
    return session_id


async def events(lines: AsyncIterator[str]) -> AsyncIterator[Json]:
    """The durable events of a stream, with their ids."""
    event: Json = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
        elif "id" in event:
            yield {"id": int(event["id"]), **json.loads(event["data"])}
            event = {}
        else:
            event = {}


async def test_sessions_are_listed_shown_and_deleted(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.http() as client:
        session_id = await opened(edge)
        [listed] = (await client.get("/api/v1/sessions")).json()["sessions"]
        shown = (await client.get(f"/api/v1/sessions/{session_id}", params={"after": 3})).json()
        one = (await client.get(f"/api/v1/sessions/{session_id}?limit=1")).json()

        assert (listed["session_id"], listed["title"], listed["head"]) == (
            session_id,
            "write a REST endpoint",
            6,
        )
        assert {**shown, "events": []} == {**listed, "open_calls": 1, "events": []}
        assert (shown["status"], shown["attached"]) == ("running", False)
        assert [(each["seq"], each["type"]) for each in shown["events"]] == [
            (4, "agent_message"),
            (5, "run_tool"),
            (6, "session_event"),
        ]
        assert [each["seq"] for each in one["events"]] == [1]
        assert (await client.delete(f"/api/v1/sessions/{session_id}")).status_code == 204
        assert (await client.delete(f"/api/v1/sessions/{session_id}")).status_code == 404


async def test_a_session_that_is_not_yours_is_not_there(edge: Stage) -> None:
    other = await edge.ledger.accounts.create("somebody else")
    async with asyncio.timeout(20), edge.http(other) as client:
        session_id = await opened(edge)
        answers: set[tuple[int, str]] = set()
        for each in (session_id, "0" * 32, "a:b", "%2e%2e", "x" * 65):
            path = f"/api/v1/sessions/{each}"
            for answer in (
                await client.get(path),
                await client.delete(path),
                await client.post(f"{path}/interrupt"),
                await client.post(f"{path}/messages", json={"content": "hi"}),
                await client.get(f"{path}/events"),
            ):
                answers.add((answer.status_code, answer.text))
            with pytest.raises(InvalidStatus) as refused:
                async with edge.connect(f"/ws/v1/sessions/{each}/watch", token=other):
                    pass
            body = refused.value.response.body or b""
            answers.add((refused.value.response.status_code, bytes(body).decode()))

    words = '{"error":{"code":"no_such_session","message":"no such session"}}'
    assert answers == {(404, words)}


async def test_words_from_elsewhere_reach_the_executor_once(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.http() as client, edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        path = f"/api/v1/sessions/{session_id}"
        said = await client.post(f"{path}/messages", json={"content": "faster", "id": "m1"})
        again = await client.post(f"{path}/messages", json={"content": "faster", "id": "m1"})
        other = await client.post(f"{path}/messages", json={"content": "slower", "id": "m1"})
        stopped = await client.post(f"{path}/interrupt", json={"reason": "enough", "id": "i1"})

        assert (said.status_code, said.json()) == (202, {"id": "m1", "seq": 4})
        assert again.json() == said.json()
        assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
        assert stopped.json() == {"id": "i1", "seq": 5}
        shown = await executor.until("user_message")
        assert (shown["seq"], shown["id"], shown["payload"]["content"]) == (4, "m1", "faster")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.content"),
        ({"content": ""}, "body.content"),
        ({"content": "x", "id": "y" * 300}, "body.id"),
    ],
)
async def test_a_bad_request_names_its_field(edge: Stage, body: Json, field: str) -> None:
    async with asyncio.timeout(20), edge.http() as client:
        answer = await client.post("/api/v1/sessions/s1/messages", json=body)

        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "invalid"
        assert answer.json()["error"]["message"].startswith(f"{field}: ")


async def test_an_event_stream_goes_on_from_the_last_id(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.http() as client:
        session_id = await opened(edge)
        path = f"/api/v1/sessions/{session_id}/events"
        async with client.stream("GET", path, headers={"Last-Event-ID": "4"}) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            following = events(stream.aiter_lines())
            first = [await anext(following), await anext(following)]
            await edge.decide(session_id, RunParked(6, "executor_away"))
            first.append(await anext(following))

        assert [(each["id"], each["seq"], each["type"]) for each in first] == [
            (5, 5, "run_tool"),
            (6, 6, "session_event"),
            (7, 7, "session_event"),
        ]
        assert first[-1]["payload"] == {"kind": "run_parked", "detail": "executor_away"}
        beyond = await client.get(path, headers={"Last-Event-ID": "99"})
        assert (beyond.status_code, beyond.json()["error"]["code"]) == (400, "unknown_seq")


async def test_watchers_see_every_number_from_the_one_they_name(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        path = f"/ws/v1/sessions/{session_id}/watch"
        async with edge.connect(path) as all_of_it, edge.connect(f"{path}?after=3") as later:
            usage = UsageCounted("1-1-1", Usage(input_tokens=7))
            await edge.decide(session_id, ModelReplied("1-1-1", 3, ""), call("t1"), usage)
            await executor.until("run_tool")
            await executor.send("tool_result", result("t1"))
            await executor.until("accepted")

            seen = [await all_of_it.receive() for _ in range(9)]
            durable = [(each["seq"], each["type"]) for each in seen if "seq" in each]
            assert durable == [
                (1, "session_event"),
                (2, "session_event"),
                (3, "user_message"),
                (4, "session_event"),
                (5, "run_tool"),
                (6, "usage"),
                (7, "tool_result"),
            ]
            assert [(await later.until(kind))["seq"] for kind in ("session_event", "run_tool")] == [
                4,
                5,
            ]


async def test_a_watcher_that_speaks_is_closed(edge: Stage) -> None:
    async with asyncio.timeout(20):
        session_id = await opened(edge)
        async with edge.connect(f"/ws/v1/sessions/{session_id}/watch") as watcher:
            await watcher.send("interrupt", {})
            assert await watcher.closed() == 4001


@pytest.mark.parametrize("after", ["-1", "x", "99", "1" * 30])
async def test_a_seq_that_is_none_is_refused_before_the_socket(edge: Stage, after: str) -> None:
    async with asyncio.timeout(20):
        session_id = await opened(edge)
        with pytest.raises(InvalidStatus) as refused:
            async with edge.connect(f"/ws/v1/sessions/{session_id}/watch?after={after}"):
                pass
        assert refused.value.response.status_code == 400


async def test_a_deleted_session_ends_its_sockets(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.http() as client, edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        async with edge.connect(f"/ws/v1/sessions/{session_id}/watch") as watcher:
            await client.delete(f"/api/v1/sessions/{session_id}")

            assert await executor.closed() == 4001
            assert await watcher.closed() == 4001
