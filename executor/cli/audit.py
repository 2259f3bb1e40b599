"""`codegen audit`: what maestros ordered on this machine, and whether the record of it is whole.

Reads the logs; what they say can't drive the terminal.
"""

import json
import sys
import time
from typing import Any

from executor.audit.checking import audit_files, checked, records
from executor.cli.placing import here
from executor.errors import UsageError
from executor.view.safe_text import safe_line


def show(session: str | None, *, as_json: bool) -> int:
    """The lines of one log, the last one's without a name."""
    files = audit_files(here().state, session)
    if not files:
        raise UsageError("there is no audit log: nothing was ordered on this machine yet")
    for record in records(files[-1]):
        line = json.dumps(record) if as_json else _line(record)
        sys.stdout.write(f"{line}\n")
    return 0


def verify(session: str | None) -> int:
    """A line for each log; 1 where one is not what was written."""
    broken = False
    for file in audit_files(here().state, session):
        found = checked(file)
        broken = broken or bool(found.problem)
        state = f"BROKEN: {found.problem}" if found.problem else "whole"
        note = f" ({found.note})" if found.note else ""
        sys.stdout.write(
            f"{safe_line(found.session, 40)}  {found.end.n:>6} lines  {state}{note}"
            f"  {found.end.digest}\n"
        )
    return int(broken)


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
        case _:
            words = ", ".join(f"{key} {record[key]}" for key in ("cwd", "server") if key in record)
    name = f"{record.get('what'):<9} {record.get('tool_id', '')}"
    return safe_line(f"{when}  {name}  {words}", 400)
