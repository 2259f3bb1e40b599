"""Recordings: written by one run, by hand, read back, and refused."""

import asyncio
import stat
from pathlib import Path

import pytest

from maestro.domain.conversation import (
    AssistantTurn,
    ModelCall,
    ReasoningDelta,
    Reply,
    ReplyPart,
    Retrying,
    TextDelta,
    ToolTurn,
    Turn,
    UserTurn,
)
from maestro.errors import SettingsError
from maestro.llm.replay import RecordingModel, ReplayModel
from protocol.wire import Usage
from tests.maestro.llm.asking import asking, failure_of, parts_from, reply_from
from tests.maestro.llm.scripted_parts import ScriptedParts

BY_HAND = """\
{"recording": 1}

{"reasoning": "hm", "text": "I test.", "calls": [{"name": "Shell", "arguments": {"command": "ls"}}]}
{"text": "All of them pass.", "after": "tool"}
"""
CALL = ModelCall("x", "Shell", '{"command":"pytest"}')
AFTER_CALL: tuple[Turn, ...] = (
    UserTurn("fix it"),
    AssistantTurn("", (CALL,)),
    ToolTurn("x", "Shell", "1 passed"),
)


def _file(folder: Path, text: str) -> Path:
    path = folder / "session.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def _shown(parts: list[ReplyPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


async def test_a_recording_by_hand_answers_by_the_place_in_the_conversation(
    tmp_path: Path,
) -> None:
    model = ReplayModel(_file(tmp_path, BY_HAND), longest_pause=0)

    first = await parts_from(model, asking(UserTurn("fix it")))
    second = await parts_from(model, asking(*AFTER_CALL))

    assert first[0] == ReasoningDelta("hm")
    assert _shown(first) == "I test."
    assert first[-1] == Reply(
        "I test.",
        calls=(ModelCall("call_0_0", "Shell", '{"command":"ls"}'),),
        finish="calls",
        reasoning="hm",
        model=model.name,
    )
    assert second[-1] == Reply("All of them pass.", model=model.name)


async def test_a_conversation_beyond_the_recording_is_told_so(tmp_path: Path) -> None:
    model = ReplayModel(_file(tmp_path, BY_HAND), longest_pause=0)

    _, failed = await failure_of(model, asking(*AFTER_CALL, AssistantTurn("ok"), UserTurn("more")))

    assert failed.kind == "bad_request"
    assert failed.message.endswith(
        "session.jsonl holds 2 replies, and the conversation asks for one more"
    )


async def test_a_conversation_that_went_another_way_is_told_so(tmp_path: Path) -> None:
    model = ReplayModel(_file(tmp_path, BY_HAND), longest_pause=0)

    _, failed = await failure_of(model, asking(*AFTER_CALL, UserTurn("stop")))

    assert failed.message.endswith("reply 2 answers a tool message, and this is a user one")


async def test_what_is_recorded_plays_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    usage = Usage(input_tokens=5, output_tokens=2)
    first = (
        TextDelta("void"),
        Retrying("broken", 2, 0.0),
        ReasoningDelta("hm"),
        TextDelta("I "),
        TextDelta("look"),
        Reply("I look", (CALL, ModelCall("y", "Shell", "{broken")), "calls", usage, "hm", "gpt"),
    )
    second = (TextDelta("done"), Reply("done", model="gpt"))
    recorder = RecordingModel(ScriptedParts(first, second), path)
    requests = [asking(UserTurn("fix it")), asking(*AFTER_CALL)]
    for request in requests:
        await parts_from(recorder, request)
    await recorder.close()

    replay = ReplayModel(path, longest_pause=0.001)

    assert [await parts_from(replay, request) for request in requests] == [
        [
            ReasoningDelta("hm"),
            TextDelta("I "),
            TextDelta("look"),
            Reply(
                "I look",
                (
                    ModelCall("call_0_0", "Shell", '{"command":"pytest"}'),
                    ModelCall("call_0_1", "Shell", "{broken"),
                ),
                "calls",
                usage,
                "hm",
                "gpt",
            ),
        ],
        [*second],
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_recording_goes_on_after_a_restart_and_begins_anew_with_a_conversation(
    tmp_path: Path,
) -> None:
    path = tmp_path / "session.jsonl"
    for request, text in (
        (asking(UserTurn("one")), "first"),
        (asking(*AFTER_CALL), "made again below"),
        (asking(*AFTER_CALL), "second"),
    ):
        recorder = RecordingModel(ScriptedParts([Reply(text)]), path)
        await parts_from(recorder, request)
        await recorder.close()
    replay = ReplayModel(path)
    assert (await reply_from(replay, asking(UserTurn("one")))).text == "first"
    assert (await reply_from(replay, asking(*AFTER_CALL))).text == "second"

    recorder = RecordingModel(ScriptedParts([Reply("other")]), path)
    await parts_from(recorder, asking(UserTurn("two")))
    await recorder.close()

    _, failed = await failure_of(ReplayModel(path), asking(*AFTER_CALL))
    assert "holds 1 replies" in failed.message


async def test_a_pause_is_never_longer_than_the_cap(tmp_path: Path) -> None:
    slow = '{"recording":1}\n{"text":"ab","pace":[[60000,"text",1],[60000,"text",1]]}\n'
    model = ReplayModel(_file(tmp_path, slow), longest_pause=0.01)

    async with asyncio.timeout(20):
        assert _shown(await parts_from(model)) == "ab"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ": no replies are recorded in it"),
        ('{"recording": 1}\n', ": no replies are recorded in it"),
        ('{"text": "a"}\n', ', line 1: the first line must be {"recording": 1}'),
        ('{"recording": 2}\n', ", line 1: recording version 2; this program reads 1"),
        ('{"recording": 1}\n\n{"text": 7}\n', ", line 3: Expected `str`, got `int` - at `$.text`"),
        ('{"recording": 1}\n{"txt": "a"}\n', ", line 2: Object contains unknown field `txt`"),
        ('{"recording": 1}\n{"at": 1}\n', ", line 2: a reply at 1, but only 0 before it"),
        ('{"recording": 1}\n{"text": "a"\n', ", line 2: Input data was truncated"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        ReplayModel(path)

    assert str(caught.value) == f"{path}{words}"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.jsonl: No such file or directory"):
        ReplayModel(tmp_path / "none.jsonl")


def test_a_recording_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(SettingsError, match="cannot record to"):
        RecordingModel(ScriptedParts(), tmp_path / "link")

    assert not (tmp_path / "target").exists()
