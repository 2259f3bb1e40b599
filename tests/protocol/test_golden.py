"""Every message has its golden frame, and the frame is the file byte for byte."""

import json
from typing import Any, get_args

import pytest

from protocol.codec import decode_from_executor, decode_from_maestro, encode
from protocol.from_executor import FromExecutor
from protocol.from_maestro import FromMaestro
from protocol.version import MAX_FRAME_TO_MAESTRO
from protocol.wire import Frame
from tests.protocol.golden import ALL, FOLDER, FROM_EXECUTOR, FROM_MAESTRO, text_of
from tests.requirements import covers

_DECODE = {"from_executor": decode_from_executor, "from_maestro": decode_from_maestro}
_IDS = [f"{direction}-{name}" for direction, name, _ in ALL]

USERS_HANDSHAKE = (
    '{"type":"handshake","payload":{"client_type":"cli","initial_prompt":"crie um endpoint REST",'
    '"known_tools":["Shell","ReadFile","WriteFile","Edit"],"custom_tools":[],'
    '"project_spec":{"content":"...","file_paths":["src/","package.json"]}}}'
)


@pytest.mark.parametrize(("direction", "name", "frame"), ALL, ids=_IDS)
def test_a_golden_frame_is_what_its_file_says(direction: str, name: str, frame: Frame[Any]) -> None:
    text = text_of(direction, name)

    assert _DECODE[direction](text, max_bytes=MAX_FRAME_TO_MAESTRO) == frame
    assert encode(frame).decode() == text


def test_every_message_of_both_directions_has_a_golden_frame() -> None:
    assert {type(frame.message) for frame in FROM_EXECUTOR.values()} == set(get_args(FromExecutor))
    assert {type(frame.message) for frame in FROM_MAESTRO.values()} == set(get_args(FromMaestro))


def test_no_golden_file_is_left_over() -> None:
    files = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*")}

    assert files == {(direction, name) for direction, name, _ in ALL}


@covers("R-WIRE-13")
def test_the_handshake_of_the_fixed_contract_is_written_as_its_author_wrote_it() -> None:
    assert text_of("from_executor", "handshake") == USERS_HANDSHAKE


@covers("R-WIRE-13")
@pytest.mark.parametrize(
    ("direction", "name", "fields"),
    [
        ("from_executor", "tool_result", ["tool_id", "status", "result", "generation_id"]),
        ("from_maestro", "run_tool", ["tool_name", "tool_id", "generation_id", "parameters"]),
        ("from_maestro", "agent_message_delta", ["generation_id", "content"]),
    ],
)
def test_a_fixed_frame_has_exactly_its_fixed_fields(
    direction: str, name: str, fields: list[str]
) -> None:
    frame = json.loads(text_of(direction, name))

    assert list(frame) == ["type", "payload"]
    assert list(frame["payload"]) == fields
