"""Read-only viewers of a session, beside its executor."""

import asyncio
from pathlib import Path

from tests.interaction.test_users_contract import answer_bootstrap, start
from tests.interaction.world import frames_until, world
from tests.maestro.edge.stage import Json
from tests.requirements import covers
from tests.scripted_model import call, calls, held, text


def durable(frames: list[Json]) -> list[Json]:
    return [frame for frame in frames if "seq" in frame]


@covers("R-WATCH-1", "R-WATCH-2")
async def test_two_viewers_see_the_same_gapless_stream_as_the_executor_from_any_seq(
    tmp_path: Path,
) -> None:
    script = [
        calls(call("ReadFile", file_path="a"), call("Shell", command="ls"), say="I look."),
        held(text("All ", "is ", "well."), "go"),
    ]
    async with world(tmp_path, script) as here, here.connected() as peer:
        session_id = (await start(peer))["payload"]["session_id"]
        from_the_start = asyncio.create_task(here.watched(session_id))
        bootstrap = await answer_bootstrap(peer)
        asked = [await peer.until("run_tool") for _ in range(2)]
        for frame in asked:
            await peer.send(
                "tool_result",
                {
                    "tool_id": frame["payload"]["tool_id"],
                    "status": "success",
                    "result": "seen",
                    "generation_id": frame["payload"]["generation_id"],
                },
            )
        await here.model.requested(2)
        from_a_seq = asyncio.create_task(here.watched(session_id, after=asked[0]["seq"]))
        here.model.open("go")
        finished = await frames_until(peer, "run_finished")
        whole, part = durable(await from_the_start), durable(await from_a_seq)
        again = durable(await here.watched(session_id))

    assert [frame["seq"] for frame in whole] == list(range(1, len(whole) + 1))
    assert again == whole
    assert part == [frame for frame in whole if frame["seq"] > asked[0]["seq"]]
    by_seq = {frame["seq"]: frame for frame in whole}
    executors = durable([*bootstrap, *asked, *finished])
    assert [by_seq[frame["seq"]] for frame in executors] == executors


@covers("R-WATCH-3")
async def test_a_viewer_sees_live_text_in_order_while_it_is_written(tmp_path: Path) -> None:
    script = [held(text("One ", "two ", "three."), "go", after=1)]
    async with world(tmp_path, script) as here, here.connected() as peer:
        session_id = (await start(peer, known_tools=[]))["payload"]["session_id"]
        await here.model.requested(1)
        path = f"/ws/v1/sessions/{session_id}/watch?after=0"
        async with here.connected(path) as viewer:
            await viewer.until("user_message")
            here.model.open("go")
            frames = await frames_until(viewer, "run_finished")

    deltas = [frame["payload"] for frame in frames if frame["type"] == "agent_message_delta"]
    assert "".join(delta["content"] for delta in deltas) == "One two three."
    indices = [delta.get("index", 0) for delta in deltas]
    assert indices == sorted(indices)


@covers("R-REST-1")
async def test_rest_lists_shows_interrupts_and_deletes_a_session(tmp_path: Path) -> None:
    script = [held(text("never"), "go")]
    async with world(tmp_path, script) as here, here.connected() as peer:
        session_id = (await start(peer, known_tools=[]))["payload"]["session_id"]
        await here.model.requested(1)
        (listed,) = (await here.rest("GET", ""))["sessions"]
        await here.rest("POST", f"/{session_id}/interrupt")
        finished = await peer.until("run_finished")
        shown = await here.rest("GET", f"/{session_id}")
        await here.rest("DELETE", f"/{session_id}")
        left = await here.rest("GET", "")

    assert (listed["session_id"], listed["title"]) == (session_id, "crie um endpoint REST")
    assert finished["payload"]["reason"] == "interrupted"
    assert [event["seq"] for event in shown["events"]] == list(range(1, shown["head"] + 1))
    assert left["sessions"] == []
