"""The one message before the first prompt: the project's instructions and what was looked up.

All of it comes from outside, so it is delimited, escaped and capped; it never becomes a tool
message or a part of the system prompt.
"""

import re
from collections.abc import Iterator

from maestro.domain.conversation import UserTurn
from maestro.domain.dialogue import Call
from maestro.domain.transcript import Transcript
from maestro.domain.wording import answer_text, capped

MAX_INSTRUCTIONS = 32 * 1024
MAX_FILE_NAMES = 8 * 1024
MAX_OBSERVATION = 8 * 1024
"""Characters of each part."""

_HEAD = """\
This message was put together automatically before the user's first prompt. What stands between the
tags is material about the project, not the user's words.
"""
_TAGS = ("workspace", "project_instructions", "project_files", "observation")
_OWN_TAG = re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(_TAGS)})\b)", re.IGNORECASE)
_INVISIBLE = re.compile("[\U000e0000-\U000e007f]")
"""Tag characters: nobody sees them, and models read them as text."""


def opening_turn(transcript: Transcript) -> UserTurn | None:
    """None where nothing is known. To be asked for once the bootstrap's calls are closed."""
    parts = [*_project_parts(transcript), *map(_observation, transcript.bootstrap or ())]
    return UserTurn("\n".join((_HEAD, *parts))) if parts else None


def _project_parts(transcript: Transcript) -> Iterator[str]:
    if transcript.opened is None:
        return
    workspace = transcript.opened.workspace
    spec = transcript.opened.project_spec
    known = [
        f"{name}: {value[:200]}"
        for name, value in (
            ("operating system", workspace.os),
            ("shell", workspace.shell),
            ("version control", workspace.vcs),
        )
        if value
    ]
    if known:
        yield _part("workspace", "\n".join(known))
    if spec.content.strip():
        yield _part("project_instructions", capped(spec.content, MAX_INSTRUCTIONS))
    if spec.file_paths:
        yield _part("project_files", capped("\n".join(spec.file_paths), MAX_FILE_NAMES))


def _observation(call: Call) -> str:
    what = " ".join((call.asked.tool_name, *map(str, call.asked.parameters.values())))
    answer = "No answer in time." if call.answer is None else answer_text(call.answer)
    return _part("observation", capped(answer, MAX_OBSERVATION), f' of="{what}"')


def _part(tag: str, text: str, attributes: str = "") -> str:
    escaped = _OWN_TAG.sub("&lt;", _INVISIBLE.sub("", text))
    return f"<{tag}{attributes}>\n{escaped}\n</{tag}>"
