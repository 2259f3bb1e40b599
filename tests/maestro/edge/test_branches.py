"""Going back and branching off over REST."""

import asyncio

from maestro.domain.events import RunEnded
from tests.maestro.edge.stage import Stage


async def _ended(edge: Stage) -> tuple[str, int]:
    """A session whose one turn has ended, and where."""
    async with edge.connect() as executor:
        session_id: str = (await executor.handshake())["payload"]["session_id"]
        await edge.decide(session_id, RunEnded(3, 1, "success", "completed"))
        await executor.until("run_finished")
    while await edge.stepped.get() and "executor_lost" not in await edge.kinds(session_id):
        pass
    return session_id, 4


async def test_a_session_is_forked_and_taken_back(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.http() as client:
        session_id, end = await _ended(edge)
        path = f"/api/v1/sessions/{session_id}"

        forked = await client.post(f"{path}/fork", json={"at_seq": end + 1, "id": "f"})
        again = await client.post(f"{path}/fork", json={"at_seq": end + 1, "id": "f"})
        rewound = await client.post(f"{path}/rewind", json={"to_seq": 0})
        shown = (await client.get(path)).json()

    assert (forked.status_code, forked.json()) == (201, again.json())
    assert forked.json()["at_seq"] == end
    assert forked.json()["session_id"] != session_id
    assert (rewound.status_code, rewound.json()) == (
        200,
        {"session_id": session_id, "at_seq": 0, "head": end + 2},
    )
    assert shown["events"][-1]["payload"] == {"kind": "rewound", "detail": "to 0"}
    assert shown["status"] == "idle"


async def test_a_session_with_an_open_run_is_not_taken_back(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.http() as client, edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]

        refused = await client.post(f"/api/v1/sessions/{session_id}/rewind", json={"to_seq": 0})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "run_open")


async def test_another_owners_session_is_not_there(edge: Stage) -> None:
    other = await edge.ledger.accounts.create("somebody else")
    async with asyncio.timeout(20), edge.http(other) as client:
        session_id, _ = await _ended(edge)
        path = f"/api/v1/sessions/{session_id}"
        answers = [
            await client.post(f"{path}/rewind", json={"to_seq": 0}),
            await client.post(f"{path}/fork", json={"at_seq": 9}),
            await client.post(f"/api/v1/sessions/{'0' * 32}/fork", json={"at_seq": 9}),
        ]

    assert {(each.status_code, each.json()["error"]["code"]) for each in answers} == {
        (404, "no_such_session")
    }
    assert len(await edge.ledger.list_sessions("somebody else")) == 0


async def test_a_seq_that_is_none_is_refused_with_its_name(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.http() as client:
        path = f"/api/v1/sessions/{'0' * 32}/rewind"
        refused = await client.post(path, json={"to_seq": -1})

    assert refused.status_code == 400
    assert "to_seq" in refused.text
