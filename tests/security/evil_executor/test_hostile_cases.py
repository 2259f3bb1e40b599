"""An executor that means ill, over a real socket: its own session at most is harmed."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from maestro.domain.events import ToolAnswered, ToolAsked
from maestro.edge.tool_offers import MAX_CUSTOM_TOOLS, MAX_SCHEMA_BYTES
from maestro.planning.schema_check import complaint
from protocol.version import MAX_VIOLATIONS
from tests.maestro.edge.stage import Stage, call, handshake, result
from tests.requirements import covers

OTHERS = "f" * 32


async def innocent_lives(edge: Stage) -> bool:
    """Somebody else comes, opens a session, and is answered."""
    token = await edge.ledger.accounts.create(f"innocent-{id(edge)}")
    async with edge.connect(token=token) as innocent:
        await innocent.handshake(journal_id="innocent")
        await innocent.send("interrupt", {}, id="i1")
        accepted = await innocent.until("accepted")
        return bool(accepted["payload"] == {"id": "i1"})


async def answers(edge: Stage, session_id: str) -> list[ToolAnswered]:
    loaded = await edge.ledger.load(session_id)
    assert loaded is not None
    return [row.event for row in loaded.events if isinstance(row.event, ToolAnswered)]


HANDSHAKES: list[tuple[str, dict[str, Any]]] = [
    ("bad_handshake", {"client_type": None}),
    ("bad_handshake", {"known_tools": "Shell"}),
    ("bad_handshake", {"custom_tools": [{"name": 7}]}),
    ("bad_handshake", {"journal_id": "j" * 65_536}),
    ("bad_handshake", {"limits": {"max_frame_bytes": 1}}),
    ("bad_handshake", {"limits": {"max_frame_bytes": -(10**19)}}),
    ("version", {"protocol_version": 2}),
    ("version", {"protocol_version": 0}),
    ("resume_refused", {"resume": {"session_id": OTHERS, "last_seq": 0}}),
    ("resume_refused", {"resume": {"session_id": "../" * 9, "last_seq": 0}}),
    ("resume_refused", {"resume": {"session_id": "s\u0000", "last_seq": 0}}),
    ("resume_refused", {"resume": {"session_id": "s" * 65_536, "last_seq": 0}}),
    ("not_allowed", {"run": {"model": "evil/model"}}),
    ("not_allowed", {"run": {"model": "http://169.254.169.254/x"}}),
    ("not_allowed", {"run": {"model": "replay:/etc/passwd"}}),
]


@covers("R-EVIL-1")
@pytest.mark.parametrize(("code", "fields"), HANDSHAKES)
async def test_a_hostile_handshake_is_refused(
    edge: Stage, code: str, fields: dict[str, Any]
) -> None:
    async with asyncio.timeout(10), edge.connect() as evil:
        await evil.send("handshake", handshake(**fields))

        told = await evil.receive()

        assert (told["type"], told["payload"]["code"]) == ("error", code)
        assert await evil.closed() in (4000, 4003)


@covers("R-EVIL-1")
@pytest.mark.parametrize("first", ["tool_result", "user_message", "interrupt", "unheard_of"])
async def test_nothing_is_taken_before_the_handshake(edge: Stage, first: str) -> None:
    payload = {**result("t1"), "content": "hello"}
    async with asyncio.timeout(10), edge.connect() as evil:
        await evil.send(first, payload, id="early")
        await evil.send("handshake", handshake())
        told = await evil.receive()

        assert told["type"] == "error"
        assert await evil.closed() in (4000, 4001)
    assert edge.stepped.empty()


async def test_wishes_for_addresses_and_keys_are_heard_by_nobody(edge: Stage) -> None:
    run = {"base_url": "http://evil.example", "api_key": "x", "replay": "/etc/passwd"}
    async with asyncio.timeout(10), edge.connect() as evil:
        started = await evil.handshake(run=run, tenant_id="ada", owner="ada", user="ada")
        session_id = started["payload"]["session_id"]
        loaded = await edge.ledger.load(session_id)
        assert loaded is not None
        assert "evil.example" not in str(loaded)
        assert loaded.row.owner != "ada"


FRAMES: list[tuple[str, str]] = [
    ("cut off", '{"type": "tool_result", "payload": {'),
    ("two objects", "{}{}"),
    ("no object", "[1, 2, 3]"),
    ("nothing", ""),
    ("NaN", '{"type": "interrupt", "payload": {"reason": NaN}}'),
    ("duplicate keys", '{"type": "interrupt", "type": "interrupt", "payload": {}}'),
    ("a huge integer", '{"type": "interrupt", "payload": {"x": ' + "9" * 5000 + "}}"),
    ("deep", '{"type": "interrupt", "payload": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    ("many values", '{"type": "x", "payload": {"x": [' + "1," * 300_000 + "1]}}"),
    ("a number as a type", '{"type": 7, "payload": {}}'),
    ("no payload", '{"type": "interrupt", "payload": null}'),
    ("a second handshake", json.dumps({"type": "handshake", "payload": handshake()})),
]


@covers("R-EVIL-1")
@pytest.mark.parametrize("text", [text for _, text in FRAMES], ids=[name for name, _ in FRAMES])
async def test_a_malformed_frame_is_answered_and_the_socket_lives_on(
    edge: Stage, text: str
) -> None:
    async with asyncio.timeout(20), edge.connect() as evil:
        await evil.handshake()
        await evil.socket.send(text)
        await evil.send("interrupt", {}, id="after")

        frame = await evil.until("error")
        assert frame["payload"]["code"] in ("bad_frame", "bad_state")
        assert (await evil.until("accepted"))["payload"] == {"id": "after"}


async def test_who_breaks_the_contract_without_end_is_sent_away(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as evil:
        await evil.handshake()
        for _ in range(MAX_VIOLATIONS + 1):
            await evil.socket.send("?")

        with contextlib.suppress(ConnectionClosed):
            while True:
                await evil.receive()
        assert await evil.closed() == 4029
    assert await innocent_lives(edge)


@covers("R-EVIL-1")
@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "\ud800", "\U0010ffff\u202e", "x" * 65_536, "\x1b]0;owned\x07"]
)
async def test_any_text_as_a_name_or_a_result_is_taken_or_refused_and_never_breaks(
    edge: Stage, text: str
) -> None:
    async with asyncio.timeout(20), edge.connect() as evil:
        started = await evil.handshake(client_type=text, initial_prompt=text)
        session_id = started["payload"]["session_id"]
        await edge.decide(session_id, call("t1"))
        await evil.until("run_tool")
        await evil.send("tool_result", result(text))
        assert (await evil.until("error"))["payload"]["code"] == "unknown_call"
        await evil.send("tool_progress", {"tool_id": text, "state": "started"})
        assert (await evil.until("error"))["payload"]["code"] == "unknown_call"
        await evil.send("user_message", {"content": text}, id="m1")
        await evil.until("accepted")
        await evil.send("tool_result", result("t1", result=text, error={"code": text}))
        assert (await evil.until("accepted"))["payload"]["tool_id"] == "t1"
        async with edge.http() as client:
            shown = await client.get(f"/api/v1/sessions/{session_id}")

    assert shown.status_code == 200


@covers("R-EVIL-2")
async def test_forged_stale_and_replayed_results_change_nothing(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as evil:
        session_id = (await evil.handshake())["payload"]["session_id"]
        ours = ToolAsked("t-ours", "1-1-1", "UpdatePlan", {"steps": []}, bound_to="maestro")
        await edge.decide(session_id, call("t1"), ours)
        await evil.until("run_tool")
        forged = [
            result("t1", generation_id="2-2-2"),
            result("t2"),
            result("t-ours"),
            result("bootstrap-000001-00000000.1", generation_id="bootstrap"),
        ]
        for each in forged:
            await evil.send("tool_result", each)
            assert (await evil.until("error"))["payload"]["code"] == "unknown_call"
        for again in ("first", "first", "second"):
            await evil.send("tool_result", result("t1", result=again))
            assert (await evil.until("accepted"))["payload"]["tool_id"] == "t1"

    assert [each.result for each in await answers(edge, session_id)] == ["first"]


@covers("R-EVIL-2")
async def test_a_result_over_an_older_attachment_changes_nothing(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as old:
        session_id = (await old.handshake())["payload"]["session_id"]
        await edge.decide(session_id, call("t1"))
        await old.until("run_tool")
        async with edge.connect() as young:
            resume = {"session_id": session_id, "last_seq": 0, "take_over": True}
            await young.handshake(resume=resume, journal_id="journal-2")
            await old.send("tool_result", result("t1", result="stale"))
            assert await old.closed() == 4009

    assert [each.status for each in await answers(edge, session_id)] == ["interrupted"]


def tool(name: str, parameters: Any) -> dict[str, Any]:
    return {"name": name, "description": "d", "parameters": parameters}


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


@covers("R-EVIL-1")
async def test_hostile_tools_are_not_offered_and_the_rest_is(edge: Stage) -> None:
    fine = {"type": "object", "properties": {"x": {"type": "string", "pattern": "(a+)+$"}}}
    hostile = [
        tool("ReadFile", fine),
        tool("n" * 65_536, fine),
        tool("a b", fine),
        tool("big", {"type": "object", "description": "x" * MAX_SCHEMA_BYTES}),
        tool("deep", _deep(20)),
        tool("remote", {"type": "object", "properties": {"x": {"$ref": "http://evil/x"}}}),
        tool("file", {"type": "object", "properties": {"x": {"$ref": "file:///etc/passwd"}}}),
        tool("wrong", {"type": "object", "properties": {"x": {"type": 7}}}),
        tool("list", {"type": "array"}),
    ]
    many = [tool(f"t{number}", fine) for number in range(MAX_CUSTOM_TOOLS + 20)]
    async with asyncio.timeout(20), edge.connect() as evil:
        started = await evil.handshake(known_tools=["Shell"], custom_tools=[*hostile, *many])

    accepted = started["payload"]["tools_accepted"]
    assert accepted == ["Shell", *(f"t{number}" for number in range(MAX_CUSTOM_TOOLS - 9))]
    assert len(started["payload"]["tools_rejected"]) == 9 + 9 + 20


@covers("R-EVIL-1")
@pytest.mark.parametrize(
    ("schema", "parameters"),
    [
        ({"properties": {"x": {"pattern": "(a+)+$"}}}, {"x": "a" * 50_000 + "!"}),
        ({"patternProperties": {"(a+)+$": {}}}, {"a" * 50_000 + "!": 1}),
        ({"properties": {"x": {"uniqueItems": True}}}, {"x": [{"n": n} for n in range(50_000)]}),
        (
            {"properties": {"x": {"items": {"anyOf": [{"const": n} for n in range(500)]}}}},
            {"x": [0.5] * 100_000},
        ),
        ({"$ref": "#"}, {}),
        (
            {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}] * 9}}, "$ref": "#/$defs/a"},
            {},
        ),
    ],
)
async def test_a_schema_that_would_take_for_ever_is_given_up(schema: Any, parameters: Any) -> None:
    async with asyncio.timeout(10):
        assert await asyncio.to_thread(complaint, schema, parameters) is None


async def test_a_slow_reader_and_a_half_open_peer_hold_nobody_up(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as evil, edge.connect() as silent:
        session_id = (await evil.handshake())["payload"]["session_id"]
        evil.socket.transport.pause_reading()
        silent.socket.transport.pause_reading()
        for number in range(10):
            big = call(f"t{number}")
            big.parameters["command"] = "x" * 500_000
            await edge.decide(session_id, big)

        assert await innocent_lives(edge)
        for peer in (evil, silent):
            peer.socket.transport.abort()
