"""A session's rows as its user has them: turns, of which some were taken back.

Asks the maestro; shows nothing.
"""

import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from executor.cli.rest import ask
from executor.errors import UsageError
from executor.journal import journals
from executor.link import Endpoint
from executor.settings import Folders
from executor.snapshots.note import without_note

BASE = "/api/v1/sessions"
PREFIX_MIN = 4
"""Characters of a session's id that may stand for the whole."""


class Turn(msgspec.Struct):
    """From what the user said to the end of the run that it opened."""

    said: str
    end_seq: int | None = None
    """None while the run is open."""
    tool_ids: list[str] = msgspec.field(default_factory=list[str])


def path_of(session_id: str) -> str:
    return f"{BASE}/{urllib.parse.quote(session_id, safe='')}"


def events_of(endpoint: Endpoint, session_id: str) -> Iterator[dict[str, Any]]:
    """Every row as its watcher's frame, page by page."""
    after = 0
    while True:
        page = ask(endpoint, "GET", f"{path_of(session_id)}?after={after}")
        for event in page["events"]:
            after = event["seq"]
            yield event
        if not page["events"] or after >= page["head"]:
            return


def standing_turns(events: Iterable[dict[str, Any]]) -> list[Turn]:
    """The turns that the model knows: those that were taken back are left out."""
    turns: list[Turn] = []
    for event in events:
        payload = event["payload"]
        match event["type"]:
            case "user_message":
                if not turns or turns[-1].end_seq is not None:
                    turns.append(Turn(without_note(payload["content"])))
            case "run_tool" if turns:
                turns[-1].tool_ids.append(payload["tool_id"])
            case "run_finished" if turns:
                turns[-1].end_seq = event["seq"]
            case "session_event" if payload["kind"] == "rewound":
                to_seq = int(payload["detail"].rpartition(" ")[2])
                turns = [turn for turn in turns if turn.end_seq and turn.end_seq <= to_seq]
            case _:
                pass
    return turns


def named(session: str | None, places: Folders, cwd: str) -> str:
    """The id of the session that was named: whole, by its first characters, or the last here."""
    if session is None or session == "last":
        here = (head.session_id for head in journals(places.state, cwd=cwd))
        last = next(filter(None, here), None)
        if last is None:
            raise UsageError(f"there is no session of {cwd}; see codegen sessions list --all")
        return last
    known = {head.session_id for head in journals(places.state) if head.session_id is not None}
    near = sorted(each for each in known if each.startswith(session))
    if session in known or len(session) < PREFIX_MIN or not near:
        return session
    if len(near) > 1:
        raise UsageError(f"{session} is the beginning of {len(near)} sessions: give more of it")
    return near[0]
