"""`codegen sessions`: the sessions that this machine or a maestro knows.

Lists from the journals here; content comes from the maestro.
"""

import os
import sys
import time
from typing import Any, cast

from executor.cli.history import BASE, events_of, named, path_of
from executor.cli.placing import here, maestro
from executor.cli.rest import ask
from executor.errors import ServerRefused
from executor.journal import delete_journal, find_journal, journals
from executor.snapshots.note import without_note
from executor.view.safe_text import safe_line, safe_text
from protocol.version import BOOTSTRAP_GENERATION


def list_local(*, everywhere: bool) -> int:
    """A line each, the last used first."""
    heads = journals(here().state, cwd=None if everywhere else os.path.realpath(os.curdir))
    if not heads:
        where = "on this machine" if everywhere else "of this directory (--all: of all)"
        sys.stderr.write(f"there are no sessions {where}\n")
    for head in heads:
        place = f"  {safe_line(head.cwd, 40)}" if everywhere else ""
        _line(head.name, head.last_used, f"{safe_line(head.title, 60)}{place}")
    return 0


def list_remote(server: str, token: str | None) -> int:
    for session in ask(maestro(server, token), "GET", BASE)["sessions"]:
        title = f"{session['status']:<10} {safe_line(session['title'], 60)}"
        _line(session["session_id"], session["updated_at"], title)
    return 0


def show(session: str | None, server: str | None, token: str | None) -> int:
    """The conversation, each call with what became of it."""
    endpoint = maestro(server, token)
    session_id = named(session, here(), os.path.realpath(os.curdir))
    asked: dict[str, str] = {}
    for event in events_of(endpoint, session_id):
        _show(event, asked)
    for title in asked.values():
        _paragraph("", f"  {title}  (no answer yet)", gap=False)
    return 0


def delete(session: str, server: str | None, token: str | None) -> int:
    session_id = named(session, here(), os.path.realpath(os.curdir))
    known = find_journal(here().state, session_id)
    try:
        ask(maestro(server, token), "DELETE", path_of(session_id))
    except ServerRefused:
        if known is None:
            raise
        sys.stderr.write("the maestro has no such session; its journal here is deleted\n")
    if known is not None:
        delete_journal(here().state, known.journal_id)
    sys.stdout.write(f"deleted {session_id}\n")
    return 0


def _show(event: dict[str, Any], asked: dict[str, str]) -> None:
    """`asked` holds the calls without an answer so far, by tool_id."""
    payload = event["payload"]
    match event["type"]:
        case "user_message":
            _paragraph("> ", without_note(payload["content"]))
        case "agent_message":
            _paragraph("", payload["content"])
        case "run_tool" if payload["generation_id"] != BOOTSTRAP_GENERATION:
            words = " ".join(map(_in_words, payload["parameters"].values()))
            asked[payload["tool_id"]] = f"{payload['tool_name']} {safe_line(words, 100)}"
        case "tool_result" if payload["tool_id"] in asked:
            title = asked.pop(payload["tool_id"])
            _paragraph("", f"  {title}  {_how_it_ended(payload)}", gap=False)
        case "run_finished":
            for title in asked.values():
                _paragraph("", f"  {title}  (no answer)", gap=False)
            asked.clear()
            end = f"{payload['outcome']} ({payload['reason']})"
            _paragraph("", f"-- {end}, row {event['seq']}")
        case "session_event" if payload["kind"] == "rewound":
            _paragraph("", f"-- taken back {payload['detail']}")
        case "session_event" if payload["kind"] == "forked":
            _paragraph("", f"-- forked from {safe_line(payload['detail'], 40)}")
        case _:
            pass  # numbers and states: the conversation is what is asked for


def _in_words(value: object) -> str:
    return " ".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)


def _how_it_ended(payload: dict[str, Any]) -> str:
    code = payload.get("metadata", {}).get("exit_code")
    return f"{payload['status']}, exit {code}" if code else str(payload["status"])


def _paragraph(mark: str, text: str, *, gap: bool = True) -> None:
    for line in safe_text(text).splitlines():
        sys.stdout.write(f"{mark}{line}\n")
    if gap:
        sys.stdout.write("\n")


def _line(session_id: str, used: float, rest: str) -> None:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(used))
    sys.stdout.write(f"{session_id}  {when}  {rest}\n")
