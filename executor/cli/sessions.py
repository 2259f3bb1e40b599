"""`codegen sessions`: the sessions that this machine or a maestro knows.

Lists from the journals here; content comes from the maestro.
"""

import os
import sys
import time
import urllib.parse
from typing import Any

from executor.cli.placing import here, maestro
from executor.cli.rest import ask
from executor.errors import ServerRefused
from executor.journal import delete_journal, find_journal, journals
from executor.view.safe_text import safe_line, safe_text

BASE = "/api/v1/sessions"


def list_local(*, everywhere: bool) -> int:
    """A line each, the last used first."""
    heads = journals(here().state, cwd=None if everywhere else os.path.realpath(os.curdir))
    if not heads:
        where = "on this machine" if everywhere else "of this directory (--all: of all)"
        sys.stderr.write(f"there are no sessions {where}\n")
    for head in heads:
        place = f"  {safe_line(head.cwd, 40)}" if everywhere else ""
        _line(head.session_id, head.last_used, f"{safe_line(head.title, 60)}{place}")
    return 0


def list_remote(server: str, token: str | None) -> int:
    for session in ask(maestro(server, token), "GET", BASE)["sessions"]:
        title = f"{session['status']:<10} {safe_line(session['title'], 60)}"
        _line(session["session_id"], session["updated_at"], title)
    return 0


def show(session_id: str, server: str | None, token: str | None) -> int:
    """The conversation, call by call."""
    endpoint = maestro(server, token)
    after = 0
    while True:
        page = ask(endpoint, "GET", f"{_path(session_id)}?after={after}")
        for event in page["events"]:
            after = event["seq"]
            _show(event["type"], event["payload"])
        if not page["events"] or after >= page["head"]:
            return 0


def delete(session_id: str, server: str | None, token: str | None) -> int:
    known = find_journal(here().state, session_id)
    try:
        ask(maestro(server, token), "DELETE", _path(session_id))
    except ServerRefused:
        if known is None:
            raise
        sys.stderr.write("the maestro has no such session; its journal here is deleted\n")
    if known is not None:
        delete_journal(here().state, known.journal_id)
    sys.stdout.write(f"deleted {session_id}\n")
    return 0


def _path(session_id: str) -> str:
    return f"{BASE}/{urllib.parse.quote(session_id, safe='')}"


def _show(kind: str, payload: dict[str, Any]) -> None:
    match kind:
        case "user_message":
            _paragraph("> ", payload["content"])
        case "agent_message":
            _paragraph("", payload["content"])
        case "run_tool":
            words = " ".join(str(value) for value in payload["parameters"].values())
            _paragraph("", f"  {payload['tool_name']} {safe_line(words, 100)}", gap=False)
        case "tool_result":
            _paragraph("", f"    {payload['status']}", gap=False)
        case "run_finished":
            _paragraph("", f"-- {payload['outcome']} ({payload['reason']})")
        case _:
            pass  # numbers and states: the conversation is what is asked for


def _paragraph(mark: str, text: str, *, gap: bool = True) -> None:
    for line in safe_text(text).splitlines():
        sys.stdout.write(f"{mark}{line}\n")
    if gap:
        sys.stdout.write("\n")


def _line(session_id: str, used: float, rest: str) -> None:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(used))
    sys.stdout.write(f"{session_id}  {when}  {rest}\n")
