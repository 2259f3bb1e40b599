"""`codegen audit`: what maestros ordered on this machine, and whether the record of it is whole.

Reads the logs; what they say can't drive the terminal.
"""

import json
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

from executor.audit import KEPT
from executor.audit.checking import audit_files, checked, records
from executor.cli.placing import here
from executor.errors import UsageError
from executor.view.safe_text import safe_line


def show(session: str | None, *, as_json: bool) -> int:
    """The lines of one log, the last session's without a name, and of what it left at work."""
    files = audit_files(here().state, session)
    if session is None:
        files = [file for file in files if not file.stem.startswith(KEPT)]
    if not files:
        raise UsageError("there is no audit log: nothing was ordered on this machine yet")
    for file in (files[-1], *_kept_of(files[-1].stem)):
        for record in records(file):
            line = json.dumps(record) if as_json else _line(record)
            sys.stdout.write(f"{line}\n")
    return 0


def verify(session: str | None) -> int:
    """A line for each log; 1 where one is not what was written."""
    broken = False
    files = audit_files(here().state, session)
    if not files:
        sys.stderr.write("there is no audit log yet: nothing was ordered on this machine\n")
    for file in files:
        found = checked(file)
        broken = broken or bool(found.problem)
        state = f"BROKEN: {found.problem}" if found.problem else "whole"
        note = f" ({found.note})" if found.note else ""
        sys.stdout.write(
            f"{safe_line(found.session, 40)}  {found.end.n:>6} lines  {state}{note}"
            f"  {found.end.digest}\n"
        )
    return int(broken)


def _kept_of(session: str) -> list[Path]:
    """The logs of those commands of the session that outlived it."""
    kept = (file for file in audit_files(here().state) if file.stem.startswith(KEPT))
    return [file for file in kept if _begins_with(file, "of_session", session)]


def _begins_with(file: Path, key: str, value: str) -> bool:
    """The log's first line says so."""
    return any(record.get(key) == value for record in islice(records(file), 1))


def _line(record: dict[str, Any]) -> str:
    at = record.get("at")
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at if isinstance(at, float) else 0))
    match record.get("what"):
        case "order":
            words = f"{record.get('tool')} {json.dumps(record.get('parameters'))}"
        case "decision":
            words = f"{record.get('verdict')} by {record.get('by')}: {record.get('why')}"
        case "result":
            words = f"{record.get('status')}, {record.get('bytes')} bytes"
        case "network":
            words = f"{record.get('verdict')} {record.get('host')}:{record.get('port')}"
        case "opened" if "kept" in record:
            words = f"kept {record['kept']}, of session {record.get('of_session')}"
        case _:
            words = ", ".join(f"{key} {record[key]}" for key in ("cwd", "server") if key in record)
    name = f"{record.get('what'):<9} {record.get('tool_id', '')}"
    return safe_line(f"{when}  {name}  {words}", 400)
