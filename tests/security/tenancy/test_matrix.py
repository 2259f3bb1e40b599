"""Every door and every message, knocked on by everybody who has no business there."""

import asyncio
from typing import Any

import pytest

from tests.maestro.edge.stage import Peer, Stage, handshake, result
from tests.maestro.edge.test_gate import doors
from tests.requirements import covers
from tests.security.tenancy.people import CANARY, People, answer, peopled

ABSENT = "f" * 32
_BODIES: dict[str, Any] = {
    "messages": {"content": "hello", "id": "m1"},
    "interrupt": {"id": "i1"},
    "rewind": {"to_seq": 0, "id": "r1"},
    "fork": {"at_seq": 3, "id": "f1"},
}


def body(path: str) -> dict[str, Any]:
    wanted = _BODIES.get(path.rpartition("/")[2])
    return {} if wanted is None else {"json": wanted}


def doors_of_sessions(edge: Stage) -> list[tuple[str, str]]:
    """With `s1` for the session's id."""
    return [(method, path) for method, path in doors(edge) if "/s1" in path]


@covers("R-TENANT-1")
async def test_what_is_anothers_answers_as_what_is_not_there(edge: Stage) -> None:
    async with asyncio.timeout(30):
        people = await peopled(edge)
        grace = people.strangers["another user"]
        knocked = doors_of_sessions(edge)
        for method, path in knocked:
            adas, absent = (path.replace("s1", id_) for id_ in (people.session_id, ABSENT))
            theirs = await answer(edge, grace, method, adas, **body(path))

            assert theirs == await answer(edge, grace, method, absent, **body(path))
            assert (theirs[0], CANARY in theirs[1]) == (404, False), (method, path)
        assert len(knocked) >= 6
        assert (await answer(edge, people.ada, "GET", f"/api/v1/sessions/{people.session_id}"))[
            0
        ] == 200


@covers("R-TENANT-1")
async def test_without_a_valid_key_every_door_is_closed_alike(edge: Stage) -> None:
    async with asyncio.timeout(30):
        people = await peopled(edge)
        for who in ("revoked", "expired", "none"):
            for method, path in doors(edge):
                if path in ("/health", "/ready"):
                    continue
                mine = path.replace("s1", people.session_id)
                status, said = await answer(edge, people.strangers[who], method, mine, **body(path))

                assert (status, CANARY in said) == (401, False), (who, method, path)


async def test_a_list_holds_ones_own(edge: Stage) -> None:
    async with asyncio.timeout(10):
        people = await peopled(edge)

        status, said = await answer(
            edge, people.strangers["another user"], "GET", "/api/v1/sessions"
        )

    assert (status, said) == (200, '{"sessions":[]}')


async def said_to(edge: Stage, people: People, session_id: str, journal_id: str) -> Any:
    """What Grace is told when she resumes this session, and the close code."""
    resume = {"session_id": session_id, "last_seq": 0, "take_over": True}
    async with edge.connect(token=people.strangers["another user"]) as executor:
        await executor.send("handshake", handshake(resume=resume, journal_id=journal_id))
        return await executor.receive(), await executor.closed()


@covers("R-TENANT-1")
@pytest.mark.parametrize("journal_id", ["journal-of-ada", "journal-of-grace"])
async def test_anothers_session_is_resumed_by_nobody_else(edge: Stage, journal_id: str) -> None:
    async with asyncio.timeout(10):
        people = await peopled(edge)

        adas = await said_to(edge, people, people.session_id, journal_id)

        assert adas == await said_to(edge, people, ABSENT, journal_id)
        assert adas[0]["payload"]["code"] == "resume_refused"
        loaded = await edge.ledger.load(people.session_id)
        assert loaded is not None
        assert loaded.row.epoch == 1


@covers("R-TENANT-1")
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("tool_result", {"status": "success", "result": "forged", "generation_id": "1-1-1"}),
        ("tool_progress", {"state": "started"}),
        ("tool_progress", {"state": "asking"}),
    ],
)
async def test_anothers_call_is_an_unknown_one(
    edge: Stage, kind: str, fields: dict[str, Any]
) -> None:
    async with asyncio.timeout(10):
        people = await peopled(edge)
        async with edge.connect(token=people.strangers["another user"]) as executor:
            await executor.handshake(journal_id="journal-of-grace")
            answers: list[Any] = []
            for tool_id in (people.tool_id, "t-absent"):
                await executor.send(kind, {"tool_id": tool_id, **fields})
                told = await executor.until("error")
                answers.append({**told["payload"], "tool_id": ""})

    assert answers[0] == answers[1]
    assert answers[0]["code"] == "unknown_call"
    assert {"tool_answered", "call_waiting"}.isdisjoint(await edge.kinds(people.session_id))


async def test_live_text_of_one_person_reaches_nobody_else(edge: Stage) -> None:
    async with asyncio.timeout(10):
        people = await peopled(edge)
        async with (
            edge.connect(token=people.strangers["another user"]) as grace,
            edge.connect(token=people.ada) as ada,
        ):
            await grace.handshake(journal_id="journal-of-grace")
            resume = {"session_id": people.session_id, "last_seq": 0}
            await ada.handshake(resume=resume, journal_id="journal-of-ada")
            await ada.send("tool_output_delta", _output(people.tool_id))
            await ada.send("tool_result", result(people.tool_id, result=CANARY))
            await ada.until("accepted")
            await grace.send("tool_output_delta", _output(people.tool_id))
            await grace.send("interrupt", {}, id="last")

            assert CANARY not in str(await _until_accepted(grace))


def _output(tool_id: str) -> dict[str, Any]:
    return {"tool_id": tool_id, "index": 0, "stream": "stdout", "content": CANARY}


async def _until_accepted(peer: Peer) -> list[Any]:
    frames = [await peer.receive()]
    while frames[-1]["type"] != "accepted":
        frames.append(await peer.receive())
    return frames
